package scheduler

import (
	"slices"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// fleet is the nodes with the room that is left on them, as one planner or one explanation sees it.
type fleet struct {
	nodes []Node // ordered by identifier
	free  []Capacity
	live  []int // attempts
	index map[NodeID]int
}

func newFleet(nodes []Node, live []Attempt) *fleet {
	f := &fleet{nodes: nodes, index: make(map[NodeID]int, len(nodes))}
	for i := range nodes {
		f.index[nodes[i].ID] = i
	}
	f.recount(nil, live)
	return f
}

// renew replaces the nodes, keeps what is known about their load, and names those whose load is not known.
func (f *fleet) renew(nodes []Node) (next *fleet, fresh []NodeID) {
	next = newFleet(nodes, nil)
	for i := range nodes {
		old, ok := f.index[nodes[i].ID]
		if !ok {
			fresh = append(fresh, nodes[i].ID)
			continue
		}
		used := f.nodes[old].Capacity
		used.sub(f.free[old])
		next.free[i].sub(used)
		next.live[i] = f.live[old]
	}
	return next, fresh
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

// recount takes the live attempts of some nodes (nil: of all) for the whole truth about their load.
func (f *fleet) recount(of []NodeID, live []Attempt) {
	if of == nil {
		f.free = make([]Capacity, len(f.nodes))
		f.live = make([]int, len(f.nodes))
		for i := range f.nodes {
			f.free[i] = f.nodes[i].Capacity
		}
	}
	for _, n := range of {
		if i, ok := f.index[n]; ok {
			f.free[i], f.live[i] = f.nodes[i].Capacity, 0
		}
	}
	for i := range live {
		f.load(live[i].Node, live[i].Demand.capacity())
	}
}

// load takes room on a node for one attempt.
func (f *fleet) load(n NodeID, c Capacity) {
	if i, ok := f.index[n]; ok {
		f.free[i].sub(c)
		f.live[i]++
	}
}

// unload gives the room of one attempt back.
func (f *fleet) unload(n NodeID, c Capacity) {
	if i, ok := f.index[n]; ok {
		f.free[i].add(c)
		f.live[i]--
	}
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

// fits is "" when the demand fits into the capacity, and else names the first dimension in which it does not.
func (c Capacity) fits(d *Demand, cpu, memory, gpu Code) Code {
	switch {
	case d.MilliCPU > c.MilliCPU:
		return cpu
	case d.MemoryMB > c.MemoryMB:
		return memory
	case d.MilliGPU > c.MilliGPU:
		return gpu
	}
	return ""
}

// request is what placement needs to know of a job.
type request struct {
	tenant principal.Tenant
	owner  principal.Account
	tier   Tier
	demand Demand
	slots  []int               // that are open
	taken  []principal.Account // owners with another slot of the job
	shun   []Attempt           // that went wrong: their nodes, and for ClassJob their owners, come last
}

func requestOf(r *Record) request {
	q := request{
		tenant: r.Job.Tenant, owner: r.Job.Owner, tier: r.Job.Tier, demand: r.Job.Demand,
		slots: r.openSlots(), taken: r.takenOwners(),
	}
	for i := range r.Attempts {
		switch r.Attempts[i].State {
		case AttemptFailed, AttemptLost, AttemptExpired:
			q.shun = append(q.shun, r.Attempts[i])
		}
	}
	return q
}

// never is "" when the node could take the job if it were up, idle and the job's only one, and else says why not.
func (q *request) never(n *Node) Code {
	switch {
	case !n.runs(&q.demand):
		return CodeNoExecutor
	case n.Owner == q.owner:
		return CodeOwnDevice
	}
	return n.Capacity.fits(&q.demand, CodeCPUNever, CodeMemoryNever, CodeGPUNever)
}

// closed is "" when the node could take the job if it were idle, and else says why not.
func (q *request) closed(n *Node) Code {
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
	case slices.Contains(q.taken, n.Owner):
		return CodeReplicaThere
	}
	return ""
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
