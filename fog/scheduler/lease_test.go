package scheduler_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func TestLeaseIsRenewedAndEnds(t *testing.T) {
	inBubble(t, scheduler.Config{Lease: 30 * time.Second}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{})
		o := r.fetch("a")
		require.Equal(t, time.Now().Add(30*time.Second).UTC(), o.Until)

		version := r.get(job).Job.Version
		r.wait(5 * time.Second)
		g := r.beat("a", held(o))
		require.Equal(t, []scheduler.Lease{{Attempt: o.Attempt, Token: o.Token, Until: o.Until}}, g.Renewed)
		require.Equal(t, version, r.get(job).Job.Version, "a young lease is not written again")

		r.wait(10 * time.Second)
		g = r.beat("a", held(o))
		require.Len(t, g.Renewed, 1)
		require.Equal(t, time.Now().Add(30*time.Second).UTC(), g.Renewed[0].Until)

		r.wait(29 * time.Second)
		require.Equal(t, scheduler.Running, r.state(job))
		r.wait(3 * time.Second)
		record := r.get(job)
		require.Equal(t, scheduler.AttemptLost, record.Attempts[0].State)
		require.Equal(t, map[scheduler.Class]int{scheduler.ClassDevice: 1}, record.Job.Failures)
		require.Len(t, record.Attempts, 2, "it is placed again")
		require.Greater(t, record.Attempts[1].Token, record.Attempts[0].Token)
		g = r.beat("a", held(o))
		require.Equal(t, []scheduler.AttemptID{o.Attempt}, g.Cancel)
	})
}

func TestOldTokenChangesNothing(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{})
		old := r.fetch("a")
		r.claim(scheduler.Claim{Node: "a", Restarted: true})
		r.wait(time.Second)
		young := r.fetch("a")
		require.Greater(t, young.Token, old.Token)
		before := r.get(job)

		v := r.report(done(old, "late"))
		kind(t, fault.Conflict, v.Err)
		require.Equal(t, scheduler.AttemptLost, v.State)
		kind(t, fault.Conflict, r.Progress(t.Context(), old.Attempt, old.Token, 0.5))
		forged := done(young, "forged")
		forged.Token = old.Token
		kind(t, fault.Conflict, r.report(forged).Err)
		forged = done(young, "forged")
		forged.Node = "b"
		kind(t, fault.Conflict, r.report(forged).Err)
		require.Equal(t, before, r.get(job))

		require.NoError(t, r.report(done(young, "good")).Err)
		require.Equal(t, "good", string(r.get(job).Job.Result.Stdout))
		kind(t, fault.Conflict, r.report(done(old, "late")).Err)
	})
}

func TestLateResultIsTakenWhileNobodyElseHasTheSlot(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{})
		o := r.fetch("a")
		down := node("a")
		down.State = scheduler.NodeDown
		r.sync(down)
		require.Equal(t, scheduler.Queued, r.state(job))
		v := r.report(done(o, "late"))
		require.NoError(t, v.Err)
		require.Equal(t, scheduler.AttemptValid, v.State)
		require.Equal(t, scheduler.Vested, r.state(job))
	})
}

func TestReportIsIdempotent(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		job := r.submit(scheduler.Submission{Trust: quorum(2, 2)})
		o := r.fetch("a")
		require.Equal(t, scheduler.AttemptReported, r.report(done(o, "x")).State)
		before := r.get(job)
		v := r.report(done(o, "x"))
		require.NoError(t, v.Err)
		require.Equal(t, scheduler.AttemptReported, v.State)
		v = r.report(done(o, "y"))
		kind(t, fault.Conflict, v.Err)
		kind(t, fault.Conflict, r.report(failed(o, scheduler.ClassJob)).Err)
		require.Equal(t, before, r.get(job))

		other := r.fetch("b")
		require.Equal(t, scheduler.AttemptFailed, r.report(failed(other, scheduler.ClassInfra)).State)
		require.NoError(t, r.report(failed(other, scheduler.ClassInfra)).Err)
		require.Equal(t, map[scheduler.Class]int{scheduler.ClassInfra: 1}, r.get(job).Job.Failures)
	})
}

// TestReportIsIdempotentForAWithdrawnResult repeats reports whose results were not judged: the job ended with the last of them, or later.
func TestReportIsIdempotentForAWithdrawnResult(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		job := r.submit(scheduler.Submission{Trust: quorum(2, 2)})
		in := done(r.fetch(r.get(job).Attempts[0].Node), "x")
		require.Equal(t, scheduler.AttemptReported, r.report(in).State)
		_, err := r.Cancel(t.Context(), job)
		require.NoError(t, err)
		again := r.report(in)
		require.NoError(t, again.Err)
		require.Equal(t, scheduler.AttemptCancelled, again.State)
		in.Result.Stdout = []byte("y")
		kind(t, fault.Conflict, r.report(in).Err)
	})
}

func TestPlacementThatIsNotFetchedGoesElsewhere(t *testing.T) {
	inBubble(t, scheduler.Config{PickUp: 15 * time.Second, Lease: time.Second}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		r.wait(2 * time.Second) // past the planner's grace
		job := r.submit(scheduler.Submission{})
		first := r.on(job)
		r.wait(16 * time.Second)
		record := r.get(job)
		require.Equal(t, scheduler.AttemptExpired, record.Attempts[0].State)
		require.Empty(t, record.Job.Failures, "that is nobody's failure")
		require.Equal(t, scheduler.Placed, record.Job.State)
		require.NotEqual(t, first, record.Job.Node)
	})
}

func TestNodeDownLosesItsAttempts(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		running, waiting := r.submit(scheduler.Submission{}), scheduler.JobID("")
		r.fetch("a")
		waiting = r.submit(scheduler.Submission{})
		down := node("a")
		down.State = scheduler.NodeDown
		r.sync(down)
		require.Equal(t, scheduler.AttemptLost, r.get(running).Attempts[0].State)
		require.Equal(t, scheduler.AttemptExpired, r.get(waiting).Attempts[0].State)
		require.Equal(t, scheduler.Queued, r.state(running))
		r.nodes("b")
		r.wait(time.Second)
		require.Equal(t, scheduler.NodeID("b"), r.on(running))
		require.Equal(t, scheduler.NodeID("b"), r.on(waiting))
	})
}

func TestClosedAndDrainedNodesKeepWhatTheyRun(t *testing.T) {
	for _, how := range []string{"closed", "drained"} {
		t.Run(how, func(t *testing.T) {
			inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
				r.nodes("a")
				running := r.submit(scheduler.Submission{})
				o := r.fetch("a")
				waiting := r.submit(scheduler.Submission{})
				if how == "closed" {
					n := node("a")
					n.State = scheduler.NodeClosed
					r.sync(n)
				} else {
					require.NoError(t, r.Drain(t.Context(), "a", true))
					r.wait(0)
				}
				require.Equal(t, scheduler.Running, r.state(running))
				require.Equal(t, scheduler.Queued, r.state(waiting), "what was not fetched goes back")
				require.NoError(t, r.report(done(o, "")).Err)
				require.Equal(t, scheduler.Queued, r.state(waiting))
				if how == "closed" {
					r.nodes("a")
				} else {
					require.NoError(t, r.Drain(t.Context(), "a", false))
				}
				r.wait(time.Second)
				require.Equal(t, scheduler.Placed, r.state(waiting))
			})
		})
	}
}

func TestRemovedNodeLosesItsAttempts(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{})
		r.fetch("a")
		require.NoError(t, r.RemoveNodes(t.Context(), []scheduler.NodeID{"a", "nobody"}))
		require.Equal(t, scheduler.Queued, r.state(job))
		views, err := r.Nodes(t.Context())
		require.NoError(t, err)
		require.Empty(t, views)
	})
}

func TestSuspendedAttemptKeepsItsLeaseForAWhile(t *testing.T) {
	inBubble(t, scheduler.Config{MaxSuspend: time.Minute}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{MaxRuntime: 30 * time.Second})
		o := r.fetch("a")
		suspended := held(o)
		suspended.Suspended = true
		for range 5 { // 50 s, more than the run time
			require.Len(t, r.beat("a", suspended).Renewed, 1)
			require.Equal(t, scheduler.AttemptSuspended, r.get(job).Attempts[0].State)
			r.wait(10 * time.Second)
		}
		require.Len(t, r.beat("a", held(o)).Renewed, 1)
		a := r.get(job).Attempts[0]
		require.Equal(t, scheduler.AttemptRunning, a.State)
		require.Equal(t, a.Started.Add(30*time.Second+2*30*time.Second+50*time.Second), a.EndBy, "the time suspended does not count")
		for range 7 {
			r.beat("a", suspended)
			r.wait(10 * time.Second)
		}
		record := r.get(job)
		require.Equal(t, scheduler.AttemptLost, record.Attempts[0].State)
		require.Empty(t, record.Job.Failures)
	})
}

func TestAttemptThatRunsTooLongFails(t *testing.T) {
	inBubble(t, scheduler.Config{Lease: 10 * time.Second}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{MaxRuntime: 30 * time.Second})
		o := r.fetch("a")
		for range 13 {
			r.beat("a", held(o))
			r.wait(4 * time.Second)
		}
		a := r.get(job).Attempts[0]
		require.Equal(t, scheduler.AttemptFailed, a.State)
		require.Equal(t, scheduler.ClassJob, a.Class)
		require.Equal(t, []scheduler.AttemptID{o.Attempt}, r.beat("a", held(o)).Cancel)
	})
}

func TestRestartedNodeLosesWhatItForgot(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		kept, forgotten := r.submit(scheduler.Submission{}), r.submit(scheduler.Submission{})
		offers := r.claim(scheduler.Claim{Node: "a", Take: 2}).Offers
		require.Len(t, offers, 2)
		if offers[0].Job != kept {
			offers[0], offers[1] = offers[1], offers[0]
		}
		r.beat("a", held(offers[0]))
		require.Equal(t, scheduler.Running, r.state(forgotten), "an old beat may cross the offer")
		g := r.claim(scheduler.Claim{Node: "a", Held: []scheduler.Held{held(offers[0])}, Restarted: true})
		require.Len(t, g.Renewed, 1)
		require.Equal(t, scheduler.Running, r.state(kept))
		require.Equal(t, scheduler.AttemptLost, r.get(forgotten).Attempts[0].State)
	})
}

func TestClaimHandsOutInOrderAndUpToTake(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		var jobs []scheduler.JobID
		for range 3 {
			jobs = append(jobs, r.submit(scheduler.Submission{}))
			r.wait(time.Millisecond)
		}
		require.Empty(t, r.claim(scheduler.Claim{Node: "a"}).Offers)
		first := r.claim(scheduler.Claim{Node: "a", Take: 2}).Offers
		require.Len(t, first, 2)
		require.Equal(t, jobs[:2], []scheduler.JobID{first[0].Job, first[1].Job})
		require.Equal(t, jobs[2], r.fetch("a").Job)
		require.Empty(t, r.claim(scheduler.Claim{Node: "a", Take: 2}).Offers)
		require.Empty(t, r.claim(scheduler.Claim{Node: "stranger", Take: 2}).Offers)
	})
}

func TestHeldThatIsUnknownIsCancelled(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 1}})
		node := r.on(r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 1}}))
		o := r.claim(scheduler.Claim{Node: node, Take: 1}).Offers[0]
		wrong := held(o)
		wrong.Token++
		odd := scheduler.Held{Attempt: "../etc", Token: -1, Progress: math.NaN()}
		g := r.claim(scheduler.Claim{Node: node, Held: []scheduler.Held{wrong, odd}})
		require.Equal(t, []scheduler.AttemptID{o.Attempt, "../etc"}, g.Cancel)
		other := scheduler.NodeID(strings.Trim("ab", string(node)))
		require.Equal(t, []scheduler.AttemptID{o.Attempt}, r.beat(other, held(o)).Cancel, "it is somebody else's")
		twice := r.claim(scheduler.Claim{Node: node, Held: []scheduler.Held{held(o), held(o)}})
		require.Len(t, twice.Renewed, 1)
	})
}

func TestProgressOnlyGrows(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{})
		o := r.fetch("a")
		require.NoError(t, r.Progress(t.Context(), o.Attempt, o.Token, 0.5))
		require.Equal(t, 0.5, r.get(job).Job.Progress)
		version := r.get(job).Job.Version
		require.NoError(t, r.Progress(t.Context(), o.Attempt, o.Token, 0.505))
		require.NoError(t, r.Progress(t.Context(), o.Attempt, o.Token, 0.1))
		require.Equal(t, version, r.get(job).Job.Version, "too small a step is not written")
		h := held(o)
		h.Progress = 0.75
		r.beat("a", h)
		require.Equal(t, 0.75, r.get(job).Job.Progress)
		for _, wrong := range []float64{-0.1, 1.1, math.NaN(), math.Inf(1)} {
			kind(t, fault.Invalid, r.Progress(t.Context(), o.Attempt, o.Token, wrong))
		}
		kind(t, fault.NotFound, r.Progress(t.Context(), "nonsense", 1, 0.5))
		kind(t, fault.NotFound, r.Progress(t.Context(), scheduler.NewAttemptID(job, 0, 9), 9, 0.5))
		require.NoError(t, r.report(done(o, "")).Err)
		require.Equal(t, 1.0, r.get(job).Job.Progress)
	})
}

func TestHostileReports(t *testing.T) {
	digest := strings.Repeat("a", 64)
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{Task: scheduler.Task{MaxStdoutBytes: 10}})
		o := r.fetch("a")
		for name, edit := range map[string]func(in *scheduler.Report){
			"class":    func(in *scheduler.Report) { in.Class = "weather" },
			"reason":   func(in *scheduler.Report) { in.Reason = "\xff" },
			"parent":   func(in *scheduler.Report) { in.Result.Outputs[0].Path = "../x" },
			"absolute": func(in *scheduler.Report) { in.Result.Outputs[0].Path = "/x" },
			"windows":  func(in *scheduler.Report) { in.Result.Outputs[0].Path = `a\..\b` },
			"zero":     func(in *scheduler.Report) { in.Result.Outputs[0].Path = "a\x00" },
			"empty":    func(in *scheduler.Report) { in.Result.Outputs[0].Path = "" },
			"digest":   func(in *scheduler.Report) { in.Result.Outputs[0].SHA256 = strings.ToUpper(digest) },
			"size":     func(in *scheduler.Report) { in.Result.Outputs[0].Bytes = -1 },
			"twice":    func(in *scheduler.Report) { in.Result.Outputs = append(in.Result.Outputs, in.Result.Outputs[0]) },
			"many":     func(in *scheduler.Report) { in.Result.Outputs = make([]scheduler.Output, 2000) },
		} {
			in := done(o, "")
			in.Result.Outputs = []scheduler.Output{{Path: "x", SHA256: digest}}
			edit(&in)
			kind(t, fault.Invalid, r.report(in).Err)
			require.Equal(t, scheduler.Running, r.state(job), name)
		}
		kind(t, fault.NotFound, r.report(scheduler.Report{Attempt: "x"}).Err)

		in := done(o, strings.Repeat("x", 100))
		in.Result.Stderr = make([]byte, 1<<20)
		in.Result.CPUSeconds, in.Result.WallSeconds = math.NaN(), -5
		in.Result.Digest = "mine"
		require.NoError(t, r.report(in).Err)
		kept := r.get(job).Job.Result
		require.Len(t, kept.Stdout, 10)
		require.Len(t, kept.Stderr, scheduler.MaxStderr)
		require.Zero(t, kept.CPUSeconds)
		require.Zero(t, kept.WallSeconds)
		require.Len(t, kept.Digest, 64)
	})
}

func TestPlacedAttemptCannotBeReported(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		job := r.submit(scheduler.Submission{})
		a := r.get(job).Attempts[0]
		kind(t, fault.Conflict, r.report(scheduler.Report{Attempt: a.ID, Token: a.Token, Result: &scheduler.Result{}}).Err)
		require.Equal(t, scheduler.Placed, r.state(job))
	})
}
