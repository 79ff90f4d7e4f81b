package accrual_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// BenchmarkRewardClaim is one reward and one claim among so many sharers: the time must not depend on them but for the
// memory that they lie in.
func BenchmarkRewardClaim(b *testing.B) {
	for _, n := range []int{10, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			pot, shares := accrual.Pot{}, make([]accrual.Share, n)
			var err error
			for i := range shares {
				if pot, shares[i], err = pot.Join(uint64(i%1000 + 1)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			who := 0
			for b.Loop() {
				if pot, err = pot.Reward(1_000); err != nil {
					b.Fatal(err)
				}
				if shares[who], _, err = pot.Claim(shares[who]); err != nil {
					b.Fatal(err)
				}
				if who += 7919; who >= n {
					who %= n
				}
			}
		})
	}
}

func BenchmarkReward(b *testing.B) {
	pot, _, err := accrual.Pot{}.Join(123_456_789_012)
	require.NoError(b, err)
	for b.Loop() {
		pot, _ = pot.Reward(1_000_000)
	}
}

func BenchmarkSettle(b *testing.B) {
	pot, share, err := accrual.Pot{}.Join(123_456_789_012)
	require.NoError(b, err)
	pot = must(pot.Reward(987_654_321))
	for b.Loop() {
		if _, err := pot.Settle(share); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCollect(b *testing.B) {
	parent, share, err := accrual.Pot{}.Join(123_456_789_012)
	require.NoError(b, err)
	parent = must(parent.Reward(987_654_321))
	child, _, err := accrual.Pot{}.Join(777_777_777)
	require.NoError(b, err)
	for b.Loop() {
		if _, _, err := child.Collect(parent, share); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPoolEnterExit(b *testing.B) {
	pool := accrual.Pool{Tokens: 900_000_000_001, Shares: 1_000_000_000_000}
	for b.Loop() {
		entered, shares, _ := pool.Enter(123_456_789)
		pool, _, _ = entered.Exit(shares)
	}
}

func BenchmarkEmitted(b *testing.B) {
	e := accrual.Emission{Start: start, Period: 24 * time.Hour, First: accrual.Max / 2}
	at := start.Add(365 * 24 * time.Hour)
	for b.Loop() {
		e.Emitted(at)
	}
}

func TestNothingAllocates(t *testing.T) {
	pot, share, err := accrual.Pot{}.Join(3)
	require.NoError(t, err)
	pool, e := accrual.Pool{Tokens: 9, Shares: 10}, accrual.Emission{Start: start, Period: time.Hour, First: 100}
	require.Zero(t, testing.AllocsPerRun(50, func() {
		pot, _ = pot.Reward(10)
		pot, share, _ = pot.Change(share, 4)
		share, _, _ = pot.Claim(share)
		_, _, _ = pot.Collect(pot, share)
		_, shares, _ := pool.Enter(5)
		pool.Value(shares)
		e.Emitted(start.Add(90 * time.Minute))
	}))
}
