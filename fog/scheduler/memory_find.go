package scheduler

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// Tally implements Queue.
func (m *Memory) Tally(_ context.Context, tenant principal.Tenant) (map[TallyKey]int64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := maps.Clone(m.tally[tenant])
	if out == nil {
		out = Tally{}
	}
	return out, nil
}

// Find implements Jobs.
func (m *Memory) Find(_ context.Context, q JobQuery) (JobPage, error) {
	last := orderKey{a: math.MaxInt64}
	if q.Cursor != "" {
		c, err := ParseCursor(q.Cursor)
		if err != nil {
			return JobPage{}, err
		}
		last = orderKey{a: c.Submitted.UnixMicro(), id: string(c.ID)}
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	if q.Array != "" {
		return m.findArray(q, last), nil
	}
	page := JobPage{Jobs: []Job{}}
	for k, n := range m.counts {
		if k.tenant == q.Tenant && (q.Owner == "" || k.owner == q.Owner) {
			page.Total += n
			if q.takes(k.tier, k.state) {
				page.Filtered += n
			}
		}
	}
	l := m.listed[q.Tenant]
	if l == nil {
		return page, nil
	}
	for k := range l.before(last) {
		j := &m.jobs[JobID(k.id)].Job
		if q.Owner != "" && j.Owner != q.Owner || !q.takes(j.Tier, j.State) {
			continue
		}
		if page.add(j, q.PageSize()) {
			break
		}
	}
	return page, nil
}

// Tenants implements Jobs.
func (m *Memory) Tenants(context.Context) ([]principal.Tenant, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	jobs := map[principal.Tenant]int64{}
	for k, n := range m.counts {
		jobs[k.tenant] += n
	}
	maps.DeleteFunc(jobs, func(_ principal.Tenant, n int64) bool { return n == 0 })
	return slices.Sorted(maps.Keys(jobs)), nil
}

func (q JobQuery) takes(t Tier, s State) bool {
	return (q.Tier == "" || q.Tier == t) && (len(q.States) == 0 || slices.Contains(q.States, s))
}

// brief is the job as lists show it.
func (j *Job) brief() Job {
	b := *j
	b.Task, b.Log, b.Result = Task{}, nil, nil
	return b
}
