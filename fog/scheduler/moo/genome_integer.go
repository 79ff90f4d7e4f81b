package moo

import (
	"math/rand/v2"
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Integer is the space of integer vectors within bounds, varied by exchange of genes and by resetting or creeping.
type Integer struct {
	// Lower and Upper are the bounds of each variable, both included, less than 2^62 apart; a variable whose bounds are equal
	// is a constant.
	Lower, Upper []int

	Crossover Exchange
	Mutation  Reset
}

// Reset is mutation of whole numbers: a variable gets a different value, any one within its bounds being as likely.
type Reset struct {
	// Probability that a variable is changed; 0 means one variable in a genome on average, a negative number never.
	Probability float64

	// Creep is the share of the changes that go to a near value instead: up or down by a step of geometric length, 2 on
	// average. For numbers that are quantities, not names. 0 means none.
	Creep float64
}

// Problem returns a problem on this space. New reports bounds that are wrong.
func (s Integer) Problem(objectives int, evaluate func(x []int, out []float64) (violation float64)) Problem[[]int] {
	return s.space().evaluated(objectives, evaluate)
}

func (s Integer) space() Problem[[]int] {
	grid, err := newGrid(s)
	if err != nil {
		return Problem[[]int]{flaw: err}
	}
	cross, err := newExchange[int](s.Crossover)
	if err != nil {
		return Problem[[]int]{flaw: err}
	}
	p := sliceProblem[int](len(s.Lower))
	p.Sample, p.Cross, p.Mutate, p.Check = grid.sample, cross.cross, grid.mutate, grid.check
	return p
}

// grid are the bounds of integer variables and the operator of Reset.
type grid struct {
	low, high []int
	chance
	creep float64
}

func newGrid(s Integer) (*grid, error) {
	if len(s.Lower) == 0 || len(s.Lower) != len(s.Upper) {
		return nil, fault.Field("moo.new", "Integer.Lower", "has %d bounds, Upper has %d", len(s.Lower), len(s.Upper))
	}
	for i, low := range s.Lower {
		if span := s.Upper[i] - low; s.Upper[i] < low || span < 0 || span >= 1<<62 {
			return nil, fault.Field("moo.new", "Integer.Lower", "variable %d lies between %d and %d", i, low, s.Upper[i])
		}
	}
	if !(s.Mutation.Creep >= 0 && s.Mutation.Creep <= 1) {
		return nil, fault.Field("moo.new", "Reset.Creep", "is %v, must lie between 0 and 1", s.Mutation.Creep)
	}
	p, err := probability("Reset.Probability", s.Mutation.Probability, 1/float64(len(s.Lower)))
	return &grid{low: slices.Clone(s.Lower), high: slices.Clone(s.Upper), chance: newChance(p), creep: s.Mutation.Creep}, err
}

func (o *grid) sample(r *rand.Rand, g []int) {
	for i := range g {
		g[i] = o.low[i] + r.IntN(o.high[i]-o.low[i]+1)
	}
}

func (o *grid) mutate(r *rand.Rand, g []int) {
	if o.p == 0 {
		return
	}
	for i := o.skip(r, len(g)); i < len(g); i += 1 + o.skip(r, len(g)) {
		span := o.high[i] - o.low[i]
		switch {
		case span == 0:
		case o.creep > 0 && r.Float64() < o.creep:
			g[i] = o.near(r, i, g[i])
		default:
			if v := o.low[i] + r.IntN(span); v < g[i] {
				g[i] = v
			} else {
				g[i] = v + 1
			}
		}
	}
}

// near returns a value a few steps from v, which it never is; a step beyond a bound ends there, or goes the other way
// where v is that bound.
func (o *grid) near(r *rand.Rand, i, v int) int {
	step := 1
	for step < o.high[i]-o.low[i] && r.Uint64()&1 != 0 {
		step++
	}
	up := r.Uint64()&1 != 0
	if v == o.low[i] || up && v != o.high[i] {
		return v + min(step, o.high[i]-v)
	}
	return v - min(step, v-o.low[i])
}

func (o *grid) check(g []int) error {
	if len(g) != len(o.low) {
		return fault.Field("moo.integer", "genome", "has %d of %d variables", len(g), len(o.low))
	}
	for i, v := range g {
		if v < o.low[i] || v > o.high[i] {
			return fault.Field("moo.integer", "genome", "variable %d is %d, outside of %d to %d", i, v, o.low[i], o.high[i])
		}
	}
	return nil
}
