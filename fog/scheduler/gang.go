package scheduler

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// gang is the jobs of an array that begin together, or one job whose slots do. Each time one of them has an open slot there are two
// ways to go: all open slots of the gang get nodes in one commit, or none does and what the others have under way is withdrawn. So
// nobody works on for long while another cannot; results that were reported are kept.
type gang struct {
	name    JobID // of the array, or of the single job
	records []Record
	waiting []request // with open slots, in the order of their index
	at      []int     // their records
	working bool      // some have live attempts
	held    bool      // some must not be placed now: the gang waits for them
}

// gangOf is what a gang's jobs wait for.
func gangOf(name JobID, records []Record, now time.Time, r *rules) *gang {
	g := &gang{name: name, records: records}
	sortBy(g.records, func(a, b *Record) int { return cmp.Compare(a.Job.Index, b.Job.Index) })
	for i := range g.records {
		m := &g.records[i]
		g.working = g.working || m.live()
		switch j := &m.Job; {
		case j.State == Pending || j.State == Blocked || j.State == Paused:
			g.held = true
		case j.State != Queued:
		case j.ReadyAt.After(now) && j.Reason != noDevice:
			g.held = true
		default:
			g.waiting, g.at = append(g.waiting, r.request(m, now)), append(g.at, i)
		}
	}
	return g
}

// live reports whether the job has attempts under way.
func (r *Record) live() bool {
	return slices.ContainsFunc(r.Attempts, func(a Attempt) bool { return a.State.Live() })
}

// gangs reports whether the job's slots begin together, or with those of others.
func (j *Job) gangs() bool { return j.Gang && (j.Array != "" || j.Slots > 1) }

// gather settles the gang of a job whose turn it is, once in a round.
func (p *planner) gather(ctx context.Context, plan *plot, r *Record) (bool, error) {
	name, records := r.gang(), []Record{*r}
	if r.Job.Array != "" {
		if p.gangs[name] {
			return true, nil
		}
		p.gangs[name] = true
		var err error
		if records, err = p.s.cfg.Store.Members(ctx, []JobID{name}); err != nil {
			return false, fault.Wrap("scheduler.gang", err)
		}
	}
	g := gangOf(name, records, plan.now, &plan.rules)
	if g.held || len(g.waiting) == 0 {
		return false, nil
	}
	return p.settleGang(plan, r, g)
}

// gang names the gang of a job that has one.
func (r *Record) gang() JobID {
	if r.Job.Array != "" {
		return r.Job.Array
	}
	return r.Job.ID
}

// settleGang finds nodes for what is open of a gang, stops it or lets it wait, and reports whether it found any.
func (p *planner) settleGang(plan *plot, r *Record, g *gang) (bool, error) {
	if !p.admits(r, g.room()) {
		if g.working {
			p.withdraw(plan, g)
		}
		return false, nil
	}
	nodes, fate := g.place(p.fleet)
	switch {
	case fate == placed:
		for k := range nodes {
			if err := p.draw(plan, &g.records[g.at[k]], &g.waiting[k], nodes[k], "gang."+string(g.name)); err != nil {
				return false, err
			}
		}
		delete(p.promises, g.name)
		return true, nil
	case g.working:
		p.withdraw(plan, g)
	case fate == hopeless && !r.Job.ReadyAt.After(plan.now):
		d := newDraft(r, plan.now, plan.rules)
		d.postpone()
		plan.drafts, plan.placing = append(plan.drafts, d), append(plan.placing, nil)
	case fate == busy:
		p.starved = true
		p.awaitGang(plan, g)
	}
	return false, nil
}

// torn reports whether a job of a gang waits anew for a node, though it was not withdrawn with the others: they may be at work.
func (r *Record) torn() bool {
	last := len(r.Attempts) - 1
	return r.Job.State == Queued && r.Job.gangs() && last >= 0 && r.Attempts[last].Reason != disbanded
}

// looksAt is when the planner looks at the gang of a torn job, wherever that stands in the queue, for the next time: a poll interval
// after it may be placed, and in case something came between after twice as long, and so on. The zero time is never.
func (r *Record) looksAt(now time.Time, poll time.Duration) time.Time {
	if poll <= 0 || !r.torn() {
		return time.Time{}
	}
	wait := poll
	for !r.Job.ReadyAt.Add(wait).After(now) {
		wait *= 2
	}
	return r.Job.ReadyAt.Add(wait)
}

// reunite settles the gangs of torn jobs whose timers said so: those that have members at work and cannot go on.
func (p *planner) reunite(ctx context.Context) error {
	if len(p.torn) == 0 || p.broken {
		return nil
	}
	slices.Sort(p.torn)
	firsts, err := p.s.cfg.Store.Load(ctx, slices.Compact(p.torn))
	if err != nil {
		return fault.Wrap("scheduler.gang", err)
	}
	p.torn = nil
	gangs := make(map[JobID][]Record)
	var arrays []JobID
	firsts = slices.DeleteFunc(firsts, func(r Record) bool { return !r.torn() || r.Job.ReadyAt.After(p.s.now()) })
	for i := range firsts {
		r := &firsts[i]
		if r.Job.Array == "" {
			gangs[r.Job.ID] = []Record{*r}
		} else if !slices.Contains(arrays, r.Job.Array) {
			arrays = append(arrays, r.Job.Array)
		}
	}
	members, err := p.s.cfg.Store.Members(ctx, arrays)
	if err != nil {
		return fault.Wrap("scheduler.gang", err)
	}
	for i := range members {
		gangs[members[i].Job.Array] = append(gangs[members[i].Job.Array], members[i])
	}
	plan := &plot{now: p.s.now(), rules: p.s.rules()}
	sortBy(firsts, func(a, b *Record) int { return RankOf(&a.Job).Compare(RankOf(&b.Job)) })
	for i := range firsts {
		name := firsts[i].gang()
		g := gangOf(name, gangs[name], plan.now, &plan.rules)
		delete(gangs, name)
		if g.working && !g.held && len(g.waiting) > 0 {
			if _, err := p.settleGang(plan, &firsts[i], g); err != nil {
				return err
			}
		}
	}
	return p.execute(ctx, plan)
}

// room is what all open slots take.
func (g *gang) room() Capacity {
	var sum Capacity
	for i := range g.waiting {
		sum.add(g.waiting[i].demand.times(len(g.waiting[i].slots)))
	}
	return sum
}

// place finds nodes for all open slots and takes their room, or none. A gang that is to be in one place, and does not fit where its
// first slot would go, tries the others.
func (g *gang) place(f *fleet) ([][]assignment, fate) {
	out, fate := g.placeIn(f, "")
	if fate == placed {
		return out, fate
	}
	for _, domain := range g.domains(f) {
		if out, fate := g.placeIn(f, domain); fate == placed {
			return out, fate
		}
	}
	return nil, fate
}

// placeIn is place in one domain of Constraints.Together; "" is wherever the first slot goes.
func (g *gang) placeIn(f *fleet, domain string) ([][]assignment, fate) {
	out := make([][]assignment, len(g.waiting))
	for k := range g.waiting {
		q := g.waiting[k] // its slices are not the gang's: they grow while it is placed
		q.taken, q.beside, q.within = slices.Clone(q.taken), slices.Clone(q.beside), domain
		nodes, fate := q.place(f)
		out[k] = nodes
		if len(nodes) < len(q.slots) {
			for i := range out[:k+1] {
				for _, a := range out[i] {
					f.release(a.node, &g.waiting[i].demand, a.gpus, g.waiting[i].group)
				}
			}
			if fate == placed {
				fate = busy
			}
			return nil, fate
		}
	}
	return out, placed
}

// maxDomains bounds the places that a gang tries in a round.
const maxDomains = 16

// domains are the values of Constraints.Together whose nodes have enough room between them, those with the most processors free first;
// none where the gang may be anywhere, or its group is somewhere already.
func (g *gang) domains(f *fleet) []string {
	q := &g.waiting[0]
	key := q.job.Constraints.Together
	if key == "" || q.group.name == "" || len(f.counts(q.group, key)) > 0 {
		return nil
	}
	free := make(map[string]Capacity)
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.Tenant != q.tenant || f.free[i].lacks(&q.demand) != dimNone || q.closed(f, n) != "" {
			continue
		}
		sum := free[n.value(key)]
		sum.add(f.free[i])
		free[n.value(key)] = sum
	}
	need := g.room()
	var out []string
	for domain, sum := range free {
		if sum.lacks(&Demand{MilliCPU: need.MilliCPU, MemoryMB: need.MemoryMB, MilliGPU: need.MilliGPU, DiskMB: need.DiskMB, MbitPS: need.MbitPS}) == dimNone {
			out = append(out, domain)
		}
	}
	sortBy(out, func(a, b *string) int {
		return cmp.Or(cmp.Compare(free[*b].MilliCPU, free[*a].MilliCPU), cmp.Compare(*a, *b))
	})
	return out[:min(len(out), maxDomains)]
}

// withdraw takes back what the gang's jobs have under way, as one of them cannot go on.
func (p *planner) withdraw(plan *plot, g *gang) {
	for i := range g.records {
		if !g.records[i].live() {
			continue
		}
		d := newDraft(&g.records[i], plan.now, plan.rules)
		d.disband()
		d.bond = "gang." + string(g.name)
		plan.drafts, plan.placing = append(plan.drafts, d), append(plan.placing, nil)
	}
}

// disbanded is the reason of an attempt that was withdrawn with its gang.
const disbanded = "its gang cannot go on together"

// disband ends the job's live attempts, as nobody's failure.
func (d *draft) disband() {
	for i := range d.Attempts {
		if a := &d.Attempts[i]; a.State.Live() {
			d.close(a, AttemptCancelled, disbanded)
		}
	}
	d.aggregate()
	d.note("withdrawn: %s", disbanded)
	d.steps = append(d.steps, StepWithdraw)
}
