package tokenomicstest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// outcome is all that an execution does, as it can be seen afterwards.
type outcome struct {
	states    []tokenomics.ProposalState
	version   int64 // of the parameters
	quorum    int
	paid      tokenomics.Amount
	treasury  tokenomics.Amount
	movements int // that say that something was executed
}

// after reads an outcome on a server of its own, which knows only what is committed.
func after(t *testing.T, b *bench, proposals []tokenomics.ProposalID) (o outcome) {
	t.Helper()
	ledger := b.server(t, "reader", quick)
	for _, id := range proposals {
		p, err := ledger.Proposal(t.Context(), id)
		require.NoError(t, err)
		o.states = append(o.states, p.State)
	}
	parameters, err := ledger.Parameters(t.Context())
	require.NoError(t, err)
	o.version = parameters.Version()
	o.quorum, _ = tokenomics.Get[int](parameters, "governance.quorum")
	o.paid, _ = balance(t, ledger, "lab")
	o.treasury, _ = balance(t, ledger, tokenomics.Treasury)
	require.NoError(t, b.Store.Snapshot(t.Context(), func(m tokenomics.Moment) error {
		return m.Movements(t.Context(), 0, 1000, func(movement *tokenomics.Movement, _ []byte) error {
			if movement.Op == tokenomics.OpExecute {
				o.movements++
			}
			return nil
		})
	}))
	sound(t, ledger)
	return o
}

// queued makes a proposal that changes a parameter and one that pays, and takes both to where they can be executed.
func queued(t *testing.T, b *bench) []tokenomics.ProposalID {
	t.Helper()
	ledger := b.server(t, "quiet", quick)
	pay(t, ledger, 20*fog, "ann", tokenomics.Treasury)
	post(t, ledger, tokenomics.Request{Stake: &tokenomics.Stake{Key: "s", Account: "ann", Amount: 10 * fog}})
	paying, verdicts, err := ledger.Propose(t.Context(), []tokenomics.Propose{{
		Key: "pay", Proposer: "ann", Title: "A laboratory", Description: strings.Repeat("The fog needs a laboratory.\n", 3), Kind: tokenomics.TreasuryAllocation,
		Actions: []tokenomics.Action{{Pay: &tokenomics.Payment{To: "lab", Amount: 3 * fog}}, {Pay: &tokenomics.Payment{To: "lab", Amount: 4 * fog}}},
	}})
	one(t)(verdicts, err)
	proposals := []tokenomics.ProposalID{propose(t, ledger, "ann", "governance.quorum", "500"), paying[0]}
	for _, id := range proposals {
		vote(t, ledger, id, tokenomics.ChoiceFor, "ann")
	}
	b.clock.Advance(time.Second)
	for _, id := range proposals {
		require.NoError(t, ledger.Queue(t.Context(), tokenomics.Enqueue{Key: "q" + id.String(), Proposal: id, Account: "ann"}))
	}
	require.NoError(t, ledger.Close())
	return proposals
}

// testExecution kills servers while they execute, before and after the commit. What was decided has happened as a whole, or not at all: the
// state, the parameter with its version, the payments and the movement that says so; and the request asked again does it once. A new
// server's parameters are those of the greatest version that is committed.
func testExecution(t *testing.T, b *bench) {
	proposals := queued(t, b)
	want := outcome{states: []tokenomics.ProposalState{tokenomics.ProposalQueued, tokenomics.ProposalQueued}, treasury: 20 * fog}
	require.Equal(t, want, after(t, b, proposals))
	for i, id := range proposals {
		execute := tokenomics.Execute{Key: "x" + id.String(), Proposal: id, Account: "ann"}
		for _, committed := range []bool{false, true} {
			store := faulty{Store: b.Store, commit: func(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
				if committed || !mentions(changes, execute.Key) {
					if err := b.Store.Commit(ctx, fence, changes); err != nil {
						return err
					}
				}
				if mentions(changes, execute.Key) {
					return fault.New(fault.Unavailable, "db", "connection lost")
				}
				return nil
			}}
			b.clock.Advance(time.Hour) // the duty of whoever came before has lapsed
			killed := b.server(t, fmt.Sprint("killed ", i, committed), quick, func(c *tokenomics.Config) { c.Store = store })
			require.ErrorIs(t, killed.Execute(t.Context(), execute), unavailable)
			if committed {
				want.movements++
				if want.states[i] = tokenomics.ProposalExecuted; i == 0 {
					want.version, want.quorum = 1, 500
				} else {
					want.paid, want.treasury = 7*fog, 13*fog
				}
			}
			require.Equal(t, want, after(t, b, proposals), "committed: %t", committed)
		}
		b.clock.Advance(time.Hour)
		next := b.server(t, fmt.Sprint("next ", i), quick)
		require.NoError(t, next.Execute(t.Context(), execute), "the same request")
		execute.Key = "another " + id.String()
		require.ErrorIs(t, next.Execute(t.Context(), execute), conflict)
		require.NoError(t, next.Close())
		require.Equal(t, want, after(t, b, proposals), "once")
	}
}
