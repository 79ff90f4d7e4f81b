package scheduler

import (
	"context"
	"slices"
)

// together is what Memory keeps about jobs that are spoken of together.
type together struct {
	arrays map[JobID]*members
	// waits names the jobs that wait for a job or an array.
	waits map[JobID]map[JobID]bool
}

// members are the stored tasks of one array.
type members struct {
	ids    []JobID // by index
	states Outcome
}

func newTogether() together {
	return together{arrays: map[JobID]*members{}, waits: map[JobID]map[JobID]bool{}}
}

// add takes a new job in.
func (t *together) add(j *Job) {
	if j.Array != "" {
		m := t.arrays[j.Array]
		if m == nil {
			m = &members{ids: make([]JobID, 0, j.Count), states: Outcome{}}
			t.arrays[j.Array] = m
		}
		m.ids = append(m.ids, j.ID)
		m.states[j.State]++
	}
	if !j.State.waits() {
		return
	}
	for _, dep := range j.After {
		if t.waits[dep.Job] == nil {
			t.waits[dep.Job] = map[JobID]bool{}
		}
		t.waits[dep.Job][j.ID] = true
	}
}

// change follows a job from one state to another.
func (t *together) change(j *Job, from, to State) {
	if m := t.arrays[j.Array]; m != nil {
		m.states[from]--
		m.states[to]++
	}
	if from.waits() && !to.waits() {
		t.forget(j)
	}
}

// forget ends the waiting of a job.
func (t *together) forget(j *Job) {
	for _, dep := range j.After {
		delete(t.waits[dep.Job], j.ID)
		if len(t.waits[dep.Job]) == 0 {
			delete(t.waits, dep.Job)
		}
	}
}

// remove takes a purged job out.
func (t *together) remove(j *Job) {
	m := t.arrays[j.Array]
	if m == nil {
		return
	}
	m.states[j.State]--
	m.ids = slices.DeleteFunc(m.ids, func(id JobID) bool { return id == j.ID })
	if len(m.ids) == 0 {
		delete(t.arrays, j.Array)
	}
}

// awaited reports whether others wait for a job or for its array.
func (t *together) awaited(j *Job) bool {
	return len(t.waits[j.ID]) > 0 || j.Array != "" && len(t.waits[j.Array]) > 0
}

// waits reports whether a job in this state may not have been queued yet.
func (s State) waits() bool { return s == Pending || s == Blocked || s == Paused }

// Outcomes implements Arrays.
func (m *Memory) Outcomes(_ context.Context, names []JobID) (map[JobID]Outcome, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make(map[JobID]Outcome, len(names))
	for _, name := range names {
		if a := m.together.arrays[name]; a != nil {
			o := make(Outcome, len(a.states))
			for s, n := range a.states {
				if n != 0 {
					o[s] = n
				}
			}
			out[name] = o
		} else if r := m.jobs[name]; r != nil {
			out[name] = Outcome{r.Job.State: 1}
		}
	}
	return out, nil
}

// Tasks implements Arrays.
func (m *Memory) Tasks(_ context.Context, array JobID) ([]JobID, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if a := m.together.arrays[array]; a != nil {
		return slices.Clone(a.ids), nil
	}
	return nil, nil
}

// Waiting implements Arrays.
func (m *Memory) Waiting(_ context.Context, names []JobID) ([]JobID, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	seen := map[JobID]bool{}
	var out []JobID
	for _, name := range names {
		for id := range m.together.waits[name] {
			if !seen[id] {
				seen[id] = true
				out = append(out, id)
			}
		}
	}
	return out, nil
}

// findArray is Find among the tasks of one array.
func (m *Memory) findArray(q JobQuery, last orderKey) JobPage {
	page := JobPage{Jobs: []Job{}}
	a := m.together.arrays[q.Array]
	if a == nil {
		return page
	}
	for _, id := range slices.Backward(a.ids) {
		j := &m.jobs[id].Job
		if j.Tenant != q.Tenant || q.Owner != "" && j.Owner != q.Owner {
			continue
		}
		page.Total++
		if !q.takes(j.Tier, j.State) {
			continue
		}
		page.Filtered++
		if compareKeys(listKey(j), last) < 0 {
			page.add(j, q.PageSize())
		}
	}
	return page
}

// add puts a job on a page that is not full, and marks where the next page begins if it is.
func (p *JobPage) add(j *Job, size int) (full bool) {
	if len(p.Jobs) < size {
		p.Jobs = append(p.Jobs, j.brief())
		return false
	}
	end := &p.Jobs[size-1]
	p.Next = Cursor{Submitted: end.Submitted, ID: end.ID}.String()
	return true
}
