package idle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"time"
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
	// Pressure is in percent: the share of the last ten seconds in which other programs stalled for want of memory, disk or
	// CPU; at most Start, until above Stop.
	Pressure Band     `json:"pressure,omitzero"`
	Disk     Band     `json:"disk,omitzero"` // free MiB where the agent keeps its files; at least Start, until below Stop
	Networks Networks `json:"networks,omitzero"`
	Schedule Schedule `json:"schedule,omitzero"`
	Session  Session  `json:"session,omitzero"`
	Limits   Limits   `json:"limits,omitzero"`
	// DwellSeconds is for how long every start level must hold before a device that was stopped may start again.
	// Stopping never waits. The first decision about a device does not wait either.
	DwellSeconds float64 `json:"dwell_seconds"`
	// PatienceSeconds is for how long guests stay suspended before they are given back; 0: as long as the agent is configured
	// for.
	PatienceSeconds float64 `json:"patience_seconds,omitempty"`
}

// Networks says over which kinds of network a device may be harvested.
type Networks struct {
	Allowed []NetworkKind `json:"allowed,omitempty"`
	Unknown Rule          `json:"unknown,omitempty"` // empty: over any
}

// Session bounds for how long a device is harvested without a break. A stop for any other reason ends a session as well, and
// the next one begins at 0.
type Session struct {
	MaxSeconds      float64 `json:"max_seconds,omitempty"`       // 0: no bound; else at least 60
	CoolDownSeconds float64 `json:"cool_down_seconds,omitempty"` // the break after a session of full length; at least 1
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
			Pressure:       Band{Start: 10, Stop: 30, Unknown: AllowUnknown},
			Disk:           Band{Start: 1024, Stop: 512, Unknown: AllowUnknown},
			DwellSeconds:   60,
		}
	case Server:
		return Policy{
			Thermal:      Band{Start: 80, Stop: 90, Unknown: AllowUnknown},
			CPU:          Band{Start: 0.7, Stop: 0.9, Unknown: AllowUnknown},
			Memory:       Band{Start: 512, Stop: 256, Unknown: AllowUnknown},
			Disk:         Band{Start: 1024, Stop: 512, Unknown: AllowUnknown},
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
			Pressure:     Band{Start: 10, Stop: 30, Unknown: AllowUnknown},
			Disk:         Band{Start: 1024, Stop: 512, Unknown: AllowUnknown},
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
	PressureHigh       = "pressure_high"
	PressureUnknown    = "pressure_unknown"
	DiskLow            = "disk_low"
	DiskUnknown        = "disk_unknown"
	NetworkKindDenied  = "network_kind"
	NetworkKindUnknown = "network_kind_unknown"
	OutsideWindow      = "outside_window"
	SessionOver        = "session_over" // this session has just reached its greatest length
	CoolingDown        = "cooling_down" // the break after a session lasts
	Settling           = "settling"     // every level holds, but not yet for the dwell time
)

// Decision says whether a device may be harvested. Its zero value means that nobody has decided yet.
type Decision struct {
	Eligible bool
	Since    time.Time // when Eligible last changed
	Calm     time.Time // since when every start level has held; zero while one does not
	Rest     time.Time // when the break after a session of full length ends; zero: there has been none
	Reasons  []Reason  // every rule that forbids it; empty exactly if Eligible
}

// Evaluate decides whether a device may be harvested, given the decision before. It gives every failing reason and not
// just the first. It is a pure function of its arguments.
func Evaluate(p Policy, t Telemetry, prev Decision, now time.Time) Decision {
	return evaluate(&p, &t, prev, now)
}

// evaluate is Evaluate without the copies.
func evaluate(p *Policy, t *Telemetry, prev Decision, now time.Time) Decision {
	reasons := p.failing(t, prev.Eligible, now)
	next := Decision{Since: prev.Since, Calm: prev.Calm}
	switch {
	case len(reasons) > 0:
		next.Calm = time.Time{}
	case next.Calm.IsZero() || next.Calm.After(now):
		next.Calm = now
	}
	if next.Since.After(now) { // the clock was set back
		next.Since = now
	}
	next.Reasons = append(reasons, p.Session.bound(&prev, &next, now)...)
	next.Eligible = len(next.Reasons) == 0
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

// bound says what the length of sessions has to do with a decision: one that lasts too long ends, and a break follows it.
func (s *Session) bound(prev, next *Decision, now time.Time) []Reason {
	if s.MaxSeconds == 0 {
		return nil
	}
	most, pause := toDuration(s.MaxSeconds), toDuration(s.CoolDownSeconds)
	if prev.Eligible {
		if now.Sub(next.Since) < most {
			return nil
		}
		next.Rest = now.Add(pause)
		return []Reason{{SessionOver, fmt.Sprintf("worked for %s without a break, a break of %s follows", most, pause)}}
	}
	if !prev.Rest.After(now) {
		return nil
	}
	next.Rest = prev.Rest
	if latest := now.Add(pause); next.Rest.After(latest) { // the clock was set back
		next.Rest = latest
	}
	return []Reason{{CoolingDown, fmt.Sprintf("has a break for %s more", next.Rest.Sub(now).Round(time.Second))}}
}

// toDuration is a number of seconds.
func toDuration(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// failing returns every rule that forbids harvesting, by the stop levels if the device was eligible, else by the start
// levels.
func (p *Policy) failing(t *Telemetry, was bool, now time.Time) []Reason {
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
	return append(reasons, p.failingElse(t, was, now)...)
}

// failingElse is the part of failing about what surrounds the device.
func (p *Policy) failingElse(t *Telemetry, was bool, now time.Time) (reasons []Reason) {
	deny := func(code, format string, a ...any) {
		reasons = append(reasons, Reason{code, fmt.Sprintf(format, a...)})
	}
	if failed, unknown := p.Pressure.above(t.Pressure, was); unknown {
		deny(PressureUnknown, "it is unknown whether other programs stall")
	} else if failed {
		deny(PressureHigh, "other programs stall for %.0f %% of the time, at most %g %% allowed", t.Pressure.Value, p.Pressure.level(was))
	}
	if failed, unknown := p.Disk.below(t.DiskFreeMB, was); unknown {
		deny(DiskUnknown, "the free space on the disk is unknown")
	} else if failed {
		deny(DiskLow, "%.0f MiB free on the disk, needs %g MiB", t.DiskFreeMB.Value, p.Disk.level(was))
	}
	switch {
	case p.Networks.Unknown == RuleOff:
	case t.Network.Known && !slices.Contains(p.Networks.Allowed, t.Network.Value):
		deny(NetworkKindDenied, "the network is of the kind %s, allowed are %v", t.Network.Value, p.Networks.Allowed)
	case !t.Network.Known && p.Networks.Unknown == DenyUnknown:
		deny(NetworkKindUnknown, "the kind of the network is unknown")
	}
	if !p.Schedule.Open(now) {
		deny(OutsideWindow, "it is %s, outside the hours of the schedule", p.Schedule.Zone.in(now).Format("Mon 15:04 MST"))
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

// same reports whether two valid policies are stored alike; nil and empty lists are the same.
func (p *Policy) same(other *Policy) bool {
	mine, err := json.Marshal(p)
	theirs, wrong := json.Marshal(other)
	return err == nil && wrong == nil && bytes.Equal(mine, theirs)
}
