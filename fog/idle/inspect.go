package idle

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Check is one signal of a device beside its rule.
type Check struct {
	Signal  string   // the signal's name for people
	Level   string   // what the device says; "unknown"
	Rule    string   // what the policy wants now; "none"
	Holds   bool     // the rule, or what it says about an unknown signal, allows
	Reasons []Reason // why not; empty exactly if Holds
}

// Inspect explains a decision signal by signal, given the decision before: together the checks have exactly the reasons that Evaluate
// gives. It is a pure function of its arguments.
func Inspect(p Policy, t Telemetry, prev Decision, now time.Time) []Check {
	was := prev.Eligible
	band := func(signal, unit string, b *Band, sign string, v Opt[float64], codes ...string) Check {
		c := Check{Signal: signal, Level: show(v, func(f float64) string { return strconv.FormatFloat(math.Round(f*100)/100, 'f', -1, 64) + unit }), Rule: "none"}
		if b.Unknown != RuleOff {
			c.Rule = fmt.Sprintf("%s %g%s to start, %g%s to stay; unknown: %s", sign, b.Start, unit, b.Stop, unit, b.Unknown)
		}
		return c.about(codes)
	}
	truth := func(signal, rule string, r Rule, v Opt[bool], codes ...string) Check {
		c := Check{Signal: signal, Level: show(v, func(yes bool) string { return map[bool]string{true: "yes", false: "no"}[yes] }), Rule: "none"}
		if r != RuleOff {
			c.Rule = fmt.Sprintf("%s; unknown: %s", rule, r)
		}
		return c.about(codes)
	}
	touched := Opt[float64]{Known: t.UserIdle.Known, Value: t.UserIdle.Value.Seconds()}
	battery := band("battery", " %", &p.Battery, "at least", t.Battery, BatteryLow, BatteryUnknown)
	if p.Battery.Unknown != RuleOff && !p.BatteryOnPower {
		battery.Rule += "; not on external power"
	}
	checks := []Check{
		truth("external power", "yes", p.Power, t.Charging, OnBattery, PowerUnknown),
		battery,
		band("temperature", " °C", &p.Thermal, "at most", t.TempC, TooHot, TemperatureUnknown),
		band("CPU of others", "", &p.CPU, "at most", t.CPUForeign, CPUBusy, CPUUnknown),
		band("free memory", " MiB", &p.Memory, "at least", t.MemFreeMB, MemoryLow, MemoryUnknown),
		band("untouched for", " s", &p.UserIdle, "at least", touched, UserActive, UserUnknown),
		truth("metered network", "no", p.Unmetered, t.Metered, NetworkMetered, NetworkUnknown),
		band("stalls of others", " %", &p.Pressure, "at most", t.Pressure, PressureHigh, PressureUnknown),
		band("free disk", " MiB", &p.Disk, "at least", t.DiskFreeMB, DiskLow, DiskUnknown),
		p.Networks.check(t.Network), p.Schedule.check(now), p.Session.check(&prev, now),
		Check{Signal: "settled", Level: "-", Rule: fmt.Sprintf("all levels hold for %g s", p.DwellSeconds)}.about([]string{Settling}),
	}
	if was && !prev.Since.IsZero() {
		checks[len(checks)-1].Rule = "none while it works"
	}
	reasons := Evaluate(p, t, prev, now).Reasons
	for i := range checks {
		c := &checks[i]
		codes := c.Reasons
		c.Reasons = slices.DeleteFunc(slices.Clone(reasons), func(r Reason) bool {
			return !slices.ContainsFunc(codes, func(mine Reason) bool { return mine.Code == r.Code })
		})
		c.Holds = len(c.Reasons) == 0
	}
	return checks
}

// about notes the codes of the reasons that a check may have, for Inspect to replace by those that there are.
func (c Check) about(codes []string) Check {
	for _, code := range codes {
		c.Reasons = append(c.Reasons, Reason{Code: code})
	}
	return c
}

// show returns a value in words.
func show[T any](v Opt[T], text func(T) string) string {
	if !v.Known {
		return "unknown"
	}
	return text(v.Value)
}

// check is the rule about kinds of network.
func (n *Networks) check(kind Opt[NetworkKind]) Check {
	c := Check{Signal: "network", Level: show(kind, func(k NetworkKind) string { return string(k) }), Rule: "none"}
	if n.Unknown != RuleOff {
		names := make([]string, len(n.Allowed))
		for i, k := range n.Allowed {
			names[i] = string(k)
		}
		c.Rule = fmt.Sprintf("%s; unknown: %s", strings.Join(names, " or "), n.Unknown)
	}
	return c.about([]string{NetworkKindDenied, NetworkKindUnknown})
}

// check is the rule about hours.
func (s *Schedule) check(now time.Time) Check {
	c := Check{Signal: "time", Level: s.Zone.in(now).Format("Mon 15:04 MST"), Rule: "none"}
	hours := make([]string, len(s.Windows))
	for i, w := range s.Windows {
		hours[i] = strings.TrimSpace(strings.Join(w.Days, ",") + " " + w.From + "-" + w.To)
	}
	if len(hours) > 0 {
		c.Rule = strings.Join(hours, " or ")
	}
	return c.about([]string{OutsideWindow})
}

// check is the rule about sessions.
func (s *Session) check(prev *Decision, now time.Time) Check {
	c := Check{Signal: "session", Level: "none", Rule: "none"}
	if prev.Eligible && !prev.Since.IsZero() {
		c.Level = fmt.Sprintf("%.0f s", max(now.Sub(prev.Since), 0).Seconds())
	}
	if s.MaxSeconds > 0 {
		c.Rule = fmt.Sprintf("at most %g s, then a break of %g s", s.MaxSeconds, s.CoolDownSeconds)
	}
	return c.about([]string{SessionOver, CoolingDown})
}
