package tokenomics

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// holdings is what an account has, read at one moment of the ledger.
type holdings struct {
	lines     map[Kind]Line
	positions []Position
	rewards   rewards
}

// Position is what an account has with one operator.
type Position struct {
	Operator  Account
	Account   Account
	Staked    Amount      // what its shares of the pool are worth
	Pending   Amount      // rewards that it has earned and not claimed, in whole base units
	Unbonding []Unbonding // what has left the pool and is not paid back, oldest first
}

// Unbonding is stake that has left a pool and is not paid back yet.
type Unbonding struct {
	Unstake string // key of the Unstake; CancelUnstake takes it
	Amount  Amount
	Created time.Time
	Matures time.Time
}

// staked is the sum of all positions.
func (h *holdings) staked() (sum Amount) {
	for _, p := range h.positions {
		sum += p.Staked
	}
	return sum
}

// pending is what the account could claim now.
func (h *holdings) pending(account Account) Amount {
	if account == Rewards {
		return 0 // what it holds belongs to others
	}
	sum := h.lines[KindReward].Balance
	for _, p := range h.positions {
		sum += p.Pending
	}
	return sum
}

// holdTries bounds how often holdings are read because the account's operators have changed meanwhile.
const holdTries = 8

// holdings reads what an account has. First it learns with which operators, then it reads all of it at once.
func (t *Tokenomics) holdings(ctx context.Context, tenant principal.Tenant, account Account) (*holdings, error) {
	ref := RecordRef{tenant, ClassStaker, string(account)}
	var operators []Account
	var err error
	for range holdTries {
		wanted := Wanted{Records: []RecordRef{ref, {tenant, ClassRewards, string(Rewards)}}}
		for _, kind := range []Kind{KindAvailable, KindHeld, KindReward} {
			wanted.Lines = append(wanted.Lines, SubAccount{tenant, account, kind})
		}
		for _, operator := range operators {
			wanted.Records = append(wanted.Records,
				RecordRef{tenant, ClassPool, string(operator)}, RecordRef{tenant, ClassPosition, pairKey(operator, string(account))})
		}
		var loaded Loaded
		if loaded, err = t.store.Load(ctx, wanted); err != nil {
			return nil, err
		}
		var owner staker
		if err = decodeIf(loaded.Records[ref], &owner); err != nil {
			return nil, err
		}
		h, full := (*holdings)(nil), covers(operators, owner.Operators)
		if full {
			if h, err = holdingsOf(loaded, tenant, account, owner.Operators); err == nil {
				return h, t.leaving(ctx, tenant, h)
			}
		}
		operators = owner.Operators
	}
	return nil, first(err, fault.New(fault.Unavailable, "tokenomics.read", "the account's stakes keep changing: ask again"))
}

// covers reports whether all of some operators are among the known ones.
func covers(known, all []Account) bool {
	names := make(map[Account]bool, len(known))
	for _, operator := range known {
		names[operator] = true
	}
	for _, operator := range all {
		if !names[operator] {
			return false
		}
	}
	return true
}

// decodeIf reads a record's body if there is one.
func decodeIf(record Record, body any) error {
	if !record.exists() {
		return nil
	}
	return decodeRecord(record, body)
}

// holdingsOf derives what an account has from rows of one moment.
func holdingsOf(loaded Loaded, tenant principal.Tenant, account Account, operators []Account) (*holdings, error) {
	h := &holdings{lines: map[Kind]Line{}}
	for sub, line := range loaded.Lines {
		h.lines[sub.Kind] = line
	}
	if err := decodeIf(loaded.Records[RecordRef{tenant, ClassRewards, string(Rewards)}], &h.rewards); err != nil {
		return nil, err
	}
	for _, operator := range operators {
		var p pool
		var pos position
		err := first(
			decodeIf(loaded.Records[RecordRef{tenant, ClassPool, string(operator)}], &p),
			decodeIf(loaded.Records[RecordRef{tenant, ClassPosition, pairKey(operator, string(account))}], &pos))
		if err != nil {
			return nil, err
		}
		pending, err := earned(h.rewards.Pot, &p, &pos)
		if err != nil {
			return nil, err
		}
		has := Position{
			Operator: operator, Account: account, Staked: Amount(p.Stake.Value(int64(pos.Share.Weight))), Pending: Amount(pending.Hi),
		}
		for _, l := range pos.Unbonding {
			has.Unbonding = append(has.Unbonding, Unbonding{Unstake: l.Key[len(pairKey(operator, "")):], Matures: l.Matures})
		}
		h.positions = append(h.positions, has)
	}
	return h, nil
}

// earned is what a position has earned and was not paid, with what its pool has not collected yet, in 2^-64 base units.
func earned(all accrual.Pot, p *pool, pos *position) (accrual.U128, error) {
	pot, _, err := p.Pot.Collect(all, p.Share)
	if err != nil {
		return accrual.U128{}, err
	}
	return pot.Earned(pos.Share)
}

// leaving fills in what the entries of positions say.
func (t *Tokenomics) leaving(ctx context.Context, tenant principal.Tenant, h *holdings) error {
	var wanted Wanted
	for _, p := range h.positions {
		for _, u := range p.Unbonding {
			wanted.Records = append(wanted.Records, RecordRef{tenant, ClassUnbonding, pairKey(p.Operator, u.Unstake)})
		}
	}
	if len(wanted.Records) == 0 {
		return nil
	}
	loaded, err := t.store.Load(ctx, wanted)
	if err != nil {
		return err
	}
	for i, p := range h.positions {
		left := p.Unbonding[:0]
		for _, u := range p.Unbonding {
			record := loaded.Records[RecordRef{tenant, ClassUnbonding, pairKey(p.Operator, u.Unstake)}]
			if !record.exists() {
				continue // it was paid back or put back meanwhile
			}
			var entry unbonding
			if err := decodeRecord(record, &entry); err != nil {
				return err
			}
			u.Amount, u.Created = Amount(entry.Amount), entry.Created
			left = append(left, u)
		}
		h.positions[i].Unbonding = left
	}
	return nil
}

// Positions returns what an account has with each operator, in the order of their names. An empty account means the caller's own.
// Errors: Invalid, Denied, Unavailable.
func (t *Tokenomics) Positions(ctx context.Context, account Account) ([]Position, error) {
	const op = "tokenomics.positions"
	tenant, account, err := t.reader(ctx, op, account)
	if err != nil {
		return nil, err
	}
	h, err := t.holdings(ctx, tenant, account)
	if err != nil {
		return nil, fault.Wrap(op, err)
	}
	return h.positions, nil
}

// Earnings are the rewards of an account. Its zero value, but for the name, is that of an account that has none.
type Earnings struct {
	Account Account
	Pending Amount // earned and not claimed: what a Claim would pay now
	Staked  Amount
	// Rate is what a token that is staked has earned lately, in millionths a year: Stats.StakingRate. 0 if the account stakes nothing.
	Rate int64
}

// Rewards returns the rewards of an account of the caller's tenant; an empty name means the caller's own account. Errors:
// Invalid, Denied, Unavailable.
func (t *Tokenomics) Rewards(ctx context.Context, account Account) (Earnings, error) {
	const op = "tokenomics.rewards"
	tenant, account, err := t.reader(ctx, op, account)
	if err != nil {
		return Earnings{}, err
	}
	h, err := t.holdings(ctx, tenant, account)
	if err != nil {
		return Earnings{}, fault.Wrap(op, err)
	}
	earnings := Earnings{Account: account, Pending: h.pending(account), Staked: h.staked()}
	if earnings.Staked > 0 {
		earnings.Rate, err = t.yieldOf(ctx, tenant, &h.rewards)
	}
	return earnings, fault.Wrap(op, err)
}

// yieldOf returns the yield of now, in millionths a year.
func (t *Tokenomics) yieldOf(ctx context.Context, tenant principal.Tenant, r *rewards) (int64, error) {
	if r.Yield.First.IsZero() {
		return 0, nil
	}
	rows, err := t.store.Records(ctx, RecordQuery{Tenant: tenant, Class: ClassYield, Limit: yieldKept})
	if err != nil {
		return 0, err
	}
	marks := make([]mark, len(rows))
	for i, record := range rows {
		if err := decodeRecord(record, &marks[i]); err != nil {
			return 0, err
		}
	}
	return r.Yield.rate(marks, micros(t.config.Now()), r.Pot.Total), nil
}
