package scheduler

import (
	"context"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Memory is a Store without a disk: the twin for embedded use and tests.
type Memory struct {
	facts  *journal.Memory
	duties *duty.Memory

	mu       sync.RWMutex      // guards what follows
	jobs     map[JobID]*Record // replaced, never changed: readers share them
	keys     map[ownKey]JobID
	listed   map[principal.Tenant]*ordered // by submission
	counts   map[countKey]int64
	waiting  ordered // queued, by ReadyAt
	ready    ordered // queued and seen past ReadyAt, by rank
	lines    lines   // the same, by line
	due      ordered // by DueAt
	finished ordered // final, by Finished
	live     map[NodeID]map[AttemptID]JobID
	tally    map[principal.Tenant]Tally
	used     map[usageKey]Usage
	nodes    map[NodeID]Node
	reserved map[reservationKey]Reservation
	quotas   map[account]Quota
	together together

	schedules map[scheduleKey]Schedule
	feed      memoryFeed
}

type ownKey struct {
	tenant principal.Tenant
	owner  principal.Account
	key    string
}

type countKey struct {
	tenant principal.Tenant
	owner  principal.Account
	tier   Tier
	state  State
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store. Facts go to the journal, if it is not nil; fences are checked against the duties, if
// they are not nil.
func NewMemory(facts *journal.Memory, duties *duty.Memory) *Memory {
	return &Memory{
		facts:    facts,
		duties:   duties,
		jobs:     map[JobID]*Record{},
		keys:     map[ownKey]JobID{},
		listed:   map[principal.Tenant]*ordered{},
		counts:   map[countKey]int64{},
		live:     map[NodeID]map[AttemptID]JobID{},
		tally:    map[principal.Tenant]Tally{},
		used:     map[usageKey]Usage{},
		nodes:    map[NodeID]Node{},
		reserved: map[reservationKey]Reservation{},
		quotas:   map[account]Quota{},
		together: newTogether(),
	}
}

// Insert implements Jobs.
func (m *Memory) Insert(_ context.Context, jobs []Insertion) ([]Inserted, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]Inserted, len(jobs))
	for i := range jobs {
		in := &jobs[i]
		own := ownKey{in.Job.Tenant, in.Job.Owner, in.Job.Key}
		if stored, ok := m.keys[own]; ok && in.Job.Key != "" {
			out[i] = Inserted{Job: m.jobs[stored].Job}
			continue
		}
		if in.Known {
			continue
		}
		if in.Job.Key != "" {
			m.keys[own] = in.Job.ID
		}
		m.insert(&Record{Job: in.Job})
		rest := make([]Record, len(in.Rest)) // one piece of memory for the tasks of an array
		for k := range rest {
			rest[k].Job = in.Rest[k]
			m.insert(&rest[k])
		}
		m.write(in.Job.Tenant, in.Tally, in.Facts)
		if in.News {
			m.feed.add(&in.Job, in.Job.Submitted)
		}
		out[i] = Inserted{Job: in.Job, Fresh: true}
	}
	return out, nil
}

// insert stores one new job.
func (m *Memory) insert(r *Record) {
	m.jobs[r.Job.ID] = r
	m.list(r.Job.Tenant).add(listKey(&r.Job))
	m.counts[countOf(&r.Job)]++
	m.index(&r.Job)
	m.together.add(&r.Job)
}

// Load implements Jobs.
func (m *Memory) Load(_ context.Context, ids []JobID) ([]Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]Record, 0, len(ids))
	for _, id := range ids {
		if r, ok := m.jobs[id]; ok {
			out = append(out, r.copy())
		}
	}
	return out, nil
}

func (r *Record) copy() Record {
	return Record{Job: r.Job, Attempts: slices.Clone(r.Attempts)}
}

// Commit implements Jobs.
func (m *Memory) Commit(_ context.Context, fence Fence, changes []Change) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(fence); err != nil {
		return nil, err
	}
	written := make([]bool, len(changes))
	broken := m.broken(changes)
	for i := range changes {
		c := &changes[i]
		r, ok := m.jobs[c.Record.Job.ID]
		if !ok || r.Job.Version != c.Was || broken[c.Bond] {
			continue
		}
		m.replace(r, c.Record)
		m.write(r.Job.Tenant, c.Tally, c.Facts)
		if c.News {
			m.feed.add(&c.Record.Job, c.Now)
		}
		written[i] = true
	}
	return written, nil
}

func (m *Memory) check(fence Fence) error {
	if m.duties == nil {
		return nil
	}
	return m.duties.Check(fence)
}

// replace puts the changed job and attempts in the place of the stored ones.
func (m *Memory) replace(stored, changed *Record) {
	m.unindex(&stored.Job)
	if stored.Job.State != changed.Job.State {
		m.counts[countOf(&stored.Job)]--
		m.counts[countOf(&changed.Job)]++
		m.together.change(&stored.Job, stored.Job.State, changed.Job.State)
	}
	r := stored.with(changed)
	m.jobs[r.Job.ID] = r
	m.index(&r.Job)
	for i := range changed.Attempts {
		m.follow(&changed.Attempts[i])
	}
}

// with is the record after a change.
func (r *Record) with(changed *Record) *Record {
	if len(r.Attempts) == 0 {
		return changed
	}
	next := &Record{Job: changed.Job, Attempts: slices.Clone(r.Attempts)}
	for i := range changed.Attempts {
		a := &changed.Attempts[i]
		if old := next.attempt(a.ID); old != nil {
			*old = *a
		} else {
			next.Attempts = append(next.Attempts, *a)
		}
	}
	return next
}

// usageKey names one sum of what live attempts take up.
type usageKey struct {
	tenant principal.Tenant
	node   NodeID
}

// use adds n attempts like a to the sums.
func (m *Memory) use(a *Attempt, n int) {
	k := usageKey{a.Tenant, a.Node}
	u := m.used[k]
	u.Node, u.Live = a.Node, u.Live+n
	if n > 0 {
		u.Used.add(a.Demand.capacity())
	} else {
		u.Used.sub(a.Demand.capacity())
	}
	if m.used[k] = u; u.Live == 0 {
		delete(m.used, k)
	}
}

// follow keeps the index of live attempts.
func (m *Memory) follow(a *Attempt) {
	there := m.live[a.Node]
	_, was := there[a.ID]
	switch live := a.State.Live(); {
	case live && !was:
		if there == nil {
			there = map[AttemptID]JobID{}
			m.live[a.Node] = there
		}
		there[a.ID] = a.Job
		m.use(a, 1)
	case !live && was:
		if delete(there, a.ID); len(there) == 0 {
			delete(m.live, a.Node)
		}
		m.use(a, -1)
	}
}

func (m *Memory) write(tenant principal.Tenant, sums Tally, facts []Fact) {
	if len(sums) > 0 && m.tally[tenant] == nil {
		m.tally[tenant] = Tally{}
	}
	for k, v := range sums {
		m.tally[tenant][k] += v
	}
	if m.facts != nil && len(facts) > 0 {
		m.facts.Append(facts...)
	}
}

func (m *Memory) list(tenant principal.Tenant) *ordered {
	l := m.listed[tenant]
	if l == nil {
		l = &ordered{}
		m.listed[tenant] = l
	}
	return l
}

func (m *Memory) index(j *Job) {
	switch {
	case j.State == Queued:
		m.waiting.add(waitKey(j))
	case j.State.Final():
		m.finished.add(orderKey{a: j.Finished.UnixMicro(), id: string(j.ID)})
	}
	if !j.DueAt.IsZero() {
		m.due.add(orderKey{a: j.DueAt.UnixMicro(), id: string(j.ID)})
	}
}

func (m *Memory) unindex(j *Job) {
	switch {
	case j.State == Queued:
		m.waiting.remove(waitKey(j))
		m.ready.remove(rankKey(RankOf(j)))
		m.lines.remove(j)
	case j.State.Final():
		m.finished.remove(orderKey{a: j.Finished.UnixMicro(), id: string(j.ID)})
	}
	if !j.DueAt.IsZero() {
		m.due.remove(orderKey{a: j.DueAt.UnixMicro(), id: string(j.ID)})
	}
}

func countOf(j *Job) countKey { return countKey{j.Tenant, j.Owner, j.Tier, j.State} }
func listKey(j *Job) orderKey { return orderKey{a: j.Submitted.UnixMicro(), id: string(j.ID)} }
func waitKey(j *Job) orderKey { return orderKey{a: micros(j.ReadyAt), id: string(j.ID)} }
func rankKey(r Rank) orderKey {
	return orderKey{a: -int64(r.Weight), b: r.Order.UnixMicro(), id: string(r.ID)}
}

// micros is a time as the databases store it: zero for none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Ready implements Queue.
func (m *Memory) Ready(_ context.Context, now time.Time, after *Rank, limit int) ([]*Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.promote(now)
	from := orderKey{a: math.MinInt64}
	if after != nil {
		from = rankKey(*after)
	}
	out := make([]*Record, 0, min(max(limit, 0), m.ready.size))
	var early []*Job // seen ready by a call with a later time
	for k := range m.ready.from(from) {
		if len(out) >= limit {
			break
		}
		r := m.jobs[JobID(k.id)]
		switch {
		case r.Job.ReadyAt.After(now):
			early = append(early, &r.Job)
		case after == nil || k != from:
			out = append(out, r)
		}
	}
	for _, j := range early {
		m.ready.remove(rankKey(RankOf(j)))
		m.lines.remove(j)
		m.waiting.add(waitKey(j))
	}
	return out, nil
}

// promote moves the jobs that have waited long enough to the ranked ones.
func (m *Memory) promote(now time.Time) {
	var over []orderKey
	for k := range m.waiting.from(orderKey{a: math.MinInt64}) {
		if k.a > now.UnixMicro() {
			break
		}
		over = append(over, k)
	}
	for _, k := range over {
		m.waiting.remove(k)
		j := &m.jobs[JobID(k.id)].Job
		m.ready.add(rankKey(RankOf(j)))
		m.lines.add(j)
	}
}

// Due implements Queue.
func (m *Memory) Due(_ context.Context, now time.Time, limit int) ([]Record, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Record
	for k := range m.due.from(orderKey{a: math.MinInt64}) {
		if k.a > now.UnixMicro() || len(out) >= limit {
			break
		}
		out = append(out, m.jobs[JobID(k.id)].copy())
	}
	return out, nil
}

// Live implements Queue.
func (m *Memory) Live(_ context.Context, nodes []NodeID) ([]Attempt, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Attempt
	add := func(there map[AttemptID]JobID) {
		for id, job := range there {
			a := *m.jobs[job].attempt(id)
			a.Result = nil
			out = append(out, a)
		}
	}
	if nodes == nil {
		for _, there := range m.live {
			add(there)
		}
		return out, nil
	}
	seen := make(map[NodeID]bool, len(nodes))
	for _, n := range nodes {
		if !seen[n] {
			seen[n] = true
			add(m.live[n])
		}
	}
	return out, nil
}

// Purge implements Jobs.
func (m *Memory) Purge(_ context.Context, finishedBefore time.Time, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var over []JobID
	for k := range m.finished.from(orderKey{a: math.MinInt64}) {
		if k.a >= finishedBefore.UnixMicro() || len(over) >= limit {
			break
		}
		if id := JobID(k.id); !m.together.awaited(&m.jobs[id].Job) {
			over = append(over, id)
		}
	}
	for _, id := range over {
		j := &m.jobs[id].Job
		for _, a := range m.jobs[id].Attempts {
			a.State = AttemptCancelled
			m.follow(&a)
		}
		m.unindex(j)
		m.list(j.Tenant).remove(listKey(j))
		m.counts[countOf(j)]--
		m.together.remove(j)
		delete(m.keys, ownKey{j.Tenant, j.Owner, j.Key})
		delete(m.jobs, id)
	}
	return len(over), nil
}
