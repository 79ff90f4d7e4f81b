package tokenomics

import (
	"context"
	"encoding/json"
	"math/big"
	"slices"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// farm is what the records and points of a tenant say about stakes.
type farm struct {
	pools   map[Account]*auditedPool
	stakers map[Account]*auditedStaker
	rewards rewards
	owed    big.Int // to stakers, in 2^-64 base units, and what waits for them
	own     int64   // by all positions
	power   int64   // of all accounts, by their latest points
	total   int64   // by its latest point
}

// auditedPool is a pool with what its positions and entries add up to.
type auditedPool struct {
	pool
	shares    uint64 // of its positions
	value     int64  // of its positions, each rounded down
	unbonding int64
}

// auditedStaker is a staker with what its positions and points say.
type auditedStaker struct {
	staker
	value      int64 // of its positions, when they were touched last
	operators  int   // with which it has positions
	power      int64 // by its own stake and the delegations
	ownPoint   int64
	powerPoint int64
	toPoint    []Delegation
}

// farm returns what is known of a tenant's stakes.
func (a *auditor) farm(tenant principal.Tenant) *farm {
	if a.farms[tenant] == nil {
		if a.farms == nil {
			a.farms = map[principal.Tenant]*farm{}
		}
		a.farms[tenant] = &farm{pools: map[Account]*auditedPool{}, stakers: map[Account]*auditedStaker{}}
	}
	return a.farms[tenant]
}

// pool returns a pool, a new one if no record has come yet.
func (f *farm) pool(operator Account) *auditedPool {
	if f.pools[operator] == nil {
		f.pools[operator] = &auditedPool{}
	}
	return f.pools[operator]
}

// staker returns a staker, a new one if no record has come yet.
func (f *farm) staker(account Account) *auditedStaker {
	if f.stakers[account] == nil {
		f.stakers[account] = &auditedStaker{}
	}
	return f.stakers[account]
}

// stakes checks pools, positions, entries, rewards and powers. The rewards of all pools are read first, since what positions have earned
// depends on them; records come by class, so pools come before their positions.
func (a *auditor) stakes(ctx context.Context, s Moment) error {
	records := func(ctx context.Context, after Record, limit int) ([]Record, error) {
		return s.Records(ctx, after.RecordRef, limit)
	}
	common := func(r Record) {
		if r.Class == ClassRewards {
			a.decode(r, &a.farm(r.Tenant).rewards)
		}
	}
	if err := pages(ctx, records, Record{}, common); err != nil {
		return err
	}
	if err := pages(ctx, records, Record{}, a.record); err != nil {
		return err
	}
	points := func(ctx context.Context, after Point, limit int) ([]Point, error) {
		return s.Points(ctx, after.PointRef, limit)
	}
	if err := pages(ctx, points, Point{}, a.point); err != nil {
		return err
	}
	for tenant, f := range a.farms {
		a.pools(tenant, f)
		a.rewards(tenant, f)
		a.powers(tenant, f)
	}
	a.unpooled()
	return nil
}

// decode reads a record's body, and reports whether it can be read.
func (a *auditor) decode(r Record, body any) bool {
	if err := json.Unmarshal(r.Body, body); err != nil {
		a.find("%s %q cannot be read: %v", r.Class, r.Key, err)
		return false
	}
	if r.Seq < 1 || r.Seq > a.head.Last {
		a.find("%s %q was changed by movement %d, the head is %d", r.Class, r.Key, r.Seq, a.head.Last)
	}
	return true
}

// record carries one record forward.
func (a *auditor) record(r Record) {
	f := a.farm(r.Tenant)
	switch r.Class {
	case ClassPool:
		p := f.pool(Account(r.Key))
		if a.decode(r, &p.pool) {
			a.pot(f, r, p)
		}
	case ClassPosition:
		a.position(f, r)
	case ClassStaker:
		a.decode(r, &f.staker(r.Owner).staker)
	case ClassEconomics:
		a.eras(r)
	case ClassUnbonding:
		var u unbonding
		if a.decode(r, &u) {
			f.pool(u.Operator).unbonding += u.Amount
		}
	}
}

// pot brings a pool's rewards up to now and counts what they have in rest.
func (a *auditor) pot(f *farm, r Record, p *auditedPool) {
	pot, _, err := p.Pot.Collect(f.rewards.Pot, p.Share)
	if err != nil {
		a.find("rewards of pool %q: %v", r.Key, err)
		return
	}
	p.Pot = pot
	f.owed.Add(&f.owed, bigU128(pot.Rest))
}

// position carries one position forward.
func (a *auditor) position(f *farm, r Record) {
	var pos position
	if !a.decode(r, &pos) {
		return
	}
	if r.Key != pairKey(pos.Operator, string(pos.Account)) {
		a.find("position %q is that of %q with %q", r.Key, pos.Account, pos.Operator)
	}
	p, owner := f.pool(pos.Operator), f.staker(pos.Account)
	p.shares += pos.Share.Weight
	p.value += p.Stake.Value(int64(pos.Share.Weight))
	f.own += pos.Value
	owner.value += pos.Value
	owner.operators++
	due, err := p.Pot.Earned(pos.Share)
	if err != nil {
		a.find("rewards of %q with %q: %v", pos.Account, pos.Operator, err)
	}
	f.owed.Add(&f.owed, bigU128(due))
}

// point carries one point forward: the latest one of a series is the last.
func (a *auditor) point(p Point) {
	f := a.farm(p.Tenant)
	if p.Seq < 1 || p.Seq > a.head.Last {
		a.find("%s of %q has a point at movement %d, the head is %d", p.Series, p.Key, p.Seq, a.head.Last)
	}
	var latest *int64
	var err error
	switch p.Series {
	case SeriesOwn:
		latest = &f.staker(Account(p.Key)).ownPoint
	case SeriesPower:
		latest = &f.staker(Account(p.Key)).powerPoint
	case SeriesTotal:
		latest = &f.total
	case SeriesDelegation:
		f.staker(Account(p.Key)).toPoint, err = delegationsOf(p)
	}
	if latest != nil {
		var amount Amount
		amount, err = amountOf(p)
		*latest = int64(amount)
	}
	if err != nil {
		a.find("%v", err)
	}
}

// pools checks that the lines of operators are what pools and entries have, and that positions have all shares.
func (a *auditor) pools(tenant principal.Tenant, f *farm) {
	staked := uint64(0)
	for operator, p := range f.pools {
		staked += uint64(p.Stake.Tokens)
		if got := a.balance(tenant, operator, KindStaked); got != Amount(p.Stake.Tokens) {
			a.find("operator %q has %s FOG staked, its pool %s", operator, got, Amount(p.Stake.Tokens))
		}
		if got := a.balance(tenant, operator, KindUnbonding); got != Amount(p.unbonding) {
			a.find("operator %q has %s FOG unbonding, its entries %s", operator, got, Amount(p.unbonding))
		}
		if shares := uint64(p.Stake.Shares); p.shares != shares || p.Pot.Total != shares {
			a.find("pool %q has %d shares, its positions %d, its rewards %d", operator, shares, p.shares, p.Pot.Total)
		}
		if p.value > p.Stake.Tokens {
			a.find("positions in pool %q are worth %s FOG of %s", operator, Amount(p.value), Amount(p.Stake.Tokens))
		}
		if p.Share.Weight != uint64(p.Stake.Tokens) {
			a.find("pool %q has weight %d in the rewards instead of %d", operator, p.Share.Weight, p.Stake.Tokens)
		}
	}
	if staked != f.rewards.Pot.Total {
		a.find("pools have %d base units, the rewards count %d", staked, f.rewards.Pot.Total)
	}
}

// balance is what the log says of a sub-account.
func (a *auditor) balance(tenant principal.Tenant, account Account, kind Kind) Amount {
	if row := a.accounts[SubAccount{tenant, account, kind}]; row != nil {
		return row.balance
	}
	return 0
}

// unpooled checks that nothing is staked or unbonding without a pool.
func (a *auditor) unpooled() {
	for sub, row := range a.accounts {
		of := sub.Kind == KindStaked || sub.Kind == KindUnbonding
		if of && row.balance != 0 && a.farm(sub.Tenant).pools[sub.Account] == nil {
			a.find("operator %q has %s FOG %s and no pool", sub.Account, row.balance, sub.Kind)
		}
	}
}

// rewards checks that the account of rewards has exactly what is owed, what waits, and what is left for compute.
func (a *auditor) rewards(tenant principal.Tenant, f *farm) {
	sum := new(big.Int).Add(&f.owed, bigU128(f.rewards.Pot.Rest))
	sum.Add(sum, bigU128(accrual.U128{Hi: uint64(f.rewards.Compute)}))
	has := bigU128(accrual.U128{Hi: uint64(a.balance(tenant, Rewards, KindReward))})
	if sum.Cmp(has) != 0 {
		a.find("rewards are %s in 2^-64 base units, owed and waiting are %s", has, sum)
	}
	a.tally[tallyKey{tenant, Count{Name: countStakingRewards}}] = f.rewards.Yield.Rewarded
}

// powers checks that powers follow from stakes and delegations, and that their points and sums say the same.
func (a *auditor) powers(tenant principal.Tenant, f *farm) {
	for account, p := range f.stakers {
		parts, keeps := split(p.Own, p.To)
		p.power += keeps
		for i, d := range p.To {
			if f.stakers[d.To] == nil && parts[i] > 0 {
				a.find("account %q delegates to %q, which has no power", account, d.To)
			} else if parts[i] > 0 {
				f.stakers[d.To].power += parts[i]
			}
		}
		if p.Own != p.value || len(p.Operators) != p.operators {
			a.find("account %q has %d staked with %d operators, its positions are %d with %d", account, p.Own, len(p.Operators), p.value, p.operators)
		}
		if p.Own > 0 {
			a.tally[tallyKey{tenant, Count{Name: countStakers}}]++
		}
		f.power += p.Power
	}
	for account, p := range f.stakers {
		if !slices.Equal(p.To, p.toPoint) {
			a.find("account %q delegates %v, its points say %v", account, p.To, p.toPoint)
		}
		if p.power != p.Power || p.powerPoint != p.Power || p.ownPoint != p.Own {
			a.find("account %q has power %d of %d own, recomputed %d; its points say %d of %d",
				account, p.Power, p.Own, p.power, p.powerPoint, p.ownPoint)
		}
	}
	if f.own != f.rewards.Own || f.power != f.own || f.total != f.own {
		a.find("all stake is %d, counted %d; all power is %d, its points say %d", f.own, f.rewards.Own, f.power, f.total)
	}
}
