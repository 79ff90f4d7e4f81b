package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// roundBudget is the parameter that the town votes about: how long a round of the scheduler may look for better plans.
const roundBudget = "scheduler.round_budget"

func set(key, value string) tokenomics.Action {
	text, err := json.Marshal(value)
	check(err)
	return tokenomics.Action{Set: &tokenomics.SetParameter{Key: key, Value: text}}
}

func payment(to tokenomics.Account, amount tokenomics.Amount) tokenomics.Action {
	return tokenomics.Action{Pay: &tokenomics.Payment{To: to, Amount: amount * tokenomics.FOG}}
}

// motion proposes something.
func (t *town) motion(who tokenomics.Account, title string, kind tokenomics.ProposalKind, deposit tokenomics.Amount, action tokenomics.Action) tokenomics.ProposalID {
	ids, verdicts, err := t.ledger.Propose(as(who), []tokenomics.Propose{{
		Key: t.key(), Proposer: who, Title: title, Kind: kind, Actions: []tokenomics.Action{action}, Deposit: deposit * tokenomics.FOG,
		Description: strings.Repeat(title+" is what this proposal is about. ", 3),
	}})
	check(err)
	check(verdicts[0])
	t.lives = append(t.lives, &life{id: ids[0], title: title})
	t.note()
	t.say("%s proposes #%d, %q: %s", who, len(t.lives), title, effect(action))
	if deposit > 0 {
		t.say("%s deposits %d FOG for it", who, deposit)
	}
	return ids[0]
}

// effect says what an action does.
func effect(a tokenomics.Action) string {
	if a.Pay != nil {
		return fmt.Sprintf("pay %s FOG to %s", a.Pay.Amount, a.Pay.To)
	}
	return fmt.Sprintf("%s = %s", a.Set.Key, a.Set.Value)
}

// number is what the story calls a proposal.
func (t *town) number(id tokenomics.ProposalID) int {
	for i, l := range t.lives {
		if l.id == id {
			return i + 1
		}
	}
	return 0
}

func (t *town) get(id tokenomics.ProposalID) tokenomics.Proposal {
	p, err := t.ledger.Proposal(context.Background(), id)
	check(err)
	return p
}

func (t *town) deposit(id tokenomics.ProposalID, who tokenomics.Account, amount tokenomics.Amount) {
	t.does(who, tokenomics.Request{Deposit: &tokenomics.Deposit{Key: t.key(), Proposal: id, Depositor: who, Amount: amount * tokenomics.FOG}})
	t.say("%s deposits %d FOG for #%d: it can be voted on from day %.1f", who, amount, t.number(id), t.days(t.get(id).Opens))
}

func (t *town) ballot(id tokenomics.ProposalID, who tokenomics.Account, choice tokenomics.Choice) tokenomics.Request {
	return tokenomics.Request{Vote: &tokenomics.Vote{Key: t.key(), Proposal: id, Voter: who, Choice: choice}}
}

// cast votes, and prints where the vote stands.
func (t *town) cast(id tokenomics.ProposalID, who tokenomics.Account, choice tokenomics.Choice, why string) {
	t.does(who, t.ballot(id, who, choice))
	l := t.lives[t.number(id)-1]
	l.votes = append(l.votes, voice{t.clock.Now(), who})
	if why != "" {
		why = ": " + why
	}
	t.say("%s votes %s on #%d%s", who, choice, t.number(id), why)
	t.bar(t.get(id))
}

// queue starts the time lock of what has succeeded.
func (t *town) queue(id tokenomics.ProposalID, who tokenomics.Account) {
	t.does(who, tokenomics.Request{Queue: &tokenomics.Enqueue{Key: t.key(), Proposal: id, Account: who}})
	p := t.get(id)
	t.lives[t.number(id)-1].queued = t.clock.Now()
	lock := "without a time lock"
	if p.ETA.After(t.clock.Now()) {
		lock = fmt.Sprintf("until day %.2f", t.days(p.ETA))
	}
	t.say("#%d has succeeded, with %s of %s FOG for it; %s queues it %s", t.number(id), p.Tally.For, p.Tally.For+p.Tally.Against+p.Tally.Veto, who, lock)
}

func (t *town) execution(id tokenomics.ProposalID, who tokenomics.Account) tokenomics.Request {
	return tokenomics.Request{Execute: &tokenomics.Execute{Key: t.key(), Proposal: id, Account: who}}
}

func (t *town) carryOut(id tokenomics.ProposalID, who tokenomics.Account) {
	t.does(who, t.execution(id, who))
	t.say("%s executes #%d: %s", who, t.number(id), effect(t.get(id).Actions[0]))
}

// raid lets somebody who has bought a majority vote the treasury to himself; the guardian uses the time lock.
func (t *town) raid() {
	t.chapter("A raid", "Half of all power is a quorum, whoever has it. The time lock is there for what nobody has looked at.")
	t.until(12)
	t.transfer("mal", 12_200)
	t.stake("mal", 12_000)
	raid := t.motion("mal", "All of it to mal", tokenomics.TreasuryAllocation, 100, payment("mal", 4000))
	t.until(14)
	t.cast(raid, "mal", tokenomics.ChoiceFor, "alone")
	t.until(18.5)
	t.queue(raid, "mal")
	t.until(19.5)
	t.does("guardian", tokenomics.Request{Cancel: &tokenomics.Cancel{Key: t.key(), Proposal: raid, Account: "guardian", Reason: "a raid"}})
	t.say("the guardian cancels #%d in its time lock", t.number(raid))
	require(t.get(raid).State == tokenomics.ProposalCancelled, "the raid was not cancelled")
	t.refused("mal", "execute it all the same", t.execution(raid, "mal"), "is cancelled since")
	require(t.balance("mal").Available == 200*tokenomics.FOG, "the deposit was not given back")
	require(t.balance(tokenomics.Treasury).Available == 4200*tokenomics.FOG, "the treasury has lost something")
	t.unstake("mal", 12_000)
}

// emergency lets the guardian cut the budget for three days, by a short vote.
func (t *town) emergency() {
	t.chapter("An emergency", "The guardian may ask for one: a vote of six hours, four fifths, no time lock. Its effect ends by itself.")
	t.until(21)
	urgent := t.motion("guardian", "The planner is too busy", tokenomics.EmergencyAction, 0, set(roundBudget, "20ms"))
	for _, who := range []tokenomics.Account{"ada", "dan", "eli"} {
		t.cast(urgent, who, tokenomics.ChoiceFor, "")
	}
	t.until(21.25)
	t.queue(urgent, "guardian")
	t.carryOut(urgent, "guardian")
	t.follow(20 * time.Millisecond)
	t.until(24.25)
	t.follow(250 * time.Millisecond)
	t.say("nobody has done anything: it is what it was without the emergency")
	t.until(26)
}
