package schedulertest

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func testReadyRanks(t *testing.T, s Subject) {
	var want []scheduler.JobID
	for i, tier := range scheduler.Tiers() {
		for k, id := range numbered(string(tier), 5) {
			j := job(string(id))
			j.Tier = tier
			j.Order = start().Add(time.Duration(k/2-i) * time.Second) // worse tiers are older
			insert(t, s.Store, j)
			want = append(want, id)
		}
	}
	all, err := s.Store.Ready(t.Context(), start(), nil, 100)
	require.NoError(t, err)
	require.Equal(t, want, ids(whole(all)))
	var got []scheduler.JobID
	var after *scheduler.Rank
	for range 10 {
		page, err := s.Store.Ready(t.Context(), start(), after, 3)
		require.NoError(t, err)
		if len(page) == 0 {
			break
		}
		got = append(got, ids(whole(page))...)
		rank := scheduler.RankOf(&page[len(page)-1].Job)
		after = &rank
	}
	require.Equal(t, want, got, "pages go on after the rank given")
}

func testReadyWaits(t *testing.T, s Subject) {
	for _, state := range scheduler.States() {
		j := job(string(state))
		j.State = state
		insert(t, s.Store, j)
	}
	later := job("soon")
	later.ReadyAt = start().Add(time.Second)
	insert(t, s.Store, later)
	at := func(after time.Duration) []scheduler.JobID {
		t.Helper()
		records, err := s.Store.Ready(t.Context(), start().Add(after), nil, 10)
		require.NoError(t, err)
		return ids(whole(records))
	}
	require.Empty(t, at(-time.Microsecond))
	require.Equal(t, []scheduler.JobID{"queued"}, at(0))
	require.Equal(t, []scheduler.JobID{"queued"}, at(time.Second-time.Microsecond))
	require.Equal(t, []scheduler.JobID{"queued", "soon"}, at(time.Second))

	commit(t, s.Store, next(load(t, s.Store, "queued"), func(j *scheduler.Job) { j.ReadyAt = start().Add(2 * time.Second) }))
	require.Equal(t, []scheduler.JobID{"soon"}, at(time.Second))
	one := attempt("soon", 0, 1, "n")
	one.State = scheduler.AttemptFailed
	commit(t, s.Store, next(load(t, s.Store, "soon"), nil, one))
	records, err := s.Store.Ready(t.Context(), start().Add(time.Second), nil, 10)
	require.NoError(t, err)
	Same(t, []scheduler.Record{load(t, s.Store, "soon")}, whole(records))
	before := load(t, s.Store, "soon")
	one.State = scheduler.AttemptCancelled
	commit(t, s.Store, next(*records[0], func(j *scheduler.Job) { j.State = scheduler.Placed }, one, attempt("soon", 0, 2, "n")))
	require.Empty(t, at(time.Second))
	Same(t, []scheduler.Record{before}, whole(records)) // what was read does not change any more
}

func testDue(t *testing.T, s Subject) {
	for i, after := range []time.Duration{3, 1, 2, 4} {
		j := job(string(rune('a' + i)))
		j.DueAt = start().Add(after * time.Second)
		insert(t, s.Store, j)
	}
	insert(t, s.Store, job("never"))
	due := func(after time.Duration, limit int) []scheduler.JobID {
		t.Helper()
		records, err := s.Store.Due(t.Context(), start().Add(after), limit)
		require.NoError(t, err)
		return ids(records)
	}
	require.Empty(t, due(0, 10))
	require.Equal(t, []scheduler.JobID{"b", "c", "a"}, due(3*time.Second, 10))
	require.Equal(t, []scheduler.JobID{"b", "c"}, due(3*time.Second, 2))
	commit(t, s.Store,
		next(load(t, s.Store, "b"), func(j *scheduler.Job) { j.DueAt = time.Time{} }, attempt("b", 0, 1, "n")),
		next(load(t, s.Store, "c"), func(j *scheduler.Job) { j.DueAt = start().Add(time.Hour) }),
		next(load(t, s.Store, "never"), func(j *scheduler.Job) { j.DueAt = start() }, attempt("never", 0, 1, "n")))
	require.Equal(t, []scheduler.JobID{"never", "a"}, due(3*time.Second, 10))
	records, err := s.Store.Due(t.Context(), start(), 10)
	require.NoError(t, err)
	Same(t, []scheduler.Record{load(t, s.Store, "never")}, records)
}

func testLive(t *testing.T, s Subject) {
	insert(t, s.Store, job("a"), job("b"))
	var all, want []scheduler.Attempt
	for i, state := range []scheduler.AttemptState{
		scheduler.AttemptPlaced, scheduler.AttemptRunning, scheduler.AttemptSuspended, scheduler.AttemptReported, scheduler.AttemptValid,
		scheduler.AttemptInvalid, scheduler.AttemptFailed, scheduler.AttemptLost, scheduler.AttemptExpired, scheduler.AttemptCancelled,
	} {
		a := attempt("a", i, int64(i+1), "n1")
		a.State = state
		a.Started, a.Progress = start(), 0.5
		all = append(all, a)
		if state.Live() {
			want = append(want, a)
		}
	}
	commit(t, s.Store,
		next(load(t, s.Store, "a"), nil, all...),
		next(load(t, s.Store, "b"), nil, attempt("b", 0, 1, "n2")))
	live := func(nodes ...scheduler.NodeID) []scheduler.Attempt {
		t.Helper()
		out, err := s.Store.Live(t.Context(), nodes)
		require.NoError(t, err)
		return sorted(out)
	}
	Same(t, want, live("n1"))
	Same(t, want, live("n1", "n1", "nobody"))
	require.Len(t, live("n1", "n2"), 4)
	require.Len(t, live(), 4, "nil asks for all")
	none, err := s.Store.Live(t.Context(), []scheduler.NodeID{})
	require.NoError(t, err)
	require.Empty(t, none)

	used := func(tenant principal.Tenant) []scheduler.Usage {
		t.Helper()
		out, err := s.Store.Usage(t.Context(), tenant)
		require.NoError(t, err)
		slices.SortFunc(out, func(a, b scheduler.Usage) int { return cmp.Compare(a.Node, b.Node) })
		return out
	}
	three := scheduler.Usage{Node: "n1", Used: scheduler.Capacity{MilliCPU: 3, MemoryMB: 6, MilliGPU: 9, DiskMB: 12, MbitPS: 15}, Live: 3}
	one := scheduler.Usage{Node: "n2", Used: scheduler.Capacity{MilliCPU: 1, MemoryMB: 2, MilliGPU: 3, DiskMB: 4, MbitPS: 5}, Live: 1}
	Same(t, []scheduler.Usage{three, one}, used("t"))
	Same(t, []scheduler.Usage{three, one}, used(""))
	require.Empty(t, used("u"))

	over := want[1]
	over.State, over.Result = scheduler.AttemptReported, result("x")
	placed := want[0]
	placed.State, placed.LeaseUntil = scheduler.AttemptRunning, start().Add(time.Hour)
	commit(t, s.Store, next(load(t, s.Store, "a"), nil, over, placed))
	Same(t, sorted([]scheduler.Attempt{placed, want[2]}), live("n1"))
	two := scheduler.Usage{Node: "n1", Used: scheduler.Capacity{MilliCPU: 2, MemoryMB: 4, MilliGPU: 6, DiskMB: 8, MbitPS: 10}, Live: 2}
	Same(t, []scheduler.Usage{two, one}, used("t"))
}

func testTally(t *testing.T, s Subject) {
	key := func(tier scheduler.Tier, name string) scheduler.TallyKey {
		return scheduler.TallyKey{Tier: tier, Name: name}
	}
	sums, err := s.Store.Tally(t.Context(), "t")
	require.NoError(t, err)
	require.Empty(t, sums)
	other := job("b")
	other.Tenant = "u"
	_, err = s.Store.Insert(t.Context(), []scheduler.Insertion{
		{Job: job("a"), Tally: scheduler.Tally{key("gold", "x"): 1, key("bronze", "x"): 10}},
		{Job: job("c"), Tally: scheduler.Tally{key("gold", "x"): 2}},
		{Job: other, Tally: scheduler.Tally{key("gold", "x"): 100}},
	})
	require.NoError(t, err)
	c, d := next(load(t, s.Store, "a"), nil), next(load(t, s.Store, "c"), nil)
	c.Tally = scheduler.Tally{key("gold", "x"): -5, key("gold", "y"): 1 << 40}
	d.Tally = scheduler.Tally{key("gold", "y"): 1}
	commit(t, s.Store, c, d)
	sums, err = s.Store.Tally(t.Context(), "t")
	require.NoError(t, err)
	want := map[scheduler.TallyKey]int64{key("gold", "x"): -2, key("bronze", "x"): 10, key("gold", "y"): 1<<40 + 1}
	require.Equal(t, want, sums)
	sums, err = s.Store.Tally(t.Context(), "u")
	require.NoError(t, err)
	require.Equal(t, map[scheduler.TallyKey]int64{key("gold", "x"): 100}, sums)
}
