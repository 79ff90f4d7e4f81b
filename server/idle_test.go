package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

const devicesPath = "/api/idle-compute/devices"

// agent is a device that speaks the protocol over HTTP.
type agent struct {
	*api
	id  string
	seq int
}

func (a *api) agent(id string) *agent {
	a.Helper()
	a.ok("POST", devicesPath, fmt.Sprintf(`{"device_id":%q,"device_type":"server","cpu_cores":4,"memory_mb":4096,"policy":{}}`, id),
		"Fog-Protocol", "1")
	g := &agent{a, id, 0}
	g.beat(`"take":0`)
	return g
}

// beat sends a numbered beat with further fields and returns the directive.
func (g *agent) beat(more string) map[string]any {
	g.Helper()
	g.seq++
	got := g.ok("POST", devicesPath+"/"+g.id+"/heartbeat", fmt.Sprintf(`{"boot":"b","seq":%d,%s}`, g.seq, more), "Fog-Protocol", "1")
	assert.Equal(g, true, got["acknowledged"])
	return got["directive"].(map[string]any)
}

// fetch beats until an attempt is offered.
func (g *agent) fetch() map[string]any {
	g.Helper()
	for range 50 {
		if offers := g.beat(`"take":1,"wait_seconds":1`)["offers"].([]any); len(offers) > 0 {
			return offers[0].(map[string]any)
		}
	}
	g.Fatal("no offer")
	return nil
}

// TestPolicyOnTheWire: every rule comes in, acts, and is refused by its name where it can never hold.
func TestPolicyOnTheWire(t *testing.T) {
	a := newAPI(t, server.Config{})
	enrol := func(policy string) string {
		return fmt.Sprintf(`{"device_id":"ruled","device_type":"server","cpu_cores":4,"memory_mb":4096,"policy":%s}`, policy)
	}
	a.ok("POST", devicesPath, enrol(`{
		"pressure":{"start":10,"stop":30,"unknown":"allow"},"disk":{"start":1024,"stop":512,"unknown":"allow"},
		"networks":{"allowed":["ethernet","wifi"],"unknown":"allow"},"patience_seconds":60,
		"schedule":{"zone":"Europe/Berlin","windows":[{"days":["mon","tue","wed","thu","fri","sat","sun"],"from":"00:00","to":"24:00"}]},
		"session":{"max_seconds":3600,"cool_down_seconds":60},
		"limits":{"cpu_share":0.5,"memory_share":0.5,"tiers":[{"above":70,"below":65,"cpu_share":0.25}]}}`), "Fog-Protocol", "1")
	g := &agent{a, "ruled", 0}
	assert.Equal(t, true, g.beat(`"take":0,"telemetry":{"pressure":5,"disk_free_mb":5000,"network":"wifi"}`)["eligible"])
	got := g.beat(`"take":0,"telemetry":{"pressure":50,"disk_free_mb":5,"network":"cellular"}`)
	var codes []any
	for _, r := range got["reasons"].([]any) {
		codes = append(codes, r.(map[string]any)["code"])
	}
	assert.Equal(t, []any{"pressure_high", "disk_low", "network_kind"}, codes)
	for field, policy := range map[string]string{
		"policy.schedule.zone":             `{"schedule":{"zone":"Atlantis/Capital"}}`,
		"policy.networks.allowed":          `{"networks":{"unknown":"deny"}}`,
		"policy.session.cool_down_seconds": `{"session":{"max_seconds":3600}}`,
		"policy.limits.tiers[0].cpu_share": `{"limits":{"cpu_share":0.1,"tiers":[{"above":70,"below":65,"cpu_share":0.25}]}}`,
		"policy.dwell_seconds":             `{"dwell_seconds":3600,"schedule":{"windows":[{"from":"01:00","to":"02:00"}]}}`,
	} {
		assert.Contains(t, fmt.Sprint(a.refused(http.StatusUnprocessableEntity, "POST", devicesPath, enrol(policy))), field)
	}
}

func TestAJobRunsOverTheProtocol(t *testing.T) {
	a := newAPI(t, server.Config{})
	g := a.agent("worker")
	path := a.submit(aJob)
	offer := g.fetch()
	assert.Len(t, offer["module"], 64, "a job without a module runs the built-in guest")
	assert.NotEmpty(t, offer["args"])
	module := a.do("GET", "/api/blobs/"+offer["module"].(string), "")
	assert.Equal(t, "\x00asm", module.body[:4])
	assert.Equal(t, "running", a.ok("GET", path, "")["status"])

	attempt := "/api/scheduler/attempts/" + offer["attempt"].(string)
	token := int(offer["token"].(float64))
	a.ok("POST", attempt+"/progress", fmt.Sprintf(`{"token":%d,"fraction":0.5}`, token), "Fog-Protocol", "1")
	job := a.ok("GET", path, "")
	assert.EqualValues(t, 50, job["progress"])
	assert.Equal(t, "worker", job["node"])

	a.refused(http.StatusConflict, "POST", attempt+"/result", fmt.Sprintf(`{"token":%d,"exit_code":0}`, token+1))
	result := fmt.Sprintf(`{"token":%d,"node":"worker","exit_code":0,"stdout":"aGVsbG8=","stderr":"","cpu_seconds":0.5,"wall_seconds":1}`, token)
	done := a.ok("POST", attempt+"/result", result, "Fog-Protocol", "1")
	assert.Equal(t, done, a.ok("POST", attempt+"/result", result), "a repeated result answers as the first")

	job = a.ok("GET", path, "")
	assert.Equal(t, "completed", job["status"])
	assert.EqualValues(t, 100, job["progress"])
	assert.Equal(t, "aGVsbG8=", job["result"].(map[string]any)["stdout"])
	price := job["price"].(float64)
	a.eventually("the device is paid", func() bool {
		return a.ok("GET", "/api/tokenomics/balance?address=device:worker", "")["balance"] == price
	})
	device := a.ok("GET", devicesPath+"/worker", "")
	assert.EqualValues(t, 1, device["stats"].(map[string]any)["tasksCompleted"])
}

func TestUnknownProtocolIsRefused(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", devicesPath, aDevice)
	for _, path := range []string{"/phone/heartbeat", ""} {
		body := `{"battery":50}`
		if path == "" {
			body = aDevice
		}
		p := a.refused(http.StatusUnprocessableEntity, "POST", devicesPath+path, body, "Fog-Protocol", "2")
		assert.Contains(t, p["detail"], `version 1 of the device protocol, not "2"`)
	}
}

func TestPlainBeats(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", devicesPath, aDevice)
	a.submit(aJob)
	beat := devicesPath + "/phone/heartbeat"
	for _, c := range []struct {
		query, body       string
		battery, charging any
	}{
		{"?battery=71&is_charging=true", "", 71.0, true},
		{"", `{"battery":72,"is_charging":false}`, 72.0, false},
		{"?battery=1&is_charging=false", `{"battery":73,"is_charging":true}`, 73.0, true},
		{"?battery=74", `{"is_charging":false}`, 74.0, false},
		{"", "", 74.0, false}, // says nothing: what was known stays
	} {
		got := a.ok("POST", beat+c.query, c.body)
		assert.Empty(t, got["directive"].(map[string]any)["offers"])
		device := a.ok("GET", devicesPath+"/phone", "")
		assert.Equal(t, c.battery, device["capabilities"].(map[string]any)["battery"], c)
		assert.Equal(t, c.charging, device["capabilities"].(map[string]any)["charging"], c)
	}
}

func TestReplayedBeatIsRefused(t *testing.T) {
	a := newAPI(t, server.Config{})
	g := a.agent("worker")
	body := fmt.Sprintf(`{"boot":"b","seq":%d}`, g.seq)
	a.refused(http.StatusConflict, "POST", devicesPath+"/worker/heartbeat", body, "Fog-Protocol", "1")
}

func TestGatewayBeats(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", devicesPath, aDevice)
	got := a.ok("POST", "/api/idle-compute/heartbeats",
		`{"beats":[{"device_id":"phone","battery":33},{"device_id":"nobody"},{"device_id":"../x"}]}`)
	results := got["results"].([]any)
	require.Len(t, results, 3)
	for i, want := range []struct {
		status       float64
		acknowledged bool
	}{{200, true}, {404, false}, {422, false}} {
		r := results[i].(map[string]any)
		assert.Equal(t, want.status, r["status"], i)
		assert.Equal(t, want.acknowledged, r["acknowledged"], i)
		assert.Equal(t, want.acknowledged, r["detail"] == "", i)
		assert.Equal(t, want.acknowledged, r["directive"] != nil, i)
	}
	many, err := json.Marshal(map[string]any{"beats": make([]struct{}, 1001)})
	require.NoError(t, err)
	a.refused(http.StatusUnprocessableEntity, "POST", "/api/idle-compute/heartbeats", string(many))
}

func TestDeviceListFiltersAndPages(t *testing.T) {
	a := newAPI(t, server.Config{})
	for i := range 5 {
		a.ok("POST", devicesPath, strings.Replace(aDevice, "phone", fmt.Sprint("phone", i), 1))
	}
	a.ok("POST", devicesPath, `{"device_id":"box","device_type":"Server","cpu_cores":2,"memory_mb":1024}`)
	assert.EqualValues(t, 6, a.ok("GET", devicesPath, "")["total"])
	assert.EqualValues(t, 5, a.ok("GET", devicesPath+"?device_type=android", "")["total"])
	assert.EqualValues(t, 1, a.ok("GET", devicesPath+"?device_type=SERVER", "")["total"])
	assert.EqualValues(t, 6, a.ok("GET", devicesPath+"?status=registered", "")["total"])
	first := a.ok("GET", devicesPath+"?limit=4", "")
	require.Len(t, first["devices"], 4)
	rest := a.ok("GET", devicesPath+"?limit=4&cursor="+first["next"].(string), "")
	assert.Len(t, rest["devices"], 2)
	assert.Empty(t, rest["next"])

	box := first["devices"].([]any)[0].(map[string]any)
	assert.Equal(t, "box", box["id"])
	assert.Nil(t, box["battery"], "unknown is not zero")
	assert.Nil(t, box["temperature"])

	a.ok("DELETE", devicesPath+"/box", "")
	a.refused(http.StatusNotFound, "GET", devicesPath+"/box", "")
	a.refused(http.StatusNotFound, "DELETE", devicesPath+"/box", "")
	assert.EqualValues(t, 5, a.ok("GET", devicesPath, "")["total"])
}
