package scheduler

import (
	"context"
	"time"
)

// Bounds of what one round places.
const (
	maxPage   = 512
	maxScan   = 512
	maxSweep  = 4096 // jobs that are looked at when the poll interval is over
	maxMisses = 64   // jobs of one line that find no room, before the others' have their turn
	maxLooks  = 1536 // jobs that are looked at in a round, with those that are passed over because others like them found no room
)

// fill places ready jobs in the order of their turns, some at a time, until there is no room or nothing that fits.
func (p *planner) fill(ctx context.Context, sweep bool) error {
	now, room := p.s.now(), p.fleet.room()
	p.behind, p.broken = false, false
	p.pushing = passed(p.pressed, now, p.s.cfg.Poll/4)
	p.starved = room <= 0
	if p.shut = p.starved && !p.fleet.open(); p.starved && !p.pushing {
		return nil
	}
	if p.pushing {
		p.pressed = now
	}
	p.presses, p.params = 0, p.s.params()
	clear(p.full)
	clear(p.first)
	clear(p.gangs)
	p.fleet.unkeep()
	limit, scan, ahead := 16, 16, time.Duration(0) // without room only those for whom others may have to go
	if !p.starved {
		scan, ahead = p.reach(sweep)
		limit = int(min(16+2*room/p.typical, maxPage))
	}
	p.looks, p.most = 0, max(maxLooks, scan)
	t, err := p.queue(ctx, ahead, limit)
	if err != nil {
		return err
	}
	p.capped = false
	for scan > 0 {
		seen, err := p.assign(ctx, t, limit, !sweep)
		if err != nil {
			return err
		}
		if room = p.fleet.room(); room <= 0 {
			p.starved = true
			return nil
		}
		if seen < limit || p.broken {
			return nil
		}
		if scan -= seen; p.looks >= p.most {
			break
		}
		limit = min(2*limit, maxPage)
	}
	if !p.starved && !p.capped {
		p.behind = true
		p.s.marks.ring() // all that was looked at is placed or postponed: there may be more
	}
	return nil
}

// reach is how many jobs a round looks at, and how far into the future they may be postponed: when a node opened, all of
// them are recalled, at most once in each poll interval.
func (p *planner) reach(sweep bool) (scan int, ahead time.Duration) {
	now := p.s.now()
	switch {
	case p.recall && passed(p.recalled, now, p.s.cfg.Poll):
		p.recall, p.recalled = false, now
		return maxSweep, maxPatience
	case sweep:
		return maxSweep, 0
	}
	return maxScan, 0
}

// plot is a plan in the making: decisions that are committed together.
type plot struct {
	now     time.Time
	rules   rules
	drafts  []*draft
	placing [][]assignment // of each draft

	evictions []eviction
}

// assign lets the jobs whose turn it is find nodes, at most limit of them, commits the plan, and answers how many they were. With
// skip a line whose jobs miss again and again loses its turns.
func (p *planner) assign(ctx context.Context, t *turns, limit int, skip bool) (seen int, err error) {
	plan := &plot{now: p.s.now(), rules: p.s.rules()}
	for ; seen < limit; seen++ {
		if p.looks == p.most {
			seen = limit // the queue goes on
			break
		}
		r, line, err := t.next(ctx)
		if err != nil {
			return seen, err
		}
		if r == nil {
			break
		}
		p.looks++
		if p.passes(r) {
			seen--
			continue
		}
		placed, err := p.settle(ctx, plan, r)
		if err != nil {
			return seen, err
		}
		if line.misses++; placed {
			line.misses = 0
		}
		line.last = line.last || skip && len(t.heap) > 1 && line.misses >= maxMisses
	}
	return seen, p.execute(ctx, plan)
}

// passes reports whether a job need not be tried in this round: one of its shape found no room, no room is promised to it, and the first
// of its tier has been tried.
func (p *planner) passes(r *Record) bool {
	j := &r.Job
	if len(p.full) == 0 || j.gangs() || p.promises[j.ID] != nil || !p.first[stage{j.Tenant, RankOf(j).Weight}] {
		return false
	}
	q := requestOf(r, time.Time{})
	return q.plain() && p.full[q.shape()]
}

// settle finds nodes for one job and takes their room, and reports whether it found any.
func (p *planner) settle(ctx context.Context, plan *plot, r *Record) (bool, error) {
	j := &r.Job
	if j.ReadyAt.After(plan.now) && j.Reason != noDevice {
		return false, nil // it backs off, which is no business of a recall
	}
	if j.gangs() { // even where no node is open: those at work may have to stop
		return p.gather(ctx, plan, r)
	}
	if p.shut {
		return false, nil
	}
	q := plan.rules.request(r, plan.now)
	_, bound := p.quotas[account{j.Tenant, j.Owner}]
	if !p.admits(r, j.Demand.times(len(q.slots))) {
		p.owed.set(r, 0)
		return false, nil
	}
	nodes, fate := q.place(p.fleet)
	if bound {
		p.owed.set(r, len(nodes))
	}
	if fate == busy {
		p.starved = true
		if p.await(plan, &q); q.plain() && p.promises[j.ID] == nil {
			p.full[q.shape()] = true
		}
		return false, nil
	}
	if fate == hopeless {
		if j.ReadyAt.After(plan.now) {
			return false, nil // it was recalled in vain
		}
		d := newDraft(r, plan.now, plan.rules)
		d.postpone()
		plan.drafts, plan.placing = append(plan.drafts, d), append(plan.placing, nil)
		return false, nil
	}
	delete(p.promises, j.ID)
	return true, p.draw(plan, r, &q, nodes, "")
}

// admits reports whether the quota of a job's owner leaves room for more, which is all that the job lacks.
func (p *planner) admits(r *Record, more Capacity) bool {
	who := account{r.Job.Tenant, r.Job.Owner}
	quota, bound := p.quotas[who]
	if !bound || quota.admits(p.owed.beside(p.roster.user(who), r.Job.ID), more) {
		return true
	}
	p.capped = true
	return false
}

// draw puts a job on the nodes that were found for it, whose room is taken already. Jobs with the same bond stand or fall together.
func (p *planner) draw(plan *plot, r *Record, q *request, nodes []assignment, bond string) error {
	d := newDraft(r, plan.now, plan.rules)
	for _, a := range nodes {
		if err := d.place(a.slot, &p.fleet.nodes[a.node], a.gpus); err != nil {
			return err
		}
		p.roster.load(&d.Attempts[len(d.Attempts)-1])
		p.fleet.fill(a.node, &r.Job.Demand, q.most)
	}
	d.bond = bond
	d.steps = append(d.steps, StepPlace)
	p.seen.note(r.Job.Demand)
	p.better.note(d)
	p.typical = max(1, (7*p.typical+r.Job.Demand.MilliCPU)/8)
	plan.drafts, plan.placing = append(plan.drafts, d), append(plan.placing, nodes)
	return nil
}

// times is the room that a demand takes up several times.
func (d *Demand) times(n int) Capacity {
	c, k := d.capacity(), int64(n)
	return Capacity{MilliCPU: k * c.MilliCPU, MemoryMB: k * c.MemoryMB, MilliGPU: k * c.MilliGPU, DiskMB: k * c.DiskMB, MbitPS: k * c.MbitPS}
}

// execute commits the plan, and gives the room back of what was not written because somebody else changed the job meanwhile. Where jobs
// found no room in this round that is theirs before it is that of those who come after them, so the round ends and the next one
// begins with the first job.
func (p *planner) execute(ctx context.Context, plan *plot) error {
	stands, err := p.s.commit(ctx, p.fence, plan.drafts)
	if err != nil {
		return err
	}
	for i, d := range plan.drafts {
		if stands[i] {
			continue
		}
		j := &d.Job
		for k, a := range plan.placing[i] {
			p.fleet.release(a.node, &j.Demand, a.gpus, groupOf(j.Tenant, j.Owner, j.Group))
			attempt := &d.Attempts[len(d.Attempts)-len(plan.placing[i])+k]
			p.roster.drop(attempt.Node, attempt.ID)
			p.broken = p.broken || p.wants()
		}
	}
	if p.broken {
		p.s.marks.ring()
	}
	return p.displace(ctx, plan)
}
