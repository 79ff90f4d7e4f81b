package server_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

const nodesPath = "/api/scheduler/nodes"

func TestNodesAreMarkedAndDrained(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.ok("POST", "/api/idle-compute/devices", aDevice)
	a.ok("POST", "/api/idle-compute/devices/phone/heartbeat", `{"battery":80,"is_charging":true}`)
	a.eventually("the device is a node", func() bool { return a.ok("GET", nodesPath, "")["total"].(float64) > 0 })
	node := func() map[string]any { return a.ok("GET", nodesPath, "")["nodes"].([]any)[0].(map[string]any) }

	a.ok("PATCH", nodesPath+"/phone", `{"labels":{"zone":"attic"},"taints":[{"key":"slow","effect":"refuse"}]}`)
	require.Equal(t, "attic", node()["labels"].(map[string]any)["zone"])
	require.Equal(t, []any{map[string]any{"key": "slow", "effect": "refuse"}}, node()["taints"])
	a.ok("PATCH", nodesPath+"/phone", `{"drained":true}`)
	require.Equal(t, true, node()["drained"])
	require.Equal(t, "attic", node()["labels"].(map[string]any)["zone"], "draining keeps the labels")

	a.refused(404, "PATCH", nodesPath+"/nobody", `{"drained":true}`)
	a.refused(404, "PATCH", nodesPath+"/nobody", `{"labels":{}}`)
	a.refused(422, "PATCH", nodesPath+"/phone", `{"taints":[{"key":"k","effect":"burn"}]}`)
	a.refused(422, "PATCH", nodesPath+"/phone", `{"labels":{"":"x"}}`)
}

func TestReservations(t *testing.T) {
	a := newAPI(t, server.Config{})
	path := "/api/scheduler/reservations"
	a.ok("PUT", path+"/demo", `{"owner":"alice","require":[{"key":"zone","op":"in","values":["a"]}],"until":"2100-01-01T00:00:00Z"}`)
	list := a.ok("GET", path, "")
	require.EqualValues(t, 1, list["total"])
	row := list["reservations"].([]any)[0].(map[string]any)
	require.Equal(t, "demo", row["id"])
	require.Equal(t, "alice", row["owner"])
	a.refused(422, "PUT", path+"/bad", `{"owner":"alice","until":"2100-01-01T00:00:00Z"}`)
	a.refused(422, "PUT", path+"/bad", `{"owner":"alice","nodes":["n"],"until":"2000-01-01T00:00:00Z"}`)
	a.refused(422, "PUT", path+"/bad", `{"owner":"alice","require":[{"key":"zone","op":"in"}],"until":"2100-01-01T00:00:00Z"}`)
	a.ok("DELETE", path+"/demo", "")
	a.ok("DELETE", path+"/demo", "")
	require.EqualValues(t, 0, a.ok("GET", path, "")["total"])
}
