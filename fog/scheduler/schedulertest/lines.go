package schedulertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// owned is a queued job of an owner.
func owned(id string, tenant principal.Tenant, owner principal.Account, tier scheduler.Tier, after time.Duration) scheduler.Job {
	j := job(id)
	j.Tenant, j.Owner, j.Tier, j.Order = tenant, owner, tier, start().Add(after)
	return j
}

func testLines(t *testing.T, s Subject) {
	risen := owned("f", "t", "z", scheduler.Bronze, 0)
	risen.Boost = 1
	later := owned("g", "t", "y", scheduler.Gold, 0)
	later.ReadyAt = start().Add(time.Second)
	running := owned("h", "t", "x", scheduler.Platinum, 0)
	running.State = scheduler.Running
	insert(t, s.Store,
		owned("a", "t", "b", scheduler.Silver, 2*time.Second), owned("b", "t", "b", scheduler.Silver, 0), owned("c", "t", "B", scheduler.Silver, 0),
		owned("d", "s", "z", scheduler.Silver, 0), owned("e", "t", "b", scheduler.Platinum, 0), risen, later, running)
	want := []scheduler.Line{{Weight: 8, Tenant: "t", Owner: "b"}, {Weight: 2, Tenant: "s", Owner: "z"}, {Weight: 2, Tenant: "t", Owner: "B"},
		{Weight: 2, Tenant: "t", Owner: "b"}, {Weight: 2, Tenant: "t", Owner: "z"}}
	lines := func(at time.Duration, after *scheduler.Line, limit int) []scheduler.Line {
		t.Helper()
		out, err := s.Store.Lines(t.Context(), start().Add(at), after, limit)
		require.NoError(t, err)
		return out
	}
	gold := scheduler.Line{Weight: 4, Tenant: "t", Owner: "y"}
	require.Equal(t, gold, lines(time.Second, nil, 10)[1])
	require.Equal(t, want, lines(0, nil, 10), "the order is that of the bytes, and who is not ready yet is left out")
	require.Equal(t, want[:2], lines(0, nil, 2))
	require.Equal(t, want[2:], lines(0, &want[1], 10))
	require.Equal(t, want[1:], lines(0, &gold, 10), "the line after which they come need not be there")
	require.Empty(t, lines(0, &want[4], 10))
	require.Empty(t, lines(0, nil, 0))
	require.Empty(t, lines(-time.Second, nil, 10))

	commit(t, s.Store, next(load(t, s.Store, "e"), func(j *scheduler.Job) { j.State = scheduler.Placed }),
		next(load(t, s.Store, "b"), func(j *scheduler.Job) { j.Boost = 2 }))
	require.Equal(t, append([]scheduler.Line{{Weight: 8, Tenant: "t", Owner: "b"}}, want[1:]...), lines(0, nil, 10))
}

func testHeads(t *testing.T, s Subject) {
	later := owned("late", "t", "b", scheduler.Gold, -time.Hour)
	later.ReadyAt = start().Add(time.Second)
	insert(t, s.Store, later,
		owned("b3", "t", "b", scheduler.Gold, 3*time.Second), owned("b1", "t", "b", scheduler.Gold, time.Second),
		owned("b2", "t", "b", scheduler.Gold, time.Second), owned("c1", "t", "c", scheduler.Gold, 2*time.Second),
		owned("s1", "t", "b", scheduler.Silver, 0), owned("o1", "o", "b", scheduler.Gold, 0))
	b, c := scheduler.Line{Weight: 4, Tenant: "t", Owner: "b"}, scheduler.Line{Weight: 4, Tenant: "t", Owner: "c"}
	heads := func(at time.Duration, limit int, asked ...scheduler.Head) []scheduler.JobID {
		t.Helper()
		out, err := s.Store.Heads(t.Context(), start().Add(at), asked, limit)
		require.NoError(t, err)
		return ids(whole(out))
	}
	require.Equal(t, []scheduler.JobID{"b1", "b2", "c1"}, heads(0, 2, scheduler.Head{Line: b}, scheduler.Head{Line: c}))
	require.Equal(t, []scheduler.JobID{"late", "b1"}, heads(time.Second, 2, scheduler.Head{Line: b}))
	last := load(t, s.Store, "b1").Job
	rank := scheduler.RankOf(&last)
	require.Equal(t, []scheduler.JobID{"b2", "c1", "b3"}, heads(0, 9, scheduler.Head{Line: b, After: &rank}, scheduler.Head{Line: c}))
	require.Empty(t, heads(0, 9, scheduler.Head{Line: scheduler.Line{Weight: 8, Tenant: "t", Owner: "b"}}))
	require.Empty(t, heads(0, 9))
	require.Empty(t, heads(0, 0, scheduler.Head{Line: b}))

	failed := attempt("b1", 0, 1, "n")
	failed.State = scheduler.AttemptFailed
	commit(t, s.Store, next(load(t, s.Store, "b1"), nil, failed))
	records, err := s.Store.Heads(t.Context(), start(), []scheduler.Head{{Line: b}}, 1)
	require.NoError(t, err)
	Same(t, []scheduler.Record{load(t, s.Store, "b1")}, whole(records))
}

func testMembers(t *testing.T, s Subject) {
	for i, state := range scheduler.States() {
		j := job(string(rune('a' + i)))
		j.Array, j.State = "a", state
		insert(t, s.Store, j)
	}
	other := job("x")
	other.Array = "x"
	insert(t, s.Store, other, job("single"))
	members := func(arrays ...scheduler.JobID) map[scheduler.JobID]scheduler.State {
		t.Helper()
		records, err := s.Store.Members(t.Context(), arrays)
		require.NoError(t, err)
		out := map[scheduler.JobID]scheduler.State{}
		for i := range records {
			out[records[i].Job.ID] = records[i].Job.State
		}
		require.Len(t, out, len(records))
		return out
	}
	all := members("a")
	for _, state := range all {
		require.False(t, state.Final())
	}
	require.Len(t, all, len(scheduler.States())-5)
	require.Len(t, members("a", "x", "nobody"), len(all)+1)
	require.Empty(t, members())
	require.Empty(t, members("single"), "a single job is no array")
	commit(t, s.Store, next(load(t, s.Store, "x"), func(j *scheduler.Job) { j.State, j.Finished = scheduler.Cancelled, start() }, attempt("x", 0, 1, "n")))
	require.Empty(t, members("x"))
}

func testCommitBonds(t *testing.T, s Subject) {
	insert(t, s.Store, job("a"), job("b"), job("c"), job("d"), job("e"))
	bonded := func(id scheduler.JobID, bond string, was int64) scheduler.Change {
		c := next(load(t, s.Store, id), func(j *scheduler.Job) { j.Reason = bond }, attempt(id, 0, 1, "n"))
		c.Was, c.Record.Job.Version = was, was+1
		c.Bond = bond
		return c
	}
	written := commit(t, s.Store, bonded("e", "whole", 1), bonded("d", "torn", 1), bonded("c", "torn", 7), bonded("b", "", 1), bonded("a", "whole", 1))
	require.Equal(t, []bool{true, false, false, true, true}, written)
	for id, reason := range map[scheduler.JobID]string{"a": "whole", "b": "", "c": "", "d": "", "e": "whole"} {
		require.Equal(t, reason, load(t, s.Store, id).Job.Reason, id)
	}
	live, err := s.Store.Live(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, live, 3)
	ghost := next(scheduler.Record{Job: job("ghost")}, nil)
	ghost.Bond = "torn"
	require.Equal(t, []bool{false, false, true}, commit(t, s.Store, ghost, bonded("d", "torn", 1), bonded("c", "other", 1)))
}

func testQuotas(t *testing.T, s Subject) {
	quotas := func(tenant principal.Tenant) []scheduler.Quota {
		t.Helper()
		out, err := s.Store.Quotas(t.Context(), tenant)
		require.NoError(t, err)
		return out
	}
	set := func(q ...scheduler.Quota) {
		t.Helper()
		require.NoError(t, s.Store.SaveQuotas(t.Context(), q))
	}
	require.Empty(t, quotas(""))
	a := scheduler.Quota{
		Tenant: "t", Owner: "a", Weight: 0.25, Most: scheduler.Capacity{MilliCPU: 1, MemoryMB: 2, MilliGPU: 3, DiskMB: 4, MbitPS: 5}, MaxQueued: 6, Updated: start(),
	}
	b := scheduler.Quota{Tenant: "t", Owner: "B", MaxQueued: 1, Updated: start()}
	c := scheduler.Quota{Tenant: "s", Owner: "c", Weight: 2, Updated: start()}
	set(a, b, c)
	Same(t, []scheduler.Quota{c, b, a}, quotas(""))
	Same(t, []scheduler.Quota{b, a}, quotas("t"))
	require.Empty(t, quotas("nobody"))
	a.Weight, a.Updated = 3, start().Add(time.Second)
	b.MaxQueued = 0
	set(b, a)
	Same(t, []scheduler.Quota{a}, quotas("t"))
	set(scheduler.Quota{Tenant: "t", Owner: "a", Weight: 1}, scheduler.Quota{Tenant: "t", Owner: "nobody"})
	require.Empty(t, quotas("t"), "what says nothing is not kept")
	set()
}
