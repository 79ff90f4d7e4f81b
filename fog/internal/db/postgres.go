package db

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

const (
	postgresConns   = 12               // of one server's pool; PostgreSQL itself allows 100 by default
	postgresIdle    = 5 * time.Minute  // after which an unused connection is closed
	postgresLife    = time.Hour        // so that connections spread over a database that has moved
	postgresConnect = 5 * time.Second  // unless the address has a connect_timeout
	postgresStuck   = 15 * time.Second // after which a transaction whose server has stopped lets go of its locks
)

// openPostgres makes a pool; nothing is connected yet.
//
// bun writes values into the text of a statement, so each statement is new to pgx and its cache of prepared statements
// only costs: one round trip without preparing is two to five times as fast by key. It suits connection poolers too.
func openPostgres(address string) (*DB, error) {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, badAddress(address, err)
	}
	cfg.DefaultQueryExecMode = pgx.QueryExecModeExec
	cfg.StatementCacheCapacity, cfg.DescriptionCacheCapacity = 0, 0
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = postgresConnect
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "fog"
	}
	pool := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(limitIdle))
	pool.SetMaxOpenConns(postgresConns)
	pool.SetMaxIdleConns(postgresConns)
	pool.SetConnMaxIdleTime(postgresIdle)
	pool.SetConnMaxLifetime(postgresLife)
	b := newBun(pool, Postgres)
	return &DB{Write: b, Read: b, Dialect: Postgres, listen: cfg, owned: true}, nil
}

// limitIdle lets PostgreSQL end a transaction in which nothing happens: a server that was stopped in the middle of a commit
// must not hold a duty's row for ever. It is a statement and not a start-up parameter because poolers refuse those.
func limitIdle(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SET idle_in_transaction_session_timeout = '"+postgresStuck.String()+"'")
	return err
}

// badAddress reports an address that cannot be parsed, with the parser's words only if they do not repeat a password.
func badAddress(address string, err error) error {
	text := err.Error()
	leaks := slices.ContainsFunc(secrets(address), func(secret string) bool {
		return secret != "" && strings.Contains(text, secret)
	})
	if leaks {
		return fault.Field("db.open", "DatabaseURL", "not a valid PostgreSQL address")
	}
	return fault.Field("db.open", "DatabaseURL", "not a valid PostgreSQL address: %s", text)
}
