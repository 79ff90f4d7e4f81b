package hv_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
)

func TestDistances(t *testing.T) {
	reference := []float64{0, 10, 5, 5, 10, 0}
	require.Zero(t, hv.IGD(reference, reference, 2))
	require.Zero(t, hv.IGDPlus(reference, reference, 2))
	one := []float64{4, 2}
	require.InDelta(t, (math.Hypot(4, 8)+math.Hypot(1, 3)+math.Hypot(6, 2))/3, hv.IGD(one, reference, 2), 1e-12)
	require.InDelta(t, (4+0+2)/3.0, hv.IGDPlus(one, reference, 2), 1e-12)

	// A set may dominate another and still look worse to IGD; IGD+ does not err so.
	dominating, dominated := []float64{0, 0}, []float64{5, 4}
	require.Greater(t, hv.IGD(dominating, []float64{5, 3}, 2), hv.IGD(dominated, []float64{5, 3}, 2))
	require.Less(t, hv.IGDPlus(dominating, []float64{5, 3}, 2), hv.IGDPlus(dominated, []float64{5, 3}, 2))
	nan, inf := math.NaN(), math.Inf(1)
	require.InDelta(t, hv.IGD(one, reference, 2), hv.IGD([]float64{nan, 0, 4, 2}, reference, 2), 0, "a row with NaN is ignored")
	require.Equal(t, inf, hv.IGD(nil, reference, 2))
	require.Equal(t, inf, hv.IGDPlus([]float64{inf, 0}, reference, 2))
	require.Zero(t, hv.IGDPlus([]float64{-inf, -inf}, reference, 2))
	require.Equal(t, 1.0, hv.IGD([]float64{inf, 0}, []float64{inf, 1}, 2), "equal infinities are no distance")
	for _, f := range []func(a, b []float64, m int) float64{hv.IGD, hv.IGDPlus} {
		require.True(t, math.IsNaN(f(one, nil, 2)))
		require.True(t, math.IsNaN(f(one, []float64{nan, 1}, 2)))
		require.True(t, math.IsNaN(f(one, reference, 0)))
		require.True(t, math.IsNaN(f(one, reference, 4)))
		require.True(t, math.IsNaN(f(one[:1], reference, 2)))
	}
}

func TestDistanceLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 5).Draw(t, "m")
		draw := func(name string) []float64 {
			n := rapid.IntRange(1, 8).Draw(t, name) * m
			return rapid.SliceOfN(rapid.Float64Range(0, 1), n, n).Draw(t, name)
		}
		f, reference := draw("f"), draw("reference")
		plus := hv.IGDPlus(f, reference, m)
		require.LessOrEqual(t, plus, hv.IGD(f, reference, m)+1e-15)
		better := append([]float64(nil), f...)
		for i := range better {
			better[i] -= rapid.Float64Range(0, 0.5).Draw(t, "gain")
		}
		require.LessOrEqual(t, hv.IGDPlus(better, reference, m), plus, "weakly Pareto compliant")
		require.LessOrEqual(t, hv.IGD(append(f, reference...), reference, m), 0.0, "a superset of the reference")
	})
}

func TestKnee(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		name string
		m    int
		f    []float64
		want int
	}{
		{"nothing", 2, nil, -1},
		{"no objective", 0, []float64{1}, -1},
		{"half a row", 2, []float64{1}, -1},
		{"nothing finite", 2, []float64{inf, 1, nan, 1, -inf, 0}, -1},
		{"one row", 3, []float64{1, 2, 3}, 0},
		{"one objective", 1, []float64{3, 1, 2}, 1},
		{"bent", 2, []float64{0, 10, 1, 4, 2, 2, 4, 1, 10, 0}, 2},
		{"bent to one side, other units", 2, []float64{0, 1000, 1, 100, 5, 50, 10, 0}, 1},
		{"infinite rows do not stretch the scale", 2, []float64{0, 10, inf, -5, 1, 1, 10, 0, nan, nan}, 2},
		{"straight: the middle", 2, []float64{0, 4, 1, 3, 2, 2, 3, 1, 4, 0}, 2},
		{"bulging away: the middle", 2, []float64{0, 10, 6, 9, 8, 8, 9, 6, 10, 0}, 2},
		{"duplicates: the first", 2, []float64{0, 10, 1, 1, 1, 1, 10, 0}, 1},
		{"a constant objective is left out", 3, []float64{0, 7, 10, 1, 7, 1, 10, 7, 0}, 1},
		{"all equal", 2, []float64{5, 5, 5, 5}, 0},
		{"one row best in two objectives", 3, []float64{0, 0, 10, 2, 1, 1, 10, 10, 0}, 1},
		{"three objectives", 3, []float64{0, 5, 5, 5, 0, 5, 5, 5, 0, 2, 2, 2, 1, 4, 4}, 3},
		{"the plane leans", 3, []float64{0, 10, 2, 10, 0, 2, 8, 8, 0, 0, 9, 10, 3, 3, 4, 5, 5, 1}, 5},
		{"numbers beyond half the range", 2, []float64{-1.7e308, 1.7e308, -1e308, -1e308, 1.7e308, -1.7e308}, 1},
		{"the least numbers", 2, []float64{0, 5e-324, 5e-324, 0}, 0},
	} {
		require.Equal(t, c.want, hv.Knee(c.f, c.m), c.name)
	}
}

// In two objectives the knee is the row with the least sum after scaling whenever that lies before the line; scaling an
// objective changes nothing.
func TestKneeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 4).Draw(t, "m")
		f := whole(t, m, 9, 12)
		k := hv.Knee(f, m)
		if len(f) == 0 {
			require.Equal(t, -1, k)
			return
		}
		scaled := make([]float64, len(f))
		for i, v := range f {
			scaled[i] = v*math.Pow(2, float64(i%m)) - 64
		}
		require.Equal(t, k, hv.Knee(scaled, m), "units do not matter")
		for i := 0; i < len(f); i += m {
			better := true
			for j := range m {
				better = better && f[i+j] < f[k*m+j]
			}
			require.False(t, better, "row %d dominates the knee %d", i/m, k)
		}
	})
}
