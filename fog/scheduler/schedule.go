package scheduler

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler/cron"
)

// Schedule submits the same job, or array, again and again. Each of its times makes one submission, by the idempotency key
// "@<schedule>/<seconds since 1970>": whichever servers fire it, and however often they die on the way, there is one job a time.
type Schedule struct {
	// ID names the schedule within its tenant: 1 to 64 of a-z, A-Z, 0-9, '.', '_' and '-'.
	ID     string
	Tenant principal.Tenant
	Owner  principal.Account // pays, and submits
	// Name is for people, at most 200 bytes.
	Name string
	// Spec is a line as package cron reads it, on the wall clock of Zone.
	Spec string
	// Zone names the place in the time zone database of the server, such as "Europe/Berlin"; "" is UTC.
	Zone string
	// Template is what is submitted. It has no Key and no Deadline.
	Template Submission
	// Overlap says what happens while the job before is not over; "" is Allow.
	Overlap Overlap
	// CatchUp is how late a time may be fired when no server was there; of several missed times only the latest is. Zero is 10 min,
	// and 1 min is the least.
	CatchUp time.Duration
	Paused  bool

	// These are the scheduler's.

	// Next is when it fires next; the zero time is never, because it is paused.
	Next time.Time
	// Firing is the time that is being submitted; the zero time is none. Should the server die now, the next one goes on there.
	Firing time.Time
	// Last is the time that fired last, and LastJob what it submitted.
	Last    time.Time
	LastJob JobID
	// LastError says in words why the latest time made no job; "" when it made one.
	LastError string
	// Fired counts the times that made a job, Skipped those that did not: missed, refused, or kept off by Overlap.
	Fired, Skipped int64
	Version        int64
}

// Overlap says what a schedule does while the job that it submitted before is not over.
type Overlap string

// The ways to deal with an overlap.
const (
	Allow   Overlap = "allow"   // submit beside it
	Forbid  Overlap = "forbid"  // skip this time
	Replace Overlap = "replace" // cancel it and submit
)

// Limits of schedules.
const (
	usualCatchUp = 10 * time.Minute
	leastCatchUp = time.Minute
	mostCatchUp  = 366 * 24 * time.Hour
	maxSchedules = 1000 // of one owner
	maxID        = 64
)

// Schedules stores schedules.
type Schedules interface {
	// SaveSchedules inserts schedules (Version 1) or replaces the stored ones of their tenants and identifiers, where those have the
	// Version before; it answers for each whether it was saved. No two have the same tenant and identifier. With a fence that is not
	// the newest: ErrFenced, and none is saved.
	SaveSchedules(ctx context.Context, fence Fence, schedules []Schedule) ([]bool, error)
	// ListSchedules reads the schedules of a tenant ("": of all) and owner ("": of all owners), ordered by identifier.
	ListSchedules(ctx context.Context, tenant principal.Tenant, owner principal.Account) ([]Schedule, error)
	// DueSchedules reads schedules with a Next <= now (a zero Next is none), earliest first, at most limit.
	DueSchedules(ctx context.Context, now time.Time, limit int) ([]Schedule, error)
	// DeleteSchedule deletes a schedule, and reports whether there was one.
	DeleteSchedule(ctx context.Context, tenant principal.Tenant, id string) (bool, error)
}

// clock is when a schedule fires.
type clock struct {
	spec  cron.Spec
	place *time.Location
}

// clock reads the line and the place. Errors are of kind Invalid, field "spec" or "zone".
func (c *Schedule) clock() (clock, error) {
	spec, err := cron.Parse(c.Spec)
	if err != nil {
		return clock{}, err
	}
	place, err := time.LoadLocation(c.Zone)
	if err != nil || c.Zone == "Local" {
		return clock{}, fault.Field(StepSchedule, "zone", "unknown time zone %q", c.Zone)
	}
	return clock{spec, place}, nil
}

func (k clock) next(after time.Time) time.Time { return k.spec.Next(after, k.place).UTC() }

// latest is the last time up to now, given that first is one.
func (k clock) latest(first, now time.Time, within time.Duration) time.Time {
	if skip := now.Add(-within - time.Minute); skip.After(first) {
		if t := k.next(skip); !t.After(now) && t.After(first) {
			first = t
		}
	}
	for {
		t := k.next(first)
		if t.IsZero() || t.After(now) {
			return first
		}
		first = t
	}
}

// complete checks a schedule of a caller and fills its zeros in.
func (c *Schedule) complete(cfg *Config, now time.Time) (clock, error) {
	const op = StepSchedule
	k, err := c.clock()
	if err != nil {
		return k, err
	}
	if c.Overlap == "" {
		c.Overlap = Allow
	}
	if c.CatchUp == 0 {
		c.CatchUp = usualCatchUp
	}
	switch {
	case !isScheduleID(c.ID):
		return k, fault.Field(op, "id", "want 1 to %d of a-z, A-Z, 0-9, '.', '_' and '-'", maxID)
	case !isText(c.Name, maxName):
		return k, fault.Field(op, "name", "want at most %d bytes of text", maxName)
	case c.Overlap != Allow && c.Overlap != Forbid && c.Overlap != Replace:
		return k, fault.Field(op, "overlap", "unknown policy %q: want allow, forbid or replace", c.Overlap)
	case c.CatchUp < leastCatchUp || c.CatchUp > mostCatchUp:
		return k, fault.Field(op, "catch_up", "%v is not between %v and %v", c.CatchUp, leastCatchUp, mostCatchUp)
	case c.Template.Key != "":
		return k, fault.Field(op, "template", "want no key: each time has one of its own")
	case !c.Template.Deadline.IsZero():
		return k, fault.Field(op, "template", "want no deadline: it would pass once and for all")
	}
	_, err = c.Template.complete(cfg, now)
	return k, err
}

func isScheduleID(s string) bool {
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// PutSchedule stores a schedule of the caller's, or replaces the one of its identifier, which keeps its owner and what has fired. Its
// first time lies after now. Errors are of kind Invalid with the field, Denied, Limited (the owner has very many), Conflict (somebody is
// changing it) and Unavailable.
func (s *Scheduler) PutSchedule(ctx context.Context, one Schedule) (Schedule, error) {
	p, now := principal.From(ctx), s.now()
	k, err := one.complete(&s.cfg, now)
	if err != nil {
		return Schedule{}, fault.Wrap(StepSchedule, err)
	}
	one.Tenant, one.Owner = p.Tenant, p.Account
	one.Last, one.LastJob, one.LastError, one.Fired, one.Skipped, one.Version, one.Firing = time.Time{}, "", "", 0, 0, 0, time.Time{}
	all, err := s.cfg.Store.ListSchedules(ctx, p.Tenant, "")
	if err != nil {
		return Schedule{}, fault.Wrap(StepSchedule, err)
	}
	owned := 0
	for i := range all {
		if all[i].Owner == p.Account {
			owned++
		}
		if all[i].ID == one.ID {
			old := &all[i]
			one.Owner, one.Last, one.LastJob, one.LastError = old.Owner, old.Last, old.LastJob, old.LastError
			one.Fired, one.Skipped, one.Version, one.Firing = old.Fired, old.Skipped, old.Version, old.Firing
			one.Next = old.Next
		}
	}
	if err := s.allowSchedule(ctx, StepSchedule, &one); err != nil {
		return Schedule{}, fault.Wrap(StepSchedule, err)
	}
	if one.Version == 0 && owned >= maxSchedules {
		return Schedule{}, fault.Newf(fault.Limited, StepSchedule, "%s has %d schedules already", p.Account, owned)
	}
	one.follow(k, now)
	return s.saveSchedule(ctx, one)
}

// follow sets the next time, after the given one. What is being fired stays due until it is done.
func (c *Schedule) follow(k clock, after time.Time) {
	switch {
	case !c.Firing.IsZero():
	case c.Paused:
		c.Next = time.Time{}
	default:
		c.Next = k.next(after)
	}
}

// saveSchedule stores a schedule that its owner changed.
func (s *Scheduler) saveSchedule(ctx context.Context, one Schedule) (Schedule, error) {
	one.Version++
	saved, err := s.cfg.Store.SaveSchedules(ctx, Fence{}, []Schedule{one})
	switch {
	case err != nil:
		return Schedule{}, fault.Wrap(StepSchedule, err)
	case !saved[0]:
		return Schedule{}, fault.Newf(fault.Conflict, StepSchedule, "schedule %q was changed meanwhile", one.ID)
	}
	s.cfg.Step(StepSchedule)
	return one, nil
}

func (s *Scheduler) allowSchedule(ctx context.Context, a principal.Action, one *Schedule) error {
	r := principal.Resource{Kind: "schedule", ID: one.ID, Tenant: one.Tenant, Owner: one.Owner}
	return s.cfg.Authorize.Authorize(ctx, principal.From(ctx), a, r)
}

// Schedules lists the schedules of the caller's tenant that the caller may read, ordered by identifier; the house gets those of all
// tenants. Errors are of kind Unavailable.
func (s *Scheduler) Schedules(ctx context.Context) ([]Schedule, error) {
	p := principal.From(ctx)
	tenant := p.Tenant
	if p.Has(principal.ScopeHouse) {
		tenant = ""
	}
	all, err := s.cfg.Store.ListSchedules(ctx, tenant, "")
	if err != nil {
		return nil, fault.Wrap("scheduler.schedules", err)
	}
	kept := all[:0]
	for i := range all {
		if s.allowSchedule(ctx, "scheduler.read", &all[i]) == nil {
			kept = append(kept, all[i])
		}
	}
	return kept, nil
}

// Schedule reads one of the schedules of the caller's tenant. Errors are of kind NotFound, Denied and Unavailable.
func (s *Scheduler) Schedule(ctx context.Context, id string) (Schedule, error) {
	one, err := s.schedule(ctx, "scheduler.read", id)
	if err != nil {
		return Schedule{}, fault.Wrap("scheduler.schedules", err)
	}
	return one, nil
}

// schedule finds one with which the caller may do something.
func (s *Scheduler) schedule(ctx context.Context, a principal.Action, id string) (Schedule, error) {
	all, err := s.cfg.Store.ListSchedules(ctx, principal.From(ctx).Tenant, "")
	if err != nil {
		return Schedule{}, err
	}
	for i := range all {
		if all[i].ID == id {
			return all[i], s.allowSchedule(ctx, a, &all[i])
		}
	}
	return Schedule{}, fault.Newf(fault.NotFound, StepSchedule, "no schedule %q", id)
}

// DeleteSchedule ends a schedule; the jobs that it submitted stay. Errors are of kind NotFound, Denied and Unavailable.
func (s *Scheduler) DeleteSchedule(ctx context.Context, id string) error {
	one, err := s.schedule(ctx, StepSchedule, id)
	if err != nil {
		return fault.Wrap(StepSchedule, err)
	}
	_, err = s.cfg.Store.DeleteSchedule(ctx, one.Tenant, id)
	return fault.Wrap(StepSchedule, err)
}

// PauseSchedule stops a schedule, or lets it go on with its next time after now. Errors are of kind NotFound, Denied, Conflict
// (somebody is changing it) and Unavailable.
func (s *Scheduler) PauseSchedule(ctx context.Context, id string, paused bool) (Schedule, error) {
	one, err := s.schedule(ctx, StepSchedule, id)
	if err != nil {
		return Schedule{}, fault.Wrap(StepSchedule, err)
	}
	if one.Paused == paused {
		return one, nil
	}
	one.Paused = paused
	k, err := one.clock()
	if err != nil {
		return Schedule{}, fault.Wrap(StepSchedule, err)
	}
	one.follow(k, s.now())
	return s.saveSchedule(ctx, one)
}
