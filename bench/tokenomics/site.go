package tokenomics

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicsdb"
)

const (
	accounts = 10_000
	funded   = 90 * tokenomics.FOG // of each account: a load moves single base units, so nobody is ever short
	pool     = 12                  // connections, as a server has them
)

// site is a ledger at work on a database.
type site struct {
	ledger  *tokenomics.Tokenomics
	commits atomic.Int64
	moved   atomic.Int64 // movements that were answered
	keys    atomic.Uint64
	close   func() error
}

// newPostgresSite makes a ledger in a PostgreSQL and funds its accounts.
func newPostgresSite(ctx context.Context, server *Server) (*site, error) {
	// Statements with their values in them are new each time: preparing them would be for nothing.
	db, err := sql.Open("pgx", server.URL+"&default_query_exec_mode=exec")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(pool)
	db.SetMaxIdleConns(pool)
	return newSite(ctx, tokenomicsdb.New(db, tokenomicsdb.Postgres), db.Close)
}

// newSQLiteSite does so in a file.
func newSQLiteSite(ctx context.Context, dir string) (*site, error) {
	write, err := openSQLite(filepath.Join(dir, "ledger.db"), false)
	if err != nil {
		return nil, err
	}
	read, err := openSQLite(filepath.Join(dir, "ledger.db"), true)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	store := tokenomicsdb.New(write, tokenomicsdb.SQLite).WithReader(read)
	return newSite(ctx, store, func() error { return errors.Join(read.Close(), write.Close()) })
}

// openSQLite opens a file as a server does: write-ahead log, every commit on the disk, one writer.
func openSQLite(file string, reader bool) (*sql.DB, error) {
	settings := url.Values{"_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-32768)", "wal_autocheckpoint(8192)"}}
	if reader {
		settings = url.Values{"_pragma": {"busy_timeout(5000)", "query_only(1)"}}
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file, RawQuery: settings.Encode()}).String())
	if err != nil {
		return nil, err
	}
	if !reader {
		db.SetMaxOpenConns(1)
	}
	return db, nil
}

func newSite(ctx context.Context, store *tokenomicsdb.Store, closeDB func() error) (*site, error) {
	s := &site{}
	ledger, err := tokenomics.New(tokenomics.Config{Store: store, Step: func(string) { s.commits.Add(1) }})
	if err != nil {
		return nil, errors.Join(err, closeDB())
	}
	s.ledger = ledger
	s.close = func() error { return errors.Join(ledger.Close(), closeDB()) }
	if err := store.Migrate(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	if err := s.fund(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// fund gives every account what it needs.
func (s *site) fund(ctx context.Context) error {
	s.moved.Add(1) // the genesis
	return s.chunks(ctx, accounts, func(n uint64) tokenomics.Transfer {
		return tokenomics.Transfer{From: "operator", To: account(n), Amount: funded}
	})
}

// fill makes a number of transfers between any of the accounts.
func (s *site) fill(ctx context.Context, count int) error {
	return s.chunks(ctx, count, func(n uint64) tokenomics.Transfer {
		from, to := pair(n)
		return tokenomics.Transfer{From: from, To: to, Amount: 1}
	})
}

// chunks makes transfers, many in a call. Their number is a multiple of what a call has.
func (s *site) chunks(ctx context.Context, count int, one func(n uint64) tokenomics.Transfer) error {
	const chunk = 500
	for at := 0; at < count; at += chunk {
		list := make([]tokenomics.Transfer, chunk)
		for i := range list {
			list[i] = one(uint64(at + i))
			list[i].Key = s.key()
		}
		verdicts, err := s.ledger.Transfer(ctx, list)
		if err := errors.Join(append(verdicts, err)...); err != nil {
			return err
		}
		s.moved.Add(chunk)
	}
	return nil
}

// account is one of the funded accounts.
func account(i uint64) tokenomics.Account {
	return tokenomics.Account(fmt.Sprintf("device:%07d", i%accounts))
}

// mix spreads numbers evenly (the finaliser of SplitMix64: Steele, Lea and Flood, OOPSLA 2014).
func mix(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// pair is the payer and the payee of a transfer: two accounts of all.
func pair(n uint64) (from, to tokenomics.Account) {
	a := mix(n) % accounts
	return account(a), account(a + 1 + mix(^n)%(accounts-1))
}

// key is one that was never used: as long as a UUID without hyphens, and like those of version 7 led by the time.
func (s *site) key() string {
	n := s.keys.Add(1)
	return fmt.Sprintf("%012x%016x%04x", time.Now().UnixMilli(), mix(n), n&0xffff)
}

// spread moves one base unit between two accounts of all.
func (s *site) spread(ctx context.Context, n uint64) error {
	from, to := pair(n)
	return s.transfer(ctx, from, to)
}

// hot moves one to the one account that everybody pays to.
func (s *site) hot(ctx context.Context, n uint64) error {
	return s.transfer(ctx, account(mix(n)), "treasury")
}

func (s *site) transfer(ctx context.Context, from, to tokenomics.Account) error {
	verdicts, err := s.ledger.Transfer(ctx, []tokenomics.Transfer{{Key: s.key(), From: from, To: to, Amount: 1}})
	if err := errors.Join(append(verdicts, err)...); err != nil {
		return err
	}
	s.moved.Add(1)
	return nil
}

// check makes sure that the ledger has every movement that was answered, and no other, and that it is in order.
func (s *site) check(ctx context.Context) error {
	stats, err := s.ledger.Stats(ctx)
	if err != nil {
		return err
	}
	if moved := s.moved.Load(); stats.Sum != 0 || stats.Movements != moved {
		return fmt.Errorf("%d movements instead of %d, whose sum is %d", stats.Movements, moved, stats.Sum)
	}
	return s.ledger.Verify(ctx)
}

// batched is one load on a ledger, with the movements of its commits.
type batched struct {
	outcome
	spent
	batch float64 // movements of a commit, on average
}

// micros is the CPU time of a transfer.
func (b batched) micros() (client, server float64) {
	n := float64(len(b.took)) * float64(time.Microsecond)
	return float64(b.client) / n, float64(b.server) / n
}

// run loads the ledger and, out of the clock, checks it.
func (s *site) run(ctx context.Context, server *Server, l load) (b batched, err error) {
	commits := s.commits.Load()
	around := l.around
	if around == nil {
		around = func(run func() error) error { return run() }
	}
	b.spent, err = spend(server, func() error {
		return around(func() error {
			b.outcome, err = l.run(ctx)
			return err
		})
	})
	if err != nil {
		return b, err
	}
	b.batch = float64(len(b.took)) / float64(max(1, s.commits.Load()-commits))
	return b, s.check(ctx)
}

// folder is a temporary one, and how it goes away.
func folder() (dir string, remove func(), err error) {
	dir, err = os.MkdirTemp("", "fogbench-")
	return dir, func() { _ = os.RemoveAll(dir) }, err
}
