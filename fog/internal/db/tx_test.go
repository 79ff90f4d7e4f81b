package db_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

func TestTxCommitsOrRollsBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		_, err := d.Write.ExecContext(ctx, "CREATE TABLE t (x INTEGER)")
		require.NoError(t, err)
		insert := func(after func()) func(ctx context.Context, tx bun.Tx) error {
			return func(ctx context.Context, tx bun.Tx) error {
				_, err := tx.ExecContext(ctx, "INSERT INTO t VALUES (1)")
				after()
				return err
			}
		}
		require.NoError(t, db.Tx(ctx, d, insert(func() {})))
		require.Panics(t, func() { _ = db.Tx(ctx, d, insert(func() { panic("x") })) })
		stopped, cancel := context.WithCancel(ctx)
		err = db.Tx(stopped, d, insert(cancel))
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
		var n int
		require.NoError(t, d.Read.NewRaw("SELECT count(*) FROM t").Scan(ctx, &n))
		require.Equal(t, 1, n)
	})
}

func TestTxTriesAgain(t *testing.T) {
	d := dbtest.Postgres(t)
	for _, code := range []string{"40001", "40P01"} {
		tries := 0
		err := db.Tx(context.Background(), d, func(ctx context.Context, tx bun.Tx) error {
			if tries++; tries < 3 {
				_, err := tx.ExecContext(ctx, "DO $$ BEGIN RAISE EXCEPTION 'test' USING ERRCODE = '"+code+"'; END $$")
				return err
			}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, 3, tries)
	}
	tries := 0
	err := db.Tx(context.Background(), d, func(ctx context.Context, tx bun.Tx) error {
		tries++
		_, err := tx.ExecContext(ctx, "DO $$ BEGIN RAISE EXCEPTION 'test' USING ERRCODE = '40001'; END $$")
		return err
	})
	require.Equal(t, fault.Unavailable, fault.KindOf(err), "it gives up in the end")
	require.Equal(t, 5, tries)
}

func TestDeadlockIsSolved(t *testing.T) {
	d := dbtest.Postgres(t)
	ctx := context.Background()
	_, err := d.Write.ExecContext(ctx, "CREATE TABLE t (x INTEGER, n INTEGER); INSERT INTO t VALUES (1, 0), (2, 0)")
	require.NoError(t, err)
	var both, all sync.WaitGroup
	both.Add(2)
	for _, order := range [][2]int{{1, 2}, {2, 1}} {
		all.Go(func() {
			var met sync.Once
			err := db.Tx(ctx, d, func(ctx context.Context, tx bun.Tx) error {
				if _, err := tx.NewRaw("UPDATE t SET n = n + 1 WHERE x = ?", order[0]).Exec(ctx); err != nil {
					return err
				}
				met.Do(func() { both.Done(); both.Wait() })
				_, err := tx.NewRaw("UPDATE t SET n = n + 1 WHERE x = ?", order[1]).Exec(ctx)
				return err
			})
			if err != nil {
				t.Errorf("tx: %v", err)
			}
		})
	}
	all.Wait()
	var n int
	require.NoError(t, d.Read.NewRaw("SELECT sum(n) FROM t").Scan(ctx, &n))
	require.Equal(t, 4, n)
}

func TestBusyFile(t *testing.T) {
	dir := t.TempDir()
	d := openSQLite(t, dir)
	ctx := context.Background()
	impatient, err := sql.Open("sqlite", "file:"+filepath.Join(dir, db.FileName)+"?_txlock=immediate&_pragma=busy_timeout(0)")
	require.NoError(t, err)
	defer func() { require.NoError(t, impatient.Close()) }()
	other := db.Wrap(impatient, db.SQLite)
	nothing := func(context.Context, bun.Tx) error { return nil }
	holder, err := d.Write.BeginTx(ctx, nil)
	require.NoError(t, err)
	require.Equal(t, fault.Unavailable, fault.KindOf(db.Tx(ctx, other, nothing)))
	require.NoError(t, holder.Rollback())
	require.NoError(t, db.Tx(ctx, other, nothing))
}

func TestKilledConnectionIsUnavailable(t *testing.T) {
	d := dbtest.Postgres(t)
	ctx := context.Background()
	err := db.Tx(ctx, d, func(ctx context.Context, tx bun.Tx) error {
		var pid int
		require.NoError(t, tx.NewRaw("SELECT pg_backend_pid()").Scan(ctx, &pid))
		var killed bool
		require.NoError(t, d.Read.NewRaw("SELECT pg_terminate_backend(?, 5000)", pid).Scan(ctx, &killed))
		require.True(t, killed)
		_, err := tx.ExecContext(ctx, "SELECT 1")
		return err
	})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.NoError(t, d.Ping(ctx), "the pool has recovered")
}

func TestOutage(t *testing.T) {
	server := dbtest.NewServer(t)
	ctx := context.Background()
	address := server.Database(t)
	d, err := db.Open(ctx, address, "")
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	grounded(t, d)
	j := db.NewJournal(d, nil)
	require.NoError(t, appendFacts(d, j, time.Now(), journal.Fact{Topic: "a", ID: "1"}))
	for _, end := range []func(){server.Stop, server.Kill} {
		end()
		_, err = j.Claim(ctx, "a", 1, time.Now())
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
		_, err = j.Parked(ctx, 1)
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
		require.Equal(t, fault.Unavailable, fault.KindOf(d.Ping(ctx)))
		require.Equal(t, fault.Unavailable, fault.KindOf(db.MigrateGround(ctx, d)))
		require.Equal(t, fault.Unavailable, fault.KindOf(db.CheckGround(ctx, d)))
		require.NoError(t, server.Start())
		require.NoError(t, d.Ping(ctx))
		claimed, err := j.Claim(ctx, "a", 1, time.Now())
		require.NoError(t, err)
		require.Len(t, claimed, 1)
	}
}

func TestHintsReachOtherServers(t *testing.T) {
	server := dbtest.NewServer(t)
	address := server.Database(t)
	ctx, cancel := context.WithCancel(context.Background())
	var journals []*db.Journal
	var all sync.WaitGroup
	for range 2 {
		d, err := db.Open(ctx, address, "")
		require.NoError(t, err)
		defer func() { require.NoError(t, d.Close()) }()
		j := db.NewJournal(d, nil)
		journals = append(journals, j)
		all.Go(func() {
			if err := j.Run(ctx); err != nil {
				t.Errorf("run: %v", err)
			}
		})
	}
	defer all.Wait()
	defer cancel()
	a, b := journals[0], journals[1]
	heard := func() { // b listens once a hint of a's arrives; what is sent before is lost, as hints may be
		t.Helper()
		bell, again := b.Wake("news"), time.NewTicker(20*time.Millisecond)
		defer again.Stop()
		for range 500 {
			a.Notify("news")
			select {
			case <-bell:
				return
			case <-again.C:
			}
		}
		t.Fatal("no hint arrived")
	}
	heard()
	server.Kill()
	require.NoError(t, server.Start())
	<-b.Wake("news") // listening again: there may be facts that nobody told us of
	heard()
}

func TestRunWithoutServersEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.NoError(t, db.NewJournal(dbtest.SQLite(t), nil).Run(ctx))
	d := dbtest.Postgres(t)
	require.NoError(t, db.NewJournal(db.Wrap(d.Write.DB, d.Dialect), nil).Run(ctx))
	require.NoError(t, db.NewJournal(d, nil).Run(ctx))
}

func TestErrorsOfPortsKeepTheirKind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		refused := fault.New(fault.Insufficient, "test", "not enough")
		err := db.Tx(context.Background(), d, func(context.Context, bun.Tx) error {
			return errors.Join(refused)
		})
		require.Equal(t, fault.Insufficient, fault.KindOf(err))
	})
}
