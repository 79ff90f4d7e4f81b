package scheduler_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// TestSameSeedSamePlan lets planners with one, two and four workers plan the same jobs for the same fleet: greedy placement, gangs,
// evictions and what the searches move must be the same, attempt by attempt.
func TestSameSeedSamePlan(t *testing.T) {
	fewer(t, 20)
	moved := false
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		one, moves := p.carryOut(t, 1, 0)
		moved = moved || moves > 0
		for _, workers := range []int{2, 4} {
			same, _ := p.carryOut(t, workers, 0)
			require.Equal(rt, one, same, "%d workers", workers)
		}
		same, _ := p.carryOut(t, 1, 20_000)
		require.Equal(rt, one, same, "searches end before the store answers")
	})
	require.True(t, moved, "the searches had a part in it")
}

// planned is jobs and nodes that come in two waves.
type planned struct {
	jobs  [2][]scheduler.Submission
	nodes [2][]scheduler.Node
	seed  uint64
}

func drawPlan(rt *rapid.T) *planned {
	p := &planned{seed: rapid.Uint64().Draw(rt, "seed")}
	for wave := range 2 {
		for i := range rapid.IntRange(2, 5).Draw(rt, "nodes") {
			n := batchNode(fmt.Sprint(rapid.SampledFrom([]string{"a", "b", "g"}).Draw(rt, "kind"), wave, i))
			n.Speed, n.Trust = rapid.Float64Range(0.25, 4).Draw(rt, "speed"), rapid.Float64Range(0.1, 1).Draw(rt, "trust")
			n.Ask, n.IdleWatts = scheduler.Price(rapid.Int64Range(0, 2000).Draw(rt, "ask")), 10
			p.nodes[wave] = append(p.nodes[wave], n)
		}
		for i := range rapid.IntRange(1, 16).Draw(rt, "jobs") {
			p.jobs[wave] = append(p.jobs[wave], scheduler.Submission{
				Name: fmt.Sprint("job ", i), Tier: rapid.SampledFrom(scheduler.Tiers()).Draw(rt, "tier"),
				Trust: quorum(1, rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(rt, "replicas")),
				Demand: scheduler.Demand{
					MilliCPU: rapid.SampledFrom([]int64{500, 1000, 2000, 4000}).Draw(rt, "cpu"), MemoryMB: 64,
					MilliGPU: rapid.SampledFrom([]int64{0, 0, 0, 300, 1000}).Draw(rt, "gpu"),
				},
				Estimate: time.Duration(rapid.SampledFrom([]int{1, 600, 3600}).Draw(rt, "estimate")) * time.Second,
				Count:    rapid.SampledFrom([]int{0, 0, 3}).Draw(rt, "count"), Gang: rapid.IntRange(0, 3).Draw(rt, "gang") == 0,
			})
		}
	}
	return p
}

// tardy is a store that lets everybody else go on for a while before it answers a round that follows another at once.
type tardy struct {
	scheduler.Store
	yields int

	mu        sync.Mutex // guards committed
	committed time.Time
}

func (s *tardy) Commit(ctx context.Context, f scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	s.mu.Lock()
	s.committed = time.Now()
	s.mu.Unlock()
	return s.Store.Commit(ctx, f, changes)
}

func (s *tardy) Live(ctx context.Context, nodes []scheduler.NodeID) ([]scheduler.Attempt, error) {
	s.mu.Lock()
	again := s.committed.Equal(time.Now())
	s.mu.Unlock()
	if again {
		for range s.yields {
			runtime.Gosched()
		}
	}
	return s.Store.Live(ctx, nodes)
}

// carryOut answers where all attempts were put, and how many were moved by the searches.
func (p *planned) carryOut(t *testing.T, workers, yields int) (attempts []string, moves int64) {
	synctest.Test(t, func(t *testing.T) {
		duties := duty.NewMemory(nil)
		cfg := params(scheduler.Params{Grace: 5 * time.Second, Aging: time.Minute, MoveGain: 0.01, RoundBudget: 10 * time.Second}) // rests as long between searches
		cfg.Store, cfg.Duties, cfg.Random = &tardy{Store: scheduler.NewMemory(nil, duties), yields: yields}, duties, rand.NewChaCha8([32]byte{1})
		cfg.PickUp, cfg.Lease, cfg.Seed, cfg.Workers = time.Hour, time.Hour, p.seed, workers
		for wave := range 2 {
			still, err := scheduler.New(cfg) // nobody plans until all is there
			require.NoError(t, err)
			require.NoError(t, still.SyncNodes(t.Context(), p.nodes[wave]))
			_, err = still.Submit(t.Context(), p.jobs[wave])
			require.NoError(t, err)
			r := start(t, cfg)
			r.wait(time.Duration(10+65*wave) * time.Second) // long enough to look at what runs, in the end
			if wave == 0 {
				for _, n := range p.nodes[0] {
					r.claim(scheduler.Claim{Node: n.ID, Take: 2})
				}
			}
			stats, err := r.Stats(t.Context())
			require.NoError(t, err)
			moves += stats.Optimiser.Moves
			r.stop()
			attempts = append(attempts, r.history()...)
		}
	})
	return attempts, moves
}

// history is all attempts of all jobs, in the order of the jobs.
func (r *rig) history() []string {
	r.t.Helper()
	page, err := r.List(r.t.Context(), scheduler.JobQuery{Limit: 1000})
	require.NoError(r.t, err)
	var out []string
	for _, j := range page.Jobs {
		for _, a := range r.get(j.ID).Attempts {
			out = append(out, fmt.Sprint(a.ID, " on ", a.Node, " ", a.State, " ", a.GPUs, " ", a.EvictFor))
		}
	}
	return out
}
