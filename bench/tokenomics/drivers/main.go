// Command drivers compares two drivers of SQLite, modernc.org/sqlite and mattn/go-sqlite3, by the statements of a ledger's batch. It writes
// the rounds as JSON: transfers a second and the CPU time of one in microseconds.
//
//	drivers <folder> <rounds>
package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/mattn/go-sqlite3" // the driver "sqlite3", with cgo
	_ "modernc.org/sqlite"          // the driver "sqlite", without
)

const (
	accounts = 10_000
	funded   = 90_000_000
	batch    = 256 // transfers of a transaction
	chunk    = 128 // rows of a statement
	lasts    = time.Second
)

// rounds are what is measured.
type rounds struct{ Pure, Cgo, PureCPU, CgoCPU []float64 }

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	if len(os.Args) != 3 {
		return errors.New("usage: drivers <folder> <rounds>")
	}
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		return err
	}
	pure, err := open(ctx, "sqlite", filepath.Join(os.Args[1], "pure.db"), url.Values{
		"_txlock": {"immediate"}, "_pragma": {"journal_mode(WAL)", "synchronous(FULL)"},
	})
	if err != nil {
		return err
	}
	cgo, err := open(ctx, "sqlite3", filepath.Join(os.Args[1], "cgo.db"), url.Values{
		"_txlock": {"immediate"}, "_journal_mode": {"WAL"}, "_synchronous": {"FULL"},
	})
	if err != nil {
		return err
	}
	var all rounds
	for round := -1; round < count; round++ {
		pair := []*ledger{pure, cgo}
		if round%2 == 0 {
			pair = []*ledger{cgo, pure}
		}
		for _, l := range pair {
			rate, cpu, err := l.round(ctx)
			switch {
			case err != nil:
				return err
			case round < 0: // for warming up
			case l == pure:
				all.Pure, all.PureCPU = append(all.Pure, rate), append(all.PureCPU, cpu)
			default:
				all.Cgo, all.CgoCPU = append(all.Cgo, rate), append(all.CgoCPU, cpu)
			}
		}
	}
	return json.NewEncoder(os.Stdout).Encode(all)
}

// ledger is the tables of one driver. Balances are owned in memory, as a ledger's writer owns them.
type ledger struct {
	db                           *sql.DB
	balances                     []int64
	seq                          int64
	accounts, movements, entries *sql.Stmt
}

const tables = `
CREATE TABLE accounts (number INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0)) STRICT;
CREATE TABLE movements (
	seq INTEGER PRIMARY KEY, tenant TEXT NOT NULL, op TEXT NOT NULL, key TEXT NOT NULL, owner TEXT NOT NULL, creator TEXT NOT NULL,
	body BLOB NOT NULL, UNIQUE (tenant, op, key)) STRICT;
CREATE TABLE entries (account INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (account, seq)) STRICT, WITHOUT ROWID;
CREATE TABLE head (id INTEGER PRIMARY KEY, seq INTEGER NOT NULL) STRICT;
INSERT INTO head VALUES (1, 0);
`

func open(ctx context.Context, driver, file string, settings url.Values) (*ledger, error) {
	db, err := sql.Open(driver, (&url.URL{Scheme: "file", Path: file, RawQuery: settings.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	l := &ledger{db: db, balances: make([]int64, accounts)}
	if _, err := db.ExecContext(ctx, tables); err != nil {
		return nil, err
	}
	var mode, full string
	if err := errors.Join(db.QueryRow("PRAGMA journal_mode").Scan(&mode), db.QueryRow("PRAGMA synchronous").Scan(&full)); err != nil || mode != "wal" || full != "2" {
		return nil, fmt.Errorf("%s: journal_mode %s, synchronous %s: %w", driver, mode, full, err)
	}
	for i := range l.balances {
		l.balances[i] = funded
	}
	if _, err := db.ExecContext(ctx, `WITH RECURSIVE list (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM list WHERE i < ? - 1)
		INSERT INTO accounts SELECT i, ? FROM list`, accounts, funded); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		into *(*sql.Stmt)
		text string
		row  string
	}{
		{&l.accounts, "UPDATE accounts SET balance = v.column2 FROM (VALUES %s) AS v WHERE number = v.column1", "(?, ?)"},
		{&l.movements, "INSERT INTO movements VALUES %s", "(?, 'default', 'transfer', ?, ?, 'operator', ?)"},
		{&l.entries, "INSERT INTO entries VALUES %s", "(?, ?)"},
	} {
		prepared, err := db.PrepareContext(ctx, fmt.Sprintf(s.text, strings.Repeat(", "+s.row, chunk)[2:]))
		if err != nil {
			return nil, err
		}
		*s.into = prepared
	}
	return l, nil
}

// round writes batches for a while.
func (l *ledger) round(ctx context.Context) (rate, cpu float64, err error) {
	before, began, first := used(), time.Now(), l.seq
	for time.Since(began) < lasts {
		if err := l.commit(ctx); err != nil {
			return 0, 0, err
		}
	}
	n := float64(l.seq - first)
	rate, cpu = n/time.Since(began).Seconds(), float64(used()-before)/float64(time.Microsecond)/n
	return rate, cpu, l.check(ctx)
}

// commit writes one batch: its movements, the balances that it has changed, the entries, the head.
func (l *ledger) commit(ctx context.Context) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	var movements, entries, balances []any
	was := l.seq
	body := make([]byte, 100)
	for range batch {
		l.seq++
		from := int(uint64(l.seq) * 0x9e3779b97f4a7c15 >> 33 % accounts)
		to := (from + 1 + int(l.seq%(accounts-1))) % accounts
		l.balances[from]--
		l.balances[to]++
		movements = append(movements, l.seq, fmt.Sprintf("%012x%020x", began(), l.seq), "device:"+strconv.Itoa(from), body)
		entries = append(entries, from, l.seq, to, l.seq)
		balances = append(balances, from, l.balances[from], to, l.balances[to])
	}
	for _, part := range []struct {
		statement *sql.Stmt
		args      []any
		columns   int
	}{{l.movements, movements, 4}, {l.entries, entries, 2}, {l.accounts, balances, 2}} {
		for rest := part.args; len(rest) > 0; rest = rest[chunk*part.columns:] {
			if _, err := tx.StmtContext(ctx, part.statement).ExecContext(ctx, rest[:chunk*part.columns]...); err != nil {
				return errors.Join(err, tx.Rollback())
			}
		}
	}
	if _, err := tx.ExecContext(ctx, "UPDATE head SET seq = ? WHERE seq = ?", l.seq, was); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func began() int64 { return time.Now().UnixMilli() }

// check compares what is stored with what was written.
func (l *ledger) check(ctx context.Context) error {
	var sum, movements, entries, head int64
	err := l.db.QueryRowContext(ctx, `SELECT (SELECT sum(balance) FROM accounts), (SELECT count(*) FROM movements),
		(SELECT count(*) FROM entries), (SELECT seq FROM head)`).Scan(&sum, &movements, &entries, &head)
	if err == nil && (sum != accounts*funded || movements != l.seq || entries != 2*l.seq || head != l.seq) {
		return fmt.Errorf("sum %d, %d movements of %d, %d entries, head %d", sum, movements, l.seq, entries, head)
	}
	return err
}

// used is the CPU time of this process.
func used() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
