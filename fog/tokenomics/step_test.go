package tokenomics_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Each state says what can be done, by whom and when, and the ledger takes it.
func TestSteps(t *testing.T) {
	rules := tokenomics.Governance{Deposit: 100 * tokenomics.FOG, VotingDelay: time.Hour}
	w := newTown(t, tokenomics.Config{Governance: rules, Guardian: "guard"}, "ann")
	w.stake(t, "ann", 2000)
	id := w.propose(t, change("ann", set("lamp.watts", "60")))
	both, guard := []tokenomics.Account{"guard", "ann"}, []tokenomics.Account{"guard"}
	can := func(op tokenomics.Op, from, until time.Time, cancels []tokenomics.Account) {
		t.Helper()
		p := w.proposal(t, id)
		require.Equal(t, []tokenomics.Step{
			{Op: op, From: from, Until: until}, {Op: tokenomics.OpCancel, By: cancels, Until: p.Next},
		}, w.Steps(p))
	}
	none, begun := time.Time{}, w.clock.Now()
	can(tokenomics.OpDeposit, none, begun.Add(day*7), both)
	w.post(t, tokenomics.Request{Deposit: &tokenomics.Deposit{Key: "d", Proposal: id, Depositor: "ann", Amount: rules.Deposit}})
	can(tokenomics.OpVote, begun.Add(time.Hour), none, both)
	w.sweep(t, time.Hour)
	can(tokenomics.OpVote, none, w.clock.Now().Add(day*7), guard)
	w.vote(t, id, "ann", tokenomics.ChoiceFor)
	w.sweep(t, 7*day)
	can(tokenomics.OpQueue, none, w.clock.Now().Add(day*14), guard)
	w.queue(t, id)
	can(tokenomics.OpExecute, w.clock.Now().Add(day), w.clock.Now().Add(15*day), guard)
	w.clock.Advance(day)
	w.post(t, execution(id, "x"))
	require.Empty(t, w.Steps(w.proposal(t, id)))

	id = w.propose(t, tokenomics.Propose{Proposer: "ann"})
	w.post(t, tokenomics.Request{Cancel: &tokenomics.Cancel{Key: "c", Proposal: id, Account: "guard"}})
	require.Empty(t, w.Steps(w.proposal(t, id)))
}

// What has succeeded and has nothing to execute is over.
func TestNoStepsWithoutActions(t *testing.T) {
	w := newTown(t, tokenomics.Config{}, "ann")
	w.stake(t, "ann", 2000)
	id := w.propose(t, tokenomics.Propose{Proposer: "ann"})
	w.vote(t, id, "ann", tokenomics.ChoiceFor)
	w.sweep(t, 7*day)
	p := w.proposal(t, id)
	require.Equal(t, tokenomics.ProposalSucceeded, p.State)
	require.Empty(t, w.Steps(p))
}
