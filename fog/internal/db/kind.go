package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Kind gives an error of a driver its kind: trouble with the connection, with room or with time becomes Unavailable.
// Other errors, among them sql.ErrNoRows, violated constraints and all that have a kind already, are returned as they
// are; nil stays nil.
func Kind(err error) error {
	if err != nil && fault.KindOf(err) == fault.Internal && absent(err) {
		return unavailable("db", err)
	}
	return err
}

// IsUnique reports whether an error is a violated primary key or unique index.
func IsUnique(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		code := lite.Code()
		return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY ||
			code == sqlite3.SQLITE_CONSTRAINT_ROWID
	}
	return false
}

// absent reports whether an error means that the database cannot serve now.
func absent(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	if errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) {
		return true
	}
	for _, gone := range []error{
		driver.ErrBadConn, sql.ErrConnDone, sql.ErrTxDone, io.EOF, io.ErrUnexpectedEOF,
		context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, gone) {
			return true
		}
	}
	return absentPostgres(err) || absentSQLite(err)
}

// absentPostgres looks at the SQLSTATE (PostgreSQL documentation, appendix A).
func absentPostgres(err error) bool {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return false
	}
	for _, class := range []string{
		"08",    // connection exceptions
		"53",    // out of connections, memory or disk
		"57",    // shutdown, crash, cancelled statement
		"58",    // trouble of the system around it
		"40",    // serialisation failures and deadlocks that outlasted all tries
		"55P03", // a lock that was not to be had in time
		"25P03", // a transaction that stood still for too long
		"25006", // a standby: the primary has moved
	} {
		if strings.HasPrefix(pg.Code, class) {
			return true
		}
	}
	return false
}

// absentSQLite looks at the primary result code (sqlite.org/rescode.html).
func absentSQLite(err error) bool {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return false
	}
	switch lite.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR,
		sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_READONLY:
		return true
	default:
		return false
	}
}

// again reports whether a transaction failed only because of others and was rolled back: the same may succeed next time.
func again(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "40001" || pg.Code == "40P01"
	}
	var lite *sqlite.Error
	return errors.As(err, &lite) && lite.Code()&0xff == sqlite3.SQLITE_BUSY
}
