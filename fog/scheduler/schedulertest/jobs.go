package schedulertest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func testInsertFields(t *testing.T, s Subject) {
	insert(t, s.Store, job("a"), full("b"))
	Same(t, scheduler.Record{Job: job("a")}, load(t, s.Store, "a"))
	Same(t, scheduler.Record{Job: full("b")}, load(t, s.Store, "b"))
	none, err := s.Store.Insert(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, none)
}

func testInsertKeys(t *testing.T, s Subject) {
	keyed := func(id, key string, tenant, owner string) scheduler.Insertion {
		j := job(id)
		j.Key, j.Tenant, j.Owner = key, principal.Tenant(tenant), principal.Account(owner)
		return scheduler.Insertion{Job: j, Tally: scheduler.Tally{{Tier: "gold", Name: "n"}: 1}}
	}
	first, err := s.Store.Insert(t.Context(), []scheduler.Insertion{
		keyed("a", "k", "t", "o"), keyed("b", "k", "t", "o"), keyed("c", "", "t", "o"), keyed("d", "", "t", "o"),
		keyed("e", "k", "t", "p"), keyed("f", "k", "u", "o"),
	})
	require.NoError(t, err)
	fresh := []bool{}
	for _, in := range first {
		fresh = append(fresh, in.Fresh)
	}
	require.Equal(t, []bool{true, false, true, true, true, true}, fresh)
	Same(t, first[0].Job, first[1].Job)

	commit(t, s.Store, next(load(t, s.Store, "a"), func(j *scheduler.Job) { j.State = scheduler.Cancelled }))
	again, err := s.Store.Insert(t.Context(), []scheduler.Insertion{keyed("z", "k", "t", "o")})
	require.NoError(t, err)
	require.False(t, again[0].Fresh)
	Same(t, load(t, s.Store, "a").Job, again[0].Job)
	records, err := s.Store.Load(t.Context(), []scheduler.JobID{"b", "z"})
	require.NoError(t, err)
	require.Empty(t, records)
	sums, err := s.Store.Tally(t.Context(), "t")
	require.NoError(t, err)
	require.EqualValues(t, 4, sums[scheduler.TallyKey{Tier: "gold", Name: "n"}], "only fresh jobs are counted")
}

func testLoadUnknown(t *testing.T, s Subject) {
	insert(t, s.Store, job("a"))
	records, err := s.Store.Load(t.Context(), []scheduler.JobID{"nobody", "a"})
	require.NoError(t, err)
	require.Equal(t, []scheduler.JobID{"a"}, ids(records))
	records, err = s.Store.Load(t.Context(), nil)
	require.NoError(t, err)
	require.Empty(t, records)
}

func testCommitFields(t *testing.T, s Subject) {
	insert(t, s.Store, job("a"))
	r := load(t, s.Store, "a")
	change(&r.Job)
	require.Equal(t, []bool{true}, commit(t, s.Store, scheduler.Change{Was: 1, Record: &r}))
	Same(t, r, load(t, s.Store, "a"))

	back := next(r, func(j *scheduler.Job) {
		was := job("a")
		was.Version = j.Version
		*j = was
	})
	require.Equal(t, []bool{true}, commit(t, s.Store, back))
	Same(t, *back.Record, load(t, s.Store, "a"))
}

func testCommitAttempts(t *testing.T, s Subject) {
	insert(t, s.Store, job("a"), job("b"))
	one, two := attempt("a", 0, 1, "n1"), attempt("a", 1, 2, "n2")
	commit(t, s.Store, next(load(t, s.Store, "a"), nil, one, two))
	require.Empty(t, load(t, s.Store, "b").Attempts)
	Same(t, []scheduler.Attempt{one, two}, load(t, s.Store, "a").Attempts)

	one.State, one.Class, one.Reason, one.Progress = scheduler.AttemptFailed, scheduler.ClassJob, "why", 0.5
	one.Started, one.Since, one.Ended = start().Add(time.Second), start().Add(2*time.Second), start().Add(3*time.Second)
	one.LeaseUntil, one.EndBy = start().Add(4*time.Second), start().Add(5*time.Second)
	one.Result = result("x")
	one.EvictAt, one.EvictFor = start().Add(6*time.Second), "other"
	three := attempt("a", 0, 10, "n1")
	commit(t, s.Store, next(load(t, s.Store, "a"), nil, three, one))
	Same(t, []scheduler.Attempt{one, two, three}, load(t, s.Store, "a").Attempts)

	commit(t, s.Store, next(load(t, s.Store, "a"), nil))
	Same(t, []scheduler.Attempt{one, two, three}, load(t, s.Store, "a").Attempts)
}

func testCommitStale(t *testing.T, s Subject) {
	insert(t, s.Store, job("a"), job("b"))
	a, b := load(t, s.Store, "a"), load(t, s.Store, "b")
	commit(t, s.Store, next(a, func(j *scheduler.Job) { j.Reason = "first" }))
	stale := next(a, func(j *scheduler.Job) { j.Reason = "second" }, attempt("a", 0, 1, "n"))
	stale.Tally = scheduler.Tally{{Tier: "gold", Name: "n"}: 1}
	ghost := next(scheduler.Record{Job: job("ghost")}, nil, attempt("ghost", 0, 1, "n"))
	good := next(b, func(j *scheduler.Job) { j.Reason = "third" }, attempt("b", 0, 1, "n"))
	require.Equal(t, []bool{false, false, true}, commit(t, s.Store, stale, ghost, good))

	r := load(t, s.Store, "a")
	require.Equal(t, "first", r.Job.Reason)
	require.Empty(t, r.Attempts)
	Same(t, *good.Record, load(t, s.Store, "b"))
	live, err := s.Store.Live(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, live, 1)
	sums, err := s.Store.Tally(t.Context(), "t")
	require.NoError(t, err)
	require.Zero(t, sums[scheduler.TallyKey{Tier: "gold", Name: "n"}])
	require.Empty(t, commit(t, s.Store))
}

func testCommitMany(t *testing.T, s Subject) {
	const n = 700
	var jobs []scheduler.Job
	for _, id := range numbered("m", n) {
		jobs = append(jobs, job(string(id)))
	}
	insert(t, s.Store, jobs...)
	records, err := s.Store.Load(t.Context(), numbered("m", n))
	require.NoError(t, err)
	require.Len(t, records, n)
	var changes []scheduler.Change
	for _, r := range records {
		changes = append(changes, next(r, func(j *scheduler.Job) { j.State = scheduler.Placed }, attempt(r.Job.ID, 0, 1, "n")))
	}
	for _, ok := range commit(t, s.Store, changes...) {
		require.True(t, ok)
	}
	live, err := s.Store.Live(t.Context(), []scheduler.NodeID{"n"})
	require.NoError(t, err)
	require.Len(t, live, n)
}

func testCommitFence(t *testing.T, s Subject) {
	if s.Duties == nil {
		t.Skip("no duties beside this store")
	}
	insert(t, s.Store, job("a"), job("b"))
	old := take(t, s.Duties, "first")
	c := next(load(t, s.Store, "a"), func(j *scheduler.Job) { j.Reason = "planned" })
	written, err := s.Store.Commit(t.Context(), old, []scheduler.Change{c})
	require.NoError(t, err)
	require.Equal(t, []bool{true}, written)

	young := take(t, s.Duties, "second")
	require.Greater(t, young.Number, old.Number)
	c = next(load(t, s.Store, "b"), func(j *scheduler.Job) { j.Reason = "planned" })
	_, err = s.Store.Commit(t.Context(), old, []scheduler.Change{c})
	require.ErrorIs(t, err, scheduler.ErrFenced)
	require.Empty(t, load(t, s.Store, "b").Job.Reason)
	written, err = s.Store.Commit(t.Context(), young, []scheduler.Change{c})
	require.NoError(t, err)
	require.Equal(t, []bool{true}, written)
}

func testCommitRaces(t *testing.T, s Subject) {
	insert(t, s.Store, job("a"), job("b"))
	var written atomic.Int64
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for range 20 {
				records, err := s.Store.Load(t.Context(), []scheduler.JobID{"a", "b"})
				if err != nil || len(records) != 2 {
					t.Error(err, len(records))
					return
				}
				if w%2 == 1 { // the order of the locks must not matter
					records[0], records[1] = records[1], records[0]
				}
				out, err := s.Store.Commit(t.Context(), scheduler.Fence{}, []scheduler.Change{next(records[0], nil), next(records[1], nil)})
				if err != nil {
					t.Error(err)
					return
				}
				for _, ok := range out {
					if ok {
						written.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	versions := load(t, s.Store, "a").Job.Version + load(t, s.Store, "b").Job.Version
	require.Equal(t, written.Load()+2, versions, "each change that was written counted once")
	require.GreaterOrEqual(t, written.Load(), int64(20))
}

func testFacts(t *testing.T, s Subject) {
	if s.Facts == nil {
		t.Skip("no facts beside this store")
	}
	fact := func(id string) []scheduler.Fact {
		return []scheduler.Fact{{Topic: scheduler.TopicSettle, ID: id, Version: 7}}
	}
	keyed := full("a")
	_, err := s.Store.Insert(t.Context(), []scheduler.Insertion{{Job: keyed, Facts: fact("inserted")}})
	require.NoError(t, err)
	keyed.ID = "again"
	_, err = s.Store.Insert(t.Context(), []scheduler.Insertion{{Job: keyed, Facts: fact("not fresh")}})
	require.NoError(t, err)
	r := load(t, s.Store, "a")
	c := next(r, nil)
	c.Facts = fact("committed")
	commit(t, s.Store, c)
	c.Facts = fact("stale")
	commit(t, s.Store, c)
	require.Equal(t, append(fact("inserted"), fact("committed")...), s.Facts(t))
}

func testFindPages(t *testing.T, s Subject) {
	var want []scheduler.JobID
	for i, id := range numbered("p", 10) {
		j := full(string(id))
		j.Submitted = start().Add(time.Duration(i/3) * time.Microsecond) // some at the same time
		insert(t, s.Store, j)
		want = append([]scheduler.JobID{id}, want...)
	}
	var got []scheduler.JobID
	q := scheduler.JobQuery{Tenant: "t", Limit: 4}
	for pages := 0; ; pages++ {
		require.Less(t, pages, 5)
		page, err := s.Store.Find(t.Context(), q)
		require.NoError(t, err)
		require.EqualValues(t, 10, page.Total)
		require.EqualValues(t, 10, page.Filtered)
		for i := range page.Jobs {
			wantJob := load(t, s.Store, page.Jobs[i].ID).Job
			wantJob.Task, wantJob.Log, wantJob.Result = scheduler.Task{}, nil, nil
			Same(t, wantJob, page.Jobs[i])
		}
		got = append(got, names(page.Jobs)...)
		if page.Next == "" {
			break
		}
		q.Cursor = page.Next
		late := job("late" + string(rune('a'+pages)))
		late.Submitted = start().Add(time.Hour)
		late.Tenant = "other"
		insert(t, s.Store, late)
	}
	require.Equal(t, want, got)

	q = scheduler.JobQuery{Tenant: "t", Limit: 10}
	page, err := s.Store.Find(t.Context(), q)
	require.NoError(t, err)
	require.Len(t, page.Jobs, 10)
	require.Empty(t, page.Next, "no page follows one that ends the list")
}

func testFindFilters(t *testing.T, s Subject) {
	for i, f := range []struct {
		tenant principal.Tenant
		owner  principal.Account
		state  scheduler.State
		tier   scheduler.Tier
	}{
		{"t", "o", scheduler.Queued, scheduler.Gold},
		{"t", "o", scheduler.Vested, scheduler.Gold},
		{"t", "o", scheduler.Failed, scheduler.Bronze},
		{"t", "p", scheduler.Queued, scheduler.Gold},
		{"u", "o", scheduler.Queued, scheduler.Gold},
	} {
		j := job(string(rune('a' + i)))
		j.Tenant, j.Owner, j.State, j.Tier, j.Finished = f.tenant, f.owner, f.state, f.tier, start()
		insert(t, s.Store, j)
	}
	for _, c := range []struct {
		q               scheduler.JobQuery
		want            string
		total, filtered int64
	}{
		{scheduler.JobQuery{Tenant: "t"}, "dcba", 4, 4},
		{scheduler.JobQuery{Tenant: "t", Owner: "o"}, "cba", 3, 3},
		{scheduler.JobQuery{Tenant: "t", States: []scheduler.State{scheduler.Queued}}, "da", 4, 2},
		{scheduler.JobQuery{Tenant: "t", States: []scheduler.State{scheduler.Vested, scheduler.Failed}}, "cb", 4, 2},
		{scheduler.JobQuery{Tenant: "t", Tier: scheduler.Bronze}, "c", 4, 1},
		{scheduler.JobQuery{Tenant: "t", Owner: "o", Tier: scheduler.Gold, States: []scheduler.State{scheduler.Queued}}, "a", 3, 1},
		{scheduler.JobQuery{Tenant: "u"}, "e", 1, 1},
		{scheduler.JobQuery{Tenant: "nobody"}, "", 0, 0},
	} {
		page, err := s.Store.Find(t.Context(), c.q)
		require.NoError(t, err)
		got := ""
		for _, id := range names(page.Jobs) {
			got += string(id)
		}
		require.Equal(t, c.want, got, "%+v", c.q)
		require.Equal(t, [2]int64{c.total, c.filtered}, [2]int64{page.Total, page.Filtered}, "%+v", c.q)
	}
	commit(t, s.Store, next(load(t, s.Store, "a"), func(j *scheduler.Job) { j.State = scheduler.Placed }))
	page, err := s.Store.Find(t.Context(), scheduler.JobQuery{Tenant: "t", States: []scheduler.State{scheduler.Queued}})
	require.NoError(t, err)
	require.EqualValues(t, 1, page.Filtered)
}

func testTenants(t *testing.T, s Subject) {
	for i, tenant := range []principal.Tenant{"u", "t", "u"} {
		j := job(string(rune('a' + i)))
		j.Tenant = tenant
		if i > 0 {
			j.State, j.Finished = scheduler.Vested, start()
		}
		insert(t, s.Store, j)
	}
	tenants, err := s.Store.Tenants(t.Context())
	require.NoError(t, err)
	require.Equal(t, []principal.Tenant{"t", "u"}, tenants)
	_, err = s.Store.Purge(t.Context(), start().Add(time.Hour), 10)
	require.NoError(t, err)
	tenants, err = s.Store.Tenants(t.Context())
	require.NoError(t, err)
	require.Equal(t, []principal.Tenant{"u"}, tenants, "nothing is left of the other")
}

func testFindCursor(t *testing.T, s Subject) {
	for _, cursor := range []string{"x", "!", "MTIz", "LmE"} {
		_, err := s.Store.Find(t.Context(), scheduler.JobQuery{Tenant: "t", Cursor: cursor})
		require.Equal(t, fault.Invalid, fault.KindOf(err), cursor)
		require.Equal(t, "cursor", fault.FieldOf(err))
	}
}

func testPurge(t *testing.T, s Subject) {
	for i, state := range scheduler.States() {
		j := job(string(state))
		j.State, j.Key, j.Finished = state, "key "+string(state), start().Add(time.Duration(i))
		if state == scheduler.Expired {
			j.Finished = start().Add(time.Hour)
		}
		j.Finished = j.Finished.Truncate(time.Microsecond)
		_, err := s.Store.Insert(t.Context(), []scheduler.Insertion{{Job: j, Tally: scheduler.Tally{{Tier: "gold", Name: "n"}: 1}}})
		require.NoError(t, err)
	}
	commit(t, s.Store, next(load(t, s.Store, "vested"), nil, attempt("vested", 0, 1, "n")))
	before := start().Add(time.Minute)
	n, err := s.Store.Purge(t.Context(), before, 3)
	require.NoError(t, err)
	require.Equal(t, 3, n)
	n, err = s.Store.Purge(t.Context(), before, 3)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	page, err := s.Store.Find(t.Context(), scheduler.JobQuery{Tenant: "t"})
	require.NoError(t, err)
	require.EqualValues(t, len(scheduler.States())-4, page.Total)
	for _, j := range page.Jobs {
		require.True(t, !j.State.Final() || j.State == scheduler.Expired, j.State)
	}
	records, err := s.Store.Load(t.Context(), []scheduler.JobID{"vested"})
	require.NoError(t, err)
	require.Empty(t, records)
	sums, err := s.Store.Tally(t.Context(), "t")
	require.NoError(t, err)
	require.EqualValues(t, len(scheduler.States()), sums[scheduler.TallyKey{Tier: "gold", Name: "n"}], "tallies stay")
	reused := job("new")
	reused.Key = "key vested"
	insert(t, s.Store, reused)
}

func testInsertKnown(t *testing.T, s Subject) {
	keyed := func(id, key string, known bool) scheduler.Insertion {
		j := job(id)
		j.Key = key
		return scheduler.Insertion{Job: j, Known: known, Tally: scheduler.Tally{{Tier: "gold", Name: "n"}: 1}}
	}
	out, err := s.Store.Insert(t.Context(), []scheduler.Insertion{
		keyed("a", "k", false), keyed("b", "k", true), keyed("c", "", true), keyed("d", "l", true), keyed("e", "l", false),
	})
	require.NoError(t, err)
	require.Equal(t, scheduler.JobID("a"), out[1].Job.ID, "what is stored under the key")
	require.Equal(t, []bool{true, false, false, false, true}, []bool{out[0].Fresh, out[1].Fresh, out[2].Fresh, out[3].Fresh, out[4].Fresh})
	require.Empty(t, out[2].Job.ID)
	records, err := s.Store.Load(t.Context(), []scheduler.JobID{"b", "c", "d"})
	require.NoError(t, err)
	require.Empty(t, records)
	sums, err := s.Store.Tally(t.Context(), "t")
	require.NoError(t, err)
	require.EqualValues(t, 2, sums[scheduler.TallyKey{Tier: "gold", Name: "n"}])
	out, err = s.Store.Insert(t.Context(), []scheduler.Insertion{keyed("z", "l", true)})
	require.NoError(t, err)
	require.Equal(t, scheduler.JobID("e"), out[0].Job.ID)
}
