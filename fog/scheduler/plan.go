package scheduler

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// marks is what the operations of this process leave for its planner. All of it is a hint: a planner that misses a mark
// finds the same in the store within Config.Poll.
type marks struct {
	wake chan struct{} // capacity 1: there is something that no round has taken

	mu       sync.Mutex // guards what follows, and is held to fill and to empty wake
	released map[NodeID]bool
	nodes    bool      // nodes were saved, drained or removed
	timers   bool      // a job's timer was set to now
	next     time.Time // earliest time at which a queued job is ready; zero for none
}

func newMarks() marks {
	return marks{wake: make(chan struct{}, 1), released: make(map[NodeID]bool)}
}

// leave leaves a mark and wakes the planner, both at once: whoever takes the one takes the other.
func (m *marks) leave(mark func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	mark()
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// ring asks for one more round.
func (m *marks) ring() { m.leave(func() {}) }

// rung reports whether there are marks that no round has taken.
func (m *marks) rung() bool { return len(m.wake) > 0 }

// release marks a node on which room came free.
func (m *marks) release(n NodeID) { m.leave(func() { m.released[n] = true }) }

// ready marks that a job may be placed from a time on.
func (m *marks) ready(at time.Time) {
	m.leave(func() {
		if m.next.IsZero() || at.Before(m.next) {
			m.next = at
		}
	})
}

func (m *marks) changedNodes() { m.leave(func() { m.nodes = true }) }

func (m *marks) timer() { m.leave(func() { m.timers = true }) }

// news is what take hands over.
type news struct {
	released      []NodeID // in the order of their identifiers
	nodes, timers bool
}

// take hands the marks over, with the call that they woke the planner by, so that each is followed by one round, whatever else wakes the
// planner at the same time. The time of the next ready job is kept while it lies ahead.
func (m *marks) take(now time.Time) news {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.wake:
	default:
	}
	n := news{nodes: m.nodes, timers: m.timers, released: slices.Sorted(maps.Keys(m.released))}
	clear(m.released)
	m.nodes, m.timers = false, false
	if !m.next.After(now) {
		m.next = time.Time{}
	}
	return n
}

// until is how long the planner may sleep.
func (m *marks) until(now time.Time, most time.Duration) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.next.IsZero() {
		return most
	}
	return max(0, min(most, m.next.Sub(now)))
}

// planner is the work of the duty DutyPlan, from taking it to losing it.
type planner struct {
	s     *Scheduler
	fence Fence
	fleet *fleet
	// grace is until when ended leases are prolonged: for one lease after the duty was taken, as no server may have been there
	// to renew them.
	grace       time.Time
	loaded      time.Time // last reading of all live attempts
	timed       time.Time // last round of timers
	surveyed    time.Time // last reading of the nodes
	ticked      time.Time // last round that looked at all that nobody tells of
	recalled    time.Time // last recall of postponed jobs
	purged      time.Time
	trimmed     time.Time      // last shortening of the feed
	shut        bool           // no node takes work
	starved     bool           // the last round left jobs for want of room
	full        map[shape]bool // of jobs that found no room in this round
	looks, most int            // jobs that this round has looked at, and may look at
	behind      bool           // the last round did not come to the end of the queue
	broken      bool           // room came back in the last round that jobs of it had found taken
	recall      bool           // a node opened or grew: postponed jobs are to be looked at
	typical     int64          // moving average of the processor demand of placed jobs, to guess how many jobs fit
	seen        demands
	better      improver
	ask         chan []JobID

	roster *roster
	capped bool // the last round left jobs because of their owners' quotas
	quotas map[account]Quota
	owed   debts
	lines  []Line // that have jobs, or as many as a round looks at
	listed map[Line]bool
	window *Line // the last of them, where there are more

	params   Params // of this round
	promises map[JobID]*promise
	first    map[stage]bool      // tiers of which a job found no room in this round
	gangs    map[JobID]bool      // that this round has looked at
	torn     []JobID             // jobs of gangs that are to be looked at, wherever they stand
	guards   map[JobID]time.Time // until when jobs are not evicted, as far as was seen
	presses  int                 // jobs for which this round looked for somebody to evict
	pressed  time.Time           // last round that compared nodes for jobs that find no room
	pushing  bool                // this round does
	again    time.Time           // when the next round is to do so at the latest
}

// plan runs rounds until ctx ends. It is what the duty is kept for.
func (s *Scheduler) plan(ctx context.Context, fence Fence) error {
	p := &planner{s: s, fence: fence, grace: s.now().Add(s.cfg.Lease), typical: 1000, ask: make(chan []JobID, 1),
		owed: newDebts(), promises: map[JobID]*promise{}, first: map[stage]bool{}, full: map[shape]bool{}, gangs: map[JobID]bool{}, guards: map[JobID]time.Time{}}
	p.better.found, p.better.placed = make(chan solution, 1), make(map[JobID]bool)
	defer p.better.running.Wait()
	var asking sync.WaitGroup
	asking.Go(func() { s.askOthers(ctx, p.ask) })
	firing, stop := context.WithCancel(ctx)
	asking.Go(func() { s.fireSchedules(firing, fence) })
	defer asking.Wait()
	defer stop()
	defer close(p.ask)
	for {
		if err := p.round(ctx); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		now, most := s.now(), s.cfg.Poll
		if p.again.After(now) {
			most = min(most, p.again.Sub(now))
		}
		sleep := time.NewTimer(s.marks.until(now, most))
		select {
		case <-ctx.Done():
			sleep.Stop()
			return nil
		case <-s.marks.wake:
		case found := <-p.better.found:
			p.better.ready = &found
		case <-sleep.C:
		}
		sleep.Stop()
	}
}

// round brings the fleet up to date, follows the timers and places what is ready.
func (p *planner) round(ctx context.Context) error {
	now := p.s.now()
	p.grace = earlier(p.grace, now.Add(p.s.cfg.Lease))
	n := p.s.marks.take(now)
	tick := passed(p.ticked, now, p.s.cfg.Poll) // not by the last survey: nodes may change more often than that
	if n.nodes || tick {
		if err := p.survey(ctx, p.fleet == nil || p.wants() && passed(p.loaded, now, reload*p.s.cfg.Poll)); err != nil {
			return err
		}
	}
	if tick {
		p.ticked = now
		if err := p.enrol(ctx); err != nil {
			return err
		}
		if err := p.owed.review(ctx, p.s.cfg.Store, p.quotas); err != nil {
			return err
		}
		p.forget(now)
		if err := p.relent(ctx); err != nil {
			return err
		}
	}
	if err := p.recount(ctx, n.released); err != nil {
		return err
	}
	if n.timers || passed(p.timed, now, p.s.cfg.Poll/4) {
		p.timed = now
		if err := p.timers(ctx); err != nil {
			return err
		}
	}
	if err := p.fill(ctx, tick); err != nil {
		return err
	}
	if err := p.reunite(ctx); err != nil {
		return err
	}
	if err := p.apply(ctx); err != nil { // after those who wait for the same room
		return err
	}
	if err := p.improve(ctx); err != nil {
		return err
	}
	if err := p.trimFeed(ctx, now); err != nil {
		return err
	}
	return p.purge(ctx, now)
}

// passed reports whether a time is over that began at since. Where the clock was set back meanwhile it is: nobody knows how much of it has
// passed, and to wait until the clock is there again may take long.
func passed(since, now time.Time, d time.Duration) bool {
	return now.Before(since) || now.Sub(since) >= d
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// wants reports whether the last round left jobs that might be placed if less were under way than this planner knows of.
func (p *planner) wants() bool { return p.starved || p.capped }

// survey reads the nodes, and with load the live attempts as well. Without it the load is what this planner knows: it
// alone adds to it, and what it does not know to have ended only makes it too careful.
func (p *planner) survey(ctx context.Context, load bool) error {
	nodes, err := p.s.cfg.Store.Nodes(ctx, "")
	if err != nil {
		return fault.Wrap("scheduler.plan", err)
	}
	booked, err := p.s.cfg.Store.Reservations(ctx, "")
	if err != nil {
		return fault.Wrap("scheduler.plan", err)
	}
	p.surveyed = p.s.now()
	booked = slices.DeleteFunc(booked, func(r Reservation) bool { return !r.Until.After(p.surveyed) })
	p.recall = p.recall || p.fleet.opens(nodes) || p.fleet != nil && len(booked) < len(p.fleet.booked)
	gone := p.gone(nodes)
	if err := p.s.displace(ctx, append(evicting(nodes), gone...)); err != nil { // whoever should have done it may not have come to it
		return fault.Wrap("scheduler.plan", err)
	}
	for i := range gone {
		p.s.marks.release(gone[i].ID)
	}
	if !load {
		next, fresh := p.fleet.renew(nodes)
		next.booked, next.mix = booked, p.seen.mix()
		p.fleet = next
		p.roster.measure(nodes)
		if p.wants() {
			usage, err := p.s.cfg.Store.Usage(ctx, "")
			if err != nil {
				return fault.Wrap("scheduler.plan", err)
			}
			fresh = append(fresh, next.lighter(usage)...)
		}
		return p.recount(ctx, fresh)
	}
	live, err := p.s.cfg.Store.Live(ctx, nil)
	if err != nil {
		return fault.Wrap("scheduler.plan", err)
	}
	p.loaded = p.s.now()
	p.fleet, p.roster = newFleet(nodes, live, p.s.cfg.Objectives), newRoster(nodes, live)
	p.fleet.booked, p.fleet.mix = booked, p.seen.mix()
	return nil
}

// gone are the nodes that were removed or went down although attempts are placed there, in the order of their identifiers: a plan may be
// written just after their load was taken back.
func (p *planner) gone(nodes []Node) []Node {
	if p.roster == nil {
		return nil
	}
	var out []Node
	for id, there := range p.roster.nodes {
		if len(there) == 0 {
			continue
		}
		i, found := slices.BinarySearchFunc(nodes, id, func(n Node, id NodeID) int { return cmp.Compare(n.ID, id) })
		if !found || nodes[i].State == NodeDown {
			out = append(out, Node{ID: id, State: NodeDown})
		}
	}
	sortBy(out, func(a, b *Node) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// recount reads the load of some nodes.
func (p *planner) recount(ctx context.Context, nodes []NodeID) error {
	if len(nodes) == 0 {
		return nil
	}
	live, err := p.s.cfg.Store.Live(ctx, nodes)
	if err != nil {
		return fault.Wrap("scheduler.plan", err)
	}
	p.fleet.recount(nodes, live)
	p.roster.recount(nodes, live)
	return nil
}

// reload is how many poll intervals a planner that lacks room, or keeps to quotas, trusts the sums of what is in use, before it reads
// everything anew.
const reload = 10

// Bounds of one round, so that the next timers and marks are not kept waiting.
const (
	duePage  = 256
	duePages = 16
)

// timers follows the timers that are due.
func (p *planner) timers(ctx context.Context) error {
	for range duePages {
		records, err := p.s.cfg.Store.Due(ctx, p.s.now(), duePage)
		if err != nil {
			return fault.Wrap("scheduler.timers", err)
		}
		if len(records) == 0 {
			return nil
		}
		now, rules := p.s.now(), p.s.rules()
		drafts := make([]*draft, len(records))
		var unanswered []JobID
		for i := range records {
			d := newDraft(&records[i], now, rules)
			drafts[i] = d
			d.steps = append(d.steps, StepTimer)
			d.timer(p.grace)
			switch {
			case d.Job.State == Pending:
				d.askLater()
				unanswered = append(unanswered, d.Job.ID)
			case d.Job.State == Reported && !now.Before(d.Job.ReadyAt):
				d.askAuditorLater()
				unanswered = append(unanswered, d.Job.ID)
			case d.Job.State == Blocked && !now.Before(d.Job.ReadyAt):
				d.recheck()
				p.s.ends.ask(d.Job.ID)
			case d.torn():
				p.torn = append(p.torn, d.Job.ID)
			}
			d.changed = d.changed || !d.due().Equal(d.Job.DueAt) // else it would be due for ever
		}
		if _, err := p.s.commit(ctx, p.fence, drafts); err != nil {
			return err
		}
		if len(unanswered) > 0 {
			select {
			case p.ask <- unanswered:
			default: // the question before is still open; these are asked at their next timer
			}
		}
		if len(records) < duePage {
			return nil
		}
	}
	p.s.marks.timer()
	return nil
}

// Retention works in small portions, so that the planner is never away for long.
const (
	purgeEvery = time.Minute
	purgePage  = 1000
)

// purge deletes a portion of the jobs that are older than the retention.
func (p *planner) purge(ctx context.Context, now time.Time) error {
	if p.s.cfg.Retention < 0 || !passed(p.purged, now, purgeEvery) {
		return nil
	}
	n, err := p.s.cfg.Store.Purge(ctx, now.Add(-p.s.cfg.Retention), purgePage)
	if err != nil {
		return fault.Wrap("scheduler.purge", err)
	}
	if n < purgePage {
		p.purged = now
	}
	return nil
}
