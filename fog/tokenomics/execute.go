package tokenomics

import (
	"cmp"
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Operations on what was voted on.
const (
	// OpQueue starts the timelock of a proposal.
	OpQueue Op = "queue"
	// OpExecute carries a proposal out.
	OpExecute Op = "execute"
	// OpCancel cancels a proposal.
	OpCancel Op = "cancel"
	// OpLapse ends the effect of an emergency action; its key is the proposal's.
	OpLapse Op = "lapse"
)

// Enqueue starts the timelock of a proposal that has succeeded. Anybody may, in their own name. It is idempotent by Key.
type Enqueue struct {
	Key      string           `json:"key"`    // 1 to 200 characters
	Tenant   principal.Tenant `json:"tenant"` // empty: the caller's
	Proposal ProposalID       `json:"proposal"`
	Account  Account          `json:"account"` // who asks
}

var _ order = (*Enqueue)(nil)

func (q *Enqueue) reference() Reference { return Reference{q.Tenant, OpQueue, q.Key} }

func (q *Enqueue) owner() Account { return q.Account }

func (q *Enqueue) within(tenant principal.Tenant) Request {
	c := *q
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Queue: &c}
}

func (q *Enqueue) validate(op string) error {
	return first(checkMember(op, q.Tenant, q.Key, q.Proposal), checkName(op, "account", string(q.Account), maxName))
}

func (q *Enqueue) body(b *body) {
	b.number(int64(q.Proposal))
	b.text(string(q.Account))
}

func (q *Enqueue) decide(e *evaluation, it *item) error {
	d, err := e.docket(it, q.Tenant, q.Proposal)
	switch {
	case err != nil:
		return err
	case d.state != ProposalSucceeded, d.Idle:
		return d.refuse()
	}
	d.ETA = e.now.Add(d.Terms.Timelock)
	d.Until = d.ETA.Add(d.Terms.Grace)
	if err := d.become(ProposalQueued); err != nil {
		return err
	}
	return d.settle(Movement{Owner: q.Account})
}

// Execute carries out a proposal whose timelock is over: all its actions, or none, in one movement. Anybody may, in their own name. It
// is idempotent by Key.
type Execute struct {
	Key      string           `json:"key"`    // 1 to 200 characters
	Tenant   principal.Tenant `json:"tenant"` // empty: the caller's
	Proposal ProposalID       `json:"proposal"`
	Account  Account          `json:"account"` // who asks
}

var _ order = (*Execute)(nil)

func (x *Execute) reference() Reference { return Reference{x.Tenant, OpExecute, x.Key} }

func (x *Execute) owner() Account { return x.Account }

func (x *Execute) within(tenant principal.Tenant) Request {
	c := *x
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Execute: &c}
}

func (x *Execute) validate(op string) error {
	return first(checkMember(op, x.Tenant, x.Key, x.Proposal), checkName(op, "account", string(x.Account), maxName))
}

func (x *Execute) body(b *body) {
	b.number(int64(x.Proposal))
	b.text(string(x.Account))
}

func (x *Execute) decide(e *evaluation, it *item) error {
	d, err := e.docket(it, x.Tenant, x.Proposal)
	switch {
	case err != nil:
		return err
	case d.state != ProposalQueued, e.now.Before(d.ETA):
		return d.refuse()
	}
	motion, _, known, err := fetch[motion](e, RecordRef{x.Tenant, ClassMotion, d.id.key()})
	switch {
	case err != nil:
		return err
	case !known:
		return errMissing
	case motion == nil:
		return fault.Newf(fault.Internal, it.op(), "proposal %s has no text", d.id)
	}
	for _, a := range motion.Actions {
		if a.Pay != nil {
			d.move(a.Pay.Amount, Treasury, KindAvailable, a.Pay.To, KindAvailable)
		}
	}
	change, err := d.plan(settings(motion.Actions))
	if err != nil {
		return err
	}
	if err := d.become(ProposalExecuted); err != nil {
		return err
	}
	return d.settle(Movement{Owner: x.Account}, change.write)
}

// Cancel ends a proposal without an outcome; its deposits are given back. The proposer may before voting begins, the guardian in every
// state but the last ones. It is idempotent by Key.
type Cancel struct {
	Key      string           `json:"key"`    // 1 to 200 characters
	Tenant   principal.Tenant `json:"tenant"` // empty: the caller's
	Proposal ProposalID       `json:"proposal"`
	Account  Account          `json:"account"` // who asks: the proposer or the guardian
	Reason   string           `json:"reason,omitempty"`
}

var _ order = (*Cancel)(nil)

func (c *Cancel) reference() Reference { return Reference{c.Tenant, OpCancel, c.Key} }

func (c *Cancel) owner() Account { return c.Account }

func (c *Cancel) within(tenant principal.Tenant) Request {
	d := *c
	d.Tenant = cmp.Or(d.Tenant, tenant)
	return Request{Cancel: &d}
}

func (c *Cancel) validate(op string) error {
	return first(
		checkMember(op, c.Tenant, c.Key, c.Proposal),
		checkName(op, "account", string(c.Account), maxName),
		checkText(op, "reason", c.Reason, maxReason))
}

func (c *Cancel) body(b *body) {
	b.number(int64(c.Proposal))
	b.text(string(c.Account))
	b.text(c.Reason)
}

func (c *Cancel) decide(e *evaluation, it *item) error {
	d, err := e.docket(it, c.Tenant, c.Proposal)
	if err != nil {
		return err
	}
	early := d.state == ProposalDraft || d.state == ProposalDeposit
	switch guardian := c.Account == e.rules.guardian; {
	case !guardian && c.Account != d.Proposer:
		return fault.Newf(fault.Denied, it.op(), "only the guardian, account %q, and the proposer may cancel proposal %s", e.rules.guardian, d.id)
	case d.due().IsZero():
		return d.refuse()
	case !guardian && !early:
		return fault.Newf(fault.Conflict, it.op(), "proposal %s is %s: from here on only the guardian, account %q, may cancel it", d.id, d.state, e.rules.guardian)
	}
	d.refund()
	if err := d.become(ProposalCancelled); err != nil {
		return err
	}
	return d.settle(Movement{Owner: c.Account, Memo: c.Reason})
}

// lapse ends the effect of an emergency action. The ledger posts it by itself.
type lapse struct{ ref RecordRef }

var _ order = (*lapse)(nil)

func (l *lapse) reference() Reference { return Reference{l.ref.Tenant, OpLapse, l.ref.Key} }

func (l *lapse) owner() Account { return Account(principal.Operator) }

func (l *lapse) within(principal.Tenant) Request { return Request{own: l} }

func (l *lapse) validate(string) error { return nil }

func (l *lapse) body(*body) {}

func (l *lapse) decide(e *evaluation, it *item) error {
	body, record, known, err := fetch[effect](e, l.ref)
	switch {
	case err != nil:
		return err
	case !known:
		return errMissing
	case body == nil, e.now.Before(record.Due):
		return nil
	}
	d := &docket{e: e, it: it, tenant: l.ref.Tenant, id: idOf(l.ref.Key)}
	d.minutes.Proposal = d.id
	change, err := d.restore(body.Keys)
	if err != nil {
		return err
	}
	if err := d.audit(Movement{Owner: l.owner()}); err != nil {
		return err
	}
	e.state.records.set(l.ref, Record{RecordRef: l.ref, Seq: e.state.head.Last})
	return change.write()
}

// effect is the body of the record of an emergency action that has effect.
type effect struct {
	Keys []string `json:"keys"`
}

// one carries a single request out and returns its verdict.
func (t *Tokenomics) one(ctx context.Context, r Request) error {
	verdicts, err := t.Post(ctx, []Request{r})
	if err != nil {
		return err
	}
	return verdicts[0]
}

// Queue starts the timelock of a proposal. Errors: Conflict (the key was used with another content, or the proposal is not in the state
// for it: the error says what can be done), NotFound, Invalid, Denied; Unavailable leaves the outcome open: ask again with the same
// key.
func (t *Tokenomics) Queue(ctx context.Context, q Enqueue) error {
	return t.one(ctx, Request{Queue: &q})
}

// Execute carries a proposal out. Nothing of it has happened if there is an error, and it can be tried again until it expires: Conflict (the
// key was used with another content, the proposal is not in the state for it, or a parameter was changed since it was proposed),
// Insufficient (the treasury has too little), Invalid (an engine does not accept a value any more), NotFound, Denied;
// Unavailable leaves the outcome open: ask again with the same key.
func (t *Tokenomics) Execute(ctx context.Context, x Execute) error {
	return t.one(ctx, Request{Execute: &x})
}

// Cancel ends a proposal without an outcome. Errors: Conflict (the key was used with another content, or it is too late), NotFound, Invalid,
// Denied; Unavailable leaves the outcome open: ask again with the same key.
func (t *Tokenomics) Cancel(ctx context.Context, c Cancel) error {
	return t.one(ctx, Request{Cancel: &c})
}

// until returns when the effect of an emergency action ends.
func (d *docket) until() time.Time { return d.e.now.Add(d.Terms.Effect) }
