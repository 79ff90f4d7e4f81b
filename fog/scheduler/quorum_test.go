package scheduler_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

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

// TestQuorumByComparison: results that are equal by the job's way of comparing agree, and the others do not.
func TestQuorumByComparison(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b", "c")
		for trust, says := range map[string][3]string{
			"quorum:2/3,json":          {`{"x":1,"y":2}`, "{\"y\":2.0, \"x\":1}", `{"x":1,"y":3}`},
			"quorum:2/3,tolerance:0.1": {"1.00", "1.05", "1.30"},
		} {
			want, err := scheduler.ParseTrust(trust)
			require.NoError(t, err)
			job := r.submit(scheduler.Submission{Trust: &want})
			for i, a := range r.get(job).Attempts {
				require.NoError(t, r.report(done(r.fetch(a.Node), says[i])).Err)
			}
			record := r.get(job)
			require.Equal(t, scheduler.Vested, record.Job.State, trust)
			require.Equal(t, says[0], string(record.Job.Result.Stdout))
			for i, state := range []scheduler.AttemptState{scheduler.AttemptValid, scheduler.AttemptValid, scheduler.AttemptInvalid} {
				require.Equal(t, state, record.Attempts[i].State, "%s %d", trust, i)
			}
		}
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

func TestAgreedQuorumOpensNoSlotAgain(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b", "c", "d", "e")
		job := r.submit(scheduler.Submission{Trust: quorum(2, 4)})
		attempts := r.get(job).Attempts
		require.Len(t, attempts, 4)
		third, fourth := r.fetch(attempts[2].Node), r.fetch(attempts[3].Node)
		require.NoError(t, r.report(done(r.fetch(attempts[0].Node), "x")).Err)
		require.NoError(t, r.report(done(r.fetch(attempts[1].Node), "x")).Err)
		require.Equal(t, scheduler.Running, r.report(failed(third, scheduler.ClassDevice)).Job)
		r.wait(10 * time.Second)
		require.Len(t, r.get(job).Attempts, 4, "the fourth may still be right; the third is not needed")
		require.Equal(t, scheduler.Vested, r.report(done(fourth, "y")).Job)
		require.Equal(t, scheduler.AttemptInvalid, r.get(job).Attempts[3].State)
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
