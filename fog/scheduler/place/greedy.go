package place

import (
	"cmp"
	"math"
	"slices"
)

// Greedy places the jobs one by one, tier after tier and within a tier by falling demand of the first dimension, each where the
// weighted sum of the objectives over their scale rises least. Pinned jobs are placed first. A job that fits nowhere stays
// unplaced. It is the plan that needs no budget: new jobs run on it while Solve looks for better. Weights and scale have one value
// for each objective; the problem must be valid.
func Greedy(p *Problem, weights, scale []float64) Plan {
	g := newGreedy(p)
	return p.plan(g.run(weights, scale))
}

// FirstFit places the jobs in the same order, each on the first node with room for it. It looks at no cost: it is the yardstick
// that scales the objectives of the first Greedy.
func FirstFit(p *Problem) Plan {
	g := newGreedy(p)
	g.reset()
	for _, j := range g.order {
		lo, hi := p.row(j)
		for k := lo; k < hi; k++ {
			if n := p.at(lo, k); fits(g.room(n), p.demand(j)) && p.allows(j, n) {
				g.assign[j] = n
				take(g.room(n), p.demand(j))
				break
			}
		}
	}
	return p.plan(append([]int32(nil), g.assign...))
}

// Scale returns what one unit of each objective is worth: the objectives of a Greedy by equal weights whose own scale were the
// objectives of FirstFit. Objectives that are 0 or less there count in units of 1. So an equal mix asks for equal relative savings.
func Scale(p *Problem) []float64 {
	first := positive(FirstFit(p).Objectives)
	return positive(Greedy(p, equal(p.Objectives), first).Objectives)
}

// positive replaces values that cannot divide by 1.
func positive(values []float64) []float64 {
	for o, v := range values {
		if !(v > 0) {
			values[o] = 1
		}
	}
	return values
}

// greedy is the working memory of Greedy, reused from weight vector to weight vector.
type greedy struct {
	p      *Problem
	order  []int // jobs that are not pinned
	assign []int32
	free   []int64
	open   []float64 // weighted charge for opening each node; 0 once it is open
	cost   []float64 // weighted cost of one row
	factor []float64
	load   *load // nil without a balance term
}

func newGreedy(p *Problem) *greedy {
	g := &greedy{
		p: p, assign: make([]int32, p.Jobs), free: make([]int64, len(p.Free)), open: make([]float64, p.Nodes),
		cost: make([]float64, p.Nodes), factor: make([]float64, p.Objectives), load: newLoad(p),
	}
	for _, j := range p.ranked() {
		if !p.pinned(int(j)) {
			g.order = append(g.order, int(j))
		}
	}
	return g
}

// room is the free room of a node.
func (g *greedy) room(n int32) []int64 {
	return g.free[int(n)*g.p.Dims : (int(n)+1)*g.p.Dims]
}

// reset empties the nodes but for the pinned jobs. A pinned job whose start has no room for it stays unplaced: it may go nowhere else.
func (g *greedy) reset() {
	p := g.p
	copy(g.free, p.Free)
	for j := range g.assign {
		g.assign[j] = -1
		if p.pinned(j) && p.allows(j, p.start(j)) && fits(g.room(p.start(j)), p.demand(j)) {
			g.assign[j] = p.start(j)
			take(g.room(g.assign[j]), p.demand(j))
		}
	}
}

// run places every job and returns the assignment in a slice of its own.
func (g *greedy) run(weights, scale []float64) []int32 {
	p := g.p
	g.reset()
	for o := range g.factor {
		g.factor[o] = weights[o] / scale[o]
	}
	for n := range g.open {
		g.open[n] = 0
		for o, f := range g.factor {
			g.open[n] += f * p.fixed(o, n)
		}
	}
	if g.load != nil {
		g.load.reset(g.factor[p.Balance.Objective])
	}
	for j, n := range g.assign {
		if n >= 0 {
			g.use(j, n)
		}
	}
	for _, j := range g.order {
		if n := g.best(j); n >= 0 {
			g.assign[j] = n
			take(g.room(n), p.demand(j))
			g.use(j, n)
		}
	}
	return append(make([]int32, 0, len(g.assign)), g.assign...)
}

// use notes that a node is open and loaded.
func (g *greedy) use(j int, n int32) {
	g.open[n] = 0
	if g.load != nil {
		g.load.add(n, g.p.demand(j), 1)
	}
}

// best is the node with room where the job costs least, the first of equals; -1 if it fits nowhere.
func (g *greedy) best(j int) int32 {
	p, demand := g.p, g.p.demand(j)
	lo, hi := p.row(j)
	cost := g.cost[:hi-lo]
	p.combine(j, g.factor, cost)
	best, least := int32(-1), math.Inf(1)
	for i, c := range cost {
		n := p.at(lo, lo+i)
		c += g.open[n]
		if g.load != nil && c < least {
			c += g.load.delta(n, demand)
		}
		if c < least && fits(g.room(n), demand) {
			best, least = n, c
		}
	}
	return best
}

// combine writes the weighted cost of each pair of a job, +Inf where the pair is forbidden even if its objective weighs nothing.
func (p *Problem) combine(j int, factor, cost []float64) {
	lo, hi := p.row(j)
	pairs := p.pairs()
	clear(cost)
	for o, f := range factor {
		row := p.Pair[o*pairs+lo : o*pairs+hi]
		if f == 0 {
			for i, c := range row {
				if c > math.MaxFloat64 {
					cost[i] = math.Inf(1)
				}
			}
			continue
		}
		for i, c := range row {
			cost[i] += f * c
		}
	}
	if p.Migration == nil || p.start(j) < 0 {
		return
	}
	move := 0.0
	for o, f := range factor {
		move += f * p.Migration[o*p.Jobs+j]
	}
	for i := range cost {
		if p.at(lo, lo+i) != p.start(j) {
			cost[i] += move
		}
	}
}

// ranked lists the jobs tier after tier, in a tier by falling demand of the first dimension.
func (p *Problem) ranked() []int32 {
	order := make([]int32, p.Jobs)
	for j := range order {
		order[j] = int32(j) //nolint:gosec // Validate bounds Jobs
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.tier(int(a)), p.tier(int(b))), cmp.Compare(p.demand(int(b))[0], p.demand(int(a))[0]))
	})
	return order
}
