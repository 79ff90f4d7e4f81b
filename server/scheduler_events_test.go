package server_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/server"
)

const eventsPath = "/api/scheduler/events"

// changes asks for those after a number and returns their jobs and states, and the number to go on from.
func (a *api) changes(after float64, more string) (seen []string, next float64) {
	a.Helper()
	got := a.ok("GET", fmt.Sprintf("%s?after=%.0f%s", eventsPath, after, more), "")
	for _, e := range got["events"].([]any) {
		event := e.(map[string]any)
		require.Greater(a, event["seq"], after)
		seen = append(seen, fmt.Sprint(event["job"], " ", event["state"]))
	}
	return seen, got["next"].(float64)
}

func TestEvents(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.submit(aJob)
	begin := a.ok("GET", eventsPath, "")
	require.Equal(t, []any{}, begin["events"], "only where the changes stand")
	from := begin["next"].(float64)
	require.Positive(t, from)

	job := strings.TrimPrefix(a.submit(aJob), jobsPath+"/")
	array := strings.TrimPrefix(a.submitArray(anArray), arraysPath+"/")
	a.ok("PATCH", jobsPath+"/"+job, `{"status":"pause"}`)
	a.ok("DELETE", jobsPath+"/"+job, "")
	seen, next := a.changes(from, "")
	of := []string{}
	for _, line := range seen {
		if name, state, _ := strings.Cut(line, " "); name == job {
			of = append(of, state)
		}
	}
	require.Equal(t, []string{"pending", "queued", "paused", "cancelled"}, of)
	assert.Contains(t, seen, array+" queued")

	var paged []string
	for at := from; at < next; {
		page, then := a.changes(at, "&limit=2")
		require.LessOrEqual(t, len(page), 2)
		require.Greater(t, then, at)
		paged, at = append(paged, page...), then
	}
	require.Equal(t, seen, paged, "each once, in the same order")
	only, _ := a.changes(from, "&array="+array)
	require.NotEmpty(t, only)
	for _, line := range only {
		require.NotContains(t, line, job)
	}
	event := a.ok("GET", fmt.Sprintf("%s?after=%.0f", eventsPath, from), "")["events"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{"operator", "pending", nil}, []any{event["owner"], event["status"], event["array"]})
}

// A request is held open until there is a change, and no longer.
func TestEventsAreWaitedFor(t *testing.T) {
	a := newAPI(t, server.Config{MaxWait: time.Minute})
	from := a.ok("GET", eventsPath, "")["next"].(float64)
	none, next := a.changes(from, "&wait_seconds=0.01")
	require.Empty(t, none)
	require.InDelta(t, from, next, 0)

	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	held, w := make(chan struct{}), httptest.NewRecorder()
	go func() {
		defer close(held)
		r := httptest.NewRequestWithContext(ctx, "GET", fmt.Sprintf("%s?after=%.0f&wait_seconds=60", eventsPath, from), nil)
		r.Host, r.RemoteAddr = "localhost:8000", "127.0.0.1:4711"
		a.handler.ServeHTTP(w, r)
	}()
	job := strings.TrimPrefix(a.submit(aJob), jobsPath+"/")
	select {
	case <-held:
		require.Contains(t, w.Body.String(), job)
	case <-time.After(20 * time.Second):
		t.Fatal("the change did not end the wait")
	}
}

func TestEventsThatCannotBe(t *testing.T) {
	a := newAPI(t, server.Config{})
	for _, query := range []string{"after=-1", "after=x", "after=1.5", "after=99999999999999999999", "after=0&limit=0", "after=0&limit=1001", "after=0&wait_seconds=-1"} {
		a.refused(http.StatusUnprocessableEntity, "GET", eventsPath+"?"+query, "")
	}
	p := a.refused(http.StatusConflict, "GET", eventsPath+"?after=1000000", "")
	assert.Contains(t, p["detail"], "list the jobs again")

	s, err := server.New(house(t, fog.Config{Scheduler: scheduler.Config{Feed: -1}}), server.Config{})
	require.NoError(t, err)
	off := &api{t, s.Handler(), nil}
	for _, query := range []string{"", "?after=0"} {
		off.refused(http.StatusServiceUnavailable, "GET", eventsPath+query, "")
	}
}
