package moo

import (
	"math"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
)

// tolerance remembers the front of the last look.
type tolerance struct {
	front []float64 // its finite rows; empty if nothing was feasible
	since int       // generation of the look
	still bool      // the front has stopped moving
}

// look compares the front with the one a window ago. Nothing that is infeasible stands still.
func (t *tolerance) look(rule Tolerance, c *cohort, generation int) {
	if rule.Window == 0 || generation > 0 && generation-t.since < rule.Window {
		return
	}
	var fresh []float64
	for _, slot := range c.front() {
		if row := c.row(slot); c.violation[slot] == 0 && allFinite(row) {
			fresh = append(fresh, row...)
		}
	}
	t.still = len(t.front) > 0 && len(fresh) > 0 && gain(t.front, fresh, c.objectives) <= rule.Change
	t.front, t.since = fresh, generation
}

// gain returns by how much the front b is nearer to its goal than a: IGD+ of a by b less IGD+ of b by a, scaled by the
// ranges of both.
func gain(a, b []float64, m int) float64 {
	both := append(append(make([]float64, 0, len(a)+len(b)), a...), b...)
	for k := range m {
		low, high := math.Inf(1), math.Inf(-1)
		for at := k; at < len(both); at += m {
			low, high = min(low, both[at]), max(high, both[at])
		}
		span := max(high-low, math.SmallestNonzeroFloat64)
		for at := k; at < len(both); at += m {
			both[at] = (both[at] - low) / span
		}
	}
	a, b = both[:len(a)], both[len(a):]
	return hv.IGDPlus(a, b, m) - hv.IGDPlus(b, a, m)
}
