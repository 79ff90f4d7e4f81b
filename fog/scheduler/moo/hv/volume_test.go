package hv_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
)

// sides keeps the number of cells of the exact count small.
var sides = []int{0, 30, 12, 7, 5, 4}

func TestVolumeCountsCells(t *testing.T) {
	for m := 1; m <= hv.MaxObjectives; m++ {
		var w hv.Workspace
		rapid.Check(t, func(t *rapid.T) {
			f := whole(t, m, sides[m], 14)
			require.Equal(t, cells(f, m, sides[m]), w.Volume(f, m, all(m, float64(sides[m]))))
		})
	}
}

func TestContributionsCountCells(t *testing.T) {
	for m := 1; m <= hv.MaxObjectives; m++ {
		var w hv.Workspace
		rapid.Check(t, func(t *rapid.T) {
			f := whole(t, m, sides[m], 14)
			total := cells(f, m, sides[m])
			got := w.Contributions(nil, f, m, all(m, float64(sides[m])))
			require.Len(t, got, len(f)/m)
			for i, v := range got {
				require.Equal(t, total-cells(without(f, m, i), m, sides[m]), v, "row %d of %v", i, f)
			}
		})
	}
}

func TestVolumeAgreesWithInclusionAndExclusion(t *testing.T) {
	for m := 1; m <= hv.MaxObjectives; m++ {
		var w hv.Workspace
		ref := all(m, 1.1)
		for seed := range uint64(20) {
			for _, f := range [][]float64{sphere(12, m, seed), cloud(12, m, seed)} {
				require.InEpsilon(t, inclusion(f, m, ref), w.Volume(f, m, ref), 1e-12)
			}
		}
	}
}

func TestVolumeOfKnownFronts(t *testing.T) {
	var w hv.Workspace
	// n steps on the line x + y = 1 against (1, 1) leave n triangles of side 1/n uncovered.
	for _, n := range []int{1, 4, 64, 4096} {
		f := make([]float64, 0, 2*n)
		for i := range n {
			f = append(f, float64(i)/float64(n), float64(n-1-i)/float64(n))
		}
		require.InDelta(t, 0.5+0.5/float64(n), w.Volume(f, 2, []float64{1, 1}), 1e-12)
	}
	// The lattice on x1 + ... + xm = k against k+1: cells whose corner sums to at least k.
	for m := 1; m <= 5; m++ {
		for k := 1; k <= 6; k++ {
			f := lattice(m, k)
			side := k + 1
			require.Equal(t, atLeast(m, k, side), w.Volume(f, m, all(m, float64(side))), "m=%d k=%d", m, k)
		}
	}
	require.Equal(t, 24.0, w.Volume([]float64{-1, -2, -3}, 3, []float64{1, 1, 1}))
}

// lattice returns all rows of whole numbers from 0 that sum to k.
func lattice(m, k int) []float64 {
	if m == 1 {
		return []float64{float64(k)}
	}
	var f []float64
	for v := 0; v <= k; v++ {
		rest := lattice(m-1, k-v)
		for i := 0; i < len(rest); i += m - 1 {
			f = append(append(f, float64(v)), rest[i:i+m-1]...)
		}
	}
	return f
}

// atLeast counts the vectors of m whole numbers below side that sum to at least k.
func atLeast(m, k, side int) float64 {
	if m == 0 {
		if k <= 0 {
			return 1
		}
		return 0
	}
	sum := 0.0
	for v := range side {
		sum += atLeast(m-1, k-v, side)
	}
	return sum
}

// The greatest sets exercise the deeper levels of the staircase's index.
func TestLargeSetsInThreeDimensions(t *testing.T) {
	var w hv.Workspace
	ref := all(3, 1.1)
	f := sphere(4500, 3, 1)
	contributions := w.Contributions(nil, f, 3, ref)
	total := w.Volume(f, 3, ref)
	r := rand.New(rand.NewPCG(1, 1))
	for range 6 {
		i := r.IntN(4500)
		require.InDelta(t, total-w.Volume(without(f, 3, i), 3, ref), contributions[i], 1e-12)
	}
	// One objective copied: three dimensions must measure what two do.
	plane := cloud(5000, 2, 3)
	lifted := make([]float64, 0, 15000)
	for i := 0; i < len(plane); i += 2 {
		lifted = append(lifted, plane[i], plane[i+1], 0.25)
	}
	require.InEpsilon(t, w.Volume(plane, 2, []float64{1, 1})*0.75, w.Volume(lifted, 3, []float64{1, 1, 1}), 1e-12)
}

func TestContributionIsTheDifference(t *testing.T) {
	for m := 2; m <= hv.MaxObjectives; m++ {
		t.Run(fmt.Sprintf("m=%d", m), func(t *testing.T) {
			var w hv.Workspace
			ref := all(m, 1.05)
			for _, f := range [][]float64{sphere(60, m, 7), cloud(60, m, 7), append(sphere(30, m, 8), sphere(30, m, 8)...)} {
				total := w.Volume(f, m, ref)
				each := w.Contributions(nil, f, m, ref)
				for i, v := range each {
					require.InDelta(t, total-w.Volume(without(f, m, i), m, ref), v, 1e-12, "row %d", i)
				}
				some := w.ContributionsOf(nil, f, m, ref, []int32{59, 3, 3})
				require.InDeltaSlice(t, []float64{each[59], each[3], each[3]}, some, 1e-14)
				require.InDeltaSlice(t, each[:9], w.ContributionsOf(nil, f, m, ref, []int32{0, 1, 2, 3, 4, 5, 6, 7, 8}), 1e-14)
			}
		})
	}
}

func TestLeast(t *testing.T) {
	var w hv.Workspace
	f := []float64{0, 4, 1, 2, 2, 1, 4, 0}
	require.Equal(t, []float64{1, 2, 2, 1}, w.Contributions(nil, f, 2, []float64{5, 5}))
	require.Equal(t, 0, w.Least(f, 2, []float64{5, 5}), "the first of equals")
	require.Equal(t, []float64{2, 2, 2, 1}, w.Contributions(nil, f, 2, []float64{5, 6}))
	require.Equal(t, 3, w.Least(f, 2, []float64{5, 6}))
	require.Equal(t, -1, w.Least(nil, 2, []float64{5, 5}))
	require.Equal(t, -1, w.Least(make([]float64, 6), 6, make([]float64, 6)))
}

func TestLaws(t *testing.T) {
	for m := 1; m <= hv.MaxObjectives; m++ {
		var w hv.Workspace
		rapid.Check(t, func(t *rapid.T) {
			n := rapid.IntRange(1, 20).Draw(t, "n")
			f := rapid.SliceOfN(rapid.Float64Range(0, 1.2), n*m, n*m).Draw(t, "f")
			ref := all(m, 1)
			total := w.Volume(f, m, ref)

			r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
			var mixed, moved []float64
			for _, i := range r.Perm(n) {
				mixed = append(mixed, f[i*m:(i+1)*m]...)
			}
			require.InDelta(t, total, w.Volume(mixed, m, ref), 1e-12, "the order of rows")
			require.InDelta(t, total, w.Volume(append(f, f...), m, ref), 1e-12, "duplicates")

			turned := make([]float64, len(f))
			axes := r.Perm(m)
			for i := range f {
				turned[i/m*m+axes[i%m]] = f[i]
			}
			require.InDelta(t, total, w.Volume(turned, m, ref), 1e-12, "the order of objectives")

			for i := range f {
				moved = append(moved, 4*f[i]+float64(i%m))
			}
			far := make([]float64, m)
			for j := range far {
				far[j] = 4 + float64(j)
			}
			require.InDelta(t, total, w.Volume(moved, m, far)/math.Pow(4, float64(m)), 1e-12, "moving and scaling")

			extra := rapid.SliceOfN(rapid.Float64Range(0, 1.2), m, m).Draw(t, "extra")
			more := append(append([]float64(nil), f...), extra...)
			grown := w.Volume(more, m, ref)
			require.GreaterOrEqual(t, grown, total-1e-12, "a row more")
			require.InDelta(t, grown-total, w.Contributions(nil, more, m, ref)[n], 1e-12)
		})
	}
}

func TestWhatDoesNotCount(t *testing.T) {
	var w hv.Workspace
	nan, inf := math.NaN(), math.Inf(1)
	for m := 1; m <= hv.MaxObjectives; m++ {
		ref := all(m, 2)
		good := all(m, 1)
		require.Equal(t, 0.0, w.Volume(nil, m, ref))
		for _, v := range []float64{nan, inf, 2, 3} {
			bad := append(all(m-1, 0), v)
			require.Equal(t, 0.0, w.Volume(bad, m, ref), "%v", v)
			require.Equal(t, 1.0, w.Volume(append(bad, good...), m, ref))
			require.Equal(t, []float64{0, 1}, w.Contributions(nil, append(bad, good...), m, ref))
		}
		best := append(all(m-1, 1), -inf)
		require.Equal(t, inf, w.Volume(append(best, good...), m, ref))
		require.Equal(t, []float64{inf, 0}, w.Contributions(nil, append(best, good...), m, ref))
		require.Equal(t, []float64{0, 0, 0}, w.Contributions(nil, append(append(good, best...), best...), m, ref))

		for _, wrong := range [][]float64{all(m, nan), all(m, inf), all(m, -inf), all(m+1, 2)} {
			require.True(t, math.IsNaN(w.Volume(good, m, wrong)))
			got := w.Contributions(nil, good, m, wrong)
			require.Len(t, got, 1)
			require.True(t, math.IsNaN(got[0]))
		}
	}
	require.True(t, math.IsNaN(w.Volume(all(6, 1), 6, all(6, 2))), "six objectives")
	require.True(t, math.IsNaN(w.Volume(nil, 0, nil)))
	require.True(t, math.IsNaN(w.Volume(all(5, 1), 2, all(2, 2))), "half a row")
	require.Empty(t, w.Contributions(nil, all(5, 1), 0, nil))
}

// A finite row beside an infinite one keeps its finite share.
func TestSharesBesideAnInfiniteRow(t *testing.T) {
	var w hv.Workspace
	inf := math.Inf(1)
	require.Equal(t, []float64{inf, 2, 2}, w.Contributions(nil, []float64{-inf, 3, 0, 2, 2, 1}, 2, []float64{4, 4}))
	require.Equal(t, []float64{inf, inf}, w.Contributions(nil, []float64{-inf, 1, 0, 1, -inf, 0}, 3, []float64{4, 4, 4}))
}

// As far as finite rows are concerned, infinitely better is no more than better than all of them.
func TestInfiniteRowsAmongMany(t *testing.T) {
	for m := 2; m <= hv.MaxObjectives; m++ {
		var w hv.Workspace
		rapid.Check(t, func(t *rapid.T) {
			side := sides[m]
			f := whole(t, m, side, 14)
			endless := make([]bool, len(f)/m)
			near, far := append([]float64(nil), f...), append([]float64(nil), f...)
			for i := range endless {
				if rapid.IntRange(0, 4).Draw(t, "endless") == 0 {
					j := i*m + rapid.IntRange(0, m-1).Draw(t, "axis")
					endless[i], near[j], far[j] = true, -1, math.Inf(-1)
				}
			}
			ref := all(m, float64(side))
			want := w.Contributions(nil, near, m, ref)
			for i, v := range w.Contributions(nil, far, m, ref) {
				if endless[i] && want[i] > 0 {
					require.Equal(t, math.Inf(1), v, "row %d of %v", i, far)
				} else {
					require.Equal(t, want[i], v, "row %d of %v", i, far)
				}
			}
		})
	}
}

func TestExtremeNumbersDoNotOverflow(t *testing.T) {
	var w hv.Workspace
	for m := 2; m <= hv.MaxObjectives; m++ {
		ref := all(m, 0)
		f := append(all(m, -1e60), append(all(m-1, -5e59), -2e60)...)
		once := math.Pow(1e60, float64(m))
		require.InEpsilon(t, once*(1+math.Pow(0.5, float64(m-1))), w.Volume(f, m, ref), 1e-12)
	}
	require.Equal(t, math.Inf(1), w.Volume(all(3, -1e200), 3, all(3, 0)), "more than a float64 holds")
	require.Equal(t, []float64{math.Inf(1), 0}, w.Contributions(nil, append(all(4, -1e200), all(4, -1e199)...), 4, all(4, 0)))
}

func TestNoAllocation(t *testing.T) {
	for m := 1; m <= hv.MaxObjectives; m++ {
		var w hv.Workspace
		f, ref := append(sphere(50, m, 3), cloud(20, m, 3)...), all(m, 1.1)
		var dst []float64
		work := func() {
			w.Volume(f, m, ref)
			dst = w.Contributions(dst, f, m, ref)
			w.Least(f, m, ref)
		}
		work()
		require.Zero(t, testing.AllocsPerRun(5, work), "m=%d", m)
	}
	f, r := sphere(50, 3, 3), sphere(50, 3, 4)
	require.Zero(t, testing.AllocsPerRun(5, func() { hv.IGDPlus(f, r, 3) }))
}

func FuzzVolume(f *testing.F) {
	f.Add(uint8(3), []byte{1, 2, 3, 3, 2, 1, 2, 2, 2, 9, 9, 9})
	f.Add(uint8(2), []byte{0, 5, 1, 4, 1, 4, 5, 0})
	f.Add(uint8(4), []byte{0, 1, 2, 3, 3, 2, 1, 0, 1, 1, 1, 1, 0, 0, 4, 4})
	f.Add(uint8(5), []byte{0, 1, 2, 3, 0, 3, 2, 1, 0, 1, 1, 1, 1, 1, 1})
	var w hv.Workspace
	f.Fuzz(func(t *testing.T, objectives uint8, data []byte) {
		m := int(objectives)%hv.MaxObjectives + 1
		side := sides[m]
		data = data[:min(len(data), 20*m)/m*m]
		rows := make([]float64, len(data))
		for i, b := range data {
			rows[i] = float64(int(b) % (side + 1))
		}
		ref := all(m, float64(side))
		total := cells(rows, m, side)
		require.Equal(t, total, w.Volume(rows, m, ref))
		for i, v := range w.Contributions(nil, rows, m, ref) {
			require.Equal(t, total-cells(without(rows, m, i), m, side), v)
		}
	})
}
