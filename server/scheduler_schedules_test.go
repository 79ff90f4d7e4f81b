package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/server"
)

const (
	schedulesPath = "/api/scheduler/schedules"
	aSchedule     = `{"name":"nightly report","spec":"30 4 * * mon-fri","zone":"Europe/Berlin","overlap":"forbid","catch_up":3600,
		"template":{"name":"report","sla_tier":"Silver","cpu_required":0.5,"memory_required":1,"count":3,"trust":"quorum:2,tolerance:0.01","priority":5,
			"duration_estimate":60,"args":["{index}"],"constraints":{"require":[{"key":"zone","op":"exists"}]}}}`
)

func TestSchedules(t *testing.T) {
	a := newAPI(t, server.Config{})
	require.Equal(t, []any{}, a.ok("GET", schedulesPath, "")["schedules"])
	done := a.ok("PUT", schedulesPath+"/nightly", aSchedule)
	assert.Equal(t, "nightly", done["scheduleId"])
	assert.Equal(t, "active", done["status"])
	require.NotNil(t, done["next"])

	one := a.ok("GET", schedulesPath+"/nightly", "")
	for field, want := range map[string]any{
		"id": "nightly", "name": "nightly report", "owner": "operator", "status": "active", "spec": "30 4 * * mon-fri", "zone": "Europe/Berlin",
		"overlap": "forbid", "catchUp": 3600.0, "next": done["next"], "last": nil, "lastJob": nil, "lastError": "", "fired": 0.0, "skipped": 0.0,
	} {
		assert.Equal(t, want, one[field], field)
	}
	template := one["template"].(map[string]any)
	for field, want := range map[string]any{
		"name": "report", "sla": "silver", "cpu": 0.5, "memory": 1.0, "count": 3.0, "trust": "quorum:2,tolerance:0.01", "priority": 5.0,
		"durationEstimate": 60.0, "after": []any{}, "gang": false,
		"constraints": map[string]any{"require": []any{map[string]any{"key": "zone", "op": "exists"}}},
	} {
		assert.Equal(t, want, template[field], field)
	}
	assert.Equal(t, guest.Digest(), template["task"].(map[string]any)["module"], "without a module it is the built-in guest")
	assert.Equal(t, []any{"{index}"}, template["task"].(map[string]any)["args"], "each job gets its own index later")

	a.ok("PUT", schedulesPath+"/another", strings.Replace(aSchedule, `"zone":"Europe/Berlin",`, `"paused":true,`, 1))
	list := a.ok("GET", schedulesPath, "")
	require.EqualValues(t, 2, list["total"])
	another := list["schedules"].([]any)[0].(map[string]any)
	assert.Equal(t, []any{"another", "paused", "", nil}, []any{another["id"], another["status"], another["zone"], another["next"]})
}

func TestScheduleChanges(t *testing.T) {
	a := newAPI(t, server.Config{})
	path := schedulesPath + "/nightly"
	next := a.ok("PUT", path, aSchedule)["next"]
	for _, step := range []struct {
		change, status string
		next           any
	}{{"pause", "paused", nil}, {"PAUSED", "paused", nil}, {"resume", "active", next}, {"active", "active", next}} {
		done := a.ok("PATCH", path, `{"status":"`+step.change+`"}`)
		assert.Equal(t, step.status, done["status"], step.change)
		assert.Equal(t, step.next, done["next"], step.change)
		assert.Equal(t, step.status, a.ok("GET", path, "")["status"], "the next GET sees it")
	}
	a.refused(http.StatusUnprocessableEntity, "PATCH", path, `{"status":"cancel"}`)
	a.ok("PUT", path, strings.Replace(aSchedule, "30 4", "0 5", 1))
	assert.Equal(t, "0 5 * * mon-fri", a.ok("GET", path, "")["spec"], "it is replaced")
	assert.EqualValues(t, 1, a.ok("GET", schedulesPath, "")["total"])

	assert.Equal(t, "deleted", a.ok("DELETE", path, "")["status"])
	for _, method := range []string{"GET", "DELETE"} {
		a.refused(http.StatusNotFound, method, path, "")
	}
	a.refused(http.StatusNotFound, "PATCH", path, `{"status":"pause"}`)
}

func TestSchedulesThatCannotBe(t *testing.T) {
	a := newAPI(t, server.Config{})
	missing := strings.Repeat("a", 64)
	for field, swap := range map[string][2]string{
		"spec":         {`"30 4 * * mon-fri"`, `"30 4 * *"`},
		"zone":         {`Europe/Berlin`, `Europe/Atlantis`},
		"overlap":      {`"forbid"`, `"burn"`},
		"catch_up":     {`"catch_up":3600`, `"catch_up":1`},
		"template":     {`"name":"report"`, `"name":"report","deadline":"2100-01-01T00:00:00Z"`},
		"module":       {`"name":"report"`, `"name":"report","module":"` + missing + `"`},
		"cpu_required": {`"cpu_required":0.5`, `"cpu_required":1e6`},
		"sla_tier":     {`"Silver"`, `"tin"`},
	} {
		p := a.refused(http.StatusUnprocessableEntity, "PUT", schedulesPath+"/x", strings.Replace(aSchedule, swap[0], swap[1], 1))
		assert.Contains(t, p["detail"], field)
	}
	for _, id := range []string{"no%20spaces", strings.Repeat("x", 65)} {
		a.refused(http.StatusUnprocessableEntity, "PUT", schedulesPath+"/"+id, aSchedule)
	}
	a.refused(http.StatusUnprocessableEntity, "PUT", schedulesPath+"/x", `{}`)
	assert.EqualValues(t, 0, a.ok("GET", schedulesPath, "")["total"])
}
