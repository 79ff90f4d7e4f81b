package server

import (
	"bufio"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"
	"golang.org/x/time/rate"
)

// accept upgrades a request to a WebSocket, in the name of the client at ip. All questions are asked before the upgrade:
// status 0 says that the connection is taken over, any other that the caller must answer with it. It does not wait for
// the connection to end, so that a request's buffers, log line and duration do not last as long.
func (h *hub) accept(w http.ResponseWriter, r *http.Request, ip string) (status int, reason string) {
	if status, reason = h.judge(r); status != 0 {
		return status, reason
	}
	c, sockets, status, reason := h.enter(ip)
	if status != 0 {
		return status, reason
	}
	taken, err := take(w)
	if err != nil {
		h.leave(c)
		return http.StatusInternalServerError, "this connection cannot become a WebSocket"
	}
	h.mu.Lock()
	c.conn = taken.conn
	h.mu.Unlock()
	go h.attend(sockets, c, taken, r)
	return 0, ""
}

// judge checks the handshake and the origin; status 0 lets the request pass.
func (h *hub) judge(r *http.Request) (status int, reason string) {
	key, err := base64.StdEncoding.DecodeString(r.Header.Get("Sec-WebSocket-Key"))
	switch {
	case r.Method != http.MethodGet:
		return http.StatusMethodNotAllowed, "a WebSocket begins with GET"
	case !websocket.IsWebSocketUpgrade(r):
		return http.StatusUpgradeRequired, "this address speaks WebSocket: send Connection: Upgrade and Upgrade: websocket"
	case r.Header.Get("Sec-WebSocket-Version") != "13":
		return http.StatusBadRequest, "the WebSocket version must be 13"
	case err != nil || len(key) != 16:
		return http.StatusBadRequest, "the header Sec-WebSocket-Key must hold 16 bytes in base64"
	case !h.sameOrigin(r):
		return http.StatusForbidden, "pages of this origin may not connect"
	}
	return 0, ""
}

// sameOrigin accepts a request without Origin (not a browser), of a page of this very host, or of a listed origin.
func (h *hub) sameOrigin(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	for _, allowed := range h.cfg.Origins {
		if len(origins) == 1 && strings.EqualFold(origins[0], allowed) {
			return true
		}
	}
	u, err := url.Parse(origins[0])
	return err == nil && len(origins) == 1 && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

// enter counts a new client in, unless the hub is shut or full.
func (h *hub) enter(ip string) (c *client, sockets *melody.Melody, status int, reason string) {
	address, local := subscriber(ip)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.sockets == nil:
		return nil, nil, http.StatusServiceUnavailable, "the metrics feed is not running"
	case len(h.clients) >= h.cfg.MaxClients:
		return nil, nil, http.StatusServiceUnavailable, "the metrics feed has no room for another client"
	case !local && h.nearby[address] >= h.cfg.MaxPerAddress:
		return nil, nil, http.StatusTooManyRequests, "too many metrics connections from this address"
	}
	c = &client{address: address, frames: rate.NewLimiter(10, 40)}
	h.clients[c] = struct{}{}
	h.nearby[address]++
	h.sessions.Add(1)
	return c, h.sockets, 0, ""
}

// leave counts a client out.
func (h *hub) leave(c *client) {
	h.mu.Lock()
	delete(h.clients, c)
	if h.nearby[c.address]--; h.nearby[c.address] <= 0 {
		delete(h.nearby, c.address)
	}
	h.mu.Unlock()
	h.sessions.Done()
}

// attend is the client's reading goroutine, from the handshake to the end of the connection.
func (h *hub) attend(sockets *melody.Melody, c *client, taken *takenConn, r *http.Request) {
	defer h.leave(c)
	if sockets.HandleRequestWithKeys(taken, r, map[string]any{clientKey: c}) != nil {
		_ = c.conn.Close() // the handshake broke off: nothing else knows this socket
	}
}

// subscriber returns the network address that the cap counts, and whether it is a loopback address. An IPv6 address counts
// as its /64, which one subscriber owns as a whole.
func subscriber(ip string) (address string, local bool) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip, false
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() && !addr.IsLoopback() {
		return netip.PrefixFrom(addr, 64).Masked().String(), false
	}
	return addr.String(), addr.IsLoopback()
}

// takenConn is a connection taken from the HTTP server, in the shape that the WebSocket handshake asks for.
type takenConn struct {
	header http.Header
	conn   net.Conn
	rw     *bufio.ReadWriter
}

// take hijacks the connection of w.
func take(w http.ResponseWriter) (*takenConn, error) {
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	return &takenConn{header: w.Header().Clone(), conn: conn, rw: rw}, nil
}

// Header holds what goes into the handshake's answer.
func (t *takenConn) Header() http.Header { return t.header }

// Write drops the text of a handshake error: the caller closes the connection.
func (t *takenConn) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader drops the status of a handshake error.
func (t *takenConn) WriteHeader(int) {}

// Hijack hands the connection on, once, and forgets its buffers.
func (t *takenConn) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	rw := t.rw
	t.rw = nil
	return t.conn, rw, nil
}
