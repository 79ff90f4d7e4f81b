package server

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
)

// TestHubShutdownNeverHangs stops a hub on real sockets 200 times while frames are sent as fast as they go, clients come and
// go, and one does not read.
func TestHubShutdownNeverHangs(t *testing.T) {
	big := strings.Repeat("x", 1<<18)
	for i := range 200 {
		h := newHub(func(context.Context) (any, error) { return big, nil }, hubConfig{Period: time.Millisecond, WriteWait: 20 * time.Millisecond})
		web := httptest.NewServer(handlerOf(h))
		stop := runHub(h)
		url := "ws" + strings.TrimPrefix(web.URL, "http")
		var clients sync.WaitGroup
		ready := make(chan struct{}, 64)
		for n := range 4 {
			clients.Go(func() { visit(url, n == 0, ready) })
		}
		for range i % 4 {
			<-ready
		}
		ended := make(chan error, 1)
		go func() { ended <- stop() }()
		select {
		case err := <-ended:
			require.NoError(t, err)
		case <-time.After(20 * time.Second):
			t.Fatalf("round %d: Run hangs with %d clients", i, h.Stats().Clients)
		}
		require.Zero(t, h.Stats().Clients)
		web.CloseClientConnections()
		web.Close()
		clients.Wait()
	}
}

// visit connects once, reads until the end, or not at all when blocked. It tells ready when it got as far as it goes.
func visit(url string, blocked bool, ready chan<- struct{}) {
	defer func() { ready <- struct{}{} }()
	conn, _, err := websocket.DefaultDialer.Dial(url, nil)
	if err != nil {
		return // the hub was shut first
	}
	defer conn.Close()
	if blocked {
		ready <- struct{}{}
		_ = conn.NetConn().SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		buf := make([]byte, 1)
		for err == nil {
			_, err = conn.NetConn().Read(buf)
		}
		return
	}
	for first := true; ; first = false {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
		if first {
			ready <- struct{}{}
		}
	}
}

func TestHubRefusals(t *testing.T) {
	h := newHub(count(), hubConfig{MaxClients: 5, MaxPerAddress: 2, Origins: []string{"http://localhost:3000"}})
	web := httptest.NewServer(handlerOf(h))
	defer web.Close()
	url := "ws" + strings.TrimPrefix(web.URL, "http")
	dial := func(header map[string]string) (int, *websocket.Conn) {
		t.Helper()
		head := http.Header{}
		for k, v := range header {
			head.Set(k, v)
		}
		conn, answer, err := websocket.DefaultDialer.Dial(url, head)
		if err != nil {
			require.NotNil(t, answer, "%v", err)
			return answer.StatusCode, nil
		}
		t.Cleanup(func() { _ = conn.Close() })
		return answer.StatusCode, conn
	}
	status, _ := dial(nil)
	require.Equal(t, http.StatusServiceUnavailable, status, "before Run")
	stop := runHub(h)
	defer func() { require.NoError(t, stop()) }()
	require.Eventually(t, func() bool { s, c := dial(nil); return s == 101 && c.Close() == nil }, 5*time.Second, time.Millisecond)

	for origin, want := range map[string]int{
		"http://localhost:3000": 101, web.URL: 101, "http://LOCALHOST:3000": 101,
		"http://evil.example": 403, "null": 403, "http://localhost:3001": 403, "http://localhost:3000.evil.example": 403, "": 101,
	} {
		status, conn := dial(map[string]string{"Origin": origin})
		if origin == "" {
			status, conn = dial(nil)
		}
		require.Equal(t, want, status, "origin %q", origin)
		if conn != nil {
			_ = conn.Close()
		}
	}
	require.Eventually(t, func() bool { return h.Stats().Clients == 0 }, 5*time.Second, time.Millisecond)

	for i, want := range []int{101, 101, 429} {
		status, _ := dial(map[string]string{"X-Test-IP": fmt.Sprintf("2001:db8::%d", i)})
		require.Equal(t, want, status, "one /64 is one address")
	}
	for _, want := range []int{101, 101, 101, 503} {
		status, _ := dial(nil)
		require.Equal(t, want, status, "loopback clients meet the overall cap only")
	}
	require.Equal(t, 5, h.Stats().Clients)
}

func TestHubRefusesPlainRequests(t *testing.T) {
	h := newHub(count(), hubConfig{})
	for _, c := range []struct {
		method, version, key, upgrade string
		want                          int
	}{
		{"POST", "13", "MDEyMzQ1Njc4OWFiY2RlZg==", "websocket", 405},
		{"GET", "13", "MDEyMzQ1Njc4OWFiY2RlZg==", "", 426},
		{"GET", "8", "MDEyMzQ1Njc4OWFiY2RlZg==", "websocket", 400},
		{"GET", "13", "not base64", "websocket", 400},
		{"GET", "13", "c2hvcnQ=", "websocket", 400},
		{"GET", "13", "MDEyMzQ1Njc4OWFiY2RlZg==", "websocket", 503},
	} {
		r := httptest.NewRequest(c.method, "/ws/metrics", nil)
		r.Header.Set("Sec-WebSocket-Version", c.version)
		r.Header.Set("Sec-WebSocket-Key", c.key)
		if c.upgrade != "" {
			r.Header.Set("Connection", "keep-alive, Upgrade")
			r.Header.Set("Upgrade", c.upgrade)
		}
		status, reason := h.accept(httptest.NewRecorder(), r, "127.0.0.1")
		require.Equal(t, c.want, status, reason)
		require.NotEmpty(t, reason)
	}
	require.Zero(t, h.Stats().Clients)
}

// TestHubReleasesUnhijackable: a transport that cannot be taken over (HTTP/2) is refused and counted out again.
func TestHubReleasesUnhijackable(t *testing.T) {
	h := newHub(count(), hubConfig{})
	stop := runHub(h)
	defer func() { require.NoError(t, stop()) }()
	r := httptest.NewRequest(http.MethodGet, "/ws/metrics", nil)
	r.Header.Set("Sec-WebSocket-Version", "13")
	r.Header.Set("Sec-WebSocket-Key", "MDEyMzQ1Njc4OWFiY2RlZg==")
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	require.Eventually(t, func() bool {
		status, _ := h.accept(httptest.NewRecorder(), r, "127.0.0.1")
		return status == http.StatusInternalServerError
	}, 5*time.Second, time.Millisecond)
	require.Zero(t, h.Stats().Clients)
}

func TestMetricsFrameFields(t *testing.T) {
	text, err := json.Marshal(metricsFrame{Type: "metrics_update", Timestamp: time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)})
	require.NoError(t, err)
	require.JSONEq(t, `{
		"type": "metrics_update", "timestamp": "2030-01-02T03:04:05Z",
		"betanet": {"active_nodes": 0, "connections": 0, "latency_ms": 0, "packets": 0},
		"p2p": {"connected_peers": 0, "messages_sent": 0, "messages_received": 0},
		"scheduler": {"pending": 0, "running": 0, "total": 0},
		"idle_compute": {"total_devices": 0, "harvesting": 0},
		"tokenomics": {"total_supply": 0, "stakers": 0},
		"privacy": {"circuits": 0}, "data": {"throughput": 0}}`, string(text))
}
