package tokenomics

import (
	"cmp"
	"context"
	"strconv"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Operations by which stake leaves a pool.
const (
	// OpUnstake takes stake out of a pool; it is paid back when it has matured.
	OpUnstake Op = "unstake"
	// OpCancelUnstake puts it back before.
	OpCancelUnstake Op = "cancel_unstake"
	// OpMature pays it back.
	OpMature Op = "mature"
)

// ClassUnbonding has a record for each unstaking that is not paid back; its owner is the account, its key the operator and the key of the
// Unstake.
const ClassUnbonding Class = "unbonding"

// Unstake takes stake out of an operator's pool. It earns and votes no more. Slashes for faults from before still reach it, until
// it has matured after Economics.Unbonding and is paid back by itself. An account may have 7 such entries with an
// operator. It is idempotent by Key.
type Unstake struct {
	Key      string           `json:"key"`    // 1 to 200 characters; names the entry
	Tenant   principal.Tenant `json:"tenant"` // empty: the caller's
	Account  Account          `json:"account"`
	Operator Account          `json:"operator,omitempty"` // empty: the account itself
	Amount   Amount           `json:"amount,omitempty"`   // 0: everything
}

var _ order = (*Unstake)(nil)

func (r *Unstake) reference() Reference { return Reference{r.Tenant, OpUnstake, r.Key} }

func (r *Unstake) owner() Account { return r.Account }

func (r *Unstake) within(tenant principal.Tenant) Request {
	c := *r
	c.Tenant, c.Operator = cmp.Or(c.Tenant, tenant), cmp.Or(c.Operator, c.Account)
	return Request{Unstake: &c}
}

func (r *Unstake) validate(op string) error {
	return first(checkStake(op, r.Tenant, r.Key, r.Account, r.Operator), checkAmount(op, "amount", r.Amount, 0))
}

func (r *Unstake) body(b *body) {
	b.text(string(r.Account))
	b.text(string(r.Operator))
	b.number(int64(r.Amount))
}

func (r *Unstake) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	p, pos, err := s.pair(r.Operator, r.Account)
	if err != nil {
		return err
	}
	if countLive(pos.Unbonding, e.now) >= maxLive {
		return fault.Newf(fault.Conflict, it.op(), "account %q has %d entries that leave %q already", r.Account, maxLive, r.Operator)
	}
	key := pairKey(r.Operator, r.Key)
	out, err := row[unbonding](s, ClassUnbonding, key)
	if err != nil {
		return err
	}
	if p.Stake.Value(int64(pos.Share.Weight)) > 0 { // else worthless shares leave, and nothing has to be paid back
		*out = unbonding{
			Operator: r.Operator, Account: r.Account, Created: e.now, Matures: pos.matures(e.now.Add(s.economy.now.Unbonding)),
			Seq: e.state.head.Last + 1,
		}
		pos.Unbonding = append(pos.Unbonding, live{key, out.Matures})
	}
	if out.Amount, err = s.exit(p, pos, r.Amount); err != nil {
		return err
	}
	tokens := out.Amount
	s.move(Amount(tokens), r.Operator, KindStaked, r.Operator, KindUnbonding)
	return s.settle(Movement{Owner: r.Account})
}

// unbonding is stake that has left a pool and is not paid back. It is an amount of its own and no share of a common pot, since a
// slash reaches one entry and not the other: those that were still staked when the fault happened.
type unbonding struct {
	Operator Account   `json:"operator"`
	Account  Account   `json:"account"`
	Amount   int64     `json:"amount"` // base units
	Created  time.Time `json:"created"`
	Matures  time.Time `json:"matures"`
	Held     time.Time `json:"held,omitzero"` // a slash that is not decided keeps it: looked at again then
	Seq      int64     `json:"seq"`           // of the movement that made it
	Cut      int64     `json:"cut,omitempty"` // the movement of the latest slash that it has paid for
}

func (u *unbonding) describe(r *Record) bool {
	r.Owner, r.Due = u.Account, later(u.Matures, u.Held)
	return u.Account != ""
}

// matures returns when stake that leaves a position may be paid back: not before what has come by redelegation may.
func (p *position) matures(at time.Time) time.Time {
	for _, a := range p.Arrived {
		if a.Matures.After(at) {
			at = a.Matures
		}
	}
	return at
}

// entry reads an unbonding entry, with what the slashes that are being carried out leave of it, and its pool and position. It is nil
// if there is none. Errors: errMissing.
func (s *stakes) entry(key string) (*unbonding, *pool, *position, error) {
	u, err := row[unbonding](s, ClassUnbonding, key)
	if err != nil || u.Account == "" {
		return nil, nil, nil, err
	}
	p, pos, err := s.pair(u.Operator, u.Account)
	if err != nil {
		return nil, nil, nil, err
	}
	return u, p, pos, s.cutUnbonding(p, u)
}

// forget removes an entry.
func (s *stakes) forget(key string, u *unbonding, p *pool, pos *position) error {
	pos.Unbonding = without(pos.Unbonding, key)
	*u = unbonding{}
	return s.value(p, pos)
}

// CancelUnstake puts stake that has not matured back into the pool that it has left. It is idempotent by Key.
type CancelUnstake struct {
	Key      string           `json:"key"`    // 1 to 200 characters
	Tenant   principal.Tenant `json:"tenant"` // empty: the caller's
	Account  Account          `json:"account"`
	Operator Account          `json:"operator,omitempty"` // empty: the account itself
	Unstake  string           `json:"unstake"`            // the key of the Unstake
}

var _ order = (*CancelUnstake)(nil)

func (r *CancelUnstake) reference() Reference { return Reference{r.Tenant, OpCancelUnstake, r.Key} }

func (r *CancelUnstake) owner() Account { return r.Account }

func (r *CancelUnstake) within(tenant principal.Tenant) Request {
	c := *r
	c.Tenant, c.Operator = cmp.Or(c.Tenant, tenant), cmp.Or(c.Operator, c.Account)
	return Request{CancelUnstake: &c}
}

func (r *CancelUnstake) validate(op string) error {
	return first(checkStake(op, r.Tenant, r.Key, r.Account, r.Operator), checkName(op, "unstake", r.Unstake, maxKey))
}

func (r *CancelUnstake) body(b *body) {
	b.text(string(r.Account))
	b.text(string(r.Operator))
	b.text(r.Unstake)
}

func (r *CancelUnstake) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	key := pairKey(r.Operator, r.Unstake)
	u, p, pos, err := s.entry(key)
	switch {
	case err != nil:
		return err
	case u == nil || u.Account != r.Account:
		return fault.Newf(fault.NotFound, it.op(), "account %q has no entry %q that leaves %q", r.Account, r.Unstake, r.Operator)
	case !e.now.Before(u.Matures):
		return fault.Newf(fault.Conflict, it.op(), "entry %q has matured", r.Unstake)
	}
	amount := Amount(u.Amount)
	if err := s.forget(key, u, p, pos); err != nil {
		return err
	}
	if amount > 0 {
		if err := s.enter(r.Operator, r.Account, amount); err != nil {
			return err
		}
	}
	s.move(amount, r.Operator, KindUnbonding, r.Operator, KindStaked)
	return s.settle(Movement{Owner: r.Account})
}

// maturity pays an entry back whose time has come. The ledger posts it by itself.
type maturity struct {
	entry RecordRef
	at    time.Time // of the sweep
}

var _ order = (*maturity)(nil)

func (m *maturity) reference() Reference {
	op := OpMature
	if m.entry.Class == ClassRedelegation {
		op = OpRelease
	}
	return Reference{m.entry.Tenant, op, stepKey(m.entry, m.at)}
}

func (m *maturity) owner() Account { return Account(principal.Operator) }

func (m *maturity) within(principal.Tenant) Request { return Request{own: m} }

func (m *maturity) validate(string) error { return nil }

func (m *maturity) body(b *body) { b.text(m.entry.Key) }

// stepKey is the key of a step that the ledger takes by itself: one for each sweep that finds it due.
func stepKey(ref RecordRef, at time.Time) string {
	return string(ref.Class) + ":" + strconv.Quote(ref.Key) + "@" + strconv.FormatInt(at.UnixMicro(), 10)
}

func (m *maturity) decide(e *evaluation, it *item) error {
	before, known := e.state.records.get(m.entry)
	switch {
	case !known:
		return errMissing
	case !before.exists(), before.Due.After(e.now):
		return nil
	}
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	if m.entry.Class == ClassRedelegation {
		return s.release(m.entry.Key)
	}
	return s.mature(m.entry.Key)
}

// mature pays an entry back, unless a slash is not decided that may reach it.
func (s *stakes) mature(key string) error {
	u, p, pos, err := s.entry(key)
	if err != nil {
		return err
	}
	held, err := s.held(u, p, pos)
	if err != nil {
		return err
	}
	if !held.IsZero() {
		u.Held = held
		return s.settle(Movement{Owner: u.Account})
	}
	operator, account, amount := u.Operator, u.Account, Amount(u.Amount)
	if err := s.forget(key, u, p, pos); err != nil {
		return err
	}
	s.move(amount, operator, KindUnbonding, account, KindAvailable)
	return s.settle(Movement{Owner: account})
}

// held returns when to look again whether slashes that are not decided keep an entry, zero if none does: those of operators included from
// which stake had come to the position before it left. It takes what they have to pay already.
func (s *stakes) held(u *unbonding, p *pool, pos *position) (time.Time, error) {
	until := p.holds(u.Created, s.e.now)
	for _, arrived := range pos.Arrived {
		d, source, err := s.moved(arrived.Key)
		if err != nil {
			return time.Time{}, err
		}
		if d != nil && d.Seq < u.Seq {
			until = later(until, source.holds(d.Created, s.e.now))
		}
	}
	return until, nil
}

// Unstake takes stake out in one commit and answers each by itself: nil (leaving, now or before), Insufficient, Conflict (another
// unstake has this key, or too many entries are leaving), Invalid, NotFound, or Denied: accounts unstake only their own
// tokens. An error for all of them leaves the outcome open when it is Unavailable: ask again with the same keys.
func (t *Tokenomics) Unstake(ctx context.Context, unstakes []Unstake) ([]error, error) {
	requests := make([]Request, len(unstakes))
	for i := range unstakes {
		requests[i].Unstake = &unstakes[i]
	}
	return t.Post(ctx, requests)
}

// CancelUnstake puts stake back in one commit and answers each by itself: nil (staked again, now or before), NotFound (no such
// entry), Conflict (it has matured, the pool was slashed to nothing, or another cancellation has this key), Invalid, or
// Denied. An error for all of them leaves the outcome open when it is Unavailable: ask again with the same keys.
func (t *Tokenomics) CancelUnstake(ctx context.Context, cancellations []CancelUnstake) ([]error, error) {
	requests := make([]Request, len(cancellations))
	for i := range cancellations {
		requests[i].CancelUnstake = &cancellations[i]
	}
	return t.Post(ctx, requests)
}
