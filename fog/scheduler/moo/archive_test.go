package moo_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
)

// archiveConfig keeps genomes that are a copy of their own objectives, so that a mix-up shows.
func archiveConfig(m int) moo.ArchiveConfig[[]float64] {
	return moo.ArchiveConfig[[]float64]{
		Objectives: m,
		Make: func(n int) [][]float64 {
			g := make([][]float64, n)
			for i := range g {
				g[i] = make([]float64, m)
			}
			return g
		},
		Copy: func(dst, src []float64) { copy(dst, src) },
	}
}

func newArchive(t require.TestingT, c moo.ArchiveConfig[[]float64]) *moo.Archive[[]float64] {
	a, err := moo.NewArchive(c)
	require.NoError(t, err)
	return a
}

// entries returns the objectives of all entries and checks that genomes belong to them.
func entries(t require.TestingT, a *moo.Archive[[]float64]) [][]float64 {
	var rows [][]float64
	for g, f := range a.All() {
		require.Equal(t, f, g)
		rows = append(rows, slices.Clone(f))
	}
	require.Len(t, rows, a.Len())
	for i, f := range rows {
		g, same := a.At(i)
		require.Equal(t, f, g)
		require.Equal(t, f, same)
	}
	return rows
}

func atLeastAsGood(a, b []float64) bool {
	for j := range a {
		if a[j] > b[j] {
			return false
		}
	}
	return true
}

func requireFront(t require.TestingT, rows [][]float64) {
	for i := range rows {
		for k := range rows {
			if i != k && atLeastAsGood(rows[i], rows[k]) {
				require.Fail(t, "no front", "%v and %v", rows[i], rows[k])
			}
		}
	}
}

// offers draws solutions of small whole numbers: many tie, are dominated or come twice.
func offers(t *rapid.T, m int) [][]float64 {
	n := rapid.IntRange(1, 60).Draw(t, "offers")
	rows := make([][]float64, n)
	for i := range rows {
		for range m {
			rows[i] = append(rows[i], float64(rapid.IntRange(0, 9).Draw(t, "v")))
		}
	}
	return rows
}

// weightVectors draws up to three profiles.
func weightVectors(t *rapid.T, m int) [][]float64 {
	var w [][]float64
	for range rapid.IntRange(0, 3).Draw(t, "profiles") {
		p := make([]float64, m)
		for j := range p {
			p[j] = float64(rapid.IntRange(0, 3).Draw(t, "weight"))
		}
		p[rapid.IntRange(0, m-1).Draw(t, "axis")]++
		w = append(w, p)
	}
	return w
}

func weighted(w, f []float64) float64 {
	sum := 0.0
	for j := range w {
		sum += float64(w[j] * f[j])
	}
	return sum
}

func TestArchiveKeepsTheFrontOfAllOffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 5).Draw(t, "m")
		a := newArchive(t, archiveConfig(m))
		all := offers(t, m)
		var w hv.Workspace
		ref := slices.Repeat([]float64{11}, m)
		volume := 0.0
		for i, f := range all {
			kept := a.Add(f, f)
			rows := entries(t, a)
			at := slices.IndexFunc(rows, func(r []float64) bool { return slices.Equal(r, f) })
			first := !slices.ContainsFunc(all[:i], func(r []float64) bool { return atLeastAsGood(r, f) })
			require.Equal(t, first, kept)
			if kept {
				require.Equal(t, len(rows)-1, at, "the youngest stands last")
			}
			requireFront(t, rows)
			now := w.Volume(a.Objectives(), m, ref)
			require.GreaterOrEqual(t, now, volume)
			volume = now
		}
		require.Equal(t, w.Volume(slices.Concat(all...), m, ref), volume, "nothing of worth was lost")
		require.EqualValues(t, len(all), a.Offered())
	})
}

// What a bounded archive must keep, computed anew from scratch at every offer.
func TestBoundedArchiveDropsTheLeastContributor(t *testing.T) {
	for m := 1; m <= hv.MaxObjectives; m++ {
		var w hv.Workspace
		rapid.Check(t, func(t *rapid.T) {
			c := archiveConfig(m)
			c.Profiles = weightVectors(t, m)
			c.Size = max(rapid.IntRange(1, 12).Draw(t, "size"), len(c.Profiles))
			c.Reference = slices.Repeat([]float64{float64(rapid.IntRange(4, 10).Draw(t, "reference"))}, m)
			a := newArchive(t, c)
			var model [][]float64
			elites := make([][]float64, len(c.Profiles))
			for _, f := range offers(t, m) {
				if !slices.ContainsFunc(model, func(r []float64) bool { return atLeastAsGood(r, f) }) {
					model = append(slices.DeleteFunc(model, func(r []float64) bool { return atLeastAsGood(f, r) }), f)
					for k, p := range c.Profiles {
						if elites[k] == nil || weighted(p, f) < weighted(p, elites[k]) || atLeastAsGood(f, elites[k]) {
							elites[k] = f
						}
					}
				}
				if len(model) > c.Size {
					least := -1
					each := w.Contributions(nil, slices.Concat(model...), m, c.Reference)
					for i, v := range each {
						safe := slices.ContainsFunc(elites, func(e []float64) bool { return slices.Equal(e, model[i]) })
						if !safe && (least < 0 || v <= each[least]) {
							least = i
						}
					}
					model = slices.Delete(model, least, least+1)
				}
				kept := a.Add(f, f)
				rows := entries(t, a)
				require.Equal(t, model, rows)
				require.Equal(t, slices.ContainsFunc(model, func(r []float64) bool { return &r[0] == &f[0] }), kept)
				for k, e := range elites {
					require.Equal(t, e, rows[a.Elite(k)])
				}
			}
		})
	}
}

// With a reference that follows, what the archive remembers of shares is what they are.
func TestArchiveRemembersTrueShares(t *testing.T) {
	for m := 2; m <= hv.MaxObjectives; m++ {
		for seed := range uint64(3) {
			r := rand.New(rand.NewPCG(seed, uint64(m)))
			c := archiveConfig(m)
			c.Size = 25
			noise := []float64{0.01, 0.01, 0.5}[seed]
			if seed > 0 { // narrow boxes, and wide ones that drop entries together
				c.Epsilon = slices.Repeat([]float64{[]float64{0, 1e-4, 0.04}[seed]}, m)
				c.Profiles = [][]float64{slices.Repeat([]float64{1}, m)}
			}
			a := newArchive(t, c)
			var w hv.Workspace
			var known, moves int
			var last []float64
			for i := range 300 {
				// A front that leaps towards the ideal point and shrinks, so that the reference must follow.
				f := make([]float64, m)
				norm := 0.0
				for j := range f {
					f[j] = r.ExpFloat64()
					norm += f[j]
				}
				for j := range f {
					f[j] = f[j] / norm * (1 + noise*r.Float64()) * math.Pow(0.3, float64(i/100))
				}
				a.Add(f, f)
				require.LessOrEqual(t, a.Len(), c.Size)
				if i%7 != 0 {
					continue
				}
				requireFront(t, entries(t, a))
				state := a.Snapshot()
				require.Equal(t, state.Reference, a.Reference())
				if len(state.Reference) > 0 && !slices.Equal(last, state.Reference) {
					moves++
					last = state.Reference
				}
				if len(state.Reference) == 0 {
					continue
				}
				for i, v := range w.Contributions(nil, state.Objectives, m, state.Reference) {
					require.LessOrEqual(t, state.Shares[i], v+1e-12, "a bound from below")
					if state.Measured[i] {
						known++
						require.InDelta(t, v, state.Shares[i], 1e-12)
					}
				}
			}
			if seed < 2 {
				require.Greater(t, moves, 1, "the reference follows")
				require.Greater(t, known, 50, "shares are remembered")
			}
		}
	}
}

func TestTheReferenceFollowsBothWays(t *testing.T) {
	c := archiveConfig(2)
	c.Size = 3
	a := newArchive(t, c)
	add := func(x, y float64) { a.Add([]float64{x, y}, []float64{x, y}) }
	for _, f := range [][]float64{{0, 1}, {0.25, 0.5}, {0.5, 0.25}, {1, 0}} {
		require.Nil(t, a.Reference())
		add(f[0], f[1])
	}
	require.InDeltaSlice(t, []float64{1.1, 1.1}, a.Reference(), 1e-12)
	add(0.3, 0.3)
	require.InDeltaSlice(t, []float64{1.1, 1.1}, a.Reference(), 1e-12, "it does not move for little")
	add(-1, 9)
	require.InDelta(t, 10, a.Reference()[1], 1, "an entry has passed it")
	for _, f := range [][]float64{{-2, -1.9}, {-1.9, -2}, {-1.98, -1.94}, {-1.94, -1.98}} {
		add(f[0], f[1])
	}
	require.InDeltaSlice(t, []float64{-1.89, -1.89}, a.Reference(), 1e-9, "the range has fallen below half")
}

func TestElitesAreNeverWorseThanAnOffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 5).Draw(t, "m")
		c := archiveConfig(m)
		c.Profiles = append(weightVectors(t, m), slices.Repeat([]float64{1}, m))
		c.Size = len(c.Profiles) + rapid.IntRange(0, 3).Draw(t, "room")
		if rapid.Bool().Draw(t, "boxes") {
			c.Epsilon = slices.Repeat([]float64{3}, m)
		}
		c.Scale = slices.Repeat([]float64{2}, m)
		a := newArchive(t, c)
		least := slices.Repeat([]float64{math.Inf(1)}, len(c.Profiles))
		for k := range c.Profiles {
			require.Equal(t, -1, a.Elite(k))
		}
		for _, f := range offers(t, m) {
			a.Add(f, f)
			rows := entries(t, a)
			requireFront(t, rows)
			require.LessOrEqual(t, len(rows), c.Size)
			for k, w := range c.Profiles {
				least[k] = min(least[k], weighted(w, f))
				require.Equal(t, least[k], weighted(w, rows[a.Elite(k)]))
				require.Equal(t, least[k], weighted(w, rows[a.Best(w, c.Scale)]))
			}
		}
	})
}

func TestBoxes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 5).Draw(t, "m")
		c := archiveConfig(m)
		c.Profiles = weightVectors(t, m)
		for range m {
			c.Epsilon = append(c.Epsilon, float64(rapid.IntRange(1, 4).Draw(t, "epsilon")))
		}
		a := newArchive(t, c)
		inBox := func(f []float64) []float64 {
			b := make([]float64, m)
			for j := range b {
				b[j] = math.Floor(f[j] / c.Epsilon[j])
			}
			return b
		}
		var seen [][]float64
		for _, f := range offers(t, m) {
			for j := range f {
				f[j] -= 4 // below zero too
			}
			a.Add(f, f)
			seen = append(seen, f)
			rows := entries(t, a)
			requireFront(t, rows)
			for _, s := range seen {
				require.True(t, slices.ContainsFunc(rows, func(r []float64) bool {
					near := make([]float64, m)
					for j := range near {
						near[j] = r[j] - c.Epsilon[j]
					}
					return atLeastAsGood(near, s)
				}), "%v is not within epsilon of %v", s, rows)
			}
			for i, r := range rows {
				elite := false
				for k := range c.Profiles {
					elite = elite || a.Elite(k) == i
				}
				for k, o := range rows {
					require.False(t, !elite && i != k && atLeastAsGood(inBox(o), inBox(r)), "%v is boxed by %v", r, o)
				}
			}
		}
	})
}

func TestArchiveRefuses(t *testing.T) {
	c := archiveConfig(2)
	c.Size, c.Reference = 2, []float64{10, 10}
	a := newArchive(t, c)
	require.Equal(t, []int{-1, -1}, []int{a.Best([]float64{1, 1}, nil), a.Extreme(0)})
	add := func(x, y float64) bool { return a.Add([]float64{x, y}, []float64{x, y}) }
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		require.False(t, add(v, 0))
		require.False(t, add(0, v))
	}
	require.Zero(t, a.Len())
	require.True(t, add(1, 5))
	require.False(t, add(1, 5), "twice")
	require.False(t, add(1, 6), "dominated")
	require.True(t, add(5, 1))
	require.False(t, add(0, 9.5), "the least contributor is the newcomer")
	require.Equal(t, [][]float64{{1, 5}, {5, 1}}, entries(t, a))
	require.True(t, add(2, 2), "the youngest of the equals leaves")
	require.Equal(t, [][]float64{{1, 5}, {2, 2}}, entries(t, a))
	require.True(t, add(0, 0), "dominates all")
	require.Equal(t, [][]float64{{0, 0}}, entries(t, a))
	require.EqualValues(t, 13, a.Offered())
	require.EqualValues(t, 4, a.Kept())
	require.Panics(t, func() { a.Add([]float64{1}, []float64{1}) })
	a.Reset()
	require.Zero(t, a.Len())
	require.Zero(t, a.Offered())
	require.True(t, add(3, 3))
	require.Equal(t, [][]float64{{3, 3}}, entries(t, a))
}

func TestArchiveViews(t *testing.T) {
	a := newArchive(t, archiveConfig(3))
	for _, f := range [][]float64{{5, 1, 4}, {1, 5, 4}, {1, 4, 5}, {3, 3, 0}} {
		require.True(t, a.Add(f, f))
	}
	require.Equal(t, []int{2, 0, 3}, []int{a.Extreme(0), a.Extreme(1), a.Extreme(2)}, "ties go to the next objective")
	require.Equal(t, 3, a.Best([]float64{1, 1, 1}, nil))
	require.Equal(t, 1, a.Best([]float64{1, 0, 0}, nil), "the oldest of equals")
	require.Equal(t, 0, a.Best([]float64{1, 1, 0}, []float64{10, 1, 1}))
	require.Equal(t, 0, hv.Knee(a.Objectives(), 3)/4)
	require.Nil(t, a.Reference())
	for range a.All() {
		break
	}
}

func TestArchiveContinuesFromASnapshot(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(1, 5).Draw(t, "m")
		c := archiveConfig(m)
		c.Profiles = weightVectors(t, m)
		c.Size = len(c.Profiles) + rapid.IntRange(1, 8).Draw(t, "size")
		if rapid.Bool().Draw(t, "boxes") {
			c.Epsilon = slices.Repeat([]float64{2}, m)
		}
		if rapid.Bool().Draw(t, "fixed") {
			c.Reference = slices.Repeat([]float64{8}, m)
		}
		a, b := newArchive(t, c), newArchive(t, c)
		for _, f := range offers(t, m) {
			a.Add(f, f)
		}
		for _, f := range offers(t, m) {
			b.Add(f, f) // to be forgotten
		}
		text, err := json.Marshal(a.Snapshot())
		require.NoError(t, err)
		var state moo.ArchiveState[[]float64]
		require.NoError(t, json.Unmarshal(text, &state))
		require.NoError(t, b.Restore(state))
		if len(state.Genomes) > 0 {
			state.Genomes[0][0] = math.NaN() // the archive has its own copy
		}
		require.Equal(t, entries(t, a), entries(t, b))
		for _, f := range offers(t, m) {
			require.Equal(t, a.Add(f, f), b.Add(f, f))
		}
		require.Equal(t, a.Snapshot(), b.Snapshot())
	})
}

func TestRestoreRefusesWhatCannotBe(t *testing.T) {
	c := archiveConfig(2)
	c.Size, c.Profiles = 3, [][]float64{{1, 1}}
	a := newArchive(t, c)
	for _, f := range [][]float64{{0, 4}, {1, 2}, {2, 1}, {4, 0}} {
		a.Add(f, f)
	}
	good := a.Snapshot()
	require.Equal(t, 3, a.Len())
	for field, spoil := range map[string][]func(s *moo.ArchiveState[[]float64]){
		"Genomes":   {func(s *moo.ArchiveState[[]float64]) { s.Genomes = append(s.Genomes, []float64{5, -1}) }},
		"Reference": {func(s *moo.ArchiveState[[]float64]) { s.Reference = []float64{math.NaN(), 1} }, func(s *moo.ArchiveState[[]float64]) { s.Reference = []float64{1} }},
		"Shares": {
			func(s *moo.ArchiveState[[]float64]) { s.Shares = s.Shares[1:] },
			func(s *moo.ArchiveState[[]float64]) { s.Shares[0] = math.NaN() },
			func(s *moo.ArchiveState[[]float64]) { s.Shares[0] = -1 },
			func(s *moo.ArchiveState[[]float64]) { s.Shares[0], s.Reference = 1, nil },
		},
		"Measured": {func(s *moo.ArchiveState[[]float64]) { s.Measured = nil }},
		"Objectives": {
			func(s *moo.ArchiveState[[]float64]) { s.Objectives = s.Objectives[1:] },
			func(s *moo.ArchiveState[[]float64]) { s.Objectives[0] = math.Inf(-1) },
			func(s *moo.ArchiveState[[]float64]) { copy(s.Objectives[2:4], s.Objectives[:2]) },
		},
		"Elites": {
			func(s *moo.ArchiveState[[]float64]) { s.Elites = nil },
			func(s *moo.ArchiveState[[]float64]) { s.Elites[0] = 3 },
			func(s *moo.ArchiveState[[]float64]) { s.Elites[0] = -1 },
			func(s *moo.ArchiveState[[]float64]) { s.Elites[0] = 0 },
		},
	} {
		for i, f := range spoil {
			bad := a.Snapshot()
			f(&bad)
			err := a.Restore(bad)
			require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid}, "%s %d", field, i)
			require.Equal(t, field, fault.FieldOf(err), "%d: %v", i, err)
			require.Equal(t, good, a.Snapshot(), "the archive stays as it was")
		}
	}
	require.NoError(t, a.Restore(moo.ArchiveState[[]float64]{Elites: []int{-1}}))
	require.Zero(t, a.Len())
	require.NoError(t, a.Restore(good))
}

func TestArchiveConfigNamesTheField(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for i, c := range []struct {
		field string
		spoil func(c *moo.ArchiveConfig[[]float64])
	}{
		{"Objectives", func(c *moo.ArchiveConfig[[]float64]) { c.Objectives = 0 }},
		{"Size", func(c *moo.ArchiveConfig[[]float64]) { c.Size = -1 }},
		{"Size", func(c *moo.ArchiveConfig[[]float64]) { c.Objectives, c.Size = 6, 10 }},
		{"Size", func(c *moo.ArchiveConfig[[]float64]) { c.Size, c.Profiles = 1, [][]float64{{1, 0}, {0, 1}} }},
		{"Make", func(c *moo.ArchiveConfig[[]float64]) { c.Make = nil }},
		{"Copy", func(c *moo.ArchiveConfig[[]float64]) { c.Copy = nil }},
		{"Epsilon", func(c *moo.ArchiveConfig[[]float64]) { c.Epsilon = []float64{1} }},
		{"Epsilon", func(c *moo.ArchiveConfig[[]float64]) { c.Epsilon = []float64{1, 0} }},
		{"Epsilon", func(c *moo.ArchiveConfig[[]float64]) { c.Epsilon = []float64{1, inf} }},
		{"Scale", func(c *moo.ArchiveConfig[[]float64]) { c.Scale = []float64{1, nan} }},
		{"Reference", func(c *moo.ArchiveConfig[[]float64]) { c.Reference = []float64{1, inf} }},
		{"Profiles", func(c *moo.ArchiveConfig[[]float64]) { c.Profiles = [][]float64{{1}} }},
		{"Profiles", func(c *moo.ArchiveConfig[[]float64]) { c.Profiles = [][]float64{{1, -1}} }},
		{"Profiles", func(c *moo.ArchiveConfig[[]float64]) { c.Profiles = [][]float64{{0, 0}} }},
		{"Profiles", func(c *moo.ArchiveConfig[[]float64]) { c.Profiles = [][]float64{{nan, 1}} }},
	} {
		config := archiveConfig(2)
		c.spoil(&config)
		_, err := moo.NewArchive(config)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid}, "%d", i)
		require.Equal(t, c.field, fault.FieldOf(err), "%d", i)
	}
	config := archiveConfig(8) // any number of objectives without a bound
	config.Epsilon = slices.Repeat([]float64{1}, 8)
	a := newArchive(t, config)
	require.True(t, a.Add(make([]float64, 8), make([]float64, 8)))
}

// filled returns a full archive of 300 entries and solutions that it has not seen.
func filled(t testing.TB, m int) (*moo.Archive[[]float64], [][]float64) {
	c := archiveConfig(m)
	c.Size, c.Profiles = 300, [][]float64{slices.Repeat([]float64{1}, m)}
	a := newArchive(t, c)
	r := rand.New(rand.NewPCG(1, uint64(m)))
	next := func() []float64 {
		f := make([]float64, m)
		norm := 0.0
		for j := range f {
			f[j] = math.Abs(r.NormFloat64())
			norm += f[j] * f[j]
		}
		for j := range f {
			f[j] = f[j] / math.Sqrt(norm) * (1 + 0.001*r.Float64())
		}
		return f
	}
	for a.Len() < c.Size {
		f := next()
		a.Add(f, f)
	}
	fresh := make([][]float64, 2000)
	for i := range fresh {
		fresh[i] = next()
	}
	return a, fresh
}

func TestARefusalAllocatesNothing(t *testing.T) {
	a, _ := filled(t, 4)
	g, f := a.At(150)
	worse := slices.Clone(f)
	worse[2] += 1e-3
	require.Zero(t, testing.AllocsPerRun(100, func() {
		if a.Add(g, worse) {
			panic("kept")
		}
	}))
}

func BenchmarkArchive(b *testing.B) {
	for m := 2; m <= hv.MaxObjectives; m++ {
		a, fresh := filled(b, m)
		b.Run(fmt.Sprintf("m=%d/front", m), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				f := fresh[i%len(fresh)]
				a.Add(f, f)
				i++
			}
		})
		b.Run(fmt.Sprintf("m=%d/dominated", m), func(b *testing.B) {
			worse := slices.Clone(fresh)
			for i, f := range worse {
				worse[i] = slices.Clone(f)
				for j := range f {
					worse[i][j] += 0.5
				}
			}
			i := 0
			for b.Loop() {
				f := worse[i%len(worse)]
				a.Add(f, f)
				i++
			}
		})
	}
}

// Four plans are offered; the archive holds at most three, of which the cheapest is protected.
func ExampleArchive() {
	a, err := moo.NewArchive(moo.ArchiveConfig[[]byte]{
		Objectives: 2, // time and cost
		Size:       3,
		Profiles:   [][]float64{{0, 1}},
		Make: func(n int) [][]byte {
			g := make([][]byte, n)
			for i := range g {
				g[i] = make([]byte, 1)
			}
			return g
		},
		Copy: func(dst, src []byte) { copy(dst, src) },
	})
	if err != nil {
		panic(err)
	}
	fmt.Println(a.Add([]byte("A"), []float64{1, 8}))
	fmt.Println(a.Add([]byte("B"), []float64{4, 4}))
	fmt.Println(a.Add([]byte("C"), []float64{5, 5})) // dominated by B
	fmt.Println(a.Add([]byte("D"), []float64{9, 3}))
	fmt.Println(a.Add([]byte("E"), []float64{2, 5})) // leaves A the least to add
	for g, f := range a.All() {
		fmt.Printf("%s%v ", g, f)
	}
	fmt.Println("cheapest", a.Elite(0))
	// Output:
	// true
	// true
	// false
	// true
	// true
	// B[4 4] D[9 3] E[2 5] cheapest 1
}
