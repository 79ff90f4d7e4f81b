//go:build linux

package main

import (
	"fmt"
	"net/http"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
)

const loadJobs = 40

// load is a client that submits twenty jobs a second and never gives up: a request without an answer is repeated under the same key, at
// the next server.
type load struct {
	servers []rest
	over    time.Time
	ended   chan struct{}

	ids []string // of the jobs, to be read when it has ended
	err error
}

func newLoad(servers ...*fogd) *load {
	l := &load{over: time.Now().Add(patience), ended: make(chan struct{})}
	for _, f := range servers {
		l.servers = append(l.servers, f.rest)
	}
	go l.run()
	return l
}

func (l *load) run() {
	defer close(l.ended)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for tries := 0; len(l.ids) < loadJobs && time.Now().Before(l.over); tries++ {
		<-tick.C
		var reply struct{ JobID, Detail string }
		server := l.servers[tries%len(l.servers)]
		status, err := server.try("POST", "/api/scheduler/jobs", toil(20), &reply, "Idempotency-Key", fmt.Sprintf("load-%d", len(l.ids)))
		switch {
		case err != nil || status == http.StatusServiceUnavailable:
		case status == http.StatusOK:
			l.ids = append(l.ids, reply.JobID)
		default:
			l.err = fmt.Errorf("%d: %s", status, reply.Detail)
			return
		}
	}
}

// wait returns the jobs when all have been acknowledged.
func (l *load) wait(t *testing.T) []string {
	t.Helper()
	<-l.ended
	require.NoError(t, l.err)
	require.Len(t, l.ids, loadJobs)
	return l.ids
}

// completed counts the jobs of a house that are, of all that there are.
func (r rest) completed(t *testing.T) (done, all int) {
	t.Helper()
	var stats struct{ CompletedJobs, TotalJobs int }
	r.get(t, "/api/scheduler/stats", &stats)
	return stats.CompletedJobs, stats.TotalJobs
}

// whole checks that each acknowledged job was done, once, that there are no others, and that each was paid once.
func (r rest) whole(t *testing.T, ids []string) {
	t.Helper()
	r.audit(t, ids...)
	done, all := r.completed(t)
	assert.Equal(t, loadJobs, done)
	assert.Equal(t, loadJobs, all, "a repeated request makes no second job")
	slices.Sort(ids)
	assert.Len(t, slices.Compact(ids), loadJobs)
}

// verify opens a house that no server has open any more and checks its ledger.
func verify(t *testing.T, config fog.Config) {
	t.Helper()
	house := fogtest.Open(t, config)
	require.NoError(t, house.Tokenomics.Verify(t.Context()))
}

// TestServerKilled kills the server with SIGKILL again and again while a client submits and a real agent works: every job ends and is
// paid once.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	f := serveFogd(t)
	a := lend(t, f, "device")
	l := newLoad(f)
	for range 3 {
		before, _ := f.completed(t)
		until(t, "the agent is in the middle of it", func() bool {
			done, _ := f.completed(t)
			return done > before || done == loadJobs
		})
		f.kill()
		f.start()
	}
	f.whole(t, l.wait(t))
	assert.True(t, a.running())
	f.kill()
	verify(t, fog.Config{DataDir: f.dir})
}

// TestOneOfTwoServersKilled kills one of two servers on one PostgreSQL, and with it an agent's only way in: the other server and its
// agent finish everything, and every job is paid once.
func TestOneOfTwoServersKilled(t *testing.T) {
	t.Parallel()
	database := fogtest.PostgresURL(t)
	first := serveFogd(t, "DATABASE_URL="+database)
	second := serveFogd(t, "DATABASE_URL="+database, "FOG_DATA_DIR="+first.dir) // they share the blobs
	lend(t, first, "one")
	lend(t, second, "two")
	l := newLoad(first, second)
	until(t, "both agents are in the middle of it", func() bool {
		return first.balance(t, "device:one") > 0 && first.balance(t, "device:two") > 0
	})
	first.kill()
	second.whole(t, l.wait(t))
	second.kill()
	verify(t, fog.Config{DatabaseURL: database, DataDir: first.dir})
}

// TestOneOfTwoServersStopped stops a server that holds duties for longer than they last, and lets it go on when the other has taken
// them over: whatever it was about to write is refused, and it works again.
func TestOneOfTwoServersStopped(t *testing.T) {
	t.Parallel()
	database := fogtest.PostgresURL(t)
	first := serveFogd(t, "DATABASE_URL="+database)
	second := serveFogd(t, "DATABASE_URL="+database, "FOG_DATA_DIR="+first.dir)
	lend(t, first, "one")
	lend(t, second, "two")
	l := newLoad(second)
	until(t, "both agents are in the middle of it", func() bool {
		return second.balance(t, "device:one") > 0 && second.balance(t, "device:two") > 0
	})
	first.signal(syscall.SIGSTOP)
	second.whole(t, l.wait(t))
	first.signal(syscall.SIGCONT)
	last := ""
	until(t, "the server that was stopped works again", func() bool {
		var reply struct{ JobID string }
		status, err := first.try("POST", "/api/scheduler/jobs", toil(1), &reply, "Idempotency-Key", "last")
		last = reply.JobID
		return err == nil && status == http.StatusOK
	})
	until(t, "its agent is back", func() bool { return second.up(t, "one") })
	second.audit(t, append(l.ids, last)...)
	assert.Equal(t, "completed", second.job(t, last).Status)
}
