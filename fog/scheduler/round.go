package scheduler

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// improver looks for better plans beside the planner: what the greedy placed and nobody has fetched yet can be put elsewhere, and
// now and then what runs, where that saves enough. One search is under way at a time; the planner goes on meanwhile.
type improver struct {
	placed  map[JobID]bool // by this planner, and not known to have been fetched
	found   chan solution  // capacity 1; wakes the planner
	ready   *solution      // that woke it
	running sync.WaitGroup // the search
	busy    bool
	rested  time.Time // when the last search ended
	held    time.Time // since when a search waits until all marks are followed; zero for none
	stirred time.Time // when running attempts were last looked at
	turns   [2]int    // whose turn it is in a large fleet: when only what was placed is looked at, and when what runs is, too
	seed    uint64
}

// stirEvery is how often running attempts are looked at.
const stirEvery = time.Minute

// note remembers jobs whose attempts may still be moved.
func (m *improver) note(d *draft) {
	if len(m.placed) < maxItems {
		m.placed[d.Job.ID] = true
	}
}

// hurries reports whether a search is to wait, for a poll interval at most, until the next round: what that has to follow already could
// make the answer useless, and which of both came first would be a matter of how fast the machine is.
func (p *planner) hurries(now time.Time) bool {
	m := &p.better
	if !p.s.marks.rung() {
		m.held = time.Time{}
		return false
	}
	if m.held.IsZero() {
		m.held = now
	}
	return !passed(m.held, now, p.s.cfg.Poll)
}

// improve starts a search when there is something to look at, and returns at once.
func (p *planner) improve(ctx context.Context) error {
	m, now := &p.better, p.s.now()
	params := p.s.params()
	if m.busy || p.behind || params.RoundBudget < 0 || !passed(m.rested, now, params.RoundBudget) || p.hurries(now) {
		return nil
	}
	stir := params.MoveGain >= 0 && passed(m.stirred, now, stirEvery)
	if len(m.placed) < 2 && !stir {
		return nil
	}
	turn := &m.turns[0]
	if stir {
		turn = &m.turns[1]
	}
	w, next := p.fleet.windowAt(*turn)
	*turn = next
	records, err := p.movable(ctx, w, stir)
	if err != nil {
		return fault.Wrap("scheduler.improve", err)
	}
	if stir {
		m.stirred = now
	}
	rules := p.s.rules()
	z := p.puzzle(records, w, now, &rules)
	if z == nil {
		return nil
	}
	m.busy = true
	m.seed++
	seed, aims := p.s.cfg.Seed+m.seed, p.fleet.aims
	m.running.Go(func() { m.found <- z.search(ctx, aims, &params, p.s.cfg.Now, seed, p.s.cfg.Workers) })
	return nil
}

// movable reads the jobs whose attempts may be moved, in the order of their identifiers, and forgets those that were fetched meanwhile.
func (p *planner) movable(ctx context.Context, w *window, stir bool) ([]Record, error) {
	m := &p.better
	ids := slices.Collect(maps.Keys(m.placed))
	if stir {
		live, err := p.s.cfg.Store.Live(ctx, nil)
		if err != nil {
			return nil, err
		}
		sortBy(live, func(a, b *Attempt) int { return cmp.Or(b.Started.Compare(a.Started), cmp.Compare(a.ID, b.ID)) }) // the youngest have least to lose
		count := map[int32]int{}
		for i := range live {
			n, ok := p.fleet.index[live[i].Node]
			if !ok || w.of(n) < 0 || count[w.of(n)] == w.share() {
				continue
			}
			if count[w.of(n)]++; !m.placed[live[i].Job] {
				ids = append(ids, live[i].Job)
			}
		}
	}
	slices.Sort(ids)
	records, err := p.s.cfg.Store.Load(ctx, ids)
	if err != nil {
		return nil, err
	}
	clear(m.placed)
	kept := records[:0]
	for i := range records {
		waits := slices.ContainsFunc(records[i].Attempts, func(a Attempt) bool { return a.State == AttemptPlaced })
		if waits {
			m.placed[records[i].Job.ID] = true
		}
		if waits || stir {
			kept = append(kept, records[i])
		}
	}
	sortBy(kept, func(a, b *Record) int { return cmp.Compare(a.Job.ID, b.Job.ID) })
	return kept, nil
}

// take hands over what a search found since the last round, whether that or something else woke the planner.
func (m *improver) take() (s solution, ready bool) {
	if m.ready != nil {
		s, m.ready = *m.ready, nil
		return s, true
	}
	select {
	case s = <-m.found:
		return s, true
	default:
		return s, false
	}
}

// apply does what a search proposes, as far as nothing has changed meanwhile: the attempts are as they were, the nodes have the
// versions that the search saw, and there is room. The moves of a bundle stand or fall together.
func (p *planner) apply(ctx context.Context) error {
	m := &p.better
	s, ready := m.take()
	if !ready {
		return nil
	}
	m.busy, m.rested = false, p.s.now()
	if s.err != nil {
		p.s.cfg.Logger.Warn("the search for a better plan failed", "error", s.err)
		return nil
	}
	moved := int64(0)
	defer func() { p.s.improved(&s, moved) }()
	now, rules := p.s.now(), p.s.rules()
	var drafts []*draft
	var shifts []shift
	for b, bundle := range s.moves() {
		ds, ok, err := p.shift(&s, bundle, now, rules)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		for k := range ds {
			ds[k].draft.bond = strconv.Itoa(b)
			drafts = append(drafts, ds[k].draft)
		}
		shifts = append(shifts, ds...)
	}
	stands, err := p.s.commit(ctx, p.fence, drafts)
	if err != nil {
		return err
	}
	for k := range shifts {
		if !stands[k] {
			shifts[k].undo(p.fleet)
			continue
		}
		moved++
		p.roster.drop(shifts[k].attempt.Node, shifts[k].attempt.ID)
		p.roster.load(&drafts[k].Attempts[len(drafts[k].Attempts)-1])
	}
	return nil
}

// shift is one attempt on its way to another node, as the fleet and the draft know it.
type shift struct {
	draft    *draft
	attempt  *Attempt // as it was
	from, to int      // indexes into the fleet
}

// undo puts the attempt back where it was.
func (s *shift) undo(f *fleet) {
	k := groupOf(s.attempt.Tenant, s.attempt.Owner, s.attempt.Group)
	f.release(s.to, &s.attempt.Demand, 0, k)
	f.hold(s.from, &s.attempt.Demand, s.attempt.GPUs, k)
}

// shift drafts the moves of one bundle and carries them out on the fleet. It reports false, and leaves the fleet as it was, where
// one of them is not possible any more.
func (p *planner) shift(s *solution, bundle []int, now time.Time, r rules) ([]shift, bool, error) {
	f, z := p.fleet, s.puzzle
	out := make([]shift, 0, len(bundle))
	for _, i := range bundle {
		it := &z.items[i]
		from, known := f.index[it.attempt.Node]
		target := s.plan.Assign[i]
		to, ok := f.index[z.names[target]]
		if !known || !ok || f.nodes[to].Version != z.version[target] || f.kept[to] != nil || it.attempt.EvictFor != "" {
			return nil, false, nil
		}
		out = append(out, shift{draft: newDraft(it.record, now, r), attempt: it.attempt, from: from, to: to})
	}
	for i := range out {
		a := out[i].attempt
		f.release(out[i].from, &a.Demand, a.GPUs, groupOf(a.Tenant, a.Owner, a.Group))
	}
	fits := true
	for i := range out {
		a := out[i].attempt
		q := r.request(out[i].draft.Record, now)
		fits = fits && q.closed(f, &f.nodes[out[i].to]) == "" && q.busy(f, out[i].to) == ""
		f.hold(out[i].to, &a.Demand, 0, groupOf(a.Tenant, a.Owner, a.Group))
	}
	if !fits {
		for i := range out {
			out[i].undo(f)
		}
		return nil, false, nil
	}
	for i := range out {
		if err := out[i].draft.move(out[i].attempt.ID, &f.nodes[out[i].to]); err != nil {
			return nil, false, err
		}
	}
	return out, true, nil
}

// move puts a live attempt on another node: it ends, as nobody's failure, and a new one begins there.
func (d *draft) move(id AttemptID, to *Node) error {
	a := d.attempt(id)
	if a == nil || !a.State.Live() {
		return fault.Newf(fault.Conflict, "scheduler.move", "attempt %s is not under way any more", id)
	}
	slot := a.Slot
	d.close(a, AttemptCancelled, fmt.Sprintf("moved to %s", to.ID))
	d.aggregate()
	d.steps = append(d.steps, StepMove)
	return d.place(slot, to, 0)
}

// OptimiserStats says what the searches for better plans did, on this server since it started.
type OptimiserStats struct {
	// Searches counts the searches, Generations those of NSGA-II in them, Moves the attempts that were put elsewhere.
	Searches, Generations, Moves int64
	// Front is the number of plans on the latest front, Gain the share of its score that the latest search saved, 0..1.
	Front int
	Gain  float64
}

// improved adds a search to the statistics, and the attempts that were moved for it.
func (s *Scheduler) improved(found *solution, moved int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := &s.optimiser
	o.Searches++
	o.Generations += found.stats.Generations
	o.Moves += moved
	o.Front, o.Gain = found.front, found.gain
}
