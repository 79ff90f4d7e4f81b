//go:build linux

package main

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
)

const loadJobs = 24

// load submits jobs one after another to servers in turn, and tells after each how many have been acknowledged. Its client never gives
// up: a request whose answer was lost is repeated under the same key.
func load(t *testing.T, servers []*fogd, acknowledged func(n int)) (ids []string) {
	t.Helper()
	for n := range loadJobs {
		ids = append(ids, servers[n%len(servers)].insist(t, fmt.Sprintf("load-%d", n), toil(20)))
		acknowledged(n + 1)
	}
	return ids
}

// completed counts the jobs that are.
func (r rest) completed(t *testing.T) (n int) {
	t.Helper()
	var stats struct{ CompletedJobs int }
	r.get(t, "/api/scheduler/stats", &stats)
	return stats.CompletedJobs
}

// verify opens a house that no server has open any more and checks its ledger.
func verify(t *testing.T, config fog.Config) {
	t.Helper()
	house := fogtest.Open(t, config)
	require.NoError(t, house.Tokenomics.Verify(t.Context()))
}

// TestServerKilled kills the server with SIGKILL twice while a real agent works for it: every job ends and is paid once.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	f := serveFogd(t)
	a := lend(t, f, "device")
	ids := load(t, []*fogd{f}, func(n int) {
		if n%(loadJobs/3) == 0 && n < loadJobs {
			done := f.completed(t)
			until(t, "the agent is in the middle of it", func() bool { return f.completed(t) > done })
			f.kill()
			f.start()
		}
	})
	f.audit(t, ids...)
	for _, id := range ids {
		assert.Equal(t, "completed", f.job(t, id).Status)
	}
	assert.True(t, a.running())
	f.kill()
	verify(t, fog.Config{DataDir: f.dir})
}

// TestOneOfTwoServersKilled kills one of two servers on one PostgreSQL, and with it an agent's only way in: the other server and its
// agent finish everything, and every job is paid once.
func TestOneOfTwoServersKilled(t *testing.T) {
	t.Parallel()
	database := "DATABASE_URL=" + fogtest.PostgresURL(t)
	first := serveFogd(t, database)
	second := serveFogd(t, database, "FOG_DATA_DIR="+first.dir) // they share the blobs; the last value counts
	lend(t, first, "one")
	lend(t, second, "two")
	servers := []*fogd{first, second}
	ids := load(t, servers[:], func(n int) {
		if n == loadJobs/2 {
			until(t, "both have work behind them", func() bool { return first.completed(t) >= 2 })
			first.kill()
			servers[0] = second
		}
	})
	second.audit(t, ids...)
	for _, id := range ids {
		assert.Equal(t, "completed", second.job(t, id).Status)
	}
	second.kill()
	verify(t, fog.Config{DatabaseURL: database[len("DATABASE_URL="):], DataDir: first.dir})
}
