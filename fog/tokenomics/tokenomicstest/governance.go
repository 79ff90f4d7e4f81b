package tokenomicstest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// testGovernance takes a proposal through its whole life, on a ledger that is restarted between its steps.
func testGovernance(t *testing.T, b *bench) {
	ctx := t.Context()
	again := func() *tokenomics.Tokenomics { return b.ledger(t) }
	voters := []tokenomics.Account{"ann", "bob", "cid"}
	pay(t, again(), 2000*fog, voters...)
	for _, account := range voters {
		one(t)(again().Stake(ctx, []tokenomics.Stake{{Key: string(account), Account: account, Amount: 1000 * fog}}))
	}
	one(t)(again().Delegate(ctx, []tokenomics.Delegate{{Key: "d", Account: "bob", To: []tokenomics.Delegation{{To: "ann", Part: 5000}}}}))
	proposal := tokenomics.Propose{
		Key: "p", Proposer: "ann", Title: "A smaller quorum", Description: strings.Repeat("It is hard to reach.\n", 3), Kind: tokenomics.ParameterChange,
		Actions: []tokenomics.Action{{Set: &tokenomics.SetParameter{Key: "governance.quorum", Value: json.RawMessage("500")}}},
	}
	ids, verdicts, err := again().Propose(ctx, []tokenomics.Propose{proposal})
	one(t)(verdicts, err)
	for i, voter := range []tokenomics.Account{"ann", "bob", "cid", "cid"} {
		choice := []tokenomics.Choice{tokenomics.ChoiceFor, tokenomics.ChoiceAbstain, tokenomics.ChoiceVeto, tokenomics.ChoiceFor}[i]
		one(t)(again().Vote(ctx, []tokenomics.Vote{{Key: fmt.Sprint(i), Proposal: ids[0], Voter: voter, Choice: choice}}))
	}
	b.clock.Advance(7 * 24 * time.Hour)
	require.NoError(t, again().Queue(ctx, tokenomics.Enqueue{Key: "q", Proposal: ids[0], Account: "cid"}))
	b.clock.Advance(24 * time.Hour)
	for range 2 { // the second is the same request
		require.NoError(t, again().Execute(ctx, tokenomics.Execute{Key: "x", Proposal: ids[0], Account: "cid"}))
	}
	page, err := again().Proposals(ctx, tokenomics.ProposalQuery{State: tokenomics.ProposalExecuted})
	require.NoError(t, err)
	require.Len(t, page.Proposals, 1)
	require.Equal(t, tokenomics.Tally{For: 2000 * fog, Abstain: 1000 * fog, Turnout: 3000 * fog, Voters: 3}, page.Proposals[0].Tally)
	require.Equal(t, proposal.Description, page.Proposals[0].Description)
	votes, err := again().Votes(ctx, ids[0], "ann", 1)
	require.NoError(t, err)
	require.Equal(t, tokenomics.Account("bob"), votes.Votes[0].Voter)
	parameters, err := again().Parameters(ctx)
	require.NoError(t, err)
	quorum, _ := tokenomics.Get[int](parameters, "governance.quorum")
	require.Equal(t, 500, quorum)
	require.EqualValues(t, 1, parameters.Version())
	settings, version, err := again().Settings(ctx)
	require.NoError(t, err)
	require.EqualValues(t, 1, version)
	for _, s := range settings {
		if s.Key == "governance.quorum" {
			require.Equal(t, []any{"500", "0", int64(1)}, []any{string(s.Value), string(s.Default), s.Version})
			continue
		}
		require.Equal(t, []any{string(s.Default), int64(0)}, []any{string(s.Value), s.Version}, s.Key)
	}
	require.Greater(t, len(settings), 10)
	sound(t, again())
}

// quick are rules by which a vote takes a second.
func quick(c *tokenomics.Config) {
	c.Governance = tokenomics.Governance{MinPower: -1, VotingPeriod: time.Second, LateQuorum: -1, Timelock: -1}
}

// propose makes a proposal about a parameter and returns its number.
func propose(t *testing.T, ledger *tokenomics.Tokenomics, proposer tokenomics.Account, key, value string) tokenomics.ProposalID {
	t.Helper()
	ids, verdicts, err := ledger.Propose(t.Context(), []tokenomics.Propose{{
		Key: key + value, Proposer: proposer, Title: "Another value", Description: strings.Repeat("It is better than before.\n", 3),
		Kind: tokenomics.ParameterChange, Actions: []tokenomics.Action{{Set: &tokenomics.SetParameter{Key: key, Value: json.RawMessage(value)}}},
	}})
	one(t)(verdicts, err)
	return ids[0]
}

// vote votes in the same way with accounts.
func vote(t *testing.T, ledger *tokenomics.Tokenomics, id tokenomics.ProposalID, choice tokenomics.Choice, voters ...tokenomics.Account) {
	t.Helper()
	for _, voter := range voters {
		one(t)(ledger.Vote(t.Context(), []tokenomics.Vote{{Key: id.String() + string(voter), Proposal: id, Voter: voter, Choice: choice}}))
	}
}

// testEconomics votes for a fee. The server that executes it follows at once, another one as soon as it writes; a hold that was placed
// before pays none.
func testEconomics(t *testing.T, b *bench) {
	ctx := t.Context()
	first := b.server(t, "first", quick)
	pay(t, first, 100*fog, "ann")
	hold := func(ledger *tokenomics.Tokenomics, id tokenomics.HoldID) {
		one(t)(ledger.Hold(ctx, []tokenomics.Hold{{ID: id, Payer: "operator", Amount: 30 * fog}}))
	}
	paid := func(ledger *tokenomics.Tokenomics, id tokenomics.HoldID, key string) tokenomics.Amount {
		before, _ := balance(t, ledger, "lamp")
		one(t)(ledger.Capture(ctx, []tokenomics.Capture{{
			Key: string(id) + key, Hold: id, To: []tokenomics.Share{{Account: "lamp", Amount: 10 * fog}},
		}}))
		after, _ := balance(t, ledger, "lamp")
		return after - before
	}
	post(t, first, tokenomics.Request{Stake: &tokenomics.Stake{Key: "s", Account: "ann", Amount: 10 * fog}})
	hold(first, "old")
	id := propose(t, first, "ann", "economics.fee", "2000")
	vote(t, first, id, tokenomics.ChoiceFor, "ann")
	b.clock.Advance(time.Second)
	require.NoError(t, first.Queue(ctx, tokenomics.Enqueue{Key: "q", Proposal: id, Account: "ann"}))
	require.NoError(t, first.Execute(ctx, tokenomics.Execute{Key: "x", Proposal: id, Account: "ann"}))
	hold(first, "new")
	require.Equal(t, []tokenomics.Amount{10 * fog, 8 * fog}, []tokenomics.Amount{paid(first, "old", "1"), paid(first, "new", "1")})
	require.NoError(t, first.Close())

	second := b.server(t, "second", quick)
	hold(second, "newer")
	require.Equal(t, []tokenomics.Amount{10 * fog, 8 * fog, 8 * fog},
		[]tokenomics.Amount{paid(second, "old", "2"), paid(second, "new", "2"), paid(second, "newer", "2")})
	sound(t, second)
}

// individuals takes every account for a person of its own.
type individuals struct{}

func (individuals) Identity(_ principal.Tenant, account tokenomics.Account, _ int64) string {
	return string(account)
}

// testVotes purges the votes of proposals that ended long ago, a few at a time: at each moment the ledger verifies and tallies are what
// they were; votes on what is open, or ended lately, stay, and whatever was voted before is answered as before.
func testVotes(t *testing.T, b *bench) {
	ctx := t.Context()
	people := func(c *tokenomics.Config) { c.Identities = individuals{} }
	ledger := b.ledger(t, quick, people)
	voters := []tokenomics.Account{"ann", "bob", "cid", "dora", "eve"}
	pay(t, ledger, 20*fog, voters...)
	for _, account := range voters {
		one(t)(ledger.Stake(ctx, []tokenomics.Stake{{Key: string(account), Account: account, Amount: 9 * fog}}))
	}
	one(t)(ledger.Delegate(ctx, []tokenomics.Delegate{{Key: "d", Account: "bob", To: []tokenomics.Delegation{{To: "ann", Part: 10_000}}}}))
	old, persons, silent := decided(t, b, ledger)
	lately, open := propose(t, ledger, "ann", "governance.threshold", "500"), propose(t, ledger, "ann", "governance.grace", `"1h"`)
	vote(t, ledger, lately, tokenomics.ChoiceVeto, voters...)
	vote(t, ledger, open, tokenomics.ChoiceFor, "ann", "bob")
	post(t, ledger, tokenomics.Request{Cancel: &tokenomics.Cancel{Key: "l", Proposal: lately, Account: "operator"}})
	all := func() (proposals []tokenomics.Proposal) {
		for _, id := range []tokenomics.ProposalID{old, persons, silent, lately, open} {
			p, err := ledger.Proposal(ctx, id)
			require.NoError(t, err)
			proposals = append(proposals, p)
		}
		return proposals
	}
	before := all()
	require.Equal(t, []int{4, 4, 0, 5, 2}, votes(t, ledger, old, persons, silent, lately, open))

	n, err := b.Store.Purge(ctx, tokenomics.Horizon{}, 100)
	require.NoError(t, err)
	require.Zero(t, n, "a zero horizon lies before everything")
	purgeVotes(t, b, ledger, b.clock.Now().Add(-time.Minute))
	require.Equal(t, []int{0, 0, 0, 5, 2}, votes(t, ledger, old, persons, silent, lately, open))
	for _, id := range []tokenomics.ProposalID{old, persons} {
		for _, class := range []tokenomics.Class{tokenomics.ClassVote, tokenomics.ClassOverride, tokenomics.ClassPerson, tokenomics.ClassPoll} {
			rows, err := b.Store.Records(ctx, tokenomics.RecordQuery{Tenant: tenant, Class: class, Prefix: fmt.Sprintf("%019d", id), Limit: 9})
			require.NoError(t, err)
			require.Empty(t, rows, class)
		}
	}
	ledger = b.ledger(t, quick, people)
	require.Equal(t, before, all())
	vote(t, ledger, old, tokenomics.ChoiceFor, "ann") // the same request
	refused(t, conflict)(ledger.Vote(ctx, []tokenomics.Vote{{Key: "new", Proposal: old, Voter: "ann", Choice: tokenomics.ChoiceFor}}))
	vote(t, ledger, open, tokenomics.ChoiceFor, "dora")

	b.clock.Advance(100 * 24 * time.Hour)
	running(t, ledger) // purges on its own
	require.Eventually(t, func() bool { return votes(t, ledger, lately)[0] == 0 }, 10*time.Second, time.Millisecond)
	sound(t, ledger)
}

// decided makes three proposals that end: one is executed, one that counts by persons succeeds and has nothing to execute, and one is cancelled
// before anybody has voted on it. Then an hour passes.
func decided(t *testing.T, b *bench, ledger *tokenomics.Tokenomics) (old, persons, silent tokenomics.ProposalID) {
	t.Helper()
	ctx := t.Context()
	old = propose(t, ledger, "ann", "governance.quorum", "500")
	ids, verdicts, err := ledger.Propose(ctx, []tokenomics.Propose{{
		Key: "persons", Proposer: "ann", Title: "By persons", Description: strings.Repeat("Each counts by a root.\n", 3), Counting: tokenomics.CountQuadratic,
	}})
	one(t)(verdicts, err)
	persons = ids[0]
	for _, id := range []tokenomics.ProposalID{old, persons} {
		vote(t, ledger, id, tokenomics.ChoiceFor, "ann", "bob", "cid")
		vote(t, ledger, id, tokenomics.ChoiceAgainst, "dora")
	}
	silent = propose(t, ledger, "ann", "governance.veto", "500")
	post(t, ledger, tokenomics.Request{Cancel: &tokenomics.Cancel{Key: "c", Proposal: silent, Account: "operator"}})
	b.clock.Advance(time.Second)
	require.NoError(t, ledger.Queue(ctx, tokenomics.Enqueue{Key: "q", Proposal: old, Account: "ann"}))
	require.NoError(t, ledger.Execute(ctx, tokenomics.Execute{Key: "x", Proposal: old, Account: "ann"}))
	refused(t, conflict)(ledger.Vote(ctx, []tokenomics.Vote{{Key: "late", Proposal: persons, Voter: "eve", Choice: tokenomics.ChoiceFor}}))
	t.Run("Closing", func(t *testing.T) {
		running(t, ledger) // takes the step that needs nothing but time
		require.Eventually(t, func() bool {
			p, err := ledger.Proposal(ctx, persons)
			return err == nil && p.State == tokenomics.ProposalSucceeded
		}, 10*time.Second, time.Millisecond)
	})
	b.clock.Advance(time.Hour)
	return old, persons, silent
}

// votes counts the votes that are listed on each proposal.
func votes(t *testing.T, ledger *tokenomics.Tokenomics, proposals ...tokenomics.ProposalID) (n []int) {
	t.Helper()
	for _, id := range proposals {
		page, err := ledger.Votes(t.Context(), id, "", 0)
		require.NoError(t, err)
		n = append(n, len(page.Votes))
	}
	return n
}

// purgeVotes purges two votes at a time until none is left of proposals that had ended before a time. The ledger verifies after each.
func purgeVotes(t *testing.T, b *bench, ledger *tokenomics.Tokenomics, before time.Time) {
	t.Helper()
	for rounds := 0; ; rounds++ {
		n, err := b.Store.Purge(t.Context(), tokenomics.Horizon{Votes: before}, 2)
		require.NoError(t, err)
		require.LessOrEqual(t, n, 4, "purging is bounded: two votes and two polls")
		require.Less(t, rounds, 20, "purging does not end")
		sound(t, ledger)
		if n == 0 {
			return
		}
	}
}
