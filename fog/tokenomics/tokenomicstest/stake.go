package tokenomicstest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// economics has fees, emission and compensation switched on.
func economics(clock *Clock) func(*tokenomics.Config) {
	fixed := tokenomics.Economics{
		Unbonding: 48 * time.Hour, Fee: 500, FeeToStakers: 6000, EmissionToStakers: 7000, ComputeReward: 2500,
		Emission:     accrual.Emission{Start: clock.Now(), Period: 30 * 24 * time.Hour, First: int64(100 * fog)},
		AppealWindow: 24 * time.Hour, Compensation: fog, InsurancePart: 5000,
	}
	return func(c *tokenomics.Config) { c.Economics = func() tokenomics.Economics { return fixed } }
}

// post requires that requests are carried out.
func post(t *testing.T, ledger *tokenomics.Tokenomics, requests ...tokenomics.Request) {
	t.Helper()
	verdicts, err := ledger.Post(t.Context(), requests)
	require.NoError(t, err)
	for _, verdict := range verdicts {
		require.NoError(t, verdict)
	}
}

// testStaking shows a whole life of stakes: what time does to them is done by Run, and the rows are all there for a new server.
func testStaking(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t, economics(b.clock)), t.Context()
	pay(t, ledger, 100*fog, "alice", "bob")
	post(t, ledger,
		tokenomics.Request{Stake: &tokenomics.Stake{Key: "1", Account: "alice", Operator: "x", Amount: 100 * fog}},
		tokenomics.Request{Stake: &tokenomics.Stake{Key: "2", Account: "bob", Amount: 60 * fog}},
		tokenomics.Request{Delegate: &tokenomics.Delegate{Key: "d", Account: "alice", To: []tokenomics.Delegation{{To: "bob", Part: 5000}}}})
	b.clock.Advance(time.Hour)
	post(t, ledger,
		tokenomics.Request{Unstake: &tokenomics.Unstake{Key: "u", Account: "alice", Operator: "x", Amount: 20 * fog}},
		tokenomics.Request{Redelegate: &tokenomics.Redelegate{Key: "r", Account: "alice", From: "x", To: "bob", Amount: 40 * fog}},
		tokenomics.Request{SlashEvidence: &tokenomics.SlashEvidence{
			ID: "s", Operator: "x", Kind: tokenomics.FaultSLA, At: b.clock.Now().Add(-time.Minute), Part: 1000, Harmed: "payer",
		}},
		tokenomics.Request{Hold: &tokenomics.Hold{ID: "job", Payer: "operator", Amount: 20 * fog}},
		tokenomics.Request{Capture: &tokenomics.Capture{Key: "job", Hold: "job", To: []tokenomics.Share{{Account: "lamp", Amount: 20 * fog}}}})
	sound(t, ledger)
	head, err := ledger.Head(ctx)
	require.NoError(t, err)
	before, err := ledger.PowerAt(ctx, "bob", head.Last)
	require.NoError(t, err)
	require.Equal(t, []tokenomics.Amount{60 * fog, 100 * fog, 140 * fog}, []tokenomics.Amount{before.Own, before.Power, before.Total})

	now, err := ledger.Power(ctx, "bob")
	require.NoError(t, err)
	require.Equal(t, before, now)
	pools, err := ledger.Pools(ctx, "", 1)
	require.NoError(t, err)
	require.Equal(t, tokenomics.PoolPage{Pools: []tokenomics.Pool{{Operator: "bob", Staked: 100 * fog}}, Next: "bob"}, pools)
	pools, err = ledger.Pools(ctx, pools.Next, 1)
	require.NoError(t, err)
	require.Equal(t, tokenomics.PoolPage{Pools: []tokenomics.Pool{{Operator: "x", Staked: 40 * fog, Slashes: []string{"s"}}}}, pools)
	for operator, want := range map[tokenomics.Account]int{"": 1, "x": 1, "bob": 0} {
		slashes, err := ledger.Slashes(ctx, operator, "", 0)
		require.NoError(t, err)
		require.Len(t, slashes.Slashes, want, operator)
	}

	ledger = b.ledger(t, economics(b.clock)) // nothing of it was in the head of the old one
	b.clock.Advance(50 * time.Hour)
	running(t, ledger)
	require.Eventually(t, func() bool {
		c, err := ledger.Slashed(ctx, "s")
		require.NoError(t, err)
		return c.State == tokenomics.SlashDone
	}, 10*time.Second, time.Millisecond)
	b.clock.Advance(time.Minute) // what the slash has held for a moment
	require.Eventually(t, func() bool {
		positions, err := ledger.Positions(ctx, "alice")
		require.NoError(t, err)
		return len(positions) == 2 && len(positions[1].Unbonding) == 0
	}, 10*time.Second, time.Millisecond)
	available, _ := balance(t, ledger, "alice")
	require.Equal(t, 18*fog, available)
	compensated, _ := balance(t, ledger, "payer")
	require.Equal(t, fog, compensated)
	after, err := ledger.PowerAt(ctx, "bob", head.Last)
	require.NoError(t, err)
	require.Equal(t, before, after)

	earned, err := ledger.Balance(ctx, "alice")
	require.NoError(t, err)
	require.Equal(t, 72*fog, earned.Staked)
	require.Positive(t, earned.Rewards)
	post(t, ledger, tokenomics.Request{Compound: &tokenomics.Compound{Key: "c", Account: "alice", Operator: "bob"}})
	stats, err := ledger.Stats(ctx)
	require.NoError(t, err)
	require.Positive(t, stats.StakingRate)
	require.EqualValues(t, 2, stats.Stakers)
	sound(t, ledger)
}
