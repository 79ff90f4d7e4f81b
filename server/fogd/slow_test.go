//go:build linux

package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const slowConnections = 5000

// TestSlowConnections opens 5,000 connections that send half a request and no more. Others are served meanwhile, and the slow ones
// are shown out.
func TestSlowConnections(t *testing.T) {
	openFiles(t, slowConnections+1000)
	f := serveFogd(t)
	address := strings.TrimPrefix(f.url, "http://")
	conns := make([]net.Conn, slowConnections)
	var dialled sync.WaitGroup
	var next, failed atomic.Int64
	for range 32 {
		dialled.Go(func() {
			for {
				n := next.Add(1) - 1
				if n >= slowConnections {
					return
				}
				conn, err := net.DialTimeout("tcp", address, patience)
				if err == nil {
					conns[n] = conn
					_, err = fmt.Fprintf(conn, "POST /api/scheduler/jobs HTTP/1.1\r\nHost: %s\r\nX-Slow: ", address)
				}
				if err != nil {
					failed.Add(1)
				}
			}
		})
	}
	var ids []string
	worst := time.Duration(0)
	serve := func() {
		began := time.Now()
		ids = append(ids, f.submit(t, task(nil)))
		f.get(t, "/api/scheduler/jobs", &struct{}{})
		worst = max(worst, time.Since(began))
	}
	for next.Load() < slowConnections { // while they come
		serve()
	}
	dialled.Wait()
	for range 20 { // and while they are there
		serve()
	}
	assert.Zero(t, failed.Load(), "connections refused")
	assert.Less(t, worst, 10*time.Second, "the longest that another client waited")
	t.Logf("%d jobs submitted beside %d slow connections; the slowest took %v", len(ids), slowConnections, worst)

	deadline := time.Now().Add(patience)
	for _, conn := range conns {
		require.NoError(t, conn.SetReadDeadline(deadline))
		_, err := conn.Read(make([]byte, 1))
		var late net.Error
		require.False(t, errors.As(err, &late) && late.Timeout(), "a slow connection is still open after %v", patience)
		require.NoError(t, conn.Close())
	}
	f.get(t, "/ready", &struct{}{})
}

// openFiles allows this process and those that it starts to have enough files open.
func openFiles(t *testing.T, enough uint64) {
	t.Helper()
	var now syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &now))
	if now.Cur >= enough {
		return
	}
	more := syscall.Rlimit{Cur: enough, Max: max(now.Max, enough)}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &more); err != nil {
		t.Skipf("this process may have %d files open and needs %d (ulimit -n): %v", now.Max, enough, err)
	}
}
