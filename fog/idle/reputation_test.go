package idle_test

import (
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// boinc are BOINC's rules: no floor, no quarantine, and what was accepted stays.
func boinc() idle.TrustRules { return idle.TrustRules{Floor: -1, Strikes: -1, HoldBack: -1} }

// tenth is a fleet of which 50 devices lie in a tenth of their jobs, and the others err in a thousandth.
func tenth(rules idle.TrustRules) fleet {
	return fleet{rules: rules, liars: lying{devices: 50, share: 0.1}, errors: 0.001}
}

// simulate runs a fleet for each of so many seeds.
func simulate(seeds int, of fleet) []fleet {
	fleets := make([]fleet, seeds)
	var running sync.WaitGroup
	room := make(chan struct{}, runtime.GOMAXPROCS(0))
	for seed := range fleets {
		fleets[seed] = of
		room <- struct{}{}
		running.Go(func() {
			fleets[seed].run(uint64(seed))
			<-room
		})
	}
	running.Wait()
	return fleets
}

// total adds the figures of fleets up.
func total(fleets []fleet) (sum fleet) {
	for i := range fleets {
		f := &fleets[i]
		sum.jobs += f.jobs
		sum.executions += f.executions
		sum.wrong += f.wrong
		sum.lies += f.lies
		sum.banned += f.banned
		sum.honestBans += f.honestBans
		sum.unresolved += f.unresolved
	}
	return sum
}

// TestTrustOfAFleet holds what the rules promise, beside BOINC's rule in the same simulator.
func TestTrustOfAFleet(t *testing.T) {
	const seeds = 20
	fleets := simulate(seeds, tenth(idle.TrustRules{}))
	for seed := range fleets {
		f := &fleets[seed]
		require.Equal(t, simDevices*simRounds, f.jobs)
		assert.LessOrEqual(t, float64(f.executions), 1.10*float64(f.jobs), "seed %d: executions", seed)
	}
	ours, theirs := total(fleets), total(simulate(seeds, tenth(boinc())))
	t.Logf("executions a job %.4f (BOINC's rule %.4f); accepted lies %d (%d), wrong results with honest errors %d (%d); %d of %d liars banned, %d honest devices",
		float64(ours.executions)/float64(ours.jobs), float64(theirs.executions)/float64(theirs.jobs),
		ours.lies, theirs.lies, ours.wrong, theirs.wrong, ours.banned, 50*seeds, ours.honestBans)
	assert.Greater(t, theirs.lies, 1000, "the rule that ours is compared with lets lies through")
	assert.LessOrEqual(t, 4*ours.lies, theirs.lies, "accepted lies")
	assert.LessOrEqual(t, 4*ours.wrong, theirs.wrong, "accepted wrong results, honest errors among them")
	assert.LessOrEqual(t, ours.honestBans, 1, "honest devices that were banned")
}

// TestQuorumOfAFleet: with a quorum of two no lie passes but those of colluders who meet.
func TestQuorumOfAFleet(t *testing.T) {
	of := tenth(boinc())
	of.quorum = true
	for _, f := range simulate(2, of) {
		assert.Zero(t, f.wrong)
		assert.GreaterOrEqual(t, f.executions, 2*f.jobs)
	}
	of.liars.collude = true
	assert.Positive(t, total(simulate(2, of)).wrong, "two colluders may meet")
}

func anyReputation(t *rapid.T) idle.Reputation {
	return idle.Reputation{
		Valid:       rapid.OneOf(rapid.IntRange(0, 50), rapid.Just(math.MaxInt)).Draw(t, "valid"),
		Compared:    rapid.Uint64().Draw(t, "compared"),
		Until:       time.Unix(rapid.Int64Range(0, 2_000_000).Draw(t, "until"), 0),
		Quarantines: rapid.OneOf(rapid.IntRange(0, 5), rapid.Just(math.MaxInt-1)).Draw(t, "quarantines"),
	}
}

func anyRules(t *rapid.T) idle.TrustRules {
	return idle.TrustRules{
		Threshold:  rapid.IntRange(0, 20).Draw(t, "threshold"),
		Floor:      rapid.Float64Range(-1, 1).Draw(t, "floor"),
		Strikes:    rapid.IntRange(-1, 64).Draw(t, "strikes"),
		HoldBack:   time.Duration(rapid.Int64Range(-1, int64(90*24*time.Hour)).Draw(t, "holdBack")),
		Sample:     rapid.IntRange(-1, 40).Draw(t, "sample"),
		Quarantine: time.Duration(rapid.Int64Range(0, int64(10*365*24*time.Hour)).Draw(t, "quarantine")),
	}
}

// TestReputationLaws: the check of a result is never less likely than the floor, and each event changes what it should.
func TestReputationLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, rules := anyReputation(t), anyRules(t)
		require.NoError(t, rules.Validate())
		now := time.Unix(rapid.Int64Range(0, 2_000_000).Draw(t, "now"), 0)
		share := r.CheckShare(rules)
		require.LessOrEqual(t, share, 1.0)
		require.GreaterOrEqual(t, share, rules.Floor)
		require.LessOrEqual(t, r.Accepted().CheckShare(rules), share, "whoever is right is not checked more")
		draw := rapid.Float64Range(0, 1).Draw(t, "draw")
		require.Equal(t, draw < share, r.NeedsCheck(rules, draw))

		confirmed := r.Confirmed()
		require.Equal(t, r.Accepted().Valid, confirmed.Valid)
		require.LessOrEqual(t, confirmed.Strikes(), r.Strikes())
		require.Equal(t, r.Until, confirmed.Until)

		struck := r.Struck(rules, now)
		require.Zero(t, struck.Valid)
		require.Equal(t, 1.0, struck.CheckShare(rules), "all is checked after a strike")
		if r.Quarantined(now) {
			require.Equal(t, r.Until, struck.Until, "who is in quarantine already stays as long as before")
		}
		if rules.Strikes < 0 {
			require.Equal(t, r.Until, struck.Until)
		}
		if !r.Quarantined(now) && struck.Quarantined(now) {
			require.Equal(t, r.Quarantines+1, struck.Quarantines)
			require.Zero(t, struck.Strikes())
		}
		held := rapid.IntRange(0, 1000).Draw(t, "held")
		n := struck.ToAudit(rules, held, now)
		require.True(t, n >= 0 && n <= held && (n > 0 || held == 0), "%d of %d", n, held)
		require.GreaterOrEqual(t, struck.Struck(rules, now).ToAudit(rules, held, now), n, "one more strike, no less to audit")
	})
}

// TestReputationOfADevice follows one device from unknown to its second quarantine.
func TestReputationOfADevice(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	var rules idle.TrustRules
	var r idle.Reputation
	for range 10 {
		assert.True(t, r.NeedsCheck(rules, 0.999), "the first ten are all checked")
		r = r.Confirmed()
	}
	assert.InDelta(t, 0.1, r.CheckShare(rules), 1e-9, "then one in n")
	for range 1000 {
		r = r.Accepted()
	}
	assert.InDelta(t, 0.05, r.CheckShare(rules), 1e-9, "and the floor in the end")
	assert.True(t, r.NeedsCheck(rules, 0.0499))
	assert.False(t, r.NeedsCheck(rules, 0.05))

	r = r.Struck(rules, now)
	assert.Equal(t, 20, r.ToAudit(rules, 100, now), "a sample first")
	r = r.Struck(rules, now)
	assert.Equal(t, 100, r.ToAudit(rules, 100, now), "then everything")
	for range 63 {
		r = r.Confirmed()
	}
	assert.Equal(t, 1, r.Strikes(), "what is long ago is forgotten")
	for range 3 {
		assert.False(t, r.Quarantined(now))
		r = r.Struck(rules, now)
	}
	assert.False(t, r.Quarantined(now), "the oldest has just left the window")
	r = r.Struck(rules, now)
	require.True(t, r.Quarantined(now))
	assert.Equal(t, 7*24*time.Hour, r.Until.Sub(now))
	assert.Equal(t, 100, r.ToAudit(rules, 100, now))

	now = r.Until
	assert.False(t, r.Quarantined(now))
	assert.Equal(t, 1.0, r.CheckShare(rules), "it begins as an unknown one")
	for range 4 {
		r = r.Struck(rules, now)
	}
	assert.Equal(t, 14*24*time.Hour, r.Until.Sub(now), "twice as long")
}

func TestHeldBack(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	var rules idle.TrustRules
	assert.True(t, rules.Held(now, now))
	assert.True(t, rules.Held(now.Add(time.Microsecond-48*time.Hour), now))
	assert.False(t, rules.Held(now.Add(-48*time.Hour), now))
	assert.False(t, idle.TrustRules{HoldBack: -1}.Held(now, now))
}

func TestTrustRulesThatCannotWork(t *testing.T) {
	require.NoError(t, idle.TrustRules{}.Validate())
	require.NoError(t, boinc().Validate())
	for field, rules := range map[string]idle.TrustRules{
		"Threshold":  {Threshold: -1},
		"Floor":      {Floor: math.NaN()},
		"Strikes":    {Strikes: 65},
		"Sample":     {Sample: math.MaxInt},
		"HoldBack":   {HoldBack: 100 * 24 * time.Hour},
		"Quarantine": {Quarantine: -1},
	} {
		require.ErrorContains(t, rules.Validate(), field, field)
	}
}
