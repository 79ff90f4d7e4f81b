package place_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
	"github.com/fogcompute/fogcompute/fog/scheduler/place"
)

// objectives of a front.
func objectives(plans []place.Plan) [][]float64 {
	var out [][]float64
	for _, q := range plans {
		out = append(out, q.Objectives)
	}
	return out
}

// greedies is the comparator: as many greedy plans under random weight vectors.
func greedies(p *place.Problem, scale []float64, seed uint64, n int) [][]float64 {
	r := rand.New(rand.NewPCG(seed, 9))
	var out [][]float64
	for range n {
		w, sum := make([]float64, p.Objectives), 0.0
		for o := range w {
			w[o] = r.ExpFloat64()
			sum += w[o]
		}
		for o := range w {
			w[o] /= sum
		}
		out = append(out, place.Greedy(p, w, scale).Objectives)
	}
	return out
}

// volumes measures fronts by hypervolume, normalised over all of them.
func volumes(fronts ...[][]float64) []float64 {
	m := len(fronts[0][0])
	low, high := slices.Repeat([]float64{math.Inf(1)}, m), slices.Repeat([]float64{math.Inf(-1)}, m)
	for _, f := range slices.Concat(fronts...) {
		for o, x := range f {
			low[o], high[o] = min(low[o], x), max(high[o], x)
		}
	}
	var out []float64
	var w hv.Workspace
	for _, front := range fronts {
		var flat []float64
		for _, f := range front {
			for o, x := range f {
				flat = append(flat, (x-low[o])/(high[o]-low[o]))
			}
		}
		out = append(out, w.Volume(flat, m, slices.Repeat([]float64{1}, m)))
	}
	return out
}

func TestStudyIsSolvedFarBelowGreedy(t *testing.T) {
	for seed := range uint64(2) {
		p := random(100+seed, 300, 60)
		scale := place.Scale(p)
		r, err := place.Solve(context.Background(), p, place.Config{Seed: seed, Moves: 4_000_000, Profiles: profiles(), Scale: scale})
		require.NoError(t, err)
		for i, most := range []float64{.91, .94, .93} {
			w := profiles()[i]
			greedy := place.Score(place.Greedy(p, w, scale).Objectives, w, scale)
			require.Less(t, place.Score(r.Front[r.Best[i]].Objectives, w, scale), most*greedy, "seed %d, profile %d", seed, i)
		}
		v := volumes(objectives(r.Front), greedies(p, scale, seed, 100), [][]float64{place.FirstFit(p).Objectives})
		require.Greater(t, v[0], 1.4*v[1], "seed %d", seed)
	}
}

func TestGenerationsKeepTheLaws(t *testing.T) {
	p := random(21, 150, 30)
	var before place.Result
	for _, moves := range []int64{500_000, 2_000_000, 2_100_000, 4_000_000} {
		c := place.Config{Moves: moves, Profiles: profiles(), Genetic: 0.5, Scale: place.Scale(p)}
		r, err := place.Solve(context.Background(), p, c)
		require.NoError(t, err)
		c.Workers = 3
		many, err := place.Solve(context.Background(), p, c)
		require.NoError(t, err)
		require.Equal(t, r, many)
		for _, plan := range r.Front {
			again, err := place.Evaluate(p, plan.Assign)
			require.NoError(t, err)
			require.Equal(t, again, plan)
		}
		for i, w := range profiles() {
			if before.Front != nil {
				then := place.Score(before.Front[before.Best[i]].Objectives, w, r.Scale)
				require.LessOrEqual(t, place.Score(r.Front[r.Best[i]].Objectives, w, r.Scale), then)
			}
		}
		before = r
	}
	require.Greater(t, before.Stats.Generations, int64(8))
}

func TestSolveEndsWithItsContextAndItsTime(t *testing.T) {
	p := random(4, 200, 40)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := place.Solve(ctx, p, place.Config{Moves: math.MaxInt64})
	require.NoError(t, err)
	require.NotEmpty(t, r.Front)
	now := time.Unix(0, 0)
	clock := func() time.Time { now = now.Add(time.Millisecond); return now }
	r, err = place.Solve(context.Background(), p, place.Config{Time: 100 * time.Millisecond, Now: clock})
	require.NoError(t, err)
	require.Positive(t, r.Stats.Searches)
	require.Less(t, now.Sub(time.Unix(0, 0)), 110*time.Millisecond)
}

func TestConfigNamesTheField(t *testing.T) {
	p := random(1, 4, 2)
	for field, c := range map[string]place.Config{
		"Moves": {Moves: -1}, "Time": {Time: -1}, "Now": {Time: 1}, "Workers": {Workers: -1}, "Front": {Front: -1},
		"Genetic": {Genetic: 1.5}, "Profiles": {Profiles: [][]float64{{1, 1, 1, -1}}}, "Scale": {Scale: []float64{1, 1, 1, 0}},
		"Warm": {Warm: [][]int32{{0}}},
	} {
		_, err := place.Solve(context.Background(), p, c)
		require.ErrorContains(t, err, "place.config: "+field+":")
	}
}

func TestChargesKeepRunningJobsWhereTheyAre(t *testing.T) {
	p := random(9, 100, 25)
	scale := place.Scale(p)
	p.Start = place.Greedy(p, profiles()[0], scale).Assign
	moved := func(charge float64) int {
		p.Migration = make([]float64, p.Objectives*p.Jobs)
		for i := range p.Jobs {
			p.Migration[i] = charge * scale[0]
		}
		r, err := place.Solve(context.Background(), p, place.Config{Moves: 500_000, Profiles: profiles()[:1], Scale: scale})
		require.NoError(t, err)
		require.Equal(t, p.Start, r.Stay.Assign)
		n := 0
		for j, at := range r.Front[r.Best[0]].Assign {
			if at != p.Start[j] {
				n++
			}
		}
		return n
	}
	free, dear := moved(0), moved(1e-2)
	require.Greater(t, free, 20)
	require.Less(t, dear, free/2)
	require.Zero(t, moved(1e3))
}

func TestChooseKeepsTiersApart(t *testing.T) {
	p := &place.Problem{
		Jobs: 2, Nodes: 2, Dims: 1, Objectives: 1, Demand: []int64{1, 1}, Free: []int64{1, 1}, Tier: []uint8{0, 1},
		Pair: []float64{1, 2, 1, 9}, // both jobs want node 0; together it is cheaper to give it to the lower tier
	}
	r, err := place.Solve(context.Background(), p, place.Config{Moves: 50_000})
	require.NoError(t, err)
	require.Equal(t, []int32{1, 0}, r.Front[0].Assign)
	strict, err := place.Choose(p, r, place.Choice{})
	require.NoError(t, err)
	require.Equal(t, []int32{0, 1}, strict.Assign)
	loose, err := place.Choose(p, r, place.Choice{Tolerance: math.Inf(1)})
	require.NoError(t, err)
	require.Equal(t, []int32{1, 0}, loose.Assign)
	doubled, err := place.Choose(p, r, place.Choice{Tolerance: 1.5})
	require.NoError(t, err)
	require.Equal(t, []int32{1, 0}, doubled.Assign)
}

func TestChooseStaysForLessThanTheGain(t *testing.T) {
	p := &place.Problem{
		Jobs: 1, Nodes: 2, Dims: 1, Objectives: 1, Demand: []int64{1}, Free: []int64{1, 1}, Pair: []float64{9, 10}, Start: []int32{1},
	}
	r, err := place.Solve(context.Background(), p, place.Config{Moves: 50_000})
	require.NoError(t, err)
	for gain, node := range map[float64]int32{0: 0, 0.09: 0, 0.11: 1} {
		plan, err := place.Choose(p, r, place.Choice{Gain: gain})
		require.NoError(t, err)
		require.Equal(t, node, plan.Assign[0], "gain %g", gain)
	}
}

func TestChooseFindsTheKnee(t *testing.T) {
	p := &place.Problem{Jobs: 1, Nodes: 3, Dims: 1, Objectives: 2, Demand: []int64{1}, Free: []int64{1, 1, 1}, Pair: []float64{0, 3, 10, 10, 3, 0}}
	r, err := place.Solve(context.Background(), p, place.Config{Moves: 50_000, Profiles: [][]float64{{1, 0}, {0, 1}, {1, 1}}})
	require.NoError(t, err)
	require.Len(t, r.Front, 3)
	knee, err := place.Choose(p, r, place.Choice{})
	require.NoError(t, err)
	require.Equal(t, []int32{1}, knee.Assign)
	_, err = place.Choose(p, place.Result{}, place.Choice{})
	require.ErrorContains(t, err, "Front")
	_, err = place.Choose(p, r, place.Choice{Weights: []float64{1}})
	require.ErrorContains(t, err, "Weights")
}

func ExampleSolve() {
	// Three jobs for two machines, one quick and dear, one slow and cheap, each with room for two of them.
	p := &place.Problem{
		Jobs: 3, Nodes: 2, Dims: 1, Objectives: 2,
		Demand: []int64{4, 4, 4},
		Free:   []int64{8, 8},
		Pair: []float64{
			1, 3, 2, 5, 1, 2, // seconds of each job on each node
			6, 2, 9, 3, 4, 1, // price
		},
	}
	r, err := place.Solve(context.Background(), p, place.Config{Moves: 50_000, Profiles: [][]float64{{.8, .2}, {.2, .8}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("quick", r.Front[r.Best[0]].Assign, r.Front[r.Best[0]].Objectives)
	fmt.Println("cheap", r.Front[r.Best[1]].Assign, r.Front[r.Best[1]].Objectives)
	// Output:
	// quick [0 0 1] [5 16]
	// cheap [1 1 0] [9 9]
}

func ExampleChoose() {
	// Node 0 is best for both jobs and has room for one. The sum is least if the job of the lower tier gets it.
	p := &place.Problem{
		Jobs: 2, Nodes: 2, Dims: 1, Objectives: 1,
		Demand: []int64{1, 1},
		Free:   []int64{1, 1},
		Pair:   []float64{1, 2, 1, 9},
		Tier:   []uint8{0, 1},
	}
	r, err := place.Solve(context.Background(), p, place.Config{Moves: 50_000})
	if err != nil {
		fmt.Println(err)
		return
	}
	strict, _ := place.Choose(p, r, place.Choice{})
	free, _ := place.Choose(p, r, place.Choice{Tolerance: math.Inf(1)})
	fmt.Println(strict.Assign, free.Assign)
	// Output: [0 1] [1 0]
}
