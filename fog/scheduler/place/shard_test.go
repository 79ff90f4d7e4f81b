package place_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/scheduler/place"
)

func TestShardsKeepTheLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawn(t)
		shard := rapid.SliceOfN(rapid.Int32Range(-1, 2), p.Nodes, p.Nodes).Draw(t, "shard")
		c := place.Config{Moves: 20_000, Profiles: [][]float64{drawnWeights(t, p), drawnWeights(t, p)}}
		c.Warm = [][]int32{rapid.SliceOfN(rapid.Int32Range(-3, int32(p.Nodes)), p.Jobs, p.Jobs).Draw(t, "warm start")}
		r, err := place.Shards(context.Background(), p, shard, c)
		require.NoError(t, err)
		for _, plan := range r.Front {
			again, err := place.Evaluate(p, plan.Assign)
			require.NoError(t, err)
			require.Equal(t, again, plan)
			for _, other := range r.Front {
				require.False(t, &other.Assign != &plan.Assign && strictly(other.Objectives, plan.Objectives))
			}
		}
		c.Workers = 3
		many, err := place.Shards(context.Background(), p, shard, c)
		require.NoError(t, err)
		require.Equal(t, r, many)
	})
}

// strictly reports that a is nowhere worse than b and somewhere better.
func strictly(a, b []float64) bool { return weakly(a, b) && !weakly(b, a) }

func TestShardsImproveOnGreedyAtSize(t *testing.T) {
	p := narrowed(t, random(12, 800, 200), 80)
	shard := make([]int32, p.Nodes)
	for n := range shard {
		shard[n] = int32(n % 4)
	}
	scale := place.Scale(p)
	r, err := place.Shards(context.Background(), p, shard, place.Config{Moves: 4_000_000, Profiles: profiles(), Scale: scale, Workers: 2})
	require.NoError(t, err)
	require.Empty(t, r.Front[0].Unplaced)
	for i, w := range profiles() {
		greedy := place.Score(place.Greedy(p, w, scale).Objectives, w, scale)
		require.Less(t, place.Score(r.Front[r.Best[i]].Objectives, w, scale), 0.94*greedy, "profile %d", i)
	}
	_, err = place.Shards(context.Background(), p, shard[1:], place.Config{})
	require.ErrorContains(t, err, "shard")
}

func ExampleShards() {
	// Two regions of two nodes each; a job costs 1 at home, 5 elsewhere, and a little more on a region's second node.
	p := &place.Problem{
		Jobs: 2, Nodes: 4, Dims: 1, Objectives: 1,
		Demand: []int64{1, 1},
		Free:   []int64{4, 4, 4, 4},
		Pair:   []float64{1, 1.5, 5, 5.5, 5, 5.5, 1, 1.5},
	}
	r, err := place.Shards(context.Background(), p, []int32{0, 0, 1, 1}, place.Config{Moves: 10_000, Workers: 2})
	fmt.Println(err, r.Front[0].Assign, r.Front[0].Objectives)
	// Output: <nil> [0 2] [2]
}
