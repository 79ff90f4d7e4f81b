package scheduler

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// lines is Memory's index of the jobs that are seen ready, line by line.
type lines struct {
	jobs  map[Line]*ordered // by Order and identifier
	names ordered           // of the lines that have jobs
}

func nameKey(l Line) orderKey {
	return orderKey{a: -int64(l.Weight), id: string(l.Tenant) + "\x00" + string(l.Owner)}
}

func placeKey(r Rank) orderKey { return orderKey{a: r.Order.UnixMicro(), id: string(r.ID)} }

func (l *lines) add(j *Job) {
	line := LineOf(j)
	jobs := l.jobs[line]
	if jobs == nil {
		if l.jobs == nil {
			l.jobs = make(map[Line]*ordered)
		}
		jobs = &ordered{}
		l.jobs[line] = jobs
		l.names.add(nameKey(line))
	}
	jobs.add(placeKey(RankOf(j)))
}

func (l *lines) remove(j *Job) {
	line := LineOf(j)
	jobs := l.jobs[line]
	if jobs == nil {
		return
	}
	jobs.remove(placeKey(RankOf(j)))
	if len(jobs.blocks) == 0 {
		delete(l.jobs, line)
		l.names.remove(nameKey(line))
	}
}

// Lines implements the port.
func (m *Memory) Lines(_ context.Context, now time.Time, after *Line, limit int) ([]Line, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.promote(now)
	from := orderKey{a: math.MinInt64}
	if after != nil {
		from = nameKey(*after)
	}
	var out []Line
	for k := range m.lines.names.from(from) {
		if len(out) >= limit {
			break
		}
		tenant, owner, _ := strings.Cut(k.id, "\x00")
		line := Line{Weight: int(-k.a), Tenant: principal.Tenant(tenant), Owner: principal.Account(owner)}
		if (after == nil || line != *after) && m.someReady(line, now) {
			out = append(out, line)
		}
	}
	return out, nil
}

// someReady reports whether a line has a job that is ready now: it may be known from a call with a later time.
func (m *Memory) someReady(l Line, now time.Time) bool {
	for k := range m.lines.jobs[l].from(orderKey{a: math.MinInt64}) {
		if !m.jobs[JobID(k.id)].Job.ReadyAt.After(now) {
			return true
		}
	}
	return false
}

// Heads implements Lines.
func (m *Memory) Heads(_ context.Context, now time.Time, heads []Head, limit int) ([]*Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.promote(now)
	var out []*Record
	for _, h := range heads {
		jobs := m.lines.jobs[h.Line]
		if jobs == nil {
			continue
		}
		from := orderKey{a: math.MinInt64}
		if h.After != nil {
			from = placeKey(*h.After)
		}
		n := 0
		for k := range jobs.from(from) {
			if n >= limit {
				break
			}
			if r := m.jobs[JobID(k.id)]; (h.After == nil || k != from) && !r.Job.ReadyAt.After(now) {
				out = append(out, r)
				n++
			}
		}
	}
	sortBy(out, func(a, b **Record) int { return RankOf(&(*a).Job).Compare(RankOf(&(*b).Job)) })
	return out, nil
}

// Members implements Lines.
func (m *Memory) Members(_ context.Context, arrays []JobID) ([]Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Record
	for _, array := range arrays {
		a := m.together.arrays[array]
		if a == nil {
			continue
		}
		for _, id := range a.ids {
			if r := m.jobs[id]; !r.Job.State.Final() {
				out = append(out, r.copy())
			}
		}
	}
	return out, nil
}

// SaveQuotas implements Quotas.
func (m *Memory) SaveQuotas(_ context.Context, quotas []Quota) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, q := range quotas {
		if who := (account{q.Tenant, q.Owner}); q.Void() {
			delete(m.quotas, who)
		} else {
			m.quotas[who] = q
		}
	}
	return nil
}

// Quotas implements the port.
func (m *Memory) Quotas(_ context.Context, tenant principal.Tenant) ([]Quota, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := slices.Collect(maps.Values(m.quotas))
	out = slices.DeleteFunc(out, func(q Quota) bool { return tenant != "" && q.Tenant != tenant })
	sortBy(out, func(a, b *Quota) int {
		return cmp.Or(strings.Compare(string(a.Tenant), string(b.Tenant)), strings.Compare(string(a.Owner), string(b.Owner)))
	})
	return out, nil
}

// broken are the bonds of which a change is stale. The lock is held.
func (m *Memory) broken(changes []Change) map[string]bool {
	var broken map[string]bool
	for i := range changes {
		c := &changes[i]
		if r, ok := m.jobs[c.Record.Job.ID]; c.Bond != "" && (!ok || r.Job.Version != c.Was) {
			if broken == nil {
				broken = make(map[string]bool)
			}
			broken[c.Bond] = true
		}
	}
	return broken
}
