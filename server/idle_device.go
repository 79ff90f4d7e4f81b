package server

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
)

type deviceReply struct {
	ID           string             `json:"id" doc:"Identifier of the device."`
	Type         string             `json:"type" enum:"android,ios,desktop,server" doc:"Kind of device."`
	Status       string             `json:"status" doc:"harvesting: holds work; idle: may get work; active: its owner needs it; else registered, draining, lost, offline, revoked or unregistered."`
	Capabilities deviceCapabilities `json:"capabilities" doc:"What the device lends and how it is."`
	Stats        deviceStats        `json:"stats" doc:"What the device has done."`
	LastSeen     *time.Time         `json:"lastSeen" doc:"Last contact, by the server's clock; null before the first."`
	Eligible     bool               `json:"eligible" doc:"Whether the device may be harvested now."`
	Reasons      []reasonReply      `json:"reasons" doc:"All the reasons why it may not be harvested or gets no work."`
}

type deviceCapabilities struct {
	CPU         float64  `json:"cpu" doc:"Cores."`
	Memory      int64    `json:"memory" doc:"Memory in MiB."`
	Battery     *float64 `json:"battery" doc:"Battery charge in percent; null where it is unknown or there is none."`
	Charging    *bool    `json:"charging" doc:"Whether external power is connected; null where it is unknown."`
	Temperature *float64 `json:"temperature" doc:"Hottest sensor in degrees Celsius; null where it is unknown."`
}

type deviceStats struct {
	TasksCompleted int64   `json:"tasksCompleted" doc:"Paid slots of jobs that the device has done."`
	ComputeHours   float64 `json:"computeHours" doc:"CPU-hours of validated work, as the device reported them."`
	Uptime         float64 `json:"uptime" doc:"Time for which the device has been alive, seconds."`
}

func (s *Server) device(ctx context.Context, in *deviceInput) (*deviceReply, error) {
	device, err := s.fog.Idle.Get(ctx, idle.DeviceID(in.ID))
	if err != nil {
		return nil, err
	}
	reasons, err := s.fog.Idle.Explain(ctx, device.ID)
	if err != nil {
		return nil, err
	}
	return encodeDevice(&device, reasons), nil
}

func encodeDevice(d *idle.Device, reasons []idle.Reason) *deviceReply {
	return &deviceReply{
		ID: string(d.ID), Type: string(d.Type), Status: d.Status(),
		Capabilities: deviceCapabilities{
			CPU: milli(d.MilliCPU), Memory: d.MemoryMB, Battery: known(d.Telemetry.Battery),
			Charging: known(d.Telemetry.Charging), Temperature: known(d.Telemetry.TempC),
		},
		Stats: deviceStats{
			TasksCompleted: d.TasksCompleted, ComputeHours: d.ComputeSeconds / 3600, Uptime: d.Uptime().Seconds(),
		},
		LastSeen: when(d.LastSeen), Eligible: d.Decision.Eligible, Reasons: each(reasons, encodeReason),
	}
}

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
		DwellSeconds: p.DwellSeconds,
	}
}

func (b bandRequest) band() idle.Band {
	return idle.Band{Start: b.Start, Stop: b.Stop, Unknown: idle.Rule(b.Unknown)}
}
