package model

import (
	"math/big"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// mostLive is how many entries, and how many redelegations, an account may have with an operator.
const mostLive = 7

// staking is the part of the model about stakes, rewards and slashes.
type staking struct {
	common        map[int]common // one
	pools         map[tokenomics.Account]pool
	positions     map[pair]position
	entries       map[string]entry // by operator and key
	redelegations map[string]redelegation
	slashes       map[string]slash
	delegations   map[tokenomics.Account][]tokenomics.Delegation
	past          map[int][]era // one list: economics that were in force before, oldest first
}

// common is what all pools have in common.
type common struct {
	at       time.Time // of the latest request about stakes
	rest     *big.Int  // rewards that are not divided
	schedule accrual.Emission
	emitted  int64             // of the schedule
	carry    int64             // of the division of the emission, in 1/10,000 of a base unit
	compute  tokenomics.Amount // left for compute
	rewarded tokenomics.Amount // to stakers, ever
	computed tokenomics.Amount // for compute, ever
}

type pair struct{ operator, account tokenomics.Account }

// pool is what is staked with an operator.
type pool struct {
	tokens, shares int64
	rest           *big.Int // rewards that are not divided
	cuts           []cut    // of slashes that are not finished
	window         time.Time
	lost           int // basis points in that window
}

// position is what an account has in a pool.
type position struct {
	shares    int64
	value     int64    // when it was touched last: what votes
	earned    *big.Int // and not paid
	unbonding []string // keys of entries that have left it, oldest first
	arrived   []string // keys of redelegations that have come to it, oldest first
}

// entry is stake that has left a pool.
type entry struct {
	pair
	key                    string
	amount                 tokenomics.Amount
	created, matures, held time.Time
	seq, paid              int64 // movement that made it, and that of the latest slash that it has paid for
}

// redelegation is stake that has changed its operator and answers for the one that it has left.
type redelegation struct {
	entry
	target tokenomics.Account
}

func newStaking() staking {
	return staking{
		common: map[int]common{}, pools: map[tokenomics.Account]pool{}, positions: map[pair]position{}, entries: map[string]entry{},
		redelegations: map[string]redelegation{}, slashes: map[string]slash{},
		delegations: map[tokenomics.Account][]tokenomics.Delegation{}, past: map[int][]era{},
	}
}

func keyOf(operator tokenomics.Account, key string) string { return string(operator) + "\x1f" + key }

// worth is what shares of a pool are worth, rounded down.
func (p *pool) worth(shares int64) int64 {
	if shares == 0 {
		return 0
	}
	q, _, _ := accrual.MulDiv(uint64(p.tokens), uint64(shares), uint64(p.shares))
	return int64(q)
}

func (m *Model) stake(r tokenomics.Stake) string {
	if r.Amount < m.economics().MinStake {
		return invalid
	}
	m.move(r.Amount, available(r.Account), Place{r.Operator, tokenomics.KindStaked})
	return m.enter(pair{r.Operator, r.Account}, int64(r.Amount))
}

// enter adds tokens to a position, for shares at the price of the others. A pool of worthless shares takes none.
func (m *Model) enter(at pair, tokens int64) string {
	p, fresh := m.pools[at.operator], tokens
	if p.shares > 0 {
		if p.tokens == 0 {
			return conflict
		}
		q, _, ok := accrual.MulDiv(uint64(tokens), uint64(p.shares), uint64(p.tokens))
		if !ok || q > uint64(int64(tokenomics.MaxSupply)-p.shares) {
			return conflict
		}
		fresh = int64(q)
	}
	m.reshape(at, tokens, fresh)
	return Yes
}

// exit takes an amount out of a position, all of it if the amount is 0: the fewest shares that are worth it.
func (m *Model) exit(at pair, amount int64) (tokens int64, answer string) {
	p, pos := m.pools[at.operator], m.positions[at]
	worth := p.worth(pos.shares)
	if pos.shares == 0 || amount > worth {
		return 0, insufficient
	}
	shares := pos.shares
	if amount > 0 && amount < worth {
		q, r, _ := accrual.MulDiv(uint64(amount), uint64(p.shares), uint64(p.tokens))
		shares = int64(q + min(r, 1))
	}
	tokens = p.worth(shares)
	m.reshape(at, -tokens, -shares)
	return tokens, Yes
}

// reshape changes a pool and a position in it.
func (m *Model) reshape(at pair, tokens, shares int64) {
	p, pos := m.pools[at.operator], m.positions[at]
	p.tokens, p.shares, pos.shares = p.tokens+tokens, p.shares+shares, pos.shares+shares
	set(m, m.pools, at.operator, &p)
	set(m, m.positions, at, &pos)
	m.leave(at)
	m.feed(at.operator, nil)
	m.value(at)
}

// value lets a position vote with what it is worth now.
func (m *Model) value(at pair) {
	p, pos := m.pools[at.operator], m.positions[at]
	pos.value = p.worth(pos.shares)
	set(m, m.positions, at, &pos)
}

// live counts what has not matured.
func (m *Model) live(keys []string, matures func(string) time.Time) (n int) {
	for _, key := range keys {
		if m.Now.Before(matures(key)) {
			n++
		}
	}
	return n
}

func (m *Model) unstake(r tokenomics.Unstake) string {
	at := pair{r.Operator, r.Account}
	pos, worth := m.positions[at], int64(0)
	if m.live(pos.unbonding, func(key string) time.Time { return m.entries[key].matures }) >= mostLive {
		return conflict
	}
	matures := m.Now.Add(m.economics().Unbonding)
	for _, key := range pos.arrived {
		if a := m.redelegations[key].matures; a.After(matures) {
			matures = a
		}
	}
	p := m.pools[r.Operator]
	worth = p.worth(pos.shares)
	tokens, answer := m.exit(at, int64(r.Amount))
	if answer != Yes || worth == 0 {
		return answer
	}
	key := keyOf(r.Operator, r.Key)
	set(m, m.entries, key, &entry{
		pair: at, key: key, amount: tokenomics.Amount(tokens), created: m.Now, matures: matures, seq: m.Seq + 1,
	})
	pos = m.positions[at]
	pos.unbonding = append(slices.Clone(pos.unbonding), key)
	set(m, m.positions, at, &pos)
	m.move(tokenomics.Amount(tokens), Place{r.Operator, tokenomics.KindStaked}, Place{r.Operator, tokenomics.KindUnbonding})
	return Yes
}

func (m *Model) cancelUnstake(r tokenomics.CancelUnstake) string {
	key := keyOf(r.Operator, r.Unstake)
	m.payEntry(key)
	u, known := m.entries[key]
	switch {
	case !known || u.account != r.Account:
		return notFound
	case !m.Now.Before(u.matures):
		return conflict
	}
	m.forget(u)
	m.move(u.amount, Place{r.Operator, tokenomics.KindUnbonding}, Place{r.Operator, tokenomics.KindStaked})
	if u.amount == 0 {
		return Yes
	}
	return m.enter(u.pair, int64(u.amount))
}

// forget removes an entry.
func (m *Model) forget(u entry) {
	set(m, m.entries, u.key, nil)
	pos := m.positions[u.pair]
	pos.unbonding = without(pos.unbonding, u.key)
	set(m, m.positions, u.pair, &pos)
	m.value(u.pair)
}

func without(keys []string, key string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == key })
}

func (m *Model) redelegate(r tokenomics.Redelegate) string {
	from, to := pair{r.From, r.Account}, pair{r.To, r.Account}
	matures := func(key string) time.Time { return m.redelegations[key].matures }
	if m.live(m.positions[from].arrived, matures) > 0 || m.live(m.positions[to].arrived, matures) >= mostLive {
		return conflict
	}
	tokens, answer := m.exit(from, int64(r.Amount))
	if answer != Yes || tokens == 0 {
		return answer
	}
	key := keyOf(r.From, r.Key)
	set(m, m.redelegations, key, &redelegation{target: r.To, entry: entry{
		pair: from, key: key, amount: tokenomics.Amount(tokens), created: m.Now, matures: m.Now.Add(m.economics().Unbonding), seq: m.Seq + 1,
	}})
	pos := m.positions[to]
	pos.arrived = append(slices.Clone(pos.arrived), key)
	set(m, m.positions, to, &pos)
	m.move(tokenomics.Amount(tokens), Place{r.From, tokenomics.KindStaked}, Place{r.To, tokenomics.KindStaked})
	return m.enter(to, tokens)
}

// mature pays an entry back, unless a slash that is not decided may reach it: then it is looked at again.
func (m *Model) mature(key string) {
	m.accrue()
	m.payEntry(key)
	u := m.entries[key]
	until := m.holdsBack(u.operator, u.created)
	for _, arrived := range m.positions[u.pair].arrived {
		m.payMoved(arrived)
		if d := m.redelegations[arrived]; d.seq < u.seq {
			until = later(until, m.holdsBack(d.operator, d.created))
		}
	}
	u = m.entries[key]
	if m.moved(); !until.IsZero() {
		u.held = until
		set(m, m.entries, key, &u)
		return
	}
	m.forget(u)
	m.move(u.amount, Place{u.operator, tokenomics.KindUnbonding}, available(u.account))
}

// release ends what stake that has changed its operator answers for, unless a slash that is not decided may reach it.
func (m *Model) release(key string) {
	m.accrue()
	m.payMoved(key)
	d := m.redelegations[key]
	if m.moved(); !m.holdsBack(d.operator, d.created).IsZero() {
		d.held = m.holdsBack(d.operator, d.created)
		set(m, m.redelegations, key, &d)
		return
	}
	set(m, m.redelegations, key, nil)
	at := pair{d.target, d.account}
	pos := m.positions[at]
	pos.arrived = without(pos.arrived, key)
	set(m, m.positions, at, &pos)
	m.value(at)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
