package moo_test

import (
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo/nds"
)

// anyProblem draws a problem on few whole numbers, so that ties, copies, infinities and infeasible individuals abound.
func anyProblem(t *rapid.T) (moo.Problem[[]int], moo.Config) {
	m := rapid.IntRange(1, 5).Draw(t, "objectives")
	n := rapid.IntRange(1, 6).Draw(t, "variables")
	span := rapid.IntRange(0, 6).Draw(t, "span")
	infinite := rapid.IntRange(-1, 6).Draw(t, "infinite at")
	limit := rapid.IntRange(0, 8*n).Draw(t, "limit")
	p := moo.Integer{Lower: make([]int, n), Upper: slices.Repeat([]int{span}, n)}.Problem(m, func(x []int, out []float64) float64 {
		total := 0
		for k := range out {
			out[k] = 0
		}
		for i, v := range x {
			total += v
			out[i%m] += float64((v*(i+2) + 3*k(x, i)) % 7)
			if v == infinite {
				out[(i+1)%m] = math.Inf(1)
			}
		}
		return float64(total - limit)
	})
	c := moo.Config{
		Population:  rapid.IntRange(4, 30).Draw(t, "population"),
		Seed:        rapid.Uint64().Draw(t, "seed"),
		Generations: rapid.IntRange(1, 8).Draw(t, "generations"),
		Duplicates:  moo.Duplicates(rapid.IntRange(0, 1).Draw(t, "duplicates")),
	}
	if rapid.Bool().Draw(t, "NSGA-III") {
		c.Survival.References = moo.DasDennis(m, 3)
	}
	return p, c
}

// k mixes a neighbour in.
func k(x []int, i int) int { return x[(i+1)%len(x)] }

// TestLaws: of any problem the population keeps its size, its values are those of its genomes, the front is what none of it
// dominates, and the best value of each objective that a front once had is never lost again by NSGA-II.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, c := anyProblem(t)
		e, err := moo.New(p, c)
		require.NoError(t, err)
		out := make([]float64, p.Objectives)
		var ideal []float64
		for g, err := range e.Generations(t.Context()) {
			require.NoError(t, err)
			population := e.Population()
			require.Len(t, population, c.Population)
			for _, member := range population {
				require.Equal(t, max(0, p.Evaluate(member.Genome, out)), member.Violation)
				require.Equal(t, out, member.Objectives)
			}
			front := e.Front()
			require.Equal(t, front.Feasible, g.Feasible > 0)
			requireFirst(t, front, population)
			if front.Feasible && c.Survival.References == nil && c.Population > 2*p.Objectives {
				for k := range ideal {
					require.LessOrEqual(t, g.Ideal[k], ideal[k])
				}
				ideal = slices.Clone(g.Ideal)
			}
		}
	})
}

// requireFirst checks a front against the population that it is of.
func requireFirst[G any](t require.TestingT, front moo.Front[G], population []moo.Individual[G]) {
	require.NotEmpty(t, front.Members)
	for i, member := range front.Members {
		if i > 0 {
			require.Negative(t, slices.Compare(front.Members[i-1].Objectives, member.Objectives), "sorted, each vector once")
		}
		for _, other := range population {
			if front.Feasible {
				require.False(t, other.Violation == 0 && nds.Dominates(other.Objectives, member.Objectives))
			} else {
				require.LessOrEqual(t, member.Violation, other.Violation)
			}
		}
	}
}

// TestCopiesSurviveLast: where there are enough different individuals the population has no copies.
func TestCopiesSurviveLast(t *testing.T) {
	distinct := func(rule moo.Duplicates) int {
		p := drawnTour(2).problem()
		e, err := moo.New(p, moo.Config{Population: 60, Generations: 60, Duplicates: rule})
		require.NoError(t, err)
		_, err = e.Run(t.Context())
		require.NoError(t, err)
		seen := map[[2]float64]bool{}
		for _, member := range e.Population() {
			seen[[2]float64(member.Objectives)] = true
		}
		return len(seen)
	}
	require.Equal(t, 60, distinct(moo.LastDuplicates))
	require.Less(t, distinct(moo.KeepDuplicates), 60)
}
