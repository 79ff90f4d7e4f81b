package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

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
