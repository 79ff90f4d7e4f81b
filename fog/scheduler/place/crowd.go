package place

import (
	"cmp"
	"math"
	"slices"
)

// crowd finds the most crowded plan of a set again and again. It keeps the two nearest neighbours of each plan, so that a plan that
// goes costs a look at those that were its neighbours only.
type crowd struct {
	plans     []Plan
	low, high []float64
	gone      []bool
	keep      []bool
	near      [][2]int     // indexes of the two nearest, -1 for none
	far       [][2]float64 // their distances, +Inf for none
}

// newCrowd measures the plans. The elites, by equal objectives, are never dropped.
func newCrowd(plans []Plan, elites []elite) *crowd {
	n := len(plans)
	c := &crowd{plans: plans, gone: make([]bool, n), keep: make([]bool, n), near: make([][2]int, n), far: make([][2]float64, n)}
	c.low, c.high = spans(plans)
	for i := range plans {
		c.keep[i] = slices.ContainsFunc(elites, func(e elite) bool { return slices.Equal(e.plan.Objectives, plans[i].Objectives) })
		c.look(i)
	}
	return c
}

// look finds the neighbours of a plan.
func (c *crowd) look(i int) {
	c.near[i], c.far[i] = [2]int{-1, -1}, [2]float64{math.Inf(1), math.Inf(1)}
	for k := range c.plans {
		if k == i || c.gone[k] {
			continue
		}
		switch d := distance(c.plans[i].Objectives, c.plans[k].Objectives, c.low, c.high); {
		case d < c.far[i][0]:
			c.near[i], c.far[i] = [2]int{k, c.near[i][0]}, [2]float64{d, c.far[i][0]}
		case d < c.far[i][1]:
			c.near[i][1], c.far[i][1] = k, d
		}
	}
}

// drop removes the most crowded plan, if there is one that may go.
func (c *crowd) drop() {
	worst := -1
	for i, far := range c.far {
		if c.gone[i] || c.keep[i] {
			continue
		}
		if worst < 0 || cmp.Or(cmp.Compare(far[0], c.far[worst][0]), cmp.Compare(far[1], c.far[worst][1])) < 0 {
			worst = i
		}
	}
	if worst < 0 {
		return
	}
	c.gone[worst] = true
	for i, near := range c.near {
		if !c.gone[i] && (near[0] == worst || near[1] == worst) {
			c.look(i)
		}
	}
}

// distance is the squared Euclidean distance in shares of the spans.
func distance(a, b, low, high []float64) float64 {
	sum := 0.0
	for o, x := range a {
		if w := high[o] - low[o]; w > 0 {
			sum += (x - b[o]) / w * ((x - b[o]) / w)
		}
	}
	return sum
}
