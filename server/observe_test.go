package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
)

// panicking returns a server with two handlers that panic, before and after their first byte.
func panicking(t *testing.T, log *bytes.Buffer) *Server {
	t.Helper()
	house, err := fog.Open(context.Background(), fog.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, house.Close()) })
	s, err := New(house, Config{Logger: slog.New(slog.NewJSONHandler(log, nil))})
	require.NoError(t, err)
	s.router.GET("/panic/early", func(*gin.Context) { panic("a secret") })
	s.router.GET("/panic/late", func(c *gin.Context) { c.String(http.StatusOK, "half"); panic("a secret") })
	s.router.GET("/panic/abort", func(*gin.Context) { panic(http.ErrAbortHandler) })
	return s
}

func TestPanicBecomesAProblem(t *testing.T) {
	var log bytes.Buffer
	s := panicking(t, &log)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/panic/early", nil)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.Equal(t, problemType, w.Header().Get("Content-Type"))
	var problem map[string]any
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &problem))
	assert.Equal(t, "internal error", problem["detail"])
	assert.NotContains(t, w.Body.String(), "secret")
	assert.Contains(t, log.String(), "a secret", "the cause is in the log")
}

func TestPanicAfterTheFirstByteCutsTheConnection(t *testing.T) {
	var log bytes.Buffer
	s := panicking(t, &log)
	for _, path := range []string{"/panic/late", "/panic/abort"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
		assert.PanicsWithValue(t, http.ErrAbortHandler, func() { s.Handler().ServeHTTP(httptest.NewRecorder(), r) }, path)
	}
}

func TestLocalBreaksOffWhatTheHandlerBreaksOff(t *testing.T) {
	var log bytes.Buffer
	client := &http.Client{Transport: panicking(t, &log).Local()}
	for path, want := range map[string]error{"/panic/late": http.ErrAbortHandler, "/panic/abort": http.ErrAbortHandler, "/health": nil} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
		require.NoError(t, err)
		res, err := client.Do(r)
		require.NoError(t, err, path)
		_, err = io.Copy(io.Discard, res.Body)
		assert.ErrorIs(t, err, want, path)
		require.NoError(t, res.Body.Close())
	}
}

func TestBeatsDoNotFillTheLog(t *testing.T) {
	var log bytes.Buffer
	s := panicking(t, &log)
	for path, says := range map[string]bool{"/health": false, "/ready": false, "/api/idle-compute/heartbeats": false, "/api/scheduler/stats": true} {
		log.Reset()
		c, _ := gin.CreateTestContext(httptest.NewRecorder())
		c.Request = httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost"+path, nil)
		s.logRequest(c, "x", path, 0)
		assert.Equal(t, says, log.Len() > 0, path)
		c.Status(http.StatusConflict)
		s.logRequest(c, "x", path, 0)
		assert.Positive(t, log.Len(), "refusals are worth a line")
	}
	assert.True(t, recurrent("/api/idle-compute/devices/:id/heartbeat"))
	assert.Contains(t, routesOf(s), "/api/idle-compute/devices/:id/heartbeat", "the route is written so")
}

func routesOf(s *Server) []string {
	var paths []string
	for _, r := range s.router.Routes() {
		paths = append(paths, r.Path)
	}
	return paths
}
