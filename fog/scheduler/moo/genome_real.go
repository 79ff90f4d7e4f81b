package moo

import (
	"math/rand/v2"
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Real is the space of real vectors within bounds, varied by simulated binary crossover and polynomial mutation.
type Real struct {
	// Lower and Upper are the bounds of each variable, finite, Lower not above Upper; a variable whose bounds are equal
	// is a constant.
	Lower, Upper []float64

	Crossover SBX
	Mutation  Polynomial
}

// SBX is simulated binary crossover (Deb and Agrawal 1995) in its form for bounded variables (Deb and Tiwari 2008): each
// pair of variables is crossed with probability one half, and the children are as likely to lie between their parents as
// outside.
type SBX struct {
	// Probability that a pair of parents is crossed at all; 0 means 0.9, a negative number never.
	Probability float64

	// Eta is the distribution index: the larger, the nearer the children are to their parents. 0 means 15. 1, 3, 7, 15
	// and 31 are the quick ones.
	Eta float64
}

// Polynomial is polynomial mutation (Deb and Goyal 1996) in its form for bounded variables (Deb and Tiwari 2008).
type Polynomial struct {
	// Probability that a variable is changed; 0 means one variable in a genome on average, a negative number never.
	Probability float64

	// Eta is the distribution index: the larger, the smaller the change. 0 means 20.
	Eta float64
}

// Problem returns a problem on this space. New reports bounds that are wrong.
func (s Real) Problem(objectives int, evaluate func(x, out []float64) (violation float64)) Problem[[]float64] {
	return s.space().evaluated(objectives, evaluate)
}

func (s Real) space() Problem[[]float64] {
	axes, err := newAxes(s.Lower, s.Upper)
	if err != nil {
		return Problem[[]float64]{flaw: err}
	}
	cross, err := newSBX(s.Crossover, axes)
	if err != nil {
		return Problem[[]float64]{flaw: err}
	}
	mutate, err := newPolynomial(s.Mutation, axes)
	if err != nil {
		return Problem[[]float64]{flaw: err}
	}
	p := sliceProblem[float64](len(s.Lower))
	p.Sample, p.Cross, p.Mutate, p.Check = axes.sample, cross.cross, mutate.mutate, axes.check
	return p
}

// axes are the bounds of real variables.
type axes struct{ low, high []float64 }

func newAxes(lower, upper []float64) (axes, error) {
	if len(lower) == 0 || len(lower) != len(upper) {
		return axes{}, fault.Field("moo.real", "Real.Lower", "has %d bounds, Upper has %d", len(lower), len(upper))
	}
	for i, low := range lower {
		if span := upper[i] - low; !(span >= 0) || span > maxSpan {
			return axes{}, fault.Field("moo.real", "Real.Lower", "variable %d lies between %v and %v", i, low, upper[i])
		}
	}
	return axes{low: slices.Clone(lower), high: slices.Clone(upper)}, nil
}

// maxSpan keeps sums of two values within the range of numbers; an infinite bound exceeds it.
const maxSpan = 1e300

func (a axes) sample(r *rand.Rand, g []float64) {
	for i := range g {
		g[i] = a.clamp(i, a.low[i]+r.Float64()*(a.high[i]-a.low[i]))
	}
}

func (a axes) clamp(i int, v float64) float64 { return min(max(v, a.low[i]), a.high[i]) }

func (a axes) check(g []float64) error {
	if len(g) != len(a.low) {
		return fault.Field("moo.real", "genome", "has %d of %d variables", len(g), len(a.low))
	}
	for i, v := range g {
		if !(v >= a.low[i] && v <= a.high[i]) {
			return fault.Field("moo.real", "genome", "variable %d is %v, outside of %v to %v", i, v, a.low[i], a.high[i])
		}
	}
	return nil
}
