// Package schedulertest is the conformance suite of scheduler.Store: whatever stores the scheduler's rows must pass it.
package schedulertest

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// Subject is a store under test, empty, with what lies beside it.
type Subject struct {
	Store scheduler.Store
	// Duties are those that the store checks fences against; nil skips the tests of fences.
	Duties duty.Duties
	// Facts answers the facts written so far, in the order of their writing; nil skips the tests of facts.
	Facts func(t *testing.T) []scheduler.Fact
}

// Run tests a store that comes without duties and facts.
func Run(t *testing.T, open func(t *testing.T) scheduler.Store) {
	t.Helper()
	RunAll(t, func(t *testing.T) Subject { return Subject{Store: open(t)} })
}

// RunAll tests a store with everything beside it; each subtest opens one of its own.
func RunAll(t *testing.T, open func(t *testing.T) Subject) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, s Subject)
	}{
		{"InsertKeepsEveryField", testInsertFields},
		{"InsertIsIdempotentByKey", testInsertKeys},
		{"InsertAsksOnly", testInsertKnown},
		{"LoadLeavesUnknownOut", testLoadUnknown},
		{"CommitKeepsEveryField", testCommitFields},
		{"CommitChangesAttempts", testCommitAttempts},
		{"CommitRefusesStale", testCommitStale},
		{"CommitManyAtOnce", testCommitMany},
		{"CommitChecksTheFence", testCommitFence},
		{"CommitRaces", testCommitRaces},
		{"FactsFollowTheirRows", testFacts},
		{"InsertArraysAsAWhole", testInsertArrays},
		{"OutcomesOfJobsAndArrays", testOutcomes},
		{"FindTasksOfAnArray", testFindArray},
		{"WaitingUntilQueued", testWaiting},
		{"PurgeKeepsWhatIsAwaited", testPurgeAwaited},
		{"SchedulesByVersion", testSchedules},
		{"SchedulesCheckTheFence", testScheduleFence},
		{"SchedulesAreSavedTogether", testManySchedules},
		{"EventsInOrder", testEvents},
		{"EventsAreTrimmed", testEventsTrimmed},
		{"FindPages", testFindPages},
		{"FindFilters", testFindFilters},
		{"Tenants", testTenants},
		{"FindRefusesBadCursors", testFindCursor},
		{"ReadyRanks", testReadyRanks},
		{"ReadyWaits", testReadyWaits},
		{"LinesInOrder", testLines},
		{"HeadsOfLines", testHeads},
		{"MembersOfArrays", testMembers},
		{"CommitKeepsBonds", testCommitBonds},
		{"QuotasByOwner", testQuotas},
		{"DueInOrder", testDue},
		{"LiveByNode", testLive},
		{"TallySums", testTally},
		{"PurgeDeletesOldFinals", testPurge},
		{"NodesFollowTheirSource", testNodeSource},
		{"NodesKeepDrain", testNodeDrain},
		{"NodesKeepMarks", testNodeMarks},
		{"NodesByTenant", testNodeTenants},
		{"NodesCheckTheFence", testNodeFence},
		{"Reservations", testReservations},
		{"TwinOfMemory", testTwin},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// start is the time at which the tests' jobs are submitted.
func start() time.Time { return time.Date(2026, 5, 17, 12, 0, 0, 123456000, time.UTC) }

// job is a queued job with little in it.
func job(id string) scheduler.Job {
	return scheduler.Job{
		ID: scheduler.JobID(id), Tenant: "t", Owner: "o", Creator: "c", Name: "job " + id, Tier: scheduler.Gold,
		Demand: scheduler.Demand{MilliCPU: 1000, MemoryMB: 64, Executor: "wasm"},
		Trust:  scheduler.Trust{Replicas: 1, Quorum: 1}, MaxRuntime: time.Minute,
		Submitted: start(), Order: start(), State: scheduler.Queued, Slots: 1, Queued: start(), ReadyAt: start(), NextToken: 1, Version: 1,
	}
}

// full is a job with something in every field.
func full(id string) scheduler.Job {
	j := job(id)
	j.Key, j.BodyDigest = "key-"+id, "digest"
	j.Demand.MilliGPU, j.Demand.DiskMB, j.Demand.MbitPS = 500, 7, 8
	j.Task = scheduler.Task{
		Module: "aa", Args: []string{"a", "", "ü"}, Inputs: []scheduler.Input{{Path: "x/y", SHA256: "bb"}}, Output: true, Stdin: "cc",
		Seed: 1<<64 - 1, MaxMemoryMB: 1, MaxOutputBytes: 2, MaxStdoutBytes: 3,
	}
	j.Trust = scheduler.Trust{Replicas: 3, Quorum: 2, Adaptive: true, Compare: scheduler.Comparator{By: scheduler.ByTolerance, Tolerance: 1e-9}}
	j.Estimate, j.MaxRuntime = 1500*time.Millisecond, 2*time.Hour
	j.Deadline = start().Add(time.Hour)
	j.DataMB, j.DataAt, j.Price, j.Quote = 0.25, "north", 7, 21
	j.Priority, j.Order = -3, start().Add(-time.Minute)
	j.Group, j.Array, j.Index, j.Count, j.Gang = "g", "array", 2, 3, true
	j.Constraints = scheduler.Constraints{
		Require:  []scheduler.Term{{Key: "zone", Op: scheduler.In, Values: []string{"a", "b"}}},
		Prefer:   []scheduler.Preference{{Term: scheduler.Term{Key: "ssd", Op: scheduler.Exists}, Weight: -5}},
		Tolerate: []scheduler.Toleration{{Key: "k", Value: "v"}},
		Spread:   []scheduler.Spread{{Key: "node", Max: 1}}, Together: "zone",
	}
	j.After = []scheduler.Dependency{{Job: "before", When: scheduler.OnEnd}}
	change(&j)
	j.Version = 1
	return j
}

// change puts something else into every field of a job that may change, and counts the version.
func change(j *scheduler.Job) {
	j.State, j.Resume, j.Reason = scheduler.Paused, scheduler.Pending, "because \x01 of 'this'"
	j.Progress, j.Node, j.Slots = 0.125, "n1", 4
	j.Queued, j.Started, j.Finished = start().Add(1), start().Add(2*time.Microsecond), start().Add(time.Second)
	j.Queued = j.Queued.Truncate(time.Microsecond)
	j.ReadyAt, j.DueAt = start().Add(time.Minute), start().Add(time.Hour)
	j.NextToken, j.Boost = 1<<40, 2
	j.Failures = map[scheduler.Class]int{scheduler.ClassDevice: 2, scheduler.ClassJob: 1}
	j.Result = result("out")
	j.Log = []scheduler.LogLine{{At: start(), State: scheduler.Queued, Text: "one"}, {At: start().Add(time.Second), State: scheduler.Paused, Text: "two"}}
	j.Version++
}

func result(out string) *scheduler.Result {
	return &scheduler.Result{
		ExitCode: -3, Stdout: []byte(out + "\x00\xff"), Stderr: []byte("err"),
		Outputs:    []scheduler.Output{{Path: "p", SHA256: "dd", Bytes: 1 << 40}},
		CPUSeconds: 0.1, WallSeconds: 2.5, Digest: "digest of " + out,
	}
}

// attempt is a placed attempt with something in every field that is fixed.
func attempt(j scheduler.JobID, slot int, token int64, node scheduler.NodeID) scheduler.Attempt {
	return scheduler.Attempt{
		ID: scheduler.NewAttemptID(j, slot, token), Job: j, Tenant: "t", Slot: slot, Token: token, Node: node, NodeOwner: "owner of " + principal.Account(node),
		Owner: "o", Tier: scheduler.Gold, Group: "g", GPUs: 1<<63 | 5, Span: time.Second + 1,
		Demand: scheduler.Demand{MilliCPU: 1, MemoryMB: 2, MilliGPU: 3, DiskMB: 4, MbitPS: 5, Executor: "e"}, Price: 4, Placed: start(),
		State: scheduler.AttemptPlaced, LeaseUntil: start().Add(time.Second), Since: start(),
	}
}

// insert stores jobs that must be fresh.
func insert(t *testing.T, s scheduler.Store, jobs ...scheduler.Job) {
	t.Helper()
	ins := make([]scheduler.Insertion, len(jobs))
	for i := range jobs {
		ins[i].Job = jobs[i]
	}
	out, err := s.Insert(t.Context(), ins)
	require.NoError(t, err)
	require.Len(t, out, len(jobs))
	for i := range out {
		require.True(t, out[i].Fresh)
		Same(t, jobs[i], out[i].Job)
	}
}

// load reads one job that must be there.
func load(t *testing.T, s scheduler.Store, id scheduler.JobID) scheduler.Record {
	t.Helper()
	records, err := s.Load(t.Context(), []scheduler.JobID{id})
	require.NoError(t, err)
	require.Len(t, records, 1)
	return records[0]
}

// next is a change of a loaded job, with attempts that are new or changed.
func next(r scheduler.Record, edit func(j *scheduler.Job), attempts ...scheduler.Attempt) scheduler.Change {
	c := scheduler.Change{Was: r.Job.Version, Record: &scheduler.Record{Job: r.Job, Attempts: attempts}}
	if edit != nil {
		edit(&c.Record.Job)
	}
	c.Record.Job.Version = c.Was + 1
	return c
}

// commit writes changes without a fence.
func commit(t *testing.T, s scheduler.Store, changes ...scheduler.Change) []bool {
	t.Helper()
	written, err := s.Commit(t.Context(), scheduler.Fence{}, changes)
	require.NoError(t, err)
	require.Len(t, written, len(changes))
	return written
}

// take takes a duty for a holder, from whoever has it.
func take(t *testing.T, d duty.Duties, holder string) scheduler.Fence {
	t.Helper()
	past := time.Unix(1, 0)
	fence, ok, err := d.Take(context.WithoutCancel(t.Context()), scheduler.DutyPlan, holder, past)
	require.NoError(t, err)
	require.True(t, ok, "an expired duty is free")
	return fence
}

// whole reads what a store shares.
func whole(records []*scheduler.Record) []scheduler.Record {
	out := make([]scheduler.Record, len(records))
	for i := range records {
		out[i] = *records[i]
	}
	return out
}

func ids(records []scheduler.Record) []scheduler.JobID {
	out := make([]scheduler.JobID, len(records))
	for i := range records {
		out[i] = records[i].Job.ID
	}
	return out
}

func names(jobs []scheduler.Job) []scheduler.JobID {
	out := make([]scheduler.JobID, len(jobs))
	for i := range jobs {
		out[i] = jobs[i].ID
	}
	return out
}

func byID(a, b scheduler.Attempt) int { return cmp.Compare(a.ID, b.ID) }

func sorted(attempts []scheduler.Attempt) []scheduler.Attempt {
	out := slices.Clone(attempts)
	slices.SortFunc(out, byID)
	return out
}

func numbered(prefix string, n int) []scheduler.JobID {
	out := make([]scheduler.JobID, n)
	for i := range out {
		out[i] = scheduler.JobID(prefix + strconv.Itoa(1000+i))
	}
	return out
}
