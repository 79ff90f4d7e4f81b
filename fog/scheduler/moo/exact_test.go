package moo_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// requireExact checks that a search finds the whole front that looking at every genome gives.
func requireExact[G any](t *testing.T, p moo.Problem[G], c moo.Config, all func(yield func(G) bool)) {
	t.Helper()
	var every []float64
	out := make([]float64, p.Objectives)
	for g := range all {
		if p.Evaluate(g, out) <= 0 {
			every = append(every, out...)
		}
	}
	want := slices.Collect(slices.Chunk(firstOf(every, p.Objectives), p.Objectives))
	slices.SortFunc(want, slices.Compare[[]float64])
	want = slices.CompactFunc(want, slices.Equal[[]float64])
	var got [][]float64
	for _, member := range run(t, p, c).Members {
		got = append(got, member.Objectives)
	}
	require.Greater(t, len(want), 3)
	require.Equal(t, want, got)
}

// TestExactFronts: on problems small enough to look at every genome, each discrete genome's operators find the whole front.
func TestExactFronts(t *testing.T) {
	c := moo.Config{Population: 100, Generations: 200}
	t.Run("assignment", func(t *testing.T) {
		w := drawnWorks(5)
		w.work, w.speed, w.price, w.time = w.work[:6], w.speed[:4], w.price[:4], nil
		requireExact(t, w.finish().problem(), c, func(yield func([]uint16) bool) {
			for code := range 4096 {
				g := make([]uint16, 6)
				for j := range g {
					g[j] = uint16(code >> (2 * j) & 3)
				}
				if !yield(g) {
					return
				}
			}
		})
	})
	t.Run("binary", func(t *testing.T) {
		s := knapsack(4)
		s.weight, s.capacity = s.weight[:14], sum(s.weight[:14])/2
		requireExact(t, s.problem(), c, func(yield func(moo.Bits) bool) {
			for code := range uint64(1 << 14) {
				if !yield(moo.Bits{code}) {
					return
				}
			}
		})
	})
	t.Run("permutation", func(t *testing.T) {
		trip := drawnTour(6)
		for k := range 2 {
			trip.x[k], trip.y[k] = trip.x[k][:7], trip.y[k][:7]
		}
		// Lengths are added in the order of the trip, so equal trips differ in the last digits.
		p := moo.Permutation{Length: 7}.Problem(2, func(order []int, out []float64) float64 {
			v := trip.evaluate(order, out)
			for k := range out {
				out[k] = float64(int(out[k] * 1e6))
			}
			return v
		})
		requireExact(t, p, c, func(yield func([]int) bool) { permute(make([]int, 0, 7), 0, yield) })
	})
	t.Run("integer", func(t *testing.T) {
		p := moo.Integer{Lower: []int{-20, -20, -3}, Upper: []int{20, 20, 3}, Mutation: moo.Reset{Creep: 0.5}}.Problem(2, func(x []int, out []float64) float64 {
			a, b, z := float64(x[0]), float64(x[1]), float64(x[2])
			out[0], out[1] = a*a+b*b+z*z, (a-9)*(a-9)+(b-4)*(b-4)+z*z
			return 1 - a // not left of 1
		})
		requireExact(t, p, c, func(yield func([]int) bool) {
			for a := -20; a <= 20; a++ {
				for b := -20; b <= 20; b++ {
					for z := -3; z <= 3; z++ {
						if !yield([]int{a, b, z}) {
							return
						}
					}
				}
			}
		})
	})
}

// permute yields every order of the numbers 0 to cap-1 that begins with order.
func permute(order []int, used uint, yield func([]int) bool) bool {
	if len(order) == cap(order) {
		return yield(order)
	}
	for v := range cap(order) {
		if used>>v&1 == 0 && !permute(append(order, v), used|1<<v, yield) {
			return false
		}
	}
	return true
}

// TestMixedFront: a problem whose front needs every kind of variable: the order sorted (few inversions), all bits set, the number met, and the
// reals, the only ones in conflict, between two goals.
func TestMixedFront(t *testing.T) {
	p := moo.Mixed{
		Real:    box(3, -2, 3),
		Integer: moo.Integer{Lower: []int{0, 0}, Upper: []int{40, 40}, Mutation: moo.Reset{Creep: 0.5}},
		Binary:  moo.Binary{Length: 70},
		Order:   moo.Permutation{Length: 12},
	}.Problem(2, func(g moo.Mix, out []float64) float64 {
		off := float64(70 - g.Bits.Count())
		for i, v := range g.Order {
			for _, before := range g.Order[:i] {
				if before > v {
					off++
				}
			}
		}
		for _, v := range g.Integer {
			off += float64(max(v-17, 17-v))
		}
		out[0], out[1] = off, off
		for _, x := range g.Real {
			out[0] += x * x / 3
			out[1] += (x - 1) * (x - 1) / 3
		}
		return 0
	})
	front := run(t, p, moo.Config{Generations: 200})
	for _, member := range front.Members {
		require.Equal(t, 70, member.Genome.Bits.Count())
		require.Equal(t, []int{17, 17}, member.Genome.Integer)
		require.True(t, slices.IsSorted(member.Genome.Order))
	}
	require.Greater(t, volume(front, 1, 1), 0.96*(1-1.0/6), "of 1 less the area below (1 - sqrt f)^2")
}
