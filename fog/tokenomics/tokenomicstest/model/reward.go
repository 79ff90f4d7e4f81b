package model

import (
	"math/big"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// rewardsPlace has what was rewarded and is not paid out.
var rewardsPlace = Place{tokenomics.Rewards, tokenomics.KindReward}

// Rewards are divided in units of 2^-64 base units. What a division leaves over waits for the next one.

// unitsOf is an amount in those units.
func unitsOf(amount tokenomics.Amount) *big.Int {
	n := big.NewInt(int64(amount))
	return n.Lsh(n, 64)
}

// wholeOf is how many whole base units there are.
func wholeOf(units *big.Int) tokenomics.Amount {
	if units == nil {
		return 0
	}
	return tokenomics.Amount(new(big.Int).Rsh(units, 64).Int64())
}

// plus is a sum; nil is nothing.
func plus(a, b *big.Int) *big.Int {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return new(big.Int).Add(a, b)
}

// accrue mints what the emission has brought since the latest request about stakes: a part for stakers, the rest for compute.
func (m *Model) accrue() {
	c, economics := m.common[0], m.economics()
	due := m.minted(&c, economics.Emission)
	m.move(due, Place{tokenomics.Mint, tokenomics.KindMint}, rewardsPlace)
	share := int64(due)*int64(economics.EmissionToStakers) + c.carry
	stakers := tokenomics.Amount(share / 10_000)
	c.at, c.carry, c.compute = m.Now, share%10_000, c.compute+due-stakers
	set(m, m.common, 0, &c)
	m.reward(stakers)
}

// minted is what has to be minted now. The schedule that is in force takes over at its start, from the one that runs, but not before the
// latest request about stakes: until then the other one was in force.
func (m *Model) minted(c *common, next accrual.Emission) (due tokenomics.Amount) {
	room := tokenomics.MaxSupply + m.lines[Place{tokenomics.Mint, tokenomics.KindMint}]
	mint := func(until time.Time) {
		part := min(max(c.schedule.Emitted(until)-c.emitted, 0), int64(room-due))
		due, c.emitted = due+tokenomics.Amount(part), c.emitted+part
	}
	if from := later(next.Start, c.at); !from.After(m.Now) && next != c.schedule {
		mint(from)
		c.schedule, c.emitted = next, next.Emitted(from)
	}
	mint(m.Now)
	return due
}

// reward divides an amount among all pools by their tokens. While nothing is staked it waits for the next reward that finds a stake.
func (m *Model) reward(amount tokenomics.Amount) {
	if amount == 0 {
		return
	}
	c := m.common[0]
	c.rewarded += amount
	rest, total := plus(c.rest, unitsOf(amount)), int64(0)
	for _, p := range m.pools {
		total += p.tokens
	}
	c.rest = rest
	if total > 0 {
		gain, left := new(big.Int).QuoRem(rest, big.NewInt(total), new(big.Int))
		c.rest = left
		for operator, p := range m.pools {
			m.feed(operator, new(big.Int).Mul(gain, big.NewInt(p.tokens)))
		}
	}
	set(m, m.common, 0, &c)
}

// feed divides units among the positions of a pool by their shares. Without any they wait.
func (m *Model) feed(operator tokenomics.Account, units *big.Int) {
	p := m.pools[operator]
	p.rest = plus(p.rest, units)
	if p.shares > 0 && p.rest != nil && p.rest.Sign() > 0 {
		gain, left := new(big.Int).QuoRem(p.rest, big.NewInt(p.shares), new(big.Int))
		p.rest = left
		for at, pos := range m.positions {
			if at.operator == operator && pos.shares > 0 && gain.Sign() > 0 {
				pos.earned = plus(pos.earned, new(big.Int).Mul(gain, big.NewInt(pos.shares)))
				set(m, m.positions, at, &pos)
			}
		}
	}
	set(m, m.pools, operator, &p)
}

// rewardCompute rewards an account for compute, with what is left for it.
func (m *Model) rewardCompute(account tokenomics.Account, amount tokenomics.Amount) {
	c := m.common[0]
	amount = min(amount, c.compute)
	if amount == 0 || account == tokenomics.Rewards {
		return
	}
	c.compute, c.computed = c.compute-amount, c.computed+amount
	set(m, m.common, 0, &c)
	m.move(amount, rewardsPlace, Place{account, tokenomics.KindReward})
}

// claim pays an account everything that it has earned, in whole base units, and returns what that is. What it is short of stays, or is left
// to the pool by who has no shares any more.
func (m *Model) claim(account tokenomics.Account) (earned tokenomics.Amount) {
	for at, pos := range m.positions {
		if at.account != account {
			continue
		}
		paid := wholeOf(pos.earned)
		earned += paid
		if paid > 0 {
			pos.earned = new(big.Int).Sub(pos.earned, unitsOf(paid))
		}
		set(m, m.positions, at, &pos)
		m.leave(at)
		m.value(at)
	}
	m.move(earned, rewardsPlace, available(account))
	compute := m.lines[Place{account, tokenomics.KindReward}]
	m.move(compute, Place{account, tokenomics.KindReward}, available(account))
	return earned + compute
}

// leave lets a position without shares, to which nothing is owed, leave its fraction of a base unit to the pool.
func (m *Model) leave(at pair) {
	if pos := m.positions[at]; pos.shares == 0 && pos.earned != nil && wholeOf(pos.earned) == 0 {
		fraction := pos.earned
		pos.earned = nil
		set(m, m.positions, at, &pos)
		m.feed(at.operator, fraction)
	}
}

func (m *Model) compound(c tokenomics.Compound) string {
	earned := m.claim(c.Account)
	if earned == 0 {
		return Yes
	}
	m.move(earned, available(c.Account), Place{c.Operator, tokenomics.KindStaked})
	return m.enter(pair{c.Operator, c.Account}, int64(earned))
}

// emit mints what is due, unless a request about stakes has in this hour, or whatever it is.
func (m *Model) emit() {
	c := m.common[0]
	if !c.at.Before(m.Now.Truncate(m.economics().EmissionEvery)) {
		return
	}
	if due := m.minted(&c, m.economics().Emission); due > 0 {
		m.accrue()
		m.moved()
	}
}
