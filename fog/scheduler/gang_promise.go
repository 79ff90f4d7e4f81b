package scheduler

import (
	"slices"
	"sort"
	"time"
)

// awaitGang keeps room for a gang, as await does for one job.
func (p *planner) awaitGang(plan *plot, g *gang) {
	q := &g.waiting[0]
	stage := stage{q.tenant, RankOf(q.job).Weight}
	k := p.promises[g.name]
	if k != nil && !p.stands(k, q) {
		k = nil
	}
	if k == nil || !k.evicts {
		if made := p.pressGang(plan, g, k); made != nil {
			k = made
		}
	}
	first := !p.first[stage]
	p.first[stage] = true
	if first && p.pushing && (k == nil || !k.evicts && passed(k.sought, plan.now, p.s.cfg.Poll)) {
		k = p.seekGang(g, k, stage.weight)
	}
	if k == nil || !first && !k.evicts {
		delete(p.promises, g.name)
		return
	}
	k.seen = plan.now
	p.promises[g.name] = k
	p.enforce(k, plan.now)
}

// seekGang finds the earliest of the expected ends at which all open slots have room.
func (p *planner) seekGang(g *gang, old *promise, weight int) *promise {
	now := g.waiting[0].now
	if old != nil {
		old.sought = now
	}
	var ends []time.Time
	for i := range p.fleet.nodes {
		for k := range p.roster.nodes[p.fleet.nodes[i].ID] {
			ends = append(ends, p.roster.nodes[p.fleet.nodes[i].ID][k].expected(now))
		}
	}
	sortBy(ends, func(a, b *time.Time) int { return a.Compare(*b) })
	ends = slices.CompactFunc(ends, time.Time.Equal)
	var on map[NodeID]Demand // at the earliest end that was found to do
	at := sort.Search(len(ends), func(i int) bool {
		there := p.together(g, ends[i])
		if there != nil {
			on = there
		}
		return there != nil
	})
	if on == nil {
		return old
	}
	made := &promise{weight: weight, on: on, start: ends[at], sought: now}
	made.sure = p.surely(made, now)
	if old != nil && (!made.start.Before(old.start) || made.sure.After(old.sure)) {
		return old
	}
	return made
}

// surely is by when all promised nodes have room.
func (p *planner) surely(k *promise, now time.Time) time.Time {
	sure := now
	for id, d := range k.on {
		at, _ := p.fleet.opening(p.fleet.index[id], p.roster.nodes[id], &d, now, (*occupant).worst)
		sure = later(sure, at)
	}
	return sure
}

// together is what the gang takes on each node if it is placed when everybody is gone who should be by then; nil where it does not
// fit. The fleet is changed for the time of the question.
func (p *planner) together(g *gang, by time.Time) map[NodeID]Demand {
	f := p.fleet
	type freed struct {
		node int
		o    *occupant
	}
	var gone []freed
	for i := range f.nodes {
		there := p.roster.nodes[f.nodes[i].ID]
		for k := range there {
			if !there[k].expected(g.waiting[0].now).After(by) {
				f.release(i, &there[k].demand, there[k].gpus, groupKey{})
				gone = append(gone, freed{i, &there[k]})
			}
		}
	}
	nodes, fate := g.place(f)
	var on map[NodeID]Demand
	if fate == placed {
		on = g.spread(f, nodes)
		g.release(f, nodes)
	}
	for _, x := range gone {
		f.hold(x.node, &x.o.demand, x.o.gpus, groupKey{})
	}
	return on
}

// spread is what the gang takes on each node.
func (g *gang) spread(f *fleet, nodes [][]assignment) map[NodeID]Demand {
	on := make(map[NodeID]Demand)
	for k := range nodes {
		for _, a := range nodes[k] {
			id := f.nodes[a.node].ID
			on[id] = on[id].plus(&g.waiting[k].demand)
		}
	}
	return on
}

// release gives the room of a gang back that was not placed after all.
func (g *gang) release(f *fleet, nodes [][]assignment) {
	for k := range nodes {
		for _, a := range nodes[k] {
			f.release(a.node, &g.waiting[k].demand, a.gpus, g.waiting[k].group)
		}
	}
}

// plus is the demand of both.
func (d Demand) plus(o *Demand) Demand {
	d.MilliCPU += o.MilliCPU
	d.MemoryMB += o.MemoryMB
	d.MilliGPU += o.MilliGPU
	d.DiskMB += o.DiskMB
	d.MbitPS += o.MbitPS
	return d
}

// pressGang looks for attempts of worse tiers to make way for a gang, slot by slot: all slots must have room then, or nobody goes. The
// fleet is changed for the time of the search.
func (p *planner) pressGang(plan *plot, g *gang, old *promise) *promise {
	q := &g.waiting[0]
	weight, start := RankOf(q.job).Weight, q.now.Add(max(p.params.Grace, 0))
	if p.params.Evictions < 0 || !p.pushing || p.presses >= maxPresses || !p.roster.worse(weight) {
		return nil
	}
	p.presses++
	if old != nil && !old.start.After(start) || p.together(g, start) != nil { // who runs is gone by then
		return nil
	}
	nodes := make([][]assignment, len(g.waiting))
	var gone []*victims
	fits := true
	for k := range g.waiting {
		q := g.waiting[k]
		q.taken, q.beside, q.strict = slices.Clone(q.taken), slices.Clone(q.beside), true
		for _, slot := range q.slots {
			v := p.yielding(&q, weight)
			if v == nil {
				fits = false
				break
			}
			for _, o := range v.chosen {
				p.fleet.release(v.node, &o.demand, o.gpus, groupKey{})
				o.evictAt = start
			}
			gone = append(gone, v)
			gpus, _ := pickGPUs(p.fleet.gpus[v.node], q.demand.MilliGPU)
			p.fleet.hold(v.node, &q.demand, gpus, q.group)
			nodes[k] = append(nodes[k], assignment{slot: slot, node: v.node, gpus: gpus})
			q.taken = append(q.taken, p.fleet.nodes[v.node].Owner)
			q.beside = append(q.beside, p.fleet.nodes[v.node].ID)
		}
	}
	on := g.spread(p.fleet, nodes)
	g.release(p.fleet, nodes)
	for _, v := range gone {
		n := p.fleet.nodes[v.node].ID
		for _, o := range v.chosen {
			p.fleet.hold(v.node, &o.demand, o.gpus, groupKey{})
			o.evictAt = time.Time{}
			if fits {
				plan.evictions = append(plan.evictions, eviction{node: n, attempt: o.id, job: o.job, to: q.job.ID})
			}
		}
	}
	if !fits {
		return nil
	}
	return &promise{weight: weight, on: on, start: start, sure: start, evicts: true, sought: q.now}
}

// yielding is a node with room for one slot, with nobody to make way where there is one, else with the cheapest victims; nil for none.
func (p *planner) yielding(q *request, weight int) *victims {
	if n, _ := q.best(p.fleet); n >= 0 {
		return &victims{node: n}
	}
	best, _ := p.cheapest(q, weight, nil)
	return best
}

// worse reports whether anybody of a worse tier runs.
func (r *roster) worse(weight int) bool {
	for w, n := range r.weights {
		if n > 0 && w < weight {
			return true
		}
	}
	return false
}
