package model

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// mostSlashes is how many slashes of an operator may be open.
const mostSlashes = 16

// slash is a slash as the ledger shows it, and how far it has come: what has left the pool pays first, then what has moved, then
// positions get their new values.
type slash struct {
	tokenomics.Slash
	phase int
}

// cut is a slash of a pool that is not finished.
type cut struct {
	id         string
	fault, due time.Time
	seq        int64 // movement that has cut the pool; 0: not yet
	points     int
}

func (m *Model) accuse(r tokenomics.SlashEvidence) string {
	p, known := m.pools[r.Operator]
	switch {
	case r.At.After(m.Now), m.Now.Sub(r.At) > m.at(r.At).Unbonding:
		return invalid
	case !known:
		return notFound
	case len(p.cuts) >= mostSlashes:
		return conflict
	}
	if r.Part == 0 {
		r.Part = m.at(r.At).BadResult
		if r.Kind == tokenomics.FaultSLA {
			r.Part = m.at(r.At).SLA
		}
	}
	if r.Part == 0 {
		return conflict
	}
	r.Tenant = "default"
	due := m.Now.Add(m.economics().AppealWindow)
	set(m, m.slashes, r.ID, &slash{Slash: tokenomics.Slash{SlashEvidence: r, State: tokenomics.SlashOpen, Opened: m.Now, Due: due}})
	p.cuts = append(slices.Clone(p.cuts), cut{id: r.ID, fault: r.At, due: due})
	set(m, m.pools, r.Operator, &p)
	return Yes
}

// in answers whether a slash is in one of some states whose time is not over.
func (m *Model) in(c slash, states ...tokenomics.SlashState) string {
	switch {
	case c.State == "":
		return notFound
	case !slices.Contains(states, c.State), !m.Now.Before(c.Due):
		return conflict
	}
	return Yes
}

func (m *Model) appeal(r tokenomics.Appeal) string {
	c := m.slashes[r.ID]
	if c.Operator != r.Operator {
		return notFound
	}
	answer := m.in(c, tokenomics.SlashOpen)
	c.State, c.Due, c.Appeal = tokenomics.SlashAppealed, m.Now.Add(m.at(c.Opened).AppealWindow), r.Detail
	set(m, m.slashes, r.ID, &c)
	m.mark(c, func(x *cut) { x.due = c.Due })
	return answer
}

// mark changes the place of a slash in its pool.
func (m *Model) mark(c slash, change func(*cut)) {
	p := m.pools[c.Operator]
	p.cuts = slices.Clone(p.cuts)
	for i := range p.cuts {
		if p.cuts[i].id == c.ID {
			change(&p.cuts[i])
		}
	}
	set(m, m.pools, c.Operator, &p)
}

func (m *Model) dismiss(id, detail string) string {
	c := m.slashes[id]
	answer := m.in(c, tokenomics.SlashOpen, tokenomics.SlashAppealed)
	c.Verdict = detail
	m.finish(c, tokenomics.SlashDismissed)
	return answer
}

// finish ends a slash.
func (m *Model) finish(c slash, state tokenomics.SlashState) {
	c.State, c.Due = state, time.Time{}
	set(m, m.slashes, c.ID, &c)
	p := m.pools[c.Operator]
	p.cuts = slices.DeleteFunc(slices.Clone(p.cuts), func(x cut) bool { return x.id == c.ID })
	set(m, m.pools, c.Operator, &p)
}

func (m *Model) uphold(id, detail string) string {
	c := m.slashes[id]
	answer := m.in(c, tokenomics.SlashAppealed)
	if answer == Yes {
		c.Verdict = detail
		m.strike(c)
	}
	return answer
}

// strike cuts the pool. A window in which a pool loses at most the cap begins with a slash.
func (m *Model) strike(c slash) {
	p, economics := m.pools[c.Operator], m.at(c.At)
	if p.window.IsZero() || m.Now.Sub(p.window) >= economics.SlashWindow {
		p.window, p.lost = m.Now, 0
	}
	c.Applied = max(min(c.Part, economics.SlashCap-p.lost), 0)
	c.State, c.Due = tokenomics.SlashExecuting, m.Now
	taken := partUp(tokenomics.Amount(p.tokens), c.Applied)
	p.lost, p.tokens = p.lost+c.Applied, p.tokens-int64(taken)
	set(m, m.pools, c.Operator, &p)
	set(m, m.slashes, c.ID, &c)
	m.mark(c, func(x *cut) { x.seq, x.points = m.Seq+1, c.Applied })
	m.forfeit(c.ID, taken, Place{c.Operator, tokenomics.KindStaked})
}

// forfeit takes an amount away for a slash: for the harmed first, then a part for the insurance, and the rest is burned.
func (m *Model) forfeit(id string, amount tokenomics.Amount, from Place) {
	c := m.slashes[id]
	economics, compensated := m.at(c.At), tokenomics.Amount(0)
	if c.Harmed != "" {
		most := economics.Compensation
		if c.Loss > 0 {
			most = min(most, c.Loss)
		}
		compensated = max(min(amount, most-c.Compensated), 0)
	}
	insured := partUp(amount-compensated, economics.InsurancePart)
	burned := amount - compensated - insured
	m.add(from, -amount)
	m.add(available(c.Harmed), compensated)
	m.add(available(tokenomics.Insurance), insured)
	m.add(Place{tokenomics.Mint, tokenomics.KindMint}, burned)
	c.Taken, c.Compensated, c.Insured, c.Burned = c.Taken+amount, c.Compensated+compensated, c.Insured+insured, c.Burned+burned
	set(m, m.slashes, id, &c)
}

// reaching lists the slashes of an operator that reach what has left its pool and has not paid for them.
func (m *Model) reaching(u entry) (cuts []cut) {
	for _, x := range m.pools[u.operator].cuts {
		if x.seq > max(u.seq, u.paid) && x.fault.Before(u.created) {
			cuts = append(cuts, x)
		}
	}
	slices.SortFunc(cuts, func(a, b cut) int { return cmp.Compare(a.seq, b.seq) })
	return cuts
}

// payEntry lets an entry pay for the slashes that reach it.
func (m *Model) payEntry(key string) {
	for _, x := range m.reaching(m.entries[key]) {
		u := m.entries[key]
		lost := partUp(u.amount, x.points)
		u.amount, u.paid = u.amount-lost, x.seq
		set(m, m.entries, key, &u)
		m.forfeit(x.id, lost, Place{u.operator, tokenomics.KindUnbonding})
	}
}

// payMoved lets a redelegation pay for the slashes of the operator that was left: out of the position that the stake has come to, then out of
// what has left that one since, the newest first.
func (m *Model) payMoved(key string) {
	for _, x := range m.reaching(m.redelegations[key].entry) {
		d := m.redelegations[key]
		at, p := pair{d.target, d.account}, m.pools[d.target]
		lost := partUp(d.amount, x.points)
		paid := min(lost, tokenomics.Amount(p.worth(m.positions[at].shares)))
		if paid > 0 {
			m.exit(at, int64(paid))
			m.forfeit(x.id, paid, Place{d.target, tokenomics.KindStaked})
		}
		leaving := m.positions[at].unbonding
		if lost == paid {
			leaving = nil
		}
		for _, leaving := range slices.Backward(leaving) {
			m.payEntry(leaving)
			u := m.entries[leaving]
			if u.seq < d.seq {
				continue
			}
			more := min(lost-paid, u.amount)
			u.amount, paid = u.amount-more, paid+more
			set(m, m.entries, leaving, &u)
			m.forfeit(x.id, more, Place{d.target, tokenomics.KindUnbonding})
		}
		d.amount, d.paid = d.amount-paid, x.seq
		set(m, m.redelegations, key, &d)
	}
}

// holdsBack returns when to look again whether slashes that are not decided keep what has left an operator; zero if none does.
func (m *Model) holdsBack(operator tokenomics.Account, left time.Time) (until time.Time) {
	for _, x := range m.pools[operator].cuts {
		if x.seq > 0 || !x.fault.Before(left) {
			continue
		}
		until = later(until, later(x.due, m.Now.Add(time.Second)))
		if most := m.Now.Add(time.Hour); until.After(most) {
			until = most
		}
	}
	return until
}

// expel ends the state of a slash whose time is over, or lets these records pay for one that is carried out.
func (m *Model) expel(id string, keys []string) {
	m.accrue()
	switch c := m.slashes[id]; c.State {
	case tokenomics.SlashOpen:
		m.strike(c)
	case tokenomics.SlashAppealed:
		m.finish(c, tokenomics.SlashDismissed)
	default:
		m.carryOut(id, keys)
	}
	m.moved()
}

// pageKeys is how many records pay in one movement.
const pageKeys = 32

// page lists what the next step of a slash reaches, in the order of its keys, as the sweep finds it: some of it may be gone when it is to pay.
func (m *Model) page(c slash) []string {
	switch prefix := keyOf(c.Operator, ""); c.phase {
	case 0:
		return withPrefix(m.entries, prefix)
	case 1:
		return withPrefix(m.redelegations, prefix)
	}
	return nil
}

// inPages lets records pay, so many in a movement.
func (m *Model) inPages(keys []string, pay func(key string)) {
	for i, key := range keys {
		if i > 0 && i%pageKeys == 0 {
			m.moved()
		}
		pay(key)
	}
}

// carryOut lets one kind of what a slash reaches pay.
func (m *Model) carryOut(id string, keys []string) {
	c := m.slashes[id]
	switch c.phase {
	case 0:
		m.inPages(keys, m.payEntry)
	case 1:
		m.inPages(keys, m.payMoved)
	case 2:
		for at := range m.positions {
			if at.operator == c.Operator {
				m.value(at)
			}
		}
	}
	c = m.slashes[id]
	c.phase++
	set(m, m.slashes, id, &c)
	if c.phase == 3 {
		m.finish(c, tokenomics.SlashDone)
	}
}

// withPrefix lists keys in their order.
func withPrefix[V any](rows map[string]V, prefix string) (keys []string) {
	for key := range rows {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
