package tokenomics

import (
	"cmp"
	"context"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// OpStake sets tokens behind an operator.
const OpStake Op = "stake"

// Stake sets available tokens of an account behind an operator, who answers with them for its work: the account becomes an owner
// of a part of the operator's pool, earns its part of the rewards, and votes with it. A slash of the operator takes the same
// part of every owner's stake. It is idempotent by Key.
type Stake struct {
	Key      string           `json:"key"`    // 1 to 200 characters
	Tenant   principal.Tenant `json:"tenant"` // empty: the caller's
	Account  Account          `json:"account"`
	Operator Account          `json:"operator,omitempty"` // empty: the account itself
	Amount   Amount           `json:"amount"`             // more than 0, at least Economics.MinStake
}

var _ order = (*Stake)(nil)

func (r *Stake) reference() Reference { return Reference{r.Tenant, OpStake, r.Key} }

func (r *Stake) owner() Account { return r.Account }

func (r *Stake) within(tenant principal.Tenant) Request {
	c := *r
	c.Tenant, c.Operator = cmp.Or(c.Tenant, tenant), cmp.Or(c.Operator, c.Account)
	return Request{Stake: &c}
}

func (r *Stake) validate(op string) error {
	return first(checkStake(op, r.Tenant, r.Key, r.Account, r.Operator), checkAmount(op, "amount", r.Amount, 1))
}

// checkStake checks what requests about stakes have in common.
func checkStake(op string, tenant principal.Tenant, key string, account, operator Account) error {
	return first(
		checkName(op, "tenant", string(tenant), maxName),
		checkName(op, "key", key, maxKey),
		checkName(op, "account", string(account), maxName),
		checkName(op, "operator", string(operator), maxName))
}

func (r *Stake) body(b *body) {
	b.text(string(r.Account))
	b.text(string(r.Operator))
	b.number(int64(r.Amount))
}

func (r *Stake) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	if least := s.economy.now.MinStake; r.Amount < least {
		return fault.Field(it.op(), "amount", "must be at least %s FOG", least)
	}
	if err := s.enter(r.Operator, r.Account, r.Amount); err != nil {
		return err
	}
	s.move(r.Amount, r.Account, KindAvailable, r.Operator, KindStaked)
	return s.settle(Movement{Owner: r.Account})
}

// enter adds tokens to a position; their postings are the caller's.
func (s *stakes) enter(operator, account Account, amount Amount) error {
	p, pos, err := s.pair(operator, account)
	if err != nil {
		return err
	}
	stake, shares, err := p.Stake.Enter(int64(amount))
	if err != nil {
		return fault.Wrap(s.it.op(), err)
	}
	return s.reshape(p, pos, stake, pos.Share.Weight+uint64(shares))
}

// pair reads a pool and a position in it. Errors: errMissing.
func (s *stakes) pair(operator, account Account) (*pool, *position, error) {
	s.want(ClassPool, string(operator))
	s.want(ClassPosition, pairKey(operator, string(account)))
	s.want(ClassStaker, string(account))
	p, err := s.pool(operator)
	if err != nil {
		return nil, nil, err
	}
	pos, err := s.position(operator, account)
	return p, pos, err
}

// exit takes an amount out of a position, all of it if the amount is 0, and returns what it is; its postings are the caller's.
func (s *stakes) exit(p *pool, pos *position, amount Amount) (int64, error) {
	shares, err := s.sharesOf(p, pos, amount)
	if err != nil {
		return 0, err
	}
	stake, tokens, err := p.Stake.Exit(int64(shares))
	if err != nil {
		return 0, fault.Wrap(s.it.op(), err)
	}
	return tokens, s.reshape(p, pos, stake, pos.Share.Weight-shares)
}

// sharesOf returns the fewest shares of a position that an amount has to be paid with: a token is worth at least one, so Exit pays
// exactly the amount for them.
func (s *stakes) sharesOf(p *pool, pos *position, amount Amount) (uint64, error) {
	value := Amount(p.Stake.Value(int64(pos.Share.Weight)))
	switch {
	case pos.Share.Weight == 0, amount > value:
		return 0, fault.Newf(fault.Insufficient, s.it.op(), "account %q stakes %s FOG with %q, %s asked", pos.Account, value, pos.Operator, amount)
	case amount == 0 || amount == value:
		return pos.Share.Weight, nil
	}
	shares, rest, _ := accrual.MulDiv(uint64(amount), uint64(p.Stake.Shares), uint64(p.Stake.Tokens))
	return shares + min(rest, 1), nil
}

// Stake sets tokens behind operators in one commit and answers each by itself: nil (staked, now or before), Insufficient, Conflict
// (another stake has this key, the operator's pool was slashed to nothing, or the account stakes with too many operators),
// Invalid, NotFound, or Denied: accounts stake only their own tokens. An error for all of them leaves the outcome open when
// it is Unavailable: ask again with the same keys.
func (t *Tokenomics) Stake(ctx context.Context, stakes []Stake) ([]error, error) {
	requests := make([]Request, len(stakes))
	for i := range stakes {
		requests[i].Stake = &stakes[i]
	}
	return t.Post(ctx, requests)
}
