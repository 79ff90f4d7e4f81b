package place_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler/place"
)

// narrowed cuts a dense problem down to a number of candidates for each job.
func narrowed(t *testing.T, p *place.Problem, keep int) *place.Problem {
	q := *p
	q.Pair = nil
	pairs := p.Jobs * p.Nodes
	require.NoError(t, place.Narrow(&q, place.Narrowing{Keep: keep, Profiles: profiles(), Scale: place.Scale(p), Cost: func(j int, out []float64) {
		for o := range p.Objectives {
			copy(out[o*p.Nodes:], p.Pair[o*pairs+j*p.Nodes:o*pairs+(j+1)*p.Nodes])
		}
	}}))
	require.NoError(t, q.Validate())
	return &q
}

func TestNarrowKeepsWhatASearchNeeds(t *testing.T) {
	p := random(11, 300, 200)
	scale := place.Scale(p)
	p.Start = slices.Repeat([]int32{-1}, p.Jobs)
	p.Start[7] = 199
	q := narrowed(t, p, 40)
	require.Contains(t, q.Node[q.Row[7]:q.Row[8]], int32(199))
	for j := range q.Jobs {
		require.LessOrEqual(t, q.Row[j+1]-q.Row[j], 41)
		require.GreaterOrEqual(t, q.Row[j+1]-q.Row[j], 40)
	}
	c := place.Config{Moves: 5_000_000, Profiles: profiles(), Scale: scale}
	full, err := place.Solve(context.Background(), p, c)
	require.NoError(t, err)
	part, err := place.Solve(context.Background(), q, c)
	require.NoError(t, err)
	require.Empty(t, part.Front[0].Unplaced)
	for i, w := range profiles() {
		a, b := full.Front[full.Best[i]].Objectives, part.Front[part.Best[i]].Objectives
		require.Less(t, place.Score(b, w, scale), 1.03*place.Score(a, w, scale), "profile %d", i)
	}
}

func TestNarrowLeavesOutWhatIsForbiddenOrTooSmall(t *testing.T) {
	p := &place.Problem{Jobs: 1, Nodes: 4, Dims: 1, Objectives: 1, Demand: []int64{3}, Free: []int64{2, 3, 4, 5}}
	err := place.Narrow(p, place.Narrowing{Keep: 9, Profiles: [][]float64{{1}}, Scale: []float64{1}, Cost: func(_ int, out []float64) {
		copy(out, []float64{1, 2, math.Inf(1), 3})
	}})
	require.NoError(t, err)
	require.Equal(t, []int32{1, 3}, p.Node)
	require.Equal(t, []float64{2, 3}, p.Pair)
	require.ErrorContains(t, place.Narrow(p, place.Narrowing{}), "Cost")
}

func ExampleNarrow() {
	// A hundred nodes; each job keeps four candidates, one of them from a random sample.
	p := &place.Problem{Jobs: 2, Nodes: 100, Dims: 1, Objectives: 1, Demand: []int64{1, 1}, Free: slices.Repeat([]int64{8}, 100)}
	err := place.Narrow(p, place.Narrowing{
		Keep: 4, Profiles: [][]float64{{1}}, Scale: []float64{1},
		Cost: func(job int, out []float64) {
			for n := range out {
				out[n] = math.Abs(float64(n - 50*job)) // distance from where the job's data lie
			}
		},
	})
	fmt.Println(err, p.Row, p.Node[:4], p.Node[4:])
	// Output: <nil> [0 4 8] [0 1 2 22] [48 49 50 51]
}
