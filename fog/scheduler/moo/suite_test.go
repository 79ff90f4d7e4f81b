package moo_test

import (
	"math"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// box returns n equal bounds.
func box(n int, low, high float64) moo.Real {
	s := moo.Real{Lower: make([]float64, n), Upper: make([]float64, n)}
	for i := range n {
		s.Lower[i], s.Upper[i] = low, high
	}
	return s
}

// zdt returns a problem of Zitzler, Deb and Thiele 2000.
func zdt(number int) moo.Problem[[]float64] {
	switch number {
	case 1:
		return box(30, 0, 1).Problem(2, func(x, out []float64) float64 {
			g := 1 + 9*sum(x[1:])/float64(len(x)-1)
			out[0], out[1] = x[0], g*(1-math.Sqrt(x[0]/g))
			return 0
		})
	case 2:
		return box(30, 0, 1).Problem(2, func(x, out []float64) float64 {
			g := 1 + 9*sum(x[1:])/float64(len(x)-1)
			out[0], out[1] = x[0], g*(1-x[0]/g*x[0]/g)
			return 0
		})
	case 3:
		return box(30, 0, 1).Problem(2, func(x, out []float64) float64 {
			g := 1 + 9*sum(x[1:])/float64(len(x)-1)
			out[0], out[1] = x[0], g*(1-math.Sqrt(x[0]/g)-x[0]/g*math.Sin(10*math.Pi*x[0]))
			return 0
		})
	case 4:
		s := box(10, -5, 5)
		s.Lower[0], s.Upper[0] = 0, 1
		return s.Problem(2, func(x, out []float64) float64 {
			g := 1 + 10*float64(len(x)-1)
			for _, v := range x[1:] {
				g += v*v - 10*math.Cos(4*math.Pi*v)
			}
			out[0], out[1] = x[0], g*(1-math.Sqrt(x[0]/g))
			return 0
		})
	case 6:
		return box(10, 0, 1).Problem(2, func(x, out []float64) float64 {
			g := 1 + 9*math.Pow(sum(x[1:])/9, 0.25)
			f := 1 - math.Exp(-4*x[0])*math.Pow(math.Sin(6*math.Pi*x[0]), 6)
			out[0], out[1] = f, g*(1-f/g*f/g)
			return 0
		})
	}
	panic("no such problem")
}

func sum(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}

// dtlz2 is the sphere of Deb, Thiele, Laumanns and Zitzler 2005.
func dtlz2(m int) moo.Problem[[]float64] {
	return box(m+9, 0, 1).Problem(m, sphere)
}

func sphere(x, out []float64) float64 {
	m := len(out)
	g := 0.0
	for _, v := range x[m-1:] {
		g += (v - 0.5) * (v - 0.5)
	}
	for k := range out {
		f := 1 + g
		for _, v := range x[:m-1-k] {
			f *= math.Cos(v * math.Pi / 2)
		}
		if k > 0 {
			f *= math.Sin(x[m-1-k] * math.Pi / 2)
		}
		out[k] = f
	}
	return 0
}

// dtlz1 is the plane with many local fronts.
func dtlz1() moo.Problem[[]float64] {
	return box(7, 0, 1).Problem(3, func(x, out []float64) float64 {
		g := 0.0
		for _, v := range x[2:] {
			g += 1 + (v-0.5)*(v-0.5) - math.Cos(20*math.Pi*(v-0.5))
		}
		g = 1 + 100*g
		out[0], out[1], out[2] = 0.5*x[0]*x[1]*g, 0.5*x[0]*(1-x[1])*g, 0.5*(1-x[0])*g
		return 0
	})
}

// dtlz7 has four separate pieces of front.
func dtlz7() moo.Problem[[]float64] {
	return box(22, 0, 1).Problem(3, func(x, out []float64) float64 {
		g := 1 + 9*sum(x[2:])/20
		out[0], out[1] = x[0], x[1]
		h := 3.0
		for _, f := range out[:2] {
			h -= f / (1 + g) * (1 + math.Sin(3*math.Pi*f))
		}
		out[2] = (1 + g) * h
		return 0
	})
}

// uneven gives the three objectives of a problem unlike units.
func uneven(p moo.Problem[[]float64]) moo.Problem[[]float64] {
	evaluate := p.Evaluate
	p.Evaluate = func(x, out []float64) float64 {
		v := evaluate(x, out)
		unevenRows(out)
		return v
	}
	return p
}

// unevenRows does so with rows, in place.
func unevenRows(rows []float64) []float64 {
	for i := range rows {
		rows[i] *= []float64{1, 100, 0.001}[i%3]
	}
	return rows
}
