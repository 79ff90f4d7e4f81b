package nds_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/nds"
)

// limits force each algorithm on the same rows: bitsets, divide and conquer, and whichever is the default.
var limits = map[string]int{"bitset": math.MaxInt, "divide": -1, "default": 0}

// TestEqualsClassic: the ranks are those of the classic sort for each number of objectives, over several strips of the
// bitset sort, with every algorithm, on rows of many kinds.
func TestEqualsClassic(t *testing.T) {
	var reference classic
	sorters := map[string]*nds.Workspace{}
	for name, limit := range limits {
		sorters[name] = &nds.Workspace{Bitset: limit}
	}
	for _, kind := range kinds {
		for m := 1; m <= 8; m++ {
			for _, n := range []int{0, 1, 2, 3, 25, 64, 65, 530} {
				f := kind.rows(uint64(n), n, m)
				want := reference.sort(f, m)
				for name, w := range sorters {
					require.True(t, slices.Equal(want, w.Sort(f, m)), "%s: %s m=%d n=%d", name, kind.name, m, n)
				}
			}
		}
	}
}

// TestManyRows: enough rows for several strips of the bitset sort, and for large sets in each branch of divide and conquer.
func TestManyRows(t *testing.T) {
	var reference classic
	for _, kind := range kinds {
		const n, m = 1400, 5
		f := kind.rows(3, n, m)
		want := reference.sort(f, m)
		for name, limit := range limits {
			w := nds.Workspace{Bitset: limit}
			require.True(t, slices.Equal(want, w.Sort(f, m)), "%s: %s", name, kind.name)
		}
	}
}

// TestDeepFronts: ranks that lie further apart than a strip of the bitset sort is wide.
func TestDeepFronts(t *testing.T) {
	const n, m = 2300, 4
	f := make([]float64, 0, n*m)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		x := float64(i)
		switch random.IntN(8) {
		default: // a chain
			f = append(f, x, x, x, x)
		case 0: // nearly the same chain
			f = append(f, x, x+random.Float64()*9, x, x-random.Float64()*9)
		case 1: // incomparable with the chains, of low rank
			f = append(f, x, -x, 5+random.Float64(), random.Float64())
		}
	}
	var reference classic
	want := reference.sort(f, m)
	require.Greater(t, slices.Max(want), int32(1200))
	for name, limit := range limits {
		w := nds.Workspace{Bitset: limit}
		require.Equal(t, want, w.Sort(f, m), name)
	}
}

// TestLowRanksBetween: a strip of low ranks between a long chain and the rows that the chain dominates tells them nothing.
func TestLowRanksBetween(t *testing.T) {
	var reference classic
	for m := 4; m <= 5; m++ {
		var f []float64
		for i := range 2000 {
			row := slices.Repeat([]float64{float64(i)}, m)
			if i >= 600 && i < 1800 {
				row[1], row[2] = -float64(i), float64(i%7)-600
			}
			f = append(f, row...)
		}
		want := reference.sort(f, m)
		for name, limit := range limits {
			w := nds.Workspace{Bitset: limit}
			require.Equal(t, want, w.Sort(f, m), "%s m=%d", name, m)
		}
	}
}

// TestLaws: what ranks mean, on any rows: a row of rank r > 0 is dominated by a row of rank r-1 and by none of rank r or
// more; a row of rank 0 by none; equal rows have equal ranks; and Fronts lists exactly the ranks.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, m := drawn(t)
		limit := rapid.SampledFrom([]int{0, -1, 20, math.MaxInt}).Draw(t, "limit")
		w := nds.Workspace{Bitset: limit}
		ranks := w.Sort(f, m)
		n := len(f) / m
		require.Len(t, ranks, n)
		for i := range n {
			a := f[i*m : (i+1)*m]
			supported := ranks[i] == 0
			for k := range n {
				b := f[k*m : (k+1)*m]
				if nds.Dominates(b, a) {
					if ranks[k] >= ranks[i] {
						t.Fatalf("row %d dominates row %d; ranks %d, %d", k, i, ranks[k], ranks[i])
					}
					supported = supported || ranks[k] == ranks[i]-1
				} else if ranks[k] != ranks[i] && equal(a, b) {
					t.Fatalf("rows %d and %d are equal; ranks %d, %d", k, i, ranks[k], ranks[i])
				}
			}
			if !supported {
				t.Fatalf("row %d of rank %d is dominated by none of the rank before", i, ranks[i])
			}
		}
		listed(t, &w, ranks)
	})
}

// TestOrderOfRowsDoesNotMatter: permuted rows have permuted ranks.
func TestOrderOfRowsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, m := drawn(t)
		n := len(f) / m
		var w nds.Workspace
		want := slices.Clone(w.Sort(f, m))
		order := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 0)).Perm(n)
		permuted := make([]float64, 0, len(f))
		for _, i := range order {
			permuted = append(permuted, f[i*m:(i+1)*m]...)
		}
		for k, r := range w.Sort(permuted, m) {
			if r != want[order[k]] {
				t.Fatalf("row %d: rank %d, and %d when it stands at %d", order[k], want[order[k]], r, k)
			}
		}
	})
}

// TestConstrained: the ranks of SortConstrained are those that peeling fronts by constrained domination gives.
func TestConstrained(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, m := drawn(t)
		n := len(f) / m
		violation := rapid.SliceOfN(rapid.SampledFrom([]float64{0, 0, 0, -1, 0.5, 2, 1e9, math.Inf(1), math.NaN(), math.Copysign(0, -1)}), n, n).Draw(t, "violation")
		before := slices.Clone(f)
		want := peel(n, func(i, k int) bool {
			v, u := worst(violation[i]), worst(violation[k])
			if v <= 0 && u <= 0 {
				return nds.Dominates(f[i*m:(i+1)*m], f[k*m:(k+1)*m])
			}
			return max(v, 0) < max(u, 0)
		})
		var w nds.Workspace
		got := w.SortConstrained(f, violation, m)
		require.Equal(t, want, got)
		require.True(t, slices.EqualFunc(before, f, func(x, y float64) bool { return math.Float64bits(x) == math.Float64bits(y) }), "the input is left alone")
		listed(t, &w, got)
	})
}

// TestDominates: strict in one objective, not worse in any, NaN as +Inf.
func TestDominates(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		a, b []float64
		want bool
	}{
		{[]float64{1, 2}, []float64{1, 3}, true},
		{[]float64{1, 3}, []float64{1, 2}, false},
		{[]float64{1, 2}, []float64{1, 2}, false},
		{[]float64{0, 3}, []float64{1, 2}, false},
		{[]float64{1, 2}, []float64{1, nan}, true},
		{[]float64{1, inf}, []float64{1, nan}, false},
		{[]float64{1, nan}, []float64{1, inf}, false},
		{[]float64{-inf, 2}, []float64{0, 2}, true},
		{[]float64{0}, []float64{math.Copysign(0, -1)}, false},
		{nil, nil, false},
	} {
		require.Equal(t, c.want, nds.Dominates(c.a, c.b), "%v %v", c.a, c.b)
	}
}

// TestBadShape: rows that are none are a programmer's mistake.
func TestBadShape(t *testing.T) {
	var w nds.Workspace
	require.Panics(t, func() { w.Sort([]float64{1, 2, 3}, 2) })
	require.Panics(t, func() { w.Sort(nil, 0) })
	require.Panics(t, func() { w.SortConstrained([]float64{1, 2}, []float64{0, 0}, 2) })
	require.Empty(t, w.Fronts(), "nothing has been sorted")
	require.Empty(t, w.Sort(nil, 3))
	require.Empty(t, w.Fronts())
}

// TestNoAllocation: a workspace that has sorted as many rows sorts other rows without allocating, whatever their kind.
func TestNoAllocation(t *testing.T) {
	const n = 540
	violation := make([]float64, n)
	for i := range violation {
		violation[i] = float64(i%7 - 3)
	}
	for name, limit := range limits {
		for m := 1; m <= 8; m++ {
			w := nds.Workspace{Bitset: limit}
			var data [][]float64
			for _, kind := range kinds {
				data = append(data, kind.rows(9, n, m), kind.rows(10, n/2, m))
			}
			use := func(f []float64) {
				w.Sort(f, m)
				w.Fronts()
				w.SortConstrained(f, violation[:len(f)/m], m)
				w.Fronts()
			}
			use(make([]float64, n*m)) // one point
			if limit < 0 {            // the stack of divide and conquer depends on the values
				for _, f := range data {
					use(f)
				}
			}
			for i, f := range data {
				require.Zero(t, testing.AllocsPerRun(1, func() { use(f) }), "%s m=%d %s", name, m, kinds[i/2].name)
			}
		}
	}
}

// FuzzSort feeds rows made of bytes: few distinct values, so ties, duplicates, infinities and NaN abound.
func FuzzSort(f *testing.F) {
	f.Add([]byte{}, uint8(2))
	f.Add([]byte{1, 2, 2, 1, 1, 2, 0, 9, 255, 254, 253, 252}, uint8(1))
	f.Add([]byte("the quick brown fox jumps over the lazy dog, twice or more"), uint8(4))
	f.Add([]byte{255, 255, 255, 254, 254, 254, 253, 253, 253, 0, 0, 0, 252, 252, 252}, uint8(2))
	f.Add(slices.Repeat([]byte{3, 1, 2, 250, 7}, 60), uint8(3))
	f.Fuzz(func(t *testing.T, raw []byte, objectives uint8) {
		m := int(objectives%8) + 1
		raw = raw[:min(len(raw), 4000)]
		rows := make([]float64, len(raw)/m*m)
		for i := range rows {
			rows[i] = value(raw[i])
		}
		var reference classic
		want := reference.sort(rows, m)
		for name, limit := range limits {
			w := nds.Workspace{Bitset: limit}
			require.Equal(t, want, w.Sort(rows, m), name)
		}
	})
}

// value spreads a byte over the kinds of float64.
func value(b byte) float64 {
	switch b {
	case 255:
		return math.Inf(1)
	case 254:
		return math.Inf(-1)
	case 253:
		return math.NaN()
	case 252:
		return math.Copysign(0, -1)
	case 251:
		return math.MaxFloat64
	case 250:
		return -math.MaxFloat64
	case 249:
		return math.SmallestNonzeroFloat64
	}
	return float64(b%64) / 8
}

// drawn draws rows of a kind, a size and a number of objectives.
func drawn(t *rapid.T) (f []float64, m int) {
	m = rapid.IntRange(1, 8).Draw(t, "m")
	n := rapid.SampledFrom([]int{0, 1, 2, 7, 30, 64, 90, 130, 200}).Draw(t, "n")
	kind := rapid.IntRange(0, len(kinds)-1).Draw(t, "kind")
	return kinds[kind].rows(rapid.Uint64().Draw(t, "seed"), n, m), m
}

// listed requires that Fronts lists exactly the ranks, ascending.
func listed(t require.TestingT, w *nds.Workspace, ranks []int32) {
	seen := 0
	for r, front := range w.Fronts() {
		require.NotEmpty(t, front)
		require.True(t, slices.IsSorted(front))
		require.False(t, slices.ContainsFunc(front, func(i int32) bool { return ranks[i] != int32(r) }))
		seen += len(front)
	}
	require.Equal(t, len(ranks), seen)
}

// peel ranks by definition: the rows that no remaining row dominates are the next front.
func peel(n int, dominates func(i, k int) bool) []int32 {
	ranks := make([]int32, n)
	left := make([]int, n)
	for i := range left {
		left[i] = i
	}
	for r := int32(0); len(left) > 0; r++ {
		var rest []int
		for _, i := range left {
			if slices.ContainsFunc(left, func(k int) bool { return dominates(k, i) }) {
				rest = append(rest, i)
			} else {
				ranks[i] = r
			}
		}
		left = rest
	}
	return ranks
}

func equal(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return worst(x) == worst(y) })
}
