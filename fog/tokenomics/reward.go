package tokenomics

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// rewards is what is common to all pools of a tenant. There is one record of it, in every movement about stakes.
type rewards struct {
	Pot     accrual.Pot `json:"pot"`     // rewards of all pools, by their tokens
	Own     int64       `json:"own"`     // base units: the sum of what all accounts stake themselves, as SeriesOwn says
	Compute int64       `json:"compute"` // base units of the emission that are left for compute

	Schedule time.Time `json:"schedule,omitzero"` // start of the emission that Emitted counts
	Emitted  int64     `json:"emitted"`           // base units
	Carry    int       `json:"carry"`             // of the division of the emission, in 1/10,000 of a base unit

	Yield yield `json:"yield"`

	wasOwn int64 // when it was read
}

func (r *rewards) describe(*Record) bool { return true }

// accrue brings rewards up to now: what is due by the emission schedule is minted, in the movement of the request, so that what
// stakers earn does not depend on when the ledger is swept. Errors: errMissing.
func (s *stakes) accrue() error {
	r := s.rewards
	r.wasOwn = r.Own
	if err := s.advance(); err != nil {
		return err
	}
	due, err := s.due()
	if err != nil || due == 0 {
		return err
	}
	s.move(Amount(due), Mint, KindMint, Rewards, KindReward)
	r.Emitted += due
	stakers, rest, _ := accrual.MulDiv(uint64(due), uint64(s.e.economics.EmissionToStakers), whole)
	rest += uint64(r.Carry)
	stakers += rest / whole
	r.Carry = int(rest % whole)
	r.Compute += due - int64(stakers)
	return s.reward(int64(stakers))
}

// due returns what has to be minted now.
func (s *stakes) due() (int64, error) {
	r, schedule := s.rewards, s.e.economics.Emission
	if s.tenant != principal.DefaultTenant || schedule.First == 0 {
		return 0, nil
	}
	if schedule.Start.After(r.Schedule) {
		r.Schedule, r.Emitted = schedule.Start, 0
	}
	if !schedule.Start.Equal(r.Schedule) {
		return 0, nil // it was replaced by a later one: what it has emitted is not known any more
	}
	mint, known := s.e.state.lines.get(SubAccount{s.tenant, Mint, KindMint})
	if !known {
		return 0, errMissing
	}
	return min(schedule.Due(s.e.now, r.Emitted), int64(MaxSupply+mint.Balance)), nil
}

// reward gives tokens that are on their way into KindReward to stakers.
func (s *stakes) reward(amount int64) (err error) {
	if amount == 0 {
		return nil
	}
	if s.rewards.Pot, err = s.rewards.Pot.Reward(amount); err != nil {
		return fault.Wrap(s.it.op(), err)
	}
	if s.rewards.Yield.First.IsZero() {
		s.rewards.Yield.First = s.e.now
	}
	s.rewards.Yield.Rewarded += amount
	s.e.state.count(s.tenant, countStakingRewards, amount, 0)
	return nil
}

// pay posts what a capture pays out of a payer's hold. By the parameters of now a fee is kept back, for stakers and the treasury, and
// receivers get a reward in addition, as far as the emission has left something for compute.
func (e *evaluation) pay(it *item, c *Capture, payer Account, postings []Posting) error {
	m := Movement{Owner: payer, Hold: c.Hold}
	if e.economics.Fee == 0 && e.economics.ComputeReward == 0 {
		return e.post(it, m, postings...)
	}
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	s.post(postings...)
	fees := Amount(0)
	for _, share := range c.To {
		fee := part(share.Amount, e.economics.Fee)
		fees += fee
		s.post(line(s.tenant, share.Account, KindAvailable, -fee))
		if share.Account != payer {
			s.rewardCompute(share.Account, part(share.Amount-fee, e.economics.ComputeReward))
		}
	}
	stakers := part(fees, e.economics.FeeToStakers)
	s.post(line(s.tenant, Rewards, KindReward, stakers), line(s.tenant, Treasury, KindAvailable, fees-stakers))
	if err := s.reward(int64(stakers)); err != nil {
		return err
	}
	return s.settle(m)
}

// rewardCompute rewards an account for compute, with what is left for it.
func (s *stakes) rewardCompute(account Account, amount Amount) {
	amount = min(amount, Amount(s.rewards.Compute))
	if amount == 0 || account == Rewards {
		return
	}
	s.rewards.Compute -= int64(amount)
	s.move(amount, Rewards, KindReward, account, KindReward)
	s.e.state.count(s.tenant, countComputeRewards, int64(amount), 0)
}

// OpEmit mints what is due by the emission schedule, for stakers and for compute.
const OpEmit Op = "emit"

// emission mints what is due. The ledger posts it by itself, once in each Economics.EmissionEvery.
type emission struct{ at time.Time }

var _ order = (*emission)(nil)

func (x *emission) reference() Reference {
	return Reference{principal.DefaultTenant, OpEmit, x.at.Format(time.RFC3339Nano)}
}

func (x *emission) owner() Account { return Account(principal.Operator) }

func (x *emission) within(principal.Tenant) Request { return Request{own: x} }

func (x *emission) validate(string) error { return nil }

func (x *emission) body(*body) {}

func (x *emission) decide(e *evaluation, it *item) error {
	s, err := e.stakes(it)
	if err != nil || len(s.postings) == 0 {
		return err
	}
	return s.settle(Movement{Owner: Mint})
}

// emissions returns the emission that the ledger has not posted since its time has come, if there is a schedule.
func (t *Tokenomics) emissions(ctx context.Context, now time.Time) []order {
	t.writer.deciding.Lock()
	defer t.writer.deciding.Unlock()
	economics := t.economics(ctx).filled()
	at := now.UTC().Truncate(economics.EmissionEvery)
	if economics.Emission.First == 0 || at.Equal(t.writer.emitted) {
		return nil
	}
	t.writer.emitted = at
	return []order{&emission{at}}
}
