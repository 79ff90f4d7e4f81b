package db_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

func openSQLite(t *testing.T, dir string) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), "", dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func TestSQLiteIsPrivateAndSafe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "folder")
	d := openSQLite(t, dir)
	ctx := context.Background()
	_, err := d.Write.ExecContext(ctx, "CREATE TABLE t (x INTEGER) STRICT; INSERT INTO t VALUES (1)")
	require.NoError(t, err)
	for name, mode := range map[string]os.FileMode{".": 0o700, "fog.db": 0o600, "fog.db-wal": 0o600, "fog.db-shm": 0o600} {
		stat, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Equal(t, mode, stat.Mode().Perm(), name)
	}
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "cache_size": "-32768",
		"wal_autocheckpoint": "8192",
	} {
		var got string
		require.NoError(t, d.Write.NewRaw("PRAGMA "+pragma).Scan(ctx, &got))
		require.Equal(t, want, got, pragma)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	d := openSQLite(t, t.TempDir())
	_, err := d.Read.ExecContext(context.Background(), "CREATE TABLE t (x INTEGER)")
	require.ErrorContains(t, err, "readonly")
}

func TestReadersDoNotWaitForTheWriter(t *testing.T) {
	d := openSQLite(t, t.TempDir())
	ctx := context.Background()
	_, err := d.Write.ExecContext(ctx, "CREATE TABLE t (x INTEGER)")
	require.NoError(t, err)
	tx, err := d.Write.BeginTx(ctx, nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(ctx, "INSERT INTO t VALUES (1)")
	require.NoError(t, err)
	var n int
	require.NoError(t, d.Read.NewRaw("SELECT count(*) FROM t").Scan(ctx, &n))
	require.Zero(t, n, "not committed yet")
	require.NoError(t, tx.Commit())
	require.NoError(t, d.Read.NewRaw("SELECT count(*) FROM t").Scan(ctx, &n))
	require.Equal(t, 1, n)
}

// Characters that mean something in an address must not change where the file is or how it is opened.
func TestOddPaths(t *testing.T) {
	for _, name := range []string{"a b", "a?mode=memory", "a#b", "a%41", "ü&_pragma=x"} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), name)
			openSQLite(t, dir)
			stat, err := os.Stat(filepath.Join(dir, db.FileName))
			require.NoError(t, err)
			require.NotZero(t, stat.Size())
		})
	}
}

func TestOpenTwice(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	a := openSQLite(t, dir)
	_, err := a.Write.ExecContext(ctx, "CREATE TABLE t (x INTEGER)")
	require.NoError(t, err)
	b := openSQLite(t, dir)
	_, err = b.Write.ExecContext(ctx, "INSERT INTO t VALUES (1)")
	require.NoError(t, err)
	require.NoError(t, a.Ping(ctx))
}

func TestBadAddresses(t *testing.T) {
	ctx := context.Background()
	for address, kind := range map[string]fault.Kind{
		"mysql://user:hunter2@host/db":                                        fault.Invalid,
		"postgres://user:hunter2@host:port/db":                                fault.Invalid,
		"postgres://user:hun%zzter2@host/db":                                  fault.Invalid,
		"postgres://host/db?password=hunter2&sslmode=odd":                     fault.Invalid,
		"postgresql://user:hunter2@host/db?sslmode=hunter2&connect_timeout=x": fault.Invalid,
	} {
		_, err := db.Open(ctx, address, "")
		require.Equal(t, kind, fault.KindOf(err), address)
		require.Equal(t, "DatabaseURL", fault.FieldOf(err))
		require.NotContains(t, err.Error(), "hunter2")
		require.NotContains(t, err.Error(), "ter2@")
	}
	_, err := db.Open(ctx, "", "")
	require.Equal(t, "DataDir", fault.FieldOf(err))
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = db.Open(ctx, "", file)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.NoError(t, os.Mkdir(filepath.Join(filepath.Dir(file), db.FileName), 0o700))
	_, err = db.Open(ctx, "", filepath.Dir(file))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
}

func TestAbsentPostgres(t *testing.T) {
	d, err := db.Open(context.Background(), "postgres://user:hunter2@127.0.0.1:1/db?connect_timeout=1", "")
	require.NoError(t, err, "the world may be broken; the address is not")
	err = d.Ping(context.Background())
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.NotContains(t, err.Error(), "hunter2")
	require.NoError(t, d.Close())
	require.NoError(t, d.Close())
}

func TestPostgresSettings(t *testing.T) {
	d := dbtest.Postgres(t)
	for setting, want := range map[string]string{
		"idle_in_transaction_session_timeout": "15s", "application_name": "fog",
	} {
		var got string
		require.NoError(t, d.Read.NewRaw("SHOW "+setting).Scan(context.Background(), &got))
		require.Equal(t, want, got)
	}
	require.Positive(t, d.Write.Stats().MaxOpenConnections)
}

func TestWrapLeavesThePoolOpen(t *testing.T) {
	d := openSQLite(t, t.TempDir())
	wrapped := db.Wrap(d.Write.DB, d.Dialect)
	require.NoError(t, wrapped.Close())
	require.NoError(t, wrapped.Ping(context.Background()))
}

func TestPingAfterClose(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		require.NoError(t, d.Ping(context.Background()))
		require.NoError(t, d.Close())
		require.Equal(t, fault.Unavailable, fault.KindOf(d.Ping(context.Background())))
		require.NoError(t, d.Close())
	})
}

func TestStoredTimes(t *testing.T) {
	require.Zero(t, db.Micros(time.Time{}))
	require.True(t, db.Time(0).IsZero())
	moment := time.Date(2026, 11, 22, 1, 2, 3, 456789123, time.FixedZone("x", 3600))
	back := db.Time(db.Micros(moment))
	require.Equal(t, moment.Truncate(time.Microsecond).UTC(), back)
	require.Equal(t, time.UTC, back.Location())
}

func TestIsUniqueAndKind(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		_, err := d.Write.ExecContext(ctx, "CREATE TABLE t (x INTEGER PRIMARY KEY, y INTEGER UNIQUE, z INTEGER CHECK (z > 0))")
		require.NoError(t, err)
		_, err = d.Write.ExecContext(ctx, "INSERT INTO t VALUES (1, 1, 1)")
		require.NoError(t, err)
		for statement, unique := range map[string]bool{
			"INSERT INTO t VALUES (1, 2, 1)": true, "INSERT INTO t VALUES (2, 1, 1)": true,
			"INSERT INTO t VALUES (3, 3, 0)": false, "INSERT INTO nowhere VALUES (1)": false,
		} {
			_, err := d.Write.ExecContext(ctx, statement)
			require.Error(t, err)
			require.Equal(t, unique, db.IsUnique(err), statement)
			require.Equal(t, err, db.Kind(err), "not the database's absence")
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		_, err = d.Write.ExecContext(cancelled, "INSERT INTO t VALUES (9, 9, 9)")
		require.Equal(t, fault.Unavailable, fault.KindOf(db.Kind(err)))
		require.ErrorIs(t, db.Kind(err), context.Canceled)
	})
	require.NoError(t, db.Kind(nil))
	require.False(t, db.IsUnique(errors.New("UNIQUE constraint failed")))
	require.Equal(t, sql.ErrNoRows, db.Kind(sql.ErrNoRows))
	known := fault.New(fault.Denied, "op", "no")
	require.Equal(t, error(known), db.Kind(known))
	hidden := &fault.Error{Op: "store.load", Err: context.DeadlineExceeded}
	require.Equal(t, fault.Unavailable, fault.KindOf(db.Kind(hidden)), "an operation's name alone is no kind")
}

func TestDetailOfAnAbsentDatabase(t *testing.T) {
	d, err := db.Open(context.Background(), "postgres://fog@127.0.0.1:1/db", "")
	require.NoError(t, err)
	defer func() { require.NoError(t, d.Close()) }()
	detail := fault.Detail(d.Ping(context.Background()))
	require.Equal(t, "database unavailable", detail)
	require.False(t, strings.Contains(detail, "127.0.0.1"))
}
