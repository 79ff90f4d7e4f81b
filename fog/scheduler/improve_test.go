package scheduler

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// drawLive is a fleet with placed and running attempts, as a planner knows it.
func drawLive(t *rapid.T) (*planner, []Record) {
	nodes := make([]Node, rapid.IntRange(2, 8).Draw(t, "nodes"))
	for i := range nodes {
		nodes[i] = Node{
			ID: NodeID(fmt.Sprint("n", i)), Tenant: "t", Owner: principal.Account(fmt.Sprint("o", i)), State: NodeUp, Version: 1,
			Capacity:  Capacity{MilliCPU: rapid.Int64Range(1, 4).Draw(t, "cpu") * 1000, MemoryMB: 4000},
			Executors: []string{"wasm"}, Trust: rapid.Float64Range(0, 1).Draw(t, "trust"), Speed: rapid.Float64Range(0.5, 4).Draw(t, "speed"),
			Ask: Price(rapid.Int64Range(0, 2000).Draw(t, "ask")), IdleWatts: 10,
		}
	}
	f := newFleet(nodes, nil, nil)
	var records []Record
	for i := range rapid.IntRange(0, 30).Draw(t, "jobs") {
		j := Job{
			ID: JobID(fmt.Sprintf("j%02d", i)), Tenant: "t", Owner: "p", Tier: rapid.SampledFrom(Tiers()).Draw(t, "tier"),
			Demand: Demand{MilliCPU: rapid.Int64Range(1, 20).Draw(t, "needs") * 100, MemoryMB: 64, Executor: "wasm"},
			Trust:  Trust{Replicas: 1, Quorum: 1}, Slots: 1, State: Queued, NextToken: 1, Version: 1, MaxRuntime: time.Minute, Estimate: 10 * time.Second,
		}
		r := Record{Job: j}
		n := rapid.IntRange(0, len(nodes)-1).Draw(t, "on")
		q := requestOf(&r, start())
		if q.closed(f, &f.nodes[n]) != "" || q.busy(f, n) != "" {
			continue
		}
		f.hold(n, &j.Demand, 0, groupKey{})
		d := newDraft(&r, start(), rules{})
		require.NoError(t, d.place(0, &f.nodes[n], 0))
		if rapid.Bool().Draw(t, "runs") {
			require.NoError(t, d.lease(d.Attempts[0].ID))
		}
		records = append(records, *d.Record)
	}
	return &planner{fleet: f}, records
}

func start() time.Time { return time.Date(2026, 5, 17, 12, 0, 0, 0, time.UTC) }

// TestShiftsKeepTheLaws searches for a better plan and carries it out on the fleet.
func TestShiftsKeepTheLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, records := drawLive(t)
		f := p.fleet
		before := fmt.Sprint(f.free, f.live)
		z := p.puzzle(records, nil, start().Add(time.Second), &rules{})
		require.Equal(t, before, fmt.Sprint(f.free, f.live), "making a puzzle changes nothing")
		if z == nil {
			return
		}
		params := Params{RoundBudget: time.Hour, MoveGain: 0.1}
		now := func() time.Time { return start() }
		s := z.search(context.Background(), f.aims, &params, now, 1, 1)
		require.NoError(t, s.err)
		require.Equal(t, s.plan.Assign, z.search(context.Background(), f.aims, &params, now, 1, 3).plan.Assign, "the same seed, the same plan")
		if len(s.moves()) > 0 {
			require.GreaterOrEqual(t, s.gain, minGain)
		}
		for _, bundle := range s.moves() {
			shifts, ok, err := p.shift(&s, bundle, start().Add(time.Second), rules{})
			require.NoError(t, err)
			require.True(t, ok, "nothing has changed: the plan holds")
			for i := range shifts {
				checkMove(t, &shifts[i], f)
			}
		}
		for i := range f.free {
			require.Equal(t, dimNone, f.free[i].lacks(&Demand{}), "%+v", f.free[i])
		}
	})
}

func checkMove(t *rapid.T, s *shift, f *fleet) {
	d := s.draft
	require.Len(t, d.Attempts, 2)
	require.Equal(t, AttemptCancelled, d.Attempts[0].State)
	require.Equal(t, AttemptPlaced, d.Attempts[1].State)
	require.Equal(t, f.nodes[s.to].ID, d.Attempts[1].Node)
	require.Greater(t, d.Attempts[1].Token, d.Attempts[0].Token)
	require.Empty(t, d.Job.Failures)
	require.True(t, d.Job.State == Placed || d.Job.State == Running)
}

// TestShiftFallsAsAWhole changes a node between the search and its result.
func TestShiftFallsAsAWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, records := drawLive(t)
		z := p.puzzle(records, nil, start(), &rules{})
		if z == nil {
			return
		}
		s := z.search(context.Background(), p.fleet.aims, &Params{RoundBudget: time.Hour, MoveGain: -1}, start, 1, 1)
		require.NoError(t, s.err)
		victim := rapid.IntRange(0, len(p.fleet.nodes)-1).Draw(t, "victim")
		full := rapid.Bool().Draw(t, "full")
		if full {
			whole := Demand{MilliCPU: max(0, p.fleet.free[victim].MilliCPU)}
			p.fleet.hold(victim, &whole, 0, groupKey{})
		} else {
			p.fleet.nodes[victim].Version++
		}
		for _, bundle := range s.moves() {
			touched := false
			for _, i := range bundle {
				touched = touched || z.names[s.plan.Assign[i]] == p.fleet.nodes[victim].ID
			}
			before := fmt.Sprint(p.fleet.free, p.fleet.live)
			_, ok, err := p.shift(&s, bundle, start(), rules{})
			require.NoError(t, err)
			if touched && !full {
				require.False(t, ok)
			}
			if !ok {
				require.Equal(t, before, fmt.Sprint(p.fleet.free, p.fleet.live))
			}
		}
		for i := range p.fleet.free {
			require.GreaterOrEqual(t, p.fleet.free[i].MilliCPU, int64(0))
		}
	})
}
