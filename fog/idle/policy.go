package idle

import (
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Rule says whether a signal matters and what follows when it is unknown.
type Rule string

const (
	// RuleOff means that the signal does not matter.
	RuleOff Rule = ""
	// AllowUnknown means that the signal matters when it is known.
	AllowUnknown Rule = "allow"
	// DenyUnknown means that the device may not be harvested while the signal is unknown.
	DenyUnknown Rule = "deny"
)

// Band is a rule with two levels. A device that is not eligible must reach Start; one that is eligible stays so until it
// passes Stop. The distance between them keeps a signal that trembles around one level from switching the device on and
// off.
type Band struct {
	Start   float64 `json:"start"`
	Stop    float64 `json:"stop"`
	Unknown Rule    `json:"unknown"` // empty: the band is off
}

// Policy says when a device may be harvested. Its zero value has no rules: always. Each rule is on if it says what to do
// when its signal is unknown.
type Policy struct {
	Power          Rule `json:"power"`            // external power must be connected
	Battery        Band `json:"battery"`          // percent; at least Start, until below Stop
	BatteryOnPower bool `json:"battery_on_power"` // the battery rule holds on external power as well
	Thermal        Band `json:"thermal"`          // degrees Celsius; at most Start, until above Stop
	CPU            Band `json:"cpu"`              // share of all cores used by others, 0 to 1; at most Start, until above Stop
	Memory         Band `json:"memory"`           // free MiB; at least Start, until below Stop
	UserIdle       Band `json:"user_idle"`        // seconds since the last touch; at least Start, until below Stop
	Unmetered      Rule `json:"unmetered"`        // the network must not be paid by volume
	// DwellSeconds is for how long every start level must hold before a device that was stopped may start again.
	// Stopping never waits. The first decision about a device does not wait either.
	DwellSeconds float64 `json:"dwell_seconds"`
}

// DefaultPolicy returns the policy of a type of device. A phone or tablet is harvested on its charger with most of its
// battery full; a desktop while nobody uses it, on mains power or with a good battery; a server while it has capacity to
// spare. Signals that machines often lack (thermometer, idle time, battery of a desktop) count only if they are known.
func DefaultPolicy(t DeviceType) Policy {
	switch t {
	case Android, IOS:
		return Policy{
			Power:          DenyUnknown,
			Battery:        Band{Start: 60, Stop: 40, Unknown: DenyUnknown},
			BatteryOnPower: true,
			Thermal:        Band{Start: 38, Stop: 42, Unknown: AllowUnknown},
			CPU:            Band{Start: 0.5, Stop: 0.8, Unknown: AllowUnknown},
			Memory:         Band{Start: 256, Stop: 128, Unknown: AllowUnknown},
			UserIdle:       Band{Start: 300, Stop: 30, Unknown: AllowUnknown},
			Unmetered:      AllowUnknown,
			DwellSeconds:   60,
		}
	case Server:
		return Policy{
			Thermal:      Band{Start: 80, Stop: 90, Unknown: AllowUnknown},
			CPU:          Band{Start: 0.7, Stop: 0.9, Unknown: AllowUnknown},
			Memory:       Band{Start: 512, Stop: 256, Unknown: AllowUnknown},
			DwellSeconds: 30,
		}
	default:
		return Policy{
			Battery:      Band{Start: 60, Stop: 40, Unknown: AllowUnknown},
			Thermal:      Band{Start: 80, Stop: 90, Unknown: AllowUnknown},
			CPU:          Band{Start: 0.6, Stop: 0.85, Unknown: AllowUnknown},
			Memory:       Band{Start: 512, Stop: 256, Unknown: AllowUnknown},
			UserIdle:     Band{Start: 300, Stop: 30, Unknown: AllowUnknown},
			Unmetered:    AllowUnknown,
			DwellSeconds: 60,
		}
	}
}

// Reason is one cause why a device may not be harvested or gets no work.
type Reason struct {
	Code string `json:"code"` // for programs
	Text string `json:"text"` // for people
}

// Codes of the reasons that Evaluate gives.
const (
	OnBattery          = "on_battery"
	PowerUnknown       = "power_unknown"
	BatteryLow         = "battery_low"
	BatteryUnknown     = "battery_unknown"
	TooHot             = "too_hot"
	TemperatureUnknown = "temperature_unknown"
	CPUBusy            = "cpu_busy"
	CPUUnknown         = "cpu_unknown"
	MemoryLow          = "memory_low"
	MemoryUnknown      = "memory_unknown"
	UserActive         = "user_active"
	UserUnknown        = "user_unknown"
	NetworkMetered     = "network_metered"
	NetworkUnknown     = "network_unknown"
	Settling           = "settling" // every level holds, but not yet for the dwell time
)

// Decision says whether a device may be harvested. Its zero value means that nobody has decided yet.
type Decision struct {
	Eligible bool
	Since    time.Time // when Eligible last changed
	Calm     time.Time // since when every start level has held; zero while one does not
	Reasons  []Reason  // every rule that forbids it; empty exactly if Eligible
}

// Evaluate decides whether a device may be harvested, given the decision before. It gives every failing reason and not
// just the first. It is a pure function of its arguments.
func Evaluate(p Policy, t Telemetry, prev Decision, now time.Time) Decision {
	return evaluate(&p, &t, prev, now)
}

// evaluate is Evaluate without the copies.
func evaluate(p *Policy, t *Telemetry, prev Decision, now time.Time) Decision {
	reasons := p.failing(t, prev.Eligible)
	next := Decision{Eligible: len(reasons) == 0, Since: prev.Since, Calm: prev.Calm, Reasons: reasons}
	switch {
	case !next.Eligible:
		next.Calm = time.Time{}
	case next.Calm.IsZero() || next.Calm.After(now):
		next.Calm = now
	}
	dwell := time.Duration(p.DwellSeconds * float64(time.Second))
	if next.Eligible && !prev.Eligible && !prev.Since.IsZero() && now.Sub(next.Calm) < dwell {
		next.Eligible = false
		next.Reasons = []Reason{{Settling, fmt.Sprintf("every level must hold for %g s before work starts again", p.DwellSeconds)}}
	}
	if next.Eligible != prev.Eligible || prev.Since.IsZero() {
		next.Since = now
	}
	return next
}

// failing returns every rule that forbids harvesting, by the stop levels if the device was eligible, else by the start
// levels.
func (p *Policy) failing(t *Telemetry, was bool) []Reason {
	var reasons []Reason
	deny := func(code, format string, a ...any) {
		reasons = append(reasons, Reason{code, fmt.Sprintf(format, a...)})
	}
	if failed, unknown := p.Power.fails(t.Charging, true); unknown {
		deny(PowerUnknown, "it is unknown whether external power is connected")
	} else if failed {
		deny(OnBattery, "external power is not connected")
	}
	if p.BatteryOnPower || !t.Charging.Or(false) {
		if failed, unknown := p.Battery.below(t.Battery, was); unknown {
			deny(BatteryUnknown, "the battery level is unknown")
		} else if failed {
			deny(BatteryLow, "battery at %.0f %%, needs %g %%", t.Battery.Value, p.Battery.level(was))
		}
	}
	if failed, unknown := p.Thermal.above(t.TempC, was); unknown {
		deny(TemperatureUnknown, "the temperature is unknown")
	} else if failed {
		deny(TooHot, "%.0f °C, at most %g °C allowed", t.TempC.Value, p.Thermal.level(was))
	}
	if failed, unknown := p.CPU.above(t.CPUForeign, was); unknown {
		deny(CPUUnknown, "the load of other programs is unknown")
	} else if failed {
		deny(CPUBusy, "other programs use %.0f %% of the CPU, at most %g %% allowed", t.CPUForeign.Value*100, p.CPU.level(was)*100)
	}
	if failed, unknown := p.Memory.below(t.MemFreeMB, was); unknown {
		deny(MemoryUnknown, "the free memory is unknown")
	} else if failed {
		deny(MemoryLow, "%.0f MiB of memory free, needs %g MiB", t.MemFreeMB.Value, p.Memory.level(was))
	}
	touched := Opt[float64]{Known: t.UserIdle.Known, Value: t.UserIdle.Value.Seconds()}
	if failed, unknown := p.UserIdle.below(touched, was); unknown {
		deny(UserUnknown, "it is unknown whether somebody uses the device")
	} else if failed {
		deny(UserActive, "used %.0f s ago, needs %g s of quiet", touched.Value, p.UserIdle.level(was))
	}
	if failed, unknown := p.Unmetered.fails(t.Metered, false); unknown {
		deny(NetworkUnknown, "it is unknown whether the network is metered")
	} else if failed {
		deny(NetworkMetered, "the network is metered")
	}
	return reasons
}

// fails reports whether a yes-or-no signal differs from what the rule wants, or whether its being unknown forbids.
func (r Rule) fails(signal Opt[bool], want bool) (failed, unknown bool) {
	switch {
	case r == RuleOff:
		return false, false
	case !signal.Known:
		return false, r == DenyUnknown
	default:
		return signal.Value != want, false
	}
}

// level is the level that counts: Stop for a device that was eligible, else Start.
func (b *Band) level(was bool) float64 {
	if was {
		return b.Stop
	}
	return b.Start
}

// below reports whether a signal fails a band that sets a floor.
func (b *Band) below(signal Opt[float64], was bool) (failed, unknown bool) {
	switch {
	case b.Unknown == RuleOff:
		return false, false
	case !signal.Known:
		return false, b.Unknown == DenyUnknown
	default:
		return !(signal.Value >= b.level(was)), false // NaN fails
	}
}

// above reports whether a signal fails a band that sets a ceiling.
func (b *Band) above(signal Opt[float64], was bool) (failed, unknown bool) {
	switch {
	case b.Unknown == RuleOff:
		return false, false
	case !signal.Known:
		return false, b.Unknown == DenyUnknown
	default:
		return !(signal.Value <= b.level(was)), false
	}
}

// Validate refuses a policy that can never hold, or whose stop level lies on the wrong side of its start level. The error
// is of kind Invalid and names the field.
func (p *Policy) Validate() error {
	const op, week, day = "idle.policy", 7 * 24 * 3600, 24 * 3600
	bands := [...]struct {
		field    string
		band     *Band
		floor    bool
		min, max float64 // range in which both levels can be met
	}{
		{"policy.battery", &p.Battery, true, 0, 100},
		{"policy.thermal", &p.Thermal, false, 0, 150},
		{"policy.cpu", &p.CPU, false, 0, 1},
		{"policy.memory", &p.Memory, true, 0, maxMemoryMB},
		{"policy.user_idle", &p.UserIdle, true, 0, week},
	}
	for i := range bands {
		b := &bands[i]
		if err := b.band.Unknown.validate(op, b.field+".unknown"); err != nil {
			return err
		}
		switch {
		case b.band.Unknown == RuleOff:
		case !within(b.band.Start, b.min, b.max):
			return fault.Field(op, b.field+".start", "must be between %g and %g: no device could ever start", b.min, b.max)
		case !within(b.band.Stop, b.min, b.max):
			return fault.Field(op, b.field+".stop", "must be between %g and %g", b.min, b.max)
		case b.floor && b.band.Stop > b.band.Start:
			return fault.Field(op, b.field+".stop", "must not be above start: a device would stop as soon as it starts")
		case !b.floor && b.band.Stop < b.band.Start:
			return fault.Field(op, b.field+".stop", "must not be below start: a device would stop as soon as it starts")
		}
	}
	if err := p.Power.validate(op, "policy.power"); err != nil {
		return err
	}
	if err := p.Unmetered.validate(op, "policy.unmetered"); err != nil {
		return err
	}
	if !within(p.DwellSeconds, 0, day) {
		return fault.Field(op, "policy.dwell_seconds", "must be between 0 and %d", day)
	}
	return nil
}

// validate refuses a word that is no rule.
func (r Rule) validate(op, field string) error {
	switch r {
	case RuleOff, AllowUnknown, DenyUnknown:
		return nil
	default:
		return fault.Field(op, field, "must be %q, %q or empty", AllowUnknown, DenyUnknown)
	}
}
