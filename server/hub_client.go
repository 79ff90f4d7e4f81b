package server

import (
	"encoding/json"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"github.com/olahol/melody"
	"golang.org/x/time/rate"
)

// client is one connection of the hub.
type client struct {
	address string          // network address without port
	conn    net.Conn        // the socket under the session; nil until it is taken over; set under the hub's lock
	session *melody.Session // nil until the handshake is done; guarded by the hub's lock
	slow    atomic.Bool     // it was told to go
	seen    atomic.Uint64   // number of the newest frame handed to this client
	frames  *rate.Limiter   // what the client may say
}

// clientKey is the name under which a melody session holds its client.
const clientKey = "client"

// clientOf returns the client of a session. Each session is made with one (hub.attend).
func clientOf(s *melody.Session) *client {
	return s.MustGet(clientKey).(*client)
}

// wants reports whether the client lacks frame number and marks it as handed out.
func (c *client) wants(number uint64) bool {
	for {
		seen := c.seen.Load()
		if seen >= number {
			return false
		}
		if c.seen.CompareAndSwap(seen, number) {
			return true
		}
	}
}

// kick ends the session by waking its reader with a deadline that has passed. It never blocks, may be called under any
// lock, and works on a client whose buffers are all full.
func (c *client) kick() {
	if c.conn == nil {
		return
	}
	_ = c.conn.SetReadDeadline(time.Unix(1, 0)) // fails only on a closed socket
}

// goodbye queues the close frame behind what the client has not read yet. The session ends once it is written.
func (c *client) goodbye() {
	if c.session != nil {
		_ = c.session.CloseWithMsg(farewell()) // fails only when the session is closed already
	}
}

// connected is called by melody after the handshake. The client gets the current frame at once; when there is none, because
// nobody listened, the hub gathers one now.
func (h *hub) connected(s *melody.Session) {
	c := clientOf(s)
	s.Request = nil // melody keeps it as long as the session; nothing reads it
	h.mu.Lock()
	defer h.mu.Unlock()
	c.session = s
	if h.sockets == nil {
		c.goodbye()
		return
	}
	if h.latest != nil {
		if c.wants(h.number) {
			_ = s.Write(h.latest)
		}
		return
	}
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// received answers a ping. A subscription needs no answer: there is one room. All else is ignored, except
// that a client that talks without end is dropped.
func (h *hub) received(s *melody.Session, text []byte) {
	c := clientOf(s)
	if !c.frames.Allow() {
		c.kick()
		return
	}
	var message struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(text, &message) == nil && message.Type == "ping" {
		_ = s.Write([]byte(`{"type":"pong"}`))
	}
}

// failed is called by melody for every error of a session. Only a full backlog needs something done: a write or a pong that
// came too late, and all else, ends the session by itself.
func (h *hub) failed(s *melody.Session, err error) {
	var late net.Error
	slow := errors.Is(err, melody.ErrMessageBufferFull) || errors.As(err, &late) && late.Timeout()
	if !slow {
		return
	}
	c := clientOf(s)
	if !c.slow.Swap(true) {
		h.dropped.Add(1)
	}
	c.kick()
}
