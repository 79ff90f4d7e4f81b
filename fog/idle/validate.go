package idle

import (
	"cmp"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

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
		{"policy.pressure", &p.Pressure, false, 0, 100},
		{"policy.disk", &p.Disk, true, 0, maxDiskMB},
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
	if !within(p.PatienceSeconds, 0, week) {
		return fault.Field(op, "policy.patience_seconds", "must be between 0 and %d", week)
	}
	return cmp.Or(
		p.Networks.validate(op), p.Schedule.validate(op, toDuration(p.DwellSeconds)), p.Session.validate(op), p.Limits.validate(op, &p.Thermal),
	)
}

// validate refuses kinds that do not exist, and a rule that no network satisfies.
func (n *Networks) validate(op string) error {
	if err := n.Unknown.validate(op, "policy.networks.unknown"); err != nil {
		return err
	}
	for _, kind := range n.Allowed {
		if !kind.known() {
			return fault.Field(op, "policy.networks.allowed", "%q must be one of %v", kind, networkKinds())
		}
	}
	switch {
	case n.Unknown != RuleOff && len(n.Allowed) == 0:
		return fault.Field(op, "policy.networks.allowed", "must name a kind of network: no device could ever start")
	case n.Unknown == RuleOff && len(n.Allowed) > 0:
		return fault.Field(op, "policy.networks.unknown", "must be %q or %q: the rule is off while it is empty", AllowUnknown, DenyUnknown)
	case len(n.Allowed) > len(networkKinds()):
		return fault.Field(op, "policy.networks.allowed", "must not repeat a kind")
	}
	return nil
}

// validate refuses sessions that are over as soon as they begin, and breaks that do not come.
func (s *Session) validate(op string) error {
	const week, minute = 7 * 24 * 3600, 60
	switch {
	case s.MaxSeconds != 0 && !within(s.MaxSeconds, minute, week):
		return fault.Field(op, "policy.session.max_seconds", "must be 0 or between %d and %d", minute, week)
	case s.MaxSeconds != 0 && !within(s.CoolDownSeconds, 1, week):
		return fault.Field(op, "policy.session.cool_down_seconds", "must be between 1 and %d: without a break the bound means nothing", week)
	case s.MaxSeconds == 0 && s.CoolDownSeconds != 0:
		return fault.Field(op, "policy.session.cool_down_seconds", "must be 0 without max_seconds: it follows a session of that length")
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
