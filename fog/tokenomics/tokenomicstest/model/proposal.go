package model

import (
	"maps"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// guardian may do what others may not.
const guardian tokenomics.Account = "operator"

// assembly is the part of the model about governance.
type assembly struct {
	motions map[tokenomics.ProposalID]motion
	voters  map[tokenomics.Account]bool // that ever voted
	values  map[string]value            // of parameters that were ever set
	version map[int]int64               // of all parameters: one
	effects map[tokenomics.ProposalID]effect
}

func newAssembly() assembly {
	return assembly{
		motions: map[tokenomics.ProposalID]motion{}, voters: map[tokenomics.Account]bool{}, values: map[string]value{},
		version: map[int]int64{}, effects: map[tokenomics.ProposalID]effect{},
	}
}

// motion is a proposal.
type motion struct {
	tokenomics.Propose
	id       tokenomics.ProposalID
	state    tokenomics.ProposalState
	created  time.Time
	ended    time.Time
	based    int64 // version of the parameters that it was found valid with
	made     int64 // version of the parameters that it has made
	deposit  tokenomics.Amount
	delay    time.Duration
	deposits map[tokenomics.Account]tokenomics.Amount
	deadline time.Time // of the deposit
	opens    time.Time // zero while some of the deposit is missing

	rules    tokenomics.Governance // as voting began, like what follows
	opened   time.Time
	snapshot int64
	stakes   stakes
	ends     time.Time
	quorate  bool
	extended bool
	order    []tokenomics.Account // voters, the latest vote last
	choices  map[tokenomics.Account]tokenomics.Choice

	until time.Time
	eta   time.Time
}

// idle reports whether there is nothing to execute.
func (o *motion) idle() bool { return len(o.Actions) == 0 }

// due is when the time alone takes the next step; zero in a last state.
func (o *motion) due() time.Time {
	switch o.state {
	case tokenomics.ProposalDraft, tokenomics.ProposalDeposit:
		if o.opens.IsZero() {
			return o.deadline
		}
		return o.opens
	case tokenomics.ProposalVoting:
		return o.ends
	case tokenomics.ProposalSucceeded:
		if o.idle() {
			return time.Time{}
		}
		return o.until
	case tokenomics.ProposalQueued:
		return o.until
	}
	return time.Time{}
}

// become takes the step into another state.
func (m *Model) become(o *motion, state tokenomics.ProposalState) {
	if o.state = state; o.due().IsZero() {
		o.ended = m.Now
	}
}

func (m *Model) propose(p tokenomics.Propose) string {
	rules := m.rules()
	if p.Kind == tokenomics.EmergencyAction {
		if p.Proposer != guardian {
			return denied
		}
	} else if m.stakes().power(p.Proposer) < rules.MinPower {
		return insufficient
	}
	o := motion{
		Propose: p, id: tokenomics.ProposalID(m.Seq + 1), state: tokenomics.ProposalDraft, created: m.Now, based: m.version[0],
		deposit: rules.Deposit, delay: rules.VotingDelay, deposits: map[tokenomics.Account]tokenomics.Amount{},
		deadline: m.Now.Add(rules.DepositPeriod), choices: map[tokenomics.Account]tokenomics.Choice{},
	}
	if !m.valid(o.sets()) {
		return invalid
	}
	if p.Kind == tokenomics.EmergencyAction {
		o.deposit, o.delay = 0, 0
	}
	if p.Deposit > 0 || o.deposit == 0 {
		if answer := m.deposit(&o, p.Proposer, p.Deposit); answer != Yes {
			return answer
		}
	}
	set(m, m.motions, o.id, &o)
	m.moved()
	return Yes
}

// steer carries a request about a proposal out, on the proposal as it is now.
func (m *Model) steer(r tokenomics.Request) string {
	var id tokenomics.ProposalID
	var step func(*motion) string
	switch {
	case r.Deposit != nil:
		id, step = r.Deposit.Proposal, func(o *motion) string {
			if !o.opens.IsZero() || o.state != tokenomics.ProposalDraft && o.state != tokenomics.ProposalDeposit {
				return conflict
			}
			return m.deposit(o, r.Deposit.Depositor, r.Deposit.Amount)
		}
	case r.Vote != nil:
		id, step = r.Vote.Proposal, func(o *motion) string { return m.vote(o, *r.Vote) }
	case r.Queue != nil:
		id, step = r.Queue.Proposal, m.queue
	case r.Execute != nil:
		id, step = r.Execute.Proposal, m.execute
	default:
		id, step = r.Cancel.Proposal, func(o *motion) string { return m.cancel(o, r.Cancel.Account) }
	}
	o, known := m.motions[id]
	if !known {
		return notFound
	}
	m.advance(&o)
	answer := step(&o)
	set(m, m.motions, id, &o)
	m.moved()
	return answer
}

// advance takes the steps whose time has come.
func (m *Model) advance(o *motion) {
	for due := o.due(); !due.IsZero() && !m.Now.Before(due); due = o.due() {
		switch {
		case o.state == tokenomics.ProposalDeposit && !o.opens.IsZero():
			m.open(o)
		case o.state == tokenomics.ProposalVoting:
			m.count(o)
		default:
			m.refund(o)
			m.become(o, tokenomics.ProposalExpired)
		}
	}
}

// refund gives the deposits back.
func (m *Model) refund(o *motion) {
	for account, amount := range o.deposits {
		m.move(amount, Place{account, tokenomics.KindDeposit}, available(account))
	}
	o.deposits = nil
}

// deposit adds to what is locked for a proposal that lacks some of its deposit.
func (m *Model) deposit(o *motion, from tokenomics.Account, amount tokenomics.Amount) string {
	missing := o.deposit
	for _, d := range o.deposits {
		missing -= d
	}
	switch {
	case amount > missing:
		return conflict
	case amount < min(missing, (o.deposit+15)/16):
		return invalid
	}
	m.move(amount, available(from), Place{from, tokenomics.KindDeposit})
	if o.deposits = maps.Clone(o.deposits); amount > 0 {
		o.deposits[from] += amount
	}
	if o.state == tokenomics.ProposalDraft {
		m.become(o, tokenomics.ProposalDeposit)
	}
	if amount == missing {
		o.opens = m.Now.Add(o.delay)
	}
	m.advance(o)
	return Yes
}

// open begins the vote, by the rules and with the stakes of now.
func (m *Model) open(o *motion) {
	o.rules, o.stakes, o.snapshot, o.opened = m.rules(), m.stakes(), m.Seq, m.Now
	o.ends = m.Now.Add(o.rules.VotingPeriod)
	if o.Kind == tokenomics.EmergencyAction {
		period := min(o.rules.EmergencyPeriod, o.rules.VotingPeriod)
		o.ends, o.rules.LateQuorum = m.Now.Add(period), min(o.rules.LateQuorum, period)
		o.rules.Threshold = max(o.rules.EmergencyThreshold, o.rules.Threshold)
		o.rules.Timelock = o.rules.EmergencyTimelock
	}
	m.become(o, tokenomics.ProposalVoting)
}

func (m *Model) queue(o *motion) string {
	if o.state != tokenomics.ProposalSucceeded || o.idle() {
		return conflict
	}
	o.eta = m.Now.Add(o.rules.Timelock)
	o.until = o.eta.Add(o.rules.Grace)
	m.become(o, tokenomics.ProposalQueued)
	return Yes
}

func (m *Model) execute(o *motion) string {
	if o.state != tokenomics.ProposalQueued || m.Now.Before(o.eta) {
		return conflict
	}
	for _, action := range o.Actions {
		switch {
		case action.Pay != nil:
			m.move(action.Pay.Amount, available(tokenomics.Treasury), available(action.Pay.To))
		case m.values[action.Set.Key].version > o.based:
			return conflict
		}
	}
	if !m.valid(o.sets()) {
		return invalid
	}
	m.become(o, tokenomics.ProposalExecuted)
	m.amend(o)
	return Yes
}

func (m *Model) cancel(o *motion, who tokenomics.Account) string {
	early := o.state == tokenomics.ProposalDraft || o.state == tokenomics.ProposalDeposit
	switch {
	case who != guardian && who != o.Proposer:
		return denied
	case o.due().IsZero(), who != guardian && !early:
		return conflict
	}
	m.refund(o)
	m.become(o, tokenomics.ProposalCancelled)
	return Yes
}

// running lists the proposals that have a way on, oldest first.
func (m *Model) running() (some []motion) {
	for _, id := range slices.Sorted(maps.Keys(m.motions)) {
		if o := m.motions[id]; !o.due().IsZero() {
			some = append(some, o)
		}
	}
	return some
}
