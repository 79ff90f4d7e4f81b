package moo

import (
	"math"
	"math/rand/v2"
	"slices"
)

// sliceProblem returns the functions that all genomes of n equal elements share. A set of genomes lies in one array.
func sliceProblem[E comparable](n, objectives int, evaluate func(g []E, out []float64) float64) Problem[[]E] {
	return Problem[[]E]{
		Objectives: objectives,
		Make:       func(count int) [][]E { return makeSlices[E](count, n) },
		Copy:       func(dst, src []E) { copy(dst, src) },
		Equal:      slices.Equal[[]E],
		Evaluate:   evaluate,
	}
}

// makeSlices returns count slices of n elements of one array, none of which can grow into its neighbour.
func makeSlices[E any](count, n int) [][]E {
	all := make([]E, count*n)
	out := make([][]E, count)
	for i := range out {
		out[i] = all[i*n : i*n+n : i*n+n]
	}
	return out
}

// chance is the probability of a Bernoulli trial that is made for element after element; it draws how many come to
// nothing instead of trying each.
type chance struct {
	p     float64
	scale float64 // -1/log(1-p)
}

func newChance(p float64) chance { return chance{p: p, scale: -1 / math.Log1p(-p)} }

// skip returns how many elements are passed over before the next success, at most limit: a geometric number.
func (c chance) skip(r *rand.Rand, limit int) int {
	if c.p >= 1 {
		return 0
	}
	if gap := r.ExpFloat64() * c.scale; gap < float64(limit) {
		return int(gap)
	}
	return limit
}

// probability returns p with its zero value filled in: 0 means standard and a negative number never.
func probability(p, standard float64) float64 {
	if p == 0 {
		p = standard
	}
	return max(0, p)
}
