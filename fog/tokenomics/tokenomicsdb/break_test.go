package tokenomicsdb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicsdb"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

// breaks are the ways in which a statement, or a packet, goes wrong.
func breaks() []tokenomicstest.Break {
	return []tokenomicstest.Break{
		{Name: "gone", Err: io.ErrUnexpectedEOF}, {Name: "reply lost", Late: true, Err: io.ErrUnexpectedEOF},
	}
}

// bench is a database that is reached in two ways: one that breaks, and one that does not.
type bench struct {
	*db.DB
	address string  // of PostgreSQL, or SQLite's folder
	pool    *sql.DB // that breaks
}

// newBench opens a database. An empty address is a new SQLite file.
func newBench(t testing.TB, address string) *bench {
	t.Helper()
	dir := ""
	if address == "" {
		dir = t.TempDir()
	}
	d, err := db.Open(t.Context(), address, dir)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	w := &bench{DB: d, address: address + dir}
	t.Cleanup(func() {
		if w.pool != nil {
			w.close(t)
		}
	})
	return w
}

// close closes the pool that breaks. A line that has broken may be closed already: whoever used it closes it, in its own time.
func (w *bench) close(t testing.TB) {
	t.Helper()
	if err := w.pool.Close(); !errors.Is(err, net.ErrClosed) {
		require.NoError(t, err)
	}
}

// open implements tokenomicstest.OpenBroken.
func (w *bench) open(t testing.TB, now func() time.Time, b *tokenomicstest.Breaker) (tokenomicstest.Setup, tokenomics.Store) {
	t.Helper()
	if w.pool != nil {
		w.close(t)
	}
	var whole tokenomics.Store = hasty(t, empty(t, w.DB))
	if w.pool = w.breaking(t, b); w.Dialect == db.Postgres {
		whole = patient{whole, w}
	}
	return tokenomicstest.Setup{
		Store: tokenomicsdb.New(w.pool, w.Dialect), Duties: db.NewDuties(db.Wrap(w.pool, w.Dialect), now),
	}, whole
}

// breaking returns a pool of which each statement (SQLite) or packet (PostgreSQL) may break.
func (w *bench) breaking(t testing.TB, b *tokenomicstest.Breaker) *sql.DB {
	t.Helper()
	if w.Dialect == db.SQLite {
		settings := "_txlock=immediate&_pragma=busy_timeout(5000)&_pragma=synchronous(OFF)"
		address := url.URL{Scheme: "file", Path: filepath.Join(w.address, db.FileName), RawQuery: settings}
		pool := sql.OpenDB(&fragileDriver{w.Write.Driver(), address.String(), b})
		pool.SetMaxOpenConns(1)
		return pool
	}
	config, err := pgx.ParseConfig(w.address)
	require.NoError(t, err)
	config.RuntimeParams["application_name"] = breakingName
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		return &fragileLine{conn, b}, err
	}
	return stdlib.OpenDB(*config)
}

// breakingName is how PostgreSQL knows the connections that break.
const breakingName = "breaking"

// fragileDriver makes connections whose statements are steps of a breaker.
type fragileDriver struct {
	driver  driver.Driver
	address string
	breaker *tokenomicstest.Breaker
}

func (d *fragileDriver) Driver() driver.Driver { return d.driver }

func (d *fragileDriver) Connect(context.Context) (driver.Conn, error) {
	conn, err := d.driver.Open(d.address)
	if err != nil {
		return nil, err
	}
	return &fragileConn{conn.(sqliteConn), d.breaker}, nil
}

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type fragileConn struct {
	sqliteConn
	breaker *tokenomicstest.Breaker
}

// lose takes a step; what it has brought is given up if its reply is lost.
func lose[T any](b *tokenomicstest.Breaker, do func() (T, error), giveUp func(T) error) (T, error) {
	var got T
	done := false
	err := b.Step(func() (err error) {
		got, err = do()
		done = err == nil
		return err
	})
	if err != nil && done {
		err = errors.Join(err, giveUp(got))
	}
	return got, err
}

func (c *fragileConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	tx, err := lose(c.breaker, func() (driver.Tx, error) { return c.sqliteConn.BeginTx(ctx, o) }, driver.Tx.Rollback)
	return &fragileTx{tx, c.breaker}, err
}

func (c *fragileConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	s, err := lose(c.breaker, func() (driver.Stmt, error) { return c.sqliteConn.PrepareContext(ctx, query) }, driver.Stmt.Close)
	if err != nil {
		return nil, err
	}
	return &fragileStmt{s.(sqliteStmt), c.breaker}, nil
}

func (c *fragileConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return lose(c.breaker, func() (driver.Result, error) { return c.sqliteConn.ExecContext(ctx, query, args) }, nothing)
}

func (c *fragileConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return lose(c.breaker, func() (driver.Rows, error) { return c.sqliteConn.QueryContext(ctx, query, args) }, driver.Rows.Close)
}

func nothing(driver.Result) error { return nil }

// sqliteStmt is what the driver's statements can do.
type sqliteStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

type fragileStmt struct {
	sqliteStmt
	breaker *tokenomicstest.Breaker
}

func (s *fragileStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return lose(s.breaker, func() (driver.Result, error) { return s.sqliteStmt.ExecContext(ctx, args) }, nothing)
}

func (s *fragileStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return lose(s.breaker, func() (driver.Rows, error) { return s.sqliteStmt.QueryContext(ctx, args) }, driver.Rows.Close)
}

type fragileTx struct {
	driver.Tx
	breaker *tokenomicstest.Breaker
}

// Commit commits. One that breaks before has no effect: SQLite rolls it back.
func (tx *fragileTx) Commit() error {
	done := false
	err := tx.breaker.Commit(func() error {
		done = true
		return tx.Tx.Commit()
	})
	if !done {
		err = errors.Join(err, tx.Rollback())
	}
	return err
}

// fragileLine is a connection whose packets are steps of a breaker. It ends in the middle of one that breaks, or behind it.
type fragileLine struct {
	net.Conn
	breaker *tokenomicstest.Breaker
}

func (l *fragileLine) Write(packet []byte) (n int, err error) {
	done := false
	err = l.breaker.Step(func() error {
		done = true
		n, err = l.Conn.Write(packet)
		return err
	})
	if err != nil && !done {
		_, _ = l.Conn.Write(packet[:len(packet)/2])
	}
	return n, l.end(err)
}

func (l *fragileLine) Read(packet []byte) (n int, err error) {
	err = l.breaker.Step(func() error {
		n, err = l.Conn.Read(packet)
		return err
	})
	if err != nil {
		n = 0
	}
	return n, l.end(err)
}

func (l *fragileLine) end(err error) error {
	var late net.Error
	if err == nil || errors.As(err, &late) && late.Timeout() {
		return err
	}
	return errors.Join(err, l.Close())
}

// patient waits until the server has done everything that broken connections have sent before it reads.
type patient struct {
	tokenomics.Store
	*bench
}

func (p patient) Load(ctx context.Context, wanted tokenomics.Wanted) (tokenomics.Loaded, error) {
	for alive := 1 << 10; alive > p.pool.Stats().OpenConnections; {
		err := p.Write.NewRaw(`SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND application_name = ?`, breakingName).Scan(ctx, &alive)
		if err != nil {
			return tokenomics.Loaded{}, err
		}
	}
	return p.Store.Load(ctx, wanted)
}
