package tokenomics

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// single is what a user would write himself on SQLite: one transaction a transfer, of prepared statements, on the one connection that writes.
// It has no chain, no running sums and no duty.
type single struct {
	db         *sql.DB
	statements [5]*sql.Stmt
	done       int64 // counted in order: there is one connection
}

// replaced fills in the sizes.
func replaced(text string) string {
	return strings.NewReplacer("$funded", strconv.FormatInt(int64(funded), 10), "$accounts", strconv.Itoa(accounts)).Replace(text)
}

const singleTables = `
CREATE TABLE single_accounts (
	number  INTEGER PRIMARY KEY,
	owner   TEXT    NOT NULL UNIQUE,
	balance INTEGER NOT NULL CHECK (balance >= 0)
) STRICT;
CREATE TABLE single_transfers (
	seq     INTEGER PRIMARY KEY,
	tenant  TEXT    NOT NULL,
	key     TEXT    NOT NULL,
	payer   TEXT    NOT NULL,
	payee   TEXT    NOT NULL,
	amount  INTEGER NOT NULL CHECK (amount > 0),
	creator TEXT    NOT NULL,
	at      INTEGER NOT NULL,
	UNIQUE (tenant, key)
) STRICT;
CREATE TABLE single_entries (
	account INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	amount  INTEGER NOT NULL,
	balance INTEGER NOT NULL,
	PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;
WITH RECURSIVE list (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM list WHERE i < $accounts - 1)
INSERT INTO single_accounts (owner, balance) SELECT printf('device:%07d', i), $funded FROM list;`

func newSingle(ctx context.Context, dir folder) (*single, error) {
	db, err := dir.sqlite(ctx, "single", false)
	if err != nil {
		return nil, err
	}
	s := &single{db: db}
	if _, err := db.ExecContext(ctx, replaced(singleTables)); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	for i, text := range []string{
		`INSERT INTO single_transfers (tenant, key, payer, payee, amount, creator, at)
			VALUES ('default', ?, ?, ?, 1, 'operator', unixepoch()) RETURNING seq`,
		"UPDATE single_accounts SET balance = balance - 1 WHERE owner = ? RETURNING number, balance",
		"UPDATE single_accounts SET balance = balance + 1 WHERE owner = ? RETURNING number, balance",
		"INSERT INTO single_entries VALUES (?, ?, -1, ?)",
		"INSERT INTO single_entries VALUES (?, ?, 1, ?)",
	} {
		if s.statements[i], err = db.PrepareContext(ctx, text); err != nil {
			return nil, errors.Join(err, db.Close())
		}
	}
	return s, nil
}

// transfer writes the rows; a key that was used, or a balance below zero, violates a constraint.
func (s *single) transfer(ctx context.Context, key, from, to string) (err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	var seq int64
	if err := tx.StmtContext(ctx, s.statements[0]).QueryRowContext(ctx, key, from, to).Scan(&seq); err != nil {
		return err
	}
	for i, party := range []string{from, to} {
		var number, balance int64
		if err := tx.StmtContext(ctx, s.statements[1+i]).QueryRowContext(ctx, party).Scan(&number, &balance); err != nil {
			return err
		}
		if _, err := tx.StmtContext(ctx, s.statements[3+i]).ExecContext(ctx, number, seq, balance); err != nil {
			return err
		}
	}
	s.done++
	return tx.Commit()
}

// check makes sure that every transfer is there and that nothing was made or lost.
func (s *single) check(ctx context.Context) error {
	var transfers, entries, sum, balances int64
	var integrity string
	err := s.db.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM single_transfers), (SELECT count(*) FROM single_entries),
		(SELECT COALESCE(sum(amount), 0) FROM single_entries), (SELECT sum(balance) FROM single_accounts), (SELECT integrity_check FROM pragma_integrity_check)`).
		Scan(&transfers, &entries, &sum, &balances, &integrity)
	if err == nil && (transfers != s.done || entries != 2*s.done || sum != 0 || balances != accounts*int64(funded) || integrity != "ok") {
		return fmt.Errorf("single transactions made %d transfers of %d, %d entries with the sum %d, and left %d: %s", transfers, s.done, entries, sum, balances, integrity)
	}
	return err
}
