package moo

import "math"

// tolerance remembers the front of the last look.
type tolerance struct {
	front []float64 // rows of objectives
	found bool      // whether front was feasible
	since int       // generation of the look
	still bool      // the front has stopped moving
}

// look compares the front with the one a window ago; nothing that is infeasible stands still.
func (t *tolerance) look(rule Tolerance, c *cohort, generation int) {
	if rule.Window == 0 || generation > 0 && generation-t.since < rule.Window {
		return
	}
	front := c.front()
	fresh := make([]float64, 0, len(front)*c.objectives)
	for _, slot := range front {
		fresh = append(fresh, c.row(slot)...)
	}
	feasible := c.violation[front[0]] == 0
	t.still = t.found && feasible && generation > 0 && gain(t.front, fresh, c.objectives) <= rule.Change
	t.front, t.found, t.since = fresh, feasible, generation
}

// gain returns by how much the front b is nearer to its goal than a: IGD+(a to b) - IGD+(b to a), scaled by the ranges.
func gain(a, b []float64, m int) float64 {
	scale := make([]float64, m)
	for k := range scale {
		low, high := math.Inf(1), math.Inf(-1)
		for _, f := range [2][]float64{a, b} {
			for at := k; at < len(f); at += m {
				if !math.IsInf(f[at], 1) {
					low, high = min(low, f[at]), max(high, f[at])
				}
			}
		}
		if high > low {
			scale[k] = 1 / (high - low)
		}
	}
	return shortfall(a, b, scale) - shortfall(b, a, scale)
}

// shortfall is IGD+ of the front a by the reference front b.
func shortfall(a, b, scale []float64) float64 {
	m, sum := len(scale), 0.0
	for j := 0; j < len(b); j += m {
		nearest := math.Inf(1)
		for i := 0; i < len(a); i += m {
			square := 0.0
			for k, s := range scale {
				if over := (a[i+k] - b[j+k]) * s; over > 0 {
					square += over * over
				}
			}
			nearest = min(nearest, square)
		}
		sum += math.Sqrt(nearest)
	}
	return sum / float64(len(b)/m)
}
