package moo

import (
	"math"
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Assignment is the space of assignments of jobs to nodes: gene j is the node of job j. Crossover exchanges genes,
// mutation sends a job to another node. Capacity is not its business: a problem that has it sets Repair, or returns the
// excess as violation.
type Assignment struct {
	// Jobs is the length of a genome, at least 1.
	Jobs int

	// Nodes is the number of nodes, 1 to 65536.
	Nodes int

	Crossover Exchange

	Mutation Reassign
}

// Reassign is mutation of assignments. Most changes keep to the nodes that the genome uses already: where a good plan uses
// few nodes, or fills them evenly, a node drawn at random is nearly always a step back.
type Reassign struct {
	// Probability that a job is touched; 0 means three jobs of a genome on average, a negative number never.
	Probability float64

	// Swap is the share of the changes that exchange the nodes of two jobs, which keeps the number of jobs on each. 0
	// means one half, a negative number none.
	Swap float64

	// Follow is the share of the other changes that send a job to the node of a random other job; what is left sends it to
	// any other node. 0 means three quarters, a negative number none.
	Follow float64
}

// Problem returns a problem on this space. New reports numbers that are wrong.
func (s Assignment) Problem(objectives int, evaluate func(node []uint16, out []float64) (violation float64)) Problem[[]uint16] {
	return s.space().evaluated(objectives, evaluate)
}

func (s Assignment) space() Problem[[]uint16] {
	switch {
	case s.Jobs < 1:
		return Problem[[]uint16]{flaw: fault.Field("moo.new", "Assignment.Jobs", "is %d, must be at least 1", s.Jobs)}
	case s.Nodes < 1 || s.Nodes > math.MaxUint16+1:
		return Problem[[]uint16]{flaw: fault.Field("moo.new", "Assignment.Nodes", "is %d, must lie between 1 and 65536", s.Nodes)}
	}
	cross, err := newExchange[uint16](s.Crossover)
	if err != nil {
		return Problem[[]uint16]{flaw: err}
	}
	o, err := newAssignment(s)
	if err != nil {
		return Problem[[]uint16]{flaw: err}
	}
	p := sliceProblem[uint16](s.Jobs)
	p.Sample, p.Cross, p.Mutate, p.Check = o.sample, cross.cross, o.mutate, o.check
	return p
}

// assignment are the operators of Assignment.
type assignment struct {
	jobs  int
	nodes uint32
	chance
	swap   float64 // probabilities of a change, summed up
	follow float64
}

func newAssignment(s Assignment) (*assignment, error) {
	touch, err := probability("Reassign.Probability", s.Mutation.Probability, min(1, 3/float64(s.Jobs)))
	if err != nil {
		return nil, err
	}
	swap, err := probability("Reassign.Swap", s.Mutation.Swap, 0.5)
	if err != nil {
		return nil, err
	}
	follow, err := probability("Reassign.Follow", s.Mutation.Follow, 0.75)
	if err != nil {
		return nil, err
	}
	return &assignment{
		jobs: s.Jobs, nodes: uint32(s.Nodes), chance: newChance(touch), swap: swap, follow: swap + (1-swap)*follow,
	}, nil
}

func (o *assignment) sample(r *rand.Rand, g []uint16) {
	for j := range g {
		g[j] = uint16(r.Uint32N(o.nodes))
	}
}

func (o *assignment) mutate(r *rand.Rand, g []uint16) {
	if o.p == 0 || o.nodes == 1 {
		return
	}
	for j := o.skip(r, len(g)); j < len(g); j += 1 + o.skip(r, len(g)) {
		switch kind := r.Float64(); {
		case kind < o.swap:
			k := r.Uint32N(uint32(len(g)))
			g[j], g[k] = g[k], g[j]
		case kind < o.follow:
			g[j] = g[r.Uint32N(uint32(len(g)))]
		default:
			g[j] = o.other(r, g[j])
		}
	}
}

// other returns a node that is not this one.
func (o *assignment) other(r *rand.Rand, node uint16) uint16 {
	if v := uint16(r.Uint32N(o.nodes - 1)); v < node {
		return v
	} else {
		return v + 1
	}
}

func (o *assignment) check(g []uint16) error {
	if len(g) != o.jobs {
		return fault.Field("moo.assignment", "genome", "has %d of %d jobs", len(g), o.jobs)
	}
	for j, node := range g {
		if uint32(node) >= o.nodes {
			return fault.Field("moo.assignment", "genome", "job %d is on node %d of %d", j, node, o.nodes)
		}
	}
	return nil
}
