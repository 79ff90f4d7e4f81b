// Package db opens the database of the house, PostgreSQL or an embedded SQLite file, and keeps what all stores share: the
// rules of connections and transactions, migrations, the journal of facts, and duties.
//
// It is the only package besides the folders named ...db that knows bun, pgx and the SQLite driver. All times are stored
// as whole microseconds since 1970 in UTC, 0 for none, in both databases.
package db

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Dialect names one of the two databases.
type Dialect string

const (
	// Postgres is PostgreSQL 15 or later.
	Postgres Dialect = "postgres"
	// SQLite is the embedded database: SQLite 3.37 or later, for STRICT tables.
	SQLite Dialect = "sqlite"
)

// DB is an open database. Make one with Open or Wrap.
type DB struct {
	// Write runs transactions that write. On SQLite it has exactly one connection, so writers queue up here, in order,
	// and not inside the database, where they would wait by sleeping.
	Write *bun.DB
	// Read runs everything else. On PostgreSQL it is the same pool as Write; on SQLite its connections refuse to write.
	Read *bun.DB
	// Dialect is the kind of database.
	Dialect Dialect

	listen *pgx.ConnConfig // how to reach PostgreSQL outside the pool; nil: polling only
	owned  bool            // Close closes the pools
}

// Open opens the database at a postgres:// address, or the file fog.db in dataDir if the address is empty. Files and
// folders that it makes are readable by this user alone. An address that cannot be understood is Invalid, a file that
// cannot be used is Unavailable; no error contains the password. A PostgreSQL that does not answer is no error here: the
// pool connects when it is used, now or when the database is back, and Ping asks.
func Open(ctx context.Context, address, dataDir string) (*DB, error) {
	var d *DB
	var err error
	switch {
	case address == "":
		d, err = openSQLite(dataDir)
	case strings.HasPrefix(address, "postgres://"), strings.HasPrefix(address, "postgresql://"):
		d, err = openPostgres(address)
	default:
		return nil, fault.Field("db.open", "DatabaseURL", "must be empty or start with postgres://")
	}
	if err != nil {
		return nil, err
	}
	if d.Dialect == SQLite {
		if err := errors.Join(d.Write.PingContext(ctx), d.Read.PingContext(ctx)); err != nil {
			return nil, unavailable("db.open", errors.Join(err, d.Close()))
		}
	}
	return d, nil
}

// Wrap makes a DB of a pool that belongs to the caller: Close leaves it open. On SQLite the pool should have a single
// connection that begins transactions immediately; on PostgreSQL it must allow at least two connections. Facts are found
// by polling.
func Wrap(sqldb *sql.DB, dialect Dialect) *DB {
	pool := newBun(sqldb, dialect)
	return &DB{Write: pool, Read: pool, Dialect: dialect}
}

// newBun puts bun's dialect on a pool.
func newBun(sqldb *sql.DB, dialect Dialect) *bun.DB {
	if dialect == SQLite {
		return bun.NewDB(sqldb, sqlitedialect.New())
	}
	return bun.NewDB(sqldb, pgdialect.New())
}

// Close closes the pools that Open made. It is safe to call twice.
func (d *DB) Close() error {
	if !d.owned {
		return nil
	}
	if d.Read == d.Write {
		return d.Write.Close()
	}
	return errors.Join(d.Read.Close(), d.Write.Close()) // the writer last: it tidies up the write-ahead log
}

// Ping asks the database whether it answers: nil, or an error of kind Unavailable.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.Read.PingContext(ctx); err != nil {
		return unavailable("db.ping", err)
	}
	if d.Read == d.Write {
		return nil
	}
	return unavailable("db.ping", d.Write.PingContext(ctx))
}

// unavailable marks an error as the database's absence; nil stays nil.
func unavailable(op string, err error) error {
	if err == nil {
		return nil
	}
	return &fault.Error{Kind: fault.Unavailable, Op: op, Detail: "database unavailable", Err: err}
}

// Micros returns the stored form of a time: microseconds since 1970, 0 for the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time returns the time of a stored form, in UTC: the zero time for 0.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// secrets returns every form in which a password could stand in an error about an address.
func secrets(address string) []string {
	u, err := url.Parse(address)
	if err != nil {
		return []string{address}
	}
	found := []string{u.Query().Get("password")}
	if u.User != nil {
		password, _ := u.User.Password()
		found = append(found, password, url.PathEscape(password), url.QueryEscape(password))
	}
	return found
}
