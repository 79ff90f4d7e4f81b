package server_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

const quotasPath = "/api/scheduler/quotas"

func TestQuotas(t *testing.T) {
	a := newAPI(t, server.Config{})
	require.Equal(t, []any{}, a.ok("GET", quotasPath, "")["quotas"])
	set := a.ok("PUT", quotasPath, `{"quotas":[
		{"owner":"bob","weight":2.5},
		{"owner":"alice","most":{"cpu":4.5,"memory":8,"gpu":0.5,"disk":100,"bandwidth":1000},"max_queued":50}]}`)
	require.EqualValues(t, 2, set["set"])
	rows := func() []any {
		list := a.ok("GET", quotasPath, "")
		rows := list["quotas"].([]any)
		require.EqualValues(t, len(rows), list["total"])
		for _, row := range rows {
			require.NotEmpty(t, row.(map[string]any)["updated"])
			delete(row.(map[string]any), "updated")
		}
		return rows
	}
	alice := map[string]any{
		"owner": "alice", "weight": 1.0, "maxQueued": 50.0,
		"most": map[string]any{"cpu": 4.5, "memory": 8.0, "gpu": 0.5, "disk": 100.0, "bandwidth": 1000.0},
	}
	bob := map[string]any{
		"owner": "bob", "weight": 2.5, "maxQueued": 0.0,
		"most": map[string]any{"cpu": 0.0, "memory": 0.0, "gpu": 0.0, "disk": 0.0, "bandwidth": 0.0},
	}
	require.Equal(t, []any{alice, bob}, rows())

	a.ok("PUT", quotasPath, `{"quotas":[{"owner":"alice"}]}`)
	require.Equal(t, []any{bob}, rows(), "a quota that says nothing is removed, the others stay")
	a.ok("PUT", quotasPath, `{"quotas":[]}`)
	require.Equal(t, []any{bob}, rows())

	for _, wrong := range []string{
		`{}`, `{"quotas":[{}]}`, `{"quotas":[{"owner":""}]}`, `{"quotas":[{"owner":"x","weight":-1}]}`, `{"quotas":[{"owner":"x","weight":1e7}]}`,
		`{"quotas":[{"owner":"x","most":{"cpu":-1}}]}`, `{"quotas":[{"owner":"x","max_queued":-1}]}`,
		`{"quotas":[{"owner":"x","weight":3},{"owner":"x"}]}`, `{"quotas":[{"owner":"good","weight":3},{"owner":"bad","weight":1e-9}]}`,
	} {
		a.refused(http.StatusUnprocessableEntity, "PUT", quotasPath, wrong)
	}
	require.Equal(t, []any{bob}, rows(), "a refused request sets nothing")
}

func TestQuotaOfWaitingJobs(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("PUT", quotasPath, `{"quotas":[{"owner":"operator","max_queued":3}]}`)
	a.submit(aJob, "Idempotency-Key", "once")
	p := a.refused(http.StatusTooManyRequests, "POST", jobsPath, anArray)
	require.Contains(t, p["detail"], "quota")
	a.submit(aJob)
	a.submit(aJob)
	a.refused(http.StatusTooManyRequests, "POST", jobsPath, aJob)
	a.submit(aJob, "Idempotency-Key", "once") // it is there already
	require.EqualValues(t, 3, a.ok("GET", jobsPath, "")["total"], "an array is refused as a whole")
}

func TestQuotaInUse(t *testing.T) {
	a := newAPI(t, server.Config{})
	g := a.agent("worker")
	a.ok("PUT", quotasPath, `{"quotas":[{"owner":"operator","most":{"cpu":1}}]}`)
	a.submit(aJob)
	g.fetch()
	a.eventually("the planner follows the quota", func() bool {
		next := a.submit(aJob)
		waiting := a.ok("GET", next, "")["waiting"].([]any)
		a.ok("DELETE", next, "")
		return waiting[0].(map[string]any)["code"] == "quota_reached"
	})
}
