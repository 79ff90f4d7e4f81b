package gap_test

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/scheduler/place/gap"
)

// drawProblem draws a small problem of any shape.
func drawProblem(t *rapid.T) gap.Problem {
	p := gap.Problem{
		Jobs: rapid.IntRange(0, 12).Draw(t, "jobs"), Nodes: rapid.IntRange(0, 5).Draw(t, "nodes"),
		Dims: rapid.IntRange(0, 3).Draw(t, "dims"), Uniform: rapid.Bool().Draw(t, "uniform"),
	}
	pairs := p.Nodes
	if p.Uniform {
		pairs = 1
	}
	cost := rapid.OneOf(rapid.Just(math.Inf(1)), rapid.Float64Range(-50, 50), rapid.Map(rapid.IntRange(0, 20), func(n int) float64 { return float64(n) }))
	p.Cost = rapid.SliceOfN(cost, p.Jobs*p.Nodes, p.Jobs*p.Nodes).Draw(t, "cost")
	p.Demand = rapid.SliceOfN(rapid.Int64Range(0, 9), p.Jobs*pairs*p.Dims, p.Jobs*pairs*p.Dims).Draw(t, "demand")
	p.Capacity = rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 30), rapid.Just(int64(math.MaxInt64))), p.Nodes*p.Dims, p.Nodes*p.Dims).Draw(t, "capacity")
	if rapid.Bool().Draw(t, "weighted") {
		p.Weight = rapid.SliceOfN(rapid.Int64Range(1, 100), p.Jobs, p.Jobs).Draw(t, "weight")
	}
	return p
}

// drawStart draws a start, or none.
func drawStart(t *rapid.T, p gap.Problem) []int32 {
	if !rapid.Bool().Draw(t, "warm") {
		return nil
	}
	return rapid.SliceOfN(rapid.Int32Range(-1, int32(p.Nodes)-1), p.Jobs, p.Jobs).Draw(t, "start")
}

// judge recomputes a plan: its cost, the weight and number it leaves out, and whether it keeps every rule.
func judge(p gap.Problem, plan []int32) (cost float64, weight int64, out int, legal bool) {
	load := make([]int64, len(p.Capacity))
	for job, node := range plan {
		if node < 0 {
			out++
			weight += 1
			if p.Weight != nil {
				weight += p.Weight[job] - 1
			}
			continue
		}
		cost += p.Cost[job*p.Nodes+int(node)]
		for d := range p.Dims {
			need := job*p.Dims + d
			if !p.Uniform {
				need = (job*p.Nodes+int(node))*p.Dims + d
			}
			at := int(node)*p.Dims + d
			if p.Demand[need] > p.Capacity[at]-load[at] {
				return cost, weight, out, false
			}
			load[at] += p.Demand[need]
		}
	}
	return cost, weight, out, !math.IsInf(cost, 1)
}

// best finds the least weight left out and the least cost for it by trying every plan.
func best(p gap.Problem, plan []int32, job int) (weight int64, cost float64) {
	if job == p.Jobs {
		cost, weight, _, legal := judge(p, plan)
		if !legal {
			return math.MaxInt64, math.Inf(1)
		}
		return weight, cost
	}
	weight, cost = math.MaxInt64, math.Inf(1)
	for node := int32(-1); int(node) < p.Nodes; node++ {
		plan[job] = node
		w, c := best(p, plan, job+1)
		if w < weight || w == weight && c < cost {
			weight, cost = w, c
		}
	}
	return weight, cost
}

// A plan keeps capacity and forbidden pairs, its figures are those of the plan, and it costs no less than the bound.
func TestPlanIsLegal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		config := gap.Config{Seed: rapid.Uint64().Draw(t, "seed"), Moves: rapid.Int64Range(0, 3000).Draw(t, "moves"), Start: drawStart(t, p)}
		s, err := gap.Solve(context.Background(), p, config)
		require.NoError(t, err)
		require.Len(t, s.Assign, p.Jobs)
		cost, weight, out, legal := judge(p, s.Assign)
		require.True(t, legal)
		require.Equal(t, cost, s.Cost)
		require.Equal(t, weight, s.Weight)
		require.Equal(t, out, s.Unplaced)
		if config.Moves > 0 {
			require.LessOrEqual(t, s.Moves, config.Moves)
		}
		if out == 0 {
			require.GreaterOrEqual(t, s.Cost, s.Bound)
			require.GreaterOrEqual(t, s.Gap(), 0.0)
		} else {
			require.True(t, math.IsNaN(s.Gap()))
		}
	})
}

// On problems small enough to try every plan, the search finds the least weight left out and the least cost, and the bound is
// not above it.
func TestSmallProblemsAreSolved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		if p.Jobs > 6 || p.Nodes > 3 {
			p = crop(p, min(p.Jobs, 6), min(p.Nodes, 3))
		}
		weight, cost := best(p, make([]int32, p.Jobs), 0)
		s, err := gap.Solve(context.Background(), p, gap.Config{Moves: 10_000})
		require.NoError(t, err)
		require.Equal(t, weight, s.Weight)
		require.InDelta(t, cost, s.Cost, 1e-9)
		bound, err := gap.LowerBound(context.Background(), p, 300)
		require.NoError(t, err)
		if weight == 0 {
			require.LessOrEqual(t, bound, cost+1e-12)
		}
	})
}

// crop returns the problem of the first jobs and nodes.
func crop(p gap.Problem, jobs, nodes int) gap.Problem {
	small := p
	small.Jobs, small.Nodes, small.Cost, small.Demand = jobs, nodes, nil, nil
	small.Capacity = p.Capacity[:nodes*p.Dims]
	for job := range jobs {
		small.Cost = append(small.Cost, p.Cost[job*p.Nodes:job*p.Nodes+nodes]...)
		if !p.Uniform {
			small.Demand = append(small.Demand, p.Demand[job*p.Nodes*p.Dims:(job*p.Nodes+nodes)*p.Dims]...)
		}
	}
	if p.Uniform {
		small.Demand = p.Demand[:jobs*p.Dims]
	}
	if p.Weight != nil {
		small.Weight = p.Weight[:jobs]
	}
	return small
}

// The same seed gives the same plan, and more moves never give a worse one.
func TestMoreMovesAreNeverWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		config := gap.Config{Seed: rapid.Uint64().Draw(t, "seed"), Start: drawStart(t, p)}
		weight, cost := int64(math.MaxInt64), 0.0
		for _, moves := range []int64{1, 63, 64, 600} {
			config.Moves = moves
			s, err := gap.Solve(context.Background(), p, config)
			require.NoError(t, err)
			again, err := gap.Solve(context.Background(), p, config)
			require.NoError(t, err)
			require.Equal(t, s, again)
			require.True(t, s.Weight < weight || s.Weight == weight && s.Cost <= cost, "%d moves: %v %v after %v %v", moves, s.Weight, s.Cost, weight, cost)
			weight, cost = s.Weight, s.Cost
		}
	})
}

// A start that keeps capacity is never made worse.
func TestStartIsNeverMadeWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		first, err := gap.Solve(context.Background(), p, gap.Config{Seed: 1, Moves: rapid.Int64Range(1, 4000).Draw(t, "first")})
		require.NoError(t, err)
		second, err := gap.Solve(context.Background(), p, gap.Config{Seed: 2, Moves: 1, Start: first.Assign})
		require.NoError(t, err)
		require.True(t, second.Weight < first.Weight || second.Weight == first.Weight && second.Cost <= first.Cost)
	})
}
