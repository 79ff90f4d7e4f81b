package place

import (
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Plan is one answer: a node for each job.
type Plan struct {
	Assign     []int32   // the node of each job, -1 for not placed
	Objectives []float64 // of the jobs that are placed, with fixed charges, balance and migration
	Unplaced   []int32   // the jobs without a node, ascending; nil when every job has one
}

// Score is the weighted sum of objectives over their scale: what a profile compares plans of equally many placed jobs by.
func Score(objectives, weights, scale []float64) float64 {
	sum := 0.0
	for o, f := range objectives {
		sum += weights[o] / scale[o] * f
	}
	return sum
}

// Evaluate computes the objectives of an assignment from the problem alone and returns it as a plan. The error is of kind Invalid
// and names the first job on a node that is forbidden or too full, or pinned and elsewhere.
func Evaluate(p *Problem, assign []int32) (Plan, error) {
	const op = "place.evaluate"
	if len(assign) != p.Jobs {
		return Plan{}, fault.Field(op, "assign", "has %d jobs, not %d", len(assign), p.Jobs)
	}
	free := slices.Clone(p.Free)
	for j, n := range assign {
		if n < -1 || int(n) >= p.Nodes {
			return Plan{}, fault.Field(op, "assign", "of job %d is %d", j, n)
		}
		if p.pinned(j) && n >= 0 && n != p.start(j) {
			return Plan{}, fault.Field(op, "assign", "moves job %d, which is pinned", j)
		}
		if n < 0 {
			continue
		}
		if !p.allows(j, n) {
			return Plan{}, fault.Field(op, "assign", "puts job %d on node %d, which is forbidden", j, n)
		}
		room := free[int(n)*p.Dims : (int(n)+1)*p.Dims]
		if !fits(room, p.demand(j)) {
			return Plan{}, fault.Field(op, "assign", "overfills node %d with job %d", n, j)
		}
		take(room, p.demand(j))
	}
	return p.plan(slices.Clone(assign)), nil
}

// allows reports whether the pair is a candidate and not forbidden.
func (p *Problem) allows(j int, n int32) bool {
	k := p.pair(j, n)
	return k >= 0 && !p.forbidden(k)
}

// plan computes the objectives of an assignment that is known to be feasible, and keeps the slice.
func (p *Problem) plan(assign []int32) Plan {
	out := Plan{Assign: assign[:len(assign):len(assign)], Objectives: make([]float64, p.Objectives)}
	e := newEvaluator(p)
	e.objectives(assign, out.Objectives)
	for j, n := range assign {
		if n < 0 {
			out.Unplaced = append(out.Unplaced, int32(j)) //nolint:gosec // as many as jobs
		}
	}
	return out
}

// evaluator computes objectives without allocating.
type evaluator struct {
	p    *Problem
	open []bool
	load []int64 // only with a balance term
}

func newEvaluator(p *Problem) *evaluator {
	e := &evaluator{p: p, open: make([]bool, p.Nodes)}
	if p.Balance.Weight > 0 {
		e.load = make([]int64, p.Nodes*p.Dims)
	}
	return e
}

// objectives writes the objectives of a feasible assignment, in one order of summation: equal assignments have equal bits.
func (e *evaluator) objectives(assign []int32, out []float64) {
	p, pairs := e.p, e.p.pairs()
	clear(out)
	clear(e.open)
	clear(e.load)
	for j, n := range assign {
		if n < 0 {
			continue
		}
		e.open[n] = true
		k := p.pair(j, n)
		for o := range out {
			out[o] += p.Pair[o*pairs+k] + p.charge(o, j, n)
		}
		if e.load != nil {
			put(e.load[int(n)*p.Dims:], p.demand(j))
		}
	}
	for n, open := range e.open {
		if !open {
			continue
		}
		for o := range out {
			out[o] += p.fixed(o, n)
		}
		if e.load != nil {
			out[p.Balance.Objective] += p.imbalance(n, e.load[n*p.Dims:(n+1)*p.Dims])
		}
	}
}

// tiers adds the score of an assignment to own, for each tier's jobs.
func (e *evaluator) tiers(assign []int32, weights, scale, own []float64) {
	p, pairs := e.p, e.p.pairs()
	for j, n := range assign {
		if n < 0 {
			continue
		}
		k := p.pair(j, n)
		for o, w := range weights {
			own[p.tier(j)] += w / scale[o] * (p.Pair[o*pairs+k] + p.charge(o, j, n))
		}
	}
}

// imbalance is the balance term of a node that bears a load of these jobs.
func (p *Problem) imbalance(n int, load []int64) float64 {
	sum := 0.0
	for d, q := range load {
		size, used := p.size(n, d)
		if size > 0 {
			sum += float64(q) * (2*used + float64(q)) / (size * size)
		}
	}
	return p.Balance.Weight * sum
}

// size is the whole size of a node in a dimension, and what others use of it.
func (p *Problem) size(n, d int) (size, used float64) {
	free := p.Free[n*p.Dims+d]
	if p.Balance.Size == nil {
		return float64(free), 0
	}
	whole := p.Balance.Size[n*p.Dims+d]
	return float64(whole), float64(whole - free)
}

// take subtracts a demand from a node's free room.
func take(free, demand []int64) {
	for d, q := range demand {
		free[d] -= q
	}
}

// put gives a demand back to a node's free room.
func put(free, demand []int64) {
	for d, q := range demand {
		free[d] += q
	}
}
