package scheduler_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// meddler is a store that lets somebody act between a plan and its commit.
type meddler struct {
	scheduler.Store
	mu     sync.Mutex // guards meddle
	meddle func(changes []scheduler.Change)
}

func (m *meddler) Commit(ctx context.Context, f scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	if f.Number > 0 { // a plan
		m.mu.Lock()
		meddle := m.meddle
		m.mu.Unlock()
		if meddle != nil {
			meddle(changes)
		}
	}
	return m.Store.Commit(ctx, f, changes)
}

// before sets what happens before each commit of a plan.
func (m *meddler) before(meddle func(changes []scheduler.Change)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.meddle = meddle
}

// meddled is a rig whose plans are meddled with.
func meddled(t *testing.T, cfg scheduler.Config, test func(t *testing.T, r *rig, m *meddler)) {
	synctest.Test(t, func(t *testing.T) {
		duties := duty.NewMemory(nil)
		m := &meddler{Store: scheduler.NewMemory(nil, duties)}
		cfg.Store, cfg.Duties = m, duties
		test(t, start(t, cfg), m)
	})
}

// one is a submission of one replica.
func one(b scheduler.Submission) scheduler.Submission {
	b.Trust = quorum(1, 1)
	return b
}

// places reports whether one of the changes puts the job on a node.
func places(changes []scheduler.Change, id scheduler.JobID) bool {
	return slices.ContainsFunc(changes, func(c scheduler.Change) bool {
		return c.Record.Job.ID == id && slices.ContainsFunc(c.Record.Attempts, func(a scheduler.Attempt) bool { return a.State == scheduler.AttemptPlaced })
	})
}

// TestRoomGivenBackGoesToWhoWaitsFirst cancels a job while the plan that places it is being written, with many jobs behind it: the
// room is the gold job's, which found none, and not that of the jobs whose turn is next.
func TestRoomGivenBackGoesToWhoWaitsFirst(t *testing.T) {
	meddled(t, params(scheduler.Params{Evictions: -1}), func(t *testing.T, r *rig, m *meddler) {
		first := r.submit(one(scheduler.Submission{Tier: scheduler.Platinum, Demand: whole()}))
		gold := r.submit(one(scheduler.Submission{Tier: scheduler.Gold, Demand: whole()}))
		var behind []scheduler.Submission
		for i := range 100 { // each of its own shape, so that none is passed over
			behind = append(behind, one(scheduler.Submission{Name: "behind", Tier: scheduler.Silver, Demand: whole(), Estimate: time.Duration(i+1) * time.Second}))
		}
		r.submitAs("ann", behind...)
		m.before(func(changes []scheduler.Change) {
			if places(changes, first) {
				m.before(nil)
				_, err := r.Cancel(t.Context(), first)
				require.NoError(t, err)
			}
		})
		r.nodes("a")
		require.Equal(t, scheduler.Cancelled, r.state(first))
		require.Equal(t, scheduler.Placed, r.state(gold), "it waited for that room")
	})
}

// TestNewLineIsReadAtOnce keeps a long queue of two tiers, and submits one job of a tier between or above them the moment before room comes free.
func TestNewLineIsReadAtOnce(t *testing.T) {
	for name, tiers := range map[string][3]scheduler.Tier{
		"above":   {scheduler.Silver, scheduler.Bronze, scheduler.Platinum},
		"between": {scheduler.Platinum, scheduler.Silver, scheduler.Gold},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, params(scheduler.Params{Evictions: -1}), func(t *testing.T, r *rig) {
				half := scheduler.Demand{MilliCPU: 2000}
				r.nodes("a")
				r.wait(time.Second)
				long := one(scheduler.Submission{Tier: scheduler.Platinum, Demand: half, Estimate: time.Hour})
				r.submit(long)
				leaves := r.submit(long)
				r.submitAs("ann", many(8, one(scheduler.Submission{Tier: tiers[0], Demand: whole()}))...)
				r.submitAs("ann", many(80, one(scheduler.Submission{Tier: tiers[1], Demand: half, Estimate: time.Minute}))...)
				r.wait(2 * time.Second)
				late := r.submit(one(scheduler.Submission{Tier: tiers[2], Demand: half, Estimate: time.Minute}))
				_, err := r.Cancel(t.Context(), leaves)
				require.NoError(t, err)
				synctest.Wait()
				require.Equal(t, scheduler.Placed, r.state(late))
			})
		})
	}
}

// TestChangingNodesHoldNothingUp changes a node more often than the planner looks around by itself: it still learns of a quota.
func TestChangingNodesHoldNothingUp(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", Most: scheduler.Capacity{MilliCPU: 1000}}}))
		r.wait(2 * time.Second)
		r.nodes("a")
		r.submitAs("x", many(2, one(scheduler.Submission{}))...)
		require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x"}}))
		for i := range 6 {
			r.wait(500 * time.Millisecond)
			n := node("other")
			n.State, n.Labels = scheduler.NodeClosed, map[string]string{"change": fmt.Sprint(i)}
			r.sync(n)
		}
		_, count := r.used()
		require.Equal(t, 2, count["x"])
	})
}

// TestPostponedLineIsRecalled opens the only node that a gold job can have while a long queue of worse jobs wants it too.
func TestPostponedLineIsRecalled(t *testing.T) {
	inBubble(t, params(scheduler.Params{Evictions: -1}), func(t *testing.T, r *rig) {
		r.nodes("a")
		r.wait(time.Second)
		r.submit(one(scheduler.Submission{Tier: scheduler.Platinum, Demand: whole(), Estimate: time.Hour}))
		big := scheduler.Demand{MilliCPU: 6000}
		n := node("b")
		n.Capacity.MilliCPU = 8000
		gold := r.submit(one(scheduler.Submission{Tier: scheduler.Gold, Demand: big}))
		r.wait(time.Minute)
		require.NotEqual(t, time.Time{}, r.get(gold).Job.ReadyAt)
		for _, tier := range []scheduler.Tier{scheduler.Silver, scheduler.Bronze} {
			r.submitAs("ann", many(100, one(scheduler.Submission{Tier: tier, Demand: whole()}))...)
		}
		r.wait(1500 * time.Millisecond)
		r.sync(n)
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Placed, r.state(gold))
	})
}

// TestGangKeepsToWhatIsKept lets a gold gang be promised a node that is promised to a platinum job already, for later: the platinum job still
// starts when it should, and what may not delay it is not let in.
func TestGangKeepsToWhatIsKept(t *testing.T) {
	cfg := params(scheduler.Params{Evictions: -1})
	cfg.Lease, cfg.PickUp = 5*time.Second, 5*time.Second
	inBubble(t, cfg, func(t *testing.T, r *rig) {
		for _, id := range []string{"a", "b"} {
			n := node(id)
			n.Labels = map[string]string{scheduler.LabelZone: id}
			r.sync(n)
		}
		r.wait(time.Second)
		on := func(zone string) scheduler.Constraints {
			return scheduler.Constraints{Require: []scheduler.Term{{Key: scheduler.LabelZone, Op: scheduler.In, Values: []string{zone}}}}
		}
		r.submit(one(scheduler.Submission{Tier: scheduler.Platinum, Demand: whole(), Estimate: time.Hour, MaxRuntime: time.Hour, Constraints: on("a")}))
		r.submit(one(scheduler.Submission{Tier: scheduler.Platinum, Demand: scheduler.Demand{MilliCPU: 3000}, Estimate: 5 * time.Minute, MaxRuntime: 5 * time.Minute, Constraints: on("b")}))
		for _, n := range []scheduler.NodeID{"a", "b"} {
			r.fetch(n)
		}
		r.submit(one(scheduler.Submission{Tier: scheduler.Platinum, Demand: whole(), Constraints: on("b")}))
		r.submit(one(scheduler.Submission{Tier: scheduler.Gold, Demand: whole(), Count: 2, Gang: true, Estimate: time.Second, MaxRuntime: 10 * time.Second}))
		r.wait(2300 * time.Millisecond) // both are promised their nodes, and nodes are compared again when somebody comes
		late := one(scheduler.Submission{Tier: scheduler.Platinum, Estimate: 30 * time.Minute, MaxRuntime: 30 * time.Minute})
		better := r.submit(late)
		late.Tier = scheduler.Bronze
		r.wait(400 * time.Millisecond)
		worse := r.submit(late)
		require.Equal(t, scheduler.Queued, r.state(better), "it would delay the first")
		require.Equal(t, scheduler.Queued, r.state(worse), "and so would this one")
	})
}
