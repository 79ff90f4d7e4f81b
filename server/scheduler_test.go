package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/server"
)

const jobsPath = "/api/scheduler/jobs"

// submit posts a job and returns its path.
func (a *api) submit(body string, headers ...string) string {
	a.Helper()
	id, ok := a.ok("POST", jobsPath, body, headers...)["jobId"].(string)
	require.True(a, ok)
	require.NotEmpty(a, id)
	return jobsPath + "/" + id
}

func TestJobIsSeenAsItWasSubmitted(t *testing.T) {
	a := newAPI(t, server.Config{})
	path := a.submit(`{"name":"render","sla_tier":"GoLd","cpu_required":1.5,"memory_required":0.5,"gpu_required":0,
		"duration_estimate":30,"data_size_mb":12,"args":["1"],"trust":"quorum:2/3,json"}`)
	job := a.ok("GET", path, "")
	for field, want := range map[string]any{
		"name": "render", "status": "queued", "sla": "gold", "cpu": 1.5, "memory": 0.5, "gpu": 0.0, "node": nil, "started": nil,
		"completed": nil, "progress": 0.0, "eta": nil, "trust": "quorum:2/3,json", "owner": "operator", "state": "queued",
	} {
		assert.Equal(t, want, job[field], field)
	}
	assert.Positive(t, job["price"])
	assert.InDelta(t, 3*job["price"].(float64), job["quote"], 1e-9)
	assert.NotEmpty(t, job["logs"])
	waiting := job["waiting"].([]any)
	require.NotEmpty(t, waiting)
	assert.Equal(t, "no_nodes", waiting[0].(map[string]any)["code"])

	balance := a.ok("GET", "/api/tokenomics/balance", "")
	assert.Equal(t, "operator", balance["address"])
	assert.InDelta(t, 1_000_000-job["quote"].(float64), balance["balance"], 1e-6, "the quote is held")
}

func TestTiersInAnyCase(t *testing.T) {
	a := newAPI(t, server.Config{})
	for _, tier := range []string{"platinum", "Gold", "SILVER", "brOnze"} {
		got := a.ok("POST", jobsPath, strings.Replace(aJob, "gold", tier, 1))
		assert.Equal(t, strings.ToLower(tier), got["sla"])
	}
}

func TestJobChanges(t *testing.T) {
	a := newAPI(t, server.Config{})
	path := a.submit(aJob)
	for _, step := range []struct{ change, status string }{
		{"pause", "paused"}, {"resume", "queued"}, {"PAUSED", "paused"}, {"running", "queued"}, {"cancel", "cancelled"},
	} {
		got := a.ok("PATCH", path, `{"status":"`+step.change+`"}`)
		assert.Equal(t, step.status, got["status"], step.change)
		assert.Equal(t, step.status, a.ok("GET", path, "")["status"], "the next GET sees it")
	}
	for _, change := range []string{"pause", "resume"} {
		a.refused(http.StatusConflict, "PATCH", path, `{"status":"`+change+`"}`)
	}
}

func TestDoubleCancel(t *testing.T) {
	a := newAPI(t, server.Config{})
	path := a.submit(aJob)
	assert.Equal(t, "cancelled", a.ok("DELETE", path, "")["status"])
	a.refused(http.StatusConflict, "DELETE", path, "")
	assert.Equal(t, "cancelled", a.ok("GET", path, "")["status"])
	a.eventually("the hold is given back", func() bool {
		return a.ok("GET", "/api/tokenomics/balance", "")["balance"] == 1e6
	})
}

func TestIdempotencyKey(t *testing.T) {
	a := newAPI(t, server.Config{})
	first := a.submit(aJob, "Idempotency-Key", "once")
	assert.Equal(t, first, a.submit(aJob, "Idempotency-Key", "once"))
	a.refused(http.StatusConflict, "POST", jobsPath, strings.Replace(aJob, "render", "other", 1), "Idempotency-Key", "once")
	assert.EqualValues(t, 1, a.ok("GET", jobsPath, "")["total"])
	a.refused(http.StatusUnprocessableEntity, "POST", jobsPath, aJob, "Idempotency-Key", strings.Repeat("k", 129))
}

func TestNotEnoughFunds(t *testing.T) {
	h := house(t, fog.Config{Tokenomics: tokenomics.Config{Genesis: 1}})
	s, err := server.New(h, server.Config{})
	require.NoError(t, err)
	a := &api{t, s.Handler(), h}
	a.refused(http.StatusPaymentRequired, "POST", jobsPath, aJob)
	page := a.ok("GET", jobsPath+"?status=refused", "")
	assert.EqualValues(t, 1, page["filtered"], "a refused job is kept, so that its reason can be read")
}

func TestJobFiltersAndCursors(t *testing.T) {
	a := newAPI(t, server.Config{})
	var paths []string
	for i := range 7 {
		paths = append(paths, a.submit(strings.Replace(aJob, "render", fmt.Sprint("job ", i), 1)))
	}
	a.ok("DELETE", paths[0], "")
	for filter, want := range map[string]float64{
		"": 7, "all": 7, "pending": 6, "queued": 6, "QUEUED": 6, "cancelled": 1, "completed": 0, "running": 0, "placed": 0, "failed": 0,
	} {
		page := a.ok("GET", jobsPath+"?status="+filter, "")
		assert.EqualValues(t, want, page["filtered"], filter)
		assert.EqualValues(t, 7, page["total"], filter)
	}
	var names []any
	for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
		page := a.ok("GET", jobsPath+"?limit=3&cursor="+cursor, "")
		for _, job := range page["jobs"].([]any) {
			names = append(names, job.(map[string]any)["name"])
		}
		cursor = page["next"].(string)
		require.Less(t, pages, 3)
	}
	assert.Equal(t, []any{"job 6", "job 5", "job 4", "job 3", "job 2", "job 1", "job 0"}, names, "newest first, each once")
}

func TestStatsFollowJobs(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.submit(aJob)
	a.ok("DELETE", a.submit(aJob), "")
	stats := a.ok("GET", "/api/scheduler/stats", "")
	for field, want := range map[string]float64{"totalJobs": 2, "pendingJobs": 1, "queueLength": 1, "runningJobs": 0, "completedJobs": 0} {
		assert.EqualValues(t, want, stats[field], field)
	}
	gold := stats["sla"].(map[string]any)["gold"].(map[string]any)
	assert.EqualValues(t, 2, gold["count"])
}
