package tokenomics

import (
	"cmp"
	"context"
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// Operations on rewards that an account has earned.
const (
	// OpClaim pays them out.
	OpClaim Op = "claim"
	// OpCompound stakes them.
	OpCompound Op = "compound"
)

// Claim pays an account all rewards that it has earned, for its stakes with all operators and for compute: in whole base units,
// fractions stay earned. Claiming when there is nothing pays nothing. It is idempotent by Key.
type Claim struct {
	Key     string           `json:"key"`    // 1 to 200 characters
	Tenant  principal.Tenant `json:"tenant"` // empty: the caller's
	Account Account          `json:"account"`
}

var _ order = (*Claim)(nil)

func (r *Claim) reference() Reference { return Reference{r.Tenant, OpClaim, r.Key} }

func (r *Claim) owner() Account { return r.Account }

func (r *Claim) within(tenant principal.Tenant) Request {
	c := *r
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Claim: &c}
}

func (r *Claim) validate(op string) error {
	return checkClaim(op, r.Tenant, r.Key, r.Account, r.Account)
}

// checkClaim checks what requests about earned rewards have in common.
func checkClaim(op string, tenant principal.Tenant, key string, account, operator Account) error {
	if account == Rewards {
		return fault.Field(op, "account", "must not be %q: what it holds belongs to others", Rewards)
	}
	return checkStake(op, tenant, key, account, operator)
}

func (r *Claim) body(b *body) { b.text(string(r.Account)) }

func (r *Claim) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	if _, err := s.claim(r.Account); err != nil {
		return err
	}
	return s.settle(Movement{Owner: r.Account})
}

// claim pays out what an account has earned, and returns what that is.
func (s *stakes) claim(account Account) (Amount, error) {
	reward := SubAccount{s.tenant, account, KindReward}
	compute, known := s.e.state.lines.get(reward)
	s.e.state.lines.get(SubAccount{s.tenant, account, KindAvailable}) // so that it is loaded with what else is asked for here
	owner, err := s.staker(account)
	switch {
	case err != nil:
		return 0, err
	case !known:
		return 0, errMissing
	}
	for _, operator := range owner.Operators {
		s.wantPair(operator, account)
	}
	staking := int64(0)
	for _, operator := range slices.Clone(owner.Operators) {
		paid, err := s.payout(operator, account)
		if err != nil {
			return 0, err
		}
		staking += paid
	}
	s.move(Amount(staking), Rewards, KindReward, account, KindAvailable)
	s.move(compute.Balance, account, KindReward, account, KindAvailable)
	return Amount(staking) + compute.Balance, nil
}

// payout takes what a position has earned. A position without shares then ends, and leaves its fraction to the pool.
func (s *stakes) payout(operator, account Account) (paid int64, err error) {
	p, pos, err := s.pair(operator, account)
	if err != nil {
		return 0, err
	}
	if err := s.collect(p); err != nil {
		return 0, err
	}
	if pos.Share, paid, err = p.Pot.Claim(pos.Share); err != nil {
		return 0, fault.Wrap(s.it.op(), err)
	}
	if err := s.end(p, pos); err != nil {
		return 0, err
	}
	return paid, s.value(p, pos)
}

// end ends a position's share if it has no weight and nothing is owed: its fraction of a base unit stays with the pool.
func (s *stakes) end(p *pool, pos *position) (err error) {
	if pos.Share.Weight > 0 || pos.Share.Owed > 0 {
		return nil
	}
	p.Pot, _, err = p.Pot.Leave(pos.Share)
	pos.Share = accrual.Share{}
	return fault.Wrap(s.it.op(), err)
}

// Compound stakes all rewards that an account has earned. Compounding when there is nothing stakes nothing. It is idempotent by
// Key.
type Compound struct {
	Key      string           `json:"key"`    // 1 to 200 characters
	Tenant   principal.Tenant `json:"tenant"` // empty: the caller's
	Account  Account          `json:"account"`
	Operator Account          `json:"operator,omitempty"` // with which they are staked; empty: the account itself
}

var _ order = (*Compound)(nil)

func (r *Compound) reference() Reference { return Reference{r.Tenant, OpCompound, r.Key} }

func (r *Compound) owner() Account { return r.Account }

func (r *Compound) within(tenant principal.Tenant) Request {
	c := *r
	c.Tenant, c.Operator = cmp.Or(c.Tenant, tenant), cmp.Or(c.Operator, c.Account)
	return Request{Compound: &c}
}

func (r *Compound) validate(op string) error {
	return checkClaim(op, r.Tenant, r.Key, r.Account, r.Operator)
}

func (r *Compound) body(b *body) {
	b.text(string(r.Account))
	b.text(string(r.Operator))
}

func (r *Compound) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	s.wantPair(r.Operator, r.Account)
	earned, err := s.claim(r.Account)
	if err != nil {
		return err
	}
	if earned > 0 {
		if err := s.enter(r.Operator, r.Account, earned); err != nil {
			return err
		}
		s.move(earned, r.Account, KindAvailable, r.Operator, KindStaked)
	}
	return s.settle(Movement{Owner: r.Account})
}

// Claim pays earned rewards out in one commit and answers each claim by itself: nil (paid, now or before), Conflict (another claim
// has this key), Invalid, NotFound, or Denied: accounts claim only their own rewards. An error for all of them leaves the
// outcome open when it is Unavailable: ask again with the same keys.
func (t *Tokenomics) Claim(ctx context.Context, claims []Claim) ([]error, error) {
	requests := make([]Request, len(claims))
	for i := range claims {
		requests[i].Claim = &claims[i]
	}
	return t.Post(ctx, requests)
}

// Compound stakes earned rewards in one commit and answers each by itself: as Claim, and Conflict also if the operator's pool was
// slashed to nothing.
func (t *Tokenomics) Compound(ctx context.Context, compounds []Compound) ([]error, error) {
	requests := make([]Request, len(compounds))
	for i := range compounds {
		requests[i].Compound = &compounds[i]
	}
	return t.Post(ctx, requests)
}
