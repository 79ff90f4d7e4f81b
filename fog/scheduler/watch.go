package scheduler

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Seq is a place in the feed of changes: what has been seen up to and including it. Zero is before the first.
type Seq int64

// Event says that a job changed so that a reader can tell: it is new, or has another state, reason, node, number of slots or
// progress. The birth of an array is one event, of its first task.
type Event struct {
	Seq    Seq
	At     time.Time
	Tenant principal.Tenant
	Owner  principal.Account
	// Job is the job that changed. It is "" in a bookmark, which says only that nothing else happened up to Seq.
	Job   JobID
	Array JobID
	State State
	// Version is the job's then.
	Version int64
}

// Feed keeps the changes of jobs for a while.
//
// They are stored in the transactions of the changes, and get their numbers later, from whoever reads: the reader numbers those
// that have been committed, one reader at a time, and then reads. So a transaction that began early and commits late gets late
// numbers; nothing ever appears before something that was read, and no commit waits for a counter. Of one job the events come in
// the order of its versions.
type Feed interface {
	// Events numbers what has been committed and reads the events of a tenant that come after a number, in order. The Seq that it
	// answers is the last one that it has looked at. Where events after the number have been deleted: fault Conflict.
	Events(ctx context.Context, q EventQuery) ([]Event, Seq, error)
	// TrimEvents deletes at most limit events from before a time, and says how many.
	TrimEvents(ctx context.Context, before time.Time, limit int) (int, error)
}

// EventQuery selects events. The zero values of Owner and Array select all.
type EventQuery struct {
	Tenant principal.Tenant
	Owner  principal.Account
	Array  JobID
	After  Seq
	// Limit is the greatest number of events.
	Limit int
}

// Takes reports whether a query selects an event, its number aside.
func (q *EventQuery) Takes(e *Event) bool {
	return e.Tenant == q.Tenant && (q.Owner == "" || q.Owner == e.Owner) && (q.Array == "" || q.Array == e.Array)
}

// ErrTrimmed answers a reader who was away for longer than changes are kept, or who brings a number from another feed: it must
// list the jobs again and go on from Position. Its kind is Conflict.
var ErrTrimmed = fault.New(fault.Conflict, "scheduler.watch", "the changes after this number are not kept any more: list the jobs again")

// EventOf is the event of a job as it is now.
func EventOf(j *Job, at time.Time) Event {
	return Event{At: at, Tenant: j.Tenant, Owner: j.Owner, Job: j.ID, Array: j.Array, State: j.State, Version: j.Version}
}

// news reports whether the draft changed what a reader of the job sees.
func (d *draft) news() bool {
	a, b := &d.old.Job, &d.Job
	return a.State != b.State || a.Reason != b.Reason || a.Node != b.Node || a.Slots != b.Slots || a.Progress != b.Progress
}

// Position is the number of the latest change. Whoever takes it, lists the jobs and then watches from it misses nothing. Errors are of
// kind Unavailable: the store does not answer, or the feed is off.
func (s *Scheduler) Position(ctx context.Context) (Seq, error) {
	const op = "scheduler.position"
	if s.cfg.Feed < 0 {
		return 0, fault.New(fault.Unavailable, op, "changes are not recorded here")
	}
	_, at, err := s.cfg.Store.Events(ctx, EventQuery{Tenant: principal.From(ctx).Tenant, After: latest})
	return at, fault.Wrap(op, err)
}

// latest is a place after everything.
const latest Seq = -1

// Limits of a watch.
const (
	watchPage = 512
	watchRest = 50 * time.Millisecond // between two reads, however much happens
	bookmarks = time.Minute
)

// Watch yields the changes of the caller's tenant after a number, and waits for more until ctx ends or the caller stops; who may not
// see every owner's jobs gets its own. It may be resumed with the number of the last event. When nothing happens it yields a bookmark
// once in a while, so that this number does not grow too old. An error is the last that it yields: ErrTrimmed, or of kind Denied or
// Unavailable (also when ctx ends). The query's Limit is not looked at.
func (s *Scheduler) Watch(ctx context.Context, q EventQuery) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := s.watchFrom(ctx, q, yield); err != nil {
			yield(Event{}, fault.Wrap("scheduler.watch", err))
		}
	}
}

// watchFrom returns nil when the caller stops.
func (s *Scheduler) watchFrom(ctx context.Context, q EventQuery, yield func(Event, error) bool) error {
	q, err := s.watched(ctx, q)
	if err != nil {
		return err
	}
	q.Limit = watchPage
	shown, told := q.After, s.now()
	for {
		rung := s.gong.listen()
		events, at, err := s.cfg.Store.Events(ctx, q)
		if err != nil {
			return err
		}
		if now := s.now(); len(events) == 0 && at > shown && now.Sub(told) >= bookmarks {
			events = append(events, Event{Seq: at, At: now, Tenant: q.Tenant, Owner: q.Owner})
		}
		for i := range events {
			shown, told = events[i].Seq, s.now()
			if !yield(events[i], nil) {
				return nil
			}
		}
		q.After = at
		if len(events) >= watchPage {
			continue
		}
		if err := rest(ctx, rung, s.cfg.Poll); err != nil {
			return err
		}
	}
}

// watched is the query with those of the changes that the caller may see.
func (s *Scheduler) watched(ctx context.Context, q EventQuery) (EventQuery, error) {
	if s.cfg.Feed < 0 {
		return q, fault.New(fault.Unavailable, "scheduler.watch", "changes are not recorded here")
	}
	p := principal.From(ctx)
	if !p.Has(principal.ScopeHouse) {
		q.Tenant = p.Tenant
	}
	err := s.allowList(ctx, p, q.Owner)
	if err != nil && q.Owner == "" {
		q.Owner = p.Account
		err = s.allowList(ctx, p, q.Owner)
	}
	return q, err
}

// Changes is one page of a watch, for those who come back for each: the changes after a number, and the number to go on from. Where
// there are none it waits, for at most the given time or until ctx ends. The query's Limit is 100 where it is zero, and 1000 at most.
// Errors are those of Watch; that nothing happened is none.
func (s *Scheduler) Changes(ctx context.Context, q EventQuery, wait time.Duration) ([]Event, Seq, error) {
	const op = "scheduler.watch"
	q, err := s.watched(ctx, q)
	if err != nil {
		return nil, 0, fault.Wrap(op, err)
	}
	q.Limit = JobQuery{Limit: q.Limit}.PageSize()
	patience, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		rung := s.gong.listen()
		events, at, err := s.cfg.Store.Events(ctx, q)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, q.After, nil
		case err != nil:
			return nil, 0, fault.Wrap(op, err)
		}
		q.After = at
		if len(events) > 0 || rest(patience, rung, s.cfg.Poll) != nil {
			return events, at, nil
		}
	}
}

// rest waits until something may have happened.
func rest(ctx context.Context, rung <-chan struct{}, poll time.Duration) error {
	least := time.NewTimer(min(watchRest, poll))
	defer least.Stop()
	most := time.NewTimer(poll)
	defer most.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-least.C:
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-rung:
	case <-most.C:
	}
	return nil
}

// gong tells everybody who waits in this process that something changed.
type gong struct {
	mu      sync.Mutex    // guards waiting
	waiting chan struct{} // nil while nobody waits
}

// listen returns a channel that is closed at the next strike.
func (g *gong) listen() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting == nil {
		g.waiting = make(chan struct{})
	}
	return g.waiting
}

func (g *gong) strike() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting != nil {
		close(g.waiting)
		g.waiting = nil
	}
}

// trimFeed deletes a portion of the events that are older than the feed keeps.
func (p *planner) trimFeed(ctx context.Context, now time.Time) error {
	if p.s.cfg.Feed < 0 || !passed(p.trimmed, now, min(purgeEvery, p.s.cfg.Feed/4)) {
		return nil
	}
	n, err := p.s.cfg.Store.TrimEvents(ctx, now.Add(-p.s.cfg.Feed), trimPage)
	if err != nil {
		return fault.Wrap("scheduler.purge", err)
	}
	if n < trimPage {
		p.trimmed = now
	}
	return nil
}

// trimPage is the number of events that are deleted at once.
const trimPage = 10_000
