package moo_test

import (
	"math"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo/nds"
)

// curve samples a front of two objectives at equal distances of the first.
func curve(from, to float64, second func(f float64) float64) []float64 {
	const n = 500
	var rows []float64
	for i := range n + 1 {
		f := from + (to-from)*float64(i)/n
		rows = append(rows, f, second(f))
	}
	return rows
}

// firstOf keeps the rows that none dominates.
func firstOf(rows []float64, m int) []float64 {
	var w nds.Workspace
	var kept []float64
	for i, rank := range w.Sort(rows, m) {
		if rank == 0 {
			kept = append(kept, rows[i*m:i*m+m]...)
		}
	}
	return kept
}

// spread places the points of a Das-Dennis layer where `place` puts them.
func spread(divisions int, place func(p []float64) bool) []float64 {
	var rows []float64
	for _, p := range moo.DasDennis(3, divisions) {
		if place(p) {
			rows = append(rows, p...)
		}
	}
	return rows
}

func ontoSphere(p []float64) bool {
	norm := math.Sqrt(p[0]*p[0] + p[1]*p[1] + p[2]*p[2])
	for k := range p {
		p[k] /= norm
	}
	return true
}

func ontoPlane(p []float64) bool {
	for k := range p {
		p[k] /= 2
	}
	return true
}

// trueFronts are the known fronts, sampled.
func zdtFront(number int) []float64 {
	switch number {
	case 2:
		return curve(0, 1, func(f float64) float64 { return 1 - f*f })
	case 3:
		return firstOf(curve(0, 0.852, func(f float64) float64 { return 1 - math.Sqrt(f) - f*math.Sin(10*math.Pi*f) }), 2)
	case 6:
		return curve(0.2807753191, 1, func(f float64) float64 { return 1 - f*f })
	}
	return curve(0, 1, func(f float64) float64 { return 1 - math.Sqrt(f) })
}

func dtlz7Front() []float64 {
	var rows []float64
	const n = 60
	for i := range n + 1 {
		for j := range n + 1 {
			a, b := float64(i)/n, float64(j)/n
			h := 3 - a/2*(1+math.Sin(3*math.Pi*a)) - b/2*(1+math.Sin(3*math.Pi*b))
			rows = append(rows, a, b, 2*h)
		}
	}
	return firstOf(rows, 3)
}

// bnhFront follows the known optimal solutions: a = b up to 3, then b = 3 (Deb 2001, section 7.1).
func bnhFront() []float64 {
	var rows []float64
	for i := range 501 {
		a := float64(i) / 100
		b := min(a, 3)
		rows = append(rows, 4*a*a+4*b*b, (a-5)*(a-5)+(b-5)*(b-5))
	}
	return rows
}

// srnFront follows the known optimal solutions, a = -2.5 and b from 2.5 up (Deb 2001, section 7.1), and then the circle of the
// first constraint, which is optimal a little further.
func srnFront() []float64 {
	var rows []float64
	add := func(a, b float64) {
		rows = append(rows, 2+(a-2)*(a-2)+(b-1)*(b-1), 9*a-(b-1)*(b-1))
	}
	edge := math.Sqrt(225 - 2.5*2.5)
	for i := range 501 {
		add(-2.5, 2.5+(edge-2.5)*float64(i)/500)
	}
	for i := range 101 {
		a := -2.5 - 5*float64(i)/100
		add(a, math.Sqrt(225-a*a))
	}
	return firstOf(rows, 2)
}

// tnkFront is what none dominates on the edge of the first constraint.
func tnkFront() []float64 {
	var rows []float64
	for i := range 4001 {
		angle := math.Pi / 2 * float64(i) / 4000
		r := math.Sqrt(1 + 0.1*math.Cos(16*angle))
		a, b := r*math.Sin(angle), r*math.Cos(angle)
		if (a-0.5)*(a-0.5)+(b-0.5)*(b-0.5) <= 0.5 {
			rows = append(rows, a, b)
		}
	}
	return firstOf(rows, 2)
}
