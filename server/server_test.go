package server_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/server"
)

// house opens a house in memory for one test.
func house(t testing.TB, config fog.Config) *fog.Fog {
	t.Helper()
	h, err := fog.Open(context.Background(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, h.Close()) })
	return h
}

// api is a server's handler with the manners of a test client.
type api struct {
	testing.TB
	handler http.Handler
	house   *fog.Fog
}

func newAPI(t testing.TB, config server.Config) *api {
	t.Helper()
	return serveHouse(t, house(t, fog.Config{}), config)
}

// serveHouse puts a server before a house.
func serveHouse(t testing.TB, h *fog.Fog, config server.Config) *api {
	t.Helper()
	s, err := server.New(h, config)
	require.NoError(t, err)
	return &api{t, s.Handler(), h}
}

// answer is a response that has been read.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends one request as a local client. Headers come in pairs.
func (a *api) do(method, path, body string, headers ...string) answer {
	a.Helper()
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	r.Host, r.RemoteAddr = "localhost:8000", "127.0.0.1:4711"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	return a.send(r, headers...)
}

func (a *api) send(r *http.Request, headers ...string) answer {
	a.Helper()
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
			continue
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r)
	res := w.Result()
	raw, err := io.ReadAll(res.Body)
	require.NoError(a, err)
	return answer{res.StatusCode, res.Header, string(raw)}
}

// ok sends a request that must succeed and returns its JSON object.
func (a *api) ok(method, path, body string, headers ...string) map[string]any {
	a.Helper()
	got := a.do(method, path, body, headers...)
	require.Equal(a, http.StatusOK, got.status, "%s %s: %s", method, path, got.body)
	return got.object(a)
}

// refused sends a request that must end in a problem and returns it.
func (a *api) refused(status int, method, path, body string, headers ...string) map[string]any {
	a.Helper()
	got := a.do(method, path, body, headers...)
	return got.problem(a, status)
}

// object decodes a JSON object.
func (a answer) object(t testing.TB) map[string]any {
	t.Helper()
	var out map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &out), "body: %s", a.body)
	return out
}

// problem checks the form that every error has.
func (a answer) problem(t testing.TB, status int) map[string]any {
	t.Helper()
	require.Equal(t, status, a.status, "body: %s", a.body)
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	p := a.object(t)
	require.Equal(t, "about:blank", p["type"])
	require.EqualValues(t, status, p["status"])
	require.Equal(t, http.StatusText(status), p["title"])
	require.IsType(t, "", p["detail"])
	require.NotEmpty(t, p["detail"])
	require.NotEmpty(t, a.header.Get("X-Request-ID"))
	return p
}

const (
	aJob    = `{"name":"render","sla_tier":"gold","cpu_required":1,"memory_required":0.5}`
	aDevice = `{"device_id":"phone","device_type":"android","cpu_cores":8,"memory_mb":4096,"battery_percent":80,"is_charging":true}`
)

// eventually waits for what happens behind an answer: a flow, a round of the planner.
func (a *api) eventually(what string, happened func() bool) {
	a.Helper()
	require.Eventually(a, happened, 10*time.Second, 5*time.Millisecond, what)
}

func fogConfig() fog.Config { return fog.Config{} }
