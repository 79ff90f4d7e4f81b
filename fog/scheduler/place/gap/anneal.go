package gap

import (
	"math"
	"math/rand/v2"
)

const (
	breadth   = 16   // candidate nodes kept for each job
	luckTable = 4096 // thresholds of acceptance, drawn at random
	chunk     = 64   // moves between changes of temperature
)

// annealer walks through plans that may break capacity, by shifts, swaps and ejection chains.
type annealer struct {
	*state
	rng    *rand.PCG
	wide   int       // candidate nodes kept for each job
	nodes  []int32   // Jobs*wide: candidate nodes of each job by rising reduced cost
	count  []int32   // of each job: how many candidates it has
	luck   []float64 // thresholds of acceptance at temperature 1
	scale  float64   // mean reduced cost of a second choice
	heat   float64   // temperature
	loose  bool      // jobs may be left out
	moves  int64     // proposed until now
	record record
	floor  []float64
}

// record is the best plan found: least weight left out, then least cost.
type record struct {
	node []int32 // of each job; Nodes: left out
	outs int64   // sum of the weights of able jobs left out
	cost float64
	sum  float64 // as state.sum, at the prices of now
}

// newAnnealer returns an annealer of a state in which every job is left out: that is its first record.
func newAnnealer(s *state, seed uint64) *annealer {
	a := &annealer{
		state: s, rng: rand.NewPCG(seed, 0x9e3779b97f4a7c15), wide: min(s.Nodes, breadth), luck: make([]float64, luckTable),
		count: make([]int32, s.Jobs), floor: make([]float64, len(s.Capacity)),
	}
	a.nodes = make([]int32, s.Jobs*a.wide)
	for at := range a.luck {
		a.luck[at] = -math.Log((float64(at) + 0.5) / luckTable)
	}
	a.record = record{node: make([]int32, s.Jobs), outs: s.outs, sum: math.Inf(1)}
	copy(a.record.node, s.node)
	return a
}

// candidates returns the nodes of least reduced cost for a job, the best first.
func (a *annealer) candidates(job int32) []int32 {
	first := int(job) * a.wide
	return a.nodes[first : first+int(a.count[job])]
}

// rank fills the candidates of each job from the reduced costs.
func (a *annealer) rank() {
	total, seen := 0.0, 0
	for _, job := range a.able {
		near := a.rankOne(job)
		a.count[job] = int32(len(near))
		if len(near) > 1 {
			total += a.pay(job, near[1])
			seen++
		}
	}
	a.scale = 1
	if total > 0 {
		a.scale = total / float64(seen)
	}
	for at, capacity := range a.Capacity {
		if capacity > 0 {
			a.floor[at] = max(1.05*a.slack[at], 0.01*a.scale/float64(capacity))
			a.excess[at] = max(a.excess[at], a.scale/float64(capacity))
		}
	}
	a.recount()
}

// rankOne inserts one job's nodes into its sorted list of candidates.
func (a *annealer) rankOne(job int32) []int32 {
	row := a.reduced[int(job)*a.Nodes : (int(job)+1)*a.Nodes]
	first := int(job) * a.wide
	near := a.nodes[first : first : first+a.wide]
	for node, pay := range row {
		if math.IsInf(pay, 1) || len(near) == a.wide && pay >= row[near[a.wide-1]] {
			continue
		}
		if len(near) < a.wide {
			near = append(near, 0)
		}
		at := len(near) - 1
		for ; at > 0 && row[near[at-1]] > pay; at-- {
			near[at] = near[at-1]
		}
		near[at] = int32(node)
	}
	return near
}

// below returns a number below n from the low 32 bits of x.
func below(x uint64, n int) int { return int((x & 0xffffffff) * uint64(n) >> 32) }

// skewed returns a number below n from the low 16 bits of x, the smaller the likelier: its square root is even.
func skewed(x uint64, n int) int {
	x &= 0xffff
	return int(x * x * uint64(n) >> 32)
}

// propose draws one change and makes it if it costs at most the threshold: a random job goes to one of its candidates; if
// that alone costs too much, a random job of that node comes back in exchange, or moves on to a candidate of its own.
func (a *annealer) propose() {
	x := a.rng.Uint64()
	job := a.able[below(x, len(a.able))]
	x >>= 32
	limit := a.heat * a.luck[x%luckTable]
	x >>= 12
	near := a.candidates(job)
	to := near[skewed(x, len(near))]
	x >>= 16
	if a.loose {
		job, to = a.redraw(job, to)
	}
	from := a.node[job]
	if to == from {
		return
	}
	step := a.pay(job, to) - a.pay(job, from) - a.toll[from] - a.toll[to]
	leave := a.left(from, job)
	if step+leave+a.entered(to, job) <= limit {
		a.move(job, to)
		return
	}
	list := a.jobs[to]
	if len(list) == 0 {
		return
	}
	y := a.rng.Uint64()
	other := list[below(y, len(list))]
	if x&3 != 0 || int(to) == a.Nodes {
		a.swap(job, other, from, to, step, limit)
		return
	}
	near = a.candidates(other)
	if third := near[skewed(y>>32, len(near))]; third != to && third != from {
		a.chain(job, other, to, third, step+leave, limit)
	}
}

// redraw gives jobs that are left out their share of the proposals, and the others a way out.
func (a *annealer) redraw(job, to int32) (int32, int32) {
	x := a.rng.Uint64()
	absent := a.jobs[a.Nodes]
	switch {
	case x&3 == 0 && len(absent) > 0:
		job = absent[below(x>>4, len(absent))]
		near := a.candidates(job)
		return job, near[skewed(x>>40, len(near))]
	case x&12 == 0:
		return job, int32(a.Nodes)
	}
	return job, to
}

// swap exchanges the nodes of two jobs if that costs at most the limit.
func (a *annealer) swap(job, other, from, to int32, step, limit float64) {
	delta := step + a.pay(other, from) - a.pay(other, to)
	if delta > limit {
		return
	}
	if delta += a.traded(from, other, job); delta > limit {
		return
	}
	if delta += a.traded(to, job, other); delta <= limit {
		a.move(job, to)
		a.move(other, from)
	}
}

// chain puts a job on a node and another from there on a third node if that costs at most the limit.
func (a *annealer) chain(job, other, to, third int32, step, limit float64) {
	delta := step + a.pay(other, third) - a.pay(other, to) - a.toll[third]
	if delta > limit {
		return
	}
	if delta += a.traded(to, job, other); delta > limit {
		return
	}
	if delta += a.entered(third, other); delta <= limit {
		a.move(job, to)
		a.move(other, third)
	}
}

// adapt raises the penalty where a node holds more than its capacity and lowers it elsewhere (Yagiura, Ibaraki, Glover 2004,
// section 3.3, there once after each local search).
func (a *annealer) adapt() {
	const raise, fall = 1.1, 0.97
	for at, load := range a.load {
		if load > a.Capacity[at] {
			a.excess[at] *= raise
		} else {
			a.excess[at] = max(a.excess[at]*fall, a.floor[at])
		}
	}
	a.recount()
}

// note keeps the plan of now if it is within capacity and better than the record.
func (a *annealer) note() {
	if a.overs > 0 || a.outs > a.record.outs || a.outs == a.record.outs && a.sum >= a.record.sum {
		return
	}
	cost := a.actual()
	if a.outs == a.record.outs && cost >= a.record.cost && !math.IsInf(a.record.sum, 1) {
		a.record.sum = a.sum
		return
	}
	a.record.outs, a.record.sum, a.record.cost = a.outs, a.sum, cost
	copy(a.record.node, a.node)
}

// epoch cools from one temperature to another over a number of moves; it reports whether it came to its end.
func (a *annealer) epoch(length int64, from, to float64, spend func(int64) int64) bool {
	chunks := (length + chunk - 1) / chunk
	cool := math.Pow(to/from, 1/float64(chunks))
	every := int64(max(1, len(a.able)/chunk))
	a.heat = from
	for at := range chunks {
		granted := spend(chunk)
		for range granted {
			a.propose()
			if a.overs == 0 {
				a.note()
			}
		}
		if granted < chunk {
			return false
		}
		a.heat *= cool
		if at%every == 0 {
			a.adapt()
		}
	}
	return true
}
