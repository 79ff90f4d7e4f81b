package scheduler

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// schedulePage is the number of schedules that are fired before the clock is looked at again.
const schedulePage = maxBatch

// fireSchedules submits what is due, beside the planner, so that an escrow that does not answer holds nothing up, until ctx ends.
func (s *Scheduler) fireSchedules(ctx context.Context, fence Fence) {
	tick := time.NewTicker(s.cfg.Poll)
	defer tick.Stop()
	for {
		f := firing{s: s, fence: fence, tried: make(map[scheduleKey]bool)}
		if err := f.all(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("schedules could not be fired", "error", err)
			if errors.Is(err, ErrFenced) {
				return
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// firing is one look at all schedules that are due.
type firing struct {
	s       *Scheduler
	fence   Fence
	tried   map[scheduleKey]bool // that cannot be fired now; they stay due
	failure error                // of the last of them
	silent  bool                 // the escrow has not answered: it is not waited for again
}

// all fires all that is due, however much that is. Those that cannot be fired now hold no others up.
func (f *firing) all(ctx context.Context) error {
	for {
		now, limit := f.s.now(), len(f.tried)+schedulePage
		due, err := f.s.cfg.Store.DueSchedules(ctx, now, limit)
		if err != nil {
			return fault.Wrap(StepSchedule, err)
		}
		full := len(due) == limit
		due = slices.DeleteFunc(due, func(one Schedule) bool { return f.tried[one.key()] })
		for len(due) > 0 {
			n, jobs := 0, 0
			for n < len(due) && (n == 0 || jobs+due[n].Template.tasks() <= maxInsert) {
				jobs += due[n].Template.tasks()
				n++
			}
			if err := f.volley(ctx, due[:n], now); err != nil {
				return err
			}
			due = due[n:]
		}
		if !full {
			return f.failure
		}
	}
}

// key names a schedule among those of all tenants.
func (c *Schedule) key() scheduleKey { return scheduleKey{c.Tenant, c.ID} }

// shot is a schedule that is due, on its way to its next job.
type shot struct {
	Schedule
	clock clock
	call  *calling
	stale bool // its owner has just changed it: it is read again
}

// owner is the context in which the schedule's owner acts.
func (c *shot) owner(ctx context.Context) context.Context {
	return principal.With(ctx, principal.Principal{Tenant: c.Tenant, Account: c.Owner, Scopes: []principal.Scope{principal.ScopeUser}})
}

// volley fires some schedules together, in two steps: it decides on their times and stores that, and then it submits them. Whoever
// finds a schedule between the two goes on with the second. However many they are, each step is a few commits and one question to the escrow.
func (f *firing) volley(ctx context.Context, due []Schedule, now time.Time) error {
	shots, err := f.aim(ctx, due, now)
	if err != nil {
		return err
	}
	shots = slices.DeleteFunc(shots, func(c *shot) bool { return c.stale || c.Firing.IsZero() })
	shots, err = f.submit(ctx, shots)
	if err != nil {
		return err
	}
	for _, c := range shots {
		c.fired(&c.call.out[0])
		c.follow(c.clock, c.Last)
	}
	return f.save(ctx, shots)
}

// aim decides what becomes of schedules that are due, and stores it.
func (f *firing) aim(ctx context.Context, due []Schedule, now time.Time) ([]*shot, error) {
	before, err := f.before(ctx, due)
	if err != nil {
		return nil, err
	}
	var shots, decided []*shot
	for i := range due {
		c := &shot{Schedule: due[i]}
		fresh := c.Firing.IsZero()
		if c.clock, err = c.Schedule.clock(); err != nil { // the server's time zones are not those that it was stored with
			c.Next, c.Firing, c.Paused, c.LastError, fresh = time.Time{}, time.Time{}, true, fault.Detail(err), true
		} else if fresh && c.decide(now, before[c.LastJob]) {
			if err := f.replace(c.owner(ctx), c); err != nil {
				f.miss(c, err)
				continue
			}
		}
		shots = append(shots, c)
		if fresh {
			decided = append(decided, c)
		}
	}
	return shots, f.save(ctx, decided)
}

// before counts the jobs of the times before, where that matters.
func (f *firing) before(ctx context.Context, due []Schedule) (map[JobID]Outcome, error) {
	var names []JobID
	for i := range due {
		if due[i].Overlap != Allow && due[i].LastJob != "" && due[i].Firing.IsZero() {
			names = append(names, due[i].LastJob)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	known, err := f.s.cfg.Store.Outcomes(ctx, names)
	return known, fault.Wrap(StepSchedule, err)
}

// decide chooses the time to fire, or notes why it is skipped, and reports whether the job before is to be cancelled for it.
func (c *shot) decide(now time.Time, before Outcome) (replace bool) {
	at := c.clock.latest(c.Next, now, c.CatchUp)
	open, _, _ := before.count()
	why := ""
	switch {
	case now.Sub(at) > c.CatchUp:
		why = "no server was there in time"
	case c.Overlap == Forbid && open > 0:
		why = "job " + string(c.LastJob) + " is not over"
	}
	if why == "" {
		c.Firing = at
		return c.Overlap == Replace && open > 0
	}
	c.Last, c.LastError, c.Skipped = at, why, c.Skipped+1
	c.follow(c.clock, at)
	return false
}

// replace cancels the job before.
func (f *firing) replace(ctx context.Context, c *shot) error {
	var err error
	if c.Template.Count > 1 {
		_, err = f.s.CancelArray(ctx, c.LastJob)
	} else {
		_, err = f.s.Cancel(ctx, c.LastJob)
	}
	if fault.KindOf(err) == fault.Unavailable {
		return err
	}
	return nil // it is over
}

// submit submits the jobs of schedules, and answers those for which there is an answer.
func (f *firing) submit(ctx context.Context, shots []*shot) ([]*shot, error) {
	var calls callings
	var waves []wave
	admitting, stop := context.WithTimeout(ctx, f.s.cfg.HoldRetry) // prices that never come hold nothing up for ever
	defer stop()
	shots = slices.DeleteFunc(shots, func(c *shot) bool {
		w, err := c.admit(admitting, f)
		if err != nil {
			f.miss(c, err)
			return true
		}
		calls, waves = append(calls, c.call), append(waves, w)
		return false
	})
	if len(shots) == 0 {
		return nil, ctx.Err()
	}
	insert := func(ins []Insertion) ([]judged, error) { return f.s.inserts.Do(ctx, ins...) }
	if err := calls.storeWaves(ctx, waves, insert); err != nil {
		return nil, fault.Wrap(StepSchedule, err)
	}
	calls.settle(ctx)
	return slices.DeleteFunc(shots, func(c *shot) bool {
		f.silent = f.silent || c.call.silent
		err := c.call.out[0].Err
		if fault.KindOf(err) != fault.Unavailable {
			return false
		}
		f.miss(c, err)
		return true
	}), ctx.Err()
}

// admit begins the call by which the schedule's owner submits its job.
func (c *shot) admit(ctx context.Context, f *firing) (w wave, err error) {
	b := c.Template
	b.Key = "@" + c.ID + "/" + strconv.FormatInt(c.Firing.Unix(), 10)
	ctx = c.owner(ctx)
	if c.call, err = f.s.begin(ctx, []Submission{b}, true); err != nil {
		return wave{}, err
	}
	c.call.silent = f.silent
	return c.call.admit(ctx, 0)
}

// fired notes what a submission came to.
func (c *Schedule) fired(out *Submitted) {
	c.Last, c.Firing, c.LastError = c.Firing, time.Time{}, ""
	switch {
	case out.Err == nil:
		c.LastJob, c.Fired = out.Job.ID, c.Fired+1
	case fault.KindOf(out.Err) == fault.Conflict: // the template was changed after this time had been submitted
		c.Fired++
	default:
		c.LastError, c.Skipped = fault.Detail(out.Err), c.Skipped+1
	}
}

// miss leaves a schedule due for the next look.
func (f *firing) miss(c *shot, err error) { f.failure, f.tried[c.key()] = err, true }

// save stores schedules under the duty's fence. One that its owner has just changed is left alone.
func (f *firing) save(ctx context.Context, shots []*shot) error {
	if len(shots) == 0 {
		return nil
	}
	rows := make([]Schedule, len(shots))
	for i, c := range shots {
		c.Version++
		rows[i] = c.Schedule
	}
	saved, err := f.s.cfg.Store.SaveSchedules(ctx, f.fence, rows)
	if err != nil {
		return fault.Wrap(StepSchedule, err)
	}
	for i, c := range shots {
		c.stale = !saved[i]
	}
	f.s.cfg.Step(StepSchedule)
	return nil
}
