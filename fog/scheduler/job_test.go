package scheduler_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func TestJobsWay(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		job := r.submit(scheduler.Submission{Name: "tile", Estimate: time.Second})
		require.Equal(t, scheduler.Queued, r.state(job))
		r.nodes("a")
		r.wait(0)
		require.Equal(t, scheduler.Placed, r.state(job))
		r.wait(2 * time.Second)
		o := r.fetch("a")
		require.Equal(t, scheduler.Running, r.state(job))
		r.wait(3 * time.Second)
		v := r.report(done(o, "out"))
		require.Equal(t, scheduler.ReportVerdict{Attempt: o.Attempt, State: scheduler.AttemptValid, Job: scheduler.Vested}, v)

		record := r.get(job)
		require.Equal(t, []string{
			"queued: submitted", "placed: slot 0 placed on a", "running: slot 0 started on a", "running: slot 0 reported by a",
			"validated: validated", "vested: vested",
		}, texts(record.Job.Log))
		require.Equal(t, 5*time.Second, record.Job.Finished.Sub(record.Job.Submitted))
		require.True(t, record.Job.DueAt.IsZero())
		require.Equal(t, map[scheduler.JobID]int{job: 1}, r.settled())

		stats, err := r.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, scheduler.TierStats{Count: 1, Finished: 1, Met: 1}, stats.Tiers[scheduler.Bronze])
		r.submit(scheduler.Submission{Tier: scheduler.Gold, Demand: scheduler.Demand{MilliCPU: 5000}, Count: 3})
		now, err := r.Stats(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 3, now.Open[scheduler.Gold][scheduler.Queued])
		require.Contains(t, now.Open[scheduler.Gold], scheduler.Running)
		require.NotContains(t, now.Open[scheduler.Gold], scheduler.Vested)
		require.Zero(t, now.Open[scheduler.Bronze][scheduler.Queued])
		require.Equal(t, 1.0, stats.Compliance())
		require.Equal(t, 2*time.Second, stats.AvgWait)
		require.EqualValues(t, 1, stats.States[scheduler.Vested])
		require.EqualValues(t, 1, stats.Total)
		require.Equal(t, 1.0, stats.CPUSeconds)
		require.Equal(t, record.Job.Price, stats.Spent)
	})
}

func TestLateJobsMissTheirTier(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		for _, wait := range []time.Duration{16 * time.Second, 17 * time.Second} {
			r.submit(scheduler.Submission{Estimate: time.Second})
			r.wait(wait) // 16 times the estimate is bronze's time
			r.nodes("a")
			r.wait(0)
			require.NoError(t, r.report(done(r.fetch("a"), "")).Err)
			require.NoError(t, r.RemoveNodes(t.Context(), []scheduler.NodeID{"a"}))
		}
		stats, err := r.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, scheduler.TierStats{Count: 2, Finished: 2, Met: 1}, stats.Tiers[scheduler.Bronze])
		require.Equal(t, 0.5, stats.Compliance())
	})
}

func TestVestingWindow(t *testing.T) {
	inBubble(t, scheduler.Config{Vest: time.Minute}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{})
		require.Equal(t, scheduler.Validated, r.report(done(r.fetch("a"), "")).Job)
		_, err := r.Cancel(t.Context(), job)
		kind(t, fault.Conflict, err)
		require.Empty(t, r.settled())
		r.wait(59 * time.Second)
		require.Equal(t, scheduler.Validated, r.state(job))
		r.wait(2 * time.Second)
		require.Equal(t, scheduler.Vested, r.state(job))
		require.Equal(t, map[scheduler.JobID]int{job: 1}, r.settled())
	})
}

func TestCancel(t *testing.T) {
	inBubble(t, scheduler.Config{Escrow: away()}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		job := r.submit(scheduler.Submission{})
		cancelled, err := r.Cancel(t.Context(), job)
		require.NoError(t, err)
		require.Equal(t, scheduler.Cancelled, cancelled.State)
		require.Equal(t, map[scheduler.JobID]int{job: 1}, r.settled())
		_, err = r.Cancel(t.Context(), job)
		kind(t, fault.Conflict, err)
		require.Contains(t, fault.Detail(err), "cancelled")
		_, err = r.Cancel(t.Context(), "nobody")
		kind(t, fault.NotFound, err)
	})
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		job := r.submit(scheduler.Submission{Trust: quorum(2, 2)})
		reported, running := r.fetch("a"), r.fetch("b")
		require.NoError(t, r.report(done(reported, "x")).Err)
		_, err := r.Cancel(t.Context(), job)
		require.NoError(t, err)
		require.Equal(t, []scheduler.AttemptID{running.Attempt}, r.beat("b", held(running)).Cancel)
		kind(t, fault.Conflict, r.report(done(running, "x")).Err)
		for _, a := range r.get(job).Attempts {
			require.Equal(t, scheduler.AttemptCancelled, a.State)
		}
		require.Equal(t, map[scheduler.JobID]int{job: 1}, r.settled())
	})
}

func TestPauseAndResume(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b", "c")
		job := r.submit(scheduler.Submission{Trust: quorum(2, 2)})
		first := r.get(job).Attempts[0]
		o := r.fetch(first.Node)
		require.NoError(t, r.report(done(o, "x")).Err)
		second := r.get(job).Attempts[1]
		late := r.fetch(second.Node)

		paused, err := r.Pause(t.Context(), job)
		require.NoError(t, err)
		require.Equal(t, scheduler.Paused, paused.State)
		_, err = r.Pause(t.Context(), job)
		kind(t, fault.Conflict, err)
		require.Equal(t, []scheduler.AttemptID{late.Attempt}, r.beat(second.Node, held(late)).Cancel)
		r.wait(time.Hour)
		require.Equal(t, scheduler.Paused, r.state(job))

		_, err = r.Resume(t.Context(), job)
		require.NoError(t, err)
		_, err = r.Resume(t.Context(), job)
		kind(t, fault.Conflict, err)
		r.wait(0)
		record := r.get(job)
		require.Len(t, record.Attempts, 3, "the slot that was reported is kept")
		require.Empty(t, record.Job.Failures)
		kind(t, fault.Conflict, r.report(done(late, "x")).Err)
		require.Equal(t, scheduler.Vested, r.report(done(r.fetch(record.Job.Node), "x")).Job)
	})
}

func TestDeadline(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		at := time.Now().Add(10 * time.Second)
		running := r.submit(scheduler.Submission{Deadline: at})
		o := r.fetch("a")
		paused := r.submit(scheduler.Submission{Deadline: at})
		_, err := r.Pause(t.Context(), paused)
		require.NoError(t, err)
		queued := r.submit(scheduler.Submission{Deadline: at, Demand: scheduler.Demand{MilliCPU: 64000}})
		r.wait(9 * time.Second)
		require.Equal(t, scheduler.Running, r.state(running))
		r.wait(2 * time.Second)
		for _, id := range []scheduler.JobID{running, paused, queued} {
			require.Equal(t, scheduler.Expired, r.state(id))
		}
		require.Len(t, r.settled(), 3)
		require.Equal(t, []scheduler.AttemptID{o.Attempt}, r.beat("a", held(o)).Cancel)
		stats, err := r.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, scheduler.TierStats{Count: 3, Finished: 3}, stats.Tiers[scheduler.Bronze])
	})
}

func TestFailureIsConfirmedByAnotherOwner(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		job := r.submit(scheduler.Submission{Tier: scheduler.Gold})
		first := r.on(job)
		v := r.report(exit(r.fetch(first), 1))
		require.Equal(t, scheduler.AttemptFailed, v.State)
		require.Equal(t, scheduler.Queued, v.Job)
		r.wait(time.Second)
		require.NotEqual(t, first, r.on(job), "another owner's node tries")
		v = r.report(exit(r.fetch(r.on(job)), 1))
		require.Equal(t, scheduler.Failed, v.Job, "gold would try three times, but two owners saw the same")
		require.Contains(t, r.get(job).Job.Reason, "two owners")
	})
}

func TestFailureWaitsForAnotherOwnerWhoIsBusy(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		whole := scheduler.Demand{MilliCPU: 4000}
		r.nodes("a")
		job := r.submit(scheduler.Submission{Demand: whole})
		o := r.fetch("a")
		r.nodes("b")
		r.submit(scheduler.Submission{Demand: whole})
		busy := r.fetch("b")
		r.report(exit(o, 1))
		r.wait(5 * time.Second)
		require.Equal(t, scheduler.Queued, r.state(job), "a has room, but b has not failed yet")
		r.report(done(busy, ""))
		r.wait(time.Second)
		require.Equal(t, scheduler.NodeID("b"), r.on(job))
	})
}

func TestFailureOnTheOnlyNodeIsTriedThereAgain(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{})
		r.report(exit(r.fetch("a"), 1))
		r.wait(time.Second)
		v := r.report(exit(r.fetch("a"), 1))
		require.Equal(t, scheduler.Failed, v.Job, "bronze tries twice")
		require.Equal(t, 1, r.get(job).Job.Result.ExitCode)
	})
}

func TestClassesHaveTheirOwnLimits(t *testing.T) {
	for _, tier := range scheduler.Tiers()[1:] {
		for _, class := range scheduler.Classes() {
			t.Run(string(tier)+" "+string(class), func(t *testing.T) {
				inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
					r.nodes("a")
					job := r.submit(scheduler.Submission{Tier: tier})
					limit := scheduler.TermsOf(tier).Limits.Of(class)
					for n := 1; n <= limit; n++ {
						require.Equal(t, scheduler.Placed, r.state(job), n)
						v := r.report(failed(r.fetch("a"), class))
						require.Equal(t, scheduler.AttemptFailed, v.State)
						require.Equal(t, n, r.get(job).Job.Failures[class])
						if n < limit {
							require.Equal(t, scheduler.Queued, v.Job)
							require.True(t, r.get(job).Job.ReadyAt.After(time.Now()), "it backs off")
							r.wait(4 * time.Minute)
							// placements that nobody fetched meanwhile went back without counting
							for r.state(job) != scheduler.Placed {
								r.wait(time.Second)
							}
						}
					}
					require.Equal(t, scheduler.Failed, r.state(job))
				})
			})
		}
	}
}

func TestSubmitIsIdempotent(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		first := r.try(scheduler.Submission{Key: "k", Name: "a"})
		require.True(t, first.Fresh)
		again := r.try(scheduler.Submission{Key: "k", Name: "a"})
		require.NoError(t, again.Err)
		require.False(t, again.Fresh)
		require.Equal(t, first.Job.ID, again.Job.ID)
		kind(t, fault.Conflict, r.try(scheduler.Submission{Key: "k", Name: "b"}).Err)

		out, err := r.Submit(as(t.Context(), "alice"), []scheduler.Submission{{Key: "k", Name: "a"}, {Key: "k", Name: "a"}, {Key: "k", Name: "c"}})
		require.NoError(t, err)
		require.True(t, out[0].Fresh, "keys are the owner's own")
		require.Equal(t, out[0].Job.ID, out[1].Job.ID)
		kind(t, fault.Conflict, out[2].Err)
		page, err := r.List(t.Context(), scheduler.JobQuery{})
		require.NoError(t, err)
		require.EqualValues(t, 2, page.Total)
	})
}

func TestTiersOrderTheQueue(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		var jobs []scheduler.JobID
		tiers := []scheduler.Tier{scheduler.Bronze, scheduler.Silver, scheduler.Gold, scheduler.Bronze, scheduler.Gold}
		for _, tier := range tiers {
			jobs = append(jobs, r.submit(scheduler.Submission{Tier: tier}))
			r.wait(time.Millisecond)
		}
		one := node("a")
		one.Capacity.MilliCPU = 1000
		r.sync(one)
		var order []int
		for range jobs {
			r.wait(0)
			o := r.fetch("a")
			order = append(order, slices.Index(jobs, o.Job))
			r.report(done(o, ""))
		}
		require.Equal(t, []int{2, 4, 1, 0, 3}, order)
	})
}

func TestRetention(t *testing.T) {
	inBubble(t, scheduler.Config{Retention: time.Hour}, func(t *testing.T, r *rig) {
		r.nodes("a")
		over, open := r.submit(scheduler.Submission{}), r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 64000}})
		r.report(done(r.fetch("a"), ""))
		r.wait(59 * time.Minute)
		require.Equal(t, scheduler.Vested, r.state(over))
		r.wait(3 * time.Minute)
		_, err := r.Get(t.Context(), over)
		kind(t, fault.NotFound, err)
		require.Equal(t, scheduler.Queued, r.state(open))
		stats, err := r.Stats(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 2, stats.Total)
	})
}
