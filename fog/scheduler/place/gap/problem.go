package gap

import (
	"math"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// maxCost bounds the size of a finite cost, so that sums and products of costs stay finite.
const maxCost = 1e100

// maxWeight bounds the sum of all weights: integers up to it are exact in a float64.
const maxWeight = 1 << 53

// Problem is an instance of the generalised assignment problem: every job goes to one node, the demands of a node's jobs
// stay within its capacity in every dimension, and the sum of the costs is least. Solve and LowerBound only read it.
type Problem struct {
	Jobs  int // number of jobs; zero: nothing to place
	Nodes int // number of nodes; zero: every job stays unplaced
	Dims  int // number of capacity dimensions; zero: no capacity counts

	// Cost holds the cost of job j on node i at j*Nodes+i, in any unit, also negative, at most 1e100 in size. +Inf forbids
	// the pair.
	Cost []float64
	// Demand holds the demand of job j on node i in dimension d at (j*Nodes+i)*Dims+d or, when Uniform, at j*Dims+d. It is
	// never negative. A demand above the node's capacity forbids the pair.
	Demand []int64
	// Uniform says that a job demands the same on every node.
	Uniform bool
	// Capacity holds the capacity of node i in dimension d at i*Dims+d, in the unit of Demand. It is never negative;
	// math.MaxInt64 is as good as unlimited.
	Capacity []int64
	// Weight holds what it counts to leave job j out, at least 1, when no plan for all jobs is found: the sum of the weights
	// left out is minimised first, cost second. Nil: 1 for every job, so as few jobs as possible stay out. To keep tiers in
	// strict order, weigh a job of one tier more than all jobs of the lower tiers together. The sum may not pass 2^53.
	Weight []int64
}

// Validate returns an Invalid error that names the first field that is wrong, or nil. It reads each number once.
func (p *Problem) Validate() error {
	const op = "gap.validate"
	if err := p.validateShape(op); err != nil {
		return err
	}
	for at, cost := range p.Cost {
		if math.IsNaN(cost) || cost < -maxCost || cost > maxCost && !math.IsInf(cost, 1) {
			return fault.Field(op, "Cost", "job %d on node %d: %v is neither +Inf nor within 1e100 of zero", at/p.Nodes, at%p.Nodes, cost)
		}
	}
	for at, capacity := range p.Capacity {
		if capacity < 0 {
			return fault.Field(op, "Capacity", "node %d, dimension %d: %d is negative", at/p.Dims, at%p.Dims, capacity)
		}
	}
	sum := int64(0)
	for job, weight := range p.Weight {
		if weight < 1 || weight > maxWeight-sum {
			return fault.Field(op, "Weight", "job %d: %d is below 1 or takes the sum beyond 2^53", job, weight)
		}
		sum += weight
	}
	return p.validateDemand(op)
}

// validateShape checks the counts and the lengths of the slices.
func (p *Problem) validateShape(op string) error {
	counts := []struct {
		field string
		n     int
	}{{"Jobs", p.Jobs}, {"Nodes", p.Nodes}, {"Dims", p.Dims}}
	for _, c := range counts {
		if c.n < 0 || c.n >= math.MaxInt32 {
			return fault.Field(op, c.field, "%d is outside 0 to 2^31-2", c.n)
		}
	}
	pairs := p.Nodes
	if p.Uniform {
		pairs = 1
	}
	lengths := []struct {
		field   string
		n       int
		a, b, c int
	}{
		{"Cost", len(p.Cost), p.Jobs, p.Nodes, 1},
		{"Demand", len(p.Demand), p.Jobs, pairs, p.Dims},
		{"Capacity", len(p.Capacity), p.Nodes, p.Dims, 1},
	}
	for _, l := range lengths {
		if !isProduct(l.n, l.a, l.b, l.c) {
			return fault.Field(op, l.field, "has %d entries, not %d x %d x %d", l.n, l.a, l.b, l.c)
		}
	}
	if p.Weight != nil && len(p.Weight) != p.Jobs {
		return fault.Field(op, "Weight", "has %d entries for %d jobs", len(p.Weight), p.Jobs)
	}
	return nil
}

// isProduct reports whether n = a*b*c, for numbers from 0 to 2^31-2, without overflow.
func isProduct(n, a, b, c int) bool {
	if a == 0 || b == 0 || c == 0 {
		return n == 0
	}
	return n%a == 0 && n/a%b == 0 && n/a/b == c
}

// validateDemand checks the sign of every demand, and that a node's demands add up within an int64.
func (p *Problem) validateDemand(op string) error {
	if p.Dims == 0 || p.Nodes == 0 {
		return nil
	}
	row := p.Nodes * p.Dims
	if p.Uniform {
		row = p.Dims
	}
	sum := make([]int64, row)
	for at, demand := range p.Demand {
		column := at % row
		if demand < 0 {
			return fault.Field(op, "Demand", "job %d, node %d, dimension %d: %d is negative", at/row, column/p.Dims, column%p.Dims, demand)
		}
		if demand > p.largest(column) {
			continue // the pair is forbidden, or there is no pair for this job at all
		}
		if sum[column] > math.MaxInt64-demand {
			return fault.Field(op, "Demand", "node %d, dimension %d: the jobs' demands overflow", column/p.Dims, column%p.Dims)
		}
		sum[column] += demand
	}
	return nil
}

// largest returns the largest demand that can count in a column of Demand: the capacity that it is held against.
func (p *Problem) largest(column int) int64 {
	if !p.Uniform {
		return p.Capacity[column]
	}
	most := int64(0)
	for at := column; at < len(p.Capacity); at += p.Dims {
		most = max(most, p.Capacity[at])
	}
	return most
}

// weight returns what it counts to leave a job out.
func (p *Problem) weight(job int) int64 {
	if p.Weight == nil {
		return 1
	}
	return p.Weight[job]
}

// fits reports whether a job's demand on an empty node is within its capacity.
func (p *Problem) fits(job, node int) bool {
	need := p.demand(job, node)
	for d, capacity := range p.Capacity[node*p.Dims : (node+1)*p.Dims] {
		if p.Demand[need+d] > capacity {
			return false
		}
	}
	return true
}

// demand returns where the demands of a job on a node begin.
func (p *Problem) demand(job, node int) int {
	if p.Uniform {
		return job * p.Dims
	}
	return (job*p.Nodes + node) * p.Dims
}
