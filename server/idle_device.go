package server

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
)

type deviceReply struct {
	ID           string             `json:"id" doc:"Identifier of the device."`
	Type         string             `json:"type" enum:"android,ios,desktop,server" doc:"Kind of device."`
	Status       string             `json:"status" doc:"harvesting: holds work; idle: may get work; active: its owner needs it; else registered, draining, quarantined, lost, offline, revoked or unregistered."`
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
