package server_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

func TestCORS(t *testing.T) {
	a := newAPI(t, server.Config{})
	const path = "/api/scheduler/jobs"
	for _, origin := range []string{"http://localhost:3000", "http://127.0.0.1:3000"} {
		got := a.do("GET", path, "", "Origin", origin)
		assert.Equal(t, origin, got.header.Get("Access-Control-Allow-Origin"))
		assert.Equal(t, "true", got.header.Get("Access-Control-Allow-Credentials"))
		assert.Contains(t, got.header.Values("Vary"), "Origin")

		got = a.do("OPTIONS", path, "", "Origin", origin, "Access-Control-Request-Method", "POST")
		assert.Equal(t, http.StatusNoContent, got.status)
		assert.Contains(t, got.header.Get("Access-Control-Allow-Methods"), "PATCH")
		assert.Contains(t, got.header.Get("Access-Control-Allow-Headers"), "Content-Type")
	}
	got := a.do("GET", path, "", "Origin", "http://localhost:3001")
	assert.Equal(t, http.StatusOK, got.status)
	assert.Empty(t, got.header.Get("Access-Control-Allow-Origin"))
	a.refused(http.StatusForbidden, "OPTIONS", path, "", "Origin", "http://evil.example", "Access-Control-Request-Method", "POST")
	a.refused(http.StatusMethodNotAllowed, "OPTIONS", path, "")

	got = newAPI(t, server.Config{Origins: []string{}}).do("GET", path, "", "Origin", "http://localhost:3000")
	assert.Empty(t, got.header.Get("Access-Control-Allow-Origin"), "an empty list allows none")
}

func TestSecureHeaders(t *testing.T) {
	a := newAPI(t, server.Config{})
	for _, path := range []string{"/api/scheduler/stats", "/nothing", "/health"} {
		h := a.do("GET", path, "").header
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		assert.Equal(t, "DENY", h.Get("X-Frame-Options"))
		assert.Equal(t, "no-referrer", h.Get("Referrer-Policy"))
		assert.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'")
		assert.Equal(t, "no-store", h.Get("Cache-Control"))
		assert.Empty(t, h.Get("Strict-Transport-Security"), "it would bind every port of this host")
	}
}

func TestRequestIDs(t *testing.T) {
	a := newAPI(t, server.Config{})
	first, second := a.do("GET", "/health", "").header.Get("X-Request-ID"), a.do("GET", "/health", "").header.Get("X-Request-ID")
	assert.NotEmpty(t, first)
	assert.NotEqual(t, first, second)
	assert.Equal(t, "mine-1.2_3", a.do("GET", "/health", "", "X-Request-ID", "mine-1.2_3").header.Get("X-Request-ID"))
	for _, bad := range []string{"two words", "line\tfeed", strings.Repeat("x", 65), "<script>"} {
		assert.NotEqual(t, bad, a.do("GET", "/health", "", "X-Request-ID", bad).header.Get("X-Request-ID"))
	}
}

func TestRateLimit(t *testing.T) {
	a := newAPI(t, server.Config{Rate: 0.001, Burst: 3})
	for range 3 {
		a.do("GET", "/docs", "")
	}
	a.ok("GET", "/health", "")
	a.ok("GET", "/ready", "")
	got := a.do("GET", "/docs", "")
	got.problem(t, http.StatusTooManyRequests)
	assert.NotEmpty(t, got.header.Get("Retry-After"))

	from := func(remote string) answer {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/docs", nil)
		r.RemoteAddr = remote
		return a.send(r, "Host", "localhost")
	}
	assert.Equal(t, 200, from("192.0.2.1:1").status, "another address has its own limit")
	for range 3 {
		from("[2001:db8::1]:1")
	}
	assert.Equal(t, 429, from("[2001:db8::2]:1").status, "a /64 is one client")
	assert.Equal(t, 200, from("[2001:db8:0:1::2]:1").status)
}

func TestNoRateLimitOnLoopback(t *testing.T) {
	a := newAPI(t, server.Config{})
	for range 500 {
		require.Equal(t, 200, a.do("GET", "/docs", "").status)
	}
}

func TestForwardedAddressIsBelievedFromTrustedProxiesOnly(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	a := newAPI(t, server.Config{Keys: []server.KeyHash{server.HashKey("k")}, TrustedProxies: proxies, Rate: 0.001, Burst: 1})
	from := func(remote, forwarded string) int {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/docs", nil)
		r.RemoteAddr = remote
		r.TLS = &tls.ConnectionState{}
		return a.send(r, "X-Forwarded-For", forwarded, "Authorization", "Bearer k").status
	}
	assert.Equal(t, 200, from("10.0.0.1:1", "203.0.113.1"))
	assert.Equal(t, 200, from("10.0.0.1:1", "203.0.113.2"), "another client behind the proxy")
	assert.Equal(t, 429, from("10.0.0.1:1", "203.0.113.1"))
	assert.Equal(t, 200, from("192.0.2.1:1", "203.0.113.3"))
	assert.Equal(t, 429, from("192.0.2.1:1", "203.0.113.4"), "a stranger cannot choose its address")
}

func TestMetrics(t *testing.T) {
	a := newAPI(t, server.Config{})
	a.submit(aJob)
	a.ok("POST", stakePath, `{"amount":1000.5}`)
	a.ok("POST", votePath, `{"proposal_id":"`+a.proposes(aProposal)+`","vote":true}`)
	a.do("GET", "/some/invented/path", "")
	a.do("BREW", "/another", "")
	text := a.do("GET", "/metrics", "").body
	for _, line := range []string{
		`fog_http_requests_total{method="POST",route="/api/scheduler/jobs",status="200"} 1`,
		`fog_http_requests_total{method="GET",route="none",status="404"} 1`,
		`fog_http_requests_total{method="other",route="none",status="404"} 1`,
		`fog_jobs{state="queued"} 1`,
		`fog_jobs_open{state="queued",tier="gold"} 1`,
		`fog_jobs_open{state="running",tier="gold"} 0`,
		`fog_part_up{part="scheduler"} 1`,
		`fog_ledger_imbalance 0`,
		`fog_tokens_supply 1e+06`,
		`fog_tokens_staked 1000.5`,
		`fog_stakers 1`,
		`fog_proposals_total 1`,
		`fog_proposals_voting 1`,
		`fog_voters_total 1`,
		`fog_ledger_movements_total 5`, // genesis, hold, stake, proposal, vote
	} {
		assert.Contains(t, text, line)
	}
	assert.NotContains(t, text, "invented")
}

func TestAccessLog(t *testing.T) {
	var out bytes.Buffer
	a := newAPI(t, server.Config{Logger: slog.New(slog.NewJSONHandler(&out, nil)), Keys: []server.KeyHash{server.HashKey("secret-key")}})
	a.do("GET", "/api/tokenomics/balance?address=secret-address", "", "Authorization", "Bearer secret-key", "X-Request-ID", "r1")
	var line map[string]any
	require.NoError(t, json.Unmarshal(bytes.TrimSpace(out.Bytes()), &line), out.String())
	for field, want := range map[string]any{
		"request_id": "r1", "method": "GET", "path": "/api/tokenomics/balance", "route": "/api/tokenomics/balance", "status": 200.0,
		"client": "127.0.0.1", "level": "INFO", "msg": "request",
	} {
		assert.Equal(t, want, line[field], field)
	}
	assert.NotContains(t, out.String(), "secret", "neither keys nor queries are logged")
	out.Reset()
	a.do("GET", "/health", "")
	assert.Empty(t, out.String(), "probes are logged at debug only")
}
