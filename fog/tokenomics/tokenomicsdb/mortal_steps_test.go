package tokenomicsdb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// step is one request of each of a caller's rounds. The round has a key and the request a time of its own; id is the number of the
// proposal that it is about.
type step struct {
	about   func(key string) tokenomics.Propose // nil: none
	closed  bool                                // when its vote has ended
	request func(key string, at time.Time, id tokenomics.ProposalID) tokenomics.Request
}

// simple is a step that needs nothing but a key.
func simple(request func(key string) tokenomics.Request) step {
	return step{request: func(key string, _ time.Time, _ tokenomics.ProposalID) tokenomics.Request { return request(key) }}
}

// timed is a step that needs a time.
func timed(request func(key string, at time.Time) tokenomics.Request) step {
	return step{request: func(key string, at time.Time, _ tokenomics.ProposalID) tokenomics.Request { return request(key, at) }}
}

// steps are every operation that a caller can cause. The one whose requests are the same in every program is only paid.
func (c caller) steps() []step {
	me, amount := tokenomics.Account(fmt.Sprint("caller ", c.number)), 100*fog
	if c.number == sharedCaller {
		amount = fog
	}
	paid := simple(func(key string) tokenomics.Request {
		return tokenomics.Request{Transfer: &tokenomics.Transfer{Key: key, From: "operator", To: me, Amount: amount}}
	})
	if c.number == sharedCaller {
		return []step{paid}
	}
	return append(append(append([]step{paid}, moneySteps(me)...), stakeSteps(me)...), append(slashSteps(me), c.voteSteps(me)...)...)
}

func moneySteps(me tokenomics.Account) []step {
	return []step{
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Hold: &tokenomics.Hold{ID: tokenomics.HoldID(key), Payer: me, Amount: 3 * fog}}
		}),
		timed(func(key string, at time.Time) tokenomics.Request {
			return tokenomics.Request{Hold: &tokenomics.Hold{
				ID: tokenomics.HoldID("late " + key), Payer: me, Amount: fog, Expires: at.Add(100 * time.Millisecond),
			}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Capture: &tokenomics.Capture{
				Key: key, Hold: tokenomics.HoldID(key), To: []tokenomics.Share{{Account: "lamp", Amount: fog}},
			}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Void: &tokenomics.Void{Hold: tokenomics.HoldID(key)}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Burn: &tokenomics.Burn{Key: key, Account: me, Amount: fog}}
		}),
	}
}

func stakeSteps(me tokenomics.Account) []step {
	return []step{
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Stake: &tokenomics.Stake{Key: key, Account: me, Operator: "x", Amount: 50 * fog}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Delegate: &tokenomics.Delegate{Key: key, Account: me, To: []tokenomics.Delegation{{To: "delegate", Part: 100}}}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Unstake: &tokenomics.Unstake{Key: key, Account: me, Operator: "x", Amount: 5 * fog}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{CancelUnstake: &tokenomics.CancelUnstake{Key: key, Account: me, Operator: "x", Unstake: key}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Unstake: &tokenomics.Unstake{Key: "all " + key, Account: me, Operator: "y"}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Redelegate: &tokenomics.Redelegate{Key: key, Account: me, From: "x", To: "y", Amount: 5 * fog}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Claim: &tokenomics.Claim{Key: key, Account: me}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Compound: &tokenomics.Compound{Key: key, Account: me, Operator: "x"}}
		}),
	}
}

func slashSteps(me tokenomics.Account) []step {
	accuse := func(prefix string) step {
		return timed(func(key string, at time.Time) tokenomics.Request {
			return tokenomics.Request{SlashEvidence: &tokenomics.SlashEvidence{
				ID: prefix + key, Operator: "x", Kind: tokenomics.FaultSLA, At: at, Part: 10, Harmed: me,
			}}
		})
	}
	return []step{
		accuse("disputed "), accuse("forgiven "), accuse("undisputed "),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Appeal: &tokenomics.Appeal{ID: "disputed " + key, Operator: "x"}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Uphold: &tokenomics.Uphold{ID: "disputed " + key}}
		}),
		simple(func(key string) tokenomics.Request {
			return tokenomics.Request{Dismiss: &tokenomics.Dismiss{ID: "forgiven " + key}}
		}),
	}
}

// colour is the key of a parameter that a caller's proposals set.
func colour(prefix string, number int) string { return fmt.Sprintf("lamp.%s_%d", prefix, number) }

// voteSteps take proposals through their lives, one of them an emergency, forget one, and cancel another one.
func (c caller) voteSteps(me tokenomics.Account) []step {
	about := func(prefix string, kind tokenomics.ProposalKind, from tokenomics.Account) func(key string) tokenomics.Propose {
		return func(key string) tokenomics.Propose {
			set := &tokenomics.SetParameter{Key: colour("usual", c.number), Value: json.RawMessage(`"` + key + `"`)}
			if kind == tokenomics.EmergencyAction {
				set.Key = colour("urgent", c.number)
			}
			return tokenomics.Propose{
				Key: prefix + key, Proposer: from, Title: "A proposal of " + string(me), Kind: kind,
				Description: strings.Repeat("It says what it is about. ", 3), Actions: []tokenomics.Action{{Set: set}},
			}
		}
	}
	usual, urgent := about("usual ", tokenomics.ParameterChange, me), about("urgent ", tokenomics.EmergencyAction, "operator")
	steps := []step{
		simple(func(key string) tokenomics.Request { p := usual(key); return tokenomics.Request{Propose: &p} }),
		{about: usual, request: func(key string, _ time.Time, id tokenomics.ProposalID) tokenomics.Request {
			return tokenomics.Request{Deposit: &tokenomics.Deposit{Key: key, Proposal: id, Depositor: me, Amount: fog}}
		}},
		simple(func(key string) tokenomics.Request { // nobody votes on it: the ledger itself ends it
			p := about("forgotten ", tokenomics.ParameterChange, me)(key)
			p.Deposit = fog
			return tokenomics.Request{Propose: &p}
		}),
		{about: about("regretted ", tokenomics.ParameterChange, me), request: func(key string, _ time.Time, id tokenomics.ProposalID) tokenomics.Request {
			return tokenomics.Request{Cancel: &tokenomics.Cancel{Key: key, Proposal: id, Account: me}}
		}},
	}
	return append(append(steps, decide("usual ", me, usual)...), decide("urgent ", me, urgent)...)
}

// decide votes for a proposal and has it executed.
func decide(prefix string, me tokenomics.Account, about func(string) tokenomics.Propose) []step {
	return []step{
		{about: about, request: func(key string, _ time.Time, id tokenomics.ProposalID) tokenomics.Request {
			return tokenomics.Request{Vote: &tokenomics.Vote{Key: prefix + key, Proposal: id, Voter: me, Choice: tokenomics.ChoiceFor}}
		}},
		{about: about, closed: true, request: func(key string, _ time.Time, id tokenomics.ProposalID) tokenomics.Request {
			return tokenomics.Request{Queue: &tokenomics.Enqueue{Key: prefix + key, Proposal: id, Account: me}}
		}},
		{about: about, request: func(key string, _ time.Time, id tokenomics.ProposalID) tokenomics.Request {
			return tokenomics.Request{Execute: &tokenomics.Execute{Key: prefix + key, Proposal: id, Account: me}}
		}},
	}
}
