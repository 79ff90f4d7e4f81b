package scheduler_test

import (
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// waits are the ways to wait: each makes a job wait for one reason.
func waits() map[scheduler.Code]func(r *rig) scheduler.JobID {
	asked := func(d scheduler.Demand) func(r *rig) scheduler.JobID {
		return func(r *rig) scheduler.JobID {
			n := node("a")
			n.Executors = []string{scheduler.ExecutorWASM, scheduler.ExecutorGPU}
			n.Capacity = scheduler.Capacity{MilliCPU: 4000, MemoryMB: 4000, MilliGPU: 1000, DiskMB: 1000, MbitPS: 100}
			r.sync(n)
			r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 100, MemoryMB: 3000, MilliGPU: 1000, DiskMB: 900, MbitPS: 90}})
			return r.submit(scheduler.Submission{Demand: d})
		}
	}
	among := func(cores int64, c scheduler.Constraints) func(r *rig) scheduler.JobID {
		return func(r *rig) scheduler.JobID {
			for _, id := range []string{"a", "b"} {
				n := node(id)
				n.Labels = map[string]string{"zone": id}
				n.Capacity.MilliCPU = 1000 * cores
				r.sync(n)
			}
			r.submit(scheduler.Submission{Group: "g", Constraints: c})
			b := scheduler.Submission{Group: "g", Constraints: c}
			r.submit(b)
			r.submit(b)
			return r.submit(b)
		}
	}
	return map[scheduler.Code]func(r *rig) scheduler.JobID{
		scheduler.CodeNoNodes:      func(r *rig) scheduler.JobID { return r.submit(scheduler.Submission{}) },
		scheduler.CodeCPUNever:     asked(scheduler.Demand{MilliCPU: 5000}),
		scheduler.CodeMemoryNever:  asked(scheduler.Demand{MemoryMB: 5000}),
		scheduler.CodeGPUNever:     asked(scheduler.Demand{MilliGPU: 2000}),
		scheduler.CodeDiskNever:    asked(scheduler.Demand{DiskMB: 2000}),
		scheduler.CodeNetworkNever: asked(scheduler.Demand{MbitPS: 200}),
		scheduler.CodeCPUBusy:      asked(scheduler.Demand{MilliCPU: 4000}),
		scheduler.CodeMemoryBusy:   asked(scheduler.Demand{MemoryMB: 2000}),
		scheduler.CodeGPUBusy:      asked(scheduler.Demand{MilliGPU: 500}),
		scheduler.CodeDiskBusy:     asked(scheduler.Demand{DiskMB: 500}),
		scheduler.CodeNetworkBusy:  asked(scheduler.Demand{MbitPS: 50}),
		scheduler.CodeNoExecutor:   asked(scheduler.Demand{Executor: "native"}),
		scheduler.CodeLabels: among(1, scheduler.Constraints{Require: []scheduler.Term{{
			Key: "zone", Op: scheduler.In, Values: []string{"nowhere"},
		}}}),
		scheduler.CodeSpread:   among(4, scheduler.Constraints{Spread: []scheduler.Spread{{Key: "node", Max: 1}}}),
		scheduler.CodeTogether: among(1, scheduler.Constraints{Together: "node"}),
		scheduler.CodeZone: func(r *rig) scheduler.JobID {
			for id, zone := range map[string]string{"a": "x", "b": "x", "c": "y"} {
				n := node(id)
				n.Labels = map[string]string{scheduler.LabelZone: zone}
				r.sync(n)
			}
			there := scheduler.Constraints{Require: []scheduler.Term{{Key: scheduler.LabelZone, Op: scheduler.In, Values: []string{"y"}}}}
			r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 4000}, Constraints: there})
			return r.submit(scheduler.Submission{Trust: quorum(2, 2)})
		},
		scheduler.CodeGang: func(r *rig) scheduler.JobID {
			r.nodes("a")
			return r.submit(scheduler.Submission{Count: 5, Gang: true})
		},
		scheduler.CodeAwaitingJobs: func(r *rig) scheduler.JobID {
			return r.submit(scheduler.Submission{After: on("", r.submit(scheduler.Submission{}))})
		},
		scheduler.CodePaused: func(r *rig) scheduler.JobID {
			id := r.submit(scheduler.Submission{})
			_, err := r.Pause(r.t.Context(), id)
			require.NoError(r.t, err)
			return id
		},
		scheduler.CodeQuota: func(r *rig) scheduler.JobID {
			quota := scheduler.Quota{Owner: "operator", Most: scheduler.Capacity{MilliCPU: 1000}}
			require.NoError(r.t, r.SetQuotas(r.t.Context(), []scheduler.Quota{quota}))
			r.nodes("a")
			r.submit(scheduler.Submission{})
			r.wait(time.Second)
			return r.submit(scheduler.Submission{})
		},
		scheduler.CodeBehind: func(r *rig) scheduler.JobID {
			r.submit(scheduler.Submission{})
			r.wait(time.Second)
			return r.submit(scheduler.Submission{})
		},
		scheduler.CodeAwaitingPickUp: func(r *rig) scheduler.JobID {
			r.nodes("a")
			return r.submit(scheduler.Submission{})
		},
	}
}

// TestEachReasonIsTold lets jobs wait for each reason: Explain tells it, in words, beside whatever else holds.
func TestEachReasonIsTold(t *testing.T) {
	for code, wait := range waits() {
		t.Run(string(code), func(t *testing.T) {
			inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
				id := wait(r)
				got := r.explain(id)
				require.Contains(t, got, code)
				require.NotContains(t, got, scheduler.CodeNextRound, "it is not about to begin")
			})
		})
	}
}

// TestNoReasonIsUntested looks up each code in the tests of this package.
func TestNoReasonIsUntested(t *testing.T) {
	source, err := os.ReadFile("explain.go")
	require.NoError(t, err)
	var tests []byte
	for _, name := range []string{
		"explain_all_test.go", "explain_test.go", "backfill_test.go", "mark_test.go", "access_test.go", "quorum_test.go", "fleet_test.go", "depend_test.go",
	} {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		tests = append(tests, text...)
	}
	found := regexp.MustCompile(`(Code[A-Za-z]+) +Code = "`).FindAllSubmatch(source, -1)
	require.Greater(t, len(found), 30)
	for _, m := range found {
		require.True(t, regexp.MustCompile(`\b`+string(m[1])+`\b`).Match(tests), "%s", m[1])
	}
}

// TestExplainNamesWhatIsAwaited: name, state and what to do; of what the reader may not see the identifier alone.
func TestExplainNamesWhatIsAwaited(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		fetch := r.submit(scheduler.Submission{Name: "fetch"})
		_, err := r.Pause(t.Context(), fetch)
		require.NoError(t, err)
		e, err := r.Explain(t.Context(), r.submit(scheduler.Submission{After: on("", fetch)}))
		require.NoError(t, err)
		require.Equal(t, `it comes after success of job "fetch" (`+string(fetch)+`), which is paused: resume it, or cancel it`, e.Reasons[0].Text)
	})
}
