package scheduler

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Dependency is a job, or an array as a whole, that must have ended before another job is queued.
type Dependency struct {
	// Job names a job or an array of the tenant that the submitter may read. A Submission may name an earlier one of the same
	// call as well: "#2" is the one at index 2, "@k" the one with the Key "k". So nothing can wait for itself in a ring.
	Job JobID `json:"job"`
	// When says how it must have ended; "" is OnSuccess.
	When When `json:"when,omitempty"`
}

// When says how the job of a Dependency must have ended. As soon as it cannot end so any more, the job that depends on it
// is cancelled.
type When string

// The ways to end. Of every job, and of every array, just one of OnSuccess and OnFailure comes true.
const (
	// OnSuccess is validated; of an array, every task.
	OnSuccess When = "success"
	// OnFailure is ended and not validated; of an array, every task ended and at least one was not validated.
	OnFailure When = "failure"
	// OnEnd is either.
	OnEnd When = "end"
)

// over reports whether a job in this state has ended as far as others wait for it.
func (s State) over() bool { return s == Validated || s.Final() }

// count sorts the jobs behind a name: those under way, those validated, those that ended otherwise.
func (o Outcome) count() (open, good, bad int64) {
	for s, n := range o {
		switch {
		case s == Validated || s == Vested:
			good += n
		case s.Final():
			bad += n
		default:
			open += n
		}
	}
	return open, good, bad
}

// first is where a job goes once its funds are held.
func (j *Job) first() State {
	if len(j.After) > 0 {
		return Blocked
	}
	return Queued
}

// proceed lets a job whose funds are held wait for others or, where it comes after none, for nodes.
func (d *draft) proceed(why string) {
	if d.Job.first() == Blocked {
		d.block(why)
		return
	}
	d.enqueue(why)
}

// block lets the job wait for what it comes after.
func (d *draft) block(why string) {
	d.Job.State, d.Job.Reason = Blocked, ""
	d.recheck()
	d.say(why)
}

// recheck sets the time at which a blocked job is looked at without any news.
func (d *draft) recheck() {
	waited := d.now.Sub(d.Job.Submitted).Truncate(time.Microsecond)
	d.Job.ReadyAt = d.now.Add(min(max(waited/4, d.rules.recheck), 16*d.rules.recheck))
	d.changed = true
}

// release queues a blocked job when everything that it comes after has ended as wished, and cancels it when that has become
// impossible. An outcome never becomes less final, so it does not matter if some are older than the job.
func (d *draft) release(known map[JobID]Outcome) {
	if d.Job.State != Blocked {
		return
	}
	waits := false
	for _, dep := range d.Job.After {
		o, ok := known[dep.Job]
		open, _, bad := o.count()
		switch {
		case !ok:
			d.end(Cancelled, fmt.Sprintf("%s, which it comes after, is not known any more", dep.Job))
			return
		case dep.When == OnSuccess && bad > 0:
			d.end(Cancelled, fmt.Sprintf("%s, which it comes after, did not succeed", dep.Job))
			return
		case open > 0:
			waits = true
		case dep.When == OnFailure && bad == 0:
			d.end(Cancelled, fmt.Sprintf("%s, after whose failure it comes, did not fail", dep.Job))
			return
		}
	}
	if !waits {
		d.enqueue("what it comes after has ended")
		d.aggregate()
	}
}

// released looks at blocked jobs and answers those that are blocked no longer, of an array the first task alone. Where the
// store fails they are looked at again by their timers.
func (s *Scheduler) released(ctx context.Context, ids []JobID) map[JobID]Job {
	now := make(map[JobID]Job)
	for part := range slices.Chunk(ids, maxBatch) {
		if err := s.release(ctx, part, now); err != nil {
			s.cfg.Logger.Warn("blocked jobs could not be looked at", "jobs", len(part), "error", err)
			break
		}
	}
	return now
}

func (s *Scheduler) release(ctx context.Context, ids []JobID, now map[JobID]Job) error {
	records, err := s.cfg.Store.Load(ctx, ids)
	if err != nil {
		return fault.Wrap(StepRelease, err)
	}
	names := make(map[JobID]bool)
	records = slices.DeleteFunc(records, func(r Record) bool {
		if r.Job.State != Blocked && r.Job.Index == 0 { // somebody else looked at it first
			now[r.Job.ID] = r.Job
		}
		return r.Job.State != Blocked
	})
	for i := range records {
		for _, dep := range records[i].Job.After {
			names[dep.Job] = true
		}
	}
	if len(records) == 0 {
		return nil
	}
	known, err := s.cfg.Store.Outcomes(ctx, slices.Collect(maps.Keys(names)))
	if err != nil {
		return fault.Wrap(StepRelease, err)
	}
	ops := make([]op, len(records))
	for i := range records {
		ops[i] = op{job: records[i].Job.ID, step: StepRelease, decide: func(d *draft) error {
			d.release(known)
			return nil
		}}
	}
	out, err := s.ops.Do(ctx, ops...)
	if err != nil {
		return err
	}
	for i := range out {
		if j := &out[i].record.Job; out[i].err == nil && j.State != Blocked && j.Index == 0 {
			now[j.ID] = *j
		}
	}
	return nil
}

// order gives each submission of a call its level: zero, or more than those have that it names. One that repeats a key is not
// stored before the first one that has it; where the submissions go in turn none is stored before one that precedes it.
func (c *calling) order() {
	keys := make(map[string]int)
	for i := range c.asked {
		if c.out[i].Err != nil {
			continue
		}
		level, err := c.above(i, keys)
		if err != nil {
			c.out[i].Err = err
			continue
		}
		if key := c.asked[i].Key; key != "" {
			if first, taken := keys[key]; taken {
				level = max(level, c.at(first))
			} else {
				keys[key] = i
			}
		}
		if c.inTurn {
			level = max(level, c.levels-1)
		}
		if level > 0 && c.level == nil {
			c.level = make([]int, len(c.asked))
		}
		if c.level != nil {
			c.level[i], c.levels = level, max(c.levels, level+1)
		}
	}
}

// above is the level above those of the submissions that submission i names.
func (c *calling) above(i int, keys map[string]int) (level int, err error) {
	for _, dep := range c.asked[i].After {
		n, inside, err := c.earlier(i, dep.Job, keys)
		if err != nil {
			return 0, err
		}
		if inside {
			level = max(level, c.at(n)+1)
		}
	}
	return level, nil
}

// at is a submission's level.
func (c *calling) at(i int) int {
	if c.level == nil {
		return 0
	}
	return c.level[i]
}

// earlier is the submission of this call that a dependency of submission i names; inside is false where it names a stored job.
func (c *calling) earlier(i int, name JobID, keys map[string]int) (n int, inside bool, err error) {
	missing := fault.Field(StepSubmit, "after", "%q names no earlier submission of this call", name)
	if at, ok := strings.CutPrefix(string(name), "#"); ok {
		n, err := strconv.Atoi(at)
		if err != nil || n < 0 || n >= i {
			return 0, true, missing
		}
		return n, true, nil
	}
	if key, ok := strings.CutPrefix(string(name), "@"); ok {
		n, ok := keys[key]
		if !ok {
			return 0, true, missing
		}
		return n, true, nil
	}
	return 0, false, nil
}

// resolve finds the jobs after which the submissions of one level come. A submission that names one that is unknown, or that the
// caller may not read, is refused.
func (c *calling) resolve(ctx context.Context, level int) error {
	var stored []JobID
	for i := range c.asked {
		if c.out[i].Err != nil || c.at(i) != level || len(c.asked[i].After) == 0 {
			continue
		}
		if c.after == nil {
			c.after = make(map[int][]Dependency)
		}
		if c.after[i], c.out[i].Err = c.named(i); c.out[i].Err != nil {
			continue
		}
		for _, dep := range c.after[i] {
			stored = append(stored, dep.Job)
		}
	}
	if len(stored) == 0 {
		return nil
	}
	whole, err := c.whole(ctx, stored)
	if err != nil {
		return err
	}
	for i, deps := range c.after {
		if c.out[i].Err != nil || c.at(i) != level {
			continue
		}
		for k, dep := range deps {
			if !whole[dep.Job] {
				c.out[i].Err = fault.Field(StepSubmit, "after", "no job %q", c.asked[i].After[k].Job)
				break
			}
		}
	}
	return nil
}

// named is what submission i comes after, with the identifiers of the call's own jobs, which are stored by now.
func (c *calling) named(i int) ([]Dependency, error) {
	keys := make(map[string]int)
	for n := range c.asked[:i] {
		if _, taken := keys[c.asked[n].Key]; !taken && c.out[n].Job.ID != "" {
			keys[c.asked[n].Key] = n
		}
	}
	deps := slices.Clone(c.asked[i].After)
	for k := range deps {
		n, inside, err := c.earlier(i, deps[k].Job, keys)
		if err == nil && inside && c.out[n].Job.ID == "" {
			err = fault.Field(StepSubmit, "after", "%q was not accepted", deps[k].Job)
		}
		if err != nil {
			return nil, err
		}
		if inside {
			deps[k].Job = c.out[n].Job.ID
		}
		if slices.ContainsFunc(deps[:k], func(o Dependency) bool { return o.Job == deps[k].Job }) {
			return nil, fault.Field(StepSubmit, "after", "%q is named twice", c.asked[i].After[k].Job)
		}
	}
	return deps, nil
}

// whole tells which of the names are jobs, or arrays of which nothing has been purged yet, that the caller may read.
func (c *calling) whole(ctx context.Context, names []JobID) (map[JobID]bool, error) {
	records, err := c.s.cfg.Store.Load(ctx, slices.Compact(slices.Sorted(slices.Values(names))))
	if err != nil {
		return nil, err
	}
	whole := make(map[JobID]bool, len(records))
	counts := make(map[JobID]int)
	for i := range records {
		j := &records[i].Job
		if j.Tenant != c.by.Tenant || c.s.allow(ctx, c.by, "scheduler.read", j) != nil {
			continue
		}
		whole[j.ID] = true
		if j.Array == j.ID {
			counts[j.ID] = j.Count
		}
	}
	if len(counts) == 0 {
		return whole, nil
	}
	known, err := c.s.cfg.Store.Outcomes(ctx, slices.Collect(maps.Keys(counts)))
	if err != nil {
		return nil, err
	}
	for name, count := range counts {
		open, good, bad := known[name].count()
		whole[name] = open+good+bad == int64(count)
	}
	return whole, nil
}

// blocked are the new jobs that wait for others.
func blocked(fresh []stored) []JobID {
	var ids []JobID
	for i := range fresh {
		fresh[i].each(func(j *Job) {
			if j.State == Blocked {
				ids = append(ids, j.ID)
			}
		})
	}
	return ids
}

// unfunded are the new jobs whose funds are to be asked for.
func unfunded(fresh []stored) []*Job {
	var jobs []*Job
	for i := range fresh {
		fresh[i].each(func(j *Job) {
			if j.State == Pending {
				jobs = append(jobs, j)
			}
		})
	}
	return jobs
}
