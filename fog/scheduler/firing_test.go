package scheduler_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// hushed is an escrow that never answers, and remembers how many holds each question was about.
type hushed struct {
	mu    sync.Mutex // guards asked
	asked []int
}

func (h *hushed) Hold(ctx context.Context, holds []scheduler.Hold) ([]error, error) {
	h.mu.Lock()
	h.asked = append(h.asked, len(holds))
	h.mu.Unlock()
	<-ctx.Done()
	return nil, ctx.Err()
}

// crowd stores n schedules for the next full hour, of as many owners as there are names.
func (r *rig) crowd(n int, template scheduler.Submission, owners ...principal.Account) {
	r.t.Helper()
	for i := range n {
		_, err := r.PutSchedule(as(r.t.Context(), owners[i%len(owners)]), scheduler.Schedule{
			ID: fmt.Sprintf("s%04d", i), Spec: "0 * * * *", Template: template,
		})
		require.NoError(r.t, err)
	}
}

// outcomes counts schedules that fired and that were skipped.
func (r *rig) outcomes() (fired, skipped int64) {
	r.t.Helper()
	all, err := r.Schedules(r.t.Context())
	require.NoError(r.t, err)
	for i := range all {
		fired, skipped = fired+all[i].Fired, skipped+all[i].Skipped
	}
	return fired, skipped
}

// TestASilentEscrowIsAskedOnceForAllThatIsDue has a thousand schedules due at once: they wait for the escrow together, not one after another.
func TestASilentEscrowIsAskedOnceForAllThatIsDue(t *testing.T) {
	const due = 1000
	h := &hushed{}
	inBubble(t, scheduler.Config{Escrow: h, HoldRetry: 5 * time.Second}, func(t *testing.T, r *rig) {
		r.crowd(due, scheduler.Submission{Name: "job"}, "ann", "bob", "cleo")
		r.wait(time.Until(time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)))
		r.wait(7 * time.Second) // a poll interval, and once HoldRetry
		fired, skipped := r.outcomes()
		require.EqualValues(t, due, fired)
		require.Zero(t, skipped)
		h.mu.Lock()
		defer h.mu.Unlock()
		require.Equal(t, due, h.asked[0], "one question for all")
	})
}

// TestASilentEscrowIsWaitedForOnce has arrays due that are too large to be held together: they go in several portions, of which the first
// one learns that the escrow is silent.
func TestASilentEscrowIsWaitedForOnce(t *testing.T) {
	h := &hushed{}
	inBubble(t, scheduler.Config{Escrow: h, HoldRetry: 5 * time.Second}, func(t *testing.T, r *rig) {
		r.crowd(5, scheduler.Submission{Name: "job", Count: 9000}, "ann")
		r.wait(time.Until(time.Date(2000, 1, 1, 1, 0, 0, 0, time.UTC)))
		r.wait(7 * time.Second)
		fired, _ := r.outcomes()
		require.EqualValues(t, 5, fired)
		h.mu.Lock()
		defer h.mu.Unlock()
		require.Equal(t, 9000, h.asked[0])
	})
}

// TestFiredTogetherJudgedAlone has schedules due at once whose jobs are answered otherwise: each notes its own.
func TestFiredTogetherJudgedAlone(t *testing.T) {
	e := &escrow{answer: func(h scheduler.Hold) error {
		if h.Payer == "poor" {
			return fault.New(fault.Insufficient, "test", "poor")
		}
		return nil
	}}
	inBubble(t, scheduler.Config{Escrow: e}, func(t *testing.T, r *rig) {
		require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "few", MaxQueued: 2}}))
		r.wait(2 * time.Second)
		r.crowd(12, scheduler.Submission{Name: "job"}, "rich", "poor", "few")
		r.wait(time.Hour + 2*time.Second)
		all, err := r.Schedules(t.Context())
		require.NoError(t, err)
		fired, why := map[principal.Account]int64{}, map[principal.Account]string{}
		for i := range all {
			fired[all[i].Owner] += all[i].Fired
			why[all[i].Owner] = all[i].LastError // of the last
		}
		require.Equal(t, map[principal.Account]int64{"rich": 4, "poor": 0, "few": 2}, fired)
		require.Empty(t, why["rich"])
		require.Equal(t, "poor", why["poor"])
		require.Contains(t, why["few"], "quota")
		for _, j := range r.named("job") {
			require.NotEqual(t, scheduler.Pending, j.State, "%s of %s", j.ID, j.Owner)
		}
	})
}
