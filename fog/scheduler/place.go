package scheduler

import (
	"math"
	"slices"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// assignment gives one slot of a job to a node.
type assignment struct {
	slot int
	node int    // index into the fleet
	gpus uint64 // its devices
}

// fate says what placement made of a job.
type fate uint8

const (
	placed   fate = iota // at least one slot has a node
	busy                 // nodes that could take it are full
	hopeless             // no node that is open now could take it, however idle
)

// place fills the request's open slots with nodes, and takes the room for them. It is a weighted greedy: each slot goes to the node
// that costs least by the tier's weights among those that pass every filter. Nothing is placed for a job whose slots could not all be
// filled by the open nodes if they were idle; otherwise as many slots are filled as have room, so that a job of many replicas is not
// starved by jobs of one. The same fleet and jobs give the same plan.
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
		gpus, _ := pickGPUs(f.gpus[n], q.demand.MilliGPU)
		out = append(out, assignment{slot: slot, node: n, gpus: gpus})
		f.hold(n, &q.demand, gpus, q.group)
		q.taken = append(q.taken, f.nodes[n].Owner)
		q.beside = append(q.beside, f.nodes[n].ID)
	}
	return out, placed
}

// owners counts the distinct owners whose open nodes could take the job if they were idle.
func (q *request) owners(f *fleet) int {
	var owners []principal.Account
	for i := range f.nodes {
		n := &f.nodes[i]
		if n.Tenant == q.tenant && q.closed(f, n) == "" && !slices.Contains(owners, n.Owner) {
			owners = append(owners, n.Owner)
			if len(owners) == len(q.slots) {
				break
			}
		}
	}
	return len(owners)
}

// best is the open node with room that costs least, -1 for none, and whether any could take the job if it were idle. Nodes that
// are a last resort are taken only where no other could ever take it.
func (q *request) best(f *fleet) (node int, possible bool) {
	b := f.board(q)
	if c := &q.job.Constraints; b.uses > 1 && q.plain() && len(c.Spread) == 0 && c.Together == "" {
		return b.best(f, &q.demand), b.open > 0
	}
	return q.scan(f, b)
}

// scan looks at each node.
func (q *request) scan(f *fleet, b *board) (node int, possible bool) {
	var bests [lastResort + 1]struct {
		node int
		cost float64
	}
	for w := range bests {
		bests[w].node, bests[w].cost = -1, math.Inf(1)
	}
	others := false
	for i := range f.nodes {
		n := &f.nodes[i]
		if math.IsInf(b.cost[i], 1) || slices.Contains(q.taken, n.Owner) {
			continue
		}
		possible = true
		want, crowded := q.reluctance(f, n), q.crowded(f, i)
		others = others || want < lastResort && crowded != CodeTogether // away from its group is no choice
		if cost := b.price(f, i, &q.demand); cost < bests[want].cost && crowded == "" {
			bests[want].node, bests[want].cost = i, cost
		}
	}
	switch {
	case bests[willing].node >= 0:
		return bests[willing].node, possible
	case bests[rather].node >= 0:
		return bests[rather].node, possible
	case others:
		return -1, possible
	}
	return bests[lastResort].node, possible
}
