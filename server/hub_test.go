package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/require"
)

// pipes is a listener whose connections are unbuffered pipes in memory: they work under a fake clock, and a client that
// does not read blocks its writer at once.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error { p.once.Do(func() { close(p.done) }); return nil }

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8000} }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case p.conns <- theirs:
		return ours, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

// feed is a hub at work with the means to reach it.
type feed struct {
	t      *testing.T
	hub    *hub
	dialer websocket.Dialer
	url    string
	stop   func() error // ends Run and returns its error
}

// handlerOf serves the hub in the name of the client that X-Test-IP names.
func handlerOf(h *hub) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ip := r.Header.Get("X-Test-IP")
		if ip == "" {
			ip = "127.0.0.1"
		}
		if status, reason := h.accept(w, r, ip); status != 0 {
			http.Error(w, reason, status)
		}
	})
}

// runHub runs h; the returned function ends it and returns what Run returned.
func runHub(h *hub) (stop func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	var err error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		err = h.Run(ctx)
	}()
	return func() error {
		cancel()
		<-ended
		return err
	}
}

// newFeed starts a hub on pipes, inside the caller's bubble.
func newFeed(t *testing.T, gather func(context.Context) (any, error), cfg hubConfig) *feed {
	t.Helper()
	h := newHub(gather, cfg)
	line := newPipes()
	web := &http.Server{Handler: handlerOf(h)}
	go func() { _ = web.Serve(line) }()
	f := &feed{t: t, hub: h, dialer: websocket.Dialer{NetDialContext: line.dial}, url: "ws://localhost/ws/metrics", stop: runHub(h)}
	t.Cleanup(func() {
		require.NoError(t, f.stop())
		_ = web.Close()
	})
	synctest.Wait()
	return f
}

func (f *feed) connect() *websocket.Conn {
	f.t.Helper()
	conn, _, err := f.dialer.Dial(f.url, nil)
	require.NoError(f.t, err)
	f.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// count gathers 1, 2, 3 ...
func count() func(context.Context) (any, error) {
	var n atomic.Int64
	return func(context.Context) (any, error) { return n.Add(1), nil }
}

func next(t *testing.T, conn *websocket.Conn) string {
	t.Helper()
	kind, text, err := conn.ReadMessage()
	require.NoError(t, err)
	require.Equal(t, websocket.TextMessage, kind)
	return string(text)
}

func TestHubKeepsItsPhase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		f := newFeed(t, func(context.Context) (any, error) {
			// The first is gathered for the new client. The fourth takes 2.3 periods, so it misses two ticks.
			if calls.Add(1) == 4 {
				time.Sleep(2300 * time.Millisecond)
			} else {
				time.Sleep(170 * time.Millisecond)
			}
			return calls.Load(), nil
		}, hubConfig{})
		start := time.Now()
		conn := f.connect()
		require.Equal(t, "1", next(t, conn))
		require.Equal(t, 170*time.Millisecond, time.Since(start), "the first client waits for no tick")
		for _, at := range []float64{1.17, 2.17, 5.3, 6.17, 7.17, 8.17} {
			next(t, conn)
			require.InDelta(t, at, time.Since(start).Seconds(), 1e-9)
		}
		for range 1000 {
			next(t, conn)
		}
		require.InDelta(t, 1008.17, time.Since(start).Seconds(), 1e-9, "no drift")
	})
}

func TestHubGathersOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		f := newFeed(t, func(context.Context) (any, error) { return calls.Add(1), nil }, hubConfig{})
		time.Sleep(10 * time.Second)
		require.Zero(t, calls.Load(), "nobody listens: nothing is gathered")
		conns := []*websocket.Conn{f.connect(), f.connect(), f.connect()}
		for i := 1; i <= 5; i++ {
			for _, conn := range conns {
				require.Equal(t, fmt.Sprint(i), next(t, conn), "every client sees each frame once")
			}
		}
		require.EqualValues(t, 5, calls.Load())
	})
}

func TestHubSendsSnapshotOnConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		first := f.connect()
		next(t, first)
		next(t, first) // at 1 s
		time.Sleep(400 * time.Millisecond)
		begun := time.Now()
		again := f.connect()
		require.Equal(t, "2", next(t, again), "the current frame")
		require.Zero(t, time.Since(begun), "at once")
		require.Equal(t, "3", next(t, again))
		require.Equal(t, 600*time.Millisecond, time.Since(begun), "then on the common phase")
	})
}

func TestHubDropsBlockedClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		reader := f.connect()
		next(t, reader)
		f.connect() // never reads: the pipe blocks its first frame
		begun := time.Now()
		for time.Since(begun) < 5*time.Second {
			last := time.Now()
			next(t, reader)
			require.LessOrEqual(t, time.Since(last), time.Second, "nobody waits for the blocked one")
		}
		require.Equal(t, hubStats{Clients: 1, Frames: 6, Dropped: 1}, f.hub.Stats(), "gone within 5 s")
	})
}

func TestHubDropsTrickleReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		slow := f.connect()
		begun := time.Now()
		for { // one frame every 2.4 s never trips the write deadline
			if _, _, err := slow.ReadMessage(); err != nil {
				break
			}
			time.Sleep(2400 * time.Millisecond)
		}
		synctest.Wait()
		require.Less(t, time.Since(begun), 15*time.Second)
		require.Equal(t, hubStats{Clients: 0, Frames: f.hub.Stats().Frames, Dropped: 1}, f.hub.Stats())
	})
}

func TestHubDropsSilentClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		conn := f.connect()
		conn.SetPingHandler(func(string) error { return nil }) // no pong
		begun := time.Now()
		for {
			if _, _, err := conn.ReadMessage(); err != nil {
				break
			}
		}
		require.InDelta(t, 22.5, time.Since(begun).Seconds(), 0.1)
	})
}

func TestHubAnswersPing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		conn := f.connect()
		next(t, conn)
		for _, text := range []string{
			`{"type":"subscribe","rooms":["scheduler"]}`, `{"type":"unknown"}`, `{}`, `[1]`, `garbage`, "\x00\xff", ``, `{"type":5}`,
			`{"type":"ping"}`,
		} {
			require.NoError(t, conn.WriteMessage(websocket.TextMessage, []byte(text)))
		}
		require.NoError(t, conn.WriteMessage(websocket.BinaryMessage, []byte{1, 2}))
		require.Equal(t, `{"type":"pong"}`, next(t, conn))
		require.Equal(t, "2", next(t, conn), "garbage changes nothing")
	})
}

func TestHubDropsTalker(t *testing.T) {
	for name, talk := range map[string]func(*websocket.Conn) error{
		"without end": func(c *websocket.Conn) error {
			for range 200 {
				if err := c.WriteMessage(websocket.TextMessage, []byte(`{"type":"x"}`)); err != nil {
					return err
				}
			}
			return nil
		},
		"long": func(c *websocket.Conn) error {
			return c.WriteMessage(websocket.TextMessage, []byte(strings.Repeat("x", maxFrame+1)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFeed(t, count(), hubConfig{})
				conn := f.connect()
				ended := make(chan struct{})
				go func() {
					defer close(ended)
					for {
						if _, _, err := conn.ReadMessage(); err != nil {
							return
						}
					}
				}()
				_ = talk(conn) // the socket may close under it
				<-ended
				synctest.Wait()
				require.Zero(t, f.hub.Stats().Clients)
			})
		})
	}
}

func TestHubSkipsFramesThatCannotBeGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		var calls atomic.Int64
		f := newFeed(t, func(ctx context.Context) (any, error) {
			switch n := calls.Add(1); n {
			case 2:
				return nil, errors.New("no figures")
			case 3:
				<-ctx.Done() // a gather is cut off after one period
				return nil, ctx.Err()
			default:
				return n, nil
			}
		}, hubConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		begun := time.Now()
		conn := f.connect()
		require.Equal(t, "1", next(t, conn))
		require.Equal(t, "4", next(t, conn))
		require.Equal(t, 4*time.Second, time.Since(begun))
		require.Equal(t, 1, strings.Count(log.String(), "no figures"))
		require.Equal(t, 1, strings.Count(log.String(), "sent again"))
	})
}

func TestHubGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, count(), hubConfig{})
		polite, blocked := f.connect(), f.connect()
		next(t, polite)
		begun := time.Now()
		go func() { _ = f.stop() }()
		_, _, err := polite.ReadMessage()
		require.True(t, websocket.IsCloseError(err, websocket.CloseGoingAway), "%v", err)
		require.NoError(t, f.stop())
		require.LessOrEqual(t, time.Since(begun), 3*time.Second)
		require.Zero(t, f.hub.Stats().Clients)
		_, answer, err := f.dialer.Dial(f.url, nil)
		require.Error(t, err)
		require.Equal(t, http.StatusServiceUnavailable, answer.StatusCode)
		_ = blocked.Close()
	})
}

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
