package schedulerdb

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// Dialect names one of the two databases.
type Dialect = db.Dialect

const (
	// Postgres is PostgreSQL 15 or later.
	Postgres = db.Postgres
	// SQLite is SQLite 3.37 or later.
	SQLite = db.SQLite
)

//go:embed migrations
var migrations embed.FS

func tables() db.Tables { return db.Tables{Name: "scheduler", Files: migrations} }

// Store implements scheduler.Store on a database. Make it with New; its methods are safe for concurrent use, after its With
// methods have been called.
type Store struct {
	d        *db.DB
	journal  *db.Journal // nil: facts are not written
	now      func() time.Time
	columns  columns
	writes   writes
	prepared *prepared
	lookups  lookups
	lines    lineQueries
	readers  readers
}

var _ scheduler.Store = (*Store)(nil)

// New returns a store on the caller's pool, which stays the caller's to close. On SQLite the pool must have exactly one
// connection, begin transactions immediately and have foreign keys switched on. Nothing is opened or written yet: call Migrate
// first.
func New(sqldb *sql.DB, dialect Dialect) *Store {
	return &Store{
		d:        db.Wrap(sqldb, dialect),
		now:      time.Now,
		columns:  newColumns(),
		writes:   newWrites(dialect),
		prepared: &prepared{pool: sqldb},
		lookups:  newLookups(dialect, newColumns()),
		lines:    newLineQueries(dialect, newColumns()),
	}
}

// WithReader lets the store read through another pool of the same database, so that on SQLite readers do not queue up
// behind the one writer. It returns the store.
func (s *Store) WithReader(sqldb *sql.DB) *Store {
	s.d.Read = db.Wrap(sqldb, s.d.Dialect).Read
	return s
}

// WithJournal makes the store write facts, in the same transactions as the rows they speak of, and hint at them after the
// commit. Without a journal facts are dropped, because nobody would read them. It returns the store.
func (s *Store) WithJournal(j *db.Journal) *Store {
	s.journal = j
	return s
}

// WithClock replaces time.Now as the clock that stamps facts. It returns the store.
func (s *Store) WithClock(now func() time.Time) *Store {
	s.now = now
	return s
}

// Abilities returns what the store offers beyond the port. Its duties are those that its commits check fences against.
func (s *Store) Abilities() scheduler.Abilities {
	return scheduler.Abilities{InsertTx: s.InsertTx, Duties: db.NewDuties(s.d, s.now)}
}

// Migrate brings the tables to the version that this program knows. It is safe to call from several servers at once, and
// again. A newer database is fault Conflict.
func (s *Store) Migrate(ctx context.Context) error { return tables().Migrate(ctx, s.d) }

// Check reports whether the database answers and its tables have the version that this program knows: nil, or fault
// Unavailable or Conflict.
func (s *Store) Check(ctx context.Context) error { return tables().Check(ctx, s.d) }

// failed names the operation of a failed statement and gives its error a kind.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	return db.Kind(fmt.Errorf("schedulerdb.%s: %w", op, err))
}
