package scheduler_test

import (
	"errors"
	"fmt"
	"strings"
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

func TestArrayTasksAreJobs(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		out := r.try(scheduler.Submission{
			Key: "k", Name: "tiles", Count: 3, Priority: 7, DataAt: "north", Tier: scheduler.Gold,
			Task: scheduler.Task{Args: []string{"--tile={index}", "same", "{{index}}{index}{"}},
		})
		require.NoError(t, out.Err)
		require.True(t, out.Fresh)
		id := out.Job.ID
		page, err := r.List(t.Context(), scheduler.JobQuery{Array: id})
		require.NoError(t, err)
		require.EqualValues(t, 3, page.Total)
		require.Len(t, page.Jobs, 3)
		for i := range 3 {
			j := r.get(page.Jobs[2-i].ID).Job
			require.Equal(t, []string{fmt.Sprintf("--tile=%d", i), "same", fmt.Sprintf("{index}%d{", i)}, j.Task.Args)
			require.Equal(t, i, j.Index)
			require.Equal(t, 3, j.Count)
			require.Equal(t, id, j.Array)
			require.Equal(t, string(id), j.Group, "the group is the array unless it is named")
			require.Equal(t, 7, j.Priority)
			require.Equal(t, "north", j.DataAt)
			require.Equal(t, scheduler.Queued, j.State)
			require.Equal(t, []string{"queued: submitted"}, texts(j.Log))
		}
		r.nodes("a", "b", "c")
		r.work("a", "b", "c")
		a, err := r.Array(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, scheduler.Array{
			ID: id, Tenant: out.Job.Tenant, Owner: out.Job.Owner, Name: "tiles", Count: 3,
			States: map[scheduler.State]int64{scheduler.Vested: 3},
		}, a)
		require.Len(t, r.settled(), 3, "each task is paid for itself")
		stats, err := r.Stats(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 3, stats.Total)
	})
}

func TestArraysAreIdempotent(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		b := scheduler.Submission{Key: "k", Name: "tiles", Count: 4}
		first := r.try(b)
		again := r.try(b)
		require.NoError(t, again.Err)
		require.False(t, again.Fresh)
		require.Equal(t, first.Job, again.Job)
		b.Count = 5
		kind(t, fault.Conflict, r.try(b).Err)
		both, err := r.Submit(t.Context(), []scheduler.Submission{{Key: "l", Name: "x", Count: 2}, {Key: "l", Name: "x", Count: 2}})
		require.NoError(t, err)
		require.Equal(t, both[0].Job.ID, both[1].Job.ID)
		stats, err := r.Stats(t.Context())
		require.NoError(t, err)
		require.EqualValues(t, 6, stats.Total, "no task is stored twice")
		one := r.try(scheduler.Submission{Key: "one", Count: 1})
		require.Empty(t, one.Job.Array)
		require.False(t, r.try(scheduler.Submission{Key: "one"}).Fresh, "one task is a single job")
	})
}

// TestOldSubmissionsKeepTheirDigest pins the digest of a submission without new fields: a key that was used before an upgrade must
// answer with its job.
func TestOldSubmissionsKeepTheirDigest(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		out := r.try(scheduler.Submission{
			Key: "k", Name: "tile", Tier: scheduler.Gold, Demand: scheduler.Demand{MilliCPU: 500, MemoryMB: 32},
			Task: scheduler.Task{Args: []string{"{index}"}}, DataMB: 1.5,
		})
		require.Equal(t, "710cffa4e6b10a6b8a8a2e06e9eaa395577048e9f47eb05dcca4fb81af81c5c1", out.Job.BodyDigest)
		require.Equal(t, []string{"{index}"}, out.Job.Task.Args, "a single job has no index")
	})
}

func TestArrayCommands(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		id := r.submit(scheduler.Submission{Count: 3})
		states := func(a scheduler.Array, err error) map[scheduler.State]int64 {
			t.Helper()
			require.NoError(t, err)
			return a.States
		}
		require.Equal(t, map[scheduler.State]int64{scheduler.Paused: 3}, states(r.PauseArray(t.Context(), id)))
		_, err := r.Resume(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, map[scheduler.State]int64{scheduler.Paused: 2, scheduler.Queued: 1}, states(r.Array(t.Context(), id)))
		require.Equal(t, map[scheduler.State]int64{scheduler.Queued: 3}, states(r.ResumeArray(t.Context(), id)))
		_, err = r.ResumeArray(t.Context(), id)
		kind(t, fault.Conflict, err)
		require.Equal(t, map[scheduler.State]int64{scheduler.Cancelled: 3}, states(r.CancelArray(t.Context(), id)))
		_, err = r.CancelArray(t.Context(), id)
		kind(t, fault.Conflict, err)

		_, err = r.Array(t.Context(), "nobody")
		kind(t, fault.NotFound, err)
		_, err = r.CancelArray(t.Context(), r.submit(scheduler.Submission{}))
		kind(t, fault.NotFound, err)
		_, err = r.CancelArray(as(t.Context(), "mallory"), id)
		require.Error(t, err)
		require.Contains(t, []fault.Kind{fault.Denied, fault.NotFound}, fault.KindOf(err))
	})
}

// TestArraysArePaidAsAWhole lets the escrow refuse, or leave open, one task's hold.
func TestArraysArePaidAsAWhole(t *testing.T) {
	e := &escrow{}
	inBubble(t, scheduler.Config{Escrow: e}, func(t *testing.T, r *rig) {
		funded := r.try(scheduler.Submission{Count: 3})
		require.NoError(t, funded.Err)
		require.Equal(t, scheduler.Queued, funded.Job.State)
		require.Len(t, e.holds(), 3, "a hold for each task")

		n := 0
		answer := func(err error) {
			e.mu.Lock()
			defer e.mu.Unlock()
			n, e.answer = 0, func(scheduler.Hold) error {
				if n++; n == 2 {
					return err
				}
				return nil
			}
		}
		answer(fault.New(fault.Insufficient, "escrow", "too poor"))
		refused := r.try(scheduler.Submission{Count: 3})
		kind(t, fault.Insufficient, refused.Err)
		a, err := r.Array(t.Context(), refused.Job.ID)
		require.NoError(t, err)
		require.Equal(t, map[scheduler.State]int64{scheduler.Refused: 3}, a.States)
		require.Len(t, r.settled(), 3, "what was held is given back by the facts")

		answer(errors.New("away"))
		open := r.try(scheduler.Submission{Count: 3})
		require.NoError(t, open.Err)
		a, err = r.Array(t.Context(), open.Job.ID)
		require.NoError(t, err)
		require.Equal(t, map[scheduler.State]int64{scheduler.Pending: 3}, a.States)
		r.wait(10 * time.Second)
		a, err = r.Array(t.Context(), open.Job.ID)
		require.NoError(t, err)
		require.Equal(t, map[scheduler.State]int64{scheduler.Queued: 3}, a.States, "asked again, all at once")
	})
}

// TestArrayFundsSurviveACrash kills the server between the escrow's answer and its storing; the other one asks for the whole array.
func TestArrayFundsSurviveACrash(t *testing.T) {
	for _, poor := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			facts, duties := journal.NewMemory(nil), duty.NewMemory(nil)
			rows := scheduler.NewMemory(facts, duties)
			first := &mortal{Store: rows}
			e := &escrow{}
			r := start(t, scheduler.Config{
				Store: first, Duties: mortalDuties{duties, first}, Holder: "first", Escrow: e,
				Step: func(s string) {
					if s == scheduler.StepHold {
						first.kill()
					}
				},
			})
			id := r.submit(scheduler.Submission{Count: 300}) // more than the planner looks at at once
			r.stop()
			last := rows
			tasks, err := last.Tasks(t.Context(), id)
			require.NoError(t, err)
			if poor {
				e.answer = func(h scheduler.Hold) error {
					if h.Job == tasks[299] {
						return fault.New(fault.Insufficient, "escrow", "too poor")
					}
					return nil
				}
			}
			second := start(t, scheduler.Config{Store: rows, Duties: duties, Holder: "second", Escrow: e})
			second.wait(30 * time.Second)
			a, err := second.Array(t.Context(), id)
			require.NoError(t, err)
			want := scheduler.Queued
			if poor {
				want = scheduler.Refused
			}
			require.Equal(t, map[scheduler.State]int64{want: 300}, a.States)
		})
	}
}

func TestTraitsAreChecked(t *testing.T) {
	long := strings.Repeat("x", 300)
	term := func(t scheduler.Term) scheduler.Constraints {
		return scheduler.Constraints{Require: []scheduler.Term{t}}
	}
	many := make([]scheduler.Dependency, 65)
	for i := range many {
		many[i].Job = scheduler.JobID(fmt.Sprint(i))
	}
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		for name, c := range map[string]struct {
			field string
			b     scheduler.Submission
		}{
			"priority":        {"priority", scheduler.Submission{Priority: 1001}},
			"low priority":    {"priority", scheduler.Submission{Priority: -1001}},
			"group":           {"group", scheduler.Submission{Group: long}},
			"group bytes":     {"group", scheduler.Submission{Group: "\xff"}},
			"data at":         {"data_at", scheduler.Submission{DataAt: long}},
			"negative count":  {"count", scheduler.Submission{Count: -1}},
			"count":           {"count", scheduler.Submission{Count: 10_001}},
			"many after":      {"after", scheduler.Submission{After: many}},
			"many waits":      {"after", scheduler.Submission{After: many[:11], Count: 10_000}},
			"unknown job":     {"after", scheduler.Submission{After: many[:1]}},
			"nameless":        {"after", scheduler.Submission{After: []scheduler.Dependency{{}}}},
			"twice":           {"after", scheduler.Submission{After: []scheduler.Dependency{{Job: "a"}, {Job: "a"}}}},
			"when":            {"after", scheduler.Submission{After: []scheduler.Dependency{{Job: "a", When: "later"}}}},
			"disk":            {"disk_required", scheduler.Submission{Demand: scheduler.Demand{DiskMB: -1}}},
			"bandwidth":       {"bandwidth_required", scheduler.Submission{Demand: scheduler.Demand{MbitPS: 1 << 40}}},
			"many terms":      {"constraints", scheduler.Submission{Constraints: scheduler.Constraints{Require: make([]scheduler.Term, 17)}}},
			"no key":          {"constraints", scheduler.Submission{Constraints: term(scheduler.Term{Op: scheduler.Exists})}},
			"no op":           {"constraints", scheduler.Submission{Constraints: term(scheduler.Term{Key: "k"})}},
			"in nothing":      {"constraints", scheduler.Submission{Constraints: term(scheduler.Term{Key: "k", Op: scheduler.In})}},
			"less than words": {"constraints", scheduler.Submission{Constraints: term(scheduler.Term{Key: "k", Op: scheduler.Less, Values: []string{"NaN"}})}},
			"exists what":     {"constraints", scheduler.Submission{Constraints: term(scheduler.Term{Key: "k", Op: scheduler.Exists, Values: []string{"v"}})}},
			"long value":      {"constraints", scheduler.Submission{Constraints: term(scheduler.Term{Key: "k", Op: scheduler.In, Values: []string{long}})}},
			"heavy": {"constraints", scheduler.Submission{Constraints: scheduler.Constraints{
				Prefer: []scheduler.Preference{{Term: scheduler.Term{Key: "k", Op: scheduler.Exists}, Weight: 101}}}}},
			"preferred what": {"constraints", scheduler.Submission{Constraints: scheduler.Constraints{
				Prefer: []scheduler.Preference{{Weight: 1}}}}},
			"tolerate what": {"constraints", scheduler.Submission{Constraints: scheduler.Constraints{Tolerate: []scheduler.Toleration{{}}}}},
			"spread zero":   {"constraints", scheduler.Submission{Constraints: scheduler.Constraints{Spread: []scheduler.Spread{{Key: "node"}}}}},
			"spread twice": {"constraints", scheduler.Submission{Constraints: scheduler.Constraints{
				Spread: []scheduler.Spread{{Key: "node", Max: 1}, {Key: "node", Max: 2}}}}},
			"together": {"constraints", scheduler.Submission{Constraints: scheduler.Constraints{Together: long}}},
		} {
			out := r.try(c.b)
			kind(t, fault.Invalid, out.Err)
			require.Equal(t, c.field, fault.FieldOf(out.Err), name)
			require.Empty(t, out.Job.ID)
		}
		good := scheduler.Submission{Constraints: scheduler.Constraints{
			Require:  []scheduler.Term{{Key: "zone", Op: scheduler.In, Values: []string{"a"}}, {Key: "cores", Op: scheduler.More, Values: []string{"1.5"}}},
			Prefer:   []scheduler.Preference{{Term: scheduler.Term{Key: "ssd", Op: scheduler.Exists}, Weight: -100}},
			Tolerate: []scheduler.Toleration{{Key: "k"}}, Spread: []scheduler.Spread{{Key: "node", Max: 1}}, Together: "zone",
		}}
		require.Equal(t, good.Constraints, r.get(r.submit(good)).Job.Constraints)
	})
}

// TestBatchesAreTheSameAsOneByOne submits the same submissions in one call and one by one: the same are accepted.
func TestBatchesAreTheSameAsOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		submissions := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) scheduler.Submission {
			return scheduler.Submission{
				Key:  rapid.SampledFrom([]string{"", "k", "l"}).Draw(t, "key"),
				Name: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "name"), Count: rapid.IntRange(-1, 3).Draw(t, "count"),
				Priority: rapid.SampledFrom([]int{0, 0, 2000}).Draw(t, "priority"),
			}
		}), 1, 6).Draw(t, "submissions")
		answers := func(calls [][]scheduler.Submission) []string {
			s, err := scheduler.New(scheduler.Config{})
			require.NoError(t, err)
			var out []string
			named := map[scheduler.JobID]int{}
			for _, call := range calls {
				got, err := s.Submit(t.Context(), call)
				require.NoError(t, err)
				for _, g := range got {
					if _, seen := named[g.Job.ID]; !seen {
						named[g.Job.ID] = len(named)
					}
					out = append(out, fmt.Sprint(named[g.Job.ID], g.Fresh, g.Err, g.Job.Count))
				}
			}
			return out
		}
		var singly [][]scheduler.Submission
		for _, b := range submissions {
			singly = append(singly, []scheduler.Submission{b})
		}
		require.Equal(t, answers(singly), answers([][]scheduler.Submission{submissions}))
	})
}

func TestTasksNamesAnArraysTasks(t *testing.T) {
	inBubble(t, scheduler.Config{Retention: time.Hour}, func(t *testing.T, r *rig) {
		array := r.submit(scheduler.Submission{Count: 3})
		tasks, err := r.Tasks(t.Context(), array)
		require.NoError(t, err)
		require.Len(t, tasks, 3)
		for i, id := range tasks {
			require.Equal(t, i, r.get(id).Job.Index)
		}
		_, err = r.Cancel(t.Context(), tasks[1])
		require.NoError(t, err)
		r.wait(3 * time.Hour)
		rest, err := r.Tasks(t.Context(), array)
		require.NoError(t, err)
		require.Equal(t, []scheduler.JobID{tasks[0], tasks[2]}, rest, "one was purged")
		_, err = r.Tasks(as(t.Context(), "mallory"), array)
		kind(t, fault.Denied, err)
		_, err = r.Tasks(t.Context(), "nobody")
		kind(t, fault.NotFound, err)
	})
}
