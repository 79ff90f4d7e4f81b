package tokenomicstest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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
