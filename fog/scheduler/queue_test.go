package scheduler_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// params is a Config whose parameters never change.
func params(p scheduler.Params) scheduler.Config {
	return scheduler.Config{Params: func() scheduler.Params { return p }}
}

// whole is the demand of a job that takes all of a node.
func whole() scheduler.Demand { return scheduler.Demand{MilliCPU: 4000} }

// serve lets the one node work through the queue, one job at a time, and answers the jobs in the order of their placement.
func (r *rig) serve(n scheduler.NodeID, jobs int, each time.Duration) []scheduler.JobID {
	r.t.Helper()
	var order []scheduler.JobID
	for range jobs {
		o := r.fetch(n)
		order = append(order, o.Job)
		r.wait(each)
		require.NoError(r.t, r.report(done(o, "")).Err)
	}
	return order
}

func TestPriorityOrdersATier(t *testing.T) {
	inBubble(t, params(scheduler.Params{PriorityStep: time.Second, Evictions: -1}), func(t *testing.T, r *rig) {
		first := r.submit(scheduler.Submission{Demand: whole()})
		r.wait(time.Millisecond)
		usual := r.submit(scheduler.Submission{Demand: whole()})
		low := r.submit(scheduler.Submission{Demand: whole(), Priority: -5})
		r.wait(3 * time.Second)
		early := r.submit(scheduler.Submission{Demand: whole(), Priority: 2})
		high := r.submit(scheduler.Submission{Demand: whole(), Priority: 4})
		silver := r.submit(scheduler.Submission{Demand: whole(), Tier: scheduler.Silver, Priority: -scheduler.MaxPriority})
		r.nodes("a")
		want := []scheduler.JobID{silver, high, first, usual, early, low}
		require.Equal(t, want, r.serve("a", len(want), 0))
	})
}

func TestPriorityHasBounds(t *testing.T) {
	s := newIdle(t, scheduler.Config{})
	for _, p := range []int{-scheduler.MaxPriority - 1, scheduler.MaxPriority + 1} {
		out, err := s.Submit(t.Context(), []scheduler.Submission{{Name: "a", Priority: p}})
		require.NoError(t, err)
		kind(t, fault.Invalid, out[0].Err)
		require.Equal(t, "priority", fault.FieldOf(out[0].Err))
	}
}

func TestWaitingJobsRise(t *testing.T) {
	inBubble(t, params(scheduler.Params{Aging: time.Minute, Evictions: -1}), func(t *testing.T, r *rig) {
		job := r.submit(scheduler.Submission{})
		for i, tier := range []string{"silver", "gold", "platinum"} {
			r.wait(time.Minute - 2*time.Second)
			require.Equal(t, i, r.get(job).Job.Boost)
			r.wait(2 * time.Second)
			require.Equal(t, i+1, r.get(job).Job.Boost)
			log := texts(r.get(job).Job.Log)
			require.Contains(t, log[len(log)-1], "waits among the jobs of tier "+tier)
		}
		before := r.get(job).Job.Version
		r.wait(time.Hour)
		require.Equal(t, 3, r.get(job).Job.Boost, "there is nothing above")
		require.Less(t, r.get(job).Job.Version-before, int64(30), "and it costs no writes but those of a postponed job")
		require.Equal(t, scheduler.Bronze, r.get(job).Job.Tier, "its terms stay")
		r.nodes("a")
		r.wait(2 * time.Second)
		r.fetch("a")
		r.wait(time.Hour)
		require.Equal(t, 3, r.get(job).Job.Boost)
	})
}

func TestAgingCanBeOff(t *testing.T) {
	inBubble(t, params(scheduler.Params{Aging: -1}), func(t *testing.T, r *rig) {
		job := r.submit(scheduler.Submission{})
		r.wait(2 * time.Hour) // four times what would raise it by default
		require.Zero(t, r.get(job).Job.Boost)
	})
}

// TestNothingStarves lets better jobs come faster than the one node works. Whatever they are, a job is served at the latest when
// it has waited Aging for each tier above it, and those are done that stood in the best tier before it.
func TestNothingStarves(t *testing.T) {
	const aging, each = time.Minute, 5 * time.Second
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			r := start(t, params(scheduler.Params{Aging: aging, Evictions: -1}))
			defer func() { require.NoError(t, r.Close()) }()
			r.nodes("a")
			r.wait(2 * time.Second)
			tier := rapid.SampledFrom(scheduler.Tiers()).Draw(rt, "tier")
			r.submit(scheduler.Submission{Demand: whole(), Trust: quorum(1, 1)})
			job := r.submit(scheduler.Submission{Demand: whole(), Tier: tier, Trust: quorum(1, 1), Priority: rapid.IntRange(-2, 0).Draw(rt, "priority")})
			bound := aging*time.Duration(slices.Index(scheduler.Tiers(), tier)) + 2*time.Minute // by which others may have come later and go first
			waited, served := time.Duration(0), false
			for !served {
				for range rapid.IntRange(0, 2).Draw(rt, "others") {
					r.submit(scheduler.Submission{Demand: whole(), Tier: rapid.SampledFrom(scheduler.Tiers()).Draw(rt, "other"), Trust: quorum(1, 1)})
				}
				served = slices.Contains(r.serve("a", 1, each), job)
				waited += each
				ahead := time.Duration(2*int(bound/each)) * each
				require.LessOrEqual(rt, waited, bound+ahead, "it starves")
			}
		})
	})
}

func ExampleRankOf() {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	gold := scheduler.Job{ID: "g", Tier: scheduler.Gold, Order: at}
	risen := scheduler.Job{ID: "b", Tier: scheduler.Bronze, Boost: 2, Order: at.Add(-time.Hour)}
	fmt.Println(scheduler.RankOf(&risen).Compare(scheduler.RankOf(&gold)) < 0)
	// Output: true
}

func ExampleExplanation() {
	ctx := context.Background()
	s, err := scheduler.New(scheduler.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if _, err = s.Submit(ctx, []scheduler.Submission{{Name: "first", Demand: scheduler.Demand{MilliCPU: 4000}}}); err != nil {
		fmt.Println(err)
		return
	}
	jobs, err := s.Submit(ctx, []scheduler.Submission{{Name: "gang", Count: 3, Gang: true, Priority: -1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := s.Explain(ctx, jobs[0].Job.ID) // nobody runs the scheduler, so nothing is placed
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range e.Reasons {
		fmt.Println(r.Code)
	}
	fmt.Println(e.StartsAt.IsZero())
	// Output:
	// no_nodes
	// behind_in_queue
	// true
}
