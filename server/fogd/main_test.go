package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

func TestMain(m *testing.M) {
	worker.Main() // the local agent starts this program again to run a guest
	os.Exit(m.Run())
}

// program is a run of fogd inside the test.
type program struct {
	url, key string
	stop     func() int
}

// start runs fogd until it says where it answers.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	code := make(chan int, 1)
	var errs bytes.Buffer
	go func() {
		code <- run(ctx, append([]string{"--port=0", "--log-level=error"}, args...), write, &errs)
		_ = write.Close() // a pipe's Close never fails
	}()
	p := &program{}
	lines := bufio.NewScanner(read)
	for p.url == "" && lines.Scan() {
		if _, key, ok := strings.Cut(lines.Text(), "operator key, shown this once: "); ok {
			p.key = key
		}
		if _, url, ok := strings.Cut(lines.Text(), "answers at "); ok {
			p.url = url
		}
	}
	stopped := false
	p.stop = func() int {
		if stopped {
			return 0
		}
		stopped = true
		cancel()
		c := <-code
		assert.Empty(t, errs.String())
		return c
	}
	t.Cleanup(func() { p.stop() })
	require.NotEmpty(t, p.url, "fogd ended: %s", &errs)
	return p
}

// call sends a request and decodes the answer.
func call(t *testing.T, client *http.Client, method, url, body, key string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := client.Do(r)
	require.NoError(t, err)
	defer res.Body.Close() // it was read
	var out map[string]any
	require.NoError(t, json.NewDecoder(res.Body).Decode(&out))
	return res.StatusCode, out
}

const job = `{"name":"tile","sla_tier":"gold","cpu_required":1,"memory_required":0.1}`

func TestAJobPostedToFogdReallyRuns(t *testing.T) {
	dir := t.TempDir()
	p := start(t, "--data-dir", dir)
	assert.Empty(t, p.key, "no key on loopback")
	status, submitted := call(t, http.DefaultClient, "POST", p.url+"/api/scheduler/jobs", job, "")
	require.Equal(t, 200, status, submitted)
	path := "/api/scheduler/jobs/" + submitted["jobId"].(string)
	require.Eventually(t, func() bool {
		_, got := call(t, http.DefaultClient, "GET", p.url+path, "", "")
		return got["status"] == "completed"
	}, time.Minute, 20*time.Millisecond)
	require.Zero(t, p.stop())

	p = start(t, "--data-dir", dir, "--no-harvest")
	_, got := call(t, http.DefaultClient, "GET", p.url+path, "", "")
	assert.Equal(t, "completed", got["status"], "it is remembered")
}

func TestOtherAddressesGetTLSAndAKey(t *testing.T) {
	dir := t.TempDir()
	p := start(t, "--data-dir", dir, "--host", "0.0.0.0")
	require.NotEmpty(t, p.key)
	require.True(t, strings.HasPrefix(p.url, "https://127.0.0.1:"), p.url)
	certificate, err := os.ReadFile(filepath.Join(dir, "tls.crt"))
	require.NoError(t, err)
	pool := x509.NewCertPool()
	require.True(t, pool.AppendCertsFromPEM(certificate))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	status, _ := call(t, client, "GET", p.url+"/api/idle-compute/devices", "", "")
	assert.Equal(t, http.StatusUnauthorized, status)
	require.Eventually(t, func() bool { // the local agent has a key of its own
		_, got := call(t, client, "GET", p.url+"/api/idle-compute/devices", "", p.key)
		return got["total"] == 1.0
	}, 30*time.Second, 20*time.Millisecond)
	key := p.key
	require.Zero(t, p.stop())

	p = start(t, "--data-dir", dir, "--host", "0.0.0.0", "--no-harvest")
	assert.Empty(t, p.key, "the key is shown once")
	status, _ = call(t, client, "GET", p.url+"/api/idle-compute/devices", "", key)
	assert.Equal(t, 200, status)
}

func TestErrorsSayWhatToDo(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close() // the test is over
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for name, c := range map[string]struct {
		args []string
		part string
	}{
		"port taken":       {[]string{"--port", port, "--data-dir", t.TempDir()}, "choose another port"},
		"no such address":  {[]string{"--host", "192.0.2.1", "--port=0"}, "listen"},
		"no certificate":   {[]string{"--port=0", "--data-dir", t.TempDir(), "--tls-cert=no.crt", "--tls-key=no.key"}, "no.crt"},
		"folder is a file": {[]string{"--port=0", "--data-dir", file}, file},
		"no database URL":  {[]string{"--port=0", "--data-dir", t.TempDir(), "--database-url=mysql://x"}, "postgres://"},
	} {
		var out, errs bytes.Buffer
		assert.Equal(t, exitFailure, run(t.Context(), c.args, &out, &errs), name)
		assert.Contains(t, errs.String(), c.part, name)
	}
}
