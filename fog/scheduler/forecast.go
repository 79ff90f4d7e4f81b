package scheduler

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Forecast says of a job that Submit has just returned when it should start: Explanation.StartsAt, from a view of the tenant's fleet and
// queue that is not made anew for each question, so that asking costs next to nothing beside the submission. The zero time is unknown, as for
// a job that is not queued, has others waiting behind it, or has more jobs before it than a view follows. Errors are of kind Denied and
// Unavailable.
func (s *Scheduler) Forecast(ctx context.Context, j Job) (time.Time, error) {
	const op = "scheduler.forecast"
	if j.State != Queued {
		return time.Time{}, nil
	}
	if err := s.allow(ctx, principal.From(ctx), "scheduler.read", &j); err != nil {
		return time.Time{}, fault.Wrap(op, err)
	}
	v, mine := s.views.of(j.Tenant, s.now(), s.cfg.Poll)
	if mine {
		if err := s.renew(ctx, j.Tenant, v); err != nil {
			return time.Time{}, fault.Wrap(op, err)
		}
	}
	return v.expect(&j, s.now()), nil
}

// views are what forecasts are made from, for each tenant whose jobs were asked for.
type views struct {
	mu   sync.Mutex // guards what follows
	view map[principal.Tenant]*view
}

// viewShare bounds what views cost: one is made when this many times the time has passed that the last one took, if that is longer than the
// poll interval. Then it may be as old as maxAge poll intervals.
const (
	viewShare = 50
	maxAge    = 10
)

// of is the view of a tenant, and whether it is the caller's to make it anew: one caller at a time does, the others use what there is.
func (vs *views) of(tenant principal.Tenant, now time.Time, poll time.Duration) (v *view, mine bool) {
	vs.mu.Lock()
	defer vs.mu.Unlock()
	if v = vs.view[tenant]; v == nil {
		maps.DeleteFunc(vs.view, func(_ principal.Tenant, old *view) bool { return old.idle(now, poll) })
		if vs.view == nil {
			vs.view = make(map[principal.Tenant]*view, 1)
		}
		v = &view{}
		vs.view[tenant] = v
	}
	return v, v.due(now, poll)
}

// view is an outlook with the jobs that were asked for since it was made.
type view struct {
	mu     sync.Mutex // guards what follows
	ahead  *outlook   // nil before the first one, and once it is too old
	made   time.Time
	took   time.Duration // to make it
	making bool
}

// due reports whether the caller is to make the view anew, and forgets an outlook that is too old.
func (v *view) due(now time.Time, poll time.Duration) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	age := now.Sub(v.made)
	if age < 0 || age > maxAge*poll { // the clock was set back, or nobody asked for long
		v.ahead = nil
	}
	if v.making || age >= 0 && age < max(poll, viewShare*v.took) {
		return false
	}
	v.making = true
	return true
}

// idle reports whether nobody has asked for long.
func (v *view) idle(now time.Time, poll time.Duration) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return !v.making && now.Sub(v.made) > maxAge*poll
}

// renew makes a view anew. Whoever asks meanwhile is answered from the old one.
func (s *Scheduler) renew(ctx context.Context, tenant principal.Tenant, v *view) error {
	began := s.now()
	ahead, err := s.outlook(ctx, tenant)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.making, v.made, v.took = false, s.now(), s.now().Sub(began)
	if err == nil {
		v.ahead = ahead
	}
	return err
}

// outlook reads what an outlook is made of.
func (s *Scheduler) outlook(ctx context.Context, tenant principal.Tenant) (*outlook, error) {
	nodes, live, err := s.fleetRows(ctx, tenant)
	if err != nil {
		return nil, err
	}
	booked, err := s.cfg.Store.Reservations(ctx, tenant)
	if err != nil {
		return nil, err
	}
	return s.ahead(ctx, tenant, nodes, live, booked)
}

// expect is when a job starts that the view knows, or that comes after all that it knows.
func (v *view) expect(j *Job, now time.Time) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ahead == nil {
		return time.Time{}
	}
	v.ahead.join(&Record{Job: *j}, now)
	return v.ahead.starts[j.ID]
}

// join follows one more job, if it comes after those that wait and the queue is not followed too far already.
func (o *outlook) join(r *Record, now time.Time) {
	j := &r.Job
	if _, known := o.place[j.ID]; known || o.more || o.back.Weight > 0 && RankOf(j).Compare(o.back) < 0 || j.ReadyAt.After(now) {
		return
	}
	o.more = len(o.place)+1 >= outlookDepth
	o.owed.set(r, 0)
	o.place[j.ID] = len(o.place)
	o.follow(r, now)
}
