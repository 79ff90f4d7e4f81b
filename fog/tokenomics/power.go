package tokenomics

import (
	"cmp"
	"context"
	"encoding/json"
	"strconv"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Series of points by which the past of voting power is kept. Amounts are base units.
const (
	// SeriesOwn is what an account stakes itself: the sum of its positions, each as it was worth when it was touched last.
	SeriesOwn Series = "own"
	// SeriesPower is an account's power to vote: its own stake that it has not delegated, and what is delegated to it.
	SeriesPower Series = "power"
	// SeriesTotal has the sum of all powers, under the empty key: what all accounts stake themselves.
	SeriesTotal Series = "total"
	// SeriesDelegation is to whom an account delegates: a list of Delegation.
	SeriesDelegation Series = "delegation"
)

// OpDelegate lets others vote with one's stake.
const OpDelegate Op = "delegate"

// maxDelegates is to how many accounts an account may delegate.
const maxDelegates = 8

// Delegation is a part of an account's stake with which another account votes.
type Delegation struct {
	To   Account `json:"to"`
	Part int     `json:"bp"` // basis points, 1 to 10,000
}

// Delegate lets other accounts vote with parts of an account's stake, from now on and in place of what it has delegated
// before; an empty list takes everything back. It goes one hop: what is delegated to an account is not delegated on, so
// there are no circles. What is not delegated counts for the account itself. It is idempotent by Key.
type Delegate struct {
	Key     string           `json:"key"`    // 1 to 200 characters
	Tenant  principal.Tenant `json:"tenant"` // empty: the caller's
	Account Account          `json:"account"`
	To      []Delegation     `json:"to"` // 0 to 8, other accounts, together at most 10,000 basis points
}

var _ order = (*Delegate)(nil)

func (d *Delegate) reference() Reference { return Reference{d.Tenant, OpDelegate, d.Key} }

func (d *Delegate) owner() Account { return d.Account }

func (d *Delegate) within(tenant principal.Tenant) Request {
	c := *d
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Delegate: &c}
}

func (d *Delegate) validate(op string) error {
	err := first(
		checkName(op, "tenant", string(d.Tenant), maxName),
		checkName(op, "key", d.Key, maxKey),
		checkName(op, "account", string(d.Account), maxName))
	if err != nil {
		return err
	}
	if len(d.To) > maxDelegates {
		return fault.Field(op, "to", "must have at most %d accounts, not %d", maxDelegates, len(d.To))
	}
	sum, seen := 0, map[Account]bool{d.Account: true}
	for _, to := range d.To {
		if err := checkName(op, "to.to", string(to.To), maxName); err != nil {
			return err
		}
		if to.Part < 1 || to.Part > whole {
			return fault.Field(op, "to.bp", "must be from 1 to %d basis points", whole)
		}
		if seen[to.To] {
			return fault.Field(op, "to.to", "%q must be named once, and must not be the account itself", to.To)
		}
		seen[to.To] = true
		sum += to.Part
	}
	if sum > whole {
		return fault.Field(op, "to.bp", "must be at most %d basis points together, not %d", whole, sum)
	}
	return nil
}

func (d *Delegate) body(b *body) {
	b.text(string(d.Account))
	for _, to := range d.To {
		b.text(string(to.To))
		b.number(int64(to.Part))
	}
}

func (d *Delegate) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	owner, err := s.staker(d.Account)
	if err != nil {
		return err
	}
	if err := s.delegate(owner, owner.Own, d.To); err != nil {
		return err
	}
	detail, err := json.Marshal(d.To)
	if err != nil {
		return fault.Newf(fault.Internal, it.op(), "%v", err)
	}
	if err := s.settle(Movement{Owner: d.Account, Detail: detail}); err != nil {
		return err
	}
	s.e.point(SeriesRef{s.tenant, SeriesDelegation, string(d.Account)}, detail)
	return nil
}

// split divides a stake by a delegation: a part for each delegate, rounded down but for the last, which gets what the others' roundings
// leave of all that is delegated; and what its owner keeps. The sum is the stake.
func split(own int64, to []Delegation) (parts []int64, keeps int64) {
	parts = make([]int64, len(to))
	points, given := 0, int64(0)
	for i, d := range to {
		points += d.Part
		parts[i] = int64(part(Amount(own), d.Part))
		given += parts[i]
	}
	if len(to) == 0 {
		return parts, own
	}
	delegated := int64(part(Amount(own), points))
	parts[len(to)-1] += delegated - given
	return parts, own - delegated
}

// setOwn changes what an account stakes itself, and with it its power and those of its delegates.
func (s *stakes) setOwn(owner *staker, own int64) error { return s.delegate(owner, own, owner.To) }

// delegate changes what an account stakes itself and how it is delegated.
func (s *stakes) delegate(owner *staker, own int64, to []Delegation) error {
	if err := s.empower(owner, owner.Own, owner.To, -1); err != nil {
		return err
	}
	if err := s.empower(owner, own, to, 1); err != nil {
		return err
	}
	s.rewards.Own += own - owner.Own
	owner.Own, owner.To = own, to
	return nil
}

// empower adds the powers that come from a stake, or takes them away.
func (s *stakes) empower(owner *staker, own int64, to []Delegation, sign int64) error {
	for _, d := range to {
		s.want(ClassStaker, string(d.To))
	}
	parts, keeps := split(own, to)
	for i, d := range to {
		delegate, err := s.staker(d.To)
		if err != nil {
			return err
		}
		delegate.Power += sign * parts[i]
	}
	owner.Power += sign * keeps
	return nil
}

// point writes the points of what has changed, under the number of the movement.
func (s *stakes) point() error {
	for _, p := range s.stakers {
		if p.Own != p.wasOwn {
			s.e.amountPoint(SeriesRef{s.tenant, SeriesOwn, string(p.account)}, p.Own)
		}
		if p.Power != p.wasPower {
			s.e.amountPoint(SeriesRef{s.tenant, SeriesPower, string(p.account)}, p.Power)
		}
		if active, was := p.Own > 0, p.wasOwn > 0; active && !was {
			s.e.state.count(s.tenant, countStakers, 1, 0)
		} else if was && !active {
			s.e.state.count(s.tenant, countStakers, -1, 0)
		}
		if p.Own < 0 || p.Power < 0 {
			return fault.Newf(fault.Internal, s.it.op(), "account %q would have a power of %d", p.account, p.Power)
		}
	}
	if s.rewards.Own != s.rewards.wasOwn {
		s.e.amountPoint(SeriesRef{s.tenant, SeriesTotal, ""}, s.rewards.Own)
	}
	return nil
}

// point adds a point at the latest movement.
func (e *evaluation) point(ref SeriesRef, body []byte) {
	e.state.add(Point{PointRef{ref, e.state.head.Last}, body})
}

func (e *evaluation) amountPoint(ref SeriesRef, amount int64) {
	e.point(ref, strconv.AppendInt(nil, amount, 10))
}

// amountAt reads a series of amounts. Errors: errMissing.
func (e *evaluation) amountAt(ref SeriesRef, seq int64) (Amount, error) {
	p, known := e.state.at(PointRef{ref, seq})
	if !known {
		return 0, errMissing
	}
	return amountOf(p)
}

// amountOf reads a point that is an amount; no point is 0.
func amountOf(p Point) (Amount, error) {
	if p.Body == nil {
		return 0, nil
	}
	amount, err := strconv.ParseInt(string(p.Body), 10, 64)
	if err != nil {
		return 0, fault.Newf(fault.Internal, "tokenomics.point", "%s of %q at movement %d cannot be read", p.Series, p.Key, p.Seq)
	}
	return Amount(amount), nil
}

// powerAt returns an account's power to vote when the ledger stood at a movement. Errors: errMissing.
func (e *evaluation) powerAt(tenant principal.Tenant, account Account, seq int64) (Amount, error) {
	return e.amountAt(SeriesRef{tenant, SeriesPower, string(account)}, seq)
}

// ownAt returns what an account staked itself when the ledger stood at a movement. Errors: errMissing.
func (e *evaluation) ownAt(tenant principal.Tenant, account Account, seq int64) (Amount, error) {
	return e.amountAt(SeriesRef{tenant, SeriesOwn, string(account)}, seq)
}

// totalAt returns the sum of all powers when the ledger stood at a movement. Errors: errMissing.
func (e *evaluation) totalAt(tenant principal.Tenant, seq int64) (Amount, error) {
	return e.amountAt(SeriesRef{tenant, SeriesTotal, ""}, seq)
}

// delegationsAt returns to whom an account delegated when the ledger stood at a movement; split says how much. Errors: errMissing.
func (e *evaluation) delegationsAt(tenant principal.Tenant, account Account, seq int64) ([]Delegation, error) {
	p, known := e.state.at(PointRef{SeriesRef{tenant, SeriesDelegation, string(account)}, seq})
	if !known {
		return nil, errMissing
	}
	return delegationsOf(p)
}

// delegationsOf reads a point that is a delegation; no point is none.
func delegationsOf(p Point) (to []Delegation, err error) {
	if p.Body == nil {
		return nil, nil
	}
	if err := json.Unmarshal(p.Body, &to); err != nil {
		return nil, fault.Newf(fault.Internal, "tokenomics.point", "delegation of %q at movement %d cannot be read", p.Key, p.Seq)
	}
	return to, nil
}

// Delegate changes delegations in one commit and answers each by itself: nil (changed, now or before), Conflict (another delegation
// has this key), Invalid, NotFound, or Denied: accounts delegate only their own stake. An error for all of them leaves the
// outcome open when it is Unavailable: ask again with the same keys.
func (t *Tokenomics) Delegate(ctx context.Context, delegations []Delegate) ([]error, error) {
	requests := make([]Request, len(delegations))
	for i := range delegations {
		requests[i].Delegate = &delegations[i]
	}
	return t.Post(ctx, requests)
}

// Power is an account's part in voting when the ledger stood at a movement. Its zero value is that of an account without stake.
type Power struct {
	Account Account
	Seq     int64
	Own     Amount       // staked by the account itself
	Power   Amount       // its own stake that it has not delegated, and what is delegated to it
	Total   Amount       // the power of all accounts together
	To      []Delegation // of its own stake
}

// PowerAt returns an account's power when the ledger stood at a movement: after it and before the next; what it was never changes.
// An empty account means the caller's own. Errors: Invalid (a movement that has not happened), Denied, Unavailable.
func (t *Tokenomics) PowerAt(ctx context.Context, account Account, seq int64) (Power, error) {
	const op = "tokenomics.power_at"
	if seq < 0 {
		return Power{}, fault.Field(op, "seq", "must not be negative")
	}
	p, head, err := t.power(ctx, op, account, seq)
	if err == nil && seq > head {
		return Power{}, fault.Field(op, "seq", "the ledger has only %d movements", head)
	}
	return p, err
}

// unreached is the number of no movement: it lies behind all of them.
const unreached = 1 << 62

// Power returns an account's power now. An empty account means the caller's own. Errors: Invalid, Denied, Unavailable.
func (t *Tokenomics) Power(ctx context.Context, account Account) (Power, error) {
	p, head, err := t.power(ctx, "tokenomics.power", account, unreached)
	p.Seq = head
	return p, err
}

// power reads an account's power at a movement, the latest before it if it has not happened, and where the ledger stands.
func (t *Tokenomics) power(ctx context.Context, op string, account Account, seq int64) (Power, int64, error) {
	tenant, account, err := t.reader(ctx, op, account)
	if err != nil {
		return Power{}, 0, err
	}
	ref := func(series Series, key string) PointRef { return PointRef{SeriesRef{tenant, series, key}, seq} }
	own, power := ref(SeriesOwn, string(account)), ref(SeriesPower, string(account))
	total, to := ref(SeriesTotal, ""), ref(SeriesDelegation, string(account))
	loaded, err := t.store.Load(ctx, Wanted{Points: []PointRef{own, power, total, to}})
	if err != nil {
		return Power{}, 0, fault.Wrap(op, err)
	}
	p := Power{Account: account, Seq: seq}
	var failed [4]error
	p.Own, failed[0] = amountOf(loaded.Points[own])
	p.Power, failed[1] = amountOf(loaded.Points[power])
	p.Total, failed[2] = amountOf(loaded.Points[total])
	p.To, failed[3] = delegationsOf(loaded.Points[to])
	return p, loaded.Head.Last, fault.Wrap(op, first(failed[:]...))
}
