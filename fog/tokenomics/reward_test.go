package tokenomics_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

func claim(key string, account tokenomics.Account) tokenomics.Request {
	return tokenomics.Request{Claim: &tokenomics.Claim{Key: key, Account: account}}
}

// pays captures an amount for an account.
func (f *farm) pays(t *testing.T, key string, to tokenomics.Account, amount tokenomics.Amount) {
	t.Helper()
	f.post(t,
		tokenomics.Request{Hold: &tokenomics.Hold{ID: tokenomics.HoldID(key), Payer: "operator", Amount: amount}},
		tokenomics.Request{Capture: &tokenomics.Capture{
			Key: key, Hold: tokenomics.HoldID(key), To: []tokenomics.Share{{Account: to, Amount: amount}},
		}})
}

// unitBelow requires an amount, of which a fraction may still be missing.
func unitBelow(t *testing.T, want, got tokenomics.Amount) {
	t.Helper()
	require.InDelta(t, float64(want)-0.5, float64(got), 0.5)
}

// Without parameters a capture pays what it paid before there were stakes.
func TestNoFeeByDefault(t *testing.T) {
	f := newFarm(t)
	f.pays(t, "job", "lamp", 10*fog)
	require.Equal(t, 10*fog, f.balance(t, "lamp").Available)
	derived, err := tokenomics.Derive(t.Context(), f.store)
	require.NoError(t, err)
	require.Empty(t, derived.Records)
}

// Of whom the writer knows nothing, it asks the store twice: with whom it stakes, and what that has brought.
func TestClaimOfAStrangerAsksTwice(t *testing.T) {
	f := newFarm(t, "ann", "bob")
	f.post(t, stake("1", "ann", "x", 100*fog), stake("2", "bob", "x", 100*fog), stake("3", "bob", "y", 100*fog))
	store := &counted{Store: f.store}
	fresh := newLedger(t, tokenomics.Config{Store: store, Now: f.clock.Now, Genesis: -1})
	for _, account := range []tokenomics.Account{"ann", "bob"} {
		store.loads = 0
		verdicts, err := fresh.Claim(ctx, []tokenomics.Claim{{Key: string(account), Account: account}})
		require.NoError(t, err)
		require.NoError(t, verdicts[0])
	}
	require.Equal(t, 2, store.loads)
}

// Fees go to stakers by their stake and to the treasury; what comes before anybody stakes waits.
func TestFees(t *testing.T) {
	f := newFarm(t, "ann", "bob")
	f.economics = tokenomics.Economics{Fee: 1000, FeeToStakers: 7500}
	f.pays(t, "waits", "lamp", 10*fog)
	require.Equal(t, 9*fog, f.balance(t, "lamp").Available)
	f.post(t, stake("1", "ann", "x", 100*fog), stake("2", "bob", "y", 300*fog))
	f.pays(t, "divided", "lamp", 70*fog)
	require.Equal(t, 72*fog, f.balance(t, "lamp").Available)
	require.Equal(t, 2*fog, f.balance(t, tokenomics.Treasury).Available)
	unitBelow(t, 1_500_000, f.balance(t, "ann").Rewards)
	unitBelow(t, 4_500_000, f.balance(t, "bob").Rewards)
	f.post(t, claim("c", "ann"), claim("c", "ann"), claim("again", "ann"))
	unitBelow(t, 901_500_000, f.balance(t, "ann").Available)
	f.post(t, tokenomics.Request{Compound: &tokenomics.Compound{Key: "c", Account: "bob", Operator: "x"}})
	b := f.balance(t, "bob")
	require.Equal(t, []tokenomics.Amount{700 * fog, 0, 700*fog + b.Staked}, []tokenomics.Amount{b.Available, b.Rewards, b.Total()})
	unitBelow(t, 304_500_000, b.Staked)
	f.refuse(t, fault.Invalid, claim("theirs", tokenomics.Rewards))
	require.Zero(t, f.balance(t, tokenomics.Rewards).Rewards)
	require.NoError(t, f.Verify(t.Context()))
}

// Emission is what the schedule says, divided as it was divided by time, however late the ledger is swept.
func TestEmission(t *testing.T) {
	for _, sweeps := range []bool{true, false} {
		f := newFarm(t, "ann", "bob")
		f.economics = tokenomics.Economics{
			EmissionToStakers: 6000, ComputeReward: 5000,
			Emission: accrual.Emission{Start: f.clock.Now(), Period: 10 * day, First: int64(1000 * fog), Cap: int64(1200 * fog)},
		}
		f.post(t, stake("1", "ann", "x", 100*fog))
		pass := func(d time.Duration) {
			for range 24 {
				f.clock.Advance(d / 24)
				if sweeps {
					f.sweep(t)
				}
			}
		}
		pass(5 * day)
		f.post(t, stake("2", "bob", "x", 200*fog))
		pass(5 * day)
		f.pays(t, "job", "lamp", 100*fog) // half of it is rewarded, of 400 that are there
		f.pays(t, "more", "lamp", 1000*fog)
		require.Equal(t, 1100*fog, f.balance(t, "lamp").Available)
		require.Equal(t, 400*fog, f.balance(t, "lamp").Rewards, "not more than there is")
		f.pays(t, "self", "operator", 10*fog)
		require.Zero(t, f.balance(t, "operator").Rewards)
		unitBelow(t, 400*fog, f.balance(t, "ann").Rewards)
		unitBelow(t, 200*fog, f.balance(t, "bob").Rewards)
		pass(100 * day)
		f.post(t, claim("c", "lamp"), claim("a", "ann"), claim("b", "bob"))
		require.Equal(t, 1500*fog, f.balance(t, "lamp").Available)
		stats, err := f.Stats(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1_001_200*fog, stats.TotalSupply, "the cap")
		require.Equal(t, []tokenomics.Amount{720 * fog, 400 * fog, 300 * fog},
			[]tokenomics.Amount{stats.StakingRewards, stats.ComputeRewards, stats.Staked})
		require.InDelta(t, int64(80*fog), int64(stats.Rewards), 2, "what is left for compute, and fractions")
		view := stats.View()
		require.Equal(t, []tokenomics.Amount{1120 * fog, 720 * fog, 400 * fog, 300 * fog},
			[]tokenomics.Amount{view.Rewards.TotalEarned, view.Rewards.StakingRewards, view.Rewards.ComputeRewards, view.StakedTokens})
		require.EqualValues(t, 2, view.ActiveStakers)
		require.NoError(t, f.Verify(t.Context()))
	}
}

// moody is a store whose commits fail whenever it says so.
type moody struct {
	tokenomics.Store
	fails func() bool
}

var errMood = fault.New(fault.Unavailable, "test", "not now")

func (s *moody) Commit(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
	if s.fails() {
		return errMood
	}
	return s.Store.Commit(ctx, fence, changes)
}

// An emission whose commit came to nothing is made up for by the next sweep, and not when the next one is due.
func TestEmissionAfterAFailure(t *testing.T) {
	f := newFarm(t)
	f.economics.Emission = accrual.Emission{Start: f.clock.Now(), Period: day, First: int64(24 * fog)}
	down := true
	config := f.config()
	config.Store = &moody{f.store, func() bool { return down }}
	ledger := newLedger(t, config)
	f.clock.Advance(time.Hour)
	_, err := ledger.Sweep(t.Context(), f.clock.Now())
	require.ErrorIs(t, err, errMood)
	f.clock.Advance(time.Second)
	down = false
	_, err = ledger.Sweep(t.Context(), f.clock.Now())
	require.NoError(t, err)
	stats, err := ledger.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1_000_001*fog, stats.TotalSupply/fog*fog, "of the first hour")
}

// What is minted ends with the greatest supply, and stakes go on.
func TestEmissionEndsWithTheSupply(t *testing.T) {
	f := newFarm(t, "ann")
	f.economics = tokenomics.Economics{Emission: accrual.Emission{Start: f.clock.Now(), Period: day, First: accrual.Max}}
	f.clock.Advance(3 * day)
	f.post(t, stake("1", "ann", "x", 100*fog))
	f.pass(t, day)
	stats, err := f.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, tokenomics.MaxSupply, stats.TotalSupply)
	require.NoError(t, f.Verify(t.Context()))
}

// A later schedule counts from its own start; an earlier one mints nothing any more.
func TestEmissionSchedules(t *testing.T) {
	f := newFarm(t)
	first := accrual.Emission{Start: f.clock.Now(), Period: day, First: int64(8 * fog), Cap: int64(8 * fog)}
	second := accrual.Emission{Start: f.clock.Now().Add(2 * day), Period: day, First: int64(2 * fog), Cap: int64(2 * fog)}
	supply := func() tokenomics.Amount {
		stats, err := f.Stats(t.Context())
		require.NoError(t, err)
		return stats.TotalSupply - 1_000_000*fog
	}
	f.economics.Emission = first
	f.pass(t, day)
	require.Equal(t, 8*fog, supply())
	f.economics.Emission = second
	f.pass(t, 2*day)
	require.Equal(t, 10*fog, supply())
	f.economics.Emission = first
	f.pass(t, day)
	require.Equal(t, 10*fog, supply())
}

// The rate is what was really earned over what was really staked.
func TestStakingRate(t *testing.T) {
	f := newFarm(t, "ann")
	f.economics = tokenomics.Economics{Fee: 10_000, FeeToStakers: 10_000}
	rate := func() float64 {
		stats, err := f.Stats(t.Context())
		require.NoError(t, err)
		earnings, err := f.Rewards(t.Context(), "ann")
		require.NoError(t, err)
		require.Equal(t, stats.StakingRate, earnings.Rate)
		require.Equal(t, stats.View().StakingAPR, earnings.View().RewardsRate)
		return stats.View().StakingAPR
	}
	f.post(t, stake("1", "ann", "x", 365*fog))
	require.Zero(t, rate())
	f.pays(t, "1", "lamp", fog)
	require.Equal(t, 100.0, rate(), "a day's reward of one in 365")
	f.clock.Advance(day)
	require.Equal(t, 100.0, rate(), "a day later")
	f.clock.Advance(day)
	require.Equal(t, 50.0, rate(), "one in two days")
	f.clock.Advance(8 * day)
	f.post(t, stake("2", "ann", "x", 365*fog))
	f.clock.Advance(10 * day)
	f.pays(t, "2", "lamp", 2*fog)
	require.InDelta(t, 10.0, rate(), 0.001, "three, for 365 over 10 days and 730 over 10")
	f.clock.Advance(16 * day)
	require.InDelta(t, 100*2*365.0/(365*4+730*26), rate(), 0.01, "the first has left the 30 days")
	earnings, err := f.Rewards(t.Context(), "ann")
	require.NoError(t, err)
	unitBelow(t, 3*fog, earnings.View().PendingRewards)
	f.clock.Advance(40 * day)
	require.Zero(t, rate())
	earnings, err = f.Rewards(t.Context(), "nobody")
	require.NoError(t, err)
	require.Equal(t, tokenomics.Earnings{Account: "nobody"}, earnings)
}

// Parameters that are not valid are not taken over.
func TestEconomicsRefused(t *testing.T) {
	f := newFarm(t, "ann")
	f.economics = tokenomics.Economics{MinStake: 5 * fog}
	f.refuse(t, fault.Invalid, stake("1", "ann", "x", 4*fog))
	f.economics = tokenomics.Economics{Fee: -1}
	f.refuse(t, fault.Invalid, stake("1", "ann", "x", 4*fog))
	f.economics = tokenomics.Economics{}
	f.post(t, stake("1", "ann", "x", 4*fog))
	for field, economics := range map[string]tokenomics.Economics{
		"unbonding": {Unbonding: -1}, "appealWindow": {AppealWindow: time.Nanosecond}, "slashWindow": {SlashWindow: 11 * 365 * day},
		"fee": {Fee: 10_001}, "slashCap": {SlashCap: -1}, "minStake": {MinStake: -1},
		"compensation": {Compensation: tokenomics.MaxSupply + 1}, "first": {Emission: accrual.Emission{First: -1}},
	} {
		err := economics.Validate()
		require.Equal(t, fault.Invalid, fault.KindOf(err))
		require.Equal(t, field, fault.FieldOf(err))
	}
}
