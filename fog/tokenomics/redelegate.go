package tokenomics

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Operations by which stake changes its operator.
const (
	// OpRedelegate moves stake from one operator to another.
	OpRedelegate Op = "redelegate"
	// OpRelease ends the time in which it answers for both.
	OpRelease Op = "release"
)

// ClassRedelegation has a record for each redelegation that is not matured; its owner is the account, its key the operator that was left
// and the key of the Redelegate.
const ClassRedelegation Class = "redelegation"

// Redelegate moves stake from one operator to another without a wait. Until it has matured, after Economics.Unbonding, it
// answers for both: slashes of the operator that was left reach it for faults from before. So stake cannot be moved on from an
// operator to which some has come that has not matured. An account may have 7 such redelegations to an operator. It is
// idempotent by Key.
type Redelegate struct {
	Key     string           `json:"key"`    // 1 to 200 characters; names the redelegation
	Tenant  principal.Tenant `json:"tenant"` // empty: the caller's
	Account Account          `json:"account"`
	From    Account          `json:"from,omitempty"`   // the operator that is left; empty: the account itself
	To      Account          `json:"to,omitempty"`     // another operator; empty: the account itself
	Amount  Amount           `json:"amount,omitempty"` // 0: everything
}

var _ order = (*Redelegate)(nil)

func (r *Redelegate) reference() Reference { return Reference{r.Tenant, OpRedelegate, r.Key} }

func (r *Redelegate) owner() Account { return r.Account }

func (r *Redelegate) within(tenant principal.Tenant) Request {
	c := *r
	c.Tenant, c.From, c.To = cmp.Or(c.Tenant, tenant), cmp.Or(c.From, c.Account), cmp.Or(c.To, c.Account)
	return Request{Redelegate: &c}
}

func (r *Redelegate) validate(op string) error {
	if r.From == r.To {
		return fault.Field(op, "to", "must be another operator than from")
	}
	return first(
		checkStake(op, r.Tenant, r.Key, r.Account, r.From),
		checkName(op, "to", string(r.To), maxName),
		checkAmount(op, "amount", r.Amount, 0))
}

func (r *Redelegate) body(b *body) {
	b.text(string(r.Account))
	b.text(string(r.From))
	b.text(string(r.To))
	b.number(int64(r.Amount))
}

func (r *Redelegate) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	s.wantPair(r.To, r.Account)
	source, left, err := s.pair(r.From, r.Account)
	if err != nil {
		return err
	}
	_, joined, err := s.pair(r.To, r.Account)
	if err != nil {
		return err
	}
	switch {
	case countLive(left.Arrived, e.now) > 0:
		return fault.Newf(fault.Conflict, it.op(), "stake has come to %q that has not matured", r.From)
	case countLive(joined.Arrived, e.now) >= maxLive:
		return fault.Newf(fault.Conflict, it.op(), "account %q has %d redelegations to %q already", r.Account, maxLive, r.To)
	}
	tokens, err := s.exit(source, left, r.Amount)
	if err != nil {
		return err
	}
	if tokens > 0 { // else worthless shares were given up
		if err := s.arrive(r, tokens, joined); err != nil {
			return err
		}
	}
	s.move(Amount(tokens), r.From, KindStaked, r.To, KindStaked)
	return s.settle(Movement{Owner: r.Account})
}

// arrive adds tokens that come from another operator to a position.
func (s *stakes) arrive(r *Redelegate, tokens int64, joined *position) error {
	key := pairKey(r.From, r.Key)
	moved, err := row[redelegation](s, ClassRedelegation, key)
	if err != nil {
		return err
	}
	*moved = redelegation{
		Source: r.From, Target: r.To, Account: r.Account, Amount: tokens, Created: s.e.now,
		Matures: s.e.now.Add(s.economy.now.Unbonding), Seq: s.e.state.head.Last + 1,
	}
	joined.Arrived = append(joined.Arrived, live{key, moved.Matures})
	return s.enter(r.To, r.Account, Amount(tokens))
}

// live names an unbonding entry or a redelegation in the record of a position. It counts until it matures, whether it was
// swept or not.
type live struct {
	Key     string    `json:"key"`
	Matures time.Time `json:"matures"`
}

// countLive counts those that are not matured.
func countLive(entries []live, now time.Time) (n int) {
	for _, l := range entries {
		if now.Before(l.Matures) {
			n++
		}
	}
	return n
}

// without returns the entries but one.
func without(entries []live, key string) []live {
	return slices.DeleteFunc(entries, func(l live) bool { return l.Key == key })
}

// redelegation is stake that has changed its operator lately.
type redelegation struct {
	Source  Account   `json:"source"`
	Target  Account   `json:"target"`
	Account Account   `json:"account"`
	Amount  int64     `json:"amount"` // base units that still answer for the source
	Created time.Time `json:"created"`
	Matures time.Time `json:"matures"`
	Held    time.Time `json:"held,omitzero"` // a slash that is not decided keeps it: looked at again then
	Seq     int64     `json:"seq"`           // of the movement that made it
	Cut     int64     `json:"cut,omitempty"` // the movement of the latest slash that it has paid for
}

func (d *redelegation) describe(r *Record) bool {
	r.Owner, r.Due = d.Account, later(d.Matures, d.Held)
	return d.Account != ""
}

// moved reads a redelegation, with what the slashes that are being carried out leave of it, and the pool that it has left. It is nil if
// there is none. Errors: errMissing.
func (s *stakes) moved(key string) (*redelegation, *pool, error) {
	d, err := row[redelegation](s, ClassRedelegation, key)
	if err != nil || d.Account == "" {
		return nil, nil, err
	}
	p, err := s.pool(d.Source)
	if err != nil {
		return nil, nil, err
	}
	return d, p, s.cutMoved(p, d)
}

// release ends a redelegation whose time has come, unless a slash is not decided that may reach it.
func (s *stakes) release(key string) error {
	d, p, err := s.moved(key)
	if err != nil {
		return err
	}
	owner := d.Account
	if held := p.holds(d.Created, s.e.now); !held.IsZero() {
		d.Held = held
		return s.settle(Movement{Owner: owner})
	}
	target, pos, err := s.pair(d.Target, d.Account)
	if err != nil {
		return err
	}
	pos.Arrived = without(pos.Arrived, key)
	*d = redelegation{}
	if err := s.value(target, pos); err != nil {
		return err
	}
	return s.settle(Movement{Owner: owner})
}

// Redelegate moves stake between operators in one commit and answers each by itself: nil (moved, now or before), Insufficient,
// Conflict (another redelegation has this key, what came lately cannot be moved on, or there are too many), Invalid, NotFound,
// or Denied: accounts move only their own stake. An error for all of them leaves the outcome open when it is
// Unavailable: ask again with the same keys.
func (t *Tokenomics) Redelegate(ctx context.Context, redelegations []Redelegate) ([]error, error) {
	requests := make([]Request, len(redelegations))
	for i := range redelegations {
		requests[i].Redelegate = &redelegations[i]
	}
	return t.Post(ctx, requests)
}
