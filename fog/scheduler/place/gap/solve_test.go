package gap_test

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler/place/gap"
)

// The published classes: a plan for all jobs, close to the bound, in few moves.
func TestClassesComeCloseToTheBound(t *testing.T) {
	for _, c := range []struct {
		kind        byte
		nodes, jobs int
		gap         float64
	}{
		{'c', 5, 100, 0.011}, {'c', 10, 100, 0.02}, {'d', 5, 100, 0.011}, {'d', 10, 200, 0.009}, {'e', 5, 100, 0.006}, {'e', 10, 200, 0.01},
	} {
		t.Run(fmt.Sprintf("%c%02d%d", c.kind, c.nodes, c.jobs), func(t *testing.T) {
			p := class(c.kind, c.nodes, c.jobs, 11)
			s, err := gap.Solve(context.Background(), p, gap.Config{Moves: 60_000})
			require.NoError(t, err)
			_, _, out, legal := judge(p, s.Assign)
			require.True(t, legal)
			require.Zero(t, out)
			require.Less(t, s.Gap(), c.gap)
		})
	}
}

// Tight instances that have a plan for all jobs get one.
func TestPlantedInstancesAreSolved(t *testing.T) {
	for _, c := range []struct {
		nodes, jobs, dims int
		share             float64
		uniform           bool
		moves             int64
	}{
		{10, 100, 1, 0.99, true, 120_000}, {10, 100, 1, 0.99, false, 120_000}, {10, 100, 2, 0.95, true, 120_000}, {10, 100, 2, 0.99, false, 120_000}, {10, 100, 3, 0.97, false, 120_000}, {20, 200, 2, 0.97, true, 600_000},
	} {
		for seed := range uint64(2) {
			t.Run(fmt.Sprintf("%d dims at %v, %v, %d", c.dims, c.share, c.uniform, seed), func(t *testing.T) {
				p, plan := planted(c.nodes, c.jobs, c.dims, c.share, c.uniform, seed)
				_, _, _, legal := judge(p, plan)
				require.True(t, legal)
				s, err := gap.Solve(context.Background(), p, gap.Config{Moves: c.moves, Seed: seed})
				require.NoError(t, err)
				_, _, out, legal := judge(p, s.Assign)
				require.True(t, legal)
				require.Zero(t, out)
			})
		}
	}
}

// With many nodes one is nearly always a little too full: the search must come further than its first plan all the same.
func TestManyNodesAreImproved(t *testing.T) {
	p, _ := planted(100, 500, 2, 0.85, true, 1)
	first, err := gap.Solve(context.Background(), p, gap.Config{Moves: 1})
	require.NoError(t, err)
	s, err := gap.Solve(context.Background(), p, gap.Config{Moves: 300_000})
	require.NoError(t, err)
	require.Zero(t, s.Unplaced)
	require.Less(t, s.Gap(), min(0.025, first.Gap()/2))
}

// The start counts: a plan that the search would not find in so few moves is kept.
func TestPlantedStartIsKept(t *testing.T) {
	p, plan := planted(20, 200, 3, 0.99, true, 1)
	s, err := gap.Solve(context.Background(), p, gap.Config{Moves: 1, Start: plan})
	require.NoError(t, err)
	require.Zero(t, s.Unplaced)
}

// Higher tiers stay in before lower ones, whatever they cost.
func TestHeavyJobsGoFirst(t *testing.T) {
	p := class('c', 5, 60, 3)
	p.Weight = make([]int64, p.Jobs)
	for job := range p.Weight {
		p.Weight[job] = []int64{1, 100, 10_000}[job%3]
	}
	for at := range p.Capacity {
		p.Capacity[at] /= 2
	}
	s, err := gap.Solve(context.Background(), p, gap.Config{Moves: 50_000})
	require.NoError(t, err)
	out := [3]int{}
	for job, node := range s.Assign {
		if node < 0 {
			out[job%3]++
		}
	}
	require.Zero(t, out[2])
	require.Zero(t, out[1])
	require.Positive(t, out[0])
	require.True(t, math.IsInf(s.Bound, 1), "half the capacity is proven too little")
}

// A done context still gives a first plan within capacity.
func TestDoneContextGivesAPlan(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := class('c', 5, 100, 1)
	s, err := gap.Solve(ctx, p, gap.Config{})
	require.NoError(t, err)
	_, _, out, legal := judge(p, s.Assign)
	require.True(t, legal)
	require.Less(t, out, 10)
	require.Zero(t, s.Moves)
	bound, err := gap.LowerBound(ctx, p, 0)
	require.NoError(t, err)
	require.LessOrEqual(t, bound, s.Cost)
}

// Time is measured by the clock that is handed in.
func TestTimeEndsTheSearch(t *testing.T) {
	now := time.Unix(0, 0)
	p := class('d', 5, 60, 1)
	s, err := gap.Solve(context.Background(), p, gap.Config{Time: 200 * time.Millisecond, Now: func() time.Time {
		now = now.Add(time.Millisecond)
		return now
	}})
	require.NoError(t, err)
	require.Zero(t, s.Unplaced)
	require.Positive(t, s.Moves)
	require.Less(t, now, time.Unix(0, 0).Add(200*time.Millisecond).Add(5*time.Millisecond))
}

// Costs and capacities of extreme size neither overflow nor lose the plan.
func TestExtremes(t *testing.T) {
	p := gap.Problem{
		Jobs: 2, Nodes: 2, Dims: 1,
		Cost:     []float64{1e100, -1e100, -1e100, 1e100},
		Demand:   []int64{math.MaxInt64 / 2, math.MaxInt64 / 2, math.MaxInt64 / 2, math.MaxInt64 / 2},
		Capacity: []int64{math.MaxInt64, math.MaxInt64 - 1},
	}
	s, err := gap.Solve(context.Background(), p, gap.Config{Moves: 1000})
	require.NoError(t, err)
	require.Equal(t, []int32{1, 0}, s.Assign)
	require.LessOrEqual(t, s.Bound, s.Cost)
}

// What is wrong with a problem or a configuration is an Invalid error that names the field.
func TestInvalidFieldsAreNamed(t *testing.T) {
	for _, c := range []struct {
		field string
		spoil func(p *gap.Problem, c *gap.Config)
	}{
		{"Jobs", func(p *gap.Problem, _ *gap.Config) { p.Jobs = -1 }},
		{"Nodes", func(p *gap.Problem, _ *gap.Config) { p.Nodes = math.MaxInt32 }},
		{"Dims", func(p *gap.Problem, _ *gap.Config) { p.Dims = -3 }},
		{"Cost", func(p *gap.Problem, _ *gap.Config) { p.Cost = p.Cost[1:] }},
		{"Cost", func(p *gap.Problem, _ *gap.Config) { p.Cost[3] = math.NaN() }},
		{"Cost", func(p *gap.Problem, _ *gap.Config) { p.Cost[3] = math.Inf(-1) }},
		{"Cost", func(p *gap.Problem, _ *gap.Config) { p.Cost[3] = 2e100 }},
		{"Demand", func(p *gap.Problem, _ *gap.Config) { p.Uniform = true }},
		{"Demand", func(p *gap.Problem, _ *gap.Config) { p.Demand[5] = -1 }},
		{"Demand", func(p *gap.Problem, _ *gap.Config) {
			p.Capacity[0], p.Demand[0], p.Demand[2] = math.MaxInt64, math.MaxInt64, math.MaxInt64
		}},
		{"Capacity", func(p *gap.Problem, _ *gap.Config) { p.Capacity = nil }},
		{"Capacity", func(p *gap.Problem, _ *gap.Config) { p.Capacity[1] = -1 }},
		{"Weight", func(p *gap.Problem, _ *gap.Config) { p.Weight = []int64{1} }},
		{"Weight", func(p *gap.Problem, _ *gap.Config) { p.Weight = []int64{1, 0, 1} }},
		{"Weight", func(p *gap.Problem, _ *gap.Config) { p.Weight = []int64{1, 1 << 53, 1} }},
		{"Moves", func(_ *gap.Problem, c *gap.Config) { c.Moves = -1 }},
		{"Time", func(_ *gap.Problem, c *gap.Config) { c.Time = -1 }},
		{"Start", func(_ *gap.Problem, c *gap.Config) { c.Start = []int32{0} }},
		{"Start", func(_ *gap.Problem, c *gap.Config) { c.Start = []int32{0, 2, 0} }},
	} {
		p, config := class('c', 2, 3, 1), gap.Config{Moves: 1}
		c.spoil(&p, &config)
		_, err := gap.Solve(context.Background(), p, config)
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid}, c.field)
		require.Equal(t, c.field, fault.FieldOf(err))
	}
	_, err := gap.LowerBound(context.Background(), gap.Problem{}, -1)
	require.Equal(t, "trials", fault.FieldOf(err))
	_, err = gap.LowerBound(context.Background(), gap.Problem{Jobs: 1}, 1)
	require.NoError(t, err, "a job without nodes is a problem, if one without a plan")
}

// FuzzSolve throws malformed problems at both doors: a clear error or a legal plan, never a panic.
func FuzzSolve(f *testing.F) {
	f.Add(3, 2, 1, false, []byte{1, 5, 2, 4, 3, 9, 2, 2, 2, 2, 2, 2, 4, 4}, 6, 6, 2)
	f.Add(3, 2, 1, true, []byte{1, 5, 2, 4, 3, 9, 2, 2, 2, 4, 4}, 6, 3, 2)
	f.Add(-1, 1<<40, 3, true, []byte{250, 251, 252, 253, 254, 255}, 1, 2, 3)
	f.Add(0, 0, 0, false, []byte{}, 0, 0, 0)
	f.Add(2, 0, 5, false, []byte{}, 0, 0, 0)
	f.Fuzz(func(t *testing.T, jobs, nodes, dims int, uniform bool, data []byte, costs, demands, capacities int) {
		take := func(n int) []byte {
			n = min(max(n, 0), len(data))
			head := data[:n]
			data = data[n:]
			return head
		}
		p := gap.Problem{Jobs: jobs, Nodes: nodes, Dims: dims, Uniform: uniform}
		for _, b := range take(costs) {
			p.Cost = append(p.Cost, map[byte]float64{250: math.NaN(), 251: math.Inf(1), 252: math.Inf(-1), 253: 1e100, 254: -1e100, 255: math.MaxFloat64}[b]+float64(b))
		}
		for _, b := range take(demands) {
			p.Demand = append(p.Demand, map[byte]int64{254: math.MaxInt64 - 254, 255: math.MinInt64}[b]+int64(b))
		}
		for _, b := range take(capacities) {
			p.Capacity = append(p.Capacity, map[byte]int64{254: math.MaxInt64 - 254, 255: math.MinInt64}[b]+int64(b))
		}
		for _, b := range data {
			p.Weight = append(p.Weight, int64(b))
		}
		if jobs > 1<<16 || nodes > 1<<16 {
			require.NotPanics(t, func() { _ = p.Validate() })
			return
		}
		s, err := gap.Solve(context.Background(), p, gap.Config{Moves: 500})
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			require.NotEmpty(t, fault.FieldOf(err))
			return
		}
		_, _, _, legal := judge(p, s.Assign)
		require.True(t, legal)
	})
}
