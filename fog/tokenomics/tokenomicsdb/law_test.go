package tokenomicsdb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/plaintest"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

// plainly runs a test on both databases, without the race detector. Much of the time they wait, for a disk or for one another.
func plainly(t *testing.T, test func(t *testing.T, w *bench)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		if !plaintest.Elsewhere(t, "GOGC=400") {
			test(t, newBench(t, ""))
		}
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		address := dbtest.PostgresURL(t)
		if !plaintest.Elsewhere(t, "GOGC=400", dbtest.AddressVariable+"="+address) {
			test(t, newBench(t, address))
		}
	})
}

// fresh implements tokenomicstest.Fresh.
func (w *bench) fresh(t testing.TB) tokenomics.Store { return hasty(t, empty(t, w.DB)) }

// empty makes a ledger as it was before its first commit.
func empty(t testing.TB, d *db.DB) *db.DB {
	t.Helper()
	store(t, d)
	forget := "DELETE FROM fog_ledger_"
	if d.Dialect == db.Postgres {
		forget = "TRUNCATE fog_ledger_"
	}
	for _, table := range []string{"accounts", "holds", "records", "points", "movements", "index", "blocks", "tally", "requests"} {
		_, err := d.Write.ExecContext(t.Context(), forget+table)
		require.NoError(t, err)
	}
	_, err := d.Write.ExecContext(t.Context(), "UPDATE fog_ledger_head SET seq = 0, hash = ?", make([]byte, 32))
	require.NoError(t, err)
	return d
}

func TestPartition(t *testing.T) {
	plainly(t, func(t *testing.T, w *bench) { tokenomicstest.Partition(t, w.fresh) })
}

func TestEndurance(t *testing.T) {
	plainly(t, func(t *testing.T, w *bench) {
		tokenomicstest.Endure(t, w.fresh, tokenomicstest.Length(t, 100_000), 512, tokenomicstest.Seed(t))
	})
}

// TestFaults breaks each statement of SQLite, and each packet to PostgreSQL.
func TestFaults(t *testing.T) {
	plainly(t, func(t *testing.T, w *bench) {
		trial := tokenomicstest.Trial{Open: w.open, Breaks: breaks(), Every: 67, Batch: 5, Seed: tokenomicstest.Seed(t)}
		if w.Dialect == db.Postgres {
			// A packet that is written in part is as good as none, an answer that is not read as good as one that is lost: one way to break
			// each is both.
			trial.Breaks, trial.Every, trial.Batch = trial.Breaks[:1], 29, 13
		}
		tokenomicstest.Faults(t, trial)
	})
}
