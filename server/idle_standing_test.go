package server_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

// TestTrustOverHTTP: what strangers say about an adaptive job is compared, and whoever lies loses its good name for all to see.
func TestTrustOverHTTP(t *testing.T) {
	a := newAPI(t, server.Config{})
	agents := map[string]*agent{}
	for _, id := range []string{"one", "two", "liar"} {
		agents[id] = a.agent(id)
	}
	job := a.ok("POST", "/api/scheduler/jobs", `{"name":"doubtful","sla_tier":"gold","cpu_required":1,"memory_required":0.1,"trust":"adaptive"}`)["jobId"].(string)
	said := map[string]bool{}
	require.Eventually(t, func() bool {
		for id, g := range agents {
			for _, o := range g.beat(`"take":1`)["offers"].([]any) {
				offer := o.(map[string]any)
				out := "dHJ1dGg="
				if id == "liar" {
					out = "bGllcw=="
				}
				a.ok("POST", "/api/scheduler/attempts/"+offer["attempt"].(string)+"/result",
					fmt.Sprintf(`{"token":%v,"exit_code":0,"stdout":%q}`, offer["token"], out), "Fog-Protocol", "1")
				said[id] = true
			}
		}
		return a.ok("GET", "/api/scheduler/jobs/"+job, "")["status"] == "completed"
	}, 30*time.Second, 100*time.Millisecond)
	assert.GreaterOrEqual(t, len(said), 2, "nobody is believed alone")
	assert.Equal(t, "adaptive", a.ok("GET", "/api/scheduler/jobs/"+job, "")["trust"])
	for id := range said {
		var rows []any
		require.Eventually(t, func() bool {
			rows = a.ok("GET", devicesPath+"/"+id+"/reputation", "")["reputations"].([]any)
			return len(rows) == 1
		}, 10*time.Second, 10*time.Millisecond)
		row := rows[0].(map[string]any)
		assert.Equal(t, "wasm", row["class"])
		assert.EqualValues(t, 1, row["checkShare"])
		if id == "liar" {
			assert.EqualValues(t, 1, row["strikes"])
		} else {
			assert.EqualValues(t, 1, row["valid"])
		}
	}
}

// TestStandingOverHTTP: drained, banned, and let back in.
func TestStandingOverHTTP(t *testing.T) {
	a := newAPI(t, server.Config{})
	g := a.agent("d")
	order := func(verb, body string) string {
		t.Helper()
		return a.ok("POST", devicesPath+"/d/"+verb, body)["status"].(string)
	}
	assert.Equal(t, "draining", order("drain", `{"on":true}`))
	assert.Equal(t, "drain", g.beat(`"take":1`)["desired"])
	assert.Equal(t, "idle", order("drain", `{"on":false}`))
	assert.Equal(t, "revoked", order("revoke", `{"reason":"it lies"}`))
	got := g.beat(`"take":1`)
	assert.Equal(t, "stop", got["desired"])
	assert.Contains(t, fmt.Sprint(got["reasons"]), "it lies")
	assert.Equal(t, "registered", order("restore", ""))
	assert.Equal(t, "run", g.beat(`"take":1`)["desired"])
	assert.Empty(t, a.ok("GET", devicesPath+"/d/reputation", "")["reputations"])
}
