package tokenomicstest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest/model"
)

// tour is a short history in which every operation is carried out, those of the ledger itself included.
func (c *course) tour() (script []stage) {
	for _, leg := range []struct {
		requests func() []tokenomics.Request
		after    time.Duration
	}{
		{model.Funding, time.Hour}, {c.tourMoney, time.Hour}, {c.tourStakes, time.Hour}, {c.tourVotes, 2 * time.Hour},
		{c.tourBallot, 3 * time.Hour}, {c.tourEmergency, 7 * time.Hour}, {c.tourQueue, 3 * time.Hour}, {c.tourExecute, 30 * time.Hour},
		{nothing, 60 * time.Hour},
	} {
		s := stage{requests: leg.requests(), after: leg.after, sweeps: true, economics: c.economics}
		for i, answer := range c.play(s) {
			require.Equal(c.t, model.Yes, answer, text(s.requests[i]))
		}
		script = append(script, s)
	}
	return script
}

func nothing() []tokenomics.Request { return nil }

func (c *course) tourMoney() []tokenomics.Request {
	hold := func(id tokenomics.HoldID, expires time.Time) tokenomics.Request {
		return tokenomics.Request{Hold: &tokenomics.Hold{ID: id, Payer: "cid", Amount: 30 * fog, Expires: expires}}
	}
	capture := func(key string, final bool) tokenomics.Request {
		return tokenomics.Request{Capture: &tokenomics.Capture{
			Key: key, Hold: "whole", Final: final, To: []tokenomics.Share{{Account: "lamp", Amount: 7 * fog}, {Account: "dan", Amount: fog}},
		}}
	}
	return []tokenomics.Request{
		hold("whole", time.Time{}), hold("late", c.clock.Now().Add(2*time.Hour)), hold("void", time.Time{}),
		capture("part", false), capture("rest", true), {Void: &tokenomics.Void{Hold: "void"}}, {Void: &tokenomics.Void{Hold: "tombstone"}},
		{Transfer: &tokenomics.Transfer{Key: "t", From: "cid", To: "dan", Amount: fog}},
		{Burn: &tokenomics.Burn{Key: "b", Account: "cid", Amount: fog}},
	}
}

func (c *course) tourStakes() []tokenomics.Request {
	accuse := func(id string) tokenomics.Request {
		return tokenomics.Request{SlashEvidence: &tokenomics.SlashEvidence{
			ID: id, Operator: "x", Kind: tokenomics.FaultSLA, At: c.clock.Now().Add(-time.Minute), Part: 1000, Harmed: "dora",
		}}
	}
	propose := func(key string, kind tokenomics.ProposalKind, parameter, value string) tokenomics.Request {
		p := &tokenomics.Propose{
			Key: key, Proposer: "ann", Title: "A proposal of the tour", Description: strings.Repeat("It says what it is about. ", 3),
			Kind: kind, Counting: tokenomics.CountLinear, Deposit: 8 * fog,
			Actions: []tokenomics.Action{{Set: &tokenomics.SetParameter{Key: parameter, Value: json.RawMessage(value)}}},
		}
		if kind == tokenomics.EmergencyAction {
			p.Proposer, p.Deposit = "operator", 0
		}
		return tokenomics.Request{Propose: p}
	}
	return []tokenomics.Request{
		{Stake: &tokenomics.Stake{Key: "more", Account: "cid", Operator: "y", Amount: 50 * fog}},
		{Delegate: &tokenomics.Delegate{Key: "d", Account: "bob", To: []tokenomics.Delegation{{To: "ann", Part: 3333}}}},
		{Unstake: &tokenomics.Unstake{Key: "back", Account: "ann", Operator: "x", Amount: 10 * fog}},
		{Unstake: &tokenomics.Unstake{Key: "gone", Account: "bob", Operator: "x", Amount: 10 * fog}},
		{Redelegate: &tokenomics.Redelegate{Key: "r", Account: "ann", From: "x", To: "y", Amount: 20 * fog}},
		{Claim: &tokenomics.Claim{Key: "c", Account: "ann"}}, {Compound: &tokenomics.Compound{Key: "c", Account: "bob", Operator: "y"}},
		accuse("upheld"), accuse("dismissed"), accuse("undisputed"),
		propose("usual", tokenomics.ParameterChange, "lamp.watts", "60"), propose("cancelled", tokenomics.ParameterChange, "lamp.watts", "7"),
		propose("urgent", tokenomics.EmergencyAction, "lamp.fade", `"2s"`),
	}
}

// number is the number of a proposal.
func (c *course) number(key string) tokenomics.ProposalID { return c.model.Numbers()[key] }

func (c *course) votes(key string) (votes []tokenomics.Request) {
	for _, voter := range []tokenomics.Account{"ann", "bob"} {
		votes = append(votes, tokenomics.Request{Vote: &tokenomics.Vote{
			Key: key + string(voter), Proposal: c.number(key), Voter: voter, Choice: tokenomics.ChoiceFor,
		}})
	}
	return votes
}

func (c *course) tourVotes() []tokenomics.Request {
	return append(c.votes("urgent"), []tokenomics.Request{
		{Deposit: &tokenomics.Deposit{Key: "d", Proposal: c.number("usual"), Depositor: "bob", Amount: 8 * fog}},
		{Cancel: &tokenomics.Cancel{Key: "c", Proposal: c.number("cancelled"), Account: "ann"}},
		{CancelUnstake: &tokenomics.CancelUnstake{Key: "c", Account: "ann", Operator: "x", Unstake: "back"}},
		{Appeal: &tokenomics.Appeal{ID: "upheld", Operator: "x"}},
	}...)
}

func (c *course) tourBallot() []tokenomics.Request {
	return append(c.votes("usual"), []tokenomics.Request{
		{Uphold: &tokenomics.Uphold{ID: "upheld"}}, {Dismiss: &tokenomics.Dismiss{ID: "dismissed"}},
	}...)
}

func (c *course) tourEmergency() []tokenomics.Request {
	return []tokenomics.Request{
		{Queue: &tokenomics.Enqueue{Key: "urgent", Proposal: c.number("urgent"), Account: "dan"}},
		{Execute: &tokenomics.Execute{Key: "urgent", Proposal: c.number("urgent"), Account: "dan"}},
	}
}

func (c *course) tourQueue() []tokenomics.Request {
	return []tokenomics.Request{{Queue: &tokenomics.Enqueue{Key: "usual", Proposal: c.number("usual"), Account: "dan"}}}
}

func (c *course) tourExecute() []tokenomics.Request {
	return []tokenomics.Request{{Execute: &tokenomics.Execute{Key: "usual", Proposal: c.number("usual"), Account: "dan"}}}
}

// renumbered is a request with the number that its proposal has now: after a fault it may be another one than when the history was drawn.
func renumbered(r tokenomics.Request, was map[tokenomics.ProposalID]string, is map[string]tokenomics.ProposalID) tokenomics.Request {
	var id *tokenomics.ProposalID
	switch {
	case r.Deposit != nil:
		copied := *r.Deposit
		r.Deposit, id = &copied, &copied.Proposal
	case r.Vote != nil:
		copied := *r.Vote
		r.Vote, id = &copied, &copied.Proposal
	case r.Queue != nil:
		copied := *r.Queue
		r.Queue, id = &copied, &copied.Proposal
	case r.Execute != nil:
		copied := *r.Execute
		r.Execute, id = &copied, &copied.Proposal
	case r.Cancel != nil:
		copied := *r.Cancel
		r.Cancel, id = &copied, &copied.Proposal
	default:
		return r
	}
	if now, known := is[was[*id]]; known {
		*id = now
	}
	return r
}
