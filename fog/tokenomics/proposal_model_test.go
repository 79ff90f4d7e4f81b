package tokenomics_test

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// assembly is governance as a child would write it: everything is counted anew whenever somebody asks, nothing is kept running.
type assembly struct {
	now      time.Time
	own      map[tokenomics.Account]tokenomics.Amount
	to       map[tokenomics.Account][]tokenomics.Delegation
	treasury tokenomics.Amount
	values   map[string]modelValue
	version  int64
	motions  []*modelMotion
	effects  []modelEffect
	judge    *tokenomics.Registry
}

type modelValue struct {
	value     string // empty: the default
	version   int64
	emergency int // number of the motion, from 1; 0: none
	before    string
}

type modelEffect struct {
	motion int
	due    time.Time
}

// modelMotion is a proposal of the model. All of it is copied before a request tries to change it.
type modelMotion struct {
	p        tokenomics.Propose
	id       tokenomics.ProposalID
	state    tokenomics.ProposalState
	based    int64
	deposits map[tokenomics.Account]tokenomics.Amount
	deadline time.Time
	opens    time.Time
	rules    modelRules
	own      map[tokenomics.Account]tokenomics.Amount // as voting began
	to       map[tokenomics.Account][]tokenomics.Delegation
	ends     time.Time
	quorate  bool
	extended bool
	order    []tokenomics.Account // voters, the latest vote last
	choices  map[tokenomics.Account]tokenomics.Choice
	until    time.Time
	eta      time.Time
}

// modelRules are those of the tests: what the model can be told by parameters, and what is fixed.
type modelRules struct{ quorum, threshold int }

const (
	modelDeposit  = 16 * tokenomics.FOG
	modelDelay    = 2 * time.Hour
	modelPeriod   = 10 * time.Hour
	modelLate     = 4 * time.Hour
	modelTimelock = 3 * time.Hour
	modelGrace    = 6 * time.Hour
	modelVeto     = 4000
	modelCap      = 6000
	modelUrgent   = 2 * time.Hour // emergency
	modelEffectOf = 5 * time.Hour
)

func modelGovernance() tokenomics.Governance {
	return tokenomics.Governance{
		MinPower: 10 * tokenomics.FOG, Deposit: modelDeposit, DepositPeriod: modelPeriod, VotingDelay: modelDelay, VotingPeriod: modelPeriod,
		LateQuorum: modelLate, Timelock: modelTimelock, Grace: modelGrace, Veto: modelVeto, VoterCap: modelCap, Quadratic: 1,
		EmergencyPeriod: modelUrgent, EmergencyThreshold: 7000, EmergencyEffect: modelEffectOf,
	}
}

// verified are the persons behind the accounts of the tests: two of them have a and b, nobody has d.
type verified map[tokenomics.Account]string

func (p verified) Identity(_ principal.Tenant, account tokenomics.Account, _ int64) string {
	return p[account]
}

func clone(m *modelMotion) *modelMotion {
	c := *m
	c.deposits, c.choices, c.order = maps.Clone(m.deposits), maps.Clone(m.choices), slices.Clone(m.order)
	return &c
}

// post carries a request out and answers "" or the kind of the refusal.
func (a *assembly) post(r tokenomics.Request) string {
	switch {
	case r.Stake != nil:
		a.own[r.Stake.Account] += r.Stake.Amount
	case r.Unstake != nil:
		if a.own[r.Unstake.Account] < r.Unstake.Amount {
			return fault.Insufficient.String()
		}
		a.own[r.Unstake.Account] -= r.Unstake.Amount
	case r.Delegate != nil:
		a.to[r.Delegate.Account] = r.Delegate.To
	case r.Propose != nil:
		return a.propose(*r.Propose)
	case r.Deposit != nil:
		return a.change(r.Deposit.Proposal, func(m *modelMotion) string { return a.deposit(m, r.Deposit.Depositor, r.Deposit.Amount) })
	case r.Vote != nil:
		return a.change(r.Vote.Proposal, func(m *modelMotion) string { return a.vote(m, *r.Vote) })
	case r.Queue != nil:
		return a.change(r.Queue.Proposal, a.queue)
	case r.Execute != nil:
		return a.change(r.Execute.Proposal, a.execute)
	case r.Cancel != nil:
		return a.change(r.Cancel.Proposal, func(m *modelMotion) string { return a.cancel(m, r.Cancel.Account) })
	}
	return ""
}

// change lets f change a copy of a motion that is brought up to now, and keeps it unless f refuses.
func (a *assembly) change(id tokenomics.ProposalID, f func(*modelMotion) string) string {
	for i, m := range a.motions {
		if m.id != id {
			continue
		}
		c, treasury := clone(m), a.treasury
		a.advance(c)
		answer := f(c)
		if answer == "" {
			a.motions[i] = c
		} else {
			a.treasury = treasury
		}
		return answer
	}
	return fault.NotFound.String()
}

// sweep brings everything up to now.
func (a *assembly) sweep() {
	for _, m := range a.motions {
		a.advance(m)
	}
	a.effects = slices.DeleteFunc(a.effects, func(e modelEffect) bool {
		if a.now.Before(e.due) {
			return false
		}
		changed := false
		for key, v := range a.values {
			if v.emergency == e.motion {
				a.values[key] = modelValue{value: v.before, version: a.version + 1}
				changed = true
			}
		}
		if changed {
			a.version++
		}
		return true
	})
}

// number is a parameter of the rules.
func (a *assembly) number(key string, otherwise int) int {
	n := 0
	if v := a.values[key].value; v != "" {
		_ = json.Unmarshal([]byte(v), &n)
	}
	if n == 0 {
		return otherwise
	}
	return n
}

func (a *assembly) advance(m *modelMotion) {
	passed := func(t time.Time) bool { return !t.IsZero() && !a.now.Before(t) }
	if (m.state == tokenomics.ProposalDraft || m.state == tokenomics.ProposalDeposit) && m.opens.IsZero() && passed(m.deadline) {
		m.state, m.deposits = tokenomics.ProposalExpired, nil
	}
	if m.state == tokenomics.ProposalDeposit && passed(m.opens) {
		m.state, m.own, m.to = tokenomics.ProposalVoting, maps.Clone(a.own), maps.Clone(a.to)
		m.rules = modelRules{a.number("governance.quorum", 1000), a.number("governance.threshold", 6000)}
		m.ends = a.now.Add(modelPeriod)
		if m.p.Kind == tokenomics.EmergencyAction {
			m.rules.threshold, m.ends = max(7000, m.rules.threshold), a.now.Add(modelUrgent)
		}
	}
	if m.state == tokenomics.ProposalVoting && passed(m.ends) {
		if m.state = m.result(); m.state == tokenomics.ProposalVetoed {
			for _, amount := range m.deposits {
				a.treasury += amount
			}
		}
		m.deposits, m.until = nil, m.ends.Add(modelGrace)
	}
	waits := m.state == tokenomics.ProposalQueued || m.state == tokenomics.ProposalSucceeded && len(m.p.Actions) > 0
	if waits && passed(m.until) {
		m.state = tokenomics.ProposalExpired
	}
}

func (a *assembly) propose(p tokenomics.Propose) string {
	if p.Kind == tokenomics.EmergencyAction {
		if p.Proposer != "operator" {
			return fault.Denied.String()
		}
	} else if power(a.own, a.to, nil, p.Proposer) < 10*tokenomics.FOG {
		return fault.Insufficient.String()
	}
	if !a.valid(p.Actions) {
		return fault.Invalid.String()
	}
	m := &modelMotion{
		p: p, state: tokenomics.ProposalDraft, based: a.version, deposits: map[tokenomics.Account]tokenomics.Amount{},
		deadline: a.now.Add(modelPeriod), choices: map[tokenomics.Account]tokenomics.Choice{},
	}
	if p.Kind == tokenomics.EmergencyAction {
		m.state, m.opens = tokenomics.ProposalDeposit, a.now
		a.advance(m)
	} else if p.Deposit > 0 {
		if answer := a.deposit(m, p.Proposer, p.Deposit); answer != "" {
			return answer
		}
	}
	a.motions = append(a.motions, m)
	return ""
}

// valid asks the registry whether the values of now could be joined by those of actions.
func (a *assembly) valid(actions []tokenomics.Action) bool {
	values := map[string]json.RawMessage{}
	now, err := tokenomics.NewSnapshot(1, a.set())
	good, _ := a.judge.Accept(tokenomics.Snapshot{}, now)
	for _, action := range actions {
		if action.Set != nil {
			values[action.Set.Key] = action.Set.Value
		}
	}
	s, err2 := good.With(1, values)
	return err == nil && err2 == nil && a.judge.Validate(s) == nil
}

// set returns the values that were set.
func (a *assembly) set() map[string]json.RawMessage {
	values := map[string]json.RawMessage{}
	for key, v := range a.values {
		if v.value != "" {
			values[key] = json.RawMessage(v.value)
		}
	}
	return values
}

func (a *assembly) deposit(m *modelMotion, from tokenomics.Account, amount tokenomics.Amount) string {
	missing := modelDeposit
	for _, d := range m.deposits {
		missing -= d
	}
	switch {
	case !m.opens.IsZero() || m.state != tokenomics.ProposalDraft && m.state != tokenomics.ProposalDeposit, amount > missing:
		return fault.Conflict.String()
	case amount < min(missing, tokenomics.FOG):
		return fault.Invalid.String()
	}
	m.deposits[from] += amount
	m.state = tokenomics.ProposalDeposit
	if amount == missing {
		m.opens = a.now.Add(modelDelay)
	}
	return ""
}

// power is what an account votes with when those have voted whom voted names: all that it stakes itself, and what is delegated to it by
// others who have not voted. With nil it is its power to vote in general: its own stake counts as far as it has not delegated it.
func power(own map[tokenomics.Account]tokenomics.Amount, to map[tokenomics.Account][]tokenomics.Delegation, voted map[tokenomics.Account]tokenomics.Choice, account tokenomics.Account) tokenomics.Amount {
	sum := own[account]
	for from, stake := range own {
		given, points := tokenomics.Amount(0), 0
		for i, d := range to[from] {
			points += d.Part
			part := stake * tokenomics.Amount(d.Part) / 10_000
			if i == len(to[from])-1 {
				part = stake*tokenomics.Amount(points)/10_000 - given
			}
			given += part
			if _, himself := voted[from]; d.To == account && !himself {
				sum += part
			}
		}
		if from == account && voted == nil {
			sum -= given
		}
	}
	return sum
}

func (a *assembly) vote(m *modelMotion, v tokenomics.Vote) string {
	if m.state != tokenomics.ProposalVoting {
		return fault.Conflict.String()
	}
	if m.p.Counting == tokenomics.CountQuadratic && everybody[v.Voter] == "" {
		return fault.Denied.String()
	}
	if power(m.own, m.to, m.choicesOr(), v.Voter) == 0 {
		return fault.Insufficient.String()
	}
	m.order = append(slices.DeleteFunc(m.order, func(o tokenomics.Account) bool { return o == v.Voter }), v.Voter)
	m.choices[v.Voter] = v.Choice
	if total := a.total(m); !m.quorate && m.tally().Turnout*10_000 >= total*tokenomics.Amount(m.rules.quorum) {
		m.quorate = true
		stays := modelLate
		if m.p.Kind == tokenomics.EmergencyAction {
			stays = min(modelLate, modelUrgent)
		}
		if late := a.now.Add(stays); late.After(m.ends) {
			m.ends, m.extended = late, true
		}
	}
	return ""
}

func (m *modelMotion) choicesOr() map[tokenomics.Account]tokenomics.Choice {
	if m.choices == nil {
		return map[tokenomics.Account]tokenomics.Choice{}
	}
	return m.choices
}

func (a *assembly) total(m *modelMotion) (sum tokenomics.Amount) {
	for _, stake := range m.own {
		sum += stake
	}
	return sum
}

// tally counts all votes.
func (m *modelMotion) tally() (t tokenomics.Tally) {
	total := tokenomics.Amount(0)
	for _, stake := range m.own {
		total += stake
	}
	persons, said := map[string]tokenomics.Amount{}, map[string]tokenomics.Choice{}
	for _, account := range m.order {
		p := power(m.own, m.to, m.choicesOr(), account)
		t.Turnout += p
		t.Voters++
		if m.p.Counting == tokenomics.CountQuadratic {
			persons[everybody[account]] += p
			said[everybody[account]] = m.choices[account]
			continue
		}
		countModel(&t, m.choices[account], min(p, total*modelCap/10_000))
	}
	for who, p := range persons {
		countModel(&t, said[who], slowRoot(p))
	}
	return t
}

func countModel(t *tokenomics.Tally, choice tokenomics.Choice, weight tokenomics.Amount) {
	*map[tokenomics.Choice]*tokenomics.Amount{
		tokenomics.ChoiceFor: &t.For, tokenomics.ChoiceAgainst: &t.Against, tokenomics.ChoiceAbstain: &t.Abstain, tokenomics.ChoiceVeto: &t.Veto,
	}[choice] += weight
}

func (m *modelMotion) result() tokenomics.ProposalState {
	t := m.tally()
	decided := t.For + t.Against + t.Veto
	switch {
	case !m.quorate:
		return tokenomics.ProposalDefeated
	case t.Veto > 0 && t.Veto*10_000 >= decided*modelVeto:
		return tokenomics.ProposalVetoed
	case t.For > 0 && t.For*10_000 >= decided*tokenomics.Amount(m.rules.threshold):
		return tokenomics.ProposalSucceeded
	}
	return tokenomics.ProposalDefeated
}

func (a *assembly) queue(m *modelMotion) string {
	if m.state != tokenomics.ProposalSucceeded || len(m.p.Actions) == 0 {
		return fault.Conflict.String()
	}
	m.state, m.eta = tokenomics.ProposalQueued, a.now
	if m.p.Kind != tokenomics.EmergencyAction {
		m.eta = a.now.Add(modelTimelock)
	}
	m.until = m.eta.Add(modelGrace)
	return ""
}

func (a *assembly) execute(m *modelMotion) string {
	if m.state != tokenomics.ProposalQueued || a.now.Before(m.eta) {
		return fault.Conflict.String()
	}
	pays := tokenomics.Amount(0)
	for _, action := range m.p.Actions {
		if action.Pay != nil {
			pays += action.Pay.Amount
		} else if a.values[action.Set.Key].version > m.based {
			return fault.Conflict.String()
		}
	}
	switch {
	case !a.valid(m.p.Actions):
		return fault.Invalid.String()
	case pays > a.treasury:
		return fault.Insufficient.String()
	}
	a.treasury -= pays
	m.state = tokenomics.ProposalExecuted
	if pays > 0 {
		return ""
	}
	a.version++
	number := slices.IndexFunc(a.motions, func(o *modelMotion) bool { return o.id == m.id }) + 1
	for _, action := range m.p.Actions {
		old, next := a.values[action.Set.Key], modelValue{value: string(action.Set.Value), version: a.version}
		if next.value == "null" {
			next.value = ""
		}
		if m.p.Kind == tokenomics.EmergencyAction {
			next.emergency, next.before = number, old.value
			if old.emergency > 0 {
				next.before = old.before
			}
		}
		a.values[action.Set.Key] = next
	}
	if m.p.Kind == tokenomics.EmergencyAction {
		a.effects = append(a.effects, modelEffect{number, a.now.Add(modelEffectOf)})
	}
	return ""
}

func (a *assembly) cancel(m *modelMotion, who tokenomics.Account) string {
	early := m.state == tokenomics.ProposalDraft || m.state == tokenomics.ProposalDeposit
	running := early || m.state == tokenomics.ProposalVoting || m.state == tokenomics.ProposalQueued ||
		m.state == tokenomics.ProposalSucceeded && len(m.p.Actions) > 0
	switch {
	case who != "operator" && who != m.p.Proposer:
		return fault.Denied.String()
	case !running, !early && who != "operator":
		return fault.Conflict.String()
	}
	m.state, m.deposits = tokenomics.ProposalCancelled, nil
	return ""
}

// everybody says who is behind the accounts of the model.
var everybody = verified{"a": "ann", "b": "ann", "c": "cid", "operator": "olga"}

// slowRoot is the greatest amount of FOG whose square is not more than another, found one decimal after the other.
func slowRoot(amount tokenomics.Amount) tokenomics.Amount {
	r, square := tokenomics.Amount(0), func(x tokenomics.Amount) bool { return x <= 0 || x <= amount*tokenomics.FOG/x }
	for step := tokenomics.Amount(1_000_000_000); step > 0; step /= 10 {
		for square(r + step) {
			r += step
		}
	}
	return r
}
