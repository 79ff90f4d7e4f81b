package schedulertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// schedule is one with something in every field.
func schedule(id string) scheduler.Schedule {
	return scheduler.Schedule{
		ID: id, Tenant: "t", Owner: "o", Name: "ü", Spec: "* * * * *", Zone: "Europe/Berlin",
		Template: scheduler.Submission{
			Name: "n", Trust: &scheduler.Trust{Replicas: 3, Quorum: 2, Compare: scheduler.Comparator{By: scheduler.ByJSON}}, Count: 3, Task: scheduler.Task{Args: []string{"{index}"}, Seed: 1<<64 - 1},
			After:       []scheduler.Dependency{{Job: "j", When: scheduler.OnEnd}},
			Constraints: scheduler.Constraints{Together: "zone"}, DataMB: 0.5,
		},
		Overlap: scheduler.Forbid, CatchUp: time.Hour + 1, Next: start(), Firing: start().Add(-time.Second), Last: start().Add(-time.Minute), LastJob: "l",
		LastError: "why", Fired: 1 << 40, Skipped: 3, Version: 1,
	}
}

func keep(t *testing.T, s Subject, one scheduler.Schedule) bool {
	t.Helper()
	saved, err := s.Store.SaveSchedules(t.Context(), scheduler.Fence{}, []scheduler.Schedule{one})
	require.NoError(t, err)
	return saved[0]
}

func testSchedules(t *testing.T, s Subject) {
	one := schedule("b")
	require.True(t, keep(t, s, one))
	require.False(t, keep(t, s, one), "it is there already")
	list := func(tenant principal.Tenant, owner principal.Account) []scheduler.Schedule {
		t.Helper()
		all, err := s.Store.ListSchedules(t.Context(), tenant, owner)
		require.NoError(t, err)
		return all
	}
	Same(t, []scheduler.Schedule{one}, list("t", ""))
	one.Version, one.Paused, one.Next = 2, true, time.Time{}
	require.True(t, keep(t, s, one))
	require.False(t, keep(t, s, one), "the version before is stored no longer")
	Same(t, []scheduler.Schedule{one}, list("t", "o"))
	ahead := schedule("z")
	ahead.Version = 2
	require.False(t, keep(t, s, ahead), "there is nothing to replace")

	for _, id := range []string{"a", "c"} {
		other := schedule(id)
		other.Owner, other.Next = "p", start().Add(time.Duration(-len(id))*time.Second)
		require.True(t, keep(t, s, other))
	}
	foreign := schedule("a")
	foreign.Tenant, foreign.Next = "u", start().Add(time.Second)
	require.True(t, keep(t, s, foreign))
	require.Len(t, list("t", ""), 3)
	require.Len(t, list("t", "p"), 2)
	require.Len(t, list("", ""), 4, "of all tenants")
	require.Len(t, list("", "p"), 2)
	require.Equal(t, "a", list("t", "")[0].ID)
	due := func(now time.Time, limit int) (out []string) {
		t.Helper()
		all, err := s.Store.DueSchedules(t.Context(), now, limit)
		require.NoError(t, err)
		for _, one := range all {
			out = append(out, string(one.Tenant)+"/"+one.ID)
		}
		return out
	}
	require.Equal(t, []string{"t/a", "t/c"}, due(start(), 9))
	require.Equal(t, []string{"t/a", "t/c", "u/a"}, due(start().Add(time.Second), 9))
	require.Equal(t, []string{"t/a"}, due(start(), 1))
	require.Empty(t, due(start(), 0))
	for _, want := range []bool{true, false} {
		found, err := s.Store.DeleteSchedule(t.Context(), "t", "a")
		require.NoError(t, err)
		require.Equal(t, want, found)
	}
	require.Equal(t, []string{"t/c", "u/a"}, due(start().Add(time.Second), 9))
}

func testScheduleFence(t *testing.T, s Subject) {
	if s.Duties == nil {
		t.Skip("no duties beside this store")
	}
	old := take(t, s.Duties, "first")
	young := take(t, s.Duties, "second")
	_, err := s.Store.SaveSchedules(t.Context(), old, []scheduler.Schedule{schedule("a")})
	require.ErrorIs(t, err, scheduler.ErrFenced)
	saved, err := s.Store.SaveSchedules(t.Context(), young, []scheduler.Schedule{schedule("a")})
	require.NoError(t, err)
	require.Equal(t, []bool{true}, saved)
}

// testManySchedules saves new, known and stale ones in one call: each is judged by itself, also where tenants share an identifier.
func testManySchedules(t *testing.T, s Subject) {
	none, err := s.Store.SaveSchedules(t.Context(), scheduler.Fence{}, nil)
	require.NoError(t, err)
	require.Empty(t, none)
	require.True(t, keep(t, s, schedule("known")))
	known, stale, missing, fresh, foreign := schedule("known"), schedule("stale"), schedule("missing"), schedule("fresh"), schedule("known")
	require.True(t, keep(t, s, stale))
	known.Version, known.Fired = 2, 7
	stale.Version, missing.Version = 3, 2
	foreign.Tenant = "u"
	saved, err := s.Store.SaveSchedules(t.Context(), scheduler.Fence{}, []scheduler.Schedule{stale, fresh, known, missing, foreign})
	require.NoError(t, err)
	require.Equal(t, []bool{false, true, true, false, true}, saved)
	all, err := s.Store.ListSchedules(t.Context(), "t", "")
	require.NoError(t, err)
	Same(t, []scheduler.Schedule{fresh, known, schedule("stale")}, all)
	all, err = s.Store.ListSchedules(t.Context(), "u", "")
	require.NoError(t, err)
	Same(t, []scheduler.Schedule{foreign}, all)
}
