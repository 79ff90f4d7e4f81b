package scheduler_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// TestBetterNodeIsTakenBeforeWorkIsFetched places jobs on the only node there is, and then brings a much better one.
func TestBetterNodeIsTakenBeforeWorkIsFetched(t *testing.T) {
	inBubble(t, scheduler.Config{PickUp: time.Hour}, func(t *testing.T, r *rig) {
		slow := node("slow")
		slow.Speed, slow.Trust = 0.25, 0.1
		r.sync(slow)
		ids := make([]scheduler.JobID, 4)
		for i := range ids {
			ids[i] = r.submit(scheduler.Submission{Name: fmt.Sprint("job ", i), Tier: scheduler.Gold, Estimate: time.Minute})
		}
		fast := node("fast")
		fast.Speed = 4
		r.sync(fast)
		r.wait(5 * time.Second)
		moved := 0
		for _, id := range ids {
			record := r.get(id)
			require.Equal(t, scheduler.Placed, record.Job.State)
			if record.Job.Node == "fast" {
				moved++
				require.Equal(t, scheduler.AttemptCancelled, record.Attempts[0].State)
				require.Len(t, record.Attempts, 2)
			}
		}
		require.Positive(t, moved)
		stats, err := r.Stats(t.Context())
		require.NoError(t, err)
		require.Positive(t, stats.Optimiser.Searches)
		cancelled := 0
		for _, id := range ids {
			cancelled += len(r.get(id).Attempts) - 1
		}
		require.EqualValues(t, cancelled, stats.Optimiser.Moves, "what was moved is counted, and nothing else")
		require.Positive(t, stats.Optimiser.Front)
		grants, err := r.Claim(t.Context(), []scheduler.Claim{{Node: "fast", Take: 8}, {Node: "slow", Take: 8}})
		require.NoError(t, err)
		require.Len(t, grants[0].Offers, moved)
		require.Len(t, grants[1].Offers, len(ids)-moved)
	})
}

// TestNothingIsMovedToWhereItWentWrong lets a much better node fetch nothing of what it is given: nobody is sent there again.
func TestNothingIsMovedToWhereItWentWrong(t *testing.T) {
	inBubble(t, scheduler.Config{PickUp: 5 * time.Second}, func(t *testing.T, r *rig) {
		fast, slow := node("fast"), node("slow")
		fast.Speed, slow.Speed, slow.Trust = 4, 0.25, 0.1
		require.NoError(t, r.SyncNodes(t.Context(), []scheduler.Node{fast, slow}))
		r.wait(time.Second)
		ids := []scheduler.JobID{r.submit(one(scheduler.Submission{Estimate: time.Hour})), r.submit(one(scheduler.Submission{Estimate: time.Hour}))}
		for _, id := range ids {
			require.EqualValues(t, "fast", r.on(id))
		}
		var runs []scheduler.Held
		for range 150 {
			for _, o := range r.claim(scheduler.Claim{Node: "slow", Take: 2, Held: runs}).Offers {
				runs = append(runs, held(o))
			}
			r.wait(time.Second)
		}
		require.Len(t, runs, len(ids))
		for _, id := range ids {
			require.Len(t, r.get(id).Attempts, 2)
			require.Equal(t, scheduler.Running, r.state(id))
		}
	})
}

// stubborn is a store that writes no move.
type stubborn struct{ scheduler.Store }

func (s stubborn) Commit(ctx context.Context, f scheduler.Fence, changes []scheduler.Change) ([]bool, error) {
	written := make([]bool, len(changes))
	var rest []scheduler.Change
	var at []int
	for i := range changes {
		if !slices.ContainsFunc(changes[i].Record.Attempts, func(a scheduler.Attempt) bool { return strings.HasPrefix(a.Reason, "moved to") }) {
			rest, at = append(rest, changes[i]), append(at, i)
		}
	}
	stands, err := s.Store.Commit(ctx, f, rest)
	for k := range stands {
		written[at[k]] = stands[k]
	}
	return written, err
}

// TestMovesThatAreNotWrittenDoNotCount lets every move of a search come too late.
func TestMovesThatAreNotWrittenDoNotCount(t *testing.T) {
	inBubble(t, scheduler.Config{PickUp: time.Hour, Store: stubborn{scheduler.NewMemory(nil, nil)}}, func(t *testing.T, r *rig) {
		slow := node("slow")
		slow.Speed, slow.Trust = 0.25, 0.1
		r.sync(slow)
		for range 4 {
			r.submit(scheduler.Submission{Tier: scheduler.Gold, Estimate: time.Minute})
		}
		fast := node("fast")
		fast.Speed = 4
		r.sync(fast)
		r.wait(5 * time.Second)
		stats, err := r.Stats(t.Context())
		require.NoError(t, err)
		require.Positive(t, stats.Optimiser.Searches)
		require.Positive(t, stats.Optimiser.Gain, "there is something to move")
		require.Zero(t, stats.Optimiser.Moves)
	})
}

// TestRunningJobsMoveForAStatedGain does the same with jobs that run.
func TestRunningJobsMoveForAStatedGain(t *testing.T) {
	for _, c := range []struct {
		gain  float64
		moves bool
	}{{0.1, true}, {0.99, false}, {-1, false}} {
		t.Run(fmt.Sprint(c.gain), func(t *testing.T) {
			inBubble(t, params(scheduler.Params{MoveGain: c.gain}), func(t *testing.T, r *rig) {
				slow := node("slow")
				slow.Speed, slow.Trust = 0.25, 0.1
				r.sync(slow)
				for i := range 4 {
					r.submit(scheduler.Submission{Name: fmt.Sprint("job ", i), Tier: scheduler.Gold, Estimate: time.Hour})
				}
				grants, err := r.Claim(t.Context(), []scheduler.Claim{{Node: "slow", Take: 4}})
				require.NoError(t, err)
				require.Len(t, grants[0].Offers, 4)
				var held []scheduler.Held
				for _, o := range grants[0].Offers {
					held = append(held, scheduler.Held{Attempt: o.Attempt, Token: o.Token})
				}
				fast := node("fast")
				fast.Speed = 8
				r.sync(fast)
				cancelled := 0
				for range 9 {
					r.wait(10 * time.Second)
					grants, err = r.Claim(t.Context(), []scheduler.Claim{{Node: "slow", Held: held}})
					require.NoError(t, err)
					cancelled = max(cancelled, len(grants[0].Cancel))
				}
				require.Equal(t, c.moves, cancelled > 0)
			})
		})
	}
}
