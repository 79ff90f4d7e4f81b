package server

import (
	"log/slog"
	"sync"
	"time"

	"github.com/olahol/melody"
)

// hubConfig sets the figures of a hub. The zero value serves one frame a second to same-origin browsers and to
// clients that send no Origin at all.
type hubConfig struct {
	// Period between two frames. Zero: one second.
	Period time.Duration
	// WriteWait is how long one write to a client may take before the client is given up. Zero: 2.5 s.
	WriteWait time.Duration
	// PingPeriod is the time between two protocol pings to each client. Zero: 15 s. A client from which nothing, not even a
	// pong, arrives in 1.5 times this period is gone.
	PingPeriod time.Duration
	// MaxClients bounds all connections. Zero: 20,000.
	MaxClients int
	// MaxPerAddress bounds the connections of one network address. Zero: 64. Loopback addresses are not counted: there
	// every client is this machine's own, or stands behind this machine's own proxy.
	MaxPerAddress int
	// Origins are further origins, as browsers send them, whose pages may connect. The page's own origin always may.
	Origins []string
	// Logger gets one line when gathering begins to fail and one when it works again. Nil: none.
	Logger *slog.Logger
}

// backlog is how many frames wait for a client whose socket is full. One more and the client counts as slow: with
// one frame a second it is then four seconds behind.
const backlog = 3

// maxFrame is the longest text, in bytes, that a client may send.
const maxFrame = 4096

// filled returns the configuration with its defaults set.
func (c hubConfig) filled() hubConfig {
	c.Period = or(c.Period, time.Second)
	c.WriteWait = or(c.WriteWait, 2500*time.Millisecond)
	c.PingPeriod = or(c.PingPeriod, 15*time.Second)
	c.MaxClients = or(c.MaxClients, 20_000)
	c.MaxPerAddress = or(c.MaxPerAddress, 64)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// open lets clients in.
func (h *hub) open() *melody.Melody {
	m := melody.New()
	m.Config.WriteWait = h.cfg.WriteWait
	m.Config.PingPeriod = h.cfg.PingPeriod
	m.Config.PongWait = h.cfg.PingPeriod * 3 / 2
	m.Config.MaxMessageSize = maxFrame
	m.Config.MessageBufferSize = backlog
	m.Upgrader.ReadBufferSize = 512
	m.Upgrader.WriteBufferSize = 4096
	m.Upgrader.WriteBufferPool = &sync.Pool{}
	m.Upgrader.HandshakeTimeout = h.cfg.WriteWait
	m.HandleConnect(h.connected)
	m.HandleMessage(h.received)
	m.HandleError(h.failed)

	h.mu.Lock()
	defer h.mu.Unlock()
	h.sockets = m
	return m
}
