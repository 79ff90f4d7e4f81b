package server_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
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

	"github.com/fogcompute/fogcompute/server"
)

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
