package idle_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/idle"
)

func TestDecide(t *testing.T) {
	busy := idle.Decision{Reasons: []idle.Reason{{Code: idle.CPUBusy}, {Code: idle.UserActive}}}
	short := idle.Decision{Reasons: []idle.Reason{{Code: idle.UserActive}, {Code: idle.MemoryLow}}}
	full := idle.Decision{Reasons: []idle.Reason{{Code: idle.DiskLow}}}
	free := idle.Decision{Eligible: true}
	server := []idle.Reason{{Code: idle.TooHot}}
	for _, c := range []struct {
		name string
		s    idle.Situation
		want idle.Action
		why  []string
	}{
		{"free", idle.Situation{Phase: idle.Vacant, Decision: free}, idle.Start, []string{}},
		{"busy", idle.Situation{Phase: idle.Vacant, Decision: busy}, idle.Stay, []string{idle.CPUBusy, idle.UserActive}},
		{"drains", idle.Situation{Phase: idle.Vacant, Decision: busy, Desired: idle.Drain}, idle.Stay, []string{idle.NotTaking, idle.CPUBusy, idle.UserActive}},
		{"works", idle.Situation{Phase: idle.Working, Decision: free}, idle.Stay, []string{}},
		{"drains and finishes", idle.Situation{Phase: idle.Working, Decision: free, Desired: idle.Drain}, idle.Stay, []string{}},
		{"user comes back", idle.Situation{Phase: idle.Working, Decision: busy}, idle.Suspend, []string{idle.CPUBusy, idle.UserActive}},
		{"server forbids", idle.Situation{Phase: idle.Working, Decision: free, Forbidden: server}, idle.Suspend, []string{idle.TooHot}},
		{"memory is short, but they run", idle.Situation{Phase: idle.Working, Decision: short}, idle.Suspend, []string{idle.UserActive, idle.MemoryLow}},
		{"goes on", idle.Situation{Phase: idle.Suspended, Decision: free}, idle.Continue, []string{}},
		{"server still forbids", idle.Situation{Phase: idle.Suspended, Since: noon, Decision: free, Forbidden: server}, idle.Stay, []string{idle.TooHot}},
		{"drains and goes on", idle.Situation{Phase: idle.Suspended, Decision: free, Desired: idle.Drain}, idle.Continue, []string{}},
		{"waits", idle.Situation{Phase: idle.Suspended, Since: noon.Add(-time.Minute), Decision: busy}, idle.Stay, []string{idle.CPUBusy, idle.UserActive}},
		{"waits no longer", idle.Situation{Phase: idle.Suspended, Since: noon.Add(-time.Hour), Decision: busy}, idle.Preempt,
			[]string{idle.SuspendedTooFar, idle.CPUBusy, idle.UserActive}},
		{"memory is short", idle.Situation{Phase: idle.Suspended, Since: noon, Decision: short}, idle.Preempt, []string{idle.UserActive, idle.MemoryLow}},
		{"disk is full", idle.Situation{Phase: idle.Suspended, Since: noon, Decision: full}, idle.Preempt, []string{idle.DiskLow}},
		{"told to stop", idle.Situation{Phase: idle.Working, Decision: free, Desired: idle.Stop}, idle.Kill, []string{idle.Stopping}},
		{"told to stop while suspended", idle.Situation{Phase: idle.Suspended, Decision: short, Desired: idle.Stop}, idle.Kill,
			[]string{idle.Stopping, idle.UserActive, idle.MemoryLow}},
	} {
		c.s.Patience = 10 * time.Minute
		got := idle.Decide(&c.s, noon)
		require.Equal(t, c.want, got.Action, c.name)
		require.Equal(t, c.why, codes(got.Reasons), c.name)
	}
}

// TestDecideLaws drives a device through drawn telemetry. Guests run only while policy and server allow it; whatever
// forbids is among the reasons; every action but KILL fits its phase; and guests never flap: between two starts or continuations
// of one device that the policy alone stopped lies its dwell time.
func TestDecideLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		s := idle.Situation{Phase: idle.Vacant, Since: noon, Patience: time.Duration(rapid.IntRange(0, 300).Draw(t, "patience")) * time.Second}
		now, stopped := noon, time.Time{}
		for range rapid.IntRange(1, 40).Draw(t, "readings") {
			s.Decision = idle.Evaluate(p, drawTelemetry(t), s.Decision, now)
			s.Desired = rapid.SampledFrom([]idle.Desired{idle.Run, idle.Run, idle.Drain, idle.Stop}).Draw(t, "desired")
			v := idle.Decide(&s, now)
			require.Subset(t, codes(v.Reasons), codes(s.Decision.Reasons), "every reason is reported")
			if v.Action == idle.Start || v.Action == idle.Continue {
				require.True(t, s.Decision.Eligible)
				require.Empty(t, v.Reasons)
				if !stopped.IsZero() {
					require.GreaterOrEqual(t, now.Sub(stopped).Seconds(), p.DwellSeconds)
				}
			}
			turn := map[idle.Phase]map[idle.Action]idle.Phase{
				idle.Vacant:    {idle.Start: idle.Working, idle.Stay: idle.Vacant, idle.Kill: idle.Vacant},
				idle.Working:   {idle.Suspend: idle.Suspended, idle.Stay: idle.Working, idle.Kill: idle.Vacant},
				idle.Suspended: {idle.Continue: idle.Working, idle.Preempt: idle.Vacant, idle.Stay: idle.Suspended, idle.Kill: idle.Vacant},
			}
			next, fits := turn[s.Phase][v.Action]
			require.True(t, fits, "%s while %s", v.Action, s.Phase)
			if v.Action == idle.Suspend {
				stopped = now
			}
			require.False(t, next == idle.Working && !s.Decision.Eligible, "guests run although a rule forbids it")
			if next != s.Phase {
				s.Phase, s.Since = next, now
			}
			now = now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "pause")) * time.Second)
		}
	})
}

func TestSession(t *testing.T) {
	p := idle.Policy{Session: idle.Session{MaxSeconds: 600, CoolDownSeconds: 120}}
	require.NoError(t, p.Validate())
	var d idle.Decision
	step := func(second int, said idle.Telemetry) []string {
		d = idle.Evaluate(p, said, d, noon.Add(time.Duration(second)*time.Second))
		return codes(d.Reasons)
	}
	require.Empty(t, step(0, idle.Telemetry{}))
	require.Empty(t, step(599, idle.Telemetry{}))
	require.Equal(t, []string{idle.SessionOver}, step(600, idle.Telemetry{}))
	require.Equal(t, noon.Add(720*time.Second), d.Rest)
	require.Equal(t, []string{idle.CoolingDown}, step(719, idle.Telemetry{}))
	require.Empty(t, step(720, idle.Telemetry{}))
	require.Equal(t, noon.Add(720*time.Second), d.Since, "a new session")
	require.Empty(t, step(1319, idle.Telemetry{}))
	require.Equal(t, []string{idle.SessionOver}, step(1320, idle.Telemetry{}))

	require.Equal(t, []string{idle.CoolingDown}, step(-5000, idle.Telemetry{}))
	require.Equal(t, noon.Add(-4880*time.Second), d.Rest, "a clock that was set back does not prolong the break")
	p.Session = idle.Session{}
	require.Empty(t, step(-4999, idle.Telemetry{}), "a policy without sessions knows no breaks")
	require.True(t, d.Rest.IsZero())

	p = idle.Policy{
		Session: idle.Session{MaxSeconds: 600, CoolDownSeconds: 120}, CPU: idle.Band{Start: 0.5, Stop: 0.8, Unknown: idle.AllowUnknown},
	}
	d = idle.Decision{Eligible: true, Since: noon}
	require.Equal(t, []string{idle.CPUBusy, idle.SessionOver}, step(600, idle.Telemetry{CPUForeign: idle.Some(0.9)}), "every reason is given")
	d = idle.Decision{Eligible: true, Since: noon}
	require.Equal(t, []string{idle.CPUBusy}, step(300, idle.Telemetry{CPUForeign: idle.Some(0.9)}))
	require.Empty(t, step(301, idle.Telemetry{CPUForeign: idle.Some(0.1)}), "a session that was cut short has no break")
	require.Empty(t, step(900, idle.Telemetry{}), "and the next one counts anew")
}

// TestSessionLaw: whatever happens, no session lasts longer than its bound and a reading, and a full one is followed by its break.
func TestSessionLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		p.Session = idle.Session{MaxSeconds: float64(rapid.IntRange(60, 200).Draw(t, "most")), CoolDownSeconds: float64(rapid.IntRange(1, 90).Draw(t, "break"))}
		require.NoError(t, p.Validate())
		var d idle.Decision
		now, began, ended := noon, time.Time{}, time.Time{}
		for range rapid.IntRange(1, 60).Draw(t, "readings") {
			was := d
			d = idle.Evaluate(p, drawTelemetry(t), was, now)
			if d.Eligible && !was.Eligible {
				began = now
				require.False(t, !ended.IsZero() && now.Sub(ended).Seconds() < p.Session.CoolDownSeconds, "no break")
			}
			if d.Eligible {
				require.Less(t, now.Sub(began).Seconds(), p.Session.MaxSeconds)
			} else if was.Eligible && now.Sub(began).Seconds() >= p.Session.MaxSeconds {
				require.Contains(t, codes(d.Reasons), idle.SessionOver)
				ended = now
			}
			now = now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "pause")) * time.Second)
		}
	})
}

func TestTiers(t *testing.T) {
	l := idle.Limits{CPUShare: 0.8, Tiers: []idle.Tier{{Above: 60, Below: 55, CPUShare: 0.5}, {Above: 70, Below: 65, CPUShare: 0.2}}}
	p := idle.Policy{Limits: l, Thermal: idle.Band{Start: 70, Stop: 80, Unknown: idle.AllowUnknown}}
	require.NoError(t, p.Validate())
	tier := 0
	for _, c := range []struct {
		temp  float64
		tier  int
		share float64
	}{{50, 0, 0.8}, {60, 0, 0.8}, {61, 1, 0.5}, {56, 1, 0.5}, {71, 2, 0.2}, {66, 2, 0.2}, {64, 1, 0.5}, {54, 0, 0.8}, {75, 2, 0.2}, {20, 0, 0.8}} {
		tier = l.Tier(idle.Some(c.temp), tier)
		require.Equal(t, c.tier, tier, "%g °C", c.temp)
		require.InDelta(t, c.share, l.Share(tier), 0)
	}
	require.Zero(t, l.Tier(idle.Opt[float64]{}, 2), "an unknown temperature is in no tier")
	require.InDelta(t, 1, (&idle.Limits{}).Share(3), 0)
}

// TestTierLaws: a temperature between the levels of a tier changes nothing, and a hotter device never gets more.
func TestTierLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var l idle.Limits
		share := 1.0
		above := 0.0
		for range rapid.IntRange(0, 5).Draw(t, "tiers") {
			below := above + rapid.Float64Range(0.1, 5).Draw(t, "gap")
			above = below + rapid.Float64Range(0, 5).Draw(t, "width")
			share *= rapid.Float64Range(0.1, 0.9).Draw(t, "share")
			l.Tiers = append(l.Tiers, idle.Tier{Above: above, Below: below, CPUShare: share})
		}
		p := idle.Policy{Limits: l}
		require.NoError(t, p.Validate())
		was := rapid.IntRange(0, len(l.Tiers)).Draw(t, "was")
		a, b := rapid.Float64Range(0, 60).Draw(t, "a"), rapid.Float64Range(0, 60).Draw(t, "b")
		cool, hot := l.Tier(idle.Some(min(a, b)), was), l.Tier(idle.Some(max(a, b)), was)
		require.LessOrEqual(t, cool, hot)
		require.GreaterOrEqual(t, l.Share(cool), l.Share(hot))
		require.Equal(t, hot, l.Tier(idle.Some(max(a, b)), hot), "it settles at once")
		if was > 0 && a >= l.Tiers[was-1].Below && a <= l.Tiers[was-1].Above {
			require.Equal(t, was, l.Tier(idle.Some(a), was))
		}
	})
}
