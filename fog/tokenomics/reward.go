package tokenomics

import (
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

	Emission accrual.Emission `json:"emission,omitzero"` // the schedule that runs
	Emitted  int64            `json:"emitted"`           // base units of it that are minted, or were due before it ran
	Carry    int              `json:"carry"`             // of the division of the emission, in 1/10,000 of a base unit

	Yield yield `json:"yield"`

	wasOwn int64 // when it was read
}

func (r *rewards) describe(*Record) bool { return true }

func (r *rewards) twin() any {
	q := *r
	q.wasOwn = 0
	return &q
}

// accrue brings rewards up to now: what is due by the emission schedule is minted, in the movement of the request, so that what
// stakers earn does not depend on when the ledger is swept. Errors: errMissing.
func (s *stakes) accrue() error {
	r, since := s.rewards, s.rewards.Yield.At
	r.wasOwn = r.Own
	if err := s.advance(); err != nil {
		return err
	}
	due, err := s.due(since)
	if err != nil || due == 0 {
		return err
	}
	s.move(Amount(due), Mint, KindMint, Rewards, KindReward)
	stakers, rest, _ := accrual.MulDiv(uint64(due), uint64(s.economy.now.EmissionToStakers), whole)
	rest += uint64(r.Carry)
	stakers += rest / whole
	r.Carry = int(rest % whole)
	r.Compute += due - int64(stakers)
	return s.reward(int64(stakers))
}

// due returns what has to be minted now, when rewards have come up to since. Another schedule than the one that runs takes over at its start, but
// not before since: until then the other one was in force. What it would have emitted before that is nobody's.
func (s *stakes) due(since time.Time) (int64, error) {
	r, next := s.rewards, s.economy.now.Emission
	if s.tenant != principal.DefaultTenant || next.First == 0 && r.Emission.First == 0 {
		return 0, nil
	}
	mint, known := s.e.state.lines.get(SubAccount{s.tenant, Mint, KindMint})
	if !known {
		return 0, errMissing
	}
	room, before := int64(MaxSupply+mint.Balance), int64(0)
	if from := later(next.Start, since); !from.After(s.e.now) && !sameSchedule(next, r.Emission) {
		before = min(r.Emission.Due(from, r.Emitted), room)
		r.Emission, r.Emitted = next, next.Emitted(from)
	}
	due := min(r.Emission.Due(s.e.now, r.Emitted), room-before)
	r.Emitted += due
	return before + due, nil
}

// sameSchedule compares schedules, in whatever zones their times are.
func sameSchedule(a, b accrual.Emission) bool {
	starts := a.Start.Equal(b.Start)
	a.Start, b.Start = time.Time{}, time.Time{}
	return starts && a == b
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

// pay posts what a capture pays out of a hold. By the parameters of when it was placed a fee is kept back, for stakers and the treasury, and
// receivers get a reward in addition, as far as the emission has left something for compute.
func (e *evaluation) pay(it *item, c *Capture, h HoldRecord, postings []Posting) error {
	m := Movement{Owner: h.Payer, Hold: c.Hold}
	parameters, err := e.economy()
	if err != nil {
		return err
	}
	economics := parameters.at(h.Created)
	if economics.Fee == 0 && economics.ComputeReward == 0 {
		return e.post(it, m, postings...)
	}
	s, err := e.stakes(it)
	if err != nil {
		return err
	}
	s.post(postings...)
	fees := Amount(0)
	for _, share := range c.To {
		fee := part(share.Amount, economics.Fee)
		fees += fee
		s.post(line(s.tenant, share.Account, KindAvailable, -fee))
		if share.Account != h.Payer {
			s.rewardCompute(share.Account, part(share.Amount-fee, economics.ComputeReward))
		}
	}
	stakers := part(fees, economics.FeeToStakers)
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

// emission mints what is due, unless something has in this Economics.EmissionEvery. The ledger asks for it with every sweep.
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
	before, _, known, err1 := fetch[rewards](e, RecordRef{principal.DefaultTenant, ClassRewards, string(Rewards)})
	parameters, err2 := e.economy()
	switch err := first(err1, err2); {
	case err != nil:
		return err
	case !known:
		return errMissing
	case before != nil && !before.Yield.At.Before(e.now.Truncate(parameters.now.EmissionEvery)):
		return nil
	}
	s, err := e.stakes(it)
	if err != nil || len(s.postings) == 0 {
		return err
	}
	return s.settle(Movement{Owner: Mint})
}
