package moo_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// follows checks samples against a distribution function by the test of Kolmogorov and Smirnov, at a level of about 1e-6.
func follows(t *testing.T, samples []float64, cdf func(x float64) float64) {
	t.Helper()
	slices.Sort(samples)
	n, worst := float64(len(samples)), 0.0
	for i, x := range samples {
		f := cdf(x)
		worst = max(worst, f-float64(i)/n, float64(i+1)/n-f)
	}
	require.Less(t, worst, 2.7/math.Sqrt(n))
}

// never turns an evaluation into something that must not happen.
func never[G any](G, []float64) float64 { panic("evaluated") }

// TestSBXSpread: far from the bounds the spread factor has the density of Deb and Agrawal 1995, equation 10, whether the index is
// a quick one or not; near a bound the density is cut there and scaled up.
func TestSBXSpread(t *testing.T) {
	for _, eta := range []float64{2, 3, 10, 15} {
		for _, bound := range []float64{1e6, 0.5} {
			s := box(1, -bound, 1+bound)
			s.Crossover, s.Mutation = moo.SBX{Probability: 1, Eta: eta}, moo.Polynomial{Probability: -1}
			p := s.Problem(2, never)
			r := rand.New(rand.NewPCG(1, uint64(eta)))
			a, b, c, d := []float64{0}, []float64{1}, []float64{0}, []float64{0}
			var samples []float64
			crossed, swapped, lopsided := 0, 0, 0.0
			const n = 40000
			for range n {
				p.Cross(r, a, b, c, d)
				lopsided = max(lopsided, math.Abs(c[0]+d[0]-1)) // the parents lie as far from their bounds
				if c[0] == 0 || c[0] == 1 {
					continue // not crossed
				}
				crossed++
				if c[0] > d[0] {
					swapped++
				}
				samples = append(samples, math.Abs(c[0]-d[0]))
			}
			require.Less(t, lopsided, 1e-9)
			require.InDelta(t, n/2, crossed, 5*math.Sqrt(n/4))
			require.InDelta(t, crossed/2, swapped, 5*math.Sqrt(n/8))
			whole := func(x float64) float64 {
				if x <= 1 {
					return 0.5 * math.Pow(x, eta+1)
				}
				return 1 - 0.5*math.Pow(x, -eta-1)
			}
			follows(t, samples, func(x float64) float64 { return whole(x) / whole(1+2*bound) })
		}
	}
}

// TestPolynomialShift: the shift has the distribution of Deb and Tiwari 2008 on either side, and reaches both bounds.
func TestPolynomialShift(t *testing.T) {
	const v, eta = 0.25, 20
	s := box(1, 0, 1)
	s.Mutation = moo.Polynomial{Probability: 1}
	p := s.Problem(2, never)
	r := rand.New(rand.NewPCG(1, 2))
	var down, up []float64
	for range 40000 {
		g := []float64{v}
		p.Mutate(r, g)
		if g[0] < v {
			down = append(down, v-g[0])
		} else {
			up = append(up, g[0]-v)
		}
	}
	require.InDelta(t, len(down), len(up), 5*math.Sqrt(40000))
	for _, side := range []struct {
		shifts []float64
		room   float64
	}{{down, v}, {up, 1 - v}} {
		rest := math.Pow(1-side.room, eta+1)
		follows(t, side.shifts, func(x float64) float64 { return (1 - math.Pow(1-x, eta+1)) / (1 - rest) })
	}
}

// TestMutationRate: each gene is as likely to be touched, by the chance that was asked for.
func TestMutationRate(t *testing.T) {
	const genes, runs, chance = 40, 20000, 0.1
	s := box(genes, 0, 1)
	s.Mutation.Probability = chance
	p := s.Problem(2, never)
	r := rand.New(rand.NewPCG(3, 4))
	g, counts := make([]float64, genes), make([]int, genes)
	for range runs {
		for i := range g {
			g[i] = 0.5
		}
		p.Mutate(r, g)
		for i, v := range g {
			if v != 0.5 {
				counts[i]++
			}
		}
	}
	for _, n := range counts {
		require.InDelta(t, runs*chance, n, 5*math.Sqrt(runs*chance))
	}
}

// TestExchange: children hold, gene by gene, both parents' values, exchanged as often as asked for.
func TestExchange(t *testing.T) {
	for _, share := range []float64{0, 0.2, 1} {
		want := share
		if share == 0 {
			want = 0.5
		}
		const genes, runs = 130, 500
		p := moo.Assignment{Jobs: genes, Nodes: 2, Crossover: moo.Exchange{Probability: 1, Share: share}}.Problem(2, never)
		bits := moo.Binary{Length: genes, Crossover: moo.Exchange{Probability: 1, Share: share}}.Problem(2, never)
		r := rand.New(rand.NewPCG(5, 6))
		a, b := make([]uint16, genes), slices.Repeat([]uint16{1}, genes)
		c, d := slices.Clone(a), slices.Clone(a)
		g := bits.Make(4)
		for i := range genes {
			g[1].Set(i, true)
		}
		exchanged, flipped, kept := 0, 0, true
		for range runs {
			p.Cross(r, a, b, c, d)
			bits.Cross(r, g[0], g[1], g[2], g[3])
			for i := range c {
				kept = kept && c[i]+d[i] == 1 && g[2].Has(i) != g[3].Has(i)
				exchanged += int(c[i])
			}
			flipped += g[2].Count()
			require.NoError(t, bits.Check(g[2]))
		}
		require.True(t, kept)
		spread := 5*math.Sqrt(genes*runs*want*(1-want)) + 0.1
		require.InDelta(t, genes*runs*want, exchanged, spread)
		require.InDelta(t, genes*runs*want, flipped, spread)
		require.Zero(t, slices.Max(a), "parents stay")
	}
}

// TestReset: a change goes to any other value as likely, a creep no farther than the bounds, and never to the same value.
func TestReset(t *testing.T) {
	for _, creep := range []float64{0, 1} {
		p := moo.Integer{Lower: []int{-3}, Upper: []int{6}, Mutation: moo.Reset{Probability: 1, Creep: creep}}.Problem(1, never)
		r := rand.New(rand.NewPCG(7, 8))
		counts := map[int]int{}
		for range 18000 {
			g := []int{5}
			p.Mutate(r, g)
			require.NoError(t, p.Check(g))
			counts[g[0]]++
		}
		require.Zero(t, counts[5])
		if creep == 0 {
			require.Len(t, counts, 9)
			for _, n := range counts {
				require.InDelta(t, 2000, n, 250)
			}
			continue
		}
		require.InDelta(t, 9000, counts[6], 500, "every step up ends at the bound")
		require.InDelta(t, 4500, counts[4], 400)
		require.InDelta(t, 2250, counts[3], 300)
	}
}

// TestAssignmentChanges: swaps keep the numbers of jobs on the nodes, following keeps the set of nodes, the rest goes anywhere.
func TestAssignmentChanges(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	start := []uint16{1, 1, 1, 4, 4, 7}
	mutate := func(m moo.Reassign) (same, inside bool) {
		m.Probability = 0.5
		p := moo.Assignment{Jobs: 6, Nodes: 9, Mutation: m}.Problem(1, never)
		same, inside = true, true
		for range 300 {
			g := slices.Clone(start)
			p.Mutate(r, g)
			require.NoError(t, p.Check(g))
			for _, node := range g {
				inside = inside && slices.Contains(start, node)
			}
			slices.Sort(g)
			same = same && slices.Equal(g, start)
		}
		return same, inside
	}
	same, inside := mutate(moo.Reassign{Swap: 1})
	require.True(t, same)
	require.True(t, inside)
	same, inside = mutate(moo.Reassign{Swap: -1, Follow: 1})
	require.False(t, same)
	require.True(t, inside)
	same, inside = mutate(moo.Reassign{Swap: -1, Follow: -1})
	require.False(t, same)
	require.False(t, inside)
}

// TestOrderCrossover is the example of Davis 1985: the stretch of one parent stays, the others follow in the other's order,
// from the end of the stretch on.
func TestOrderCrossover(t *testing.T) {
	p := moo.Permutation{Length: 8, Crossover: moo.Order{Probability: 1}}.Problem(2, never)
	a, b := []int{0, 1, 2, 3, 4, 5, 6, 7}, []int{1, 3, 5, 7, 6, 4, 2, 0}
	seen := map[string]bool{}
	r := rand.New(rand.NewPCG(1, 1))
	for range 2000 {
		g := p.Make(2)
		p.Cross(r, a, b, g[0], g[1])
		require.NoError(t, p.Check(g[0]))
		require.NoError(t, p.Check(g[1]))
		seen[text(g[0])] = true
	}
	require.True(t, seen["76234015"], "after the stretch 234 the other parent goes on 4 2 0, 1 3 5 7 6")
	require.LessOrEqual(t, len(seen), 36)
}

func text(g []int) string {
	s := ""
	for _, v := range g {
		s += string(rune('0' + v))
	}
	return s
}

// TestOperatorsStayInside: whatever operators make of genomes of a space belongs to it, and parents are left alone.
func TestOperatorsStayInside(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 140).Draw(t, "length")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rate := rapid.SampledFrom([]float64{-1, 0, 0.5, 1}).Draw(t, "rate")
		eta := rapid.SampledFrom([]float64{0, 0.1, 1, 7, 100}).Draw(t, "eta")
		low, high := make([]float64, n), make([]float64, n)
		from, to := make([]int, n), make([]int, n)
		for i := range n {
			low[i] = rapid.Float64Range(-1e100, 1e100).Draw(t, "low")
			high[i] = low[i] + rapid.SampledFrom([]float64{0, 1e-300, 1, 1e200}).Draw(t, "span")
			from[i] = rapid.IntRange(-5, 5).Draw(t, "from")
			to[i] = from[i] + rapid.SampledFrom([]int{0, 1, 9, 1 << 61}).Draw(t, "span")
		}
		inside(t, r, moo.Mixed{
			Real:    moo.Real{Lower: low, Upper: high, Crossover: moo.SBX{Probability: rate, Eta: eta}, Mutation: moo.Polynomial{Probability: rate, Eta: eta}},
			Integer: moo.Integer{Lower: from, Upper: to, Crossover: moo.Exchange{Probability: rate}, Mutation: moo.Reset{Probability: rate, Creep: 0.5}},
			Binary:  moo.Binary{Length: n, Crossover: moo.Exchange{Share: 0.3}, Flip: rate},
			Order:   moo.Permutation{Length: n, Crossover: moo.Order{Probability: rate}, Mutation: moo.Rearrange{Probability: rate}},
		}.Problem(2, never))
		inside(t, r, moo.Assignment{Jobs: n, Nodes: rapid.IntRange(1, 65536).Draw(t, "nodes")}.Problem(2, never))
	})
}

// inside varies a few genomes of a problem.
func inside[G any](t require.TestingT, r *rand.Rand, p moo.Problem[G]) {
	g := p.Make(6)
	for i := range g {
		p.Sample(r, g[i])
		require.NoError(t, p.Check(g[i]))
	}
	for range 8 {
		p.Copy(g[4], g[0])
		p.Copy(g[5], g[1])
		p.Cross(r, g[0], g[1], g[2], g[3])
		require.True(t, p.Equal(g[0], g[4]) && p.Equal(g[1], g[5]), "parents changed")
		p.Mutate(r, g[2])
		p.Mutate(r, g[3])
		require.NoError(t, p.Check(g[2]))
		require.NoError(t, p.Check(g[3]))
		p.Copy(g[0], g[2])
		p.Copy(g[1], g[3])
	}
}
