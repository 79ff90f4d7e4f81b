package scheduler_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func on(w scheduler.When, ids ...scheduler.JobID) []scheduler.Dependency {
	out := make([]scheduler.Dependency, len(ids))
	for i, id := range ids {
		out[i] = scheduler.Dependency{Job: id, When: w}
	}
	return out
}

func TestJobsComeAfterOthers(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		first, second := r.submit(scheduler.Submission{}), r.submit(scheduler.Submission{})
		both := r.submit(scheduler.Submission{After: on("", first, second)})
		clean := r.submit(scheduler.Submission{After: on(scheduler.OnFailure, first)})
		anyway := r.submit(scheduler.Submission{After: on(scheduler.OnEnd, first)})
		later := r.submit(scheduler.Submission{After: on(scheduler.OnSuccess, clean)})
		require.Equal(t, scheduler.Blocked, r.state(both))
		e, err := r.Explain(t.Context(), both)
		require.NoError(t, err)
		require.Len(t, e.Reasons, 2)
		require.Equal(t, scheduler.CodeAwaitingJobs, e.Reasons[0].Code)
		require.Equal(t, fmt.Sprintf("it comes after success of job %q (%s), which is placed", "job", first), e.Reasons[0].Text)

		for _, o := range r.claim(scheduler.Claim{Node: "a", Take: 9}).Offers {
			if o.Job == first {
				require.NoError(t, r.report(done(o, "")).Err)
			}
		}
		require.Equal(t, scheduler.Blocked, r.state(both), "one of two has ended")
		require.Equal(t, scheduler.Cancelled, r.state(clean))
		require.Contains(t, r.get(clean).Job.Reason, "did not fail")
		require.Equal(t, scheduler.Cancelled, r.state(later), "and what comes after that")
		require.Equal(t, scheduler.Placed, r.state(anyway), "at once, not at the next timer")
		e, err = r.Explain(t.Context(), both)
		require.NoError(t, err)
		require.Len(t, e.Reasons, 1)
		_, err = r.Cancel(t.Context(), second)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, scheduler.Cancelled, r.state(both))
		require.Contains(t, r.get(both).Job.Reason, "did not succeed")

		require.Equal(t, scheduler.Placed, r.state(r.submit(scheduler.Submission{After: on("", first)})), "what has ended is not waited for")
		require.Equal(t, scheduler.Cancelled, r.state(r.submit(scheduler.Submission{After: on("", second)})))
		require.Equal(t, scheduler.Placed, r.state(r.submit(scheduler.Submission{After: on(scheduler.OnFailure, second)})))
	})
}

func TestJobsComeAfterArrays(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		array := r.submit(scheduler.Submission{Count: 3})
		all := r.submit(scheduler.Submission{After: on(scheduler.OnSuccess, array), Count: 2})
		some := r.submit(scheduler.Submission{After: on(scheduler.OnFailure, array)})
		end := r.submit(scheduler.Submission{After: on(scheduler.OnEnd, array)})
		e, err := r.Explain(t.Context(), all)
		require.NoError(t, err)
		require.Contains(t, e.Reasons[0].Text, "of which 3 of 3 tasks have not ended")
		offers := r.claim(scheduler.Claim{Node: "a", Take: 9}).Offers
		require.Len(t, offers, 3)
		require.NoError(t, r.report(done(offers[0], "")).Err)
		_, err = r.Cancel(t.Context(), offers[1].Job)
		require.NoError(t, err)
		synctest.Wait()
		a, err := r.Array(t.Context(), all)
		require.NoError(t, err)
		require.Equal(t, map[scheduler.State]int64{scheduler.Cancelled: 2}, a.States, "as soon as one has failed")
		require.Equal(t, scheduler.Blocked, r.state(some), "one is at work")
		require.NoError(t, r.report(done(offers[2], "")).Err)
		require.Equal(t, scheduler.Placed, r.state(some))
		require.Equal(t, scheduler.Placed, r.state(end))
	})
}

func TestOneCallMakesAGraph(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		graph := func() []scheduler.Submission {
			return []scheduler.Submission{
				{Name: "fetch", Key: "fetch"}, {Name: "tiles", Count: 2, After: on("", "#0"), Key: "tiles"},
				{Name: "join", After: on("", "@tiles", "#0"), Key: "join"}, {Name: "report", After: on(scheduler.OnEnd, "#2"), Key: "report"},
			}
		}
		out, err := r.Submit(t.Context(), graph())
		require.NoError(t, err)
		want := []scheduler.State{scheduler.Queued, scheduler.Blocked, scheduler.Blocked, scheduler.Blocked}
		for i := range out {
			require.NoError(t, out[i].Err)
			require.Equal(t, want[i], out[i].Job.State)
		}
		require.Equal(t, on(scheduler.OnSuccess, out[1].Job.ID, out[0].Job.ID), out[2].Job.After)
		again, err := r.Submit(t.Context(), graph())
		require.NoError(t, err)
		for i := range again {
			require.NoError(t, again[i].Err)
			require.False(t, again[i].Fresh)
			require.Equal(t, out[i].Job.ID, again[i].Job.ID)
		}
		part := graph()
		part[3].Key = "another"
		more, err := r.Submit(t.Context(), part)
		require.NoError(t, err)
		require.Equal(t, on(scheduler.OnEnd, out[2].Job.ID), more[3].Job.After, "it comes after the stored one")

		bad, err := r.Submit(t.Context(), []scheduler.Submission{
			{Name: "later", After: on("", "#1")}, {Name: "self", After: on("", "#1")}, {Name: "nobody", After: on("", "@nobody")},
			{Name: ""}, {Name: "after bad", After: on("", "#3")}, {Name: "after that", After: on("", "#4")},
			{Name: "one", Key: "one"}, {Name: "twice", After: on("", "#6", "@one")}, {Name: "minus", After: on("", "#-1")},
		})
		require.NoError(t, err)
		for i := range bad {
			if i == 6 {
				require.NoError(t, bad[i].Err)
				continue
			}
			kind(t, fault.Invalid, bad[i].Err)
			if i != 3 {
				require.Equal(t, "after", fault.FieldOf(bad[i].Err), bad[i].Err)
			}
		}
		r.nodes("a", "b")
		r.work("a", "b")
		for i := range out {
			require.Equal(t, scheduler.Vested, r.state(out[i].Job.ID))
		}
		tiles, err := r.List(t.Context(), scheduler.JobQuery{Array: out[1].Job.ID})
		require.NoError(t, err)
		for _, tile := range tiles.Jobs {
			require.False(t, r.get(tile.ID).Job.Started.Before(r.get(out[0].Job.ID).Job.Finished))
			require.False(t, r.get(out[2].Job.ID).Job.Started.Before(r.get(tile.ID).Job.Finished))
		}
	})
}

func TestOnlyReadableJobsAreWaitedFor(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		mine := r.submit(scheduler.Submission{})
		out, err := r.Submit(as(t.Context(), "mallory"), []scheduler.Submission{{Name: "x", After: on("", mine)}})
		require.NoError(t, err)
		kind(t, fault.Invalid, out[0].Err)
		require.Equal(t, "after", fault.FieldOf(out[0].Err))
	})
}

func TestBlockedJobsPauseExpireAndCancel(t *testing.T) {
	e := &escrow{}
	inBubble(t, scheduler.Config{Escrow: e}, func(t *testing.T, r *rig) {
		before := r.submit(scheduler.Submission{})
		job := r.submit(scheduler.Submission{After: on("", before)})
		require.Equal(t, scheduler.Blocked, r.state(job), "its funds are held")
		require.Len(t, e.holds(), 2)
		_, err := r.Pause(t.Context(), job)
		require.NoError(t, err)
		late := r.submit(scheduler.Submission{After: on("", before), Deadline: time.Now().Add(time.Minute)})
		gone := r.submit(scheduler.Submission{After: on("", before)})
		_, err = r.Cancel(t.Context(), gone)
		require.NoError(t, err)
		r.wait(2 * time.Minute)
		require.Equal(t, scheduler.Expired, r.state(late))
		require.Equal(t, scheduler.Cancelled, r.state(gone))

		r.nodes("a")
		require.NoError(t, r.report(done(r.fetch("a"), "")).Err)
		require.Equal(t, scheduler.Paused, r.state(job))
		resumed, err := r.Resume(t.Context(), job)
		require.NoError(t, err)
		require.Equal(t, scheduler.Queued, resumed.State, "what it waited for has ended meanwhile")
		stuck := r.submit(scheduler.Submission{})
		last := r.submit(scheduler.Submission{After: on("", stuck)})
		_, err = r.Pause(t.Context(), last)
		require.NoError(t, err)
		resumed, err = r.Resume(t.Context(), last)
		require.NoError(t, err)
		require.Equal(t, scheduler.Blocked, resumed.State)

		e.set(nil, fault.New(fault.Unavailable, "escrow", "away"))
		open := r.submit(scheduler.Submission{After: on(scheduler.OnEnd, job)})
		require.Equal(t, scheduler.Pending, r.state(open))
		_, err = r.Cancel(t.Context(), job)
		require.NoError(t, err)
		synctest.Wait()
		require.Equal(t, scheduler.Pending, r.state(open), "its funds are not held")
		e.set(nil, nil)
		r.wait(10 * time.Second)
		require.Equal(t, scheduler.Placed, r.state(open))
	})
}

// TestDependentsSurviveACrash kills the server between the commit that ends a job and the look at its dependents: another
// server's timer finds them.
func TestDependentsSurviveACrash(t *testing.T) {
	for _, step := range []string{scheduler.StepVest, scheduler.StepRelease, scheduler.StepSubmit, scheduler.StepCancel} {
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { dependentsRecover(t, step) })
		})
	}
}

func dependentsRecover(t *testing.T, step string) {
	facts, duties := journal.NewMemory(nil), duty.NewMemory(nil)
	rows := scheduler.NewMemory(facts, duties)
	first := &mortal{Store: rows}
	var armed, reached atomic.Bool
	r := start(t, scheduler.Config{
		Store: first, Duties: mortalDuties{duties, first}, Holder: "first",
		Step: func(s string) {
			if s == step && armed.Load() {
				reached.Store(true)
				first.kill()
			}
		},
	})
	r.nodes("a")
	good, bad := r.submit(scheduler.Submission{}), r.submit(scheduler.Submission{})
	next := r.submit(scheduler.Submission{After: on("", good)})
	doomed := r.submit(scheduler.Submission{After: on("", bad), Count: 2})
	last := r.submit(scheduler.Submission{After: on(scheduler.OnEnd, next, doomed)})
	grants, err := r.Claim(t.Context(), []scheduler.Claim{{Node: "a", Take: 9}})
	require.NoError(t, err)
	require.Len(t, grants[0].Offers, 2)
	armed.Store(true)
	if step == scheduler.StepSubmit {
		armed.Store(false)
		for _, o := range grants[0].Offers {
			if o.Job == good {
				require.NoError(t, r.report(done(o, "")).Err)
			}
		}
		armed.Store(true)
		_, _ = r.Submit(t.Context(), []scheduler.Submission{{Name: "late", After: on("", good)}})
	} else {
		_, _ = r.Cancel(t.Context(), bad)
		for _, o := range grants[0].Offers {
			_, _ = r.Report(t.Context(), []scheduler.Report{done(o, "")})
		}
	}
	synctest.Wait()
	require.True(t, reached.Load())
	r.stop()

	second := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "second"})
	second.facts = facts
	_, _ = second.Cancel(t.Context(), bad)
	second.work("a")
	want := map[scheduler.JobID]scheduler.State{
		good: scheduler.Vested, bad: scheduler.Cancelled, next: scheduler.Vested, doomed: scheduler.Cancelled, last: scheduler.Vested,
	}
	for id, state := range want {
		require.Equal(t, state, second.state(id), texts(second.get(id).Job.Log))
	}
	page, err := second.List(t.Context(), scheduler.JobQuery{})
	require.NoError(t, err)
	facted := second.settled()
	for _, j := range page.Jobs {
		require.True(t, j.State.Final())
		require.Equal(t, 1, facted[j.ID])
	}
}

// TestGraphsRunInOrder submits random graphs and lets their jobs end well or badly: each job does what its dependencies
// say, and none runs before them.
func TestGraphsRunInOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(rt, "jobs")
		var graph []scheduler.Submission
		for i := range n {
			b := scheduler.Submission{Name: fmt.Sprint(i), Count: rapid.SampledFrom([]int{0, 0, 3}).Draw(rt, "count")}
			for k := range i {
				if rapid.IntRange(0, 2).Draw(rt, "edge") == 0 {
					when := rapid.SampledFrom([]scheduler.When{scheduler.OnSuccess, scheduler.OnFailure, scheduler.OnEnd}).Draw(rt, "when")
					b.After = append(b.After, on(when, scheduler.JobID(fmt.Sprintf("#%d", k)))...)
				}
			}
			graph = append(graph, b)
		}
		fails := rapid.SliceOfN(rapid.Bool(), n, n).Draw(rt, "fails")
		inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) { runGraph(t, r, graph, fails) })
	})
}

func runGraph(t *testing.T, r *rig, graph []scheduler.Submission, fails []bool) {
	out, err := r.Submit(t.Context(), graph)
	require.NoError(t, err)
	r.nodes("a", "b", "c")
	number := map[scheduler.JobID]int{}
	for i := range out {
		require.NoError(t, out[i].Err)
		number[out[i].Job.ID] = i
	}
	for range 60 {
		for _, node := range []scheduler.NodeID{"a", "b", "c"} {
			for _, o := range r.claim(scheduler.Claim{Node: node, Take: 9}).Offers {
				j := r.get(o.Job).Job
				i, single := number[o.Job], j.Array == ""
				if !single {
					i = number[j.Array]
				}
				if fails[i] && (single || j.Index == 1) {
					require.NoError(t, r.report(exit(o, 1)).Err)
				} else {
					require.NoError(t, r.report(done(o, "")).Err)
				}
			}
		}
		r.wait(time.Second)
	}
	good := make([]bool, len(out))
	for i := range out {
		ran, wanted := r.outcome(out[i].Job.ID), true
		for _, dep := range graph[i].After {
			var k int
			_, err := fmt.Sscanf(string(dep.Job), "#%d", &k)
			require.NoError(t, err)
			wanted = wanted && (dep.When == scheduler.OnEnd || good[k] == (dep.When == scheduler.OnSuccess))
			if ran {
				require.False(t, r.get(out[i].Job.ID).Job.Started.Before(r.get(out[k].Job.ID).Job.Finished))
			}
		}
		require.Equal(t, wanted, ran, "job %d", i)
		good[i] = ran && !fails[i]
	}
}

// outcome reports whether a job, or an array, ran at all; everything has ended.
func (r *rig) outcome(id scheduler.JobID) (ran bool) {
	page, err := r.List(r.t.Context(), scheduler.JobQuery{Array: id})
	require.NoError(r.t, err)
	jobs := page.Jobs
	if len(jobs) == 0 {
		jobs = []scheduler.Job{r.get(id).Job}
	}
	for _, j := range jobs {
		require.True(r.t, j.State.Final(), "%s: %v", j.State, texts(r.get(j.ID).Job.Log))
		ran = ran || !j.Started.IsZero()
	}
	return ran
}

// TestSubmitAnswersWhatOthersDid lets somebody else deal with a blocked job between the commit that stores it and its submitter's look at it.
func TestSubmitAnswersWhatOthersDid(t *testing.T) {
	var other *scheduler.Scheduler
	stored := 0
	cfg := scheduler.Config{Step: func(step string) {
		if stored++; step != scheduler.StepSubmit || stored != 2 {
			return
		}
		blocked, err := other.List(t.Context(), scheduler.JobQuery{States: []scheduler.State{scheduler.Blocked}, Limit: 1})
		require.NoError(t, err)
		_, err = other.Cancel(t.Context(), blocked.Jobs[0].ID)
		require.NoError(t, err)
	}}
	cfg.Store = scheduler.NewMemory(nil, nil)
	s, err := scheduler.New(cfg)
	require.NoError(t, err)
	other, err = scheduler.New(scheduler.Config{Store: cfg.Store})
	require.NoError(t, err)
	out, err := s.Submit(t.Context(), []scheduler.Submission{{Name: "a"}, {Name: "b", After: on("", "#0")}})
	require.NoError(t, err)
	require.NoError(t, out[1].Err)
	require.Equal(t, scheduler.Cancelled, out[1].Job.State)
}
