package tokenomics

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicsdb"
)

// stage is what a figure sets up. All of it goes away with the stage, the latest first.
type stage struct {
	*Setting
	undo []func() error
}

func (s *Setting) stage() *stage { return &stage{Setting: s} }

// clear ends everything. What is lost by an end that fails has been checked, and was temporary.
func (g *stage) clear() {
	for i := range g.undo {
		_ = g.undo[len(g.undo)-1-i]()
	}
}

// server starts a PostgreSQL.
func (g *stage) server(ctx context.Context) (*Server, error) {
	server, err := g.Postgres(ctx)
	if err == nil {
		g.undo = append(g.undo, server.Stop)
	}
	return server, err
}

// folder makes a temporary one.
func (g *stage) folder() (folder, error) {
	dir, err := os.MkdirTemp("", "fogbench-")
	g.undo = append(g.undo, func() error { return os.RemoveAll(dir) })
	return folder(dir), err
}

// ledger opens a ledger in a new database.
func (g *stage) ledger(ctx context.Context, base base, name string, config tokenomics.Config) (*site, error) {
	s, err := newSite(ctx, base, name, config)
	if err == nil {
		g.undo = append(g.undo, s.close)
	}
	return s, err
}

// funded opens a ledger whose accounts have what loads move.
func (g *stage) funded(ctx context.Context, base base) (*site, error) {
	s, err := g.ledger(ctx, base, "ledger", tokenomics.Config{})
	if err != nil {
		return nil, err
	}
	return s, s.fund(ctx)
}

// postgres starts a PostgreSQL with a ledger that is funded.
func (g *stage) postgres(ctx context.Context) (*Server, *site, error) {
	server, err := g.server(ctx)
	if err != nil {
		return nil, nil, err
	}
	s, err := g.funded(ctx, server)
	return server, s, err
}

// sqlite makes a folder with a ledger that is funded.
func (g *stage) sqlite(ctx context.Context) (folder, *site, error) {
	dir, err := g.folder()
	if err != nil {
		return "", nil, err
	}
	s, err := g.funded(ctx, dir)
	return dir, s, err
}

// base is where databases with ledgers are.
type base interface {
	// open opens a database, which it makes if there is none of that name.
	open(ctx context.Context, name string) (store *tokenomicsdb.Store, end func() error, err error)
	// settle does what the database would otherwise do by itself after much was written, while something is measured.
	settle(ctx context.Context, name string) error
}

// pool is how many connections a ledger has, as on a server.
const pool = 12

// database returns the address of a database of the server, which it makes if there is none of that name.
func (s *Server) database(ctx context.Context, name string) (string, error) {
	db, err := sql.Open("pgx", s.URL)
	if err != nil {
		return "", err
	}
	defer func() { _ = db.Close() }() // it has nothing to lose
	address, err := url.Parse(s.URL)
	if err != nil {
		return "", err
	}
	address.Path = "/" + name
	var there bool
	err = db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", name).Scan(&there)
	if err == nil && !there {
		_, err = db.ExecContext(ctx, "CREATE DATABASE "+name)
	}
	return address.String(), err
}

func (s *Server) open(ctx context.Context, name string) (*tokenomicsdb.Store, func() error, error) {
	address, err := s.database(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	// Statements with their values in them are new each time: preparing them would be for nothing.
	db, err := sql.Open("pgx", address+"&default_query_exec_mode=exec")
	if err != nil {
		return nil, nil, err
	}
	db.SetMaxOpenConns(pool)
	db.SetMaxIdleConns(pool)
	return tokenomicsdb.New(db, tokenomicsdb.Postgres), db.Close, nil
}

func (s *Server) settle(ctx context.Context, name string) error {
	address, err := s.database(ctx, name)
	if err != nil {
		return err
	}
	db, err := sql.Open("pgx", address)
	if err != nil {
		return err
	}
	_, vacuum := db.ExecContext(ctx, "VACUUM ANALYZE")
	_, checkpoint := db.ExecContext(ctx, "CHECKPOINT")
	return errors.Join(vacuum, checkpoint, db.Close())
}

// folder has SQLite databases.
type folder string

// settle has nothing to do: whoever closes a database last leaves nothing behind in its write-ahead log.
func (f folder) settle(context.Context, string) error { return nil }

func (f folder) open(ctx context.Context, name string) (*tokenomicsdb.Store, func() error, error) {
	write, err := f.sqlite(ctx, name, false)
	if err != nil {
		return nil, nil, err
	}
	read, err := f.sqlite(ctx, name, true)
	if err != nil {
		return nil, nil, errors.Join(err, write.Close())
	}
	return tokenomicsdb.New(write, tokenomicsdb.SQLite).WithReader(read), func() error { return errors.Join(read.Close(), write.Close()) }, nil
}

// sqlite opens a file as a server does: write-ahead log, every commit on the disk, one writer.
func (f folder) sqlite(ctx context.Context, name string, reader bool) (*sql.DB, error) {
	settings := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-32768)", "wal_autocheckpoint(8192)"}}
	if reader {
		settings = url.Values{"_pragma": {"busy_timeout(5000)", "query_only(1)"}}
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: filepath.Join(string(f), name+".db"), RawQuery: settings.Encode()}).String())
	if err != nil || reader {
		return db, err
	}
	db.SetMaxOpenConns(1)
	var mode string
	var synchronous int
	err = db.QueryRowContext(ctx, "SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous").Scan(&mode, &synchronous)
	if err == nil && (mode != "wal" || synchronous != 2) {
		err = fmt.Errorf("SQLite has the journal mode %s and synchronous=%d", mode, synchronous)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}
