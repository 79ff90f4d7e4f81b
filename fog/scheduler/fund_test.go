package scheduler_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func TestPausePending(t *testing.T) {
	e := away()
	inBubble(t, scheduler.Config{Escrow: e, HoldRetry: 5 * time.Second}, func(t *testing.T, r *rig) {
		job := r.submit(scheduler.Submission{})
		require.Equal(t, scheduler.Pending, r.state(job))
		_, err := r.Pause(t.Context(), job)
		require.NoError(t, err)
		asked := len(e.holds())
		r.wait(time.Minute)
		require.Len(t, e.holds(), asked, "nothing is asked for a paused job")
		e.set(nil, nil)
		_, err = r.Resume(t.Context(), job)
		require.NoError(t, err)
		r.wait(time.Second)
		require.Equal(t, scheduler.Queued, r.state(job))
	})
}

func TestFunds(t *testing.T) {
	e := &escrow{}
	inBubble(t, scheduler.Config{Escrow: e, HoldRetry: 5 * time.Second}, func(t *testing.T, r *rig) {
		job := r.submit(scheduler.Submission{Trust: quorum(2, 3), Estimate: time.Second})
		require.Equal(t, scheduler.Queued, r.state(job))
		j := r.get(job).Job
		require.Equal(t, []scheduler.Hold{{Job: job, Tenant: "default", Payer: "operator", Amount: j.Quote}}, e.holds())
		require.Equal(t, scheduler.Price(1000), j.Price)
		require.Equal(t, scheduler.Price(3000), j.Quote)

		e.set(nil, fault.New(fault.Insufficient, "x", "only 3 FOG"))
		poor := r.try(scheduler.Submission{Key: "k"})
		kind(t, fault.Insufficient, poor.Err)
		require.Equal(t, scheduler.Refused, poor.Job.State)
		require.Equal(t, "only 3 FOG", poor.Job.Reason)
		require.Equal(t, map[scheduler.JobID]int{poor.Job.ID: 1}, r.settled())
		again := r.try(scheduler.Submission{Key: "k"})
		kind(t, fault.Insufficient, again.Err)
		require.False(t, again.Fresh)
		require.Equal(t, poor.Job.ID, again.Job.ID)

		e.set(nil, fault.New(fault.Unavailable, "x", "busy"))
		open := r.try(scheduler.Submission{})
		require.NoError(t, open.Err)
		require.Equal(t, scheduler.Pending, open.Job.State)
		e.set(nil, nil)
		r.wait(7 * time.Second)
		require.Equal(t, scheduler.Queued, r.state(open.Job.ID))

		e.set(errors.New("away"), nil)
		open = r.try(scheduler.Submission{})
		require.Equal(t, scheduler.Pending, open.Job.State)
		r.wait(time.Minute)
		require.Equal(t, scheduler.Pending, r.state(open.Job.ID))
		e.set(nil, nil)
		r.wait(7 * time.Second)
		require.Equal(t, scheduler.Queued, r.state(open.Job.ID))
	})
}

// slow is an escrow that answers when it is let.
type slow struct{ let chan struct{} }

func (s slow) Hold(_ context.Context, holds []scheduler.Hold) ([]error, error) {
	<-s.let
	return make([]error, len(holds)), nil
}

func TestCommandsWhileFundsAreAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := slow{make(chan struct{})}
		r := start(t, scheduler.Config{Escrow: s})
		go func() {
			_, err := r.Submit(t.Context(), []scheduler.Submission{{Name: "paused"}, {Name: "cancelled"}})
			if err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		page, err := r.List(t.Context(), scheduler.JobQuery{})
		require.NoError(t, err)
		require.Len(t, page.Jobs, 2)
		paused, cancelled := page.Jobs[0].ID, page.Jobs[1].ID
		_, err = r.Pause(t.Context(), paused)
		require.NoError(t, err)
		_, err = r.Cancel(t.Context(), cancelled)
		require.NoError(t, err)
		close(s.let)
		synctest.Wait()
		require.Equal(t, scheduler.Paused, r.state(paused))
		require.Equal(t, scheduler.Cancelled, r.state(cancelled), "what was cancelled first stays so")
		job, err := r.Resume(t.Context(), paused)
		require.NoError(t, err)
		require.Equal(t, scheduler.Queued, job.State, "its funds were held meanwhile")
	})
}

// TestSubmitDoesNotWaitForASilentEscrow lets the escrow keep its callers waiting for ever: each call of Submit returns within HoldRetry, its
// jobs are stored as pending, and each is held and queued once when the escrow is back.
func TestSubmitDoesNotWaitForASilentEscrow(t *testing.T) {
	m := &moody{mood: "never"}
	inBubble(t, scheduler.Config{Escrow: m, HoldRetry: 3 * time.Second}, func(t *testing.T, r *rig) {
		require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", MaxQueued: 10}}))
		begun := time.Now()
		call := []scheduler.Submission{{Name: "a", Key: "a"}, {Name: "b", Count: 2}, {Name: "c", After: on("", "#0")}, {Name: "d", After: on("", "#2")}}
		out := r.submitAs("x", call...)
		require.Equal(t, 3*time.Second, time.Since(begun), "once for all, though they are stored in turn")
		for i := range out {
			require.NoError(t, out[i].Err)
			require.Equal(t, scheduler.Pending, out[i].Job.State)
		}
		again := r.submitAs("x", call[0])
		require.Equal(t, out[0].Job.ID, again[0].Job.ID)
		m.mu.Lock()
		m.mood = "yes"
		m.mu.Unlock()
		r.wait(10 * time.Second)
		require.Len(t, m.holds(), 5, "each is held once")
		for i, want := range []scheduler.State{scheduler.Queued, scheduler.Queued, scheduler.Blocked, scheduler.Blocked} {
			require.Equal(t, want, r.state(out[i].Job.ID))
		}
	})
}
