package server_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/server"
)

// running is a server on a real listener.
type running struct {
	url  string
	stop func() error // ends it and returns what Serve returned; may be called again
}

func serve(t *testing.T, h *fog.Fog, config server.Config) running {
	t.Helper()
	s, err := server.New(h, config)
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	stop := onceError(func() error { cancel(); return <-done })
	t.Cleanup(func() { assert.NoError(t, stop()) })
	return running{"http://" + l.Addr().String(), stop}
}

func onceError(f func() error) func() error {
	var err error
	called := false
	return func() error {
		if !called {
			called, err = true, f()
		}
		return err
	}
}

func get(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	res, err := client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close() // it was read
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(body)
}

func TestServeAnswersAndStops(t *testing.T) {
	r := serve(t, house(t, fogConfig()), server.Config{})
	status, body := get(t, http.DefaultClient, r.url+"/ready")
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"status":"ready"}`, body)
	require.NoError(t, r.stop())
	_, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	assert.Error(t, err)
}

func TestReadinessIsRefusedWhileDraining(t *testing.T) {
	r := serve(t, house(t, fogConfig()), server.Config{Drain: 300 * time.Millisecond})
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	require.Eventually(t, func() bool {
		status, body := get(t, http.DefaultClient, r.url+"/ready")
		return status == http.StatusServiceUnavailable && strings.Contains(body, "stopping")
	}, 5*time.Second, 5*time.Millisecond)
	status, _ := get(t, http.DefaultClient, r.url+"/api/scheduler/stats")
	assert.Equal(t, 200, status, "requests are still answered")
	require.NoError(t, <-stopped)
}

func TestHeldBeatIsLetGoAtTheEnd(t *testing.T) {
	h := house(t, fogConfig())
	s, err := server.New(h, server.Config{})
	require.NoError(t, err)
	(&api{t, s.Handler(), h}).agent("worker")

	r := serve(t, h, server.Config{})
	body := strings.NewReader(`{"boot":"b","seq":2,"take":1,"wait_seconds":30}`)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+devicesPath+"/worker/heartbeat", body)
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Fog-Protocol", "1")
	answered := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			err = res.Body.Close()
		}
		answered <- err
	}()
	require.Eventually(t, func() bool { // the beat has arrived
		d, err := h.Idle.Get(context.Background(), "worker")
		return err == nil && d.Seq == 2
	}, 5*time.Second, time.Millisecond)
	begun := time.Now()
	require.NoError(t, r.stop())
	assert.Less(t, time.Since(begun), 5*time.Second)
	assert.NoError(t, <-answered)
}

func TestServeRefusesUnsafeAddresses(t *testing.T) {
	h := house(t, fogConfig())
	key := []server.KeyHash{server.HashKey("k")}
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}
	own, err := server.OwnTLS(t.TempDir(), []string{"localhost"}, time.Now())
	require.NoError(t, err)
	for name, c := range map[string]struct {
		config server.Config
		part   string
	}{
		"no key":        {server.Config{}, "needs a key"},
		"TLS, no key":   {server.Config{TLS: own}, "needs a key"},
		"key in clear":  {server.Config{Keys: key}, "needs TLS or a trusted proxy"},
		"key and TLS":   {server.Config{Keys: key, TLS: own}, ""},
		"key and proxy": {server.Config{Keys: key, TrustedProxies: proxies}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := server.New(h, c.config)
			require.NoError(t, err)
			l, err := net.Listen("tcp", "0.0.0.0:0")
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // a server that starts ends at once
			err = s.Serve(ctx, l)
			if c.part == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, c.part)
			}
			_, err = l.Accept()
			assert.ErrorIs(t, err, net.ErrClosed)
		})
	}
}

func TestOwnCertificate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	config, err := server.OwnTLS(dir, []string{"localhost", "127.0.0.1", "::1"}, time.Now())
	require.NoError(t, err)
	again, err := server.OwnTLS(dir, []string{"localhost"}, time.Now())
	require.NoError(t, err)
	assert.Equal(t, config.Certificates[0].Certificate, again.Certificates[0].Certificate, "made once")
	info, err := os.Stat(filepath.Join(dir, "tls.key"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	r := serve(t, house(t, fogConfig()), server.Config{TLS: config, Keys: []server.KeyHash{server.HashKey("k")}})
	address := strings.TrimPrefix(r.url, "http://")
	pool := x509.NewCertPool()
	certificate, err := os.ReadFile(filepath.Join(dir, "tls.crt"))
	require.NoError(t, err)
	require.True(t, pool.AppendCertsFromPEM(certificate))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	status, _ := get(t, client, "https://"+address+"/health")
	assert.Equal(t, 200, status)
	status, _ = get(t, client, "https://"+address+"/api/scheduler/stats")
	assert.Equal(t, 401, status)

	_, err = tls.Dial("tcp", address, &tls.Config{RootCAs: pool, MaxVersion: tls.VersionTLS11})
	assert.Error(t, err, "old TLS is refused")
}

func TestLoadTLSNamesWhatIsWrong(t *testing.T) {
	_, err := server.LoadTLS("no-such.crt", "no-such.key")
	assert.ErrorContains(t, err, "no-such.crt")
}

func TestOversizedHeaderIsRefused(t *testing.T) {
	r := serve(t, house(t, fogConfig()), server.Config{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/health", nil)
	require.NoError(t, err)
	req.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close() // not read
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, res.StatusCode)
}

func TestBrokenBodyIsTheClientsMistake(t *testing.T) {
	r := serve(t, house(t, fogConfig()), server.Config{})
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(t, err)
	defer c.Close() // the test is over
	_, err = fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"nam\r\nzz\r\n", jobsPath)
	require.NoError(t, err)
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	require.NoError(t, err)
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	got := answer{res.StatusCode, res.Header, string(body)}
	assert.Equal(t, "the body broke off", got.problem(t, http.StatusBadRequest)["detail"])
}

// TestSlowConnections opens thousands of connections that never finish their first line. Others are answered
// meanwhile, and the slow ones are cut off.
func TestSlowConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the header timeout of 5 s")
	}
	t.Parallel()
	r := serve(t, house(t, fogConfig()), server.Config{})
	address := strings.TrimPrefix(r.url, "http://")
	var slow []net.Conn
	for range 5000 {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Logf("the system allows %d connections: %v", len(slow), err)
			break
		}
		defer c.Close() // the server has closed it
		slow = append(slow, c)
		_, err = fmt.Fprintf(c, "GET /health HTTP/1.1\r\nHost: local")
		require.NoError(t, err)
	}
	require.Greater(t, len(slow), 200)
	begun := time.Now()
	status, _ := get(t, http.DefaultClient, r.url+"/health")
	assert.Equal(t, 200, status)
	assert.Less(t, time.Since(begun), 2*time.Second)
	for _, c := range []net.Conn{slow[0], slow[len(slow)-1]} {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
		_, err := io.Copy(io.Discard, bufio.NewReader(c))
		assert.False(t, errors.Is(err, os.ErrDeadlineExceeded), "the server still waits for its header")
	}
}
