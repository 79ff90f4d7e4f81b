package scheduler

import (
	"maps"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// kept is room on a node that a job waits for. Jobs that come after it may use the node only where they do not delay it: EASY
// backfilling (Lifka, "The ANL/IBM SP Scheduling System", JSSPP 1995; Mu'alem and Feitelson, IEEE TPDS 12(6), 2001, section 2),
// with a reservation for the first waiting job of each tier instead of the first of all, and one for each job that evicts.
type kept struct {
	left  time.Duration // until the job starts
	spare Capacity      // what it leaves free on the node when it starts
	gpus  bool          // it takes devices, of which only time can say whether they are free
	also  *kept         // for another, a gang that is to start there at another time
}

// lets reports whether a job that is over after most at the latest may run on the node.
func (k *kept) lets(d *Demand, most time.Duration) bool {
	for ; k != nil; k = k.also {
		if most > k.left && (k.spare.lacks(d) != dimNone || k.gpus && d.MilliGPU > 0) {
			return false
		}
	}
	return true
}

// keep lets later jobs use a node only beside what is kept there, for this one and for those before it.
func (f *fleet) keep(i int, k kept) {
	if f.kept == nil {
		f.kept = make(map[int]*kept)
	}
	k.also = f.kept[i]
	f.kept[i] = &k
	f.log = append(f.log, int32(i))
}

// unkeep lets everybody use all nodes again.
func (f *fleet) unkeep() {
	for i := range f.kept {
		f.log = append(f.log, int32(i))
	}
	clear(f.kept)
}

// open reports whether any node takes work.
func (f *fleet) open() bool {
	return slices.ContainsFunc(f.nodes, func(n Node) bool { return n.takes() })
}

// fill notes that a job was placed on a node where room is kept.
func (f *fleet) fill(i int, d *Demand, most time.Duration) {
	for k := f.kept[i]; k != nil; k = k.also {
		if most > k.left {
			k.spare.sub(d.capacity())
			f.log = append(f.log, int32(i))
		}
	}
}

// longest is how long the node may be taken by a job that is placed now, time spent suspended not counted.
func (r *rules) longest(j *Job) time.Duration { return r.pickUp + j.MaxRuntime + 2*r.lease }

// request is what placement needs to know of a job, with the time for which it may take a node: what is reserved depends on it.
func (r *rules) request(job *Record, now time.Time) request {
	q := requestOf(job, now)
	q.most = r.longest(&job.Job)
	return q
}

// promise is room that is kept for a job or gang that waits, on one node or several.
type promise struct {
	weight int // of the tier
	on     map[NodeID]Demand
	start  time.Time // when it should start
	sure   time.Time // by when it starts, if no attempt is suspended; the zero time where attempts that run now do not end by themselves
	evicts bool      // attempts give way to it
	sought time.Time // when nodes were last compared
	seen   time.Time // when the job last found no room
}

// expected is when the occupant should be gone. Who has run for longer than was thought is thought to need as long again: a prediction that
// came out wrong grows, rather than that all of the time is taken that the job may take (Tsafrir, Etsion and Feitelson, IEEE TPDS 18(6),
// 2007, section 4.2; there it grows by fixed steps, of a minute first, which are long for what takes less than a second).
func (o *occupant) expected(now time.Time) time.Time {
	switch {
	case !o.evictAt.IsZero():
		return o.evictAt
	case o.ends.After(now):
		return o.ends
	}
	worst := o.worst(now)
	if again := now.Add(now.Sub(o.began)); again.Before(worst) && !again.Before(now) {
		return again
	}
	return worst
}

// worst is when the occupant is gone at the latest.
func (o *occupant) worst(now time.Time) time.Time {
	if o.by.After(now) {
		return o.by
	}
	return now
}

// opening is when a node has room for a demand, and false where it never has. The answer holds if everybody there leaves when
// the function leaving says.
func (f *fleet) opening(i int, there []occupant, d *Demand, now time.Time, leaving func(*occupant, time.Time) time.Time) (time.Time, bool) {
	free, gpus := f.free[i], slices.Clone(f.gpus[i])
	fits := func() bool {
		_, ok := pickGPUs(gpus, d.MilliGPU)
		return ok && free.lacks(d) == dimNone
	}
	if fits() {
		return now, true
	}
	order := make([]int, len(there))
	at := make([]time.Time, len(there))
	for k := range there {
		order[k], at[k] = k, leaving(&there[k], now)
	}
	sortBy(order, func(a, b *int) int { return at[*a].Compare(at[*b]) })
	for _, k := range order {
		o := &there[k]
		free.add(o.demand.capacity())
		useGPUs(gpus, o.gpus, -o.demand.MilliGPU)
		if fits() {
			return at[k], true
		}
	}
	return time.Time{}, false
}

// leftover is what stays free on a node beside a demand, when it starts there.
func (f *fleet) leftover(i int, there []occupant, d *Demand, start, now time.Time) Capacity {
	free := f.free[i]
	for k := range there {
		if !there[k].expected(now).After(start) {
			free.add(there[k].demand.capacity())
		}
	}
	free.sub(d.capacity())
	return free
}

// earliest is the open node on which the job can start first by the expected ends of what runs there, -1 for none. Nodes that are
// kept for others are left out, and those that are a last resort while there are others.
func (q *request) earliest(f *fleet, r *roster) (node int, start time.Time) {
	node = -1
	resort := -1
	var late time.Time
	others := false
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.Tenant != q.tenant || q.closed(f, n) != "" || q.crowded(f, i) != "" {
			continue
		}
		last := q.reluctance(f, n) == lastResort
		others = others || !last
		if f.kept[i] != nil {
			continue
		}
		at, ok := f.opening(i, r.nodes[n.ID], &q.demand, q.now, (*occupant).expected)
		switch {
		case !ok:
		case last && (resort < 0 || at.Before(late)):
			resort, late = i, at
		case !last && (node < 0 || at.Before(start)):
			node, start = i, at
		}
	}
	if node < 0 && !others {
		return resort, late
	}
	return node, start
}

// stage is a tenant's queue of one tier.
type stage struct {
	tenant principal.Tenant
	weight int
}

// await keeps room for a job that finds none now: where others make way for it, or, for the first of its tier, where it can start
// first. A promise is kept on its node until the job can start anywhere, unless another node should have room sooner and has it no
// later even if everybody there uses all of its time; so by when the job starts at the latest is never put off, and the wait is bounded by
// the run times of those who were there.
func (p *planner) await(plan *plot, q *request) {
	id, weight := q.job.ID, RankOf(q.job).Weight
	k := p.promises[id]
	if k != nil && !p.stands(k, q) {
		k = nil
	}
	if k == nil || !k.evicts {
		if made := p.press(plan, q, k); made != nil {
			k = made
		}
	}
	stage := stage{q.tenant, weight}
	first := !p.first[stage]
	p.first[stage] = true
	if first && p.pushing && (k == nil || !k.evicts && passed(k.sought, plan.now, p.s.cfg.Poll)) {
		k = p.seek(q, k)
	}
	if k == nil || !first && !k.evicts {
		delete(p.promises, id)
		return
	}
	k.seen = plan.now
	p.promises[id] = k
	p.enforce(k, plan.now)
}

// stands brings a promise up to date, and reports whether it can still be kept.
func (p *planner) stands(k *promise, q *request) bool {
	k.start, k.sure = q.now, q.now
	for id, d := range k.on {
		i, ok := p.fleet.index[id]
		if !ok || q.closed(p.fleet, &p.fleet.nodes[i]) != "" || p.fleet.kept[i] != nil {
			return false
		}
		start, ok := p.fleet.opening(i, p.roster.nodes[id], &d, q.now, (*occupant).expected)
		if !ok {
			return false
		}
		sure, _ := p.fleet.opening(i, p.roster.nodes[id], &d, q.now, (*occupant).worst)
		k.start, k.sure = later(k.start, start), later(k.sure, sure)
	}
	k.evicts = k.evicts && p.roster.gives(k, q.job.ID)
	return true
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// gives reports whether somebody on the promised nodes makes way for the job.
func (r *roster) gives(k *promise, to JobID) bool {
	for id := range k.on {
		if slices.ContainsFunc(r.nodes[id], func(o occupant) bool { return o.evictFor == to }) {
			return true
		}
	}
	return false
}

// seek compares the nodes, and promises another one only where that should be sooner, and is as sure to be.
func (p *planner) seek(q *request, old *promise) *promise {
	if old != nil {
		old.sought = q.now
	}
	i, start := q.earliest(p.fleet, p.roster)
	if i < 0 {
		return old
	}
	n := p.fleet.nodes[i].ID
	sure, _ := p.fleet.opening(i, p.roster.nodes[n], &q.demand, q.now, (*occupant).worst)
	if old != nil && (!start.Before(old.start) || sure.After(old.sure)) {
		return old
	}
	return &promise{weight: RankOf(q.job).Weight, on: map[NodeID]Demand{n: q.demand}, start: start, sure: sure, sought: q.now}
}

// enforce keeps the promised nodes from those who come later.
func (p *planner) enforce(k *promise, now time.Time) {
	for id, d := range k.on {
		i := p.fleet.index[id]
		p.fleet.keep(i, kept{left: k.start.Sub(now), spare: p.fleet.leftover(i, p.roster.nodes[id], &d, k.start, now), gpus: d.MilliGPU > 0})
	}
}

// forget drops the promises to those who do not wait any more, and what is known about who is not to be evicted when that is over.
func (p *planner) forget(now time.Time) {
	maps.DeleteFunc(p.promises, func(_ JobID, k *promise) bool { return passed(k.seen, now, 4*p.s.cfg.Poll) })
	maps.DeleteFunc(p.guards, func(_ JobID, until time.Time) bool { return !until.After(now) })
}
