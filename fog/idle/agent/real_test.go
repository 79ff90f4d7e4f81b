package agent_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
	"github.com/fogcompute/fogcompute/fog/idle/sensor"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// deploy runs an agent with worker processes against a server on a real socket.
func deploy(t *testing.T, change func(*agent.Config)) (*hub, *agent.Agent) {
	t.Helper()
	h := newHub(t)
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	dir := t.TempDir()
	ca := filepath.Join(dir, "ca.pem")
	require.NoError(t, os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o600))
	cfg := agent.Config{
		Server: server.URL, CA: ca, Key: "secret", ID: "real", DataDir: filepath.Join(dir, "agent"), Foreground: true,
		Policy: &idle.Policy{}, Sense: 10 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	a, err := agent.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-ended)
	})
	return h, a
}

// tiles offers one attempt for each tile.
func (h *hub) tiles(module string, tiles []guest.Tile) {
	h.change(func() {
		for i, tile := range tiles {
			h.offers = append(h.offers, idle.Offer{
				Attempt: "tile-" + strconv.Itoa(i), Token: 1, Module: module, Args: tile.Args(), Output: true, MaxRuntimeSeconds: 60, MaxMemoryMB: 16,
			})
		}
	})
}

// TestReal: tiles are fetched, run in worker processes and delivered, equal to their native rendering.
func TestReal(t *testing.T) {
	t.Parallel()
	h, a := deploy(t, nil)
	tiles := guest.Whole(64, 64).Split(4, 4)
	h.tiles(h.put(guest.Mandelbrot()), tiles)
	require.Eventually(t, func() bool { return a.Status().Done == int64(len(tiles)) }, time.Minute, 5*time.Millisecond)
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, tile := range tiles {
		got := h.results["tile-"+strconv.Itoa(i)]
		require.Len(t, got, 1)
		require.Empty(t, got[0].Reason)
		pgm, summary := tile.Render()
		require.Equal(t, summary, string(got[0].Stdout))
		require.Equal(t, pgm, h.blobs[got[0].Outputs[0].SHA256])
		require.Positive(t, got[0].CPU)
	}
	require.Zero(t, a.Status().Failed)
}

// TestRealSuspend: the owner comes back while a guest spins.
func TestRealSuspend(t *testing.T) {
	t.Parallel()
	s := &sensor.Fake{}
	policy := idle.Policy{CPU: idle.Band{Start: 0.5, Stop: 0.8, Unknown: idle.AllowUnknown}}
	h, a := deploy(t, func(cfg *agent.Config) { cfg.Sensor, cfg.Policy = s, &policy })
	tile := guest.Whole(512, 512)
	tile.CX, tile.CY, tile.Scale, tile.MaxIter = -0.1, 0, 0.01, 1_000_000 // inside the set: a long time
	h.tiles(h.put(guest.Mandelbrot()), []guest.Tile{tile})
	require.Eventually(t, func() bool { return a.Status().Held == 1 }, time.Minute, time.Millisecond)
	s.Set(idle.Telemetry{CPUForeign: idle.Some(1.0)}, nil)
	suspended := func(want bool) func() bool {
		return func() bool {
			h.mu.Lock()
			defer h.mu.Unlock()
			last := h.beats[len(h.beats)-1]
			return len(last.Held) == 1 && last.Held[0].Suspended == want
		}
	}
	require.Eventually(t, suspended(true), time.Minute, time.Millisecond)
	s.Set(idle.Telemetry{}, nil)
	require.Eventually(t, suspended(false), time.Minute, time.Millisecond)
	h.change(func() { h.cancel = []string{"tile-0"} })
	require.Eventually(t, func() bool { return a.Status().Held == 0 }, time.Minute, time.Millisecond)
	require.Empty(t, h.results["tile-0"])
}

// TestRealCacheDamaged: a file of the cache that has been damaged is noticed, thrown away and fetched again.
func TestRealCacheDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	module := guest.Mandelbrot()
	sum := sha256.Sum256(module)
	name := filepath.Join(dir, "blobs", hex.EncodeToString(sum[:]))
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	module[len(module)/2] ^= 1
	require.NoError(t, os.WriteFile(name, module, 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "blobs", "new-123"), []byte("left over"), 0o600))
	h, a := deploy(t, func(cfg *agent.Config) { cfg.DataDir = dir })
	digest := h.put(guest.Mandelbrot())
	h.tiles(digest, []guest.Tile{guest.Whole(8, 8)})
	require.Eventually(t, func() bool { return a.Status().Failed == 1 }, time.Minute, 5*time.Millisecond)
	require.NoFileExists(t, filepath.Join(dir, "blobs", "new-123"))
	require.Equal(t, "infra", h.reported("tile-0")[0].Class)
	require.Equal(t, "module: digest mismatch", h.reported("tile-0")[0].Reason)
	h.change(func() { delete(h.results, "tile-0") })
	h.tiles(digest, []guest.Tile{guest.Whole(8, 8)})
	require.Eventually(t, func() bool { return a.Status().Done == 2 }, time.Minute, 5*time.Millisecond)
	require.Empty(t, h.reported("tile-0")[0].Class)
}

// reported returns what was reported about an attempt.
func (h *hub) reported(attempt string) []result {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.results[attempt]
}

// TestUnknownAuthority: a server whose certificate nobody vouches for gets no key.
func TestUnknownAuthority(t *testing.T) {
	t.Parallel()
	var asked bool
	server := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	server.Config.ErrorLog = nil
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	log := hearer{word: "-ca", heard: cancel} // it says what to do
	err := agent.Run(ctx, agent.Config{
		Server: server.URL, Key: "secret", DataDir: t.TempDir(), Executor: &bodies{}, Sensor: &sensor.Fake{},
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	require.NoError(t, err, "it tried until it was told to end")
	require.False(t, asked)
}

// hearer waits for a word in a log. The log's handler writes one line at a time.
type hearer struct {
	word  string
	heard func()
}

func (h *hearer) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(h.word)) {
		h.heard()
	}
	return len(line), nil
}

func ExampleRun() {
	// A server that refuses this device.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "this key is for users")
	}))
	defer server.Close()
	dir, err := os.MkdirTemp("", "agent-*")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	err = agent.Run(context.Background(), agent.Config{Server: server.URL, ID: "my-laptop", Type: idle.Desktop, DataDir: dir, Executor: &bodies{}})
	fmt.Println(fault.KindOf(err))
	fmt.Println(fault.Detail(err))
	// Output:
	// denied
	// POST /api/idle-compute/devices: 403: this key is for users
}
