package scheduler_test

import (
	"errors"
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
		require.Equal(t, 1.0, stats.Compliance())
		require.Equal(t, 2*time.Second, stats.AvgWait)
		require.EqualValues(t, 1, stats.States[scheduler.Vested])
		require.EqualValues(t, 1, stats.Total)
		require.Equal(t, 1.0, stats.CPUSeconds)
		require.Equal(t, record.Job.Price, stats.Spent)
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

func TestQuorumAgrees(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		same := node("a2")
		same.Owner = "device:a"
		r.nodes("a")
		r.sync(same)
		job := r.submit(scheduler.Submission{Tier: scheduler.Platinum})
		r.wait(time.Second)
		require.Equal(t, scheduler.Queued, r.state(job), "two nodes of one owner are not two witnesses")
		require.Empty(t, r.get(job).Attempts, "nothing is started that could not be finished")
		r.nodes("b")
		r.wait(6 * time.Second)
		record := r.get(job)
		require.Len(t, record.Attempts, 2)
		require.NotEqual(t, record.Attempts[0].NodeOwner, record.Attempts[1].NodeOwner)
		require.Equal(t, 2*record.Job.Price, record.Job.Quote)
		require.Equal(t, scheduler.Running, r.report(done(r.fetch(record.Attempts[0].Node), "x")).Job)
		require.Equal(t, scheduler.Vested, r.report(done(r.fetch(record.Attempts[1].Node), "x")).Job)
		for _, a := range r.get(job).Attempts {
			require.Equal(t, scheduler.AttemptValid, a.State)
		}
	})
}

func TestQuorumDisagrees(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b", "c", "d", "e")
		job := r.submit(scheduler.Submission{Trust: quorum(2, 2)})
		say := func(out string) scheduler.ReportVerdict {
			return r.report(done(r.fetch(r.on(job)), out))
		}
		first, second := r.get(job).Attempts[0], r.get(job).Attempts[1]
		require.NoError(t, r.report(done(r.fetch(first.Node), "x")).Err)
		require.NoError(t, r.report(done(r.fetch(second.Node), "y")).Err)
		require.Equal(t, 3, r.get(job).Job.Slots)
		require.Equal(t, scheduler.AttemptValid, say("y").State)
		record := r.get(job)
		require.Equal(t, scheduler.Vested, record.Job.State)
		require.Equal(t, scheduler.AttemptInvalid, record.Attempts[0].State)
		require.Equal(t, "y", string(record.Job.Result.Stdout))

		never := r.submit(scheduler.Submission{Trust: quorum(2, 2)})
		job = never
		first, second = r.get(job).Attempts[0], r.get(job).Attempts[1]
		require.NoError(t, r.report(done(r.fetch(first.Node), "1")).Err)
		require.NoError(t, r.report(done(r.fetch(second.Node), "2")).Err)
		require.NoError(t, say("3").Err)
		require.Equal(t, scheduler.Failed, say("4").Job, "two slots more, and no further")
		require.Contains(t, r.get(job).Job.Reason, "differ")
	})
}

func TestQuorumOfMoreIsNotHeldUpByOne(t *testing.T) {
	inBubble(t, scheduler.Config{Lease: 10 * time.Second}, func(t *testing.T, r *rig) {
		r.nodes("a", "b", "c")
		job := r.submit(scheduler.Submission{Trust: quorum(2, 3)})
		attempts := r.get(job).Attempts
		require.Len(t, attempts, 3)
		third := r.fetch(attempts[2].Node)
		require.NoError(t, r.report(done(r.fetch(attempts[0].Node), "x")).Err)
		require.Equal(t, scheduler.Running, r.report(done(r.fetch(attempts[1].Node), "x")).Job, "the third is at work and may be right as well")
		require.NoError(t, r.report(failed(third, scheduler.ClassDevice)).Err)
		record := r.get(job)
		require.Equal(t, scheduler.Vested, record.Job.State, "it is not tried again: the others agree")
		require.Len(t, record.Attempts, 3)
	})
}

func TestQuorumConfirmsFailure(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		job := r.submit(scheduler.Submission{Trust: quorum(2, 2)})
		attempts := r.get(job).Attempts
		require.NoError(t, r.report(exit(r.fetch(attempts[0].Node), 3)).Err)
		v := r.report(exit(r.fetch(attempts[1].Node), 3))
		require.Equal(t, scheduler.Failed, v.Job)
		record := r.get(job)
		require.Equal(t, scheduler.AttemptFailed, record.Attempts[0].State)
		require.Contains(t, record.Job.Reason, "exit code 3")
		require.Equal(t, 3, record.Job.Result.ExitCode)
		require.Equal(t, map[scheduler.JobID]int{job: 1}, r.settled())
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
