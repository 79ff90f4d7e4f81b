package accrual

import "github.com/fogcompute/fogcompute/fog/internal/fault"

// Pot divides rewards among shares by their weight, in constant time. The zero value is a pot without shares. A method that
// changes a pot returns the changed one; after an error nothing has changed. All of its shares go through the same pot: who
// writes them into rows writes pot and share together.
type Pot struct {
	// Total is the weight of all shares together, at most Max.
	Total uint64 `json:"total"`
	// Acc is what one unit of weight has earned since the pot began, in 2^-64 base units, modulo 2^128.
	Acc U128 `json:"acc"`
	// Rest is what has been rewarded and is not divided yet, in 2^-64 base units: less than Total after a reward, and everything
	// that came while Total was 0.
	Rest U128 `json:"rest"`
}

// Share is one sharer's part of a pot. The zero value has weight 0; Pot.Join makes others.
type Share struct {
	// Weight decides how much of each reward the share gets, at most Max.
	Weight uint64 `json:"weight"`
	// Acc is the pot's when the share was settled last.
	Acc U128 `json:"acc"`
	// Fraction is what has been earned beside Owed, in 2^-64 base units: less than one base unit.
	Fraction uint64 `json:"fraction,string"`
	// Owed is what has been settled and not claimed, in base units.
	Owed int64 `json:"owed"`
}

// Reward gives an amount of base units to the pot, which is divided by the weights of now. Without any weight it waits for the
// first reward that finds some, and all of it goes to whoever has weight then; an amount of 0 divides what waits. Errors: Invalid if the amount is negative or beyond Max,
// ErrBroken.
func (p Pot) Reward(amount int64) (Pot, error) {
	if amount < 0 || amount > Max {
		return Pot{}, fault.Field("accrual.reward", "amount", "%d is not between 0 and %d", amount, int64(Max))
	}
	return p.feed(U128{Hi: uint64(amount)})
}

// feed gives an amount in 2^-64 base units to the pot.
func (p Pot) feed(units U128) (Pot, error) {
	p, err := p.keep(units)
	if err != nil || p.Total == 0 {
		return p, err
	}
	gain, left := p.Rest.over(p.Total)
	p.Acc, _ = p.Acc.plus(gain) // may wrap around, see the package comment
	p.Rest = U128{Lo: left}
	return p, nil
}

// keep adds an amount in 2^-64 base units to what is divided with the next reward.
func (p Pot) keep(units U128) (Pot, error) {
	rest, wrapped := p.Rest.plus(units)
	if wrapped || rest.beyond() || p.Total > Max {
		return Pot{}, ErrBroken
	}
	p.Rest = rest
	return p, nil
}

// Earned returns everything that a share has earned and was not paid, settled or not, in 2^-64 base units: Hi is what it could
// claim now. Errors: ErrBroken.
func (p Pot) Earned(s Share) (U128, error) {
	if s.Owed < 0 || s.Weight > p.Total {
		return U128{}, ErrBroken
	}
	fresh, ok := p.Acc.minus(s.Acc).times(s.Weight)
	all, wrapped := fresh.plus(U128{Hi: uint64(s.Owed), Lo: s.Fraction})
	if !ok || wrapped || all.beyond() {
		return U128{}, ErrBroken
	}
	return all, nil
}

// Settle brings a share's Owed and Fraction up to now. It changes nothing that the share has earned or will earn. Errors:
// ErrBroken.
func (p Pot) Settle(s Share) (Share, error) {
	earned, err := p.Earned(s)
	if err != nil {
		return Share{}, err
	}
	return Share{Weight: s.Weight, Acc: p.Acc, Fraction: earned.Lo, Owed: int64(earned.Hi)}, nil
}

// Join adds a share of this weight, which has earned nothing yet. A weight of 0 is a share that waits for its weight. Errors:
// Invalid if the weights would be beyond Max together.
func (p Pot) Join(weight uint64) (Pot, Share, error) {
	return p.Change(Share{}, weight)
}

// Change settles a share and gives it another weight, also 0; then it earns nothing and keeps what it has earned. Errors:
// Invalid if the weights would be beyond Max together, ErrBroken.
func (p Pot) Change(s Share, weight uint64) (Pot, Share, error) {
	s, err := p.Settle(s)
	if err != nil {
		return Pot{}, Share{}, err
	}
	others := p.Total - s.Weight // Settle has seen that this is not negative
	if weight > Max || others > Max-weight {
		return Pot{}, Share{}, fault.Field("accrual.change", "weight", "%d and %d of the others are beyond %d", weight, others, int64(Max))
	}
	p.Total, s.Weight = others+weight, weight
	return p, s, nil
}

// Claim pays a share: what it has earned in whole base units is returned and no longer owed. Claiming again pays nothing,
// until there are other rewards; the fraction stays. The pot does not change. Errors: ErrBroken.
func (p Pot) Claim(s Share) (claimed Share, paid int64, err error) {
	s, err = p.Settle(s)
	if err != nil {
		return Share{}, 0, err
	}
	paid, s.Owed = s.Owed, 0
	return s, paid, nil
}

// Leave pays a share and takes it out of the pot for good: it may be forgotten. Its fraction of a base unit goes to the pot's
// Rest, for those who stay. Errors: ErrBroken.
func (p Pot) Leave(s Share) (left Pot, paid int64, err error) {
	p, s, err = p.Change(s, 0)
	if err != nil {
		return Pot{}, 0, err
	}
	p, err = p.keep(U128{Lo: s.Fraction})
	if err != nil {
		return Pot{}, 0, err
	}
	return p, s.Owed, nil
}

// Collect gives to the pot everything that a share of a parent pot has earned, owed and fraction included, and divides it: the pot is
// that sharer. It returns the pot, and the share, settled and with nothing owed. The parent does not change. Collecting more
// often than needed does no harm. Errors: ErrBroken.
func (p Pot) Collect(parent Pot, s Share) (Pot, Share, error) {
	earned, err := parent.Earned(s)
	if err != nil {
		return Pot{}, Share{}, err
	}
	if p, err = p.feed(earned); err != nil {
		return Pot{}, Share{}, err
	}
	return p, Share{Weight: s.Weight, Acc: parent.Acc}, nil
}

// Absorb takes over what a pot without shares has not divided, so that that pot may be forgotten: its Rest goes to this pot's Rest.
// If the other was a sharer of a parent, it collects and changes its weight there to 0 first. Errors: Conflict if the
// other has shares with weight, ErrBroken.
func (p Pot) Absorb(other Pot) (Pot, error) {
	if other.Total != 0 {
		return Pot{}, fault.Newf(fault.Conflict, "accrual.absorb", "the pot has shares with a weight of %d", other.Total)
	}
	return p.keep(other.Rest)
}
