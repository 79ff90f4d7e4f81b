package server_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/server"
)

func TestContributions(t *testing.T) {
	a := newAPI(t, server.Config{})
	require.Equal(t, map[string]any{"contributions": []any{}, "next": ""}, a.ok("GET", "/api/idle-compute/contributions", ""))

	a.ok("POST", "/api/idle-compute/devices", aDevice)
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	_, err := a.house.Idle.Contribute(context.Background(), []idle.Contribution{
		{Job: "job-1", Slot: 0, Attempt: "job-1.0.1", Device: "phone", Account: "ada", Amount: 1_500_000, CPUSeconds: 2.5, At: at},
		{Job: "job-2", Slot: 1, Attempt: "job-2.1.1", Device: "phone", Account: "ada", At: at.Add(time.Second)},
	})
	require.NoError(t, err)
	page := a.ok("GET", "/api/idle-compute/contributions?limit=1", "")
	require.Equal(t, "job-2", page["contributions"].([]any)[0].(map[string]any)["job"], "newest first")
	page = a.ok("GET", "/api/idle-compute/contributions?limit=1&cursor="+page["next"].(string), "")
	require.Equal(t, []any{map[string]any{
		"job": "job-1", "slot": 0.0, "device": "phone", "account": "ada", "amount": 1.5, "cpuSeconds": 2.5, "at": "2030-01-02T03:04:05Z",
	}}, page["contributions"])
	require.Empty(t, a.ok("GET", "/api/idle-compute/contributions?device=phone&job=job-9", "")["contributions"])
	a.refused(http.StatusUnprocessableEntity, "GET", "/api/idle-compute/contributions?cursor=nonsense", "")
	a.refused(http.StatusUnprocessableEntity, "GET", "/api/idle-compute/contributions?limit=0", "")
}
