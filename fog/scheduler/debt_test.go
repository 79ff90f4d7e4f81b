package scheduler_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// TestAQuotaLetsAllReplicasIn gives an owner of two cores one job of two replicas, of which one has room, and then a small one that would
// have: the quota that the other replica needs is not the small one's.
func TestAQuotaLetsAllReplicasIn(t *testing.T) {
	inBubble(t, scheduler.Config{PickUp: time.Hour}, func(t *testing.T, r *rig) {
		require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", Most: scheduler.Capacity{MilliCPU: 2000}}}))
		r.wait(2 * time.Second)
		r.nodes("b")
		filler := r.submit(long(scheduler.Bronze, 4))
		r.fetch("b")
		r.nodes("a")
		pair := r.submitAs("x", scheduler.Submission{Name: "pair", Trust: quorum(2, 2)})[0].Job.ID
		r.wait(2 * time.Second)
		require.Len(t, r.get(pair).Attempts, 1, "one replica has room")
		small := r.submitAs("x", scheduler.Submission{Name: "small"})[0].Job.ID
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Queued, r.state(small), "what is left of the quota is the other replica's")
		require.Contains(t, r.explain(small), scheduler.CodeQuota)
		require.NotContains(t, r.explain(pair), scheduler.CodeQuota)
		_, err := r.Cancel(t.Context(), filler)
		require.NoError(t, err)
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Placed, r.state(pair))
		require.Equal(t, scheduler.Queued, r.state(small))
		for _, n := range []scheduler.NodeID{"a", "b"} {
			require.NoError(t, r.report(done(r.fetch(n), "")).Err)
		}
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Placed, r.state(small))
	})
}

// TestAQuotaIsNotOwedToThoseWhoLeave ends the job for which the quota is kept, in each of the ways in which it stops to wait.
func TestAQuotaIsNotOwedToThoseWhoLeave(t *testing.T) {
	for name, leave := range map[string]func(*rig, scheduler.JobID) error{
		"cancelled": func(r *rig, id scheduler.JobID) error { _, err := r.Cancel(r.t.Context(), id); return err },
		"paused":    func(r *rig, id scheduler.JobID) error { _, err := r.Pause(r.t.Context(), id); return err },
		"reported":  func(r *rig, _ scheduler.JobID) error { return r.report(done(r.fetch("a"), "")).Err },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, scheduler.Config{PickUp: time.Hour}, func(t *testing.T, r *rig) {
				require.NoError(t, r.SetQuotas(t.Context(), []scheduler.Quota{{Owner: "x", Most: scheduler.Capacity{MilliCPU: 2000}}}))
				r.wait(2 * time.Second)
				r.nodes("b")
				r.submit(long(scheduler.Bronze, 4))
				r.fetch("b")
				r.nodes("a")
				pair := r.submitAs("x", scheduler.Submission{Name: "pair", Trust: quorum(2, 2)})[0].Job.ID
				r.wait(2 * time.Second)
				small := r.submitAs("x", many(2, scheduler.Submission{Name: "small"})...)[1].Job.ID
				r.wait(2 * time.Second)
				require.Equal(t, scheduler.Queued, r.state(small))
				require.NoError(t, leave(r, pair))
				r.wait(3 * time.Second)
				require.Equal(t, scheduler.Placed, r.state(small))
			})
		})
	}
}
