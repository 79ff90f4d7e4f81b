package scheduler_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// TestRecoveryFromTheStepsOfTheQueue kills the planner after each step by which attempts make way, and lets another one end the jobs on
// the same rows: each is paid once, and nobody is left making way for a job that does not wait.
func TestRecoveryFromTheStepsOfTheQueue(t *testing.T) {
	for _, step := range []string{scheduler.StepEvict, scheduler.StepReprieve, scheduler.StepWithdraw} {
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { recoversQueue(t, step) })
		})
	}
}

func recoversQueue(t *testing.T, step string) {
	facts, duties := journal.NewMemory(nil), duty.NewMemory(nil)
	rows := scheduler.NewMemory(facts, duties)
	first := &mortal{Store: rows}
	reached := false
	cfg := params(scheduler.Params{Grace: 20 * time.Second, RoundBudget: -1})
	cfg.Lease = 15 * time.Second
	second := cfg
	cfg.Store, cfg.Duties, cfg.Holder = first, mortalDuties{duties, first}, "first"
	cfg.Step = func(s string) {
		if s == step {
			reached = true
			first.kill()
		}
	}
	r := start(t, cfg)
	crowd(t, r, first)
	require.True(t, reached, "the step was reached")
	r.stop()

	second.Store, second.Duties, second.Holder = rows, duties, "second"
	s := start(t, second)
	s.facts = facts
	s.wait(11 * time.Second)
	s.work("a", "b", "c")
	page, err := s.List(t.Context(), scheduler.JobQuery{})
	require.NoError(t, err)
	require.NotEmpty(t, page.Jobs)
	settled := s.settled()
	for _, j := range page.Jobs {
		record := s.get(j.ID)
		require.True(t, record.Job.State.Final(), "%s: %v", record.Job.State, texts(record.Job.Log))
		require.Equal(t, 1, settled[j.ID])
		valid := 0
		for _, a := range record.Attempts {
			require.False(t, a.State.Live())
			if a.State == scheduler.AttemptValid {
				valid++
			}
		}
		if record.Job.State == scheduler.Vested {
			require.Equal(t, 1, valid)
		} else {
			require.Equal(t, scheduler.Cancelled, record.Job.State)
			require.Zero(t, valid)
		}
	}
}

// crowd lets a gang lose a node, and jobs make way for one that is cancelled then, until the server dies.
func crowd(t *testing.T, r *rig, m *mortal) {
	ctx := t.Context()
	_ = r.SyncNodes(ctx, []scheduler.Node{node("a"), node("b")})
	gang := gangOf(2, 3)
	gang.Name = "gang"
	_, _ = r.Submit(ctx, []scheduler.Submission{gang})
	r.wait(time.Second)
	claims := []scheduler.Claim{{Node: "a", Take: 9}, {Node: "b", Take: 9}}
	_, _ = r.Claim(ctx, claims)
	down := node("b")
	down.State = scheduler.NodeDown
	_ = r.SyncNodes(ctx, []scheduler.Node{down})
	r.wait(3 * time.Second) // the gang cannot go on
	low := long(scheduler.Bronze, 4)
	low.Name = "low"
	_, _ = r.Submit(ctx, []scheduler.Submission{low})
	r.wait(time.Second)
	_, _ = r.Claim(ctx, claims)
	high := long(scheduler.Gold, 4)
	high.Name = "high"
	out, _ := r.Submit(ctx, []scheduler.Submission{high})
	r.wait(time.Second)
	if m.alive() == nil && len(out) == 1 {
		_, _ = r.Cancel(ctx, out[0].Job.ID)
	}
	r.wait(3 * time.Second)
}
