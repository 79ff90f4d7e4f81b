package tokenomics

import (
	"cmp"
	"context"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Transfer moves available tokens from one account to another. It is idempotent by Key, which is separate from the keys of
// other operations: the same transfer again changes nothing, another body under the same key is a Conflict.
type Transfer struct {
	Key    string           `json:"key"`    // 1 to 200 characters
	Tenant principal.Tenant `json:"tenant"` // empty: the caller's
	From   Account          `json:"from"`
	To     Account          `json:"to"`     // another account than From
	Amount Amount           `json:"amount"` // more than 0
	Memo   string           `json:"memo,omitempty"`
}

var _ order = (*Transfer)(nil)

func (t *Transfer) reference() Reference { return Reference{t.Tenant, OpTransfer, t.Key} }

func (t *Transfer) owner() Account { return t.From }

func (t *Transfer) within(tenant principal.Tenant) Request {
	c := *t
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Transfer: &c}
}

func (t *Transfer) validate(op string) error {
	if t.From == t.To {
		return fault.Field(op, "to", "must be another account than from")
	}
	return first(
		checkName(op, "tenant", string(t.Tenant), maxName),
		checkName(op, "key", t.Key, maxKey),
		checkName(op, "from", string(t.From), maxName),
		checkName(op, "to", string(t.To), maxName),
		checkAmount(op, "amount", t.Amount, 1),
		checkText(op, "memo", t.Memo, maxMemo))
}

func (t *Transfer) body(b *body) {
	b.text(string(t.From))
	b.text(string(t.To))
	b.number(int64(t.Amount))
	b.text(t.Memo)
}

func (t *Transfer) decide(e *evaluation, it *item) error {
	return e.post(it, Movement{Owner: t.From, Memo: t.Memo},
		line(t.Tenant, t.From, KindAvailable, -t.Amount), line(t.Tenant, t.To, KindAvailable, t.Amount))
}

// Transfer moves tokens in one commit and answers each transfer by itself: nil (moved, now or before), Insufficient (From has
// not enough available), Conflict (another transfer has this key), Invalid, NotFound, or Denied: accounts spend only their
// own tokens. An error for all of them leaves the outcome open when it is Unavailable: ask again with the same keys.
func (t *Tokenomics) Transfer(ctx context.Context, transfers []Transfer) ([]error, error) {
	requests := make([]Request, len(transfers))
	for i := range transfers {
		requests[i].Transfer = &transfers[i]
	}
	return t.Post(ctx, requests)
}
