// Package tokenomicsdb keeps the ledger in a database: PostgreSQL or SQLite.
//
// A commit is one transaction: it checks the writer's fence, raises the row of fog_ledger_head from the number that the
// batch was decided on, and writes each table with one statement of many rows. The row of the head is the lock: two
// writers that decided on the same state cannot both commit, whatever their fences say.
package tokenomicsdb

import (
	"context"
	"database/sql"
	"embed"
	"strings"

	"github.com/uptrace/bun"

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
	d       *db.DB
	journal *db.Journal // nil: no hints, no facts
}

var _ tokenomics.Store = (*Store)(nil)

// New returns the ledger of a database that belongs to the caller. On SQLite the pool should have one connection that
// begins transactions immediately; on PostgreSQL it must allow at least two connections.
func New(sqldb *sql.DB, dialect Dialect) *Store {
	return &Store{d: db.Wrap(sqldb, dialect)}
}

// WithReader returns a store that reads through another pool of the same database. The pool must see every commit at once:
// not a replica that lags.
func (s *Store) WithReader(sqldb *sql.DB) *Store {
	c, d := *s, *s.d
	d.Read = db.Wrap(sqldb, d.Dialect).Read
	c.d = &d
	return &c
}

// WithJournal returns a store that wakes other servers through the journal, and writes the ledger's facts into it if
// tokenomics.Config.Facts asks for them. Without a journal servers find each other's requests and verdicts by polling.
func (s *Store) WithJournal(j *db.Journal) *Store {
	c := *s
	c.journal = j
	return &c
}

// Migrate brings the ledger's tables to the version of this program. Errors: Conflict if the database is newer, Unavailable.
func (s *Store) Migrate(ctx context.Context) error { return tables().Migrate(ctx, s.d) }

// Ready reports, without writing, whether the ledger's tables are at the version of this program: nil, or an error of kind
// Unavailable or Conflict.
func (s *Store) Ready(ctx context.Context) error { return tables().Check(ctx, s.d) }

// Wake implements tokenomics.Queue.
func (s *Store) Wake(topic journal.Topic) <-chan struct{} {
	if s.journal == nil {
		return nil
	}
	return s.journal.Wake(topic)
}

// notify wakes the readers of a topic once a commit is durable.
func (s *Store) notify(topic journal.Topic) {
	if s.journal != nil {
		s.journal.Notify(topic)
	}
}

// chunk is how many rows stand in one statement: SQLite limits the length of a statement to a million bytes.
func (s *Store) chunk() int {
	if s.d.Dialect == SQLite {
		return 200
	}
	return 4000
}

// rows collects the values of a statement that writes or looks up many rows at once.
type rows struct {
	columns int
	args    []any
}

// add appends one row.
func (r *rows) add(values ...any) { r.args = append(r.args, values...) }

// each calls f for every chunk of rows, with the text of its VALUES list and its arguments.
func (r *rows) each(chunk int, f func(values string, args []any) error) error {
	one := ", (" + strings.Repeat(", ?", r.columns)[2:] + ")"
	for rest := r.args; len(rest) > 0; {
		n := min(len(rest)/r.columns, chunk)
		if err := f(strings.Repeat(one, n)[2:], rest[:n*r.columns]); err != nil {
			return err
		}
		rest = rest[n*r.columns:]
	}
	return nil
}

// match joins the one row of a table that fits each row of the VALUES list v. It makes either database look every row up by
// its index, which keeps a batch's cost independent of the ledger's length: PostgreSQL would scan a table of middling
// size instead, SQLite would turn the join round.
func (s *Store) match(table, alias, on string) string {
	if s.d.Dialect == SQLite {
		return " AS v CROSS JOIN " + table + " AS " + alias + " WHERE " + on
	}
	return " AS v CROSS JOIN LATERAL (SELECT * FROM " + table + " AS " + alias + " WHERE " + on + " LIMIT 1) AS " + alias
}

// write runs a statement, in which %s stands for the VALUES list, for every chunk of rows. It returns how many rows of
// the table it has touched.
func (s *Store) write(ctx context.Context, tx bun.Tx, r rows, query string) (int, error) {
	touched := 0
	err := r.each(s.chunk(), func(values string, args []any) error {
		result, err := tx.NewRaw(strings.Replace(query, "%s", values, 1), args...).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		touched += int(n)
		return err
	})
	return touched, err
}
