package moo

import (
	"cmp"
	"slices"
)

// sorter ranks rows by non-dominated sorting.
type sorter struct {
	order []int32
	rank  []int32
	front [][]int32
}

// Sort returns the rank of each row of f, which holds rows of m objectives: ENS with sequential search (Zhang et al. 2015).
func (s *sorter) Sort(f []float64, m int) []int32 {
	n := len(f) / m
	s.order, s.rank = s.order[:0], slices.Grow(s.rank[:0], n)[:n]
	for i := range int32(n) {
		s.order = append(s.order, i)
	}
	row := func(i int32) []float64 { return f[int(i)*m : int(i)*m+m] }
	slices.SortFunc(s.order, func(a, b int32) int { return cmp.Or(slices.Compare(row(a), row(b)), cmp.Compare(a, b)) })
	used := 0
	for _, i := range s.order {
		r := 0
		for r < used && slices.ContainsFunc(s.front[r], func(j int32) bool { return dominates(row(j), row(i)) }) {
			r++
		}
		if r == used {
			if used == len(s.front) {
				s.front = append(s.front, nil)
			}
			s.front[r] = s.front[r][:0]
			used++
		}
		s.front[r] = append(s.front[r], i)
		s.rank[i] = int32(r)
	}
	return s.rank
}

func dominates(a, b []float64) bool {
	better := false
	for k, v := range a {
		if v > b[k] {
			return false
		}
		better = better || v < b[k]
	}
	return better
}
