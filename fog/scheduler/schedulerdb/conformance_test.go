package schedulerdb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulertest"
)

func TestConformance(t *testing.T) {
	for name, database := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			schedulertest.RunAll(t, func(t *testing.T) schedulertest.Subject {
				d := database(t)
				s, _ := open(t, d)
				return schedulertest.Subject{
					Store: s, Duties: db.NewDuties(d, nil), Facts: func(t *testing.T) []scheduler.Fact { return writtenFacts(t, d) },
				}
			})
		})
	}
}

// writtenFacts reads the facts of a database in the order of their writing.
func writtenFacts(t *testing.T, d *db.DB) []scheduler.Fact {
	t.Helper()
	rows, err := d.Read.DB.Query("SELECT topic, id, version FROM fog_facts ORDER BY seq")
	require.NoError(t, err)
	defer rows.Close()
	var facts []scheduler.Fact
	for rows.Next() {
		var f journal.Fact
		require.NoError(t, rows.Scan(&f.Topic, &f.ID, &f.Version))
		facts = append(facts, f)
	}
	require.NoError(t, rows.Err())
	return facts
}
