package schedulertest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// events reads the feed, all of which must be of what the query asks for.
func events(t *testing.T, s Subject, q scheduler.EventQuery) ([]scheduler.Event, scheduler.Seq) {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	list, at, err := s.Store.Events(t.Context(), q)
	require.NoError(t, err)
	return list, at
}

func told(t *testing.T, s Subject, id scheduler.JobID, state scheduler.State, at time.Time) {
	t.Helper()
	c := next(load(t, s.Store, id), func(j *scheduler.Job) { j.State = state })
	c.News, c.Now = true, at
	require.Equal(t, []bool{true}, commit(t, s.Store, c))
}

func testEvents(t *testing.T, s Subject) {
	list, at := events(t, s, scheduler.EventQuery{Tenant: "t"})
	require.Empty(t, list)
	require.Zero(t, at)
	a, quiet, other, foreign := job("a"), job("quiet"), job("other"), job("foreign")
	other.Owner, foreign.Tenant = "p", "u"
	_, err := s.Store.Insert(t.Context(), []scheduler.Insertion{
		{Job: a, News: true}, {Job: quiet}, {Job: other, News: true}, {Job: foreign, News: true}, array("m", 3, nil),
	})
	require.NoError(t, err)
	told(t, s, "a", scheduler.Placed, start().Add(time.Second))
	commit(t, s.Store, next(load(t, s.Store, "a"), nil)) // nothing that a reader could see
	told(t, s, "m0002", scheduler.Failed, start())
	stale := next(load(t, s.Store, "a"), nil)
	stale.Was, stale.News = 1, true
	commit(t, s.Store, stale)

	list, at = events(t, s, scheduler.EventQuery{Tenant: "t"})
	require.EqualValues(t, 5, at)
	want := []scheduler.Event{
		{Seq: 1, At: start(), Tenant: "t", Owner: "o", Job: "a", State: scheduler.Queued, Version: 1},
		{Seq: 2, At: start(), Tenant: "t", Owner: "p", Job: "other", State: scheduler.Queued, Version: 1},
		{Seq: 4, At: start().Add(time.Second), Tenant: "t", Owner: "o", Job: "a", State: scheduler.Placed, Version: 2},
		{Seq: 5, At: start(), Tenant: "t", Owner: "o", Job: "m0002", Array: "m0000", State: scheduler.Failed, Version: 2},
	}
	Same(t, want, list)
	list, at = events(t, s, scheduler.EventQuery{Tenant: "t", Limit: 2})
	Same(t, want[:2], list)
	require.EqualValues(t, 2, at, "the rest has not been looked at")
	list, at = events(t, s, scheduler.EventQuery{Tenant: "t", After: at, Limit: 2})
	Same(t, want[2:], list)
	require.EqualValues(t, 5, at)
	list, at = events(t, s, scheduler.EventQuery{Tenant: "t", Owner: "p", After: 2})
	require.Empty(t, list)
	require.EqualValues(t, 5, at)
	list, _ = events(t, s, scheduler.EventQuery{Tenant: "t", Array: "m0000"})
	Same(t, want[3:], list)
	list, at = events(t, s, scheduler.EventQuery{Tenant: "t", After: -1})
	require.Empty(t, list)
	require.EqualValues(t, 5, at, "where a reader begins")
	_, _, err = s.Store.Events(t.Context(), scheduler.EventQuery{Tenant: "t", After: 6, Limit: 1})
	require.ErrorIs(t, err, scheduler.ErrTrimmed, "a number of another feed")
}

func testEventsTrimmed(t *testing.T, s Subject) {
	for i, id := range numbered("e", 5) {
		j := job(string(id))
		j.Submitted = start().Add(time.Duration(i) * time.Second)
		if i == 3 {
			j.Submitted = start() // it was committed late
		}
		_, err := s.Store.Insert(t.Context(), []scheduler.Insertion{{Job: j, News: true}})
		require.NoError(t, err)
	}
	trim := func(after time.Duration, limit int) int {
		t.Helper()
		n, err := s.Store.TrimEvents(t.Context(), start().Add(after), limit)
		require.NoError(t, err)
		return n
	}
	require.Equal(t, 1, trim(time.Hour, 1))
	require.Zero(t, trim(0, 10))
	require.Equal(t, 1, trim(2*time.Second, 10), "what is younger keeps all that comes after it")
	_, _, err := s.Store.Events(t.Context(), scheduler.EventQuery{Tenant: "t", After: 1, Limit: 9})
	require.ErrorIs(t, err, scheduler.ErrTrimmed)
	list, at := events(t, s, scheduler.EventQuery{Tenant: "t", After: 2})
	require.Len(t, list, 3)
	require.EqualValues(t, 5, at)
	require.Equal(t, 3, trim(time.Hour, 10))
	list, at = events(t, s, scheduler.EventQuery{Tenant: "t", After: 5})
	require.Empty(t, list)
	require.EqualValues(t, 5, at)
	insert(t, s.Store, job("x"))
	told(t, s, "x", scheduler.Paused, start())
	list, _ = events(t, s, scheduler.EventQuery{Tenant: "t", After: 5})
	require.Len(t, list, 1)
	require.EqualValues(t, 6, list[0].Seq, "numbers go on")
}
