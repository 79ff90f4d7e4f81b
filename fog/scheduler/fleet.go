package scheduler

import (
	"cmp"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// fleet is the nodes with the room that is left on them, as one planner or one explanation sees it.
type fleet struct {
	nodes  []Node // ordered by identifier
	free   []Capacity
	gpus   [][]int16 // free thousandths of each device
	live   []int     // attempts
	member []map[groupKey]int
	groups map[groupKey]*group
	booked []Reservation
	mix    mix
	kept   map[int]*kept // nodes with room that is promised
	ahead  *outlook      // for explanations
	index  map[NodeID]int

	shared bool // several explanations read it at once: nothing may be written
	aims   []Objective
	boards map[shape]*board
	log    []int32 // nodes whose room changed since the boards were made, in order
}

// newFleet knows the objectives by which nodes are compared; nil is Objectives().
func newFleet(nodes []Node, live []Attempt, aims []Objective) *fleet {
	if aims == nil {
		aims = Objectives()
	}
	f := &fleet{
		nodes: make([]Node, len(nodes)), index: make(map[NodeID]int, len(nodes)), aims: aims,
		free: make([]Capacity, len(nodes)), gpus: make([][]int16, len(nodes)), live: make([]int, len(nodes)),
		member: make([]map[groupKey]int, len(nodes)), groups: map[groupKey]*group{}, boards: map[shape]*board{},
	}
	for i := range nodes {
		f.nodes[i] = nodes[i].WithMarks()
		f.index[nodes[i].ID] = i
		f.empty(i)
	}
	f.loadAll(live)
	return f
}

// empty takes everything off a node.
func (f *fleet) empty(i int) {
	for k, n := range f.member[i] {
		f.move(k, i, -n)
	}
	f.free[i], f.live[i], f.member[i] = f.nodes[i].Capacity, 0, nil
	f.gpus[i] = newGPUs(f.nodes[i].Capacity.MilliGPU)
	f.log = append(f.log, int32(i))
}

// renew replaces the nodes, keeps what is known about their load, and names those whose load is not known.
func (f *fleet) renew(nodes []Node) (next *fleet, fresh []NodeID) {
	next = newFleet(nodes, nil, f.aims)
	next.booked, next.mix = f.booked, f.mix
	for i := range nodes {
		old, ok := f.index[nodes[i].ID]
		if !ok || len(f.gpus[old]) != len(next.gpus[i]) {
			fresh = append(fresh, nodes[i].ID)
			continue
		}
		used := f.nodes[old].Capacity
		used.sub(f.free[old])
		next.free[i].sub(used)
		next.live[i] = f.live[old]
		for d, was := range newGPUs(f.nodes[old].Capacity.MilliGPU) {
			next.gpus[i][d] -= was - f.gpus[old][d]
		}
		for k, n := range f.member[old] {
			next.join(k, i, n)
		}
	}
	return next, fresh
}

// join adds n attempts of a group to a node.
func (f *fleet) join(k groupKey, i, n int) {
	if k.name == "" {
		return
	}
	if f.member[i] == nil {
		f.member[i] = make(map[groupKey]int, 1)
	}
	f.member[i][k] += n
	if f.member[i][k] == 0 {
		delete(f.member[i], k)
	}
	f.move(k, i, n)
}

// opens reports whether one of the nodes may take what none of the fleet's could: it takes work and is new or changed.
func (f *fleet) opens(nodes []Node) bool {
	for i := range nodes {
		if !nodes[i].takes() {
			continue
		}
		if f == nil {
			return true
		}
		if old, ok := f.index[nodes[i].ID]; !ok || f.nodes[old].Version != nodes[i].Version {
			return true
		}
	}
	return false
}

// recount takes the live attempts of some nodes for the whole truth about their load.
func (f *fleet) recount(of []NodeID, live []Attempt) {
	for _, n := range of {
		if i, ok := f.index[n]; ok {
			f.empty(i)
		}
	}
	f.loadAll(live)
}

// loadAll takes the room of stored attempts, whatever their order. One whose devices nobody noted gets some, as it runs on some: those
// that the others leave, the smaller identifiers first.
func (f *fleet) loadAll(live []Attempt) {
	var bare []*Attempt
	for i := range live {
		if a := &live[i]; a.GPUs == 0 && a.Demand.MilliGPU > 0 {
			bare = append(bare, a)
		} else {
			f.load(a, a.GPUs)
		}
	}
	sortBy(bare, func(a, b **Attempt) int { return cmp.Compare((*a).ID, (*b).ID) })
	for _, a := range bare {
		if i, ok := f.index[a.Node]; ok {
			mask, _ := pickGPUs(f.gpus[i], a.Demand.MilliGPU)
			f.load(a, mask)
		}
	}
}

// load takes the room of a stored attempt.
func (f *fleet) load(a *Attempt, gpus uint64) {
	if i, ok := f.index[a.Node]; ok {
		f.hold(i, &a.Demand, gpus, groupOf(a.Tenant, a.Owner, a.Group))
	}
}

// hold takes room on a node for one attempt, and release gives it back.
func (f *fleet) hold(i int, d *Demand, gpus uint64, k groupKey) {
	f.free[i].sub(d.capacity())
	useGPUs(f.gpus[i], gpus, d.MilliGPU)
	f.live[i]++
	f.join(k, i, 1)
	f.log = append(f.log, int32(i))
}

func (f *fleet) release(i int, d *Demand, gpus uint64, k groupKey) {
	f.free[i].add(d.capacity())
	useGPUs(f.gpus[i], gpus, -d.MilliGPU)
	f.live[i]--
	f.join(k, i, -1)
	f.log = append(f.log, int32(i))
}

// lighter names the nodes on which less is under way than the fleet knows of. Only the planner adds attempts, so the sums
// tell: whatever ended in another process made them smaller.
func (f *fleet) lighter(usage []Usage) []NodeID {
	live := make([]int, len(f.nodes))
	for _, u := range usage {
		if i, ok := f.index[u.Node]; ok {
			live[i] = u.Live
		}
	}
	var out []NodeID
	for i := range live {
		if live[i] != f.live[i] {
			out = append(out, f.nodes[i].ID)
		}
	}
	return out
}

// room is the processor time that is free on the nodes that take work, in thousandths of a core.
func (f *fleet) room() int64 {
	var sum int64
	for i := range f.nodes {
		if f.nodes[i].takes() && f.free[i].MemoryMB > 0 {
			sum += max(0, f.free[i].MilliCPU)
		}
	}
	return sum
}

// takes reports whether the node may be given new work at all.
func (n *Node) takes() bool { return n.State == NodeUp && !n.Drained }

// runs reports whether the node has what it takes to run a kind of program.
func (n *Node) runs(d *Demand) bool {
	return slices.Contains(n.Executors, d.Executor) && (d.MilliGPU == 0 || slices.Contains(n.Executors, ExecutorGPU))
}

// request is what placement needs to know of a job.
type request struct {
	job    *Job
	tenant principal.Tenant
	owner  principal.Account
	tier   Tier
	demand Demand
	group  groupKey
	now    time.Time
	most   time.Duration       // for which the job may take a node
	strict bool                // it takes nothing from its own tier
	within string              // the value of Constraints.Together that its gang tries; "" for any
	slots  []int               // that are open
	taken  []principal.Account // owners with another slot of the job
	beside []NodeID            // nodes with another slot of the job
	shun   []Attempt           // that went wrong: their nodes, and for ClassJob their owners, come last
}

func requestOf(r *Record, now time.Time) request {
	j := &r.Job
	q := request{
		job: j, tenant: j.Tenant, owner: j.Owner, tier: j.Tier, demand: j.Demand, group: groupOf(j.Tenant, j.Owner, j.Group), now: now,
		slots: r.openSlots(), taken: r.takenOwners(),
	}
	for i := range r.Attempts {
		switch a := &r.Attempts[i]; a.State {
		case AttemptFailed, AttemptLost, AttemptExpired:
			q.shun = append(q.shun, *a)
		}
	}
	if len(q.taken) > 0 {
		q.beside = r.takenNodes()
	}
	return q
}

// plain reports whether all nodes that could take the request's job depend on nothing but its shape.
func (q *request) plain() bool {
	return len(q.slots) == 1 && len(q.taken) == 0 && len(q.shun) == 0
}

// never is "" when the node could take the job if it were up, idle and the job's only one, and else says why not.
func (q *request) never(n *Node) Code {
	switch {
	case !n.runs(&q.demand):
		return CodeNoExecutor
	case n.Owner == q.owner:
		return CodeOwnDevice
	case !q.job.Constraints.admits(n):
		return CodeLabels
	}
	return n.Capacity.short(&q.demand).never()
}

// short is the first dimension in which an idle node of this capacity is too small.
func (c *Capacity) short(d *Demand) dimension {
	if lacking := c.lacks(d); lacking != dimNone {
		return lacking
	}
	if _, ok := pickGPUs(newGPUs(c.MilliGPU), d.MilliGPU); !ok {
		return dimGPU
	}
	return dimNone
}

// closed is "" when the node could take the job if it were idle, and else says why not.
func (q *request) closed(f *fleet, n *Node) Code {
	if c := q.never(n); c != "" {
		return c
	}
	switch {
	case n.State == NodeDown:
		return CodeNodeDown
	case n.Drained:
		return CodeDrained
	case n.State != NodeUp:
		return CodeIneligible
	case q.job.Constraints.tainted(n, Refuse, Evict):
		return CodeTainted
	case f.bookedFor(n, q):
		return CodeReservation
	case slices.Contains(q.taken, n.Owner):
		return CodeReplicaThere
	}
	return ""
}

// busy is "" when an open node has room for the job now, and else says what is missing.
func (q *request) busy(f *fleet, i int) Code {
	if lacking := f.free[i].lacks(&q.demand); lacking != dimNone {
		return lacking.busy()
	}
	if _, ok := pickGPUs(f.gpus[i], q.demand.MilliGPU); !ok {
		return CodeGPUBusy
	}
	return q.crowded(f, i)
}

// crowded is "" when one more job of the request's group may run on the node.
func (q *request) crowded(f *fleet, i int) Code {
	c := &q.job.Constraints
	for _, s := range c.Spread {
		if f.counts(q.group, s.Key)[f.nodes[i].value(s.Key)] >= s.Max {
			return CodeSpread
		}
	}
	if c.Together != "" {
		if q.within != "" && f.nodes[i].value(c.Together) != q.within {
			return CodeTogether
		}
		if counts := f.counts(q.group, c.Together); len(counts) > 0 && counts[f.nodes[i].value(c.Together)] == 0 {
			return CodeTogether
		}
	}
	return ""
}

// reluctance is how little a job wants an open node.
type reluctance uint8

const (
	willing    reluctance = iota
	rather                // any other that has room, as the node is tainted so
	lastResort            // any other that could ever take it: it went wrong here before, or another replica is in the same zone
)

func (q *request) reluctance(f *fleet, n *Node) reluctance {
	switch {
	case q.shuns(n) || q.nearReplica(f, n):
		return lastResort
	case q.job.Constraints.tainted(n, Avoid):
		return rather
	}
	return willing
}

// shuns reports whether the job went wrong on the node before.
func (q *request) shuns(n *Node) bool {
	for i := range q.shun {
		a := &q.shun[i]
		if a.Node == n.ID || a.Class == ClassJob && a.NodeOwner == n.Owner {
			return true
		}
	}
	return false
}

// nearReplica reports whether another replica of the job is in the node's zone.
func (q *request) nearReplica(f *fleet, n *Node) bool {
	for _, other := range q.beside {
		if i, ok := f.index[other]; ok && f.nodes[i].value(LabelZone) == n.value(LabelZone) {
			return true
		}
	}
	return false
}
