// Package tokenomicsdb keeps the ledger in a database: PostgreSQL or SQLite.
//
// A commit is one transaction: it checks the writer's fence, moves the row of fog_ledger_head on from the number and the hash that
// the batch was decided on, and writes each table with statements of many rows. The row of the head is the lock: two
// writers that decided on the same state cannot both commit, whatever their fences say. On PostgreSQL the whole commit is one
// pipeline of prepared statements, sent and answered in one round trip, in which the server makes every check.
package tokenomicsdb

import (
	"context"
	"database/sql"
	"embed"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Dialect names the kind of database: "postgres" or "sqlite".
type Dialect = db.Dialect

// The kinds of databases.
const (
	Postgres = db.Postgres
	SQLite   = db.SQLite
)

//go:embed migrations
var migrations embed.FS

func tables() db.Tables { return db.Tables{Name: "tokenomics", Files: migrations} }

// Store implements tokenomics.Store. Make one with New. It is safe for concurrent use, also by several servers.
type Store struct {
	d              *db.DB
	writer, reader *statements // SQLite: of the two pools
	journal        *db.Journal // nil: no hints, no facts
}

var _ tokenomics.Store = (*Store)(nil)

// New returns the ledger of a database that belongs to the caller. On SQLite the pool should have one connection that
// begins transactions immediately. On PostgreSQL it must allow at least two connections and be one of the driver
// github.com/jackc/pgx/v5/stdlib, not wrapped in another; a connection pooler in between must know prepared statements.
func New(sqldb *sql.DB, dialect Dialect) *Store {
	s := &Store{d: db.Wrap(sqldb, dialect), writer: &statements{pool: sqldb}}
	s.reader = s.writer
	return s
}

// WithReader returns a store that reads through another pool of the same database. The pool must see every commit at once:
// not a replica that lags.
func (s *Store) WithReader(sqldb *sql.DB) *Store {
	c, d := *s, *s.d
	d.Read = db.Wrap(sqldb, d.Dialect).Read
	c.d, c.reader = &d, &statements{pool: sqldb}
	return &c
}

// WithJournal returns a store that wakes other servers through the journal, and writes the ledger's facts into it if
// tokenomics.Config.Facts asks for them. Without a journal servers find each other's requests and verdicts by polling.
func (s *Store) WithJournal(j *db.Journal) *Store {
	c := *s
	c.journal = j
	return &c
}

// Migrate brings the ledger's tables to the version of this program. Errors: Conflict if the database is newer, or has tables
// of a program from before the ledger had blocks; Invalid if the driver is not the one that New asks for; Unavailable.
func (s *Store) Migrate(ctx context.Context) error {
	if err := s.fits(ctx); err != nil {
		return err
	}
	return tables().Migrate(ctx, s.d)
}

// Ready reports, without writing, whether the ledger's tables are at the version of this program: nil, or an error of kind
// Unavailable, Conflict or Invalid.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.fits(ctx); err != nil {
		return err
	}
	return tables().Check(ctx, s.d)
}

// fits checks that the pools are of the driver that the ledger needs.
func (s *Store) fits(ctx context.Context) error {
	if s.d.Dialect == SQLite {
		return nil
	}
	for _, pool := range []*sql.DB{s.d.Write.DB, s.d.Read.DB} {
		if err := onConn(ctx, pool, func(*pgConn) error { return nil }); err != nil {
			return db.Kind(err)
		}
	}
	return nil
}

// Wake implements tokenomics.Queue.
func (s *Store) Wake(topic journal.Topic) <-chan struct{} {
	if s.journal == nil {
		return nil
	}
	return s.journal.Wake(topic)
}
