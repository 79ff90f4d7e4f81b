package gap

import (
	"context"
	"math"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Config bounds and seeds a search. The zero value searches 2,000 moves per job with seed 0.
type Config struct {
	// Seed makes the search repeatable: the same problem, start, seed and number of moves give the same plan on every machine.
	Seed uint64
	// Moves is the most moves that are proposed, each about a tenth of a microsecond; zero: no bound, or 2,000 per job if
	// Time is zero as well. The first prices and the first plan cost no moves.
	Moves int64
	// Time is the most time that passes by Now, checked every few microseconds; zero: no bound. The first plan is made
	// however short it is. A bound by time makes the number of moves, not their order, depend on the machine.
	Time time.Duration
	// Now is the clock for Time, for instance the CPU time of the process; nil is time.Now.
	Now func() time.Time
	// Start holds the node where each job is now, -1: nowhere. Nil: no job is anywhere. The result is never worse than this
	// plan if it keeps capacity; if it does not, what is too much is taken out first.
	Start []int32
}

// Solution is the best plan that a search found. It keeps capacity, always.
type Solution struct {
	Assign   []int32 // node of each job; -1: left out
	Cost     float64 // sum of the costs of the placed jobs, added in the order of the jobs
	Unplaced int     // number of jobs left out: zero means that the plan is complete
	Weight   int64   // sum of the weights of the jobs left out
	Bound    float64 // no complete plan costs less; +Inf: there is no complete plan; see LowerBound
	Moves    int64   // moves proposed
}

// Gap returns how far the cost lies above the bound, as a share of the bound's size: 0 means proven least. It is NaN for a plan
// that leaves jobs out, which a bound of complete plans cannot judge, and +Inf for a cost above a bound of zero.
func (s Solution) Gap() float64 {
	switch {
	case s.Unplaced > 0:
		return math.NaN()
	case s.Cost <= s.Bound:
		return 0
	}
	return (s.Cost - s.Bound) / math.Abs(s.Bound)
}

// Solve searches for the plan of least cost within capacity until the budget is spent, the plan is proven least, or ctx is
// done, whichever is first; each of them returns the best plan found so far, without an error. If it finds no plan for all
// jobs, the weight left out is what it minimises first. With a budget in moves, more moves never give a worse plan. Errors:
// Invalid, with the field that is wrong.
func Solve(ctx context.Context, p Problem, c Config) (Solution, error) {
	const op = "gap.solve"
	if err := p.Validate(); err != nil {
		return Solution{}, fault.Wrap(op, err)
	}
	if err := c.validate(op, &p); err != nil {
		return Solution{}, err
	}
	s := newSearch(ctx, &p, c)
	s.begin(c.Start)
	for epoch := 0; !s.done(); epoch++ {
		s.epoch(epoch)
	}
	return s.solution(), nil
}

// validate checks a configuration against its problem.
func (c *Config) validate(op string, p *Problem) error {
	if c.Moves < 0 {
		return fault.Field(op, "Moves", "%d is negative", c.Moves)
	}
	if c.Time < 0 {
		return fault.Field(op, "Time", "%v is negative", c.Time)
	}
	if c.Start != nil && len(c.Start) != p.Jobs {
		return fault.Field(op, "Start", "has %d entries for %d jobs", len(c.Start), p.Jobs)
	}
	for job, node := range c.Start {
		if node < -1 || int(node) >= p.Nodes {
			return fault.Field(op, "Start", "job %d: node %d is outside -1 to %d", job, node, p.Nodes-1)
		}
	}
	return nil
}
