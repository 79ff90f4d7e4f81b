package server

import (
	"net"
	"net/http"
	"sync"
)

// silent are the connections on which no whole request has come yet. Browsers and HTTP libraries open some ahead of
// need, and http.Server.Shutdown gives each of them five seconds to speak: longer than anything else that a
// shutdown waits for.
type silent struct {
	mu      sync.Mutex // guards what follows
	conns   map[net.Conn]struct{}
	refused bool // a connection that is new now is closed at once
}

func newSilent() *silent { return &silent{conns: map[net.Conn]struct{}{}} }

// note is an http.Server's ConnState.
func (s *silent) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case state != http.StateNew:
		delete(s.conns, c)
	case s.refused:
		_ = c.Close() // nothing was said on it
	default:
		s.conns[c] = struct{}{}
	}
}

// dismiss closes all of them, and from now on any that comes. A request that arrives on one at this very moment is
// cut off, as it would not have been taken a moment later.
func (s *silent) dismiss() {
	s.mu.Lock()
	s.refused = true
	conns := s.conns
	s.conns = map[net.Conn]struct{}{}
	s.mu.Unlock()
	for c := range conns {
		_ = c.Close() // nothing was said on it
	}
}
