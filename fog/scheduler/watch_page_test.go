package scheduler_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func TestChangesPageByPage(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		for range 5 {
			r.submit(scheduler.Submission{})
		}
		w := r.watching(t.Context(), scheduler.EventQuery{})
		r.wait(time.Second)
		w.stop()
		require.NotEmpty(t, w.events)
		var got []scheduler.Event
		for from := scheduler.Seq(0); ; {
			events, next, err := r.Changes(t.Context(), scheduler.EventQuery{After: from, Limit: 2}, 0)
			require.NoError(t, err)
			require.LessOrEqual(t, len(events), 2)
			if len(events) == 0 {
				require.Equal(t, from, next, "there is nothing to go on to")
				break
			}
			got, from = append(got, events...), next
		}
		require.Equal(t, w.events, got, "as a watch yields them")
	})
}

func TestChangesAreWaitedFor(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		from, err := r.Position(t.Context())
		require.NoError(t, err)
		ask := func(ctx context.Context, q scheduler.EventQuery, wait time.Duration) (events []scheduler.Event, next scheduler.Seq, took time.Duration) {
			began := time.Now()
			events, next, err := r.Changes(ctx, q, wait)
			require.NoError(t, err)
			return events, next, time.Since(began)
		}
		events, next, took := ask(t.Context(), scheduler.EventQuery{After: from}, 0)
		require.Empty(t, events)
		require.Equal(t, from, next)
		require.Zero(t, took)
		_, _, took = ask(t.Context(), scheduler.EventQuery{After: from}, 10*time.Second)
		require.Equal(t, 10*time.Second, took)
		short, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		events, _, took = ask(short, scheduler.EventQuery{After: from}, 10*time.Second)
		require.Empty(t, events, "who is called off has seen nothing, and that is no error")
		require.Equal(t, 3*time.Second, took)

		job := make(chan scheduler.JobID, 1)
		time.AfterFunc(2*time.Second, func() { job <- r.submit(scheduler.Submission{}) })
		events, next, took = ask(t.Context(), scheduler.EventQuery{After: from}, 10*time.Second)
		require.Equal(t, <-job, events[0].Job)
		require.Equal(t, events[len(events)-1].Seq, next)
		require.InDelta(t, 2*time.Second, took, float64(100*time.Millisecond), "at once")
		events, past, _ := ask(t.Context(), scheduler.EventQuery{After: from, Array: "another"}, 0)
		require.Empty(t, events)
		require.GreaterOrEqual(t, past, next, "what is not selected is looked at once only")
	})
}

func TestChangesOfOthers(t *testing.T) {
	inBubble(t, scheduler.Config{Feed: time.Minute}, func(t *testing.T, r *rig) {
		r.submit(scheduler.Submission{})
		mallory := as(t.Context(), "mallory")
		events, _, err := r.Changes(mallory, scheduler.EventQuery{}, 0)
		require.NoError(t, err)
		require.Empty(t, events)
		_, _, err = r.Changes(mallory, scheduler.EventQuery{Owner: "alice"}, 0)
		kind(t, fault.Denied, err)
		r.wait(10 * time.Minute)
		_, _, err = r.Changes(t.Context(), scheduler.EventQuery{}, 0)
		require.ErrorIs(t, err, scheduler.ErrTrimmed)
	})
	inBubble(t, scheduler.Config{Feed: -1}, func(t *testing.T, r *rig) {
		_, _, err := r.Changes(t.Context(), scheduler.EventQuery{}, 0)
		kind(t, fault.Unavailable, err)
	})
}
