package server_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/server"
)

// running is a server on a real listener.
type running struct {
	url  string
	stop func() error // ends it and returns what Serve returned; may be called again
}

func serve(t *testing.T, h *fog.Fog, config server.Config) running {
	t.Helper()
	s, err := server.New(h, config)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	stop := onceError(func() error { cancel(); return <-done })
	t.Cleanup(func() { assert.NoError(t, stop()) })
	return running{"http://" + l.Addr().String(), stop}
}

func onceError(f func() error) func() error {
	var err error
	called := false
	return func() error {
		if !called {
			called, err = true, f()
		}
		return err
	}
}

func get(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	res, err := client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close() // it was read
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

func TestServeAnswersAndStops(t *testing.T) {
	r := serve(t, house(t, fogConfig()), server.Config{})
	status, body := get(t, http.DefaultClient, r.url+"/ready")
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"status":"ready"}`, body)
	require.NoError(t, r.stop())
	_, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	assert.Error(t, err)
}

func TestReadinessIsRefusedWhileDraining(t *testing.T) {
	r := serve(t, house(t, fogConfig()), server.Config{Drain: 300 * time.Millisecond})
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	require.Eventually(t, func() bool {
		status, body := get(t, http.DefaultClient, r.url+"/ready")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "stopping")
	}, 5*time.Second, 5*time.Millisecond)
	status, _ := get(t, http.DefaultClient, r.url+"/api/scheduler/stats")
	assert.Equal(t, 200, status, "requests are still answered")
	require.NoError(t, <-stopped)
}

// TestTheFeedIsThereWheneverTheDoorIsOpen takes clients of the feed from the first moment on, and sends them away when nobody can come
// in any more: else they would come, or come back, to a server that refuses them.
func TestTheFeedIsThereWheneverTheDoorIsOpen(t *testing.T) {
	h := house(t, fogConfig())
	for range 10 {
		r := serve(t, h, server.Config{})
		address := strings.TrimPrefix(r.url, "http://")
		conn, answer, err := websocket.DefaultDialer.Dial("ws://"+address+"/ws/metrics", nil)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		stopped := make(chan error, 1)
		go func() { stopped <- r.stop() }()
		for err == nil {
			_, _, err = conn.ReadMessage()
		}
		_, err = net.Dial("tcp", address)
		require.Error(t, err)
		require.NoError(t, conn.Close())
		require.NoError(t, <-stopped)
	}
}

func TestHeldBeatIsLetGoAtTheEnd(t *testing.T) {
	h := house(t, fogConfig())
	s, err := server.New(h, server.Config{})
	require.NoError(t, err)
	(&api{t, s.Handler(), h}).agent("worker")

	r := serve(t, h, server.Config{})
	body := strings.NewReader(`{"boot":"b","seq":2,"take":1,"wait_seconds":30}`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+devicesPath+"/worker/heartbeat", body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Fog-Protocol", "1")
	answered := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			err = res.Body.Close()
		}
		answered <- err
	}()
	require.Eventually(t, func() bool { // the beat has arrived
		d, err := h.Idle.Get(context.Background(), "worker")
		return err == nil && d.Seq == 2
	}, 5*time.Second, time.Millisecond)
	begun := time.Now()
	require.NoError(t, r.stop())
	assert.Less(t, time.Since(begun), 5*time.Second)
	assert.NoError(t, <-answered)
}
