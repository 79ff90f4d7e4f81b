package tokenomics_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// accepted is a proposal that was accepted and queued, with its timelock over.
func (w *town) accepted(t *testing.T, p tokenomics.Propose, voters ...tokenomics.Account) tokenomics.ProposalID {
	t.Helper()
	id := w.propose(t, p)
	for _, voter := range voters {
		w.vote(t, id, voter, tokenomics.ChoiceFor)
	}
	w.clock.Advance(7 * 24 * time.Hour)
	w.queue(t, id)
	w.clock.Advance(24 * time.Hour)
	return id
}

func change(from tokenomics.Account, actions []tokenomics.Action) tokenomics.Propose {
	return tokenomics.Propose{Proposer: from, Kind: tokenomics.ParameterChange, Actions: actions}
}

// Invariant 9: a proposal is executed at most once, not before its time, not after its grace, and not by half.
func TestExecutionHappensOnce(t *testing.T) {
	w := newTown(t, tokenomics.Config{}, "ann")
	w.stake(t, "ann", 2000)
	id := w.propose(t, change("ann", append(set("lamp.watts", "60"), set("lamp.fade", `"30s"`)...)))
	w.refuse(t, fault.Conflict, "is being voted on until 2026-11-29T12:00:00Z", execution(id, "x"))
	w.vote(t, id, "ann", tokenomics.ChoiceFor)
	w.clock.Advance(7 * 24 * time.Hour)
	w.refuse(t, fault.Conflict, "has succeeded: queue it before 2026-12-13T12:00:00Z", execution(id, "x"))
	w.queue(t, id)
	w.clock.Advance(24*time.Hour - time.Microsecond)
	w.refuse(t, fault.Conflict, "can be executed from 2026-11-30T12:00:00Z and before 2026-12-14T12:00:00Z", execution(id, "x"))
	w.clock.Advance(time.Microsecond)

	changed := w.ParametersChanged()
	verdicts, err := w.Post(ctx, []tokenomics.Request{execution(id, "x"), execution(id, "y"), execution(id, "x")})
	require.NoError(t, err)
	require.NoError(t, verdicts[0])
	require.ErrorContains(t, verdicts[1], "was executed at 2026-11-30T12:00:00Z")
	require.NoError(t, verdicts[2], "the same request again answers as before")
	<-changed
	watts, version := w.value(t, "lamp.watts")
	require.Equal(t, "60", watts)
	require.EqualValues(t, 1, version)
	require.EqualValues(t, 1, w.proposal(t, id).Version)

	late := w.accepted(t, change("ann", set("lamp.colour", `"red"`)), "ann")
	w.clock.Advance(14 * 24 * time.Hour)
	w.refuse(t, fault.Conflict, "is expired since", execution(late, "late"))
	w.sweep(t, 0)
	require.Equal(t, tokenomics.ProposalExpired, w.proposal(t, late).State)
	require.NoError(t, w.Verify(ctx))
}

// A failed action leaves parameters, balances and state as they were, and the proposal can be executed when its reason is gone.
func TestFailedExecutionChangesNothing(t *testing.T) {
	w := newTown(t, tokenomics.Config{}, "ann")
	w.stake(t, "ann", 2000)
	dear := w.propose(t, tokenomics.Propose{
		Proposer: "ann", Kind: tokenomics.TreasuryAllocation,
		Actions: append(pays("ann", 4000*tokenomics.FOG), pays("bob", 2000*tokenomics.FOG)...),
	})
	bright, slow := w.propose(t, change("ann", set("lamp.watts", "60"))), w.propose(t, change("ann", set("lamp.fade", `"2m"`)))
	other := w.propose(t, change("ann", set("lamp.colour", `"red"`)))
	again := w.propose(t, tokenomics.Propose{Key: "again", Proposer: "ann", Kind: tokenomics.ParameterChange, Actions: set("lamp.watts", "50")})
	for _, id := range []tokenomics.ProposalID{dear, bright, slow, other, again} {
		w.vote(t, id, "ann", tokenomics.ChoiceFor)
	}
	w.sweep(t, 7*24*time.Hour)
	for _, id := range []tokenomics.ProposalID{dear, bright, slow, other, again} {
		w.queue(t, id)
	}
	w.sweep(t, 24*time.Hour)
	w.refuse(t, fault.Insufficient, "treasury", execution(dear, "1"))
	w.post(t, execution(bright, "2"))
	w.refuse(t, fault.Invalid, "too bright for so long", execution(slow, "3"))
	w.refuse(t, fault.Conflict, "lamp.watts was changed by version 1 of the parameters, proposal "+again.String()+" was made for version 0", execution(again, "4"))
	w.post(t, execution(other, "5")) // another key was changed since: no conflict
	_, version := w.value(t, "lamp.colour")
	require.EqualValues(t, 2, version)

	w.post(t, tokenomics.Request{Transfer: &tokenomics.Transfer{Key: "more", From: "operator", To: tokenomics.Treasury, Amount: 1000 * tokenomics.FOG}})
	w.post(t, execution(dear, "1")) // a refused request has not used its key up
	stats, err := w.Stats(ctx)
	require.NoError(t, err)
	require.Zero(t, stats.Treasury)
	require.NoError(t, w.Verify(ctx))
}

// The effect of an emergency ends by itself, also when there was an emergency on it, and leaves alone what was changed since.
func TestEmergencyEnds(t *testing.T) {
	w := newTown(t, tokenomics.Config{}, "ann")
	w.stake(t, "ann", 2000)
	w.post(t, execution(w.accepted(t, change("ann", set("lamp.watts", "7")), "ann"), "usual"))
	urgent := func(value string, colour ...string) tokenomics.ProposalID {
		actions := set("lamp.watts", value)
		for _, c := range colour {
			actions = append(actions, set("lamp.colour", c)...)
		}
		id := w.propose(t, tokenomics.Propose{Proposer: "operator", Kind: tokenomics.EmergencyAction, Actions: actions})
		w.vote(t, id, "ann", tokenomics.ChoiceFor)
		w.clock.Advance(24 * time.Hour)
		w.queue(t, id)
		w.post(t, execution(id, "execute "+id.String()))
		return id
	}
	urgent("1", `"red"`)
	began := w.clock.Now()
	urgent("2")
	watts, version := w.value(t, "lamp.watts")
	require.Equal(t, "2", watts)
	require.EqualValues(t, 3, version)
	settings, _, err := w.Settings(ctx)
	require.NoError(t, err)
	for _, s := range settings {
		require.Equal(t, s.Key == "lamp.watts" || s.Key == "lamp.colour", s.Emergency > 0, s.Key)
	}

	w.sweep(t, began.Add(7*24*time.Hour).Sub(w.clock.Now()))
	watts, version = w.value(t, "lamp.watts")
	require.Equal(t, "2", watts, "was changed since")
	require.EqualValues(t, 4, version)
	colour, _ := w.value(t, "lamp.colour")
	require.Empty(t, colour)
	w.sweep(t, 24*time.Hour)
	watts, version = w.value(t, "lamp.watts")
	require.Equal(t, "7", watts, "as it was without any emergency")
	require.EqualValues(t, 5, version)
	w.sweep(t, 365*24*time.Hour)
	_, version = w.value(t, "lamp.watts")
	require.EqualValues(t, 5, version)
	require.NoError(t, w.Verify(ctx))
}

// each takes every account for a person of its own: no verifier at all.
type each struct{}

func (each) Identity(_ principal.Tenant, account tokenomics.Account, _ int64) string {
	return string(account)
}

// one knows that all accounts but zed are of one person.
type one struct{}

func (one) Identity(_ principal.Tenant, account tokenomics.Account, _ int64) string {
	if account == "zed" {
		return "zed"
	}
	return "splitter"
}

// Splitting a stake gains under quadratic counting if accounts are taken for persons, and nothing if persons are verified.
func TestSplittingAStake(t *testing.T) {
	split := func(identities tokenomics.Identities, counting tokenomics.Counting, parts int) tokenomics.Amount {
		w := newTown(t, tokenomics.Config{Identities: identities, Governance: tokenomics.Governance{MinPower: -1}}, "zed")
		w.stake(t, "zed", 100)
		names := make([]tokenomics.Account, parts)
		for i := range names {
			names[i] = tokenomics.Account(fmt.Sprint("part ", i))
			w.post(t, tokenomics.Request{Transfer: &tokenomics.Transfer{Key: fmt.Sprint(i), From: "operator", To: names[i], Amount: tokenomics.Amount(10_000/parts) * tokenomics.FOG}})
			w.stake(t, names[i], tokenomics.Amount(10_000/parts))
		}
		id := w.propose(t, tokenomics.Propose{Proposer: "zed", Counting: counting})
		for _, name := range names {
			w.vote(t, id, name, tokenomics.ChoiceFor)
		}
		require.NoError(t, w.Verify(ctx))
		return w.proposal(t, id).Tally.For
	}
	require.Equal(t, 100*tokenomics.FOG, split(each{}, tokenomics.CountQuadratic, 1))
	require.Equal(t, 1000*tokenomics.FOG, split(each{}, tokenomics.CountQuadratic, 100), "sqrt(k) times as much")
	require.Equal(t, 100*tokenomics.FOG, split(one{}, tokenomics.CountQuadratic, 1))
	require.Equal(t, 100*tokenomics.FOG, split(one{}, tokenomics.CountQuadratic, 100))
	require.Equal(t, 10_000*tokenomics.FOG, split(nil, tokenomics.CountLinear, 100))
}

// Whoever votes first, the delegate or its delegator, the tally is the same; and a third who does neither is voted for.
func TestOwnVoteOverridesTheDelegate(t *testing.T) {
	for _, order := range []string{"ann bob", "bob ann", "bob ann bob", "ann bob ann"} {
		w := newTown(t, tokenomics.Config{}, "ann", "bob", "cid")
		for account, amount := range map[tokenomics.Account]tokenomics.Amount{"ann": 1001, "bob": 500, "cid": 200} {
			w.stake(t, account, amount)
		}
		w.post(t,
			tokenomics.Request{Delegate: &tokenomics.Delegate{Key: "a", Account: "ann", To: []tokenomics.Delegation{{To: "bob", Part: 5000}}}},
			tokenomics.Request{Delegate: &tokenomics.Delegate{Key: "c", Account: "cid", To: []tokenomics.Delegation{{To: "bob", Part: 10_000}}}})
		id := w.propose(t, tokenomics.Propose{Proposer: "bob"})
		for i, voter := range strings.Fields(order) {
			choice := map[string]tokenomics.Choice{"ann": tokenomics.ChoiceAgainst, "bob": tokenomics.ChoiceFor}[voter]
			w.post(t, ballotOf(id, tokenomics.Account(voter), choice, fmt.Sprint(i)))
		}
		w.post(t, // neither what is done with stakes nor with tokens moves a tally
			tokenomics.Request{Unstake: &tokenomics.Unstake{Key: "u", Account: "ann", Operator: "ann", Amount: 1001 * tokenomics.FOG}},
			tokenomics.Request{Delegate: &tokenomics.Delegate{Key: "d", Account: "cid", To: nil}},
			tokenomics.Request{Transfer: &tokenomics.Transfer{Key: "t", From: "bob", To: "ann", Amount: 5 * tokenomics.FOG}})
		require.Equal(t, tokenomics.Tally{For: 700 * tokenomics.FOG, Against: 1001 * tokenomics.FOG, Turnout: 1701 * tokenomics.FOG, Voters: 2},
			w.proposal(t, id).Tally, order)
		page, err := w.Votes(ctx, id, "", 1)
		require.NoError(t, err)
		require.Equal(t, tokenomics.Account("ann"), page.Votes[0].Voter)
		require.Equal(t, 1001*tokenomics.FOG, page.Votes[0].Power)
		page, err = w.Votes(ctx, id, page.Next, 1)
		require.NoError(t, err)
		require.Equal(t, 700*tokenomics.FOG, page.Votes[0].Power)
		require.Empty(t, page.Next)
		require.NoError(t, w.Verify(ctx))
	}
}

// Deposits of a vetoed proposal go where the rules of its snapshot say, all others back.
func TestDeposits(t *testing.T) {
	for vetoed, want := range map[int]tokenomics.Stats{
		-1: {TotalSupply: 1_000_000 * tokenomics.FOG, Treasury: 5000 * tokenomics.FOG},
		0:  {TotalSupply: 1_000_000 * tokenomics.FOG, Treasury: 5100 * tokenomics.FOG},
		1:  {TotalSupply: 999_900 * tokenomics.FOG, Treasury: 5000 * tokenomics.FOG},
	} {
		w := newTown(t, tokenomics.Config{Governance: tokenomics.Governance{Deposit: 100 * tokenomics.FOG, Vetoed: vetoed}}, "ann", "bob")
		w.stake(t, "ann", 2000)
		id := w.propose(t, tokenomics.Propose{Proposer: "ann"})
		require.Equal(t, tokenomics.ProposalDraft, w.proposal(t, id).State)
		deposit := func(key string, amount tokenomics.Amount) tokenomics.Request {
			return tokenomics.Request{Deposit: &tokenomics.Deposit{Key: key, Proposal: id, Depositor: "bob", Amount: amount}}
		}
		w.refuse(t, fault.Invalid, "must be at least 6.25 FOG", deposit("a", tokenomics.FOG))
		w.refuse(t, fault.Conflict, "lacks 100 FOG of its deposit, 101 are more", deposit("a", 101*tokenomics.FOG))
		w.refuse(t, fault.Conflict, "lacks 100 FOG of its deposit: deposit them before", ballotOf(id, "ann", tokenomics.ChoiceVeto, "v"))
		w.post(t, deposit("a", 40*tokenomics.FOG), deposit("b", 60*tokenomics.FOG))
		w.refuse(t, fault.Conflict, "is being voted on", deposit("c", 1))
		require.Equal(t, 100*tokenomics.FOG, w.proposal(t, id).Deposited)
		w.vote(t, id, "ann", tokenomics.ChoiceVeto)
		w.sweep(t, 7*24*time.Hour)
		require.Equal(t, tokenomics.ProposalVetoed, w.proposal(t, id).State)
		stats, err := w.Stats(ctx)
		require.NoError(t, err)
		require.Zero(t, stats.Deposits)
		require.Equal(t, want.TotalSupply, stats.TotalSupply)
		require.Equal(t, want.Treasury, stats.Treasury)
		require.NoError(t, w.Verify(ctx))
	}
}

// Invariant 10: another server on the same rows, or this one after a crash, publishes the greatest version that is committed.
func TestParametersSurvive(t *testing.T) {
	w := newTown(t, tokenomics.Config{}, "ann")
	w.stake(t, "ann", 2000)
	for version := range int64(3) {
		id := w.accepted(t, change("ann", set("lamp.watts", fmt.Sprint(version+10))), "ann")
		w.post(t, execution(id, id.String()))
		_, before := w.value(t, "lamp.watts")
		second, err := tokenomics.New(tokenomics.Config{Store: w.store, Now: w.clock.Now})
		require.NoError(t, err)
		s, err := second.Parameters(ctx)
		require.NoError(t, err)
		require.Equal(t, version+1, s.Version())
		require.Equal(t, before, s.Version())
		watts, _ := tokenomics.Get[int64](s, "lamp.watts")
		require.Equal(t, version+10, watts)
	}
	stranger := principal.With(ctx, principal.Principal{Tenant: "other", Account: "ann"})
	s, err := w.Parameters(stranger)
	require.NoError(t, err)
	require.Zero(t, s.Version())
}

// counted counts the rows that are asked for, and how often any are.
type counted struct {
	tokenomics.Store
	rows, loads int
}

func (c *counted) Load(ctx context.Context, wanted tokenomics.Wanted) (tokenomics.Loaded, error) {
	c.loads++
	c.rows += len(wanted.Lines) + len(wanted.Records) + len(wanted.Points) + len(wanted.References)
	return c.Store.Load(ctx, wanted)
}

// Closing reads as many rows with many voters as with few.
func TestClosingDoesNotCount(t *testing.T) {
	rows := func(voters int) int {
		w := newTown(t, tokenomics.Config{Governance: tokenomics.Governance{MinPower: -1}}, "zed")
		names := make([]tokenomics.Account, voters)
		for i := range names {
			names[i] = tokenomics.Account(fmt.Sprint("voter ", i))
			w.post(t, tokenomics.Request{Transfer: &tokenomics.Transfer{Key: fmt.Sprint(i), From: "operator", To: names[i], Amount: tokenomics.FOG}})
			w.stake(t, names[i], 1)
		}
		id := w.propose(t, tokenomics.Propose{Proposer: "zed"})
		for _, name := range names {
			w.vote(t, id, name, tokenomics.ChoiceFor)
		}
		w.clock.Advance(7 * 24 * time.Hour)
		store := &counted{Store: w.store}
		fresh, err := tokenomics.New(tokenomics.Config{Store: store, Now: w.clock.Now, Genesis: -1})
		require.NoError(t, err)
		_, err = fresh.Sweep(ctx, w.clock.Now())
		require.NoError(t, err)
		require.Equal(t, tokenomics.ProposalSucceeded, w.proposal(t, id).State)
		return store.rows
	}
	require.Equal(t, rows(2), rows(200))
}

// Run takes the steps that need nothing but time.
func TestRunTakesSteps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ledger := newLedger(t, tokenomics.Config{Governance: tokenomics.Governance{MinPower: -1, VotingDelay: time.Hour, VotingPeriod: time.Hour}})
		stop := start(ledger)
		ids, verdicts, err := ledger.Propose(ctx, []tokenomics.Propose{{
			Key: "p", Proposer: "operator", Title: "Nothing at all", Description: strings.Repeat("Nothing will be done. ", 3),
		}})
		require.NoError(t, err)
		require.NoError(t, verdicts[0])
		for _, want := range []tokenomics.ProposalState{tokenomics.ProposalDeposit, tokenomics.ProposalVoting, tokenomics.ProposalDefeated} {
			p, err := ledger.Proposal(ctx, ids[0])
			require.NoError(t, err)
			require.Equal(t, want, p.State)
			time.Sleep(time.Hour + 2*time.Second)
		}
		require.NoError(t, stop())
	})
}

// A root is the greatest number whose square is not more, in FOG.
func TestRoot(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		amount := tokenomics.Amount(rapid.Int64Range(0, int64(tokenomics.MaxSupply)).Draw(rt, "amount"))
		want := new(big.Int).Mul(big.NewInt(int64(amount)), big.NewInt(int64(tokenomics.FOG)))
		require.Equal(rt, want.Sqrt(want).Int64(), int64(tokenomics.Root(amount)))
	})
	require.Equal(t, tokenomics.Amount(31_622_776_601), tokenomics.Root(tokenomics.MaxSupply))
}

// Every rule of governance is a parameter that lands in a field of its own, and the proposals that follow obey it.
func TestRulesAreParameters(t *testing.T) {
	values, all := map[string]json.RawMessage{}, tokenomics.Governance{}
	for i, p := range tokenomics.GovernanceSet(all).Parameters[:len(tokenomics.GovernanceKnobs())] {
		switch value := fmt.Sprint(i + 1); p.Unit {
		case "duration":
			values[p.Key] = json.RawMessage(`"` + value + `s"`)
		default:
			values[p.Key] = json.RawMessage(value)
		}
	}
	s, err := tokenomics.NewSnapshot(1, values)
	require.NoError(t, err)
	tokenomics.GovernanceKnobs().Overlay(s)(&all)
	require.Equal(t, tokenomics.Governance{
		MinPower: 1 * tokenomics.FOG, Deposit: 2 * tokenomics.FOG, DepositPeriod: 3e9, Vetoed: 4, VotingDelay: 5e9, VotingPeriod: 6e9, LateQuorum: 7e9,
		Timelock: 8e9, Grace: 9e9, Quorum: 10, Threshold: 11, Veto: 12, VoterCap: 13, Quadratic: 14, EmergencyPeriod: 15e9, EmergencyThreshold: 16,
		EmergencyTimelock: 17e9, EmergencyEffect: 18e9,
	}, all)

	w := newTown(t, tokenomics.Config{}, "ann")
	w.stake(t, "ann", 2000)
	before := w.propose(t, tokenomics.Propose{Proposer: "ann"})
	w.post(t, execution(w.accepted(t, change("ann", append(set("governance.quorum", "5000"), set("governance.voting_period", `"1h"`)...)), "ann"), "x"))
	after := w.proposal(t, w.propose(t, tokenomics.Propose{Proposer: "ann"}))
	require.Equal(t, 200*tokenomics.FOG, w.proposal(t, before).Quorum, "as at its snapshot")
	require.Equal(t, 1000*tokenomics.FOG, after.Quorum)
	require.Equal(t, time.Hour, after.Ends.Sub(after.Opened))
	require.Zero(t, after.Progress())
	w.vote(t, after.ID, "ann", tokenomics.ChoiceAbstain)
	require.Equal(t, 10_000, w.proposal(t, after.ID).Progress())
	w.sweep(t, 24*time.Hour)
	require.Equal(t, tokenomics.ProposalDefeated, w.proposal(t, after.ID).State, "abstaining counts for the quorum and for nothing else")
}
