package scheduler

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// evictable reports whether an attempt may be evicted: it is under way and makes way for nobody yet, and its job was evicted less
// than most times in the last hour.
func (d *draft) evictable(id AttemptID, most int) bool {
	a := d.attempt(id)
	return a != nil && a.State.Live() && a.EvictAt.IsZero() && d.guarded(most).IsZero()
}

// evict takes a live attempt off its node for another job: at once where it has not begun or there is no grace, else when the grace
// is over, until when it may finish. It counts as nobody's failure.
func (d *draft) evict(id AttemptID, to JobID, p Params) {
	a := d.attempt(id)
	a.EvictFor, a.EvictAt = to, d.now
	if a.State != AttemptPlaced && p.Grace > 0 {
		a.EvictAt = d.now.Add(p.Grace)
		d.note("slot %d has until %s on %s: it makes way for job %s", a.Slot, a.EvictAt.Format(time.RFC3339), a.Node, to)
		return
	}
	d.evicted(a)
}

// evicted ends an attempt that makes way.
func (d *draft) evicted(a *Attempt) {
	d.close(a, AttemptCancelled, "evicted for job "+string(a.EvictFor))
	d.aggregate()
	d.note("slot %d taken off %s: it made way for job %s", a.Slot, a.Node, a.EvictFor)
}

// reprieve lets an attempt stay after all.
func (d *draft) reprieve(id AttemptID, to JobID) {
	a := d.attempt(id)
	if a == nil || !a.State.Live() || a.EvictFor != to {
		return
	}
	a.EvictAt, a.EvictFor = time.Time{}, ""
	d.note("slot %d stays on %s: job %s does not need its room any more", a.Slot, a.Node, to)
}

// guarded is until when the job's attempts are left alone, because most of them were evicted within an hour; the zero time where they
// are not.
func (d *draft) guarded(most int) time.Time {
	var ends []time.Time
	for i := range d.Attempts {
		if a := &d.Attempts[i]; a.EvictFor != "" && d.now.Sub(a.EvictAt) < time.Hour {
			ends = append(ends, a.EvictAt)
		}
	}
	if len(ends) < most {
		return time.Time{}
	}
	sortBy(ends, func(a, b *time.Time) int { return a.Compare(*b) })
	return ends[len(ends)-most].Add(time.Hour)
}

// victims are occupants of one node that make way together.
type victims struct {
	node   int
	chosen []*occupant
	weight int // the best tier among them
	work   time.Duration
}

// before orders victims by what is lost: the worse tier first, then the least work.
func (v *victims) before(o *victims) bool {
	return cmp.Or(v.weight-o.weight, cmp.Compare(v.work, o.work), len(v.chosen)-len(o.chosen)) < 0
}

// yields reports whether an occupant makes way for a job: one of a better tier, or of the same tier and an owner whose share stays
// the smaller one even then (reclaim). The shares are those after the change, so two owners never take from each other in turn.
func (p *planner) yields(o *occupant, q *request, weight int) bool {
	if !o.evictAt.IsZero() || o.job == q.job.ID || o.user.tenant != q.tenant || p.guards[o.job].After(q.now) {
		return false
	}
	switch theirs := TermsOf(o.tier).Weight; {
	case theirs < weight:
		return true
	case theirs > weight || o.user.owner == q.owner || q.strict:
		return false
	}
	mine := p.roster.user(account{q.tenant, q.owner})
	more, less := mine.used, o.user.used
	more.add(q.demand.capacity())
	less.sub(o.demand.capacity())
	return p.roster.share(mine, more, p.weight(mine.account)) <= p.roster.share(o.user, less, p.weight(o.user.account))
}

// sacrifice is the cheapest set of occupants of a node whose room is enough for the job, nil where there is none: the worst tier first,
// what has not begun before what has, the least work done before more, the latest start before earlier ones. Whoever turns out
// not to be needed in the end is left out.
func (p *planner) sacrifice(i int, q *request, weight int) *victims {
	f := p.fleet
	there := p.roster.nodes[f.nodes[i].ID]
	var able []*occupant
	for k := range there {
		if p.yields(&there[k], q, weight) {
			able = append(able, &there[k])
		}
	}
	free, gpus := f.free[i], slices.Clone(f.gpus[i])
	fits := func() bool {
		_, ok := pickGPUs(gpus, q.demand.MilliGPU)
		return ok && free.lacks(&q.demand) == dimNone
	}
	move := func(o *occupant, sign int64) {
		c := o.demand.times(int(sign))
		free.add(c)
		useGPUs(gpus, o.gpus, -sign*o.demand.MilliGPU)
	}
	sortBy(able, func(x, y **occupant) int {
		a, b := *x, *y
		return cmp.Or(TermsOf(a.tier).Weight-TermsOf(b.tier).Weight, cmp.Compare(a.work(q.now), b.work(q.now)), cmp.Compare(a.id, b.id))
	})
	v := &victims{node: i}
	for _, o := range able {
		if fits() {
			break
		}
		move(o, 1)
		v.chosen = append(v.chosen, o)
	}
	if !fits() {
		return nil
	}
	for k := len(v.chosen) - 1; k >= 0; k-- {
		if move(v.chosen[k], -1); fits() {
			v.chosen = slices.Delete(v.chosen, k, k+1)
		} else {
			move(v.chosen[k], 1)
		}
	}
	if p.unjust(v, q, weight) {
		return nil
	}
	for _, o := range v.chosen {
		v.weight = max(v.weight, TermsOf(o.tier).Weight)
		v.work += o.work(q.now)
	}
	return v
}

// unjust reports whether several victims of one owner together would leave that owner below the one who takes back.
func (p *planner) unjust(v *victims, q *request, weight int) bool {
	lost := make(map[*user]Capacity, 1)
	for _, o := range v.chosen {
		if TermsOf(o.tier).Weight == weight {
			sum := lost[o.user]
			sum.add(o.demand.capacity())
			lost[o.user] = sum
		}
	}
	mine := p.roster.user(account{q.tenant, q.owner})
	more := mine.used
	more.add(q.demand.capacity())
	for u, sum := range lost {
		less := u.used
		less.sub(sum)
		if p.roster.share(mine, more, p.weight(mine.account)) > p.roster.share(u, less, p.weight(u.account)) {
			return true
		}
	}
	return false
}

// work is the time for which the occupant has run.
func (o *occupant) work(now time.Time) time.Duration {
	if o.placed {
		return 0
	}
	return now.Sub(o.began)
}

// maxPresses is for how many jobs a round looks for somebody to evict.
const maxPresses = 8

// press looks for attempts to make way for a job that finds no room. Nothing is evicted where room comes free within the grace anyway,
// nor on nodes that are kept for others; where a promise is old, its node comes first. It answers the new promise, nil for none.
func (p *planner) press(plan *plot, q *request, old *promise) *promise {
	weight := RankOf(q.job).Weight
	if p.params.Evictions < 0 || !p.pushing || p.presses >= maxPresses || !p.roster.softer(account{q.tenant, q.owner}, weight) {
		return nil
	}
	p.presses++
	soon := q.now.Add(max(p.params.Grace, 0))
	if old != nil && !old.start.After(soon) {
		return nil
	}
	best, needed := p.cheapest(q, weight, func(i int) bool {
		at, ok := p.fleet.opening(i, p.roster.nodes[p.fleet.nodes[i].ID], &q.demand, q.now, (*occupant).expected)
		return !ok || at.After(soon)
	})
	if !needed || best == nil {
		return nil
	}
	n := p.fleet.nodes[best.node].ID
	for _, o := range best.chosen {
		plan.evictions = append(plan.evictions, eviction{node: n, attempt: o.id, job: o.job, to: q.job.ID})
	}
	return &promise{weight: weight, on: map[NodeID]Demand{n: q.demand}, start: soon, sure: soon, evicts: true, sought: q.now}
}

// cheapest are the cheapest victims among those of all nodes that the job may have, nil where there are none. With needs it asks first
// whether the job needs victims there, and answers false as soon as it does not.
func (p *planner) cheapest(q *request, weight int, needs func(node int) bool) (best *victims, needed bool) {
	f := p.fleet
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.Tenant != q.tenant || f.kept[i] != nil || len(p.roster.nodes[n.ID]) == 0 ||
			q.closed(f, n) != "" || q.crowded(f, i) != "" || q.reluctance(f, n) == lastResort {
			continue
		}
		if needs != nil && !needs(i) {
			return nil, false
		}
		if v := p.sacrifice(i, q, weight); v != nil && (best == nil || v.before(best)) {
			best = v
		}
	}
	return best, true
}

// softer reports whether anybody runs whom a job of this owner and weight could take room from.
func (r *roster) softer(who account, weight int) bool {
	if r.worse(weight) {
		return true
	}
	for _, u := range r.users {
		if u.live > 0 && u.account != who && u.tenant == who.tenant {
			return true
		}
	}
	return false
}

// eviction is the decision that an attempt makes way for a job.
type eviction struct {
	node    NodeID
	attempt AttemptID
	job, to JobID
}

// displace commits the evictions of a plan: for each evictor all or none. Who turns out not to be evictable is left alone from now
// on, and the next round chooses anew.
func (p *planner) displace(ctx context.Context, plan *plot) error {
	if len(plan.evictions) == 0 {
		return nil
	}
	drafts, err := p.load(ctx, plan, plan.evictions)
	if err != nil {
		return err
	}
	var done []eviction
	var changed []*draft
	for rest := plan.evictions; len(rest) > 0; {
		n := 1 // those of one evictor follow each other
		for n < len(rest) && rest[n].to == rest[0].to {
			n++
		}
		if group := rest[:n]; p.justify(group, drafts, plan.now) { // else what is promised waits for who runs there, as any reservation
			changed = p.oust(group, drafts, changed)
			done = append(done, group...)
		}
		rest = rest[n:]
	}
	p.again = plan.now.Add(p.s.cfg.Poll / 4) // others may want room there too
	stands, err := p.s.commit(ctx, p.fence, changed)
	for i := range stands {
		if stands[i] {
			continue
		}
		for _, e := range done {
			if e.job == changed[i].Job.ID { // what its node says now is what counts
				p.s.marks.release(e.node)
			}
		}
	}
	return err
}

// justify reports whether all victims of one evictor may be evicted. A job of which several slots are to go is evicted as often.
func (p *planner) justify(group []eviction, drafts map[JobID]*draft, now time.Time) bool {
	count := make(map[JobID]int, len(group))
	just := true
	for _, e := range group {
		d := drafts[e.job]
		count[e.job]++
		if left := p.params.Evictions - count[e.job] + 1; d != nil && left > 0 && d.evictable(e.attempt, left) {
			continue
		}
		just = false
		if d != nil {
			p.guards[e.job] = later(d.guarded(p.params.Evictions), now.Add(p.s.cfg.Poll))
		}
	}
	return just
}

// oust drafts the evictions for one evictor, tied together, and adds the drafts that are new to those that changed.
func (p *planner) oust(group []eviction, drafts map[JobID]*draft, changed []*draft) []*draft {
	bond := "evict." + string(group[0].to)
	for _, e := range group {
		d := drafts[e.job]
		if was := d.bond; was != "" && was != bond { // it makes way for two
			for _, other := range changed {
				if other.bond == was {
					other.bond = bond
				}
			}
		}
		d.bond = bond
		d.evict(e.attempt, e.to, p.params)
		p.roster.mark(e.node, e.attempt, e.to, d.attempt(e.attempt).EvictAt)
		if !slices.Contains(changed, d) {
			d.steps = append(d.steps, StepEvict)
			changed = append(changed, d)
		}
	}
	return changed
}

// load makes drafts of the jobs that are to make way or may stay.
func (p *planner) load(ctx context.Context, plan *plot, of []eviction) (map[JobID]*draft, error) {
	ids := make([]JobID, 0, len(of))
	for _, e := range of {
		if !slices.Contains(ids, e.job) {
			ids = append(ids, e.job)
		}
	}
	records, err := p.s.cfg.Store.Load(ctx, ids)
	if err != nil {
		return nil, fault.Wrap("scheduler.evict", err)
	}
	drafts := make(map[JobID]*draft, len(records))
	for i := range records {
		drafts[records[i].Job.ID] = newDraft(&records[i], plan.now, plan.rules)
	}
	return drafts, nil
}

// allows reports whether the quota of a job's owner leaves room for the job.
func (p *planner) allows(q *request) bool {
	who := account{q.tenant, q.owner}
	quota, bound := p.quotas[who]
	return !bound || quota.admits(p.owed.beside(p.roster.user(who), q.job.ID), q.demand.times(len(q.slots)))
}

// relent lets attempts stay whose evictor does not wait any more (it was placed elsewhere, or is over), or cannot have their node any more, which
// was drained for instance, or may not have it by a quota that is smaller now.
func (p *planner) relent(ctx context.Context) error {
	var pending []eviction
	var evictors []JobID
	for n, there := range p.roster.nodes {
		for i := range there {
			if o := &there[i]; o.evictFor != "" {
				pending = append(pending, eviction{node: n, attempt: o.id, job: o.job, to: o.evictFor})
				evictors = append(evictors, o.evictFor)
			}
		}
	}
	if len(pending) == 0 {
		return nil
	}
	sortBy(pending, func(a, b *eviction) int { return cmp.Compare(a.attempt, b.attempt) })
	slices.Sort(evictors)
	records, err := p.s.cfg.Store.Load(ctx, slices.Compact(evictors))
	if err != nil {
		return fault.Wrap("scheduler.evict", err)
	}
	plan := &plot{now: p.s.now(), rules: p.s.rules()}
	waiting := make(map[JobID]*Record, len(records))
	for i := range records {
		if records[i].Job.State == Queued {
			waiting[records[i].Job.ID] = &records[i]
		}
	}
	pending = slices.DeleteFunc(pending, func(e eviction) bool {
		i, known := p.fleet.index[e.node]
		r := waiting[e.to]
		if !known || r == nil {
			return false
		}
		q := plan.rules.request(r, plan.now)
		return q.closed(p.fleet, &p.fleet.nodes[i]) == "" && p.allows(&q)
	})
	if len(pending) == 0 {
		return nil
	}
	drafts, err := p.load(ctx, plan, pending)
	if err != nil {
		return err
	}
	var changed []*draft
	for _, e := range pending {
		d := drafts[e.job]
		if d == nil {
			continue
		}
		if d.reprieve(e.attempt, e.to); d.changed && !slices.Contains(changed, d) {
			d.steps = append(d.steps, StepReprieve)
			changed = append(changed, d)
		}
	}
	if _, err := p.s.commit(ctx, p.fence, changed); err != nil {
		return err
	}
	for _, e := range pending {
		p.roster.mark(e.node, e.attempt, "", time.Time{})
	}
	return nil
}

// mark notes for whom an attempt makes way, and when.
func (r *roster) mark(n NodeID, id AttemptID, to JobID, at time.Time) {
	there := r.nodes[n]
	if i := slices.IndexFunc(there, func(o occupant) bool { return o.id == id }); i >= 0 {
		there[i].evictFor, there[i].evictAt = to, at
	}
}
