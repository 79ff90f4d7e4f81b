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
