package fog

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

// post requires that a request is carried out.
func post(t *testing.T, ledger *tokenomics.Tokenomics, r tokenomics.Request) {
	t.Helper()
	verdicts, err := ledger.Post(t.Context(), []tokenomics.Request{r})
	require.NoError(t, err)
	require.NoError(t, verdicts[0])
}

// accept takes a proposal that sets parameters, keys and values in turn, to where it can be executed.
func accept(t *testing.T, ledger *tokenomics.Tokenomics, clock *tokenomicstest.Clock, pairs ...string) tokenomics.ProposalID {
	t.Helper()
	proposal := tokenomics.Propose{
		Key: "p", Proposer: "operator", Title: "Another value", Description: strings.Repeat("It is better than the last. ", 3),
		Kind: tokenomics.ParameterChange,
	}
	for i := 0; i < len(pairs); i += 2 {
		proposal.Actions = append(proposal.Actions, tokenomics.Action{
			Set: &tokenomics.SetParameter{Key: pairs[i], Value: json.RawMessage(pairs[i+1])},
		})
	}
	post(t, ledger, tokenomics.Request{Stake: &tokenomics.Stake{Key: "s", Account: "operator", Amount: 1000 * tokenomics.FOG}})
	ids, verdicts, err := ledger.Propose(t.Context(), []tokenomics.Propose{proposal})
	require.NoError(t, err)
	require.NoError(t, verdicts[0])
	post(t, ledger, tokenomics.Request{Vote: &tokenomics.Vote{Key: "v", Proposal: ids[0], Voter: "operator", Choice: tokenomics.ChoiceFor}})
	clock.Advance(7 * 24 * time.Hour)
	require.NoError(t, ledger.Queue(t.Context(), tokenomics.Enqueue{Key: "q", Proposal: ids[0], Account: "operator"}))
	clock.Advance(24 * time.Hour)
	return ids[0]
}

// A proposal that is voted for and executed changes what the scheduler pulls before its next round, also after the house was opened again.
func TestAVoteChangesTheScheduler(t *testing.T) {
	clock := tokenomicstest.NewClock()
	pulled := func(house *Fog) scheduler.Params { return house.params.forScheduler(nil)() }
	config := Config{Now: clock.Now, Tokenomics: tokenomics.Config{Store: tokenomics.NewMemory(nil)}}
	house, err := Open(t.Context(), config)
	require.NoError(t, err)
	defer func() { require.NoError(t, house.Close()) }()
	id := accept(t, house.Tokenomics, clock, "scheduler.round_budget", `"250ms"`)
	require.Zero(t, pulled(house))
	require.NoError(t, house.Tokenomics.Execute(t.Context(), tokenomics.Execute{Key: "x", Proposal: id, Account: "operator"}))
	require.NoError(t, house.params.refresh(t.Context()), "as its follower does now")
	require.Equal(t, scheduler.Params{RoundBudget: 250 * time.Millisecond}, pulled(house))
	require.EqualValues(t, 1, house.Parameters().Version())

	again, err := Open(t.Context(), config)
	require.NoError(t, err)
	require.Equal(t, scheduler.Params{RoundBudget: 250 * time.Millisecond}, pulled(again), "before its first round")
	require.NoError(t, again.Close())
}

// A vote about fees changes what the next job pays, at once, also after the house was opened again with another Config.
func TestAVoteChangesFees(t *testing.T) {
	clock := tokenomicstest.NewClock()
	config := Config{Now: clock.Now, Tokenomics: tokenomics.Config{
		Store: tokenomics.NewMemory(nil), Economics: func() tokenomics.Economics { return tokenomics.Economics{Fee: 100} },
	}}
	paid := func(house *Fog, id string) tokenomics.Amount {
		t.Helper()
		device := tokenomics.Account("device:" + id)
		post(t, house.Tokenomics, tokenomics.Request{Hold: &tokenomics.Hold{ID: tokenomics.HoldID(id), Payer: "operator", Amount: tokenomics.FOG}})
		post(t, house.Tokenomics, tokenomics.Request{Capture: &tokenomics.Capture{
			Key: id, Hold: tokenomics.HoldID(id), To: []tokenomics.Share{{Account: device, Amount: tokenomics.FOG}},
		}})
		b, err := house.Tokenomics.Balance(t.Context(), device)
		require.NoError(t, err)
		return b.Available
	}
	house, err := Open(t.Context(), config)
	require.NoError(t, err)
	id := accept(t, house.Tokenomics, clock, "economics.fee", "2500", "economics.fee_to_stakers", "8000")
	require.Equal(t, tokenomics.FOG*99/100, paid(house, "before"))
	require.NoError(t, house.Tokenomics.Execute(t.Context(), tokenomics.Execute{Key: "x", Proposal: id, Account: "operator"}))
	require.Equal(t, tokenomics.FOG*3/4, paid(house, "after"))
	require.NoError(t, house.Close())

	config.Tokenomics.Economics = nil
	house, err = Open(t.Context(), config)
	require.NoError(t, err)
	require.Equal(t, tokenomics.FOG*3/4, paid(house, "again"))
	require.NoError(t, house.Tokenomics.Verify(t.Context()))
	require.NoError(t, house.Close())
}
