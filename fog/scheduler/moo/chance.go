package moo

import (
	"math"
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

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
func probability(field string, p, standard float64) (float64, error) {
	if !(p <= 1) {
		return 0, fault.Field("moo.new", field, "is %v, must be at most 1", p)
	}
	if p == 0 {
		p = standard
	}
	return max(0, p), nil
}
