package server

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/gin-gonic/gin"
)

// requestIDHeader carries the name of a request: the client's own where it sends a plain one, else ours.
const requestIDHeader = "X-Request-ID"

// noRoute stands for the route of a request that matches none.
const noRoute = "none"

// observe names a request, and when it has ended counts it, logs it and turns a panic into a problem.
func (s *Server) observe(c *gin.Context) {
	begun := s.config.Now()
	id := c.GetHeader(requestIDHeader)
	if !plainID(id) {
		id = rand.Text()
	}
	c.Header(requestIDHeader, id)
	defer s.finish(c, id, begun)
	c.Next()
}

// plainID reports whether a client's request id can go into a log line as it is.
func plainID(id string) bool {
	if len(id) == 0 || len(id) > 64 {
		return false
	}
	for _, r := range []byte(id) {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.' {
			return false
		}
	}
	return true
}

// finish is deferred by observe. A panic before the first byte becomes a 500; after it the connection is cut, so
// that the client does not take half an answer for a whole one.
func (s *Server) finish(c *gin.Context, id string, begun time.Time) {
	abort := false
	if cause := recover(); cause != nil {
		given := cause == any(http.ErrAbortHandler) // the handler cuts the connection itself
		abort = given || c.Writer.Written()
		if !given {
			s.log.Error("panic in a handler", "request_id", id, "cause", cause, "stack", string(debug.Stack()))
		}
		if !abort {
			refuse(c, http.StatusInternalServerError, "internal error")
		}
	}
	route := or(c.FullPath(), noRoute)
	took := s.config.Now().Sub(begun)
	s.metrics.observe(c.Request.Method, route, c.Writer.Status(), took)
	s.logRequest(c, id, route, took)
	if abort {
		panic(http.ErrAbortHandler)
	}
}

// recurrent reports whether a route is asked again and again by machines that wait for news.
func recurrent(route string) bool {
	switch route {
	case "/health", "/ready", "/metrics", "/api/idle-compute/devices/:id/heartbeat", "/api/idle-compute/heartbeats":
		return true
	}
	return false
}

// logRequest writes the access line. The query is left out: it may carry what its sender would not publish.
func (s *Server) logRequest(c *gin.Context, id, route string, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case c.Writer.Status() >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case c.Writer.Status() < http.StatusBadRequest && recurrent(route): // a fleet would fill the log with them
		level = slog.LevelDebug
	}
	ctx := c.Request.Context()
	if !s.log.Enabled(ctx, level) {
		return
	}
	s.log.LogAttrs(ctx, level, "request",
		slog.String("request_id", id),
		slog.String("method", c.Request.Method),
		slog.String("path", c.Request.URL.Path),
		slog.String("route", route),
		slog.Int("status", c.Writer.Status()),
		slog.Int("bytes", max(0, c.Writer.Size())),
		slog.Float64("ms", float64(took.Microseconds())/1000),
		slog.String("client", c.ClientIP()),
	)
}
