package server_test

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

func TestLoopbackHosts(t *testing.T) {
	a := newAPI(t, server.Config{})
	for host, status := range map[string]int{
		"localhost": 200, "LOCALHOST:8000": 200, "127.0.0.1:8000": 200, "127.8.9.1": 200, "[::1]:8000": 200, "[::ffff:127.0.0.1]:80": 200,
		"example.com": 421, "example.com:8000": 421, "127.0.0.1.example.com": 421, "localhost.example.com:8000": 421,
		"10.0.0.1": 421, "0.0.0.0:8000": 421, "": 421, "[::]": 421, "127.0.0.1@example.com": 421,
	} {
		assert.Equal(t, status, a.do("GET", "/api/scheduler/stats", "", "Host", host).status, "host %q", host)
	}
	a.refused(http.StatusMisdirectedRequest, "GET", "/health", "", "Host", "rebound.example.com")
	a.refused(http.StatusMisdirectedRequest, "GET", "/no/such/route", "", "Host", "rebound.example.com")
}

func TestWithoutKeyOnlyLoopbackConnections(t *testing.T) {
	a := newAPI(t, server.Config{})
	r := httptest.NewRequestWithContext(context.WithValue(context.Background(), http.LocalAddrContextKey,
		net.Addr(&net.TCPAddr{IP: net.IPv4(192, 168, 1, 7), Port: 8000})), "GET", "/health", nil)
	a.send(r, "Host", "localhost").problem(t, http.StatusForbidden)
}

func TestKeys(t *testing.T) {
	key, other := server.NewKey(), server.NewKey()
	require.NotEqual(t, key, other)
	proxy := netip.MustParsePrefix("10.1.0.0/16")
	a := newAPI(t, server.Config{Keys: []server.KeyHash{server.HashKey(key), server.HashKey("second")}, TrustedProxies: []netip.Prefix{proxy}})
	const path = "/api/scheduler/stats"
	for name, c := range map[string]struct {
		status     int
		path, from string
		secure     bool
		header     []string
	}{
		"bearer over TLS":        {200, path, "203.0.113.5:99", true, []string{"Authorization", "Bearer " + key}},
		"any case of the scheme": {200, path, "203.0.113.5:99", true, []string{"Authorization", "bEARER  " + key}},
		"second key":             {200, path, "203.0.113.5:99", true, []string{"Authorization", "Bearer second"}},
		"password of a browser":  {200, path, "203.0.113.5:99", true, []string{"Authorization", basic("me", key)}},
		"behind the proxy":       {200, path, "10.1.2.3:99", false, []string{"Authorization", "Bearer " + key}},
		"this machine":           {200, path, "127.0.0.1:99", false, []string{"Authorization", "Bearer " + key}},
		"foreign host is fine":   {200, path, "203.0.113.5:99", true, []string{"Authorization", "Bearer " + key, "Host", "fog.example.com"}},
		"plain HTTP":             {403, path, "203.0.113.5:99", false, []string{"Authorization", "Bearer " + key}},
		"no key":                 {401, path, "203.0.113.5:99", true, nil},
		"no key, this machine":   {401, path, "127.0.0.1:99", false, nil},
		"unknown key":            {401, path, "203.0.113.5:99", true, []string{"Authorization", "Bearer " + other}},
		"hash instead of key":    {401, path, "203.0.113.5:99", true, []string{"Authorization", "Bearer " + server.HashKey(key).String()}},
		"other scheme":           {401, path, "203.0.113.5:99", true, []string{"Authorization", "Digest " + key}},
		"empty token":            {401, path, "203.0.113.5:99", true, []string{"Authorization", "Bearer "}},
		"key in the query":       {401, path + "?key=" + key, "203.0.113.5:99", true, nil},
		"probes":                 {200, "/health", "203.0.113.5:99", false, nil},
		"readiness":              {200, "/ready", "203.0.113.5:99", false, nil},
		"metrics":                {401, "/metrics", "203.0.113.5:99", true, nil},
		"document":               {401, "/openapi.json", "203.0.113.5:99", true, nil},
		"documentation":          {401, "/docs", "203.0.113.5:99", true, nil},
		"dashboard":              {401, "/", "203.0.113.5:99", true, nil},
		"feed":                   {401, "/ws/metrics", "203.0.113.5:99", true, nil},
		"blobs":                  {401, "/api/blobs/" + emptyDigest, "203.0.113.5:99", true, nil},
		"unknown route":          {401, "/nothing", "203.0.113.5:99", true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", c.path, nil)
			if c.secure {
				r.TLS = &tls.ConnectionState{}
			}
			r.RemoteAddr = c.from
			got := a.send(r, c.header...)
			if c.status != http.StatusOK {
				got.problem(t, c.status)
			}
			require.Equal(t, c.status, got.status, got.body)
			assert.Equal(t, c.status == http.StatusUnauthorized, got.header.Get("WWW-Authenticate") == `Bearer realm="fog"`)
		})
	}
}

func basic(user, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(user, password)
	return r.Header.Get("Authorization")
}

func TestBrowserIsAskedForTheKey(t *testing.T) {
	a := newAPI(t, server.Config{Keys: []server.KeyHash{server.HashKey("k")}})
	got := a.do("GET", "/", "", "Accept", "text/html,*/*")
	got.problem(t, http.StatusUnauthorized)
	assert.Len(t, got.header.Values("WWW-Authenticate"), 2)
}

func TestForeignPagesCannotWrite(t *testing.T) {
	a := newAPI(t, server.Config{})
	stop, text := "/api/benchmarks/stop", []string{"Content-Type", "application/json"}
	for name, c := range map[string]struct {
		status int
		header []string
	}{
		"curl":                  {404, nil},
		"our own page":          {404, []string{"Origin", "http://localhost:8000", "Sec-Fetch-Site", "same-origin"}},
		"the control panel":     {404, []string{"Origin", "http://localhost:3000", "Sec-Fetch-Site", "same-site"}},
		"a foreign page":        {403, []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site"}},
		"an old foreign page":   {403, []string{"Origin", "https://evil.example"}},
		"a page without origin": {403, []string{"Origin", "null", "Sec-Fetch-Site", "cross-site"}},
		"another local port":    {403, []string{"Origin", "http://localhost:9999", "Sec-Fetch-Site", "same-site"}},
	} {
		t.Run(name, func(t *testing.T) {
			a.do("POST", stop, "", append(c.header, text...)...).problem(t, c.status)
		})
	}
}

func TestUnsafeConfigurations(t *testing.T) {
	for name, c := range map[string]server.Config{
		"proxy without key": {TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}},
		"wildcard origin":   {Origins: []string{"*"}},
		"origin with path":  {Origins: []string{"https://example.com/"}},
		"origin of a file":  {Origins: []string{"file://x"}},
		"negative grace":    {Grace: -1},
	} {
		_, err := server.New(house(t, fogConfig()), c)
		assert.Error(t, err, name)
	}
}

func TestOperatorKeyIsMadeOnceAndStoredHashed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	hash, key, err := server.OperatorKey(dir)
	require.NoError(t, err)
	require.NotEmpty(t, key)
	assert.Equal(t, server.HashKey(key), hash)

	again, fresh, err := server.OperatorKey(dir)
	require.NoError(t, err)
	assert.Empty(t, fresh, "the key is shown once")
	assert.Equal(t, hash, again)

	name := filepath.Join(dir, "operator.key.sha256")
	text, err := os.ReadFile(name)
	require.NoError(t, err)
	assert.NotContains(t, string(text), key)
	info, err := os.Stat(name)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	require.NoError(t, os.WriteFile(name, []byte("damaged"), 0o600))
	_, _, err = server.OperatorKey(dir)
	assert.ErrorContains(t, err, "damaged")
}
