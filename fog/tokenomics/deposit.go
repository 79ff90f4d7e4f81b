package tokenomics

import (
	"cmp"
	"context"
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// OpDeposit deposits for a proposal.
const OpDeposit Op = "deposit"

// maxDepositors bounds what closing a proposal has to give back.
const maxDepositors = 16

// Deposit sets available tokens of an account aside for a proposal. They come back when the proposal has an outcome; those of one that was
// vetoed go where Governance.Vetoed says. It is idempotent by Key.
type Deposit struct {
	Key       string           `json:"key"`    // 1 to 200 characters
	Tenant    principal.Tenant `json:"tenant"` // empty: the caller's
	Proposal  ProposalID       `json:"proposal"`
	Depositor Account          `json:"depositor"`
	Amount    Amount           `json:"amount"` // at most what is missing; at least that, or a sixteenth of the whole deposit
}

var _ order = (*Deposit)(nil)

func (d *Deposit) reference() Reference { return Reference{d.Tenant, OpDeposit, d.Key} }

func (d *Deposit) owner() Account { return d.Depositor }

func (d *Deposit) within(tenant principal.Tenant) Request {
	c := *d
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Deposit: &c}
}

func (d *Deposit) validate(op string) error {
	return first(
		checkMember(op, d.Tenant, d.Key, d.Proposal),
		checkName(op, "depositor", string(d.Depositor), maxName),
		checkAmount(op, "amount", d.Amount, 1))
}

// checkMember checks what requests about proposals have in common.
func checkMember(op string, tenant principal.Tenant, key string, id ProposalID) error {
	if id < 1 {
		return fault.Field(op, "proposal", "must be the number of a proposal")
	}
	return first(checkName(op, "tenant", string(tenant), maxName), checkName(op, "key", key, maxKey))
}

func (d *Deposit) body(b *body) {
	b.number(int64(d.Proposal))
	b.text(string(d.Depositor))
	b.number(int64(d.Amount))
}

func (d *Deposit) decide(e *evaluation, it *item) error {
	p, err := e.docket(it, d.Tenant, d.Proposal)
	switch {
	case err != nil:
		return err
	case !p.lacking():
		return p.refuse()
	}
	if err := p.deposit(d.Depositor, d.Amount); err != nil {
		return err
	}
	return p.settle(Movement{Owner: d.Depositor})
}

// deposit adds to what is locked for a proposal that lacks some of its deposit, and opens the vote when its time has come.
func (d *docket) deposit(from Account, amount Amount) error {
	missing := d.Terms.Deposit - d.deposited()
	least := min(missing, (d.Terms.Deposit+maxDepositors-1)/maxDepositors)
	switch {
	case amount == 0 && missing > 0:
		return nil
	case amount > missing:
		return fault.Newf(fault.Conflict, d.it.op(), "proposal %s lacks %s FOG of its deposit, %s are more", d.id, missing, amount)
	case amount < least:
		return fault.Field(d.it.op(), "amount", "must be at least %s FOG", least)
	}
	if amount > 0 {
		d.move(amount, from, KindAvailable, from, KindDeposit)
		at := slices.IndexFunc(d.Deposits, func(s Share) bool { return s.Account == from })
		if at < 0 {
			at, d.Deposits = len(d.Deposits), append(d.Deposits, Share{Account: from})
		}
		d.Deposits[at].Amount += amount
	}
	if d.state == ProposalDraft {
		if err := d.become(ProposalDeposit); err != nil {
			return err
		}
	}
	if amount == missing {
		d.Opens = d.e.now.Add(d.Terms.Delay)
	}
	return d.advance()
}

// Deposit deposits for proposals in one commit and answers each by itself: nil (deposited, now or before), Insufficient, Conflict (another
// deposit has this key, or the proposal does not lack so much), Invalid, NotFound, or Denied: accounts deposit only their own
// tokens. An error for all of them leaves the outcome open when it is Unavailable: ask again with the same keys.
func (t *Tokenomics) Deposit(ctx context.Context, deposits []Deposit) ([]error, error) {
	requests := make([]Request, len(deposits))
	for i := range deposits {
		requests[i].Deposit = &deposits[i]
	}
	return t.Post(ctx, requests)
}
