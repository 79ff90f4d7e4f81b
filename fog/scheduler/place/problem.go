package place

import (
	"math"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Problem is one placement, in struct-of-arrays form. The caller must not change the arrays during a call.
//
// A pair is one job on one node. With Row nil every job has a pair with every node and the pairs lie job by job, so that pair
// j*Nodes+n is job j on node n. With Row set, job j has only the pairs Row[j] to Row[j+1]-1, and Node names their nodes in
// ascending order: so 10,000 nodes need no more memory than the candidates that each job has.
type Problem struct {
	Jobs, Nodes int // at least 0 jobs and 1 node
	Dims        int // dimensions of capacity (cpu, memory, gpu ...), at least 1; the first orders the jobs of Greedy
	Objectives  int // at least 1

	Demand []int64 // [job][dimension], at least 0
	// Free is the room of each node for the jobs of this problem, [node][dimension]. The room that jobs with a Start hold now is
	// counted as free. A node with less than nothing free takes no job that demands the dimension.
	Free []int64

	Pair []float64 // [objective][pair]: cost of the pair; +Inf in any objective forbids it; otherwise finite
	Row  []int     // Jobs+1 offsets of each job's pairs; nil: every node is a candidate of every job
	Node []int32   // with Row: the node of each pair

	Fixed   []float64 // [objective][node], charged once while the node has one of these jobs, at least 0; nil: nothing
	Balance Balance   // load-balance term; the zero value has none

	Tier []uint8 // of each job, 0 the best; nil: all 0

	// Start is the node where each job runs now, -1 for nowhere; nil: all -1. A start that is not a candidate, or forbidden, is a
	// node that the job must leave.
	Start []int32
	// Migration is charged once to a job with a Start that is placed elsewhere, [objective][job], at least 0; nil: nothing. It is
	// the gain below which a running job does not move.
	Migration []float64
	// Pinned jobs stay where they start whatever it costs; nil: none. A pinned job needs a Start that is a candidate.
	Pinned []bool
}

// Balance is a load-balance term: Weight times the sum, over nodes and dimensions, of the squared share in use, less the same sum
// before any of these jobs. The square makes the last tenth of a node dearer than the first, so load spreads.
type Balance struct {
	Objective int     // which objective bears it
	Weight    float64 // at least 0; 0: no term
	Size      []int64 // whole size of each node, [node][dimension], at least Free; nil: Free; a dimension of size 0 does not count
}

const opValidate = "place.validate"

// Validate names the first field that is wrong with a fault of kind Invalid.
func (p *Problem) Validate() error {
	switch {
	case p.Jobs < 0 || p.Jobs > math.MaxInt32:
		return fault.Field(opValidate, "Jobs", "is %d, not 0 to 2^31-1", p.Jobs)
	case p.Nodes < 1 || p.Nodes > math.MaxInt32:
		return fault.Field(opValidate, "Nodes", "is %d, not 1 to 2^31-1", p.Nodes)
	case p.Dims < 1:
		return fault.Field(opValidate, "Dims", "is %d, below 1", p.Dims)
	case p.Objectives < 1:
		return fault.Field(opValidate, "Objectives", "is %d, below 1", p.Objectives)
	}
	if err := p.validateRows(); err != nil {
		return err
	}
	if p.Row == nil && p.Jobs > math.MaxInt32/p.Nodes || len(p.Node) > math.MaxInt32 {
		return fault.Field(opValidate, "Row", "is needed: more than 2^31-1 pairs")
	}
	for _, f := range []struct {
		name      string
		has, want int
		optional  bool
	}{
		{"Demand", len(p.Demand), p.Jobs * p.Dims, false},
		{"Free", len(p.Free), p.Nodes * p.Dims, false},
		{"Pair", len(p.Pair), p.Objectives * p.pairs(), false},
		{"Fixed", len(p.Fixed), p.Objectives * p.Nodes, true},
		{"Balance.Size", len(p.Balance.Size), p.Nodes * p.Dims, true},
		{"Tier", len(p.Tier), p.Jobs, true},
		{"Start", len(p.Start), p.Jobs, true},
		{"Migration", len(p.Migration), p.Objectives * p.Jobs, true},
		{"Pinned", len(p.Pinned), p.Jobs, true},
	} {
		if f.has != f.want && (f.has != 0 || !f.optional) {
			return fault.Field(opValidate, f.name, "has %d values, not %d", f.has, f.want)
		}
	}
	return p.validateValues()
}

// validateRows checks the candidate lists.
func (p *Problem) validateRows() error {
	if p.Row == nil {
		if len(p.Node) != 0 {
			return fault.Field(opValidate, "Node", "is set without Row")
		}
		return nil
	}
	if len(p.Row) != p.Jobs+1 || p.Row[0] != 0 || p.Row[p.Jobs] != len(p.Node) {
		return fault.Field(opValidate, "Row", "does not span Node")
	}
	for j := range p.Jobs {
		if p.Row[j] > p.Row[j+1] {
			return fault.Field(opValidate, "Row", "falls at job %d", j)
		}
		for k := p.Row[j]; k < p.Row[j+1]; k++ {
			if n := p.Node[k]; n < 0 || int(n) >= p.Nodes || k > p.Row[j] && n <= p.Node[k-1] {
				return fault.Field(opValidate, "Node", "of pair %d is out of range or order", k)
			}
		}
	}
	return nil
}

// validateValues checks every number.
func (p *Problem) validateValues() error {
	for i, d := range p.Demand {
		if d < 0 {
			return fault.Field(opValidate, "Demand", "of job %d is below 0", i/p.Dims)
		}
	}
	for i, c := range p.Pair {
		if math.IsNaN(c) || math.IsInf(c, -1) {
			return fault.Field(opValidate, "Pair", "value %d is %g", i, c)
		}
	}
	if i := badCharge(p.Fixed); i >= 0 {
		return fault.Field(opValidate, "Fixed", "value %d is %g", i, p.Fixed[i])
	}
	if i := badCharge(p.Migration); i >= 0 {
		return fault.Field(opValidate, "Migration", "value %d is %g", i, p.Migration[i])
	}
	b := p.Balance
	if badCharge([]float64{b.Weight}) >= 0 || b.Objective < 0 || b.Objective >= p.Objectives {
		return fault.Field(opValidate, "Balance", "has weight %g on objective %d of %d", b.Weight, b.Objective, p.Objectives)
	}
	for i, s := range b.Size {
		if s < p.Free[i] {
			return fault.Field(opValidate, "Balance.Size", "of node %d is below Free", i/p.Dims)
		}
	}
	return p.validateStarts()
}

// badCharge returns the index of the first value that is negative or not finite, -1 if there is none.
func badCharge(values []float64) int {
	for i, v := range values {
		if !(v >= 0) || math.IsInf(v, 0) {
			return i
		}
	}
	return -1
}

// validateStarts checks where jobs run and which may not move.
func (p *Problem) validateStarts() error {
	for j, n := range p.Start {
		if n < -1 || int(n) >= p.Nodes {
			return fault.Field(opValidate, "Start", "of job %d is %d", j, n)
		}
	}
	for j, pinned := range p.Pinned {
		if pinned && (p.Start == nil || p.Start[j] < 0 || p.pair(j, p.Start[j]) < 0) {
			return fault.Field(opValidate, "Pinned", "job %d has no start among its candidates", j)
		}
	}
	return nil
}

// forbidden reports that pair k costs +Inf in an objective.
func (p *Problem) forbidden(k int) bool {
	for pairs := p.pairs(); k < len(p.Pair); k += pairs {
		if math.IsInf(p.Pair[k], 1) {
			return true
		}
	}
	return false
}

// room is what a node has free for the jobs of this problem.
func (p *Problem) room(n int32) []int64 { return p.Free[int(n)*p.Dims : (int(n)+1)*p.Dims] }

// pairs is the number of pairs.
func (p *Problem) pairs() int {
	if p.Row == nil {
		return p.Jobs * p.Nodes
	}
	return len(p.Node)
}

// row is the range of a job's pairs.
func (p *Problem) row(j int) (lo, hi int) {
	if p.Row == nil {
		return j * p.Nodes, (j + 1) * p.Nodes
	}
	return p.Row[j], p.Row[j+1]
}

// at is the node of pair k, which lies in the row that begins at lo.
func (p *Problem) at(lo, k int) int32 {
	if p.Row == nil {
		return int32(k - lo) //nolint:gosec // Validate bounds Nodes
	}
	return p.Node[k]
}

// pair finds the pair of a job and a node, -1 if the node is no candidate.
func (p *Problem) pair(j int, n int32) int {
	lo, hi := p.row(j)
	if p.Row == nil {
		return lo + int(n)
	}
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if p.Node[mid] < n {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < p.Row[j+1] && p.Node[lo] == n {
		return lo
	}
	return -1
}

// tier of a job.
func (p *Problem) tier(j int) int {
	if p.Tier == nil {
		return 0
	}
	return int(p.Tier[j])
}

// tiers is the number of tiers, at least 1.
func (p *Problem) tiers() int {
	most := uint8(0)
	for _, t := range p.Tier {
		most = max(most, t)
	}
	return int(most) + 1
}

// start is the node where a job runs now, -1 for nowhere.
func (p *Problem) start(j int) int32 {
	if p.Start == nil {
		return -1
	}
	return p.Start[j]
}

// pinned says that a job may not leave its start.
func (p *Problem) pinned(j int) bool { return p.Pinned != nil && p.Pinned[j] }

// demand of a job.
func (p *Problem) demand(j int) []int64 { return p.Demand[j*p.Dims : (j+1)*p.Dims] }

// charge is the migration charge of a job on a node in an objective.
func (p *Problem) charge(o, j int, n int32) float64 {
	if p.Migration == nil || p.start(j) < 0 || p.start(j) == n {
		return 0
	}
	return p.Migration[o*p.Jobs+j]
}

// fixed is the charge of a node in use in an objective.
func (p *Problem) fixed(o int, n int) float64 {
	if p.Fixed == nil {
		return 0
	}
	return p.Fixed[o*p.Nodes+n]
}

// fits reports whether a demand fits into a node's free room.
func fits(free, demand []int64) bool {
	for d, q := range demand {
		if q > 0 && q > free[d] {
			return false
		}
	}
	return true
}
