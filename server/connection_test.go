package server_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/server"
)

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
