package scheduler

import (
	"math"
	"reflect"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// shape is what jobs have in common for which all nodes rank alike.
type shape struct {
	tenant   principal.Tenant
	owner    principal.Account
	tier     Tier
	demand   Demand
	estimate time.Duration
	longest  time.Duration
	dataMB   float64
	dataAt   string
	group    string // where constraints speak of it
	wishes   string // constraints
}

func (q *request) shape() shape {
	j := q.job
	s := shape{
		tenant: j.Tenant, owner: j.Owner, tier: j.Tier, demand: j.Demand, estimate: j.Estimate, longest: j.MaxRuntime,
		dataMB: j.DataMB, dataAt: j.DataAt,
	}
	if c := &j.Constraints; len(c.Require)+len(c.Prefer)+len(c.Tolerate)+len(c.Spread) > 0 || c.Together != "" {
		s.wishes = string(canonical(nil, reflect.ValueOf(c).Elem()))
		if len(c.Spread) > 0 || c.Together != "" {
			s.group = j.Group
		}
	}
	return s
}

// board ranks the nodes of a fleet for the jobs of one shape. What does not depend on the load is computed once. From the second
// job on, a heap keeps the cheapest node on top and follows the fleet's log of changes, so that a job costs the logarithm
// of the number of nodes instead of a look at each.
type board struct {
	cost    []float64 // without what depends on the load; +Inf where the node is closed
	fixed   []float64 // beside, while the node is idle
	want    []reluctance
	balance float64
	longest time.Duration // of the jobs, from their placement on
	open    int           // nodes that could take the job if they were idle
	uses    int

	heap []int32 // nodes, cheapest first
	at   []int32 // where each node is in the heap
	now  []float64
	seen int // how much of the fleet's log the heap has followed
}

// maxBoards bounds the memory of a fleet that is asked for jobs of many shapes.
const maxBoards = 64

// board is the ranking for a request.
func (f *fleet) board(q *request) *board {
	s := q.shape()
	b := f.boards[s]
	if b == nil {
		if len(f.boards) >= maxBoards {
			clear(f.boards)
		}
		b = f.newBoard(q)
		f.boards[s] = b
	}
	if len(f.log) > 4*len(f.nodes)+1024 {
		for _, other := range f.boards {
			other.heap, other.seen = nil, 0
		}
		f.log = f.log[:0]
	}
	b.uses++
	return b
}

// newBoard asks the objectives about each open node.
func (f *fleet) newBoard(q *request) *board {
	n := len(f.nodes)
	b := &board{cost: make([]float64, n), fixed: make([]float64, n), want: make([]reluctance, n), longest: q.most}
	plain := *q
	plain.taken, plain.beside, plain.shun = nil, nil, nil
	for i := range f.nodes {
		if n := &f.nodes[i]; n.Tenant != q.tenant || plain.closed(f, n) != "" {
			b.cost[i] = math.Inf(1)
			continue
		}
		b.open++
		b.want[i] = plain.reluctance(f, &f.nodes[i])
		b.cost[i] = -q.job.Constraints.liking(&f.nodes[i])
		if q.demand.MilliGPU == 0 && f.nodes[i].Capacity.MilliGPU > 0 {
			b.cost[i] += keepGPUs
		}
	}
	for k := range f.aims {
		b.add(f, q.job, &f.aims[k])
	}
	return b
}

// keepGPUs is what it costs to put a job that needs no GPU where one is, beside objectives that sum to at most 1.
const keepGPUs = 0.25

// add adds one objective to the costs.
func (b *board) add(f *fleet, j *Job, o *Objective) {
	weight := o.Weight(j.Tier)
	if o.Balance {
		b.balance += weight
		return
	}
	pairs := make([]float64, len(f.nodes))
	fixed := make([]float64, len(f.nodes))
	scale := 0.0
	for i := range f.nodes {
		if math.IsInf(b.cost[i], 1) {
			continue
		}
		if o.Pair != nil {
			pairs[i] = o.Pair(j, &f.nodes[i])
		}
		if o.Fixed != nil {
			fixed[i] = o.Fixed(&f.nodes[i])
		}
		scale = max(scale, pairs[i]+fixed[i])
	}
	if !(scale > 0) || math.IsInf(scale, 1) {
		return
	}
	for i := range pairs {
		b.cost[i] += weight * pairs[i] / scale
		b.fixed[i] += weight * fixed[i] / scale
	}
}

// price is what a node costs now; +Inf where it has no room.
func (b *board) price(f *fleet, i int, d *Demand) float64 {
	c := b.cost[i]
	if math.IsInf(c, 1) || f.free[i].lacks(d) != dimNone {
		return math.Inf(1)
	}
	if len(f.kept) > 0 && f.kept[i] != nil && !f.kept[i].lets(d, b.longest) {
		return math.Inf(1)
	}
	var devices uint64
	if d.MilliGPU > 0 {
		mask, ok := pickGPUs(f.gpus[i], d.MilliGPU)
		if !ok {
			return math.Inf(1)
		}
		devices = mask
	}
	if f.live[i] == 0 {
		c += b.fixed[i]
	}
	if b.want[i] == rather {
		c += unwanted
	}
	if d.MilliGPU > 0 && len(f.mix) > 0 {
		return c + b.balance*f.strands(i, d, devices)/oneGPU
	}
	whole := &f.nodes[i].Capacity
	used := *whole
	used.sub(f.free[i])
	before := whole.fullest(&used)
	used.add(d.capacity())
	after := whole.fullest(&used)
	return c + b.balance*(after*after-before*before+f.strands(i, d, 0)/oneGPU)
}

// unwanted puts the nodes that a job would rather not have behind all others.
const unwanted = 1e6

// best is the node with room that costs least, -1 for none.
func (b *board) best(f *fleet, d *Demand) int {
	if b.heap == nil {
		b.build(f, d)
	}
	for ; b.seen < len(f.log); b.seen++ {
		b.follow(f, int(f.log[b.seen]), d)
	}
	if len(b.heap) == 0 || math.IsInf(b.now[b.heap[0]], 1) {
		return -1
	}
	return int(b.heap[0])
}

// build makes the heap from the open nodes.
func (b *board) build(f *fleet, d *Demand) {
	n := len(f.nodes)
	b.heap, b.at, b.now = make([]int32, 0, b.open), make([]int32, n), make([]float64, n)
	for i := range n {
		if b.now[i] = b.price(f, i, d); !math.IsInf(b.cost[i], 1) {
			b.at[i] = int32(len(b.heap))
			b.heap = append(b.heap, int32(i))
		}
	}
	for i := len(b.heap)/2 - 1; i >= 0; i-- {
		b.down(i)
	}
	b.seen = len(f.log)
}

// follow prices one node anew.
func (b *board) follow(f *fleet, i int, d *Demand) {
	if math.IsInf(b.cost[i], 1) {
		return
	}
	price := b.price(f, i, d)
	if price == b.now[i] {
		return
	}
	b.now[i] = price
	at := int(b.at[i])
	b.up(at)
	b.down(int(b.at[i]))
}

// before orders nodes by price, and those of one price by their identifiers.
func (b *board) before(x, y int32) bool {
	return b.now[x] < b.now[y] || b.now[x] == b.now[y] && x < y
}

func (b *board) swap(i, k int) {
	b.heap[i], b.heap[k] = b.heap[k], b.heap[i]
	b.at[b.heap[i]], b.at[b.heap[k]] = int32(i), int32(k)
}

func (b *board) up(i int) {
	for i > 0 && b.before(b.heap[i], b.heap[(i-1)/2]) {
		b.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (b *board) down(i int) {
	for {
		least := i
		for k := 2*i + 1; k <= 2*i+2 && k < len(b.heap); k++ {
			if b.before(b.heap[k], b.heap[least]) {
				least = k
			}
		}
		if least == i {
			return
		}
		b.swap(i, least)
		i = least
	}
}
