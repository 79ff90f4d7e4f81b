package idle_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// noon is when the tests of pure functions begin.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// codes lists the codes of reasons.
func codes(reasons []idle.Reason) []string {
	list := make([]string, len(reasons))
	for n, r := range reasons {
		list[n] = r.Code
	}
	return list
}

func TestDefaultPolicies(t *testing.T) {
	charged := idle.Telemetry{Battery: idle.Some(80.0), Charging: idle.Some(true)}
	for _, c := range []struct {
		name string
		kind idle.DeviceType
		said idle.Telemetry
		want []string
	}{
		{"desktop that says nothing", idle.Desktop, idle.Telemetry{}, nil},
		{"server that says nothing", idle.Server, idle.Telemetry{}, nil},
		{"desktop on mains without a battery", idle.Desktop, idle.Telemetry{Charging: idle.Some(true), CPUForeign: idle.Some(0.1), MemFreeMB: idle.Some(8000.0)}, nil},
		{"laptop on mains with an empty battery", idle.Desktop, idle.Telemetry{Charging: idle.Some(true), Battery: idle.Some(3.0)}, nil},
		{"laptop on a good battery", idle.Desktop, idle.Telemetry{Charging: idle.Some(false), Battery: idle.Some(90.0)}, nil},
		{"laptop on a low battery", idle.Desktop, idle.Telemetry{Charging: idle.Some(false), Battery: idle.Some(50.0)}, []string{idle.BatteryLow}},
		{"desktop in use", idle.Desktop, idle.Telemetry{UserIdle: idle.Some(time.Minute)}, []string{idle.UserActive}},
		{"server in use", idle.Server, idle.Telemetry{UserIdle: idle.Some(time.Second)}, nil},
		{"phone that says nothing", idle.Android, idle.Telemetry{}, []string{idle.PowerUnknown, idle.BatteryUnknown}},
		{"phone on its charger", idle.Android, charged, nil},
		{"tablet on its charger", idle.IOS, charged, nil},
		{"phone in a pocket", idle.IOS, idle.Telemetry{Battery: idle.Some(80.0), Charging: idle.Some(false)}, []string{idle.OnBattery}},
		{"phone that has just been plugged in", idle.Android, idle.Telemetry{Battery: idle.Some(20.0), Charging: idle.Some(true)}, []string{idle.BatteryLow}},
		{"everything is wrong with a phone", idle.Android, idle.Telemetry{
			CPUForeign: idle.Some(0.9), MemFreeMB: idle.Some(10.0), Battery: idle.Some(5.0), Charging: idle.Some(false), TempC: idle.Some(45.0),
			UserIdle: idle.Some(time.Duration(0)), Metered: idle.Some(true), Pressure: idle.Some(80.0), DiskFreeMB: idle.Some(3.0),
		}, []string{
			idle.OnBattery, idle.BatteryLow, idle.TooHot, idle.CPUBusy, idle.MemoryLow, idle.UserActive, idle.NetworkMetered, idle.PressureHigh, idle.DiskLow,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := idle.Evaluate(idle.DefaultPolicy(c.kind), c.said, idle.Decision{}, noon)
			require.ElementsMatch(t, c.want, codes(d.Reasons))
			require.Equal(t, len(c.want) == 0, d.Eligible)
			require.Equal(t, noon, d.Since, "the first decision is a change")
			for _, r := range d.Reasons {
				require.NotEmpty(t, r.Text)
			}
		})
	}
	for _, kind := range []idle.DeviceType{idle.Android, idle.IOS, idle.Desktop, idle.Server, "toaster"} {
		p := idle.DefaultPolicy(kind)
		require.NoError(t, p.Validate(), kind)
	}
}

func TestUnknownIsDeniedOnRequest(t *testing.T) {
	deny := func(level float64) idle.Band { return idle.Band{Start: level, Stop: level, Unknown: idle.DenyUnknown} }
	p := idle.Policy{
		Power: idle.DenyUnknown, Battery: deny(50), Thermal: deny(50), CPU: deny(0.5), Memory: deny(100), UserIdle: deny(60), Unmetered: idle.DenyUnknown,
		Pressure: deny(10), Disk: deny(512), Networks: idle.Networks{Allowed: []idle.NetworkKind{idle.Ethernet}, Unknown: idle.DenyUnknown},
	}
	require.NoError(t, p.Validate())
	d := idle.Evaluate(p, idle.Telemetry{}, idle.Decision{}, noon)
	require.Equal(t, []string{
		idle.PowerUnknown, idle.BatteryUnknown, idle.TemperatureUnknown, idle.CPUUnknown, idle.MemoryUnknown, idle.UserUnknown, idle.NetworkUnknown,
		idle.PressureUnknown, idle.DiskUnknown, idle.NetworkKindUnknown,
	}, codes(d.Reasons))
	nan := idle.Evaluate(p, idle.Telemetry{Battery: idle.Some(math.NaN())}, idle.Decision{}, noon)
	require.Contains(t, codes(nan.Reasons), idle.BatteryLow, "what is no number is not enough")
}

func TestHysteresisAndDwell(t *testing.T) {
	p := idle.Policy{CPU: idle.Band{Start: 0.5, Stop: 0.8, Unknown: idle.AllowUnknown}, DwellSeconds: 60}
	load := func(v float64) idle.Telemetry { return idle.Telemetry{CPUForeign: idle.Some(v)} }
	var d idle.Decision
	for _, step := range []struct {
		second   int
		load     float64
		eligible bool
		want     []string
	}{
		{0, 0.6, false, []string{idle.CPUBusy}},   // above start
		{10, 0.4, false, []string{idle.Settling}}, // below start, not for long
		{60, 0.4, false, []string{idle.Settling}},
		{65, 0.6, false, []string{idle.CPUBusy}}, // the dwell starts again
		{66, 0.4, false, []string{idle.Settling}},
		{126, 0.4, true, nil},
		{127, 0.7, true, nil}, // between the levels
		{128, 0.81, false, []string{idle.CPUBusy}},
		{129, 0.7, false, []string{idle.CPUBusy}}, // between the levels, from the other side
	} {
		d = idle.Evaluate(p, load(step.load), d, noon.Add(time.Duration(step.second)*time.Second))
		require.Equal(t, step.eligible, d.Eligible, "after %d s", step.second)
		require.ElementsMatch(t, step.want, codes(d.Reasons), "after %d s", step.second)
	}
	require.Equal(t, noon.Add(128*time.Second), d.Since)

	first := idle.Evaluate(p, load(0.1), idle.Decision{}, noon)
	require.True(t, first.Eligible, "the first decision does not wait")
	future := idle.Decision{Since: noon, Calm: noon.Add(time.Hour)}
	back := idle.Evaluate(p, load(0.1), future, noon)
	require.Equal(t, noon, back.Calm, "a clock that was set back does not prolong the dwell")
}

func TestPolicyValidate(t *testing.T) {
	band := func(start, stop float64) idle.Band {
		return idle.Band{Start: start, Stop: stop, Unknown: idle.AllowUnknown}
	}
	for _, c := range []struct {
		field  string
		policy idle.Policy
	}{
		{"policy.battery.start", idle.Policy{Battery: band(101, 50)}},
		{"policy.battery.stop", idle.Policy{Battery: band(50, 60)}},
		{"policy.battery.start", idle.Policy{Battery: band(math.NaN(), 0)}},
		{"policy.thermal.start", idle.Policy{Thermal: band(-5, 50)}},
		{"policy.thermal.stop", idle.Policy{Thermal: band(50, 40)}},
		{"policy.cpu.start", idle.Policy{CPU: band(-0.1, 0.5)}},
		{"policy.cpu.stop", idle.Policy{CPU: band(0.5, math.Inf(1))}},
		{"policy.memory.start", idle.Policy{Memory: band(1e9, 0)}},
		{"policy.user_idle.start", idle.Policy{UserIdle: band(1e9, 0)}},
		{"policy.user_idle.unknown", idle.Policy{UserIdle: idle.Band{Unknown: "perhaps"}}},
		{"policy.power", idle.Policy{Power: "perhaps"}},
		{"policy.unmetered", idle.Policy{Unmetered: "perhaps"}},
		{"policy.dwell_seconds", idle.Policy{DwellSeconds: -1}},
		{"policy.dwell_seconds", idle.Policy{DwellSeconds: math.NaN()}},
		{"policy.patience_seconds", idle.Policy{PatienceSeconds: -1}},
		{"policy.pressure.start", idle.Policy{Pressure: band(101, 102)}},
		{"policy.disk.stop", idle.Policy{Disk: band(100, 200)}},
		{"policy.networks.allowed", idle.Policy{Networks: idle.Networks{Unknown: idle.AllowUnknown}}},
		{"policy.networks.allowed", idle.Policy{Networks: idle.Networks{Allowed: []idle.NetworkKind{"pigeon"}, Unknown: idle.AllowUnknown}}},
		{"policy.networks.unknown", idle.Policy{Networks: idle.Networks{Allowed: []idle.NetworkKind{idle.WiFi}}}},
		{"policy.session.max_seconds", idle.Policy{Session: idle.Session{MaxSeconds: 1, CoolDownSeconds: 5}}},
		{"policy.session.cool_down_seconds", idle.Policy{Session: idle.Session{MaxSeconds: 60}}},
		{"policy.session.cool_down_seconds", idle.Policy{Session: idle.Session{CoolDownSeconds: 60}}},
		{"policy.limits.cpu_share", idle.Policy{Limits: idle.Limits{CPUShare: 1.5}}},
		{"policy.limits.memory_share", idle.Policy{Limits: idle.Limits{MemoryShare: math.NaN()}}},
		{"policy.limits.tiers[0].above", idle.Policy{Thermal: band(70, 80), Limits: idle.Limits{Tiers: []idle.Tier{{Above: 80, Below: 75, CPUShare: 0.5}}}}},
		{"policy.limits.tiers[0].below", idle.Policy{Limits: idle.Limits{Tiers: []idle.Tier{{Above: 80, Below: 85, CPUShare: 0.5}}}}},
		{"policy.limits.tiers[0].cpu_share", idle.Policy{Limits: idle.Limits{CPUShare: 0.5, Tiers: []idle.Tier{{Above: 80, Below: 75, CPUShare: 0.5}}}}},
		{"policy.limits.tiers[1].above", idle.Policy{Limits: idle.Limits{
			Tiers: []idle.Tier{{Above: 80, Below: 75, CPUShare: 0.5}, {Above: 80, Below: 75, CPUShare: 0.2}},
		}}},
		{"policy.schedule.zone", idle.Policy{Schedule: idle.Schedule{Zone: idle.NewZone("Atlantis/Capital")}}},
		{"policy.schedule.zone", idle.Policy{Schedule: idle.Schedule{Zone: idle.NewZone("Local")}}},
		{"policy.schedule.windows[0].days", idle.Policy{Schedule: idle.Schedule{Windows: []idle.Window{{Days: []string{"Monday"}, From: "01:00", To: "02:00"}}}}},
		{"policy.schedule.windows[0].from", idle.Policy{Schedule: idle.Schedule{Windows: []idle.Window{{From: "24:00", To: "02:00"}}}}},
		{"policy.schedule.windows[0].to", idle.Policy{Schedule: idle.Schedule{Windows: []idle.Window{{From: "01:00", To: "2:00"}}}}},
		{"policy.dwell_seconds", idle.Policy{DwellSeconds: 3600, Schedule: idle.Schedule{Windows: []idle.Window{{From: "01:00", To: "02:00"}}}}},
	} {
		err := c.policy.Validate()
		require.Equal(t, fault.Invalid, fault.KindOf(err), c.field)
		require.Equal(t, c.field, fault.FieldOf(err))
	}
	zero := idle.Policy{}
	require.NoError(t, zero.Validate())
	off := idle.Policy{Battery: idle.Band{Start: 500, Stop: 900}}
	require.NoError(t, off.Validate(), "levels of a band that is off do not matter")
}

// drawBand draws a valid band.
func drawBand(t *rapid.T, name string, floor bool, most float64) idle.Band {
	low, high := rapid.Float64Range(0, most).Draw(t, name+" low"), rapid.Float64Range(0, most).Draw(t, name+" high")
	if low > high {
		low, high = high, low
	}
	b := idle.Band{Start: low, Stop: high, Unknown: drawRule(t, name)}
	if floor {
		b.Start, b.Stop = high, low
	}
	return b
}

// drawRule draws a rule.
func drawRule(t *rapid.T, name string) idle.Rule {
	return rapid.SampledFrom([]idle.Rule{idle.RuleOff, idle.AllowUnknown, idle.DenyUnknown}).Draw(t, name+" rule")
}

// drawPolicy draws a valid policy.
func drawPolicy(t *rapid.T) idle.Policy {
	return idle.Policy{
		Power: drawRule(t, "power"), Battery: drawBand(t, "battery", true, 100), BatteryOnPower: rapid.Bool().Draw(t, "on power"),
		Thermal: drawBand(t, "thermal", false, 100), CPU: drawBand(t, "cpu", false, 1), Memory: drawBand(t, "memory", true, 4096),
		UserIdle: drawBand(t, "user", true, 600), Unmetered: drawRule(t, "unmetered"),
		Pressure: drawBand(t, "pressure", false, 100), Disk: drawBand(t, "disk", true, 4096), Networks: drawNetworks(t),
		DwellSeconds: float64(rapid.IntRange(0, 120).Draw(t, "dwell")),
	}
}

// drawKind draws a kind of network.
func drawKind() *rapid.Generator[idle.NetworkKind] {
	return rapid.SampledFrom([]idle.NetworkKind{idle.Ethernet, idle.WiFi, idle.Cellular})
}

// drawNetworks draws a rule about kinds of network.
func drawNetworks(t *rapid.T) idle.Networks {
	n := idle.Networks{Unknown: drawRule(t, "networks")}
	if n.Unknown != idle.RuleOff {
		n.Allowed = rapid.SliceOfNDistinct(drawKind(), 1, 3, rapid.ID[idle.NetworkKind]).Draw(t, "allowed")
	}
	return n
}

// drawTelemetry draws what a device says.
func drawTelemetry(t *rapid.T) idle.Telemetry {
	number := func(name string, most float64) idle.Opt[float64] {
		return idle.Opt[float64]{Known: rapid.Bool().Draw(t, name+" known"), Value: rapid.Float64Range(0, most).Draw(t, name)}
	}
	truth := func(name string) idle.Opt[bool] {
		return idle.Opt[bool]{Known: rapid.Bool().Draw(t, name+" known"), Value: rapid.Bool().Draw(t, name)}
	}
	return idle.Telemetry{
		CPUForeign: number("foreign", 1), MemFreeMB: number("free", 4096), Battery: number("charge", 100), Charging: truth("charging"),
		TempC: number("heat", 100), Metered: truth("metered"), Pressure: number("pressure", 100), DiskFreeMB: number("disk", 4096),
		Network: idle.Opt[idle.NetworkKind]{Known: rapid.Bool().Draw(t, "network known"), Value: drawKind().Draw(t, "network")},
		UserIdle: idle.Opt[time.Duration]{
			Known: rapid.Bool().Draw(t, "idle known"), Value: time.Duration(rapid.IntRange(0, 600).Draw(t, "idle")) * time.Second,
		},
	}
}

// broken counts, by another way than Evaluate, the rules that forbid harvesting.
func broken(p idle.Policy, t idle.Telemetry, was bool) int {
	count := 0
	note := func(rule idle.Rule, known, holds bool) {
		if rule != idle.RuleOff && (known && !holds || !known && rule == idle.DenyUnknown) {
			count++
		}
	}
	level := func(b idle.Band) float64 {
		if was {
			return b.Stop
		}
		return b.Start
	}
	note(p.Power, t.Charging.Known, t.Charging.Value)
	if p.BatteryOnPower || !t.Charging.Known || !t.Charging.Value {
		note(p.Battery.Unknown, t.Battery.Known, t.Battery.Value >= level(p.Battery))
	}
	note(p.Thermal.Unknown, t.TempC.Known, t.TempC.Value <= level(p.Thermal))
	note(p.CPU.Unknown, t.CPUForeign.Known, t.CPUForeign.Value <= level(p.CPU))
	note(p.Memory.Unknown, t.MemFreeMB.Known, t.MemFreeMB.Value >= level(p.Memory))
	note(p.UserIdle.Unknown, t.UserIdle.Known, t.UserIdle.Value.Seconds() >= level(p.UserIdle))
	note(p.Unmetered, t.Metered.Known, !t.Metered.Value)
	note(p.Pressure.Unknown, t.Pressure.Known, t.Pressure.Value <= level(p.Pressure))
	note(p.Disk.Unknown, t.DiskFreeMB.Known, t.DiskFreeMB.Value >= level(p.Disk))
	note(p.Networks.Unknown, t.Network.Known, slices.Contains(p.Networks.Allowed, t.Network.Value))
	return count
}

// TestEvaluateLaws: a device is never eligible while a rule forbids it; every rule that forbids it is given; a start needs
// the start levels for the whole dwell; and it never stops and starts more often than the dwell lets it.
func TestEvaluateLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		require.NoError(t, p.Validate())
		var d idle.Decision
		now, starts := noon, 0
		calm := time.Time{} // since when no rule forbids a start
		for range rapid.IntRange(1, 40).Draw(t, "beats") {
			said := drawTelemetry(t)
			was := d
			d = idle.Evaluate(p, said, was, now)
			require.Equal(t, d.Eligible, len(d.Reasons) == 0)
			failing := broken(p, said, was.Eligible)
			if failing > 0 {
				require.False(t, d.Eligible)
				require.Len(t, d.Reasons, failing)
				calm = time.Time{}
			} else if calm.IsZero() {
				calm = now
			}
			if d.Eligible && !was.Eligible && !was.Since.IsZero() {
				starts++
				require.GreaterOrEqual(t, now.Sub(calm).Seconds(), p.DwellSeconds)
			}
			if d.Eligible == was.Eligible && !was.Since.IsZero() {
				require.Equal(t, was.Since, d.Since)
			}
			now = now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "pause")) * time.Second)
		}
		if p.DwellSeconds > 0 {
			require.LessOrEqual(t, float64(starts), now.Sub(noon).Seconds()/p.DwellSeconds+1)
		}
	})
}

// TestTremblingSignal: a signal that stays between its two levels never changes the decision.
func TestTremblingSignal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		band := drawBand(t, "cpu", false, 1)
		band.Unknown = idle.DenyUnknown
		p := idle.Policy{CPU: band}
		d := idle.Decision{Eligible: rapid.Bool().Draw(t, "eligible"), Since: noon}
		want := d.Eligible
		if band.Start == band.Stop {
			t.Skip("no room between the levels")
		}
		for n := range 30 {
			v := rapid.Float64Range(math.Nextafter(band.Start, 2), band.Stop).Draw(t, "load")
			d = idle.Evaluate(p, idle.Telemetry{CPUForeign: idle.Some(v)}, d, noon.Add(time.Duration(n)*time.Minute))
			require.Equal(t, want, d.Eligible)
		}
		require.Equal(t, noon, d.Since)
	})
}

// TestValidPolicyCanHold: whatever Validate lets through, some device can satisfy.
func TestValidPolicyCanHold(t *testing.T) {
	best := idle.Telemetry{
		CPUForeign: idle.Some(0.0), MemFreeMB: idle.Some(1e9), Battery: idle.Some(100.0), Charging: idle.Some(true), TempC: idle.Some(0.0),
		UserIdle: idle.Some(8 * 24 * time.Hour), Metered: idle.Some(false), Pressure: idle.Some(0.0), DiskFreeMB: idle.Some(1e12),
	}
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		if p.Networks.Unknown != idle.RuleOff {
			best.Network = idle.Some(p.Networks.Allowed[0])
		}
		for _, b := range []*idle.Band{&p.Battery, &p.Thermal, &p.CPU, &p.Memory, &p.UserIdle, &p.Pressure, &p.Disk} {
			b.Start += rapid.Float64Range(-50, 50).Draw(t, "shift")
		}
		if p.Validate() != nil {
			t.Skip("refused")
		}
		require.True(t, idle.Evaluate(p, best, idle.Decision{}, noon).Eligible)
	})
}

func TestParseType(t *testing.T) {
	for text, want := range map[string]idle.DeviceType{"android": idle.Android, "IOS": idle.IOS, " Desktop ": idle.Desktop, "Server": idle.Server} {
		got, err := idle.ParseType(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, text := range []string{"", "toaster", "android2"} {
		_, err := idle.ParseType(text)
		require.Equal(t, "device_type", fault.FieldOf(err))
	}
}
