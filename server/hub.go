package server

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"
)

// hub sends one snapshot of the house a second to all clients: gathered once, encoded once.
//
// It keeps the melody library behind a small door, because melody stops for good when a broadcast meets Close, and
// stalls everybody when a session is closed inside its overflow handler. So a client that must go is not closed: its reader
// is ended by a deadline in the past (client.kick), which takes no lock and waits for nobody. And melody is closed only when
// the ticker has ended and the last session is gone.
type hub struct {
	gather func(ctx context.Context) (any, error)
	cfg    hubConfig

	wake chan struct{} // a first client came: do not let it wait for the next tick

	mu      sync.Mutex     // guards what follows
	sockets *melody.Melody // nil before open and after shut
	clients map[*client]struct{}
	nearby  map[string]int // connections by network address
	latest  []byte         // the frame of the last tick; nil when nobody listened then
	number  uint64         // of the newest frame; the first is 1

	sessions sync.WaitGroup // one for each client; nobody is added once sockets is nil
	dropped  atomic.Int64   // not under mu: sessions fail while the hub holds it
}

// hubStats are the hub's figures for /metrics.
type hubStats struct {
	Clients int   // connected now
	Frames  int64 // gathered since start
	Dropped int64 // clients told to go since start: slow, silent or talking without end
}

// newHub returns a hub that sends what gather returns. It starts nothing: until Run, every client is refused.
func newHub(gather func(ctx context.Context) (any, error), cfg hubConfig) *hub {
	return &hub{
		gather: gather, cfg: cfg.filled(), wake: make(chan struct{}, 1),
		clients: map[*client]struct{}{}, nearby: map[string]int{},
	}
}

// Run sends frames until ctx ends and returns when the last client is gone. It owns melody's dispatcher and, through
// accept, two goroutines for each client; the sockets of all are closed when it returns.
func (h *hub) Run(ctx context.Context) error {
	return h.run(ctx, h.open())
}

// run is Run once clients are taken.
func (h *hub) run(ctx context.Context, sockets *melody.Melody) error {
	h.beat(ctx, sockets)
	return h.shut(sockets)
}

// beat sends a frame at start+period, start+2*period and so on. A gather that takes longer than a period skips the ticks
// that it missed; it never moves the phase and never sends two frames together.
func (h *hub) beat(ctx context.Context, sockets *melody.Melody) {
	next := time.Now().Add(h.cfg.Period)
	timer := time.NewTimer(h.cfg.Period)
	defer timer.Stop()
	var failing bool
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
			failing = h.send(ctx, sockets, failing)
			continue
		case <-timer.C:
		}
		if h.watched() {
			failing = h.send(ctx, sockets, failing)
		} else {
			h.publish(nil)
		}
		missed := time.Since(next) / h.cfg.Period
		next = next.Add((missed + 1) * h.cfg.Period)
		timer.Reset(time.Until(next))
	}
}

// send gathers, encodes and hands one frame to every client. It reports whether gathering failed.
func (h *hub) send(ctx context.Context, sockets *melody.Melody, failing bool) bool {
	limited, cancel := context.WithTimeout(ctx, h.cfg.Period)
	defer cancel()
	frame, err := h.encode(limited)
	switch {
	case ctx.Err() != nil:
		return failing
	case err != nil:
		h.publish(nil)
		if !failing {
			h.cfg.Logger.Warn("metrics frame skipped", "error", err)
		}
		return true
	case failing:
		h.cfg.Logger.Info("metrics frames are sent again")
	}
	number := h.publish(frame)
	// melody cannot be closed here: only this goroutine closes it.
	_ = sockets.BroadcastFilter(frame, func(s *melody.Session) bool { return clientOf(s).wants(number) })
	return false
}

func (h *hub) encode(ctx context.Context) ([]byte, error) {
	snapshot, err := h.gather(ctx)
	if err != nil {
		return nil, err
	}
	return json.Marshal(snapshot)
}

// publish makes frame the one that new clients get, and numbers it. Nil: there is none, a new client has to be gathered for.
func (h *hub) publish(frame []byte) (number uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.latest = frame; frame != nil {
		h.number++
		select {
		case <-h.wake: // whoever called is among those that get this frame
		default:
		}
	}
	return h.number
}

// watched reports whether a frame would be seen by anyone.
func (h *hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients) > 0
}

// shut says goodbye to all clients, waits until the last one is gone and ends melody. A client that does not
// take its goodbye within WriteWait is cut off.
func (h *hub) shut(sockets *melody.Melody) error {
	h.mu.Lock()
	h.sockets = nil
	for c := range h.clients {
		c.goodbye()
	}
	h.mu.Unlock()

	gone := make(chan struct{})
	go func() {
		h.sessions.Wait()
		close(gone)
	}()
	patience := time.NewTimer(h.cfg.WriteWait)
	defer patience.Stop()
	for {
		select {
		case <-gone:
			if err := sockets.Close(); err != nil && !errors.Is(err, melody.ErrClosed) {
				return err
			}
			return nil
		case <-patience.C:
			h.kickAll()
			patience.Reset(50 * time.Millisecond) // a pong or the end of a handshake may have moved the deadline again
		}
	}
}

func (h *hub) kickAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.clients {
		c.kick()
	}
}

// Stats returns the hub's figures.
func (h *hub) Stats() hubStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return hubStats{Clients: len(h.clients), Frames: int64(h.number), Dropped: h.dropped.Load()}
}

// farewell is the close frame of a server that goes away; clients reconnect with back-off.
func farewell() []byte {
	return websocket.FormatCloseMessage(websocket.CloseGoingAway, "the server is going away")
}
