package tokenomics_test

import (
	"cmp"
	"math/big"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// stakeModel is staking as its rules say it, in rational numbers: positions have values instead of shares, a slash touches
// everything that it reaches at once, and rewards are divided position by position.
type stakeModel struct {
	economics tokenomics.Economics // in force
	past      []modelEra           // what was in force before, oldest first
	now       time.Time
	positions map[pair]*big.Rat
	earned    map[pair]*big.Rat
	compute   map[tokenomics.Account]int64 // rewards for compute that are not claimed
	waiting   *big.Rat                     // rewards that came while nobody staked
	entries   map[string]*modelEntry
	slashes   map[string]*modelSlash
	to        map[tokenomics.Account][]tokenomics.Delegation
	emitted   int64
	divided   int64 // of what was emitted, for stakers, in 1/10,000 of a base unit
	spent     int64 // of the budget for compute
	window    map[tokenomics.Account]*modelWindow
	slack     *big.Rat // by how much a position, or what it has earned, may differ
}

type pair struct{ operator, account tokenomics.Account }

// modelEntry is an unbonding entry, or a redelegation if it has a target.
type modelEntry struct {
	pair
	target           tokenomics.Account
	amount           *big.Rat
	created, matures time.Time
	n                int
}

type modelSlash struct {
	tokenomics.SlashEvidence
	state       string
	opened, due time.Time
}

// modelEra is a time in which the parameters stayed the same.
type modelEra struct {
	economics tokenomics.Economics
	until     time.Time
}

type modelWindow struct {
	begin time.Time
	lost  int
}

func newStakeModel(economics tokenomics.Economics, now time.Time) *stakeModel {
	return &stakeModel{
		economics: economics, now: now, positions: map[pair]*big.Rat{}, earned: map[pair]*big.Rat{},
		compute: map[tokenomics.Account]int64{}, waiting: new(big.Rat), entries: map[string]*modelEntry{},
		slashes: map[string]*modelSlash{}, to: map[tokenomics.Account][]tokenomics.Delegation{},
		window: map[tokenomics.Account]*modelWindow{}, slack: big.NewRat(2, 1),
	}
}

func rat(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

// of is so many basis points of a number.
func of(x *big.Rat, points int) *big.Rat {
	return new(big.Rat).Mul(x, big.NewRat(int64(points), 10_000))
}

func (m *stakeModel) position(p pair) *big.Rat {
	if m.positions[p] == nil {
		m.positions[p] = new(big.Rat)
	}
	return m.positions[p]
}

// total is the stake of an operator, of all if it is empty.
func (m *stakeModel) total(operator tokenomics.Account) *big.Rat {
	sum := new(big.Rat)
	for p, value := range m.positions {
		if operator == "" || p.operator == operator {
			sum.Add(sum, value)
		}
	}
	return sum
}

// own is what an account stakes.
func (m *stakeModel) own(account tokenomics.Account) *big.Rat {
	sum := new(big.Rat)
	for p, value := range m.positions {
		if p.account == account {
			sum.Add(sum, value)
		}
	}
	return sum
}

// power is what an account votes with.
func (m *stakeModel) power(account tokenomics.Account) *big.Rat {
	sum := m.own(account)
	for _, d := range m.to[account] {
		sum.Sub(sum, of(m.own(account), d.Part))
	}
	for from, to := range m.to {
		for _, d := range to {
			if d.To == account {
				sum.Add(sum, of(m.own(from), d.Part))
			}
		}
	}
	return sum
}

// reward divides an amount among all positions.
func (m *stakeModel) reward(amount int64) {
	total := m.total("")
	m.waiting.Add(m.waiting, rat(amount))
	if amount == 0 || total.Sign() == 0 {
		return
	}
	for p, value := range m.positions {
		if m.earned[p] == nil {
			m.earned[p] = new(big.Rat)
		}
		part := new(big.Rat).Mul(m.waiting, value)
		m.earned[p].Add(m.earned[p], part.Quo(part, total))
	}
	// A position that is off by the slack gets as much more or less.
	off := new(big.Rat).Mul(m.waiting, big.NewRat(64, 1))
	m.slack.Add(m.slack, off.Quo(off, total))
	m.waiting = new(big.Rat)
}

// change puts other parameters in force.
func (m *stakeModel) change(economics tokenomics.Economics) {
	m.past = append(m.past, modelEra{m.economics, m.now})
	m.economics = economics
}

// at is what was in force at a time.
func (m *stakeModel) at(t time.Time) tokenomics.Economics {
	for _, e := range m.past {
		if t.Before(e.until) {
			return e.economics
		}
	}
	return m.economics
}

// scheduled is all that was emitted up to now: each schedule from when it has taken over until the next one has, which is at its start, and
// not before it was in force.
func (m *stakeModel) scheduled() int64 {
	sum, running, from, since := int64(0), accrual.Emission{}, time.Time{}, time.Time{}
	for _, e := range append(slices.Clone(m.past), modelEra{m.economics, m.now}) {
		next := e.economics.Emission
		if begin := latest(next.Start, since); !begin.After(e.until) && next != running {
			sum += running.Emitted(begin) - running.Emitted(from)
			running, from = next, begin
		}
		since = e.until
	}
	return sum + running.Emitted(m.now) - running.Emitted(from)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// advance moves time and emits what has become due.
func (m *stakeModel) advance(now time.Time) {
	m.now = now
	due, before := m.scheduled()-m.emitted, m.divided/10_000
	m.emitted += due
	m.divided += due * int64(m.economics.EmissionToStakers)
	m.reward(m.divided/10_000 - before)
}

// budget is what is left for compute.
func (m *stakeModel) budget() int64 { return m.emitted - m.divided/10_000 - m.spent }

// capture divides a payment out of a hold and returns what the receiver gets at once.
func (m *stakeModel) capture(held time.Time, to tokenomics.Account, amount int64) int64 {
	economics := m.at(held)
	fee := amount * int64(economics.Fee) / 10_000
	m.reward(fee * int64(economics.FeeToStakers) / 10_000)
	bonus := min((amount-fee)*int64(economics.ComputeReward)/10_000, m.budget())
	m.spent += bonus
	m.compute[to] += bonus
	return amount - fee
}

// claim takes what an account has earned; what was paid in whole units differs by the slack of all its positions.
func (m *stakeModel) claim(account tokenomics.Account) *big.Rat {
	paid := rat(m.compute[account])
	m.compute[account] = 0
	for p, earned := range m.earned {
		if p.account == account {
			paid.Add(paid, earned)
			m.earned[p] = new(big.Rat)
		}
	}
	return paid
}

// live counts an account's entries with an operator, or its redelegations to it.
func (m *stakeModel) live(p pair, redelegated bool) (n int) {
	for _, e := range m.entries {
		at := e.operator
		if redelegated {
			at = e.target
		}
		if at == p.operator && e.account == p.account && redelegated == (e.target != "") && m.now.Before(e.matures) {
			n++
		}
	}
	return n
}

// leave takes an amount out of a position, as an entry or a redelegation.
func (m *stakeModel) leave(key string, p pair, amount *big.Rat, target tokenomics.Account, n int) {
	m.position(p).Sub(m.position(p), amount)
	e := &modelEntry{pair: p, target: target, amount: amount, created: m.now, matures: m.now.Add(m.economics.Unbonding), n: n}
	for _, r := range m.entries {
		if target == "" && r.target == p.operator && r.account == p.account && r.matures.After(e.matures) {
			e.matures = r.matures
		}
	}
	m.entries[string(p.operator)+"/"+key] = e
	if target != "" {
		to := m.position(pair{target, p.account})
		to.Add(to, amount)
	}
}

// strike cuts the pools of slashes, in their order; then what has left them pays: entries, then redelegations, which take what
// they owe out of positions that may have been cut as well.
func (m *stakeModel) strike(slashes ...*modelSlash) {
	points := make([]int, len(slashes))
	for i, c := range slashes {
		c.state = "done"
		economics, w := m.at(c.At), m.window[c.Operator]
		if w == nil || m.now.Sub(w.begin) >= economics.SlashWindow {
			w = &modelWindow{begin: m.now}
			m.window[c.Operator] = w
		}
		points[i] = max(min(c.Part, economics.SlashCap-w.lost), 0)
		w.lost += points[i]
		for p, value := range m.positions {
			if p.operator == c.Operator {
				value.Sub(value, of(value, points[i]))
			}
		}
	}
	for _, plain := range []bool{true, false} {
		for i, c := range slashes {
			for _, e := range m.entries {
				if e.operator == c.Operator && c.At.Before(e.created) && plain == (e.target == "") {
					m.pay(e, of(e.amount, points[i]))
				}
			}
		}
	}
}

// pay takes an amount out of an entry; a redelegation pays with what it has become.
func (m *stakeModel) pay(e *modelEntry, amount *big.Rat) {
	if e.target == "" {
		e.amount.Sub(e.amount, amount)
		return
	}
	at := pair{e.target, e.account}
	paid := least(amount, m.position(at))
	m.positions[at].Sub(m.positions[at], paid)
	var later []*modelEntry
	for _, u := range m.entries {
		if u.pair == at && u.target == "" && u.n > e.n {
			later = append(later, u)
		}
	}
	slices.SortFunc(later, func(a, b *modelEntry) int { return b.n - a.n })
	for _, u := range later {
		more := least(new(big.Rat).Sub(amount, paid), u.amount)
		u.amount.Sub(u.amount, more)
		paid = new(big.Rat).Add(paid, more)
	}
	e.amount.Sub(e.amount, paid)
}

func least(a, b *big.Rat) *big.Rat {
	if a.Cmp(b) < 0 {
		return new(big.Rat).Set(a)
	}
	return new(big.Rat).Set(b)
}

// held reports whether an open slash may reach what has left an operator at some time.
func (m *stakeModel) held(operator tokenomics.Account, left time.Time) bool {
	for _, c := range m.slashes {
		if (c.state == "open" || c.state == "appealed") && c.Operator == operator && c.At.Before(left) {
			return true
		}
	}
	return false
}

// sweep does what is due, and returns what was paid back to whom.
func (m *stakeModel) sweep() map[tokenomics.Account]*big.Rat {
	due := []*modelSlash{}
	for _, c := range m.slashes {
		if (c.state == "open" || c.state == "appealed") && !c.due.After(m.now) {
			due = append(due, c)
		}
	}
	slices.SortFunc(due, func(a, b *modelSlash) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.ID, b.ID)) })
	due = slices.DeleteFunc(due, func(c *modelSlash) bool {
		appealed := c.state == "appealed"
		if appealed {
			c.state = "dismissed"
		}
		return appealed
	})
	m.strike(due...)
	back := map[tokenomics.Account]*big.Rat{}
	for key, e := range m.entries {
		held := m.held(e.operator, e.created)
		for _, r := range m.entries {
			held = held || r.target == e.operator && e.target == "" && r.account == e.account && r.n < e.n && m.held(r.operator, r.created)
		}
		if held || e.matures.After(m.now) {
			continue
		}
		if e.target == "" {
			if back[e.account] == nil {
				back[e.account] = new(big.Rat)
			}
			back[e.account].Add(back[e.account], e.amount)
		}
		delete(m.entries, key)
	}
	return back
}
