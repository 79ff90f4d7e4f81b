package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

// A device that runs a job which has to make room is told until when.
func TestEvictionsAreTold(t *testing.T) {
	a := newAPI(t, server.Config{})
	g := a.agent("worker")
	path := a.submit(`{"name":"low","sla_tier":"bronze","cpu_required":4,"memory_required":1}`)
	offer := g.fetch()
	first := a.ok("GET", path, "")["attempts"].([]any)[0].(map[string]any)
	assert.Nil(t, first["evictAt"])
	assert.Equal(t, []any{}, first["gpus"])
	high := a.submit(`{"name":"high","sla_tier":"platinum","trust":"none","cpu_required":4,"memory_required":1}`)
	held := fmt.Sprintf(`"take":1,"wait_seconds":1,"held":[{"attempt":%q,"token":%v}]`, offer["attempt"], offer["token"])
	var until any
	a.eventually("the device is told", func() bool {
		renewed := g.beat(held)["renewed"].([]any)[0].(map[string]any)
		assert.Equal(t, offer["attempt"], renewed["attempt"])
		until = renewed["evictAt"]
		return until != nil
	})
	assert.Equal(t, until, a.ok("GET", path, "")["attempts"].([]any)[0].(map[string]any)["evictAt"], "and its owner sees it")
	assert.Equal(t, "queued", a.ok("GET", high, "")["status"])
}

// A job that waits for the room of another is expected to start when that one should end.
func TestEstimatedStartTime(t *testing.T) {
	a := newAPI(t, server.Config{})
	g := a.agent("worker")
	first := a.submit(`{"name":"first","sla_tier":"gold","trust":"none","cpu_required":3,"memory_required":1,"duration_estimate":3600}`)
	g.fetch()
	running := a.ok("GET", first, "")
	assert.Nil(t, running["estimatedStartTime"], "it has started")
	started, err := time.Parse(time.RFC3339, running["started"].(string))
	require.NoError(t, err)
	second := a.submit(`{"name":"second","sla_tier":"gold","trust":"none","cpu_required":3,"memory_required":1}`)
	var starts string
	a.eventually("a round has seen it wait", func() bool {
		starts, _ = a.ok("GET", second, "")["estimatedStartTime"].(string)
		return starts != ""
	})
	at, err := time.Parse(time.RFC3339, starts)
	require.NoError(t, err)
	assert.WithinDuration(t, started.Add(time.Hour), at, time.Minute)
	never := a.submit(`{"name":"never","sla_tier":"gold","cpu_required":5,"memory_required":1}`)
	assert.Nil(t, a.ok("GET", never, "")["estimatedStartTime"], "nobody knows")
}
