package scheduler

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// vast is a fleet of more nodes than a search looks at, with one attempt on every tenth of them: some in each of five regions, of which
// the first is too large for a window.
func vast(t *testing.T) (*planner, []Record) {
	t.Helper()
	var nodes []Node
	for region, size := range []int{shardNodes + 500, 1200, 1000, 800, 500} {
		for i := range size {
			nodes = append(nodes, Node{
				ID: NodeID(fmt.Sprintf("%d.%05d", region, i)), Tenant: "t", Owner: principal.Account(fmt.Sprint(region, i)), State: NodeUp, Version: 1,
				Capacity: Capacity{MilliCPU: 4000, MemoryMB: 4000}, Executors: []string{"wasm"}, Trust: 1, Speed: 1 + float64(i%7),
				Labels: map[string]string{LabelRegion: fmt.Sprint("r", region)},
			})
		}
	}
	f := newFleet(nodes, nil, nil)
	var records []Record
	for i := 0; i < len(nodes); i += 10 {
		r := Record{Job: Job{
			ID: JobID(fmt.Sprintf("j%05d", i)), Tenant: "t", Owner: "p", Tier: Gold, Demand: Demand{MilliCPU: 500, MemoryMB: 64, Executor: "wasm"},
			Trust: Trust{Replicas: 1, Quorum: 1}, Slots: 1, State: Queued, NextToken: 1, Version: 1, MaxRuntime: time.Minute, Estimate: 10 * time.Second,
		}}
		f.hold(i, &r.Job.Demand, 0, groupKey{})
		d := newDraft(&r, start(), rules{})
		require.NoError(t, d.place(0, &f.nodes[i], 0))
		records = append(records, *d.Record)
	}
	return &planner{fleet: f}, records
}

// TestEachRegionHasItsTurn poses puzzles on a vast fleet until the first window comes again.
func TestEachRegionHasItsTurn(t *testing.T) {
	p, records := vast(t)
	seen := make([]int, len(p.fleet.nodes))
	puzzles := 0
	for turn := 0; puzzles == 0 || turn != 0; puzzles++ {
		require.Less(t, puzzles, 3)
		w, next := p.fleet.windowAt(turn)
		turn = next
		require.LessOrEqual(t, w.nodes, shardNodes)
		for i := range seen {
			if w.of(i) >= 0 {
				seen[i]++
			}
		}
		z := p.puzzle(records, w, start(), &rules{})
		require.NotNil(t, z)
		require.LessOrEqual(t, len(z.items), maxItems)
		shards := map[int32]int{}
		for i := range z.items {
			shards[z.items[i].choice.shard]++
		}
		require.Len(t, shards, w.count, "each region of the window has a part in it")
		for _, n := range z.nodes {
			require.GreaterOrEqual(t, w.of(int(n)), int32(0), "and no other has")
		}
	}
	for i, n := range seen {
		require.Equal(t, 1, n, "node %d", i)
	}
}

// TestShardsFindBetterPlans searches one window, and carries the moves out.
func TestShardsFindBetterPlans(t *testing.T) {
	p, records := vast(t)
	w, _ := p.fleet.windowAt(2)
	require.Greater(t, w.count, 1)
	z := p.puzzle(records, w, start(), &rules{})
	params := Params{RoundBudget: time.Hour, MoveGain: 0.1}
	s := z.search(context.Background(), p.fleet.aims, &params, start, 1, 1)
	require.NoError(t, s.err)
	require.GreaterOrEqual(t, s.gain, minGain)
	require.NotEmpty(t, s.moves())
	for _, bundle := range s.moves() {
		_, ok, err := p.shift(&s, bundle, start(), rules{})
		require.NoError(t, err)
		require.True(t, ok)
	}
	for i := range p.fleet.free {
		require.GreaterOrEqual(t, p.fleet.free[i].MilliCPU, int64(0))
	}
}

// TestManySmallRegionsHaveTheirTurns gives every eight nodes of a fleet a region of their own.
func TestManySmallRegionsHaveTheirTurns(t *testing.T) {
	f := &fleet{nodes: make([]Node, shardNodes+1)}
	for i := range f.nodes {
		f.nodes[i].Labels = map[string]string{LabelRegion: fmt.Sprint(i / 8)}
	}
	seen := 0
	for turn := 0; seen == 0 || turn != 0; {
		var w *window
		w, turn = f.windowAt(turn)
		require.Positive(t, w.share())
		seen += w.nodes
	}
	require.Equal(t, len(f.nodes), seen)
}

func TestSmallFleetsAreNotSplit(t *testing.T) {
	w, next := (&fleet{nodes: make([]Node, shardNodes)}).windowAt(3)
	require.Nil(t, w)
	require.Zero(t, next)
}
