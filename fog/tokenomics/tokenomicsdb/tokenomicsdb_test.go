package tokenomicsdb_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicsdb"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

// TestMain turns the test binary into a mortal when it is started as one. Properties are tried less often here than on the memory twin,
// unless somebody says how often.
func TestMain(m *testing.M) {
	if os.Getenv(mortalEnv) != "" {
		os.Exit(mortalProgram())
	}
	flag.Parse()
	if checks := flag.Lookup("rapid.checks"); checks.Value.String() == checks.DefValue {
		_ = checks.Value.Set("25") // it is a number
	}
	os.Exit(dbtest.Main(m))
}

// store returns the ledger on a migrated database.
func store(t testing.TB, d *db.DB) *tokenomicsdb.Store {
	t.Helper()
	s := tokenomicsdb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB)
	require.NoError(t, s.Migrate(t.Context()))
	return s
}

// hasty is store on a database that does not wait for its disk: no test cuts the power.
func hasty(t testing.TB, d *db.DB) *tokenomicsdb.Store {
	t.Helper()
	if d.Dialect == db.SQLite {
		_, err := d.Write.ExecContext(t.Context(), "PRAGMA synchronous = OFF")
		require.NoError(t, err)
	}
	return store(t, d)
}

func TestSQLite(t *testing.T) {
	tokenomicstest.Run(t, func(t *testing.T, now func() time.Time) tokenomicstest.Setup {
		d := dbtest.SQLite(t)
		return tokenomicstest.Setup{Store: hasty(t, d), Duties: db.NewDuties(d, now)}
	})
}

func TestPostgres(t *testing.T) {
	tokenomicstest.Run(t, func(t *testing.T, now func() time.Time) tokenomicstest.Setup {
		d := dbtest.Postgres(t)
		return tokenomicstest.Setup{Store: store(t, d), Duties: db.NewDuties(d, now)}
	})
}
