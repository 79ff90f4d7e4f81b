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
)

// BenchmarkGroupCommit measures durable transfers of concurrent callers over a thousand accounts. It reports transfers and
// commits per second; the test server of PostgreSQL does not wait for its disk (fsync=off), SQLite does.
func BenchmarkGroupCommit(b *testing.B) {
	for name, open := range map[string]func(testing.TB) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		for _, callers := range []int{1, 8, 64, 512} {
			b.Run(fmt.Sprintf("%s/callers=%d", name, callers), func(b *testing.B) { groupCommit(b, open(b), callers) })
		}
	}
}

func groupCommit(b *testing.B, d *db.DB, callers int) {
	var commits atomic.Int64
	ledger, err := tokenomics.New(tokenomics.Config{
		Store: store(b, d), Duties: db.NewDuties(d, nil), Step: func(string) { commits.Add(1) },
	})
	require.NoError(b, err)
	fund := make([]tokenomics.Transfer, 1000)
	for i := range fund {
		fund[i] = tokenomics.Transfer{Key: "fund " + strconv.Itoa(i), From: "operator", To: account(i), Amount: 900 * tokenomics.FOG}
	}
	_, err = ledger.Transfer(b.Context(), fund)
	require.NoError(b, err)
	commits.Store(0)
	b.ReportAllocs()
	b.ResetTimer()
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				from, hop := int(i*7919), 1+int(i%998)
				verdicts, err := ledger.Transfer(b.Context(), []tokenomics.Transfer{
					{Key: strconv.FormatInt(i, 36), From: account(from), To: account(from + hop), Amount: 1},
				})
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

func account(i int) tokenomics.Account { return tokenomics.Account("device:" + strconv.Itoa(i%1000)) }
