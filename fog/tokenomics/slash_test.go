package tokenomics_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

const day = 24 * time.Hour

func stake(key string, account, operator tokenomics.Account, amount tokenomics.Amount) tokenomics.Request {
	return tokenomics.Request{Stake: &tokenomics.Stake{Key: key, Account: account, Operator: operator, Amount: amount}}
}

func unstake(key string, account, operator tokenomics.Account, amount tokenomics.Amount) tokenomics.Request {
	return tokenomics.Request{Unstake: &tokenomics.Unstake{Key: key, Account: account, Operator: operator, Amount: amount}}
}

// accuse is evidence against x for a fault some time ago.
func (f *farm) accuse(id string, ago time.Duration, points int) tokenomics.Request {
	return tokenomics.Request{SlashEvidence: &tokenomics.SlashEvidence{
		ID: id, Operator: "x", Kind: tokenomics.FaultBadResult, At: f.clock.Now().Add(-ago), Part: points, Harmed: "payer",
	}}
}

// refuse requires that a request is refused for a reason of a kind.
func (f *farm) refuse(t *testing.T, kind fault.Kind, r tokenomics.Request) {
	t.Helper()
	verdicts, err := f.Post(t.Context(), []tokenomics.Request{r})
	require.NoError(t, err)
	require.Equal(t, kind, fault.KindOf(verdicts[0]), "%v", verdicts[0])
}

func (f *farm) slash(t *testing.T, id string) tokenomics.Slash {
	t.Helper()
	c, err := f.Slashed(t.Context(), id)
	require.NoError(t, err)
	return c
}

// A slash takes the same part of every stake in the pool and of what has left it since the fault, from nobody else, and
// pays the harmed payer, the insurance, and the mint, in this order.
func TestSlashReaches(t *testing.T) {
	f := newFarm(t, "ann", "bob", "cid")
	f.economics = tokenomics.Economics{Compensation: 15 * fog, InsurancePart: 4000}
	f.post(t, stake("1", "ann", "x", 100*fog), stake("2", "bob", "x", 100*fog), stake("3", "cid", "y", 100*fog))
	f.post(t, unstake("before", "ann", "x", 40*fog))
	f.clock.Advance(2 * time.Hour)
	f.post(t, unstake("after", "bob", "x", 50*fog)) // the fault was an hour before
	f.post(t, f.accuse("s", time.Hour, 1000))
	f.pass(t, day-time.Minute)
	require.Equal(t, tokenomics.SlashOpen, f.slash(t, "s").State)
	require.Equal(t, 110*fog, f.balance(t, "ann").Staked+f.balance(t, "bob").Staked)
	f.pass(t, time.Minute)

	c := f.slash(t, "s")
	require.Equal(t, tokenomics.SlashDone, c.State)
	require.Equal(t, 1000, c.Applied)
	require.Equal(t, []tokenomics.Amount{16 * fog, 15 * fog, 400_000, 600_000}, []tokenomics.Amount{c.Taken, c.Compensated, c.Insured, c.Burned})
	require.Equal(t, 15*fog, f.balance(t, "payer").Available)
	require.Equal(t, tokenomics.Amount(400_000), f.balance(t, tokenomics.Insurance).Available)
	require.Equal(t, 54*fog, f.balance(t, "ann").Staked)
	require.Equal(t, 54*fog, f.power(t, "ann").Power, "power follows by the sweep")
	require.Equal(t, 45*fog, f.balance(t, "bob").Staked)
	require.Equal(t, 100*fog, f.balance(t, "cid").Staked)

	f.pass(t, 7*day)
	require.Equal(t, 940*fog, f.balance(t, "ann").Available, "what had left before the fault is paid back whole")
	require.Equal(t, 945*fog, f.balance(t, "bob").Available)
	require.Equal(t, 900*fog, f.balance(t, "cid").Available)
	stats, err := f.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1_000_000*fog-600_000, stats.TotalSupply)
	require.NoError(t, f.Verify(t.Context()))
}

// What may have to pay does not mature while a slash is open, and is free when it is dismissed.
func TestOpenSlashHolds(t *testing.T) {
	f := newFarm(t, "ann", "bob")
	f.economics.AppealWindow = 5 * day
	f.post(t, stake("1", "ann", "x", 100*fog), unstake("u", "ann", "x", 60*fog))
	f.clock.Advance(5 * day)
	f.post(t, tokenomics.Request{Redelegate: &tokenomics.Redelegate{Key: "r", Account: "ann", From: "x", To: "y"}})
	f.post(t, unstake("v", "ann", "y", 0))
	f.post(t, tokenomics.Request{SlashEvidence: &tokenomics.SlashEvidence{
		ID: "s", Operator: "x", Kind: tokenomics.FaultSLA, At: f.clock.Now().Add(-5*day - time.Hour), Part: 5000,
	}})
	f.pass(t, 3*day)
	require.Equal(t, 900*fog, f.balance(t, "ann").Available, "60 have matured, but are held")
	f.post(t, tokenomics.Request{Appeal: &tokenomics.Appeal{ID: "s", Operator: "x", Detail: "it was the weather"}})
	f.pass(t, 4*day+time.Hour)
	require.Equal(t, 900*fog, f.balance(t, "ann").Available, "40 have matured as well")
	f.post(t, tokenomics.Request{Uphold: &tokenomics.Uphold{ID: "s", Detail: "it was not"}})
	f.pass(t, time.Minute)
	f.pass(t, 6*day)
	require.Equal(t, 950*fog, f.balance(t, "ann").Available, "half of both, also of what had gone on and left there")
	c := f.slash(t, "s")
	require.Equal(t, []any{50 * fog, 50 * fog, "it was the weather", "it was not"}, []any{c.Taken, c.Burned, c.Appeal, c.Verdict})
	require.NoError(t, f.Verify(t.Context()))
}

// The house decides on an appeal, or the slash is dismissed.
func TestAppeals(t *testing.T) {
	f := newFarm(t, "ann")
	f.post(t, stake("1", "ann", "x", 100*fog))
	for _, id := range []string{"dropped", "lapsed", "late"} {
		f.post(t, f.accuse(id, 0, 100))
	}
	appeal := func(id string) tokenomics.Request {
		return tokenomics.Request{Appeal: &tokenomics.Appeal{ID: id, Operator: "x"}}
	}
	dismiss := tokenomics.Request{Dismiss: &tokenomics.Dismiss{ID: "dropped"}}
	f.refuse(t, fault.Conflict, tokenomics.Request{Uphold: &tokenomics.Uphold{ID: "dropped"}})
	f.refuse(t, fault.NotFound, appeal("nothing"))
	f.refuse(t, fault.NotFound, tokenomics.Request{Appeal: &tokenomics.Appeal{ID: "late", Operator: "y"}})
	f.post(t, dismiss, dismiss, appeal("lapsed"), appeal("lapsed"))
	f.refuse(t, fault.Conflict, appeal("dropped"))
	f.clock.Advance(day)
	f.refuse(t, fault.Conflict, appeal("late")) // nobody has swept yet: the time alone decides
	f.refuse(t, fault.Conflict, tokenomics.Request{Uphold: &tokenomics.Uphold{ID: "lapsed"}})
	f.pass(t, 0)
	require.Equal(t, tokenomics.SlashDismissed, f.slash(t, "dropped").State)
	require.Equal(t, tokenomics.SlashDismissed, f.slash(t, "lapsed").State)
	require.Equal(t, tokenomics.SlashDone, f.slash(t, "late").State)
	require.Equal(t, 99*fog, f.balance(t, "ann").Staked)
}

// The cap bounds what a pool loses in a window, over all slashes.
func TestSlashCap(t *testing.T) {
	f := newFarm(t, "ann")
	f.economics = tokenomics.Economics{SlashCap: 1500, SlashWindow: 10 * day}
	f.post(t, stake("1", "ann", "x", 100*fog), f.accuse("a", 0, 1000), f.accuse("b", 0, 1000), f.accuse("c", 0, 1000))
	f.pass(t, day)
	require.Equal(t, []int{1000, 500, 0}, []int{f.slash(t, "a").Applied, f.slash(t, "b").Applied, f.slash(t, "c").Applied})
	require.Equal(t, 85_500_000*fog/1_000_000, f.balance(t, "ann").Staked)
	f.pass(t, 10*day)
	f.post(t, f.accuse("d", 0, 1000))
	f.pass(t, day)
	require.Equal(t, 1000, f.slash(t, "d").Applied)
}

// A pool that is slashed to nothing takes no stake until its owners have left; they leave at once, with nothing.
func TestSlashEverything(t *testing.T) {
	f := newFarm(t, "ann", "bob")
	f.post(t, stake("1", "ann", "x", 100*fog), f.accuse("a", 0, 10_000))
	f.pass(t, day)
	f.refuse(t, fault.Conflict, stake("2", "bob", "x", fog))
	f.post(t, unstake("3", "ann", "x", 0))
	positions, err := f.Positions(t.Context(), "ann")
	require.NoError(t, err)
	require.Empty(t, positions)
	f.post(t, stake("4", "bob", "x", fog))
	require.Equal(t, fog, f.balance(t, "bob").Staked)
	require.NoError(t, f.Verify(t.Context()))
}

func TestSlashRefuses(t *testing.T) {
	f := newFarm(t, "ann")
	f.post(t, stake("1", "ann", "x", 100*fog))
	f.refuse(t, fault.Invalid, f.accuse("future", -time.Hour, 100))
	f.refuse(t, fault.Invalid, f.accuse("old", 7*day+time.Hour, 100))
	f.refuse(t, fault.Invalid, f.accuse("less", 0, -1))
	f.refuse(t, fault.Conflict, f.accuse("none", 0, 0)) // by its parameters this ledger takes nothing
	f.refuse(t, fault.Invalid, f.accuse("more", 0, 10_001))
	other := f.accuse("other", 0, 1)
	other.SlashEvidence.Operator = "y"
	f.refuse(t, fault.NotFound, other)
	self := f.accuse("self", 0, 1)
	self.SlashEvidence.Harmed = "x"
	f.refuse(t, fault.Invalid, self)
	for n := range 16 {
		f.post(t, f.accuse(fmt.Sprint(n), 0, 1))
	}
	f.refuse(t, fault.Conflict, f.accuse("16", 0, 1))

	someone := principal.With(t.Context(), principal.Principal{Account: "x", Tenant: principal.DefaultTenant})
	for _, r := range []tokenomics.Request{f.accuse("mine", 0, 1), {Dismiss: &tokenomics.Dismiss{ID: "1"}}, {Uphold: &tokenomics.Uphold{ID: "1"}}} {
		verdicts, err := f.Post(someone, []tokenomics.Request{r})
		require.NoError(t, err)
		require.Equal(t, fault.Denied, fault.KindOf(verdicts[0]))
	}
	verdicts, err := f.Appeal(someone, []tokenomics.Appeal{{ID: "1", Operator: "x"}})
	require.NoError(t, errors.Join(append(verdicts, err)...))
	_, err = f.Slashed(someone, "1")
	require.NoError(t, err)
	_, err = f.Slashed(t.Context(), "nothing")
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

// A slash of very many positions works in bounded steps, and each of them pays once.
func TestSlashInSteps(t *testing.T) {
	f := newFarm(t)
	const n = 700 // more than a sweep of a slash does at once
	var requests []tokenomics.Request
	for i := range n {
		account := tokenomics.Account(fmt.Sprintf("staker %03d", i))
		requests = append(requests,
			tokenomics.Request{Transfer: &tokenomics.Transfer{Key: string(account), From: "operator", To: account, Amount: 20 * fog}},
			stake(string(account), account, "x", 20*fog), unstake(string(account), account, "x", 10*fog))
	}
	f.post(t, requests...)
	c := f.accuse("s", 0, 1000)
	c.SlashEvidence.At = c.SlashEvidence.At.Add(-time.Second)
	f.post(t, c)
	f.clock.Advance(day)
	sweeps := 0
	for more := true; more; sweeps++ {
		before, err := f.Head(t.Context())
		require.NoError(t, err)
		more, err = f.Sweep(t.Context(), f.clock.Now())
		require.NoError(t, err)
		after, err := f.Head(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, after.Last-before.Last, int64(16))
	}
	require.NoError(t, f.Verify(t.Context()))
	require.Equal(t, 7, sweeps, "the pool; two for entries, one for redelegations, two for positions; one finds nothing")
	require.Equal(t, 2*fog*n, f.slash(t, "s").Taken)
	require.Equal(t, 9*fog, f.power(t, "staker 699").Power)
	f.pass(t, 7*day)
	require.Equal(t, 9*fog, f.balance(t, "staker 699").Available)
}
