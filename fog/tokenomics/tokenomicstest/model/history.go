package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

var (
	people    = []tokenomics.Account{"ann", "bob", "cid", "dan"}
	operators = []tokenomics.Account{"x", "y", "ann"}
)

// Accounts are those that a history is about.
func Accounts() []tokenomics.Account {
	return slices.Concat(people, []tokenomics.Account{"x", "y", "lamp", "dora", guardian, tokenomics.Treasury, tokenomics.Insurance})
}

// Funding are the first requests of a history: everybody gets tokens, and some have a stake.
func Funding() (requests []tokenomics.Request) {
	for _, account := range append(slices.Clone(people), tokenomics.Treasury) {
		requests = append(requests, tokenomics.Request{Transfer: &tokenomics.Transfer{
			Key: "fund " + string(account), From: guardian, To: account, Amount: 5000 * fog,
		}})
	}
	for _, account := range people[:2] {
		requests = append(requests, tokenomics.Request{Stake: &tokenomics.Stake{
			Key: "first " + string(account), Account: account, Operator: "x", Amount: 100 * fog,
		}})
	}
	return requests
}

// recent is how many requests, holds and entries a history comes back to.
const recent = 24

// History draws requests that meet each other, of all operations, from what the model knows.
type History struct {
	*Model
	Draw func(n int) int // a number from 0 to n-1, the simplest first
	Mix

	n        int
	made     []tokenomics.Request
	placed   []tokenomics.HoldID
	left     []*tokenomics.Unstake
	evidence []*tokenomics.SlashEvidence
}

// Mix is how many requests are about what, in proportion.
type Mix struct{ Money, Stakes, Votes int }

// Even is a mix of everything.
func Even() Mix { return Mix{5, 3, 2} }

// pick draws one of several.
func pick[T any](h *History, of ...T) T { return of[h.Draw(len(of))] }

// chance is one time in n.
func (h *History) chance(n int) bool { return h.Draw(n) == n-1 }

// keep adds to the end of a list and forgets what is too long ago.
func keep[T any](list []T, last T) []T {
	list = append(list, last)
	return list[max(0, len(list)-recent):]
}

// Request draws a request: now and then one that was made before, or another one under its key.
func (h *History) Request() tokenomics.Request {
	if len(h.made) > 0 && h.chance(12) {
		again := pick(h, h.made...)
		if other, is := Altered(again); is && h.chance(3) {
			return other
		}
		return again
	}
	h.n++
	r := h.fresh(fmt.Sprint("k", h.n))
	h.made = keep(h.made, r)
	return r
}

// Altered is another request under the same key, for some kinds of requests.
func Altered(r tokenomics.Request) (tokenomics.Request, bool) {
	switch {
	case r.Hold != nil:
		c := *r.Hold
		c.Amount++
		return tokenomics.Request{Hold: &c}, true
	case r.Transfer != nil:
		c := *r.Transfer
		c.Memo += "!"
		return tokenomics.Request{Transfer: &c}, true
	case r.Capture != nil:
		c := *r.Capture
		c.Final = !c.Final
		return tokenomics.Request{Capture: &c}, true
	case r.Stake != nil:
		c := *r.Stake
		c.Amount++
		return tokenomics.Request{Stake: &c}, true
	case r.Vote != nil:
		c := *r.Vote
		c.Reason += "!"
		return tokenomics.Request{Vote: &c}, true
	case r.Execute != nil:
		c := *r.Execute
		c.Account += "!"
		return tokenomics.Request{Execute: &c}, true
	}
	return r, false
}

// fresh draws a request with a key of its own.
func (h *History) fresh(key string) tokenomics.Request {
	switch n := h.Draw(h.Money + h.Stakes + h.Votes); {
	case n < h.Money:
		return h.payment(key)
	case n < h.Money+h.Stakes:
		return h.stakeRequest(key)
	}
	return h.motion(key)
}

// amount draws an amount that is near what there is, or small, or nothing that is allowed.
func (h *History) amount(near tokenomics.Amount) tokenomics.Amount {
	return pick(h, 1+tokenomics.Amount(h.Draw(60))*fog, 1, 7, near/3, near, near+1, fog+7, 0, -1)
}

// payment draws a request about money.
func (h *History) payment(key string) tokenomics.Request {
	who, other := pick(h, people...), pick(h, slices.Concat(people, []tokenomics.Account{"lamp", guardian})...)
	switch h.Draw(12) {
	case 0, 1, 2, 3:
		if h.chance(3) {
			who, other = guardian, who
		}
		return tokenomics.Request{Transfer: &tokenomics.Transfer{
			Key: key, From: who, To: other, Amount: h.amount(min(h.lines[available(who)], 200*fog)), Memo: pick(h, "", "for bread"),
		}}
	case 4, 5, 6:
		r := &tokenomics.Hold{ID: tokenomics.HoldID(key), Payer: pick(h, guardian, who), Amount: h.amount(50 * fog)}
		if h.chance(3) {
			r.Expires = h.Now.Add(pick(h, time.Hour, 3*time.Hour, 30*time.Hour, 0))
		}
		h.placed = keep(h.placed, r.ID)
		return tokenomics.Request{Hold: r}
	case 7, 8, 9:
		return tokenomics.Request{Capture: h.capture(key)}
	case 10:
		return tokenomics.Request{Void: &tokenomics.Void{Hold: h.anyHold(key)}}
	default:
		return tokenomics.Request{Burn: &tokenomics.Burn{Key: key, Account: who, Amount: h.amount(h.lines[available(who)]) / 9}}
	}
}

// anyHold is a hold of a while ago, or one that nobody has placed.
func (h *History) anyHold(otherwise string) tokenomics.HoldID {
	if len(h.placed) == 0 || h.chance(9) {
		id := tokenomics.HoldID(otherwise)
		h.placed = keep(h.placed, id)
		return id
	}
	return pick(h, h.placed...)
}

func (h *History) capture(key string) *tokenomics.Capture {
	c := &tokenomics.Capture{Key: key, Hold: h.anyHold(key), Final: h.chance(4)}
	record := h.holds[c.Hold].HoldRecord
	for range 1 + h.Draw(3) {
		to := pick(h, append(slices.Clone(people), "lamp", record.Payer, "lamp")...)
		if to == "" {
			to = "lamp"
		}
		c.To = append(c.To, tokenomics.Share{Account: to, Amount: max(h.amount(record.Remaining())/2, -1)})
	}
	return c
}

// stakeRequest draws a request about stakes, rewards and slashes.
func (h *History) stakeRequest(key string) tokenomics.Request {
	who, op := pick(h, people...), pick(h, operators...)
	near := tokenomics.Amount(h.positions[pair{op, who}].value)
	switch h.Draw(20) {
	case 0, 1, 2, 3:
		return tokenomics.Request{Stake: &tokenomics.Stake{Key: key, Account: who, Operator: op, Amount: h.amount(h.lines[available(who)] / 4)}}
	case 4, 5, 6:
		r := &tokenomics.Unstake{Key: key, Account: who, Operator: op, Amount: h.amount(near)}
		h.left = keep(h.left, r)
		return tokenomics.Request{Unstake: r}
	case 7:
		r := &tokenomics.CancelUnstake{Key: key, Account: who, Operator: op, Unstake: key}
		if len(h.left) > 0 {
			back := pick(h, h.left...)
			r.Account, r.Operator, r.Unstake = back.Account, back.Operator, back.Key
		}
		return tokenomics.Request{CancelUnstake: r}
	case 8, 9, 10:
		return tokenomics.Request{Redelegate: &tokenomics.Redelegate{Key: key, Account: who, From: op, To: pick(h, operators...), Amount: h.amount(near)}}
	case 11, 12:
		return tokenomics.Request{Delegate: &tokenomics.Delegate{Key: key, Account: who, To: h.delegates(who)}}
	case 13, 14:
		return tokenomics.Request{Claim: &tokenomics.Claim{Key: key, Account: pick(h, append(slices.Clone(people), "lamp")...)}}
	case 15:
		return tokenomics.Request{Compound: &tokenomics.Compound{Key: key, Account: who, Operator: op}}
	}
	return h.accusation(key, op)
}

func (h *History) delegates(from tokenomics.Account) (to []tokenomics.Delegation) {
	for _, account := range people {
		if part := pick(h, 0, 0, 1, 3333); part > 0 && account != from {
			to = append(to, tokenomics.Delegation{To: account, Part: part})
		}
	}
	return to
}

// accusation draws a request about a slash.
func (h *History) accusation(key string, op tokenomics.Account) tokenomics.Request {
	if len(h.evidence) == 0 || h.chance(3) {
		r := &tokenomics.SlashEvidence{
			ID: key, Operator: op, Kind: pick(h, tokenomics.FaultSLA, tokenomics.FaultBadResult), Part: max(h.Draw(3000)-500, 0),
			At: h.Now.Add(-time.Duration(h.Draw(30)) * time.Hour), Harmed: pick[tokenomics.Account](h, "dora", "", "cid"), Loss: pick(h, 0, fog/3, 5*fog),
		}
		h.evidence = keep(h.evidence, r)
		return tokenomics.Request{SlashEvidence: r}
	}
	of := pick(h, h.evidence...)
	return pick(h,
		tokenomics.Request{Appeal: &tokenomics.Appeal{ID: of.ID, Operator: of.Operator, Detail: pick(h, "", "it was not me")}},
		tokenomics.Request{Uphold: &tokenomics.Uphold{ID: of.ID}},
		tokenomics.Request{Dismiss: &tokenomics.Dismiss{ID: of.ID, Detail: pick(h, "", "forgiven")}})
}

// motion draws a request about proposals: most often what one of them waits for.
func (h *History) motion(key string) tokenomics.Request {
	who, some := pick(h, people...), h.running()
	if len(some) == 0 || len(some) < 4 && h.chance(4) {
		return tokenomics.Request{Propose: h.proposeRequest(key, who)}
	}
	o := pick(h, some...)
	state := o.state
	if h.chance(8) {
		state = pick(h, tokenomics.ProposalDraft, tokenomics.ProposalVoting, tokenomics.ProposalSucceeded, tokenomics.ProposalQueued, tokenomics.ProposalCancelled)
	} else if due := o.due(); !h.Now.Before(due) && state == tokenomics.ProposalVoting {
		state = tokenomics.ProposalSucceeded // perhaps
	}
	switch state {
	case tokenomics.ProposalDraft, tokenomics.ProposalDeposit:
		if !o.opens.IsZero() {
			break
		}
		return tokenomics.Request{Deposit: &tokenomics.Deposit{Key: key, Proposal: o.id, Depositor: who, Amount: pick(h, 8*fog, 16*fog, 1, fog, 0)}}
	case tokenomics.ProposalSucceeded:
		return tokenomics.Request{Queue: &tokenomics.Enqueue{Key: key, Proposal: o.id, Account: who}}
	case tokenomics.ProposalQueued:
		return tokenomics.Request{Execute: &tokenomics.Execute{Key: key, Proposal: o.id, Account: who}}
	case tokenomics.ProposalCancelled:
		return tokenomics.Request{Cancel: &tokenomics.Cancel{Key: key, Proposal: o.id, Account: pick(h, who, guardian, o.Proposer)}}
	}
	const yea, nay = tokenomics.ChoiceFor, tokenomics.ChoiceAgainst
	choice := pick(h, yea, yea, yea, yea, yea, yea, nay, tokenomics.ChoiceAbstain, tokenomics.ChoiceVeto)
	return tokenomics.Request{Vote: &tokenomics.Vote{Key: key, Proposal: o.id, Voter: who, Choice: choice, Reason: pick(h, "", "so")}}
}

func (h *History) proposeRequest(key string, who tokenomics.Account) *tokenomics.Propose {
	p := &tokenomics.Propose{
		Key: key, Proposer: who, Title: "A proposal of the model", Description: strings.Repeat("It says what it is about. ", 3),
		Kind: tokenomics.ParameterChange, Counting: tokenomics.CountLinear, Deposit: pick(h, 16*fog, 16*fog, 8*fog, 0),
	}
	if h.chance(4) {
		p.Counting = tokenomics.CountQuadratic
	}
	set := func(key string, values ...string) {
		value, err := tokenomics.Canonical(json.RawMessage(pick(h, values...)))
		if err != nil {
			panic(err) // they are written in this file
		}
		p.Actions = append(p.Actions, tokenomics.Action{Set: &tokenomics.SetParameter{Key: key, Value: value}})
	}
	switch h.Draw(12) {
	case 0, 1:
		set("lamp.watts", "1", "60", "null")
	case 2:
		set("lamp.fade", `"1s"`, `"2m0s"`)
	case 3:
		set("lamp.fade", `"1s"`, `"2m0s"`)
		set("governance.threshold", "5000", "10000")
	case 4:
		set("governance.quorum", "500", "4000", "null")
	case 5:
		p.Kind, p.Proposer, p.Deposit = tokenomics.EmergencyAction, guardian, 0
		set("lamp.watts", "1", "60", "101")
	case 6, 7, 8:
		set(h.economy())
		if h.chance(4) {
			p.Kind, p.Proposer, p.Deposit = tokenomics.EmergencyAction, guardian, 0
		}
	case 9:
		p.Kind = tokenomics.TreasuryAllocation
		p.Actions = []tokenomics.Action{{Pay: &tokenomics.Payment{To: who, Amount: pick(h, 1, 3000*fog, 6000*fog)}}}
	default:
		p.Kind = tokenomics.GeneralGovernance
	}
	return p
}

// economy draws another value for a parameter of staking. What a slash waits for stays due at no full hour.
func (h *History) economy() (key, value string) {
	points := fmt.Sprint(pick(h, 0, 1, 500, 3333, 10_000, 10_001))
	start := h.Now.Add(time.Duration(h.Draw(60)-30) * time.Hour).Format(time.RFC3339)
	schedule := fmt.Sprintf(`{"start":%q,"period":"200h0m0s","first":"%d.000007","cap":"%d"}`, start, h.Draw(3), h.Draw(4))
	values := [][2]string{
		{"fee", points}, {"fee_to_stakers", points}, {"emission_to_stakers", points}, {"compute_reward", points}, {"insurance_part", points},
		{"slash_cap", pick(h, "1", "2500", "10000")}, {"unbonding", pick(h, `"10h0m0s"`, `"100h0m0s"`, "null", `"-1s"`)},
		{"appeal_window", pick(h, `"5h30m0s"`, `"30h30m0s"`, "null")}, {"slash_window", pick(h, `"3h10m0s"`, `"30h10m0s"`, "null")},
		{"emission_every", pick(h, `"3m0s"`, `"17h0m0s"`)}, {"min_stake", pick(h, `"0.000001"`, `"20"`)},
		{"compensation", pick(h, `"0.5"`, `"20"`)}, {"emission", pick(h, schedule, schedule, "{}", "null")},
	}
	drawn := pick(h, values...)
	return "economics." + drawn[0], drawn[1]
}

// Later draws how much time passes before the next requests.
func (h *History) Later() time.Duration {
	return pick(h, time.Hour, time.Hour, 2*time.Hour, 2*time.Hour, 3*time.Hour, 3*time.Hour, 5*time.Hour, 12*time.Hour, 30*time.Hour)
}
