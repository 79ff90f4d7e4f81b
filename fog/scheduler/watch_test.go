package scheduler_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// watching collects what a watch yields, until stop.
type watching struct {
	events []scheduler.Event
	err    error
	stop   func()
}

func (r *rig) watching(ctx context.Context, q scheduler.EventQuery) *watching {
	ctx, cancel := context.WithCancel(ctx)
	w, done := &watching{}, make(chan struct{})
	go func() {
		defer close(done)
		for e, err := range r.Watch(ctx, q) {
			if w.err = err; err == nil {
				w.events = append(w.events, e)
			}
		}
	}()
	w.stop = func() { cancel(); <-done }
	return w
}

func (w *watching) states(id scheduler.JobID) (out []scheduler.State) {
	for _, e := range w.events {
		if e.Job == id {
			out = append(out, e.State)
		}
	}
	return out
}

func TestWatchFollowsJobs(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		early := r.submit(scheduler.Submission{})
		from, err := r.Position(t.Context())
		require.NoError(t, err)
		w := r.watching(t.Context(), scheduler.EventQuery{After: from})
		r.wait(time.Second)
		require.Empty(t, w.events)
		r.nodes("a")
		job := r.submit(scheduler.Submission{})
		array := r.submit(scheduler.Submission{Count: 3, After: on("", job)})
		o := r.claim(scheduler.Claim{Node: "a", Take: 9})
		r.beat("a", held(o.Offers[0]), held(o.Offers[1])) // renewals are no news
		r.wait(15 * time.Second)
		r.beat("a", held(o.Offers[0]), held(o.Offers[1]))
		for _, o := range o.Offers {
			require.NoError(t, r.report(done(o, "")).Err)
		}
		r.wait(200 * time.Millisecond)
		require.Equal(t, []scheduler.State{scheduler.Placed, scheduler.Running, scheduler.Vested}, w.states(early))
		require.Equal(t, []scheduler.State{scheduler.Queued, scheduler.Placed, scheduler.Running, scheduler.Vested}, w.states(job))
		require.Equal(t, []scheduler.State{scheduler.Blocked, scheduler.Queued, scheduler.Placed}, w.states(array))
		for i := range w.events {
			e := w.events[i]
			require.Equal(t, from+1+scheduler.Seq(i), e.Seq)
			if e.Job == array {
				require.Equal(t, array, e.Array)
			}
		}
		middle := w.events[4].Seq
		again := r.watching(t.Context(), scheduler.EventQuery{After: middle})
		r.wait(time.Second)
		require.Equal(t, w.events[5:], again.events, "it goes on where it was")
		again.stop()
		of := r.watching(t.Context(), scheduler.EventQuery{After: from, Array: array})
		r.wait(time.Second)
		require.Equal(t, scheduler.Blocked, of.events[0].State)
		of.stop()
		w.stop()
		kind(t, fault.Unavailable, w.err)
		for e, err := range r.Watch(t.Context(), scheduler.EventQuery{After: from}) { // one may stop at any time
			require.NoError(t, err)
			require.Equal(t, from+1, e.Seq)
			break
		}
	})
}

func TestWatchShowsOwnJobsOnly(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		mallory := as(t.Context(), "mallory")
		w := r.watching(mallory, scheduler.EventQuery{})
		r.submit(scheduler.Submission{})
		out, err := r.Submit(mallory, []scheduler.Submission{{Name: "own"}})
		require.NoError(t, err)
		r.wait(time.Second)
		require.Len(t, w.events, 1)
		require.Equal(t, out[0].Job.ID, w.events[0].Job)
		w.stop()
		other := r.watching(mallory, scheduler.EventQuery{Owner: "alice"})
		r.wait(time.Second)
		other.stop()
		require.Error(t, other.err)
		require.Empty(t, other.events)
	})
}

func TestWatchIsBounded(t *testing.T) {
	inBubble(t, scheduler.Config{Feed: 10 * time.Minute}, func(t *testing.T, r *rig) {
		r.submit(scheduler.Submission{})
		quiet := r.watching(as(t.Context(), "mallory"), scheduler.EventQuery{})
		r.wait(90 * time.Second)
		require.Len(t, quiet.events, 1)
		require.Equal(t, scheduler.Event{Seq: 0, Owner: "mallory"}, scheduler.Event{Owner: quiet.events[0].Owner, Job: quiet.events[0].Job})
		quiet.stop()
		r.wait(20 * time.Minute)
		r.submit(scheduler.Submission{})
		late := r.watching(t.Context(), scheduler.EventQuery{})
		r.wait(time.Second)
		require.ErrorIs(t, late.err, scheduler.ErrTrimmed)
		kind(t, fault.Conflict, late.err)
		require.Empty(t, late.events)
		late.stop()
		alien := r.watching(t.Context(), scheduler.EventQuery{After: 1 << 40})
		r.wait(time.Second)
		require.ErrorIs(t, alien.err, scheduler.ErrTrimmed)
		alien.stop()
		resumed := r.watching(t.Context(), scheduler.EventQuery{After: quiet.events[0].Seq})
		r.wait(time.Second)
		require.Len(t, resumed.events, 1, "the bookmark is still good")
		resumed.stop()
	})
}

func TestFeedOff(t *testing.T) {
	inBubble(t, scheduler.Config{Feed: -1}, func(t *testing.T, r *rig) {
		r.submit(scheduler.Submission{})
		_, err := r.Position(t.Context())
		kind(t, fault.Unavailable, err)
		w := r.watching(t.Context(), scheduler.EventQuery{})
		w.stop()
		kind(t, fault.Unavailable, w.err)
		_, at, err := r.store.Events(t.Context(), scheduler.EventQuery{Tenant: "default", After: -1})
		require.NoError(t, err)
		require.Zero(t, at, "nothing was recorded")
	})
}

func TestWatchSeesOtherServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		duties := duty.NewMemory(nil)
		rows := scheduler.NewMemory(nil, duties)
		first := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "first"})
		second := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "second"})
		w := second.watching(t.Context(), scheduler.EventQuery{})
		job := first.submit(scheduler.Submission{})
		second.wait(2 * time.Second)
		require.Equal(t, []scheduler.State{scheduler.Queued}, w.states(job))
		w.stop()
	})
}
