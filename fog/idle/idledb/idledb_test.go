package idledb_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle/idledb"
	"github.com/fogcompute/fogcompute/fog/idle/idletest"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// open migrates an empty database.
func open(t testing.TB, d *db.DB) idletest.Opened {
	t.Helper()
	facts := db.NewJournal(d, nil)
	store := idledb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB).WithJournal(facts)
	require.NoError(t, store.Migrate(t.Context()))
	return idletest.Opened{Store: store, Journal: facts, Duties: db.NewDuties(d, nil)}
}

func TestSQLite(t *testing.T) {
	idletest.Run(t, func(t *testing.T) idletest.Opened { return open(t, dbtest.SQLite(t)) })
}

func TestPostgres(t *testing.T) {
	idletest.Run(t, func(t *testing.T) idletest.Opened { return open(t, dbtest.Postgres(t)) })
}

func TestReady(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		store := idledb.New(d.Write.DB, d.Dialect)
		require.Error(t, store.Ready(t.Context()), "nothing is migrated yet")
		require.NoError(t, store.Migrate(t.Context()))
		require.NoError(t, store.Ready(t.Context()))
		require.NoError(t, store.Migrate(t.Context()), "again")
	})
}
