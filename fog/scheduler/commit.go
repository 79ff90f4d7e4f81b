package scheduler

import (
	"context"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// op is one decision about one job, to be made on the job's current record. It may be made several times, each time on a
// newer record, until its change is committed; so what it writes outside the draft it must write anew each time.
type op struct {
	job    JobID
	step   string
	decide func(d *draft) error
}

// outcome is the job after a decision, or why there was none.
type outcome struct {
	record Record
	err    error
}

// maxTries bounds how often a decision is made anew because others changed its job meanwhile.
const maxTries = 16

// apply decides on the current records and commits, all in one transaction where nobody comes between. It is what the
// combiner of the callers' operations runs.
func (s *Scheduler) apply(ctx context.Context, ops []op) ([]outcome, error) {
	out := make([]outcome, len(ops))
	todo := make([]int, len(ops))
	for i := range ops {
		todo[i] = i
	}
	for try := range maxTries {
		stale, err := s.attemptOnce(ctx, ops, todo, out)
		if err != nil {
			return nil, err
		}
		if todo = patient(ops, stale, try, out); len(todo) == 0 {
			return out, nil
		}
	}
	for _, i := range todo {
		out[i] = outcome{err: tooFast(&ops[i])}
	}
	return out, nil
}

func tooFast(o *op) error {
	return fault.Newf(fault.Unavailable, o.step, "job %s is changing too fast", o.job)
}

// yields reports whether an operation does not wait for a job at which another server is at work, nor for long at one that
// changes: a lease, because the attempt is offered again at the node's next claim.
func (o *op) yields() bool { return o.step == StepLease }

// patient are the operations that are tried again. Those that yield are tried once more only.
func patient(ops []op, stale []int, try int, out []outcome) []int {
	var again []int
	for _, i := range stale {
		if ops[i].yields() && try > 0 {
			out[i] = outcome{err: tooFast(&ops[i])}
			continue
		}
		again = append(again, i)
	}
	return again
}

// attemptOnce makes the decisions named by todo and answers with those whose jobs others changed meanwhile.
func (s *Scheduler) attemptOnce(ctx context.Context, ops []op, todo []int, out []outcome) ([]int, error) {
	drafts, order, err := s.load(ctx, ops, todo)
	if err != nil {
		return nil, err
	}
	for _, i := range todo {
		if d := drafts[ops[i].job]; d != nil {
			out[i] = outcome{err: d.try(&ops[i])}
		} else {
			out[i] = outcome{err: fault.Newf(fault.NotFound, ops[i].step, "no job %q", ops[i].job)}
		}
	}
	written, err := s.commit(ctx, Fence{}, order)
	if err != nil {
		return nil, err
	}
	lost := make(map[JobID]bool)
	for k, d := range order {
		if !written[k] {
			lost[d.Job.ID] = true
		}
	}
	var stale []int
	for _, i := range todo {
		if lost[ops[i].job] {
			stale = append(stale, i)
		} else if d := drafts[ops[i].job]; d != nil {
			out[i].record = *d.Record
		}
	}
	return stale, nil
}

// try makes one decision, and notes its step where it changed something.
func (d *draft) try(o *op) error {
	before, first := d.changed, len(d.steps)
	d.changed = false
	err := o.decide(d)
	if d.changed {
		d.steps = slices.Insert(d.steps, first, o.step)
		d.yields = o.yields() && (d.yields || !before)
	}
	d.changed = d.changed || before
	return err
}

// load makes a draft of each job that the operations are about, and answers them in the order of their first operation.
func (s *Scheduler) load(ctx context.Context, ops []op, todo []int) (map[JobID]*draft, []*draft, error) {
	drafts := make(map[JobID]*draft, len(todo))
	ids := make([]JobID, 0, len(todo))
	for _, i := range todo {
		if _, ok := drafts[ops[i].job]; !ok {
			drafts[ops[i].job] = nil
			ids = append(ids, ops[i].job)
		}
	}
	records, err := s.cfg.Store.Load(ctx, ids)
	if err != nil {
		return nil, nil, fault.Wrap("scheduler.load", err)
	}
	now, rules := s.now(), s.rules()
	for i := range records {
		drafts[records[i].Job.ID] = newDraft(&records[i], now, rules)
	}
	order := make([]*draft, 0, len(records))
	for _, id := range ids {
		if d := drafts[id]; d != nil {
			order = append(order, d)
		}
	}
	return drafts, order, nil
}

// commit writes the drafts that changed, and answers for each whether it stands: false where another changed the job
// meanwhile. Whatever has to be told to this process is told after the commit.
func (s *Scheduler) commit(ctx context.Context, fence Fence, drafts []*draft) ([]bool, error) {
	stands := make([]bool, len(drafts))
	changes := make([]Change, 0, len(drafts))
	at := make([]int, 0, len(drafts))
	for i, d := range drafts {
		stands[i] = true
		if d.changed {
			changes = append(changes, d.change())
			at = append(at, i)
		}
	}
	if len(changes) == 0 {
		return stands, nil
	}
	written, err := s.cfg.Store.Commit(ctx, fence, changes)
	if err != nil {
		return nil, fault.Wrap("scheduler.commit", err)
	}
	steps := make([]string, 0, 4)
	for k, i := range at {
		stands[i] = written[k]
		if !written[k] {
			continue
		}
		for _, step := range drafts[i].steps {
			if !slices.Contains(steps, step) {
				steps = append(steps, step)
			}
		}
	}
	for _, step := range steps {
		s.cfg.Step(step)
	}
	s.gong.strike()
	for k, i := range at {
		if written[k] {
			s.tell(drafts[i])
		}
	}
	return stands, nil
}

// tell wakes whoever waits for what the draft changed: nodes with a new placement or a withdrawn attempt, and the planner
// where a slot is open or room came free.
func (s *Scheduler) tell(d *draft) {
	for i := range d.Attempts {
		a := &d.Attempts[i]
		fresh := i >= len(d.old.Attempts)
		was := !fresh && d.old.Attempts[i].State.Live()
		switch {
		case fresh && a.State == AttemptPlaced:
			s.bells.ring(a.Node)
		case was && !a.EvictAt.Equal(d.old.Attempts[i].EvictAt):
			s.bells.ring(a.Node)
			if !a.State.Live() {
				s.marks.release(a.Node)
			}
		case was && !a.State.Live():
			s.marks.release(a.Node)
			if a.State == AttemptCancelled {
				s.bells.ring(a.Node)
			}
		}
	}
	j := &d.Job
	if j.State == Queued && (d.old.Job.State != Queued || !j.ReadyAt.Equal(d.old.Job.ReadyAt)) {
		s.marks.ready(j.ReadyAt)
	}
	if j.State.over() && !d.old.Job.State.over() {
		s.ends.note(j)
	}
}

func (s *Scheduler) now() time.Time { return s.cfg.Now().UTC().Truncate(time.Microsecond) }
