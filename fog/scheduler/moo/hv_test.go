package moo_test

import (
	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
	"slices"
)

func area[G any](front []moo.Individual[G], x, y float64) float64 {
	s := 0.0
	f := slices.Clone(front)
	slices.SortFunc(f, func(a, b moo.Individual[G]) int { return slices.Compare(a.Objectives, b.Objectives) })
	for _, i := range f {
		if i.Objectives[0] < x && i.Objectives[1] < y {
			s += (x - i.Objectives[0]) * (y - i.Objectives[1])
			y = i.Objectives[1]
		}
	}
	return s
}
