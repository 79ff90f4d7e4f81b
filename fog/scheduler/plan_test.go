package scheduler_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func TestPostponedJobIsRecalledByANode(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliGPU: 1000}})
		for range 60 {
			r.wait(time.Minute)
		}
		waiting := r.get(job).Job
		require.Equal(t, scheduler.Queued, waiting.State)
		require.Contains(t, waiting.Reason, "no device")
		require.Less(t, waiting.Version, int64(60), "it costs few writes")
		require.Less(t, time.Until(waiting.ReadyAt), 5*time.Minute+time.Second)
		r.wait(time.Until(waiting.ReadyAt) + time.Second) // it was just postponed again

		gpu := node("gpu")
		gpu.Capacity.MilliGPU, gpu.Executors = 1000, []string{scheduler.ExecutorWASM, scheduler.ExecutorGPU}
		r.sync(gpu)
		r.wait(time.Second)
		record := r.get(job)
		require.Equal(t, scheduler.Placed, record.Job.State)
		require.Empty(t, record.Job.Reason)
	})
}

func TestHopelessJobsBlockNobody(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		var many []scheduler.Submission
		for i := range 3000 {
			many = append(many, scheduler.Submission{Name: fmt.Sprint("gpu ", i), Tier: scheduler.Gold, Demand: scheduler.Demand{MilliGPU: 1000}})
		}
		_, err := r.Submit(t.Context(), many)
		require.NoError(t, err)
		job := r.submit(scheduler.Submission{})
		r.nodes("a")
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Placed, r.state(job))
	})
}

func TestBigJobsLeaveRoomToSmallOnes(t *testing.T) {
	inBubble(t, params(scheduler.Params{Evictions: -1}), func(t *testing.T, r *rig) {
		r.nodes("a")
		r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 3000}})
		big := r.submit(scheduler.Submission{Tier: scheduler.Gold, Demand: scheduler.Demand{MilliCPU: 4000}})
		small := r.submit(scheduler.Submission{})
		r.wait(time.Second)
		require.Equal(t, scheduler.Queued, r.state(big))
		require.Equal(t, scheduler.Placed, r.state(small))
	})
}

func TestLostReplicaFreesItsOwner(t *testing.T) {
	inBubble(t, scheduler.Config{PickUp: 5 * time.Second, Lease: time.Second}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		r.wait(2 * time.Second)
		job := r.submit(scheduler.Submission{Trust: quorum(2, 2)})
		attempts := r.get(job).Attempts
		require.Len(t, attempts, 2)
		o := r.fetch(attempts[0].Node)
		require.NoError(t, r.report(done(o, "x")).Err)
		down := node(string(attempts[1].Node))
		down.State = scheduler.NodeDown
		r.sync(down)
		r.wait(time.Minute)
		require.Equal(t, scheduler.Queued, r.state(job), "only the owner who has reported is left")
		r.nodes(string(attempts[1].Node))
		r.wait(2 * time.Second)
		require.NoError(t, r.report(done(r.fetch(attempts[1].Node), "x")).Err)
		require.Equal(t, scheduler.Vested, r.state(job))
	})
}

func TestReAddedNodeKeepsItsLoad(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		first := r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 3000}})
		require.NoError(t, r.store.DeleteNodes(t.Context(), []scheduler.NodeID{"a"}))
		r.wait(2 * time.Second)
		r.nodes("a")
		second := r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 3000}})
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Placed, r.state(first))
		require.Equal(t, scheduler.Queued, r.state(second))
	})
}

func TestBatchesAcceptWhatSinglesDo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			submissions := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) scheduler.Submission {
				return scheduler.Submission{
					Key:  rapid.SampledFrom([]string{"", "", "k", "l"}).Draw(rt, "key"),
					Name: rapid.SampledFrom([]string{"", "a", "b"}).Draw(rt, "name"),
					Tier: rapid.SampledFrom([]scheduler.Tier{"", "gold", "tin"}).Draw(rt, "tier"),
				}
			}), 0, 8).Draw(rt, "submissions")
			together, err := newIdle(t, scheduler.Config{}).Submit(t.Context(), submissions)
			require.NoError(rt, err)
			s := newIdle(t, scheduler.Config{})
			for i, b := range submissions {
				alone, err := s.Submit(t.Context(), []scheduler.Submission{b})
				require.NoError(rt, err)
				require.Equal(rt, fmt.Sprint(alone[0].Err), fmt.Sprint(together[i].Err))
				require.Equal(rt, alone[0].Fresh, together[i].Fresh)
				require.Equal(rt, alone[0].Job.Name, together[i].Job.Name)
			}
		})
	})
}

// counting is a store that counts commits.
type counting struct {
	scheduler.Store
	commits, inserts atomic.Int64
}

func (c *counting) Commit(ctx context.Context, f scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	c.commits.Add(1)
	return c.Store.Commit(ctx, f, changes)
}

func (c *counting) Insert(ctx context.Context, jobs []scheduler.Insertion) ([]scheduler.Inserted, error) {
	c.inserts.Add(1)
	return c.Store.Insert(ctx, jobs)
}

func TestCallersShareCommits(t *testing.T) {
	c := &counting{Store: scheduler.NewMemory(nil, nil)}
	inBubble(t, scheduler.Config{Store: c}, func(t *testing.T, r *rig) {
		big := node("a")
		big.Capacity = scheduler.Capacity{MilliCPU: 1 << 40, MemoryMB: 1 << 40}
		r.sync(big)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				_, err := r.Submit(t.Context(), []scheduler.Submission{{Name: "one of many"}})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		r.wait(time.Second)
		offers := r.claim(scheduler.Claim{Node: "a", Take: 1000}).Offers
		require.Len(t, offers, 100)
		before := c.commits.Load()
		reports := make([]scheduler.Report, len(offers))
		for i, o := range offers {
			reports[i] = done(o, "")
		}
		_, err := r.Report(t.Context(), reports)
		require.NoError(t, err)
		require.Equal(t, before+1, c.commits.Load(), "reported, validated and vested in one commit for all")
		require.Less(t, c.inserts.Load()+c.commits.Load(), int64(250), "fewer commits than steps")
	})
}

// fickle is a store in which somebody else comes between a number of times.
type fickle struct {
	scheduler.Store
	stale atomic.Int64
}

func (f *fickle) Commit(ctx context.Context, fence scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	if f.stale.Add(-1) >= 0 {
		return make([]bool, len(changes)), nil
	}
	return f.Store.Commit(ctx, fence, changes)
}

func TestStaleDecisionsAreMadeAnew(t *testing.T) {
	var steps []string
	f := &fickle{Store: scheduler.NewMemory(nil, nil)}
	s := newIdle(t, scheduler.Config{Store: f, Step: func(step string) { steps = append(steps, step) }})
	out, err := s.Submit(t.Context(), []scheduler.Submission{{Name: "a"}, {Name: "b"}})
	require.NoError(t, err)
	f.stale.Store(5)
	job, err := s.Cancel(t.Context(), out[0].Job.ID)
	require.NoError(t, err)
	require.Equal(t, scheduler.Cancelled, job.State)
	require.Equal(t, []string{scheduler.StepSubmit, scheduler.StepCancel}, steps, "only what was written is told")
	f.stale.Store(1000)
	_, err = s.Cancel(t.Context(), out[1].Job.ID)
	kind(t, fault.Unavailable, err)
	require.Len(t, steps, 2)
}

func TestServerWithoutDutiesIsAlone(t *testing.T) {
	fenced := scheduler.NewMemory(nil, duty.NewMemory(nil))
	inBubble(t, scheduler.Config{Store: fenced}, func(t *testing.T, r *rig) {
		r.nodes("a")
		require.Equal(t, scheduler.Placed, r.state(r.submit(scheduler.Submission{})), "a store that checks fences takes its plans")
	})
	duties := duty.NewMemory(nil)
	fenced = scheduler.NewMemory(nil, duties)
	inBubble(t, scheduler.Config{Store: fenced, Abilities: scheduler.Abilities{Duties: duties}}, func(t *testing.T, r *rig) {
		r.nodes("a")
		require.Equal(t, scheduler.Placed, r.state(r.submit(scheduler.Submission{})))
		_, taken, err := duties.Take(t.Context(), scheduler.DutyPlan, "another", time.Now().Add(time.Hour))
		require.NoError(t, err)
		require.False(t, taken, "the store's own duties are kept")
	})
}

// TestAClockThatIsSetBack goes on with rounds and timers at once.
func TestAClockThatIsSetBack(t *testing.T) {
	var back atomic.Int64
	now := func() time.Time { return time.Now().Add(-time.Duration(back.Load())) }
	duties := duty.NewMemory(now)
	cfg := scheduler.Config{PickUp: 10 * time.Second, Now: now, Duties: duties, Store: scheduler.NewMemory(nil, duties)}
	inBubble(t, cfg, func(t *testing.T, r *rig) {
		r.nodes("a")
		r.wait(time.Minute)
		back.Store(int64(6 * time.Hour))
		id := r.submit(scheduler.Submission{})
		require.Equal(t, scheduler.Placed, r.state(id))
		r.wait(45 * time.Second) // a lease on top, as after a change of planners
		require.Equal(t, scheduler.AttemptExpired, r.get(id).Attempts[0].State, "nobody fetched it")
	})
}
