package tokenomics

import (
	"cmp"
	"context"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// genesis is the first movement of a tenant's ledger. The ledger posts it by itself.
type genesis struct {
	tenant principal.Tenant
	to     Account
	amount Amount
}

var _ order = (*genesis)(nil)

func (g *genesis) reference() Reference { return Reference{g.tenant, OpGenesis, string(OpGenesis)} }

func (g *genesis) owner() Account { return Account(principal.Operator) }

func (g *genesis) within(principal.Tenant) Request { return Request{own: g} }

func (g *genesis) validate(op string) error { return checkAmount(op, "amount", g.amount, 1) }

func (g *genesis) body(*body) {} // there is one genesis, whatever a later Config says

func (g *genesis) decide(e *evaluation, it *item) error {
	return e.post(it, Movement{Owner: Mint},
		line(g.tenant, Mint, KindMint, -g.amount), line(g.tenant, g.to, KindAvailable, g.amount))
}

// Burn takes available tokens out of existence: back to where they were minted. It is idempotent by Key, which is separate
// from the keys of other operations: the same burn again changes nothing, another body under the same key is a Conflict.
type Burn struct {
	Key     string           `json:"key"`    // 1 to 200 characters
	Tenant  principal.Tenant `json:"tenant"` // empty: the caller's
	Account Account          `json:"account"`
	Amount  Amount           `json:"amount"` // more than 0
	Memo    string           `json:"memo,omitempty"`
}

var _ order = (*Burn)(nil)

func (b *Burn) reference() Reference { return Reference{b.Tenant, OpBurn, b.Key} }

func (b *Burn) owner() Account { return b.Account }

func (b *Burn) within(tenant principal.Tenant) Request {
	c := *b
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Burn: &c}
}

func (b *Burn) validate(op string) error {
	return first(
		checkName(op, "tenant", string(b.Tenant), maxName),
		checkName(op, "key", b.Key, maxKey),
		checkName(op, "account", string(b.Account), maxName),
		checkAmount(op, "amount", b.Amount, 1),
		checkText(op, "memo", b.Memo, maxMemo))
}

func (b *Burn) body(to *body) {
	to.text(string(b.Account))
	to.number(int64(b.Amount))
	to.text(b.Memo)
}

func (b *Burn) decide(e *evaluation, it *item) error {
	return e.post(it, Movement{Owner: b.Account, Memo: b.Memo},
		line(b.Tenant, b.Account, KindAvailable, -b.Amount), line(b.Tenant, Mint, KindMint, b.Amount))
}

// Burn takes tokens out of existence in one commit and answers each burn by itself: nil (burned, now or before), Insufficient,
// Conflict (another burn has this key), Invalid, NotFound, or Denied: accounts burn only their own tokens. An error for all
// of them leaves the outcome open when it is Unavailable: ask again with the same keys.
func (t *Tokenomics) Burn(ctx context.Context, burns []Burn) ([]error, error) {
	requests := make([]Request, len(burns))
	for i := range burns {
		requests[i].Burn = &burns[i]
	}
	return t.Post(ctx, requests)
}
