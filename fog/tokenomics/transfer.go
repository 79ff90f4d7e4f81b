package tokenomics

import (
	"context"

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
