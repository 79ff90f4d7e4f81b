package server

import "github.com/fogcompute/fogcompute/fog/idle"

// policyRequest is idle.Policy on the wire. Each rule is on if it says what follows when its signal is unknown.
type policyRequest struct {
	Power          string      `json:"power,omitempty" enum:",allow,deny" doc:"External power must be connected; allow or deny says what follows while that is unknown, empty: no rule."`
	Battery        bandRequest `json:"battery,omitempty" doc:"Battery in percent: at least start to begin, below stop ends."`
	BatteryOnPower bool        `json:"battery_on_power,omitempty" doc:"The battery rule holds on external power as well."`
	Thermal        bandRequest `json:"thermal,omitempty" doc:"Hottest sensor in degrees Celsius: at most start to begin, above stop ends."`
	CPU            bandRequest `json:"cpu,omitempty" doc:"Share of all cores used by others, 0 to 1: at most start to begin, above stop ends."`
	Memory         bandRequest `json:"memory,omitempty" doc:"Free memory in MiB: at least start to begin, below stop ends."`
	UserIdle       bandRequest `json:"user_idle,omitempty" doc:"Seconds since the last touch: at least start to begin, below stop ends."`
	Unmetered      string      `json:"unmetered,omitempty" enum:",allow,deny" doc:"The network must not be paid by volume; allow or deny as with power."`
	DwellSeconds   float64     `json:"dwell_seconds,omitempty" minimum:"0" doc:"How long every start level must hold before work starts again, seconds."`

	Pressure        bandRequest     `json:"pressure,omitempty" doc:"Percent of time in which other programs stall: at most start to begin, above stop ends."`
	Disk            bandRequest     `json:"disk,omitempty" doc:"Free MiB on the disk: at least start to begin, below stop ends."`
	Networks        networksRequest `json:"networks,omitempty" doc:"Kinds of network over which the device may be harvested."`
	Schedule        hoursRequest    `json:"schedule,omitempty" doc:"Hours of the week in which the device may be harvested; without windows all of them."`
	Session         sessionRequest  `json:"session,omitempty" doc:"For how long the device is harvested without a break."`
	Limits          limitsRequest   `json:"limits,omitempty" doc:"How much of the device guests may use."`
	PatienceSeconds float64         `json:"patience_seconds,omitempty" minimum:"0" doc:"How long guests stay suspended before they are given back, seconds; 0: as the agent is configured."`
}

type networksRequest struct {
	Allowed []string `json:"allowed,omitempty" maxItems:"6" doc:"ethernet, wifi, cellular, bluetooth, tunnel, loopback."`
	Unknown string   `json:"unknown,omitempty" enum:",allow,deny" doc:"What follows while the kind is unknown; empty: no rule."`
}

type hoursRequest struct {
	Zone    string          `json:"zone,omitempty" maxLength:"64" doc:"Time zone of the windows by its name in the IANA database, like Europe/Berlin; empty: UTC."`
	Windows []windowRequest `json:"windows,omitempty" maxItems:"100" doc:"When work may be done."`
}

type windowRequest struct {
	Days []string `json:"days,omitempty" maxItems:"7" doc:"Days on which the window opens: mon, tue, wed, thu, fri, sat, sun; empty: all."`
	From string   `json:"from" doc:"When it opens, hh:mm."`
	To   string   `json:"to" doc:"When it closes, hh:mm; not after from: on the day after."`
}

type sessionRequest struct {
	MaxSeconds      float64 `json:"max_seconds,omitempty" minimum:"0" doc:"Longest time without a break, seconds; 0: no bound."`
	CoolDownSeconds float64 `json:"cool_down_seconds,omitempty" minimum:"0" doc:"The break that follows it, seconds."`
}

type limitsRequest struct {
	CPUShare    float64       `json:"cpu_share,omitempty" minimum:"0" maximum:"1" doc:"Share of all cores, on average; 0: no limit."`
	MemoryShare float64       `json:"memory_share,omitempty" minimum:"0" maximum:"1" doc:"Share of the memory; 0: no limit."`
	Tiers       []tierRequest `json:"tiers,omitempty" maxItems:"16" doc:"Smaller CPU shares for a device that grows warm, from cool to hot."`
}

type tierRequest struct {
	Above    float64 `json:"above" doc:"Degrees Celsius above which the tier begins."`
	Below    float64 `json:"below" doc:"Degrees Celsius below which it ends."`
	CPUShare float64 `json:"cpu_share" doc:"Share of all cores meanwhile."`
}

type bandRequest struct {
	Start   float64 `json:"start,omitempty" doc:"Level at which work may begin."`
	Stop    float64 `json:"stop,omitempty" doc:"Level at which work ends."`
	Unknown string  `json:"unknown,omitempty" enum:",allow,deny" doc:"What follows while the signal is unknown; empty: no rule."`
}

// policy decodes; nil stays nil.
func (p *policyRequest) policy() *idle.Policy {
	if p == nil {
		return nil
	}
	return &idle.Policy{
		Power: idle.Rule(p.Power), Battery: p.Battery.band(), BatteryOnPower: p.BatteryOnPower, Thermal: p.Thermal.band(),
		CPU: p.CPU.band(), Memory: p.Memory.band(), UserIdle: p.UserIdle.band(), Unmetered: idle.Rule(p.Unmetered),
		DwellSeconds: p.DwellSeconds, Pressure: p.Pressure.band(), Disk: p.Disk.band(), Networks: p.Networks.networks(),
		Schedule: p.Schedule.schedule(), Session: idle.Session(p.Session), Limits: p.Limits.limits(), PatienceSeconds: p.PatienceSeconds,
	}
}

func (b bandRequest) band() idle.Band {
	return idle.Band{Start: b.Start, Stop: b.Stop, Unknown: idle.Rule(b.Unknown)}
}

func (n networksRequest) networks() idle.Networks {
	return idle.Networks{Allowed: each(n.Allowed, func(kind string) idle.NetworkKind { return idle.NetworkKind(kind) }), Unknown: idle.Rule(n.Unknown)}
}

func (s hoursRequest) schedule() idle.Schedule {
	return idle.Schedule{Zone: idle.NewZone(s.Zone), Windows: each(s.Windows, func(w windowRequest) idle.Window { return idle.Window(w) })}
}

func (l limitsRequest) limits() idle.Limits {
	return idle.Limits{CPUShare: l.CPUShare, MemoryShare: l.MemoryShare, Tiers: each(l.Tiers, func(t tierRequest) idle.Tier { return idle.Tier(t) })}
}
