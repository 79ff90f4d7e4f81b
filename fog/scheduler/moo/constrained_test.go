package moo_test

import (
	"math"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// over sums up what exceeds 0.
func over(excess ...float64) float64 {
	s := 0.0
	for _, v := range excess {
		s += max(0, v)
	}
	return s
}

// bnh is the problem of Binh and Korn 1997.
func bnh() moo.Problem[[]float64] {
	return moo.Real{Lower: []float64{0, 0}, Upper: []float64{5, 3}}.Problem(2, func(x, out []float64) float64 {
		a, b := x[0], x[1]
		out[0], out[1] = 4*a*a+4*b*b, (a-5)*(a-5)+(b-5)*(b-5)
		return over((a-5)*(a-5)+b*b-25, 7.7-(a-8)*(a-8)-(b+3)*(b+3))
	})
}

// srn is the problem of Srinivas and Deb 1994.
func srn() moo.Problem[[]float64] {
	return box(2, -20, 20).Problem(2, func(x, out []float64) float64 {
		a, b := x[0], x[1]
		out[0], out[1] = 2+(a-2)*(a-2)+(b-1)*(b-1), 9*a-(b-1)*(b-1)
		return over(a*a+b*b-225, a-3*b+10)
	})
}

// tnk is the problem of Tanaka et al. 1995: its front is the edge of the constraint and has gaps.
func tnk() moo.Problem[[]float64] {
	return box(2, 0, math.Pi).Problem(2, func(x, out []float64) float64 {
		a, b := x[0], x[1]
		out[0], out[1] = a, b
		return over(1+0.1*math.Cos(16*math.Atan2(a, b))-a*a-b*b, (a-0.5)*(a-0.5)+(b-0.5)*(b-0.5)-0.5)
	})
}

// c2dtlz2 is the sphere of which only patches around its corners and its middle are feasible (Jain and Deb 2014).
func c2dtlz2() moo.Problem[[]float64] {
	return box(12, 0, 1).Problem(3, func(x, out []float64) float64 {
		sphere(x, out)
		return patches(out)
	})
}

// patches returns by how much a point lies outside of every patch.
func patches(f []float64) float64 {
	const r = 0.4
	nearest, middle := math.Inf(1), 0.0
	for i := range f {
		d := (f[i] - 1) * (f[i] - 1)
		for j := range f {
			if j != i {
				d += f[j] * f[j]
			}
		}
		nearest = min(nearest, d-r*r)
		middle += (f[i] - 1/math.Sqrt(3)) * (f[i] - 1/math.Sqrt(3))
	}
	return over(min(nearest, middle-r*r))
}
