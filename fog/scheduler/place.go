package scheduler

import (
	"slices"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// assignment gives one slot of a job to a node.
type assignment struct {
	slot int
	node int // index into the fleet
}

// fate says what placement made of a job.
type fate uint8

const (
	placed   fate = iota // at least one slot has a node
	busy                 // nodes that could take it are full
	hopeless             // no node that is open now could take it, however idle
)

// shape is what jobs have in common that fare alike.
type shape struct {
	tenant principal.Tenant
	owner  principal.Account
	demand Demand
}

// place fills the open slots of jobs, in their order, with nodes, and takes the room for them. It is a weighted greedy: each slot
// goes to the node that scores best among those that pass every filter. Nothing is placed for a job whose slots could
// not all be filled by the open nodes if they were idle; otherwise as many slots are filled as have room, so that a job of many
// replicas is not starved by jobs of one. The same fleet and jobs give the same plan.
//
// The cost is the number of jobs times the number of nodes, but jobs of a shape that found no room before are skipped.
func place(f *fleet, jobs []Record) ([][]assignment, []fate) {
	plan := make([][]assignment, len(jobs))
	fates := make([]fate, len(jobs))
	full := make(map[shape]fate)
	for i := range jobs {
		q := requestOf(&jobs[i])
		s := shape{q.tenant, q.owner, q.demand}
		plain := len(q.slots) == 1 && len(q.taken) == 0 && len(q.shun) == 0
		if known, ok := full[s]; ok && plain {
			fates[i] = known
			continue
		}
		plan[i], fates[i] = q.place(f)
		if plain && fates[i] != placed {
			full[s] = fates[i]
		}
	}
	return plan, fates
}

// place fills the request's slots.
func (q *request) place(f *fleet) ([]assignment, fate) {
	if len(q.slots) > 1 && q.owners(f) < len(q.slots) {
		return nil, hopeless
	}
	var out []assignment
	for _, slot := range q.slots {
		n, possible := q.best(f)
		if n < 0 {
			if len(out) > 0 {
				break
			}
			if possible {
				return nil, busy
			}
			return nil, hopeless
		}
		out = append(out, assignment{slot: slot, node: n})
		f.load(f.nodes[n].ID, q.demand.capacity())
		q.taken = append(q.taken, f.nodes[n].Owner)
	}
	return out, placed
}

// owners counts the distinct owners whose open nodes could take the job if they were idle.
func (q *request) owners(f *fleet) int {
	var owners []principal.Account
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.Tenant == q.tenant && q.closed(n) == "" && !slices.Contains(owners, n.Owner) {
			owners = append(owners, n.Owner)
			if len(owners) == len(q.slots) {
				break
			}
		}
	}
	return len(owners)
}

// best is the open node with room that scores best, -1 for none, and whether any could take the job if it were idle. Nodes on which
// the job went wrong are taken only where no other could ever take it.
func (q *request) best(f *fleet) (node int, possible bool) {
	node, shunned := -1, -1
	var score, shunnedScore float64
	others := false
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.Tenant != q.tenant || q.closed(n) != "" {
			continue
		}
		possible = true
		shun := len(q.shun) > 0 && q.shuns(n)
		others = others || !shun
		if f.free[i].fits(&q.demand, CodeCPUBusy, CodeMemoryBusy, CodeGPUBusy) != "" {
			continue
		}
		v := q.score(n, f.free[i])
		switch {
		case shun && (shunned < 0 || v > shunnedScore):
			shunned, shunnedScore = i, v
		case !shun && (node < 0 || v > score):
			node, score = i, v
		}
	}
	if node < 0 && !others {
		node = shunned
	}
	return node, possible
}

// score rates a node for the request, higher being better: the share that stays free in the tightest dimension spreads the load, and
// the better the tier, the more speed and trust count.
func (q *request) score(n *Node, free Capacity) float64 {
	left := min(
		freeShare(free.MilliCPU-q.demand.MilliCPU, n.Capacity.MilliCPU),
		freeShare(free.MemoryMB-q.demand.MemoryMB, n.Capacity.MemoryMB),
	)
	if q.demand.MilliGPU > 0 {
		left = min(left, freeShare(free.MilliGPU-q.demand.MilliGPU, n.Capacity.MilliGPU))
	} else if n.Capacity.MilliGPU > 0 {
		left -= 0.25 // keep GPUs for those who need them
	}
	speed := n.Speed
	if speed <= 0 {
		speed = 1
	}
	keen := float64(TermsOf(q.tier).Weight) / 8
	return left + (0.25+keen)*speed/(1+speed) + (0.25+keen)*n.Trust
}

func freeShare(free, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return float64(free) / float64(whole)
}
