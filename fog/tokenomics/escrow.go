package tokenomics

import (
	"cmp"
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// HoldID names a hold inside a tenant: 1 to 200 characters. Whoever holds for a job uses the job's identifier.
type HoldID string

// Hold sets an amount of the payer's available tokens aside. It is idempotent by ID: the same hold again changes nothing,
// and another payer, amount or expiry under the same ID is a Conflict. A hold lives until it is captured in full, voided, or
// has expired.
type Hold struct {
	ID     HoldID           `json:"id"`
	Tenant principal.Tenant `json:"tenant"` // empty: the caller's
	Payer  Account          `json:"payer"`
	Amount Amount           `json:"amount"` // 0 or more
	// Expires is the time from which nothing can be captured any more and what remains goes back to the payer.
	// Zero: never.
	Expires time.Time `json:"expires,omitzero"`
}

var _ order = (*Hold)(nil)

func (h *Hold) reference() Reference { return Reference{h.Tenant, OpHold, string(h.ID)} }

func (h *Hold) owner() Account { return h.Payer }

func (h *Hold) within(tenant principal.Tenant) Request {
	c := *h
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Hold: &c}
}

func (h *Hold) validate(op string) error {
	err := first(
		checkName(op, "tenant", string(h.Tenant), maxName),
		checkName(op, "id", string(h.ID), maxKey),
		checkName(op, "payer", string(h.Payer), maxName),
		checkAmount(op, "amount", h.Amount, 0))
	if err == nil && !h.Expires.IsZero() && !stored(h.Expires) {
		return fault.Field(op, "expires", "must be after 1970 and before the year 10000, in whole microseconds")
	}
	return err
}

func (h *Hold) body(b *body) {
	b.text(string(h.Payer))
	b.number(int64(h.Amount))
	if !h.Expires.IsZero() {
		b.number(h.Expires.UnixMicro())
	}
}

func (h *Hold) decide(e *evaluation, it *item) error {
	_, placed, voided, known := e.past(HoldRef{h.Tenant, h.ID})
	switch {
	case !known:
		return errMissing
	case placed:
		e.state.used.get(it.ref) // it is asked again: as before, or with another content?
		return errMissing
	case voided:
		return h.voided()
	case !h.Expires.IsZero() && !e.now.Before(h.Expires):
		return fault.Field(it.op(), "expires", "must be later than now")
	}
	err := e.post(it, Movement{Owner: h.Payer, Hold: h.ID},
		line(h.Tenant, h.Payer, KindAvailable, -h.Amount), line(h.Tenant, h.Payer, KindHeld, h.Amount))
	if err != nil {
		return err
	}
	e.keep(HoldRecord{
		ID: h.ID, Tenant: h.Tenant, Payer: h.Payer, Creator: it.creator, Amount: h.Amount, State: HoldOpen, Created: e.now,
		Expires: h.Expires.UTC(),
	})
	return nil
}

// voided refuses a hold after its void, whether the void came before it or later.
func (h *Hold) voided() error {
	return fault.Newf(fault.Conflict, "tokenomics.hold", "hold %q was voided", h.ID)
}

// Share is one receiver's part of a capture.
type Share struct {
	Account Account `json:"account"`
	Amount  Amount  `json:"amount"` // 0 or more
}

// Capture pays out of a hold. It is idempotent by Key, which is separate from the keys of other operations: the same
// capture again changes nothing, another body under the same key is a Conflict. Several captures may share one hold until
// nothing remains of it.
type Capture struct {
	Key    string           `json:"key"`    // 1 to 200 characters
	Tenant principal.Tenant `json:"tenant"` // empty: the caller's
	Hold   HoldID           `json:"hold"`
	To     []Share          `json:"to"` // 1 to 64
	// Final gives what remains of the hold after the shares back to its payer, in the same movement.
	Final bool `json:"final,omitempty"`
}

var _ order = (*Capture)(nil)

func (c *Capture) reference() Reference { return Reference{c.Tenant, OpCapture, c.Key} }

func (c *Capture) owner() Account { return Account(principal.Operator) }

func (c *Capture) within(tenant principal.Tenant) Request {
	d := *c
	d.Tenant = cmp.Or(d.Tenant, tenant)
	return Request{Capture: &d}
}

func (c *Capture) validate(op string) error {
	err := first(
		checkName(op, "tenant", string(c.Tenant), maxName),
		checkName(op, "key", c.Key, maxKey),
		checkName(op, "hold", string(c.Hold), maxKey))
	if err != nil {
		return err
	}
	if len(c.To) == 0 || len(c.To) > maxShares {
		return fault.Field(op, "to", "must have 1 to %d receivers, not %d", maxShares, len(c.To))
	}
	total := Amount(0)
	for _, share := range c.To {
		err := first(
			checkName(op, "to.account", string(share.Account), maxName),
			checkAmount(op, "to.amount", share.Amount, 0))
		if err != nil {
			return err
		}
		if total, err = total.Add(share.Amount); err != nil {
			return fault.Field(op, "to.amount", "the shares add up to more than %s", MaxSupply)
		}
	}
	return nil
}

func (c *Capture) body(b *body) {
	b.text(string(c.Hold))
	for _, share := range c.To {
		b.text(string(share.Account))
		b.number(int64(share.Amount))
	}
	if c.Final {
		b.text("")
	}
}

func (c *Capture) decide(e *evaluation, it *item) error {
	record, placed, voided, known := e.past(HoldRef{c.Tenant, c.Hold})
	switch {
	case !known:
		return errMissing
	case voided:
		return fault.Newf(fault.Conflict, it.op(), "hold %q was voided", c.Hold)
	case !placed:
		return fault.Newf(fault.NotFound, it.op(), "hold %q not found", c.Hold)
	case record.State == "":
		return fault.Newf(fault.Conflict, it.op(), "hold %q was settled long ago", c.Hold)
	case record.expired(e.now):
		return fault.Newf(fault.Conflict, it.op(), "hold %q has expired", c.Hold)
	}
	total := Amount(0)
	postings := make([]Posting, 1, len(c.To)+2)
	for _, share := range c.To {
		total += share.Amount // bounded: the request has been validated
		postings = append(postings, line(c.Tenant, share.Account, KindAvailable, share.Amount))
	}
	if total > record.Remaining() {
		return fault.Newf(fault.Insufficient, it.op(), "hold %q has %s FOG left, %s asked", c.Hold, record.Remaining(), total)
	}
	rest := Amount(0)
	if c.Final {
		rest = record.Remaining() - total
		postings = append(postings, line(c.Tenant, record.Payer, KindAvailable, rest))
	}
	postings[0] = line(c.Tenant, record.Payer, KindHeld, -total-rest)
	if err := e.pay(it, c, record, postings); err != nil {
		return err
	}
	record.Captured += total
	record.Returned += rest
	e.keep(record)
	e.state.count(c.Tenant, countCaptures, 1, hourOf(e.now))
	e.state.count(c.Tenant, countVolume, int64(total), hourOf(e.now))
	return nil
}

// Void gives what remains of a hold back to its payer and closes it. Voiding again, or after everything has been
// captured, changes nothing. A void that comes before its hold leaves a tombstone: that hold will be a Conflict.
type Void struct {
	Hold   HoldID           `json:"hold"`
	Tenant principal.Tenant `json:"tenant"` // empty: the caller's
}

var _ order = (*Void)(nil)

func (v *Void) reference() Reference { return Reference{v.Tenant, OpVoid, string(v.Hold)} }

func (v *Void) owner() Account { return Account(principal.Operator) }

func (v *Void) within(tenant principal.Tenant) Request {
	c := *v
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Void: &c}
}

func (v *Void) validate(op string) error {
	return first(
		checkName(op, "tenant", string(v.Tenant), maxName),
		checkName(op, "hold", string(v.Hold), maxKey))
}

func (v *Void) body(*body) {}

func (v *Void) decide(e *evaluation, it *item) error {
	record, placed, voided, known := e.past(HoldRef{v.Tenant, v.Hold})
	switch {
	case !known:
		return errMissing
	case voided, placed && record.State != HoldOpen:
		return nil // nothing is left to give back
	case !placed:
		if err := e.post(it, Movement{Owner: v.owner(), Hold: v.Hold}); err != nil {
			return err
		}
		e.keep(HoldRecord{ID: v.Hold, Tenant: v.Tenant, Creator: it.creator, State: HoldVoided, Created: e.now})
		return nil
	}
	return e.giveBack(it, record, HoldVoided)
}

// expiry gives what remains of a hold back whose time is over. The ledger posts it by itself.
type expiry struct{ hold HoldRef }

var _ order = (*expiry)(nil)

func (x *expiry) reference() Reference { return Reference{x.hold.Tenant, OpExpire, string(x.hold.ID)} }

func (x *expiry) owner() Account { return Account(principal.Operator) }

func (x *expiry) within(principal.Tenant) Request { return Request{own: x} }

func (x *expiry) validate(string) error { return nil }

func (x *expiry) body(*body) {}

func (x *expiry) decide(e *evaluation, it *item) error {
	record, known := e.state.holds.get(x.hold)
	switch {
	case !known:
		return errMissing
	case record.State != HoldOpen, !record.expired(e.now):
		return nil
	}
	return e.giveBack(it, record, HoldExpired)
}

// HoldState is where a hold is in its life; the package comment draws it.
type HoldState string

const (
	// HoldOpen means that something may still be captured.
	HoldOpen HoldState = "open"
	// HoldSettled means that captures, the last of them perhaps final, have left nothing.
	HoldSettled HoldState = "settled"
	// HoldVoided means that a void has given the remainder back, or has come before the hold.
	HoldVoided HoldState = "voided"
	// HoldExpired means that the remainder went back because the hold's time was over.
	HoldExpired HoldState = "expired"
)

// HoldRecord is a hold as the ledger keeps it. A tombstone is voided and has no payer.
type HoldRecord struct {
	ID       HoldID
	Tenant   principal.Tenant
	Payer    Account
	Creator  principal.Account
	Amount   Amount
	Captured Amount // paid out
	Returned Amount // given back
	State    HoldState
	Created  time.Time
	Expires  time.Time // zero: never
	Resolved time.Time // zero while open
}

// Remaining returns what can still be captured: 0 once the hold is resolved.
func (h HoldRecord) Remaining() Amount { return h.Amount - h.Captured - h.Returned }

// expired reports whether the hold's time is over.
func (h HoldRecord) expired(now time.Time) bool { return !h.Expires.IsZero() && !now.Before(h.Expires) }

// stored reports whether every store gives a time back as it is.
func stored(t time.Time) bool {
	return t.Equal(micros(t)) && t.After(time.Unix(0, 0)) && t.Year() < 10_000
}

// Hold places holds in one commit and answers each by itself: nil (held, now or before), Insufficient (the payer has not
// enough available), Conflict (another hold has this ID, or it was voided), Invalid, NotFound or Denied. An error for all of
// them leaves the outcome open when it is Unavailable: ask again with the same IDs.
func (t *Tokenomics) Hold(ctx context.Context, holds []Hold) ([]error, error) {
	requests := make([]Request, len(holds))
	for i := range holds {
		requests[i].Hold = &holds[i]
	}
	return t.Post(ctx, requests)
}

// Capture pays out of holds in one commit and answers each capture by itself: nil (paid, now or before), Insufficient (more
// than remains), Conflict (another capture has this key, or the hold was voided), NotFound (no such hold), Invalid or Denied:
// capturing is the operator's. An error for all of them leaves the outcome open when it is Unavailable: ask again.
func (t *Tokenomics) Capture(ctx context.Context, captures []Capture) ([]error, error) {
	requests := make([]Request, len(captures))
	for i := range captures {
		requests[i].Capture = &captures[i]
	}
	return t.Post(ctx, requests)
}

// Void closes holds in one commit and answers each by itself: nil, Invalid, NotFound or Denied: voiding is the operator's.
// An error for all of them leaves the outcome open when it is Unavailable: ask again.
func (t *Tokenomics) Void(ctx context.Context, voids []Void) ([]error, error) {
	requests := make([]Request, len(voids))
	for i := range voids {
		requests[i].Void = &voids[i]
	}
	return t.Post(ctx, requests)
}

// Held returns a hold of the caller's tenant: NotFound if it was never placed nor voided, or was resolved longer than
// Config.Retention ago, whether it was purged yet or not. Other errors: Invalid, Denied, Unavailable.
func (t *Tokenomics) Held(ctx context.Context, hold HoldID) (HoldRecord, error) {
	const op = "tokenomics.held"
	if err := checkName(op, "hold", string(hold), maxKey); err != nil {
		return HoldRecord{}, err
	}
	who := principal.From(ctx)
	ref := HoldRef{Tenant: who.Tenant, ID: hold}
	loaded, err := t.store.Load(ctx, Wanted{Holds: []HoldRef{ref}})
	if err != nil {
		return HoldRecord{}, fault.Wrap(op, err)
	}
	record, ok := loaded.Holds[ref]
	resource := principal.Resource{Kind: "hold", ID: string(hold), Tenant: who.Tenant, Owner: principal.Account(record.Payer)}
	if err := t.config.Authorize.Authorize(ctx, who, "tokenomics.read", resource); err != nil {
		return HoldRecord{}, fault.Wrap(op, err)
	}
	if !ok || record.State != HoldOpen && t.rules.outlived(record.Resolved, micros(t.config.Now())) {
		return HoldRecord{}, fault.Newf(fault.NotFound, op, "hold %q not found", hold)
	}
	return record, nil
}
