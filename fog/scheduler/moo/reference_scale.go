package moo

import "math"

// normalise sets the ideal point and the scale of each objective from the fronts under consideration (Algorithm 2). The
// scale is the intercept of the hyperplane through the extreme points; where there is no such plane, or it meets an axis
// at or before the ideal point or beyond the worst value seen, the worst value of the whole serves instead.
func (w *reference) normalise(c *cohort, taken, tail []int32) {
	for _, part := range [2][]int32{taken, tail} {
		for _, slot := range part {
			if c.violation[slot] > 0 {
				continue
			}
			for k, v := range c.row(slot) {
				w.ideal[k] = min(w.ideal[k], v)
			}
		}
	}
	for axis := range w.extreme {
		w.extreme[axis] = w.extremeOf(c, axis, taken, tail)
	}
	solved := w.solve(c)
	for k := range w.scale {
		worst := w.worst(c, k, taken, tail)
		span := worst - w.ideal[k]
		if intercept := w.plane[k]; solved && intercept > span*1e-6 && intercept <= span*(1+1e-9) {
			span = intercept
		}
		w.scale[k] = 1
		if span > 0 && !math.IsInf(span, 1) && !math.IsInf(1/span, 1) {
			w.scale[k] = 1 / span
		}
	}
}

// extremeOf returns the slot that is nearest to an axis by the achievement scalarizing function.
func (w *reference) extremeOf(c *cohort, axis int, taken, tail []int32) int32 {
	const off = 1e6 // weight of the other axes
	best, found := math.Inf(1), int32(-1)
	for _, part := range [2][]int32{taken, tail} {
		for _, slot := range part {
			if c.violation[slot] > 0 {
				continue
			}
			worst := 0.0
			for k, v := range c.row(slot) {
				weight := off
				if k == axis {
					weight = 1
				}
				worst = max(worst, (v-w.ideal[k])*weight)
			}
			if found < 0 || worst < best {
				best, found = worst, slot
			}
		}
	}
	return found
}

// worst returns the greatest finite value of an objective.
func (w *reference) worst(c *cohort, k int, taken, tail []int32) float64 {
	worst := math.Inf(-1)
	for _, part := range [2][]int32{taken, tail} {
		for _, slot := range part {
			if v := c.row(slot)[k]; c.violation[slot] <= 0 && !math.IsInf(v, 1) {
				worst = max(worst, v)
			}
		}
	}
	return worst
}

// solve finds the intercepts of the plane through the extreme points by elimination with row pivots, into the first m
// numbers of plane; false if there is no plane.
func (w *reference) solve(c *cohort) bool {
	m := len(w.extreme)
	width := m + 1
	for i, slot := range w.extreme {
		for k, v := range c.row(slot) {
			w.plane[i*width+k] = v - w.ideal[k]
		}
		w.plane[i*width+m] = 1
	}
	for col := range m {
		pivot := col
		for i := col + 1; i < m; i++ {
			if math.Abs(w.plane[i*width+col]) > math.Abs(w.plane[pivot*width+col]) {
				pivot = i
			}
		}
		head := w.plane[pivot*width+col]
		if !(math.Abs(head) > 1e-12) || math.IsInf(head, 0) {
			return false
		}
		for k := range width {
			at, from := col*width+k, pivot*width+k
			w.plane[at], w.plane[from] = w.plane[from], w.plane[at]
		}
		for i := range m {
			if factor := w.plane[i*width+col] / head; i != col && factor != 0 {
				for k := col; k < width; k++ {
					w.plane[i*width+k] -= factor * w.plane[col*width+k]
				}
			}
		}
	}
	for k := range m { // the plane is sum a_k x_k = 1, its intercept 1/a_k
		w.plane[k] = w.plane[k*width+k] / w.plane[k*width+m]
	}
	return true
}
