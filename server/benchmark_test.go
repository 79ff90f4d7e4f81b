package server_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/fogcompute/fogcompute/server"
)

func TestBenchmarkRunsAndStops(t *testing.T) {
	a := newAPI(t, server.Config{})
	before := a.ok("GET", "/api/benchmarks/data", "")
	assert.Zero(t, before["latency"])
	assert.Greater(t, before["timestamp"], 1.7e12)

	started := a.ok("POST", "/api/benchmarks/start", `{"type":"latency","duration":30}`)
	id := started["benchmarkId"].(string)
	assert.Equal(t, "running", started["status"])
	a.refused(http.StatusConflict, "POST", "/api/benchmarks/start", `{"type":"stress"}`)
	a.eventually("the figures are live", func() bool {
		return a.ok("GET", "/api/benchmarks/data", "")["latency"].(float64) > 0
	})
	assert.Positive(t, a.ok("GET", "/api/dashboard/stats", "")["benchmarks"].(map[string]any)["avgLatency"])

	a.refused(http.StatusNotFound, "POST", "/api/benchmarks/stop?benchmark_id=other", "")
	a.refused(http.StatusNotFound, "POST", "/api/benchmarks/stop?benchmark_id="+id, `{"benchmark_id":"other"}`) // the body wins
	stopped := a.ok("POST", "/api/benchmarks/stop?benchmark_id=other", `{"benchmark_id":"`+id+`"}`)
	assert.Equal(t, id, stopped["benchmarkId"])
	assert.Equal(t, "stopped", stopped["status"])
}

func TestBenchmarkStopsByQuery(t *testing.T) {
	a := newAPI(t, server.Config{})
	id := a.ok("POST", "/api/benchmarks/start", `{"type":"stress"}`)["benchmarkId"].(string)
	assert.Equal(t, id, a.ok("POST", "/api/benchmarks/stop?benchmark_id="+id, "")["benchmarkId"])
	a.ok("POST", "/api/benchmarks/start", `{"type":"stress"}`)
	a.ok("POST", "/api/benchmarks/stop", "{}")
}
