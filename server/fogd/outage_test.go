//go:build linux

package main

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/fogtest"
)

// TestDatabaseGone stops PostgreSQL under a server that a client and an agent are busy with. Meanwhile every answer is 503 with the
// cause; afterwards server and agent go on by themselves, and every job is done and paid once.
func TestDatabaseGone(t *testing.T) {
	t.Parallel()
	database := fogtest.NewPostgres(t)
	f := serveFogd(t, "DATABASE_URL="+database.URL)
	a := lend(t, f, "device")
	l := newLoad(f)
	until(t, "the agent is in the middle of it", func() bool {
		done, _ := f.completed(t)
		return done > 0
	})

	database.Stop()
	var problem struct{ Detail string }
	until(t, "the server has noticed", func() bool {
		status, err := f.try("GET", "/api/scheduler/jobs", nil, &problem)
		require.NoError(t, err)
		return status == http.StatusServiceUnavailable
	})
	assert.Contains(t, problem.Detail, "database")
	for path, want := range map[string]int{"/ready": http.StatusServiceUnavailable, "/health": http.StatusOK} {
		status, err := f.try("GET", path, nil, nil)
		require.NoError(t, err)
		assert.Equal(t, want, status, path)
	}
	status, err := f.try("POST", "/api/scheduler/jobs", task(nil), &problem)
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Contains(t, problem.Detail, "database")

	require.NoError(t, database.Start())
	until(t, "the server has recovered", func() bool {
		var health struct{ Status string }
		f.get(t, "/health", &health)
		return health.Status == "healthy"
	})
	f.whole(t, l.wait(t))
	assert.True(t, a.running())
	assert.True(t, f.running())
}
