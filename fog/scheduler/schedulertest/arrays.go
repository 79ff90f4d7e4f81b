package schedulertest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// array is an insertion of an array of n jobs.
func array(id string, n int, edit func(j *scheduler.Job)) scheduler.Insertion {
	in := scheduler.Insertion{Job: job(id + "0000"), Tally: scheduler.Tally{{Tier: "gold", Name: "n"}: int64(n)}}
	if edit != nil {
		edit(&in.Job)
	}
	in.Job.Array, in.Job.Count = in.Job.ID, n
	for i := 1; i < n; i++ {
		task := in.Job
		task.ID, task.Index, task.Key, task.BodyDigest = scheduler.JobID(id+strconv.Itoa(10000 + i)[1:]), i, "", ""
		in.Rest = append(in.Rest, task)
	}
	return in
}

func testInsertArrays(t *testing.T, s Subject) {
	keyed := func(j *scheduler.Job) { j.Key, j.BodyDigest = "k", "d" }
	a, again := array("a", 700, keyed), array("b", 5, keyed)
	out, err := s.Store.Insert(t.Context(), []scheduler.Insertion{a, again, array("c", 3, nil)})
	require.NoError(t, err)
	require.Equal(t, []bool{true, false, true}, []bool{out[0].Fresh, out[1].Fresh, out[2].Fresh})
	Same(t, a.Job, out[0].Job)
	Same(t, a.Job, out[1].Job)
	tasks, err := s.Store.Tasks(t.Context(), a.Job.ID)
	require.NoError(t, err)
	require.Len(t, tasks, 700)
	require.Equal(t, a.Job.ID, tasks[0])
	for i := range a.Rest {
		require.Equal(t, a.Rest[i].ID, tasks[i+1])
	}
	Same(t, a.Rest[698], load(t, s.Store, tasks[699]).Job)
	none, err := s.Store.Tasks(t.Context(), again.Job.ID)
	require.NoError(t, err)
	require.Empty(t, none, "not a task of what was not fresh is stored")
	page, err := s.Store.Find(t.Context(), scheduler.JobQuery{Tenant: "t"})
	require.NoError(t, err)
	require.EqualValues(t, 703, page.Total)
	sums, err := s.Store.Tally(t.Context(), "t")
	require.NoError(t, err)
	require.EqualValues(t, 703, sums[scheduler.TallyKey{Tier: "gold", Name: "n"}])
}

func testOutcomes(t *testing.T, s Subject) {
	insert(t, s.Store, job("single"))
	_, err := s.Store.Insert(t.Context(), []scheduler.Insertion{array("a", 4, nil)})
	require.NoError(t, err)
	end := func(id scheduler.JobID, state scheduler.State) {
		commit(t, s.Store, next(load(t, s.Store, id), func(j *scheduler.Job) { j.State, j.Finished = state, start() }))
	}
	end("a0000", scheduler.Vested)
	end("a0002", scheduler.Failed)
	got, err := s.Store.Outcomes(t.Context(), []scheduler.JobID{"single", "a0000", "a0002", "nobody", "single"})
	require.NoError(t, err)
	require.Equal(t, map[scheduler.JobID]scheduler.Outcome{
		"single": {scheduler.Queued: 1},
		"a0000":  {scheduler.Vested: 1, scheduler.Failed: 1, scheduler.Queued: 2},
		"a0002":  {scheduler.Failed: 1},
	}, got, "the first task's name is the array's")
	got, err = s.Store.Outcomes(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, got)
	_, err = s.Store.Purge(t.Context(), start().Add(time.Hour), 1)
	require.NoError(t, err)
	got, err = s.Store.Outcomes(t.Context(), []scheduler.JobID{"a0000"})
	require.NoError(t, err)
	var left int64
	for _, n := range got["a0000"] {
		left += n
	}
	require.EqualValues(t, 3, left, "purged tasks are not counted")
}

func testFindArray(t *testing.T, s Subject) {
	_, err := s.Store.Insert(t.Context(), []scheduler.Insertion{array("a", 5, nil), array("b", 2, nil), {Job: job("c")}})
	require.NoError(t, err)
	commit(t, s.Store, next(load(t, s.Store, "a0001"), func(j *scheduler.Job) { j.State = scheduler.Placed }))
	var got []scheduler.JobID
	q := scheduler.JobQuery{Tenant: "t", Array: "a0000", States: []scheduler.State{scheduler.Queued}, Limit: 2}
	for {
		page, err := s.Store.Find(t.Context(), q)
		require.NoError(t, err)
		require.Equal(t, [2]int64{5, 4}, [2]int64{page.Total, page.Filtered})
		got = append(got, names(page.Jobs)...)
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	require.Equal(t, []scheduler.JobID{"a0004", "a0003", "a0002", "a0000"}, got)
	for _, q := range []scheduler.JobQuery{{Tenant: "u", Array: "a0000"}, {Tenant: "t", Array: "c"}, {Tenant: "t", Owner: "p", Array: "a0000"}} {
		page, err := s.Store.Find(t.Context(), q)
		require.NoError(t, err)
		require.Zero(t, page.Total)
		require.Empty(t, page.Jobs)
	}
}

// after is a blocked job that comes after others.
func after(id string, on ...scheduler.JobID) scheduler.Job {
	j := job(id)
	j.State = scheduler.Blocked
	for _, name := range on {
		j.After = append(j.After, scheduler.Dependency{Job: name, When: scheduler.OnEnd})
	}
	return j
}

func waiting(t *testing.T, s Subject, names ...scheduler.JobID) []scheduler.JobID {
	t.Helper()
	ids, err := s.Store.Waiting(t.Context(), names)
	require.NoError(t, err)
	slices.Sort(ids)
	return ids
}

func testWaiting(t *testing.T, s Subject) {
	insert(t, s.Store, job("x"), job("y"), after("a", "x"), after("b", "x", "y"))
	queued := after("q", "x")
	queued.State = scheduler.Queued
	insert(t, s.Store, queued)
	_, err := s.Store.Insert(t.Context(), []scheduler.Insertion{array("m", 2, func(j *scheduler.Job) {
		*j = after(string(j.ID), "y")
		j.State = scheduler.Pending
	})})
	require.NoError(t, err)
	require.Equal(t, []scheduler.JobID{"a", "b"}, waiting(t, s, "x"))
	require.Equal(t, []scheduler.JobID{"b", "m0000", "m0001"}, waiting(t, s, "y"))
	require.Equal(t, []scheduler.JobID{"a", "b", "m0000", "m0001"}, waiting(t, s, "x", "y", "nobody"))
	require.Empty(t, waiting(t, s))
	to := func(id scheduler.JobID, state scheduler.State) {
		commit(t, s.Store, next(load(t, s.Store, id), func(j *scheduler.Job) { j.State = state }))
	}
	to("a", scheduler.Paused)
	to("m0000", scheduler.Blocked)
	require.Equal(t, []scheduler.JobID{"a", "b", "m0000", "m0001"}, waiting(t, s, "x", "y"))
	to("b", scheduler.Queued)
	to("m0001", scheduler.Cancelled)
	require.Equal(t, []scheduler.JobID{"a", "m0000"}, waiting(t, s, "x", "y"))
	to("b", scheduler.Paused)
	require.Equal(t, []scheduler.JobID{"a", "m0000"}, waiting(t, s, "x", "y"), "it was queued before")
}

func testPurgeAwaited(t *testing.T, s Subject) {
	over := job("over")
	over.State, over.Finished = scheduler.Vested, start()
	_, err := s.Store.Insert(t.Context(), []scheduler.Insertion{
		{Job: over}, array("m", 3, func(j *scheduler.Job) { j.State, j.Finished = scheduler.Vested, start() }), {Job: after("a", "over", "m0000")},
	})
	require.NoError(t, err)
	purge := func() int {
		t.Helper()
		n, err := s.Store.Purge(t.Context(), start().Add(time.Hour), 10)
		require.NoError(t, err)
		return n
	}
	require.Zero(t, purge(), "somebody waits for all of them")
	commit(t, s.Store, next(load(t, s.Store, "a"), func(j *scheduler.Job) { j.State = scheduler.Queued }))
	require.Equal(t, 4, purge())
	require.Empty(t, waiting(t, s, "over", "m0000"))
}
