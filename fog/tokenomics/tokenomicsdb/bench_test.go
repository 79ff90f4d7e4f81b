package tokenomicsdb_test

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// on runs a benchmark on both databases. The test server of PostgreSQL does not wait for its disk (fsync=off), SQLite does.
func on(b *testing.B, f func(b *testing.B, d *db.DB)) {
	b.Run("sqlite", func(b *testing.B) { f(b, dbtest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { f(b, dbtest.Postgres(b)) })
}

// BenchmarkGroupCommit measures durable transfers of concurrent callers over a thousand accounts. It reports transfers per
// second and transfers per commit.
func BenchmarkGroupCommit(b *testing.B) {
	for _, callers := range []int{1, 8, 64, 512, 1024} {
		b.Run(fmt.Sprint("callers=", callers), func(b *testing.B) {
			on(b, func(b *testing.B, d *db.DB) { groupCommit(b, d, callers) })
		})
	}
}

func groupCommit(b *testing.B, d *db.DB, callers int) {
	var commits atomic.Int64
	ledger, err := tokenomics.New(tokenomics.Config{
		Store: store(b, d), Duties: db.NewDuties(d, nil), Step: func(string) { commits.Add(1) },
	})
	require.NoError(b, err)
	fund(b, ledger)
	commits.Store(0)
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				verdicts, err := ledger.Transfer(b.Context(), []tokenomics.Transfer{pair(int(i))})
				if err != nil || verdicts[0] != nil {
					b.Errorf("transfer %d: %v %v", i, verdicts, err)
				}
			}
		})
	}
	all.Wait()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "transfers/s")
	b.ReportMetric(float64(b.N)/float64(max(commits.Load(), 1)), "transfers/commit")
	require.NoError(b, ledger.Verify(b.Context()))
	require.NoError(b, ledger.Close())
}

// BenchmarkVerify measures the verification of a ledger of 100,000 transfers, of the whole and of the chain alone. It reports
// postings per second.
func BenchmarkVerify(b *testing.B) {
	const transfers = 100_000
	on(b, func(b *testing.B, d *db.DB) {
		ledger, err := tokenomics.New(tokenomics.Config{Store: store(b, d)})
		require.NoError(b, err)
		fund(b, ledger)
		for i := 0; i < transfers; i += 1000 {
			list := make([]tokenomics.Transfer, 1000)
			for j := range list {
				list[j] = pair(i + j)
			}
			_, err := ledger.Transfer(b.Context(), list)
			require.NoError(b, err)
		}
		for name, verify := range map[string]func() error{
			"whole": func() error { return ledger.Verify(b.Context()) },
			"chain": func() error { _, err := ledger.VerifyChain(b.Context(), chain.Head{}); return err },
		} {
			b.Run(name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					require.NoError(b, verify())
				}
				b.ReportMetric(2*transfers*float64(b.N)/b.Elapsed().Seconds(), "postings/s")
			})
		}
		require.NoError(b, ledger.Close())
	})
}

// fund gives a thousand accounts what they need.
func fund(b *testing.B, ledger *tokenomics.Tokenomics) {
	b.Helper()
	list := make([]tokenomics.Transfer, 1000)
	for i := range list {
		list[i] = tokenomics.Transfer{Key: "fund " + strconv.Itoa(i), From: "operator", To: account(i), Amount: 900 * tokenomics.FOG}
	}
	_, err := ledger.Transfer(b.Context(), list)
	require.NoError(b, err)
}

// pair is one transfer of many.
func pair(i int) tokenomics.Transfer {
	from, hop := i*7919, 1+i%998
	return tokenomics.Transfer{Key: strconv.FormatInt(int64(i), 36), From: account(from), To: account(from + hop), Amount: 1}
}

func account(i int) tokenomics.Account { return tokenomics.Account("device:" + strconv.Itoa(i%1000)) }
