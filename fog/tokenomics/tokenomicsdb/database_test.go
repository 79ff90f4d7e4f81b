package tokenomicsdb_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
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
		_, err := d.Write.ExecContext(t.Context(), "INSERT INTO fog_tokenomics_migrations (name, group_id) VALUES ('29991231000000', 9)")
		require.NoError(t, err)
		require.Equal(t, fault.Conflict, fault.KindOf(s.Migrate(t.Context())), "a newer schema is refused")
		require.Equal(t, fault.Conflict, fault.KindOf(s.Ready(t.Context())))
	})
}

// The database itself refuses what the ledger must never contain.
func TestConstraints(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ledger := newLedger(t, tokenomics.Config{Store: store(t, d)})
		_, err := ledger.Transfer(t.Context(), transfer("a"))
		require.NoError(t, err)
		for _, statement := range []string{
			"UPDATE fog_ledger_accounts SET balance = -1 WHERE owner = 'dev'",
			"UPDATE fog_ledger_accounts SET balance = 1000000000000001 WHERE owner = 'dev'",
			"INSERT INTO fog_ledger_holds VALUES ('default', 'h', 'dev', 'dev', 5, 3, 3, 'open', 1, 0)",
			"INSERT INTO fog_ledger_holds VALUES ('default', 'h', 'dev', 'dev', 5, 3, 0, 'settled', 1, 2)",
			"INSERT INTO fog_ledger_movements SELECT 99, tenant, op, key, digest, owner, creator, hold, memo, at FROM fog_ledger_movements",
			"INSERT INTO fog_ledger_postings VALUES (99, 0, 1, 0, 0)",
			"INSERT INTO fog_ledger_head VALUES (2, 0)",
		} {
			_, err := d.Write.ExecContext(t.Context(), statement)
			require.Error(t, err, statement)
		}
		_, err = d.Write.ExecContext(t.Context(), "UPDATE fog_ledger_accounts SET balance = 7 WHERE owner = 'dev'")
		require.NoError(t, err)
		require.Error(t, ledger.Verify(t.Context()), "a forged balance does not verify")
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
			Was: 77, Head: 78, Facts: []journal.Fact{{Topic: tokenomics.TopicHold, ID: "never"}},
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
