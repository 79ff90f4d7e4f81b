package tokenomicsdb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicsdb"
)

func newLedger(t testing.TB, config tokenomics.Config) *tokenomics.Tokenomics {
	t.Helper()
	ledger, err := tokenomics.New(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, ledger.Close()) })
	return ledger
}

// run runs something until the test ends.
func run(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
}

func transfer(key string) []tokenomics.Transfer {
	return []tokenomics.Transfer{{Key: key, From: "operator", To: "dev", Amount: tokenomics.FOG}}
}

func TestMigrate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := tokenomicsdb.New(d.Write.DB, d.Dialect)
		require.Equal(t, fault.Unavailable, fault.KindOf(s.Ready(t.Context())))
		require.NoError(t, s.Migrate(t.Context()))
		require.NoError(t, s.Migrate(t.Context()))
		require.NoError(t, s.Ready(t.Context()))
		for step, says := range map[string]string{"29991231000000": "newer", "20261122000001": "early version"} {
			_, err := d.Write.ExecContext(t.Context(), "INSERT INTO fog_tokenomics_migrations (name, group_id) VALUES ('"+step+"', 9)")
			require.NoError(t, err)
			for _, err := range []error{s.Migrate(t.Context()), s.Ready(t.Context())} {
				require.Equal(t, fault.Conflict, fault.KindOf(err))
				require.ErrorContains(t, err, says)
			}
			_, err = d.Write.ExecContext(t.Context(), "DELETE FROM fog_tokenomics_migrations WHERE name = '"+step+"'")
			require.NoError(t, err)
		}
		require.NoError(t, s.Ready(t.Context()))
	})
}

// A pool of another driver is refused before anything is written.
func TestDriver(t *testing.T) {
	d := dbtest.SQLite(t)
	s := tokenomicsdb.New(d.Write.DB, tokenomicsdb.Postgres)
	require.Equal(t, fault.Invalid, fault.KindOf(s.Migrate(t.Context())))
	require.Equal(t, fault.Invalid, fault.KindOf(s.Ready(t.Context())))
	require.ErrorContains(t, s.Ready(t.Context()), "pgx")
}

// stuck begins a commit that cannot go on, because somebody has locked the head, and returns how it ends, the process that
// serves it, and how to let it go.
func stuck(ctx context.Context, t *testing.T, d *db.DB, ledger *tokenomics.Tokenomics, key string) (ended <-chan error, pid func() int, release func()) {
	t.Helper()
	tx, err := d.Write.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	_, err = tx.ExecContext(t.Context(), "SELECT 1 FROM fog_ledger_head FOR UPDATE")
	require.NoError(t, err)
	result := make(chan error, 1)
	go func() {
		_, err := ledger.Transfer(ctx, transfer(key))
		result <- err
	}()
	pid = func() (pid int) {
		_ = d.Write.NewRaw(`SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
			AND query LIKE '%fog_ledger_begin%' AND wait_event_type = 'Lock'`).Scan(t.Context(), &pid)
		return pid
	}
	return result, pid, func() { require.NoError(t, tx.Rollback()) }
}

// A connection that ends in the middle of a commit leaves the outcome open, and the next commit finds out.
func TestTornCommit(t *testing.T) {
	d := dbtest.Postgres(t)
	ledger := newLedger(t, tokenomics.Config{Store: store(t, d)})
	_, err := ledger.Transfer(t.Context(), transfer("before"))
	require.NoError(t, err)
	ended, pid, release := stuck(t.Context(), t, d, ledger, "torn")
	require.Eventually(t, func() bool { return pid() != 0 }, 10*time.Second, time.Millisecond)
	_, err = d.Write.ExecContext(t.Context(), "SELECT pg_terminate_backend(?)", pid())
	require.NoError(t, err)
	require.Equal(t, fault.Unavailable, fault.KindOf(<-ended))
	release()
	for range 2 {
		_, err = ledger.Transfer(t.Context(), transfer("torn"))
		require.NoError(t, err)
	}
	balance, err := ledger.Balance(t.Context(), "dev")
	require.NoError(t, err)
	require.Equal(t, 2*tokenomics.FOG, balance.Available)
	require.NoError(t, ledger.Verify(t.Context()))
}

// A context that ends cancels the commit at the server too, and its connection does not come back half used.
func TestCancelledCommit(t *testing.T) {
	d := dbtest.Postgres(t)
	s := store(t, d)
	ledger := newLedger(t, tokenomics.Config{Store: s})
	_, err := ledger.Transfer(t.Context(), transfer("before"))
	require.NoError(t, err)
	loaded, err := s.Load(t.Context(), tokenomics.Wanted{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	first, pid, release := stuck(t.Context(), t, d, ledger, "waits")
	require.Eventually(t, func() bool { return pid() != 0 }, 10*time.Second, time.Millisecond)
	ended := make(chan error)
	go func() {
		ended <- s.Commit(ctx, tokenomics.Fence{}, tokenomics.Changes{Was: loaded.Head, Head: loaded.Head, Verdicts: []tokenomics.Verdict{{ID: 1}}})
	}()
	waiting := func() (n int) {
		_ = d.Write.NewRaw(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
			AND query LIKE '%fog_ledger_begin%' AND wait_event_type = 'Lock'`).Scan(t.Context(), &n)
		return n
	}
	require.Eventually(t, func() bool { return waiting() == 2 }, 10*time.Second, time.Millisecond)
	cancel()
	err = <-ended
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.ErrorIs(t, err, context.Canceled)
	require.Eventually(t, func() bool { return waiting() == 1 }, 10*time.Second, time.Millisecond, "the server has given it up")
	release()
	require.NoError(t, <-first)
	_, err = ledger.Transfer(t.Context(), transfer("after"))
	require.NoError(t, err)
	require.NoError(t, ledger.Verify(t.Context()))
}

// A connection whose prepared statements somebody has dropped prepares them again.
func TestDroppedStatements(t *testing.T) {
	d := dbtest.Postgres(t)
	s := store(t, d)
	d.Write.SetMaxOpenConns(1)
	ledger := newLedger(t, tokenomics.Config{Store: s})
	for _, key := range []string{"a", "b"} {
		verdicts, err := ledger.Transfer(t.Context(), transfer(key))
		require.NoError(t, errors.Join(append(verdicts, err)...))
		_, err = d.Write.ExecContext(t.Context(), "DEALLOCATE ALL")
		require.NoError(t, err)
	}
	balance, err := ledger.Balance(t.Context(), "dev")
	require.NoError(t, err)
	require.Equal(t, 2*tokenomics.FOG, balance.Available)
}

// A young database, which knows nothing of its tables yet, finds records by their whole key all the same, and not by the part of it that
// another index begins with: that would read all records of a class for each one.
func TestRecordsAreFoundByTheirKey(t *testing.T) {
	d := dbtest.Postgres(t)
	s := store(t, d)
	d.Write.SetMaxOpenConns(1)
	_, err := s.Load(t.Context(), tokenomics.Wanted{Records: []tokenomics.RecordRef{{Tenant: "default", Class: tokenomics.ClassStaker, Key: "dev"}}})
	require.NoError(t, err)
	var plan []string
	require.NoError(t, d.Write.NewRaw("EXPLAIN (COSTS OFF) EXECUTE fog_ledger_load_records (ARRAY['default'], ARRAY['staker'], ARRAY['dev'])").
		Scan(t.Context(), &plan))
	require.Contains(t, strings.Join(plan, "\n"), "fog_ledger_records_pkey")
}

// However many votes there are, purging some of them reads these and no whole table.
func TestPurgeReadsNoWholeTable(t *testing.T) {
	d := dbtest.Postgres(t)
	s := store(t, d)
	d.Write.SetMaxOpenConns(1)
	ctx := t.Context()
	_, err := d.Write.ExecContext(ctx, `INSERT INTO fog_ledger_records
		SELECT 'default', 'vote', lpad((i % 9)::text, 19, '0') || '/' || i, 'v', 'v', 'for', 0, 1, ''::bytea FROM generate_series(1, 9000) AS i UNION ALL
		SELECT 'default', 'poll', lpad(i::text, 19, '0'), 'v', 'v', lpad(i::text, 20, '0'), 0, 1, ''::bytea FROM generate_series(0, 8) AS i`)
	require.NoError(t, err)
	_, err = d.Write.ExecContext(ctx, "ANALYZE fog_ledger_records")
	require.NoError(t, err)
	scans := func() (n int64) {
		_, err := d.Write.ExecContext(ctx, "SELECT pg_stat_force_next_flush()")
		require.NoError(t, err)
		require.NoError(t, d.Write.NewRaw("SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'fog_ledger_records'").Scan(ctx, &n))
		return n
	}
	before := scans()
	purged := 0
	for range 4 { // 1,500 votes, as many, 1,000, and nothing: those of the polls 0 to 3, and these with their last ones
		n, err := s.Purge(ctx, tokenomics.Horizon{Votes: time.UnixMicro(4)}, 1500)
		require.NoError(t, err)
		purged += n
	}
	require.Equal(t, 4*1000+4, purged)
	require.Equal(t, before, scans())
	left := 0
	require.NoError(t, d.Write.NewRaw("SELECT count(*) FROM fog_ledger_records").Scan(ctx, &left))
	require.Equal(t, 5*1000+5, left)
}

// The database itself refuses what the ledger must never contain.
func TestConstraints(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ledger := newLedger(t, tokenomics.Config{Store: store(t, d)})
		_, err := ledger.Transfer(t.Context(), transfer("a"))
		require.NoError(t, err)
		for _, statement := range []string{
			"INSERT INTO fog_ledger_holds VALUES ('default', 'h', 'dev', 'dev', 5, 3, 3, 'open', 1, 0, 0)",
			"INSERT INTO fog_ledger_holds VALUES ('default', 'h', 'dev', 'dev', 5, 3, 0, 'settled', 1, 0, 2)",
			"INSERT INTO fog_ledger_movements SELECT 99, tenant, op, key, owner, creator, body FROM fog_ledger_movements",
			"INSERT INTO fog_ledger_index SELECT account, seq FROM fog_ledger_index",
			"INSERT INTO fog_ledger_accounts VALUES (0, 'default', 'x', 'available', 'x')",
			"INSERT INTO fog_ledger_accounts SELECT 99, tenant, owner, kind, creator FROM fog_ledger_accounts",
			"UPDATE fog_ledger_blocks SET root = hash || root",
			"INSERT INTO fog_ledger_head SELECT 2, seq, hash FROM fog_ledger_head",
		} {
			_, err := d.Write.ExecContext(t.Context(), statement)
			require.Error(t, err, statement)
		}
		_, err = d.Write.ExecContext(t.Context(), "UPDATE fog_ledger_accounts SET owner = 'eve' WHERE owner = 'dev'")
		require.NoError(t, err)
		require.Error(t, ledger.Verify(t.Context()), "what a movement has left to one account is no other's")
	})
}

// Two servers with pools of their own write one PostgreSQL at once, neither with a duty: no commit of one is built on a state
// that the other has changed.
func TestTwoWritersWithoutDuties(t *testing.T) {
	address := dbtest.PostgresURL(t)
	ledgers := make([]*tokenomics.Tokenomics, 2)
	for i := range ledgers {
		d, err := db.Open(t.Context(), address, "")
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		ledgers[i] = newLedger(t, tokenomics.Config{Store: store(t, d)})
	}
	var all sync.WaitGroup
	for i, ledger := range ledgers {
		all.Go(func() {
			for n := range 40 {
				for { // the same keys from both sides
					verdicts, err := ledger.Transfer(context.Background(), transfer(fmt.Sprint("k", n)))
					if fault.KindOf(err) == fault.Unavailable {
						continue
					}
					if err != nil || verdicts[0] != nil {
						t.Errorf("server %d: %v %v", i, verdicts, err)
					}
					break
				}
			}
		})
	}
	all.Wait()
	balance, err := ledgers[0].Balance(t.Context(), "dev")
	require.NoError(t, err)
	require.Equal(t, 40*tokenomics.FOG, balance.Available)
	require.NoError(t, ledgers[1].Verify(t.Context()))
}

// PostgreSQL goes away under the ledger: callers hear Unavailable, and the same keys work when it is back, each once.
func TestOutage(t *testing.T) {
	server := dbtest.NewServer(t)
	d, err := db.Open(t.Context(), server.Database(t), "")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	ledger := newLedger(t, tokenomics.Config{Store: store(t, d), Duties: db.NewDuties(d, nil)})
	_, err = ledger.Transfer(t.Context(), transfer("before"))
	require.NoError(t, err)

	server.Stop() // not Kill: the test server does not wait for its disk
	_, err = ledger.Transfer(t.Context(), transfer("during"))
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.NotEqual(t, "internal error", fault.Detail(err))
	_, err = ledger.Balance(t.Context(), "dev")
	require.Equal(t, fault.Unavailable, fault.KindOf(err))

	require.NoError(t, server.Start())
	for _, key := range []string{"before", "during", "during", "after"} {
		verdicts, err := ledger.Transfer(t.Context(), transfer(key))
		for tries := 0; err != nil && tries < 50; tries++ { // connections of before the outage break one by one
			verdicts, err = ledger.Transfer(t.Context(), transfer(key))
		}
		require.NoError(t, errors.Join(append(verdicts, err)...), key)
	}
	balance, err := ledger.Balance(t.Context(), "dev")
	require.NoError(t, err)
	require.Equal(t, 3*tokenomics.FOG, balance.Available)
	require.NoError(t, ledger.Verify(t.Context()))
}

// A server without the duty is answered at once when both have a journal: hints travel through PostgreSQL.
func TestHints(t *testing.T) {
	address := dbtest.PostgresURL(t)
	ledgers := make([]*tokenomics.Tokenomics, 2)
	for i := range ledgers {
		d, err := db.Open(t.Context(), address, "")
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, d.Close()) })
		j := db.NewJournal(d, nil)
		s := store(t, d).WithJournal(j)
		run(t, j.Run)
		ledgers[i] = newLedger(t, tokenomics.Config{Store: s, Duties: db.NewDuties(d, nil), Poll: 20 * time.Second, Facts: true})
		_, err = ledgers[i].Stats(t.Context()) // the first takes the duty
		require.NoError(t, err)
		run(t, ledgers[i].Run)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	for n := range 3 {
		verdicts, err := ledgers[1].Transfer(ctx, transfer(fmt.Sprint(n)))
		require.NoError(t, err)
		require.Equal(t, []error{nil}, verdicts)
	}
}

// Facts are written in the commit that they speak of, or not at all.
func TestFacts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		j := db.NewJournal(d, nil)
		s := store(t, d).WithJournal(j)
		ledger := newLedger(t, tokenomics.Config{Store: s, Facts: true})
		hold := []tokenomics.Hold{{ID: "job", Payer: "operator", Amount: 1}}
		for range 2 {
			_, err := ledger.Hold(t.Context(), hold)
			require.NoError(t, err)
		}
		require.ErrorIs(t, s.Commit(t.Context(), tokenomics.Fence{}, tokenomics.Changes{
			Was: chain.Head{Last: 77}, Head: chain.Head{Last: 78}, Facts: []journal.Fact{{Topic: tokenomics.TopicHold, ID: "never"}},
		}), tokenomics.ErrStale)
		claimed, err := j.Claim(t.Context(), tokenomics.TopicHold, 10, time.Now().Add(time.Hour))
		require.NoError(t, err)
		require.Len(t, claimed, 1)
		require.Equal(t, journal.Fact{Topic: tokenomics.TopicHold, ID: "job", Version: 2}, claimed[0].Fact)
	})
}

// A batch of the longest requests that are allowed passes the limits of both databases.
func TestLargestBatch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ledger := newLedger(t, tokenomics.Config{Store: store(t, d)})
		captures := make([]tokenomics.Capture, 16)
		for i := range captures {
			captures[i] = tokenomics.Capture{Key: fmt.Sprintf("%03d%s", i, wide(197)), Hold: tokenomics.HoldID(wide(200))}
			for n := range 64 {
				captures[i].To = append(captures[i].To, tokenomics.Share{
					Account: tokenomics.Account(fmt.Sprintf("%03d.%02d%s", i, n, wide(122))), Amount: 1,
				})
			}
		}
		verdicts, err := ledger.Hold(t.Context(), []tokenomics.Hold{
			{ID: tokenomics.HoldID(wide(200)), Payer: "operator", Amount: 16 * 64},
		})
		require.NoError(t, errors.Join(append(verdicts, err)...))
		verdicts, err = ledger.Capture(t.Context(), captures)
		require.NoError(t, errors.Join(append(verdicts, err)...))
		require.NoError(t, ledger.Verify(t.Context()))
		stats, err := ledger.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(16*64+1), stats.Accounts)
	})
}

// wide returns n characters of four bytes each.
func wide(n int) string {
	text := make([]rune, n)
	for i := range text {
		text[i] = '𝔣'
	}
	return string(text)
}
