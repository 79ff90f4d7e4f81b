package model

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// due is something that waits for a time.
type due struct {
	at    time.Time
	class tokenomics.Class
	key   string
	step  func()
}

// compare orders by times, then by names.
func compare(a time.Time, x string, b time.Time, y string) int {
	return cmp.Or(a.Compare(b), cmp.Compare(x, y))
}

// Sweep does everything whose time has come, the longest waiting first. While there are slashes it begins anew: they take several steps.
func (m *Model) Sweep() {
	m.emit()
	m.expire()
	for again := true; again; {
		list := m.due()
		again = slices.ContainsFunc(list, func(d due) bool { return d.class == tokenomics.ClassSlash })
		for _, d := range list {
			d.step()
		}
	}
	m.purge()
	if m.end(Yes, m.Seq) != Yes {
		panic("the model would take what is not there")
	}
}

// due lists what waits for a time that has come.
func (m *Model) due() (list []due) {
	add := func(at time.Time, class tokenomics.Class, key string, step func()) {
		if !at.IsZero() && !at.After(m.Now) {
			list = append(list, due{at, class, key, step})
		}
	}
	for key, u := range m.entries {
		add(later(u.matures, u.held), tokenomics.ClassUnbonding, key, func() { m.mature(key) })
	}
	for key, d := range m.redelegations {
		add(later(d.matures, d.held), tokenomics.ClassRedelegation, key, func() { m.release(key) })
	}
	for id, c := range m.slashes {
		keys := m.page(c)
		add(c.Due, tokenomics.ClassSlash, id, func() { m.expel(id, keys) })
	}
	for id, o := range m.motions {
		add(o.due(), tokenomics.ClassProposal, fmt.Sprintf("%019d", id), func() {
			m.advance(&o)
			set(m, m.motions, id, &o)
			m.moved()
		})
	}
	for id, e := range m.effects {
		add(e.ends, tokenomics.ClassEffect, fmt.Sprintf("%019d", id), func() { m.lapse(id) })
	}
	slices.SortFunc(list, func(a, b due) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.class, b.class), cmp.Compare(a.key, b.key))
	})
	return list
}
