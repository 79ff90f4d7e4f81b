package scheduler_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// TestMarksAreFollowedOnce lets a round of the planner leave marks and a time that is due at once: the two wake it together, and whichever
// it sees first, one round follows both. One round more would look at the fleet anew, and put off a search.
func TestMarksAreFollowedOnce(t *testing.T) {
	for range 32 { // many enough to see each of the two first
		synctest.Test(t, func(t *testing.T) {
			duties := duty.NewMemory(nil)
			store := &counted{Store: scheduler.NewMemory(nil, duties)}
			cfg := params(scheduler.Params{Grace: -1, RoundBudget: -1})
			cfg.Store, cfg.Duties = store, duties
			r := start(t, cfg)
			r.nodes("a")
			low := r.submit(long(scheduler.Bronze, 3))
			r.wait(1500 * time.Millisecond)
			require.Equal(t, scheduler.Placed, r.state(low))
			store.reads = 0
			high := r.submit(long(scheduler.Platinum, 3))
			require.Equal(t, scheduler.Placed, r.state(high))
			require.Equal(t, scheduler.Queued, r.state(low))
			require.Equal(t, 2, store.reads, "one round evicts, the next one places")
		})
	}
}

// TestSearchIsFollowedOnce lets a search end: the round that follows does not wait for anything else, and none follows that.
func TestSearchIsFollowedOnce(t *testing.T) {
	for range 32 {
		synctest.Test(t, func(t *testing.T) {
			duties := duty.NewMemory(nil)
			store := &counted{Store: scheduler.NewMemory(nil, duties)}
			cfg := params(scheduler.Params{RoundBudget: 10 * time.Second})
			cfg.Store, cfg.Duties = store, duties
			r := start(t, cfg)
			r.nodes("a", "b")
			r.wait(1500 * time.Millisecond)
			store.reads = 0
			_, err := r.Submit(t.Context(), []scheduler.Submission{named("one"), named("two")})
			require.NoError(t, err)
			synctest.Wait()
			stats, err := r.Stats(t.Context())
			require.NoError(t, err)
			require.Equal(t, int64(1), stats.Optimiser.Searches)
			require.Equal(t, 2, store.reads, "one round places, the next one applies what the search found")
		})
	}
}

// named is a small job.
func named(name string) scheduler.Submission {
	b := long(scheduler.Gold, 1)
	b.Name = name
	return b
}
