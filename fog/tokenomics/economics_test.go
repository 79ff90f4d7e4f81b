package tokenomics_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/accrual"
)

// governedFarm is a farm with a council that stakes a FOG.
func governedFarm(t *testing.T, accounts ...tokenomics.Account) *farm {
	t.Helper()
	f := newFarm(t, append(accounts, council)...)
	f.post(t, stake("council", council, council, fog))
	return f
}

// govern gives a parameter of staking another value, within two seconds.
func (f *farm) govern(t *testing.T, name, value string) {
	t.Helper()
	key := fmt.Sprint(name, value, f.clock.Now())
	for _, s := range governed(key, tokenomics.SetParameter{Key: "economics." + name, Value: json.RawMessage(value)}) {
		if s.passes > 0 {
			f.pass(t, s.passes)
			continue
		}
		f.post(t, f.about(t, s))
	}
}

// Every parameter can be set, lands in a field of its own, and is valid alone.
func TestEconomicsKnobsReachEveryField(t *testing.T) {
	at := time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	want := tokenomics.Economics{
		Unbonding: 1e9, MinStake: 2 * fog, Fee: 3, FeeToStakers: 4, EmissionEvery: 6e9, EmissionToStakers: 7, ComputeReward: 8,
		Emission:     accrual.Emission{Start: at, Period: 9 * time.Hour, First: 10_000_000, Cap: 11_500_000},
		AppealWindow: 12e9, SlashCap: 13, SlashWindow: 14e9, Compensation: 15 * fog, InsurancePart: 16, BadResult: 17, SLA: 18,
	}
	values := map[string]json.RawMessage{}
	for name, value := range map[string]string{
		"unbonding": `"1s"`, "min_stake": `2`, "fee": `3`, "fee_to_stakers": `4`, "emission_every": `"6s"`, "emission_to_stakers": `7`,
		"compute_reward": `8`, "emission": `{"start":"2030-01-02T03:04:05Z","period":"9h","first":"10","cap":11.5}`,
		"appeal_window": `"12s"`, "slash_cap": `13`, "slash_window": `"14s"`, "compensation": `"15"`, "insurance_part": `16`,
		"bad_result": `17`, "sla": `18`,
	} {
		values["economics."+name] = json.RawMessage(value)
	}
	require.Len(t, values, len(tokenomics.EconomicsKnobs()))
	s, err := tokenomics.NewSnapshot(1, values)
	require.NoError(t, err)
	ledger := newLedger(t, tokenomics.Config{})
	require.NoError(t, ledger.Registry().Validate(s))
	var got tokenomics.Economics
	tokenomics.EconomicsKnobs().Overlay(s)(&got)
	require.Equal(t, want, got)
}

// A value that cannot work is refused when it is proposed, alone or over what the program says, and the error names it.
func TestEconomicsThatCannotWork(t *testing.T) {
	f := governedFarm(t)
	for parameter, want := range map[[2]string]string{
		{"fee", "10001"}:                            "economics.fee: fee: must be from 0 to 10000 basis points",
		{"fee", `"much"`}:                           `economics.fee: value: "\"much\"" is not of the right type`,
		{"unbonding", `"-1h"`}:                      "economics.unbonding: unbonding: must be at most",
		{"slash_window", `"1ns"`}:                   "economics.slash_window: slashWindow: must be at most",
		{"min_stake", `"-1"`}:                       "economics.min_stake: minStake: ",
		{"emission", `{"first":"1"}`}:               "economics.emission: period: 0s is not a positive number of whole microseconds",
		{"emission", `{"first":"1","periods":"1"}`}: "economics.emission: value: ",
		{"interest", "1"}:                           "economics.interest: no engine of this house has such a parameter",
	} {
		set := tokenomics.SetParameter{Key: "economics." + parameter[0], Value: json.RawMessage(parameter[1])}
		verdicts, err := f.Post(t.Context(), []tokenomics.Request{governed("p", set)[0].Request})
		require.NoError(t, err)
		require.Equal(t, fault.Invalid, fault.KindOf(verdicts[0]), parameter)
		require.ErrorContains(t, verdicts[0], want)
	}
	other := governed("p", tokenomics.SetParameter{Key: "economics.fee", Value: json.RawMessage("1")})[0].Request
	stranger := principal.With(t.Context(), principal.Principal{Tenant: "other", Account: "council"})
	verdicts, err := f.Post(stranger, []tokenomics.Request{other})
	require.NoError(t, err)
	require.ErrorContains(t, verdicts[0], "parameters of engines are those of the tenant default")
}

// What was voted for goes before the Config, on any server and after a restart, and gives way to it again when it is set to null. It holds
// for all tenants.
func TestVotesGoBeforeTheConfig(t *testing.T) {
	f := governedFarm(t, "ann")
	f.economics = tokenomics.Economics{MinStake: 2 * fog, Fee: 100}
	f.refuse(t, fault.Invalid, stake("1", "ann", "x", fog))
	f.govern(t, "min_stake", `"5"`)
	f.refuse(t, fault.Invalid, stake("2", "ann", "x", 4*fog))
	f.pays(t, "job", "lamp", 10*fog)
	require.Equal(t, 9_900_000*fog/1_000_000, f.balance(t, "lamp").Available, "the others stay those of the Config")

	f.Tokenomics = newLedger(t, f.config())
	f.economics.MinStake = 3 * fog
	f.refuse(t, fault.Invalid, stake("3", "ann", "x", 4*fog))
	abroad := principal.With(t.Context(), principal.Principal{Tenant: "other", Account: "ann"})
	verdicts, err := f.Post(abroad, []tokenomics.Request{stake("4", "ann", "x", 4*fog)})
	require.NoError(t, err)
	require.ErrorContains(t, verdicts[0], "must be at least 5 FOG")

	f.govern(t, "min_stake", "null")
	f.refuse(t, fault.Invalid, stake("5", "ann", "x", 2*fog))
	f.post(t, stake("6", "ann", "x", 3*fog))
	require.NoError(t, f.Verify(t.Context()))
}

// A change counts for what comes behind it in the same batch, and for nothing before it.
func TestChangeInTheMiddleOfABatch(t *testing.T) {
	f := governedFarm(t, "ann")
	steps := governed("change", tokenomics.SetParameter{Key: "economics.min_stake", Value: json.RawMessage(`"5"`)})
	for _, s := range steps[:len(steps)-1] {
		if s.passes > 0 {
			f.pass(t, s.passes)
			continue
		}
		f.post(t, f.about(t, s))
	}
	verdicts, err := f.Post(t.Context(), []tokenomics.Request{
		stake("1", "ann", "x", 4*fog), f.about(t, steps[len(steps)-1]), stake("2", "ann", "x", 4*fog), stake("3", "ann", "x", 5*fog),
	})
	require.NoError(t, err)
	require.ErrorContains(t, verdicts[2], "must be at least 5 FOG")
	require.Equal(t, []error{nil, nil, nil}, slices.Delete(verdicts, 2, 3))
	require.NoError(t, f.Verify(t.Context()))
}

// What is leaving, or has moved, matures when it was told; a fault can be pursued as long as it could when it happened, neither shorter nor
// longer.
func TestUnbondingDoesNotActBackwards(t *testing.T) {
	f := governedFarm(t, "ann", "bob")
	move := tokenomics.Redelegate{Key: "r", Account: "bob", From: "x", To: "y"}
	f.post(t, stake("1", "ann", "x", 100*fog), stake("2", "bob", "x", 10*fog))
	f.pass(t, day)
	f.post(t, unstake("old", "ann", "x", 40*fog), tokenomics.Request{Redelegate: &move})
	f.pass(t, day)
	f.govern(t, "unbonding", `"1h"`)
	f.post(t, unstake("new", "ann", "x", 20*fog))
	f.pass(t, 2*time.Hour)
	require.Equal(t, 920*fog, f.balance(t, "ann").Available, "the new one has matured, the old one has not")
	back := tokenomics.Redelegate{Key: "b", Account: "bob", From: "y", To: "z"}
	f.refuse(t, fault.Conflict, tokenomics.Request{Redelegate: &back})

	f.refuse(t, fault.Invalid, f.accuse("late", 90*time.Minute, 1000))
	f.post(t, f.accuse("before", day+3*time.Hour, 1000)) // when a fault could be pursued for seven days
	f.pass(t, day)
	require.Equal(t, 1000, f.slash(t, "before").Applied)
	f.pass(t, 6*day)
	require.Equal(t, 956*fog, f.balance(t, "ann").Available, "what was leaving has paid, too")

	f.govern(t, "unbonding", `"720h"`)
	f.refuse(t, fault.Invalid, f.accuse("barred", 2*time.Hour, 1000))
	f.pass(t, 3*time.Hour)
	f.post(t, f.accuse("fresh", 2*time.Hour, 1000))
	require.NoError(t, f.Verify(t.Context()))
}

// A fault is punished as it was when it happened, and an appeal has the time that it had when the slash was opened.
func TestSlashRulesDoNotActBackwards(t *testing.T) {
	f := governedFarm(t, "ann")
	f.economics = tokenomics.Economics{InsurancePart: 10_000}
	f.post(t, stake("1", "ann", "x", 100*fog), f.accuse("appealed", 0, 100))
	f.pass(t, time.Hour)
	for name, value := range map[string]string{
		"slash_cap": "500", "appeal_window": `"1h"`, "insurance_part": "0", "compensation": `"0.25"`, "slash_window": `"48h"`,
	} {
		f.govern(t, name, value)
	}
	f.pass(t, 2*time.Hour)
	require.Equal(t, tokenomics.SlashOpen, f.slash(t, "appealed").State, "opened with a day for an appeal")
	f.post(t, tokenomics.Request{Appeal: &tokenomics.Appeal{ID: "appealed", Operator: "x"}})
	f.post(t, f.accuse("a", 3*time.Hour, 4000), f.accuse("b", time.Hour, 1000))
	f.pass(t, 2*time.Hour)
	require.Equal(t, tokenomics.SlashAppealed, f.slash(t, "appealed").State, "and a day for the decision")
	before, after := f.slash(t, "a"), f.slash(t, "b")
	require.Equal(t, []int{4000, 0}, []int{before.Applied, after.Applied}, "there was no cap; now there is, and it is used up")
	require.Equal(t, 40*fog, before.Compensated)
	f.pass(t, 3*day)
	f.post(t, f.accuse("newer", time.Hour, 1000))
	f.pass(t, 2*time.Hour)
	c := f.slash(t, "newer")
	require.Equal(t, []any{500, 3 * fog, fog / 4, tokenomics.Amount(0)}, []any{c.Applied, c.Taken, c.Compensated, c.Insured})
	require.NoError(t, f.Verify(t.Context()))
}

// A hold pays the fee of when it was placed, whenever it is captured.
func TestFeesDoNotActBackwards(t *testing.T) {
	f := governedFarm(t)
	hold := func(id tokenomics.HoldID) tokenomics.Request {
		return tokenomics.Request{Hold: &tokenomics.Hold{ID: id, Payer: "operator", Amount: 20 * fog}}
	}
	capture := func(id tokenomics.HoldID) tokenomics.Amount {
		before := f.balance(t, "lamp").Available
		f.post(t, tokenomics.Request{Capture: &tokenomics.Capture{
			Key: fmt.Sprint(id, f.clock.Now()), Hold: id, To: []tokenomics.Share{{Account: "lamp", Amount: 10 * fog}},
		}})
		return f.balance(t, "lamp").Available - before
	}
	f.post(t, hold("free"))
	f.govern(t, "fee", "1000")
	f.post(t, hold("tenth"))
	require.Equal(t, []tokenomics.Amount{10 * fog, 9 * fog}, []tokenomics.Amount{capture("free"), capture("tenth")})
	f.govern(t, "fee", "5000")
	f.post(t, hold("half"))
	require.Equal(t, []tokenomics.Amount{10 * fog, 9 * fog, 5 * fog}, []tokenomics.Amount{capture("free"), capture("tenth"), capture("half")})
	require.NoError(t, f.Verify(t.Context()))
}

// Each schedule mints what it says for the time in which it is in force, and nothing for what was before; what is due goes to whom it
// went to when it came to be due.
func TestEmissionDoesNotActBackwards(t *testing.T) {
	f := governedFarm(t)
	minted := func() float64 {
		stats, err := f.Stats(t.Context())
		require.NoError(t, err)
		return float64(stats.TotalSupply-1_000_000*fog) / float64(fog)
	}
	begun := f.clock.Now()
	schedule := func(start time.Time, first string) string {
		return fmt.Sprintf(`{"start":%q,"period":"240h","first":%q}`, start.Format(time.RFC3339), first)
	}
	f.pass(t, day)
	f.govern(t, "emission", schedule(begun, "240")) // one an hour
	require.Zero(t, minted(), "nothing for the day before it was voted for")
	f.pass(t, 10*time.Hour)
	require.InDelta(t, 10, minted(), 0.01)
	f.govern(t, "emission_to_stakers", "10000")
	f.pass(t, 2*time.Hour)
	earned, err := f.Rewards(t.Context(), council)
	require.NoError(t, err)
	require.InDelta(t, 2*float64(fog), float64(earned.Pending), 0.01*float64(fog), "of the last two hours")
	f.govern(t, "emission", schedule(begun, "2400")) // ten an hour, as if it had been from the beginning
	f.pass(t, time.Hour)
	require.InDelta(t, 22, minted(), 0.02)
	f.govern(t, "emission", schedule(f.clock.Now().Add(5*time.Hour), "24")) // a tenth an hour, in five hours
	f.pass(t, 5*time.Hour)
	require.InDelta(t, 72, minted(), 0.03, "until then the one before goes on")
	f.pass(t, 10*time.Hour)
	require.InDelta(t, 73, minted(), 0.03)
	f.govern(t, "emission", "null")
	f.pass(t, 100*day)
	require.InDelta(t, 73, minted(), 0.03)
	require.NoError(t, f.Verify(t.Context()))
}

// An emergency on a parameter of staking goes back by itself, and what has begun meanwhile keeps its value.
func TestEmergencyOfStaking(t *testing.T) {
	f := governedFarm(t, "ann")
	f.economics = tokenomics.Economics{Emission: accrual.Emission{Start: f.clock.Now(), Period: 10 * day, First: int64(240 * fog)}}
	minted := func() float64 {
		stats, err := f.Stats(t.Context())
		require.NoError(t, err)
		return float64(stats.TotalSupply-1_000_000*fog) / float64(fog)
	}
	steps := governed("stop", tokenomics.SetParameter{Key: "economics.emission", Value: json.RawMessage("{}")})
	steps[0].Propose.Kind, steps[0].Propose.Proposer = tokenomics.EmergencyAction, "operator"
	for _, s := range steps {
		if s.passes > 0 {
			f.pass(t, s.passes)
			continue
		}
		f.post(t, f.about(t, s))
	}
	f.pass(t, 3*day)
	require.InDelta(t, 0, minted(), 0.01)
	f.pass(t, 4*day)
	f.pass(t, day)
	require.InDelta(t, 24, minted(), 0.01, "it lasts seven days, and what was not minted stays so")
	require.NoError(t, f.Verify(t.Context()))
}

// So many changes are remembered; what has begun before is held to the oldest of them.
func TestRememberedChanges(t *testing.T) {
	f := governedFarm(t)
	f.post(t, tokenomics.Request{Hold: &tokenomics.Hold{ID: "first", Payer: "operator", Amount: 100 * fog}})
	fee := func() tokenomics.Amount {
		before := f.balance(t, "lamp").Available
		f.post(t, tokenomics.Request{Capture: &tokenomics.Capture{
			Key: f.clock.Now().String(), Hold: "first", To: []tokenomics.Share{{Account: "lamp", Amount: fog}},
		}})
		return fog - (f.balance(t, "lamp").Available - before)
	}
	for n := range 33 {
		f.govern(t, "fee", fmt.Sprint(1000+n))
		if n == 31 {
			require.Zero(t, fee(), "there was none when the hold was placed")
		}
	}
	require.Equal(t, tokenomics.Amount(100_000), fee(), "that of the first change")
	require.NoError(t, f.Verify(t.Context()))
}
