package scheduler_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

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
					batchLaws(newBatchWorld(t, rt, s, s.Abilities().Duties, journal), rt)
				})
			})
		})
	}
}
