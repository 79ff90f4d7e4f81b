package schedulerdb_test

import (
	"context"
	"database/sql"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/scheduler/schedulerdb"
)

// caller is a program's own database handle, beside its own table.
func caller(t *testing.T, d *db.DB) *sql.DB {
	t.Helper()
	_, err := d.Write.DB.Exec("CREATE TABLE orders (id TEXT PRIMARY KEY)")
	require.NoError(t, err)
	return d.Write.DB
}

// plainPostgres is a handle in the driver's default mode, which prepares what it is asked.
func plainPostgres(t *testing.T) *sql.DB {
	t.Helper()
	pool, err := sql.Open("pgx", dbtest.PostgresURL(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return pool
}

func TestInsertTx(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, journal := open(t, d)
		insertsInside(t, s, journal, caller(t, d))
	})
	t.Run("plain postgres", func(t *testing.T) {
		pool := plainPostgres(t)
		d := db.Wrap(pool, db.Postgres)
		journal := db.NewJournal(d, start)
		s := schedulerdb.New(pool, schedulerdb.Postgres).WithJournal(journal)
		require.NoError(t, s.Migrate(context.Background()))
		insertsInside(t, s, journal, caller(t, d))
	})
}

// insertsInside checks that jobs share the fate of the caller's transaction.
func insertsInside(t *testing.T, s *schedulerdb.Store, journal *db.Journal, pool *sql.DB) {
	ctx := context.Background()
	keyed := newJob(1)
	keyed.Key = "order-1"
	in := insertions(keyed, newJob(2))
	in[0].Facts = []scheduler.Fact{{Topic: "test", ID: string(keyed.ID), Version: 1}}

	submit := func(end func(*sql.Tx) error) []scheduler.Inserted {
		tx, err := pool.BeginTx(ctx, nil)
		require.NoError(t, err)
		_, err = tx.ExecContext(ctx, "INSERT INTO orders (id) VALUES ('order-1') ON CONFLICT DO NOTHING")
		require.NoError(t, err)
		out, err := s.InsertTx(ctx, tx, in)
		require.NoError(t, err)
		require.NoError(t, end(tx))
		return out
	}
	state := func() (orders, facts int, page scheduler.JobPage, tally scheduler.Tally) {
		require.NoError(t, pool.QueryRow("SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM fog_facts)").Scan(&orders, &facts))
		page, err := s.Find(ctx, scheduler.JobQuery{Tenant: "default"})
		require.NoError(t, err)
		tally, err = s.Tally(ctx, "default")
		require.NoError(t, err)
		return orders, facts, page, tally
	}

	out := submit((*sql.Tx).Rollback)
	require.True(t, out[0].Fresh && out[1].Fresh)
	orders, facts, page, tally := state()
	require.Zero(t, orders+facts+len(page.Jobs)+len(tally), "a rolled back transaction left something")
	require.Zero(t, page.Total)

	out = submit((*sql.Tx).Commit)
	require.True(t, out[0].Fresh && out[1].Fresh)
	orders, facts, page, tally = state()
	require.Equal(t, []int{1, 1, 2, 2}, []int{orders, facts, len(page.Jobs), int(page.Total)})
	require.EqualValues(t, 2, tally[scheduler.TallyKey{Tier: scheduler.Gold, Name: "submitted"}])
	claimed, err := journal.Claim(ctx, "test", 10, start())
	require.NoError(t, err)
	require.Len(t, claimed, 1)

	again := newJob(3)
	again.Key = keyed.Key
	in = insertions(again)
	out = submit((*sql.Tx).Commit)
	require.False(t, out[0].Fresh)
	require.Equal(t, keyed.ID, out[0].Job.ID)
	_, _, page, _ = state()
	require.EqualValues(t, 2, page.Total)
}
