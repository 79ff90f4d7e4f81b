package scheduler_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

// bustle is a beginning after which no answer of a store is empty or a single row: two owners have jobs of all tiers, some of them on each of three
// nodes, placed and running, more of them ready or blocked, and an array of which one task is over.
func (w *batchWorld) bustle(rt *rapid.T) {
	for _, id := range []scheduler.NodeID{"a", "b", "g"} {
		w.fleet[id] = batchNode(string(id))
		w.sync(w.fleet[id])
	}
	share := func(count int) []scheduler.Submission {
		var call []scheduler.Submission
		for i, tier := range scheduler.Tiers() {
			b := one(scheduler.Submission{Name: fmt.Sprint("bustle ", i), Tier: tier, Demand: scheduler.Demand{MilliCPU: 1000, MemoryMB: 64}, Estimate: time.Minute, Count: count})
			if i == 2 {
				b.Demand.MilliGPU = 700
			}
			call = append(call, b)
		}
		return append(call, one(scheduler.Submission{Name: "after", Demand: scheduler.Demand{MilliCPU: 100}, After: on(scheduler.OnEnd, "#0")}))
	}
	w.submitAs("ann", share(4)...)
	w.claimAll(rt)
	w.submitAs("bob", share(2)...)
	w.wait(0)
	w.laws(rt)
	ids := slices.Sorted(maps.Keys(w.held))
	require.NotEmpty(rt, ids)
	require.NoError(rt, w.report(done(w.held[ids[0]], "right")).Err)
	w.reported[ids[0]] = true
	usage, err := w.rows.Usage(w.t.Context(), "")
	require.NoError(rt, err)
	require.Greater(rt, len(usage), 1)
	for _, s := range []scheduler.State{scheduler.Queued, scheduler.Running} {
		page, err := w.rows.Find(w.t.Context(), scheduler.JobQuery{Tenant: principal.DefaultTenant, States: []scheduler.State{s}, Limit: 1})
		require.NoError(rt, err)
		require.Greater(rt, page.Filtered, int64(1), "%s", s)
	}
}

// TestBatchLawsOnDatabases is TestBatchLaws on both databases, a few times only: what differs from the memory is the store alone. The
// databases are opened inside the bubble, so that their goroutines live by its clock.
func TestBatchLawsOnDatabases(t *testing.T) {
	const checks = 2
	for name, address := range map[string]func(t *testing.T) string{
		"sqlite":   func(*testing.T) string { return "" },
		"postgres": func(t *testing.T) string { return dbtest.PostgresURL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			fewer(t, checks)
			addresses := make([]string, 64) // shrinking needs more than the checks
			for i := range checks + 1 {
				addresses[i] = address(t)
			}
			next := 0
			synctest.Test(t, func(t *testing.T) {
				rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
					at := addresses[next]
					if next++; name == "postgres" && at == "" {
						rt.Skip("no database is left to shrink on")
					}
					d, err := db.Open(t.Context(), at, t.TempDir())
					require.NoError(t, err)
					defer func() { require.NoError(t, d.Close()) }()
					journal := db.NewJournal(d, nil)
					s := schedulerdb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB).WithJournal(journal)
					require.NoError(t, s.Migrate(t.Context()))
					w := newBatchWorld(t, rt, s, s.Abilities().Duties, journal)
					w.bustle(rt)
					batchLaws(w, rt)
				})
			})
		})
	}
}
