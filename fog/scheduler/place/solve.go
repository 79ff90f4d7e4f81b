package place

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Config says how long Solve searches and for whom. The zero value searches nothing and answers with the greedy plans.
type Config struct {
	Seed uint64

	// Moves bounds the search by moves looked at: one for each pair of job and node whose cost is compared, one for each swap tried.
	// 0: no search, unless Time is set. The answer for a seed and a number of moves is always the same.
	Moves int64
	// Time bounds the search by the clock Now, greedy included; 0: no bound but Moves and the context. With Time or a context that
	// ends the answer depends on the machine.
	Time time.Duration
	Now  func() time.Time // needed with Time; it may count processor time

	Workers int // goroutines that search; 0: 1. They change the time, never the answer

	// Profiles are weight vectors whose best plan is always kept: one weight for each objective, at least 0, not all 0.
	// nil: one of equal weights.
	Profiles [][]float64
	// Scale is what one unit of each objective is worth, above 0; nil: the function Scale.
	Scale []float64

	// Warm are assignments from an earlier round, one node or -1 for each job: the search starts from those that are best for a
	// weight vector. One that breaks the problem is mended: jobs lose nodes that they may not have, and are placed anew.
	Warm [][]int32

	// Front bounds the number of plans in the answer; 0: 512. The best plan of each profile and tier is kept in any case.
	Front int
	// Genetic is the share of the search, 0 to 1, that goes to NSGA-II on the archive; the rest is local search. 0: none.
	Genetic float64
}

// Result is what Solve found.
type Result struct {
	// Front holds plans none of which is beaten by another in every objective, in the order of their first objective. Plans leave
	// as few jobs unplaced as any plan found, and those of the lowest tiers first: the better tiers' jobs count before all lower ones'.
	Front []Plan
	Best  []int // for each profile, the plan of Front with the lowest score
	// Tiers holds for each tier but the last the plan found that is best for the jobs of that tier and the better ones, by the first
	// profile, with a sixteenth of the whole score to decide between equals. Choose looks at them beside the front.
	Tiers []Plan
	// Stay is the plan in which no running job moves and the others are placed as Greedy does by the first profile; without Assign
	// when no job has a Start.
	Stay  Plan
	Scale []float64 // by which scores are computed
	Stats Stats
}

// Stats says what the search did.
type Stats struct {
	Moves       int64 // moves looked at
	Searches    int64 // weight vectors searched
	Offered     int64 // plans offered to the archive
	Kept        int64 // of these, plans that were not beaten when they came
	Generations int64 // generations of NSGA-II
}

// Solve searches until the budget or the context ends and returns the front. A context that ends is no error: the answer is what
// was found so far, at the least the greedy plans. Errors are of kind Invalid and name the field of Problem or Config.
func Solve(ctx context.Context, p *Problem, c Config) (Result, error) {
	if err := p.Validate(); err != nil {
		return Result{}, err
	}
	c, err := c.complete(p)
	if err != nil {
		return Result{}, err
	}
	s := newChain(ctx, p, c)
	stay := s.begin()
	if (c.Moves > 0 || c.Time > 0) && len(s.m.node) > 0 {
		s.run()
	}
	r := s.archive.result(c.Scale)
	r.Stay, r.Stats.Moves = stay, s.used
	return r, nil
}

// complete checks the configuration and fills in what zero values stand for.
func (c Config) complete(p *Problem) (Config, error) {
	const op = "place.config"
	switch {
	case c.Moves < 0:
		return c, fault.Field(op, "Moves", "is %d, below 0", c.Moves)
	case c.Time < 0:
		return c, fault.Field(op, "Time", "is %v, below 0", c.Time)
	case c.Time > 0 && c.Now == nil:
		return c, fault.Field(op, "Now", "is missing: Time needs a clock")
	case c.Workers < 0:
		return c, fault.Field(op, "Workers", "is %d, below 0", c.Workers)
	case c.Front < 0:
		return c, fault.Field(op, "Front", "is %d, below 0", c.Front)
	case !(c.Genetic >= 0 && c.Genetic <= 1):
		return c, fault.Field(op, "Genetic", "is %g, not 0 to 1", c.Genetic)
	}
	for i, w := range c.Profiles {
		sum := 0.0
		for _, x := range w {
			sum += x
		}
		if len(w) != p.Objectives || badCharge(w) >= 0 || sum <= 0 {
			return c, fault.Field(op, "Profiles", "vector %d is %v, not %d weights of at least 0 with a sum above it", i, w, p.Objectives)
		}
	}
	for _, a := range c.Warm {
		if len(a) != p.Jobs {
			return c, fault.Field(op, "Warm", "has %d jobs, not %d", len(a), p.Jobs)
		}
	}
	if c.Scale != nil && (len(c.Scale) != p.Objectives || badScale(c.Scale)) {
		return c, fault.Field(op, "Scale", "is %v, not %d values above 0", c.Scale, p.Objectives)
	}
	if c.Scale == nil {
		c.Scale = Scale(p)
	}
	if c.Profiles == nil {
		c.Profiles = [][]float64{equal(p.Objectives)}
	}
	c.Workers = max(c.Workers, 1)
	if c.Front == 0 {
		c.Front = 512
	}
	return c, nil
}

// badScale reports a value that cannot divide.
func badScale(scale []float64) bool {
	for _, s := range scale {
		if !(s > 0) {
			return true
		}
	}
	return badCharge(scale) >= 0
}
