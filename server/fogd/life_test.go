//go:build linux

package main

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestDoesNotStart: a server that cannot work says why on its last line and ends.
func TestDoesNotStart(t *testing.T) {
	t.Parallel()
	f := serveFogd(t)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(f.url, "http://"))
	require.NoError(t, err)
	for name, c := range map[string]struct {
		env  []string
		code int
		says string
	}{
		"second process on one folder": {[]string{"FOG_DATA_DIR=" + f.dir}, exitFailure, "in use by another process"},
		"port taken":                   {[]string{"API_PORT=" + port}, exitFailure, "choose another port"},
		"port is no number":            {[]string{"API_PORT=http"}, exitUsage, "--port"},
		"lease is no time":             {[]string{"FOG_LEASE=soon"}, exitUsage, "--lease"},
		"lease is negative":            {[]string{"FOG_LEASE=-1s"}, exitUsage, "--lease"},
		"presence below the interval":  {[]string{"FOG_INTERVAL=5s", "FOG_PRESENCE=1s"}, exitUsage, "Presence"},
		"another database":             {[]string{"DATABASE_URL=mysql://root:secret@localhost/fog"}, exitFailure, "postgres://"},
		"every origin":                 {[]string{"CORS_ORIGINS=*"}, exitUsage, "origin"},
		"everybody is a proxy":         {[]string{"API_HOST=0.0.0.0", "FOG_TRUSTED_PROXIES=0.0.0.0/0"}, exitUsage, "trust everybody"},
		"certificate without key":      {[]string{"API_HOST=0.0.0.0", "FOG_TLS_CERT=/tmp/x.crt"}, exitUsage, "belong together"},
		"no such certificate":          {[]string{"API_HOST=0.0.0.0", "FOG_TLS_CERT=/no.crt", "FOG_TLS_KEY=/no.key"}, exitFailure, "no.crt"},
	} {
		env := append([]string{"API_PORT=0", "FOG_DATA_DIR=" + filepath.Join(t.TempDir(), "data"), "FOG_HARVEST=false", "FOG_LOG_LEVEL=error"}, c.env...)
		p := launch(t, "fogd", env)
		assert.Equal(t, c.code, p.code(t, patience), name)
		lines := strings.Split(strings.TrimSpace(p.printed()), "\n")
		last := lines[len(lines)-1]
		assert.True(t, strings.HasPrefix(last, "fogd: "), "%s: %s", name, last)
		assert.Contains(t, last, c.says, name)
		assert.NotContains(t, p.printed(), "secret", name)
	}
	f.get(t, "/ready", &struct{}{})
}

// TestOtherAddress: on an address that others can reach there is nothing without encryption and nothing without a key.
func TestOtherAddress(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := launch(t, "fogd", []string{"API_HOST=0.0.0.0", "API_PORT=0", "FOG_DATA_DIR=" + dir, "FOG_HARVEST=false"})
	var found []string
	until(t, "fogd says where it answers", func() bool {
		found = regexp.MustCompile(`answers at (https://\S+)\n`).FindStringSubmatch(p.printed())
		return found != nil
	})
	url := found[1]
	status, text, err := rest{strings.Replace(url, "https://", "http://", 1)}.do("GET", "/api/scheduler/jobs", nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, status)
	assert.NotContains(t, string(text), "jobs")

	certificate, err := os.ReadFile(filepath.Join(dir, "tls.crt"))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(certificate))
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}}
	key := regexp.MustCompile(`operator key, shown this once: (\S+)\n`).FindStringSubmatch(p.printed())
	require.NotNil(t, key)
	for header, want := range map[string]int{
		"": http.StatusUnauthorized, "Bearer wrong": http.StatusUnauthorized, "Bearer " + key[1]: http.StatusOK,
	} {
		req, err := http.NewRequest(http.MethodGet, url+"/api/scheduler/jobs", nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", header)
		res, err := client.Do(req)
		require.NoError(t, err)
		assert.NoError(t, res.Body.Close())
		assert.Equal(t, want, res.StatusCode, header)
	}
	stored, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, name := range stored {
		if text, err := os.ReadFile(name); err == nil {
			assert.NotContains(t, string(text), key[1], name)
		}
	}
}

// TestShutdown: at SIGTERM a server with an open WebSocket, a device that waits for work, an agent of its own, and connections on which
// no request has come, as browsers keep them, ends in order, and soon.
func TestShutdown(t *testing.T) {
	t.Parallel()
	f := serveFogd(t, "FOG_HARVEST=true", "FOG_INTERVAL=10s", "FOG_PRESENCE=1m")
	socket, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(f.url, "http")+"/ws/metrics", nil)
	require.NoError(t, err)
	defer socket.Close()
	require.NoError(t, socket.SetReadDeadline(time.Now().Add(patience)))
	_, _, err = socket.ReadMessage()
	require.NoError(t, err)
	for _, begun := range []string{"", "GET / HTTP/1.1\r\nX-"} {
		silent, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
		require.NoError(t, err)
		defer silent.Close()
		_, err = silent.Write([]byte(begun))
		require.NoError(t, err)
	}
	d := join(t, f, "waiting")
	until(t, "the agent of this machine and the device are up", func() bool {
		var reply struct{ Total int }
		f.get(t, "/api/scheduler/nodes", &reply)
		return reply.Total == 2
	})
	_, seen := f.device(t, "waiting")
	poll := make(chan error)
	go func() {
		_, err := d.send(fields{"take": 1, "wait_seconds": 30})
		poll <- err
	}()
	until(t, "the device waits", func() bool {
		_, now := f.device(t, "waiting")
		return now.After(seen)
	})

	began := time.Now()
	f.signal(syscall.SIGTERM)
	for err = nil; err == nil; _, _, err = socket.ReadMessage() {
	}
	assert.True(t, websocket.IsCloseError(err, websocket.CloseGoingAway, websocket.CloseServiceRestart), "%v", err)
	assert.NoError(t, <-poll, "the device that waited got its answer")
	assert.Zero(t, f.code(t, patience))
	assert.Less(t, time.Since(began), 5*time.Second)
	assert.NotContains(t, f.printed(), `"level":"ERROR"`)
	assert.NotContains(t, f.printed(), "cut off")

	f.start()
	status, _ := f.device(t, "waiting")
	assert.Equal(t, "idle", status, "it is remembered")
}
