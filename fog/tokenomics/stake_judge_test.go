package tokenomics_test

import (
	"math/big"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// pending is what an account could claim.
func (m *stakeModel) pending(account tokenomics.Account) *big.Rat {
	sum := rat(m.compute[account])
	for p, earned := range m.earned {
		if p.account == account {
			sum.Add(sum, earned)
		}
	}
	return sum
}

// Answers of the model beside yes; the empty one leaves it to the ledger, where roundings decide.
var (
	insufficient = fault.Insufficient.String()
	conflict     = fault.Conflict.String()
	notFound     = fault.NotFound.String()
	invalid      = fault.Invalid.String()
)

// judge answers a request as the model does, and lets it do what the ledger has done.
func (m *machine) judge(r tokenomics.Request, done bool) string {
	switch {
	case r.Stake != nil:
		return m.stake(r.Stake, done)
	case r.Unstake != nil:
		return m.unstake(r.Unstake, done)
	case r.Redelegate != nil:
		return m.redelegate(r.Redelegate, done)
	case r.CancelUnstake != nil:
		return m.cancel(r.CancelUnstake, done)
	case r.Claim != nil:
		m.pay(r.Claim.Account, m.m.claim(r.Claim.Account))
		return "yes"
	case r.Compound != nil:
		at := m.m.position(pair{r.Compound.Operator, r.Compound.Account})
		at.Add(at, m.m.claim(r.Compound.Account))
		return "yes"
	case r.Delegate != nil:
		m.m.to[r.Delegate.Account] = r.Delegate.To
		return "yes"
	case r.Capture != nil:
		to := r.Capture.To[0]
		m.pay(to.Account, rat(m.m.capture(m.held[r.Capture.Hold], to.Account, int64(to.Amount))))
		return "yes"
	case r.Hold != nil:
		m.held[r.Hold.ID] = m.m.now
		return "yes"
	case r.SlashEvidence != nil:
		return m.accuse(r.SlashEvidence, done)
	case r.Propose != nil, r.Vote != nil, r.Queue != nil, r.Execute != nil:
		return m.govern(r)
	}
	return m.rule(r)
}

// close reports whether two numbers differ by no more than roundings.
func (m *machine) close(a, b *big.Rat) bool {
	off := new(big.Rat).Sub(a, b)
	return off.Abs(off).Cmp(new(big.Rat).Add(new(big.Rat).Mul(m.m.slack, rat(4)), rat(int64(6*m.n+10)))) <= 0
}

func (m *machine) stake(r *tokenomics.Stake, done bool) string {
	amount := rat(int64(r.Amount))
	has := m.cash[r.Account]
	if done {
		m.pay(r.Account, new(big.Rat).Neg(amount))
		at := m.m.position(pair{r.Operator, r.Account})
		at.Add(at, amount)
	}
	if r.Amount < m.m.economics.MinStake {
		return invalid
	}
	return m.enough(has, amount, done)
}

// enough is the answer to a request for an amount that is taken out of what there is.
func (m *machine) enough(has, amount *big.Rat, done bool) string {
	switch {
	case done:
		has = new(big.Rat).Add(has, amount) // it was taken already
		fallthrough
	default:
		if m.close(has, amount) {
			return ""
		}
	}
	if has.Cmp(amount) < 0 {
		return insufficient
	}
	return "yes"
}

// wanted is the amount of a request that may be for everything.
func (m *machine) wanted(p pair, amount tokenomics.Amount) *big.Rat {
	if amount == 0 {
		return new(big.Rat).Set(m.m.position(p))
	}
	return least(rat(int64(amount)), new(big.Rat).Add(m.m.position(p), m.m.slack))
}

func (m *machine) unstake(r *tokenomics.Unstake, done bool) string {
	p := pair{r.Operator, r.Account}
	amount, had := m.wanted(p, r.Amount), new(big.Rat).Set(m.m.position(p))
	live := m.m.live(p, false)
	if done {
		m.m.leave(r.Key, p, amount, "", m.n)
	}
	return m.leaves(had, r.Amount, live >= 7)
}

// leaves is the answer to a request for a part of a position, or all of it.
func (m *machine) leaves(had *big.Rat, amount tokenomics.Amount, refused bool) string {
	asked := rat(int64(amount))
	switch {
	case refused:
		return conflict
	case m.close(had, new(big.Rat)) && (amount == 0 || m.close(had, asked)), amount > 0 && m.close(had, asked):
		return "" // a rest of less than the roundings
	case had.Cmp(asked) < 0:
		return insufficient
	}
	return "yes"
}

func (m *machine) redelegate(r *tokenomics.Redelegate, done bool) string {
	p, at := pair{r.From, r.Account}, pair{r.To, r.Account}
	amount, had := m.wanted(p, r.Amount), new(big.Rat).Set(m.m.position(p))
	refused := m.m.live(p, true) > 0 || m.m.live(at, true) >= 7
	if done {
		m.m.leave(r.Key, p, amount, r.To, m.n)
	}
	return m.leaves(had, r.Amount, refused)
}

func (m *machine) cancel(r *tokenomics.CancelUnstake, done bool) string {
	key := string(r.Operator) + "/" + r.Unstake
	e := m.m.entries[key]
	switch {
	case e == nil || e.target != "" || e.account != r.Account:
		return notFound
	case !m.m.now.Before(e.matures):
		return conflict
	case done:
		at := m.m.position(e.pair)
		at.Add(at, e.amount)
		delete(m.m.entries, key)
	}
	return "yes"
}

func (m *machine) accuse(r *tokenomics.SlashEvidence, done bool) string {
	if done {
		m.m.slashes[r.ID] = &modelSlash{
			SlashEvidence: *r, state: "open", opened: m.m.now, due: m.m.now.Add(m.m.economics.AppealWindow),
		}
	}
	if m.m.now.Sub(r.At) > m.m.at(r.At).Unbonding {
		return invalid
	}
	return "" // whether there ever was a pool, and how many slashes are open, is told by other tests
}

// rule answers an appeal or a decision on it.
func (m *machine) rule(r tokenomics.Request) string {
	id, from, to := "", []string{"open", "appealed"}, "dismissed"
	switch {
	case r.Appeal != nil:
		id, from, to = r.Appeal.ID, []string{"open"}, "appealed"
	case r.Dismiss != nil:
		id = r.Dismiss.ID
	case r.Uphold != nil:
		id, from, to = r.Uphold.ID, []string{"appealed"}, "done"
	}
	c := m.m.slashes[id]
	if c == nil || r.Appeal != nil && r.Appeal.Operator != c.Operator {
		return notFound
	}
	if m.said[[2]string{id, to}] {
		return "yes" // the same again
	}
	for _, state := range from {
		if c.state != state {
			continue
		}
		m.said[[2]string{id, to}] = true
		if c.state = to; to == "appealed" {
			c.due = m.m.now.Add(m.m.at(c.opened).AppealWindow)
		} else if to == "done" {
			m.m.strike(c)
			m.f.sweep(m.t)
		}
		return "yes"
	}
	return conflict
}
