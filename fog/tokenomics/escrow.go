package tokenomics

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// HoldID names a hold inside a tenant: 1 to 200 characters. Whoever holds for a job uses the job's identifier.
type HoldID string

// Hold sets an amount of the payer's available tokens aside. It is idempotent by ID: the same hold again changes nothing,
// and another payer or amount under the same ID is a Conflict. A hold lives until it is captured in full or voided; it never
// expires.
type Hold struct {
	ID     HoldID           `json:"id"`
	Tenant principal.Tenant `json:"tenant"` // empty: the caller's
	Payer  Account          `json:"payer"`
	Amount Amount           `json:"amount"` // 0 or more
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

// Void gives what remains of a hold back to its payer and closes it. Voiding again, or after everything has been
// captured, changes nothing. A void that comes before its hold leaves a tombstone: that hold will be a Conflict.
type Void struct {
	Hold   HoldID           `json:"hold"`
	Tenant principal.Tenant `json:"tenant"` // empty: the caller's
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
	Resolved time.Time // zero while open
}

// Remaining returns what can still be captured: 0 once the hold is resolved.
func (h HoldRecord) Remaining() Amount { return h.Amount - h.Captured - h.Returned }

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
// Config.Retention ago. Other errors: Invalid, Denied, Unavailable.
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
	if !ok {
		return HoldRecord{}, fault.Newf(fault.NotFound, op, "hold %q not found", hold)
	}
	return record, nil
}
