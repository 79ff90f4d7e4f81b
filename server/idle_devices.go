package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/principal"
)

func (s *Server) mountDevices() {
	path := "/api/idle-compute/devices"
	route(s, "idle", huma.Operation{
		OperationID: "devices", Method: http.MethodGet, Path: path, Summary: "Devices, in the order of their ids",
	}, s.devices)
	route(s, "idle", huma.Operation{
		OperationID: "register", Method: http.MethodPost, Path: path, Summary: "Enrol a device, or update it",
	}, s.register)
	route(s, "idle", huma.Operation{
		OperationID: "device", Method: http.MethodGet, Path: path + "/{id}", Summary: "One device",
	}, s.device)
	route(s, "idle", huma.Operation{
		OperationID: "unregister", Method: http.MethodDelete, Path: path + "/{id}", Summary: "Take a device out",
		Description: "What it still runs goes back to the queue; what it has earned stays.",
	}, s.unregister)
}

type devicesInput struct {
	Status string `query:"status" doc:"Only devices in this state: registered, online, draining, quarantined, lost, offline, revoked, or of those online only the harvesting, idle or active ones."`
	Type   string `query:"device_type" doc:"Only devices of this type: android, ios, desktop or server."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most devices in the answer."`
	Cursor string `query:"cursor" doc:"Value of next in the answer before; absent for the first page."`
}

type devicesReply struct {
	Devices []deviceRow `json:"devices" doc:"One page of devices."`
	Total   int         `json:"total" doc:"Devices that match, on all pages."`
	Next    string      `json:"next" doc:"Cursor of the next page; empty at the end."`
}

type deviceRow struct {
	ID              string        `json:"id" doc:"Identifier of the device."`
	Name            string        `json:"name" doc:"Name of the device."`
	Platform        string        `json:"platform" doc:"Operating system and processor, as the device says."`
	Type            string        `json:"type" enum:"android,ios,desktop,server" doc:"Kind of device."`
	Status          string        `json:"status" doc:"harvesting: holds work; idle: may get work; active: its owner needs it; else registered, draining, quarantined, lost, offline or revoked."`
	Battery         *float64      `json:"battery" doc:"Battery charge in percent; null where it is unknown or there is none."`
	Charging        *bool         `json:"charging" doc:"Whether external power is connected; null where it is unknown."`
	CPU             float64       `json:"cpu" doc:"Cores."`
	Memory          int64         `json:"memory" doc:"Memory in MiB."`
	Temperature     *float64      `json:"temperature" doc:"Hottest sensor in degrees Celsius; null where it is unknown."`
	CPUContribution float64       `json:"cpuContribution" doc:"CPU-seconds of validated work that the device has done."`
	TasksCompleted  int64         `json:"tasksCompleted" doc:"Paid slots of jobs that the device has done."`
	LastSeen        *time.Time    `json:"lastSeen" doc:"Last contact, by the server's clock; null before the first."`
	Eligible        bool          `json:"eligible" doc:"Whether the device may be harvested now."`
	Reasons         []reasonReply `json:"reasons" doc:"All the reasons why it may not be harvested."`
}

func (s *Server) devices(ctx context.Context, in *devicesInput) (*devicesReply, error) {
	query := idle.DeviceQuery{Status: in.Status, Limit: in.Limit, Cursor: in.Cursor}
	if in.Type != "" {
		kind, err := idle.ParseType(in.Type)
		if err != nil {
			return nil, err
		}
		query.Type = kind
	}
	page, err := s.fog.Idle.List(ctx, query)
	if err != nil {
		return nil, err
	}
	return &devicesReply{Devices: each(page.Devices, encodeDeviceRow), Total: page.Total, Next: page.Next}, nil
}

func encodeDeviceRow(d idle.Device) deviceRow {
	return deviceRow{
		ID: string(d.ID), Name: d.Name, Platform: d.Platform, Type: string(d.Type), Status: d.Status(),
		Battery: known(d.Telemetry.Battery), Charging: known(d.Telemetry.Charging), Temperature: known(d.Telemetry.TempC),
		CPU: milli(d.MilliCPU), Memory: d.MemoryMB, CPUContribution: d.ComputeSeconds, TasksCompleted: d.TasksCompleted,
		LastSeen: when(d.LastSeen), Eligible: d.Decision.Eligible, Reasons: each(d.Decision.Reasons, encodeReason),
	}
}

type registerInput struct {
	Protocol deviceProtocol `header:"Fog-Protocol" doc:"Version of the device protocol: 1. Absent: a client that does not run jobs."`
	Body     registerRequest
}

type registerRequest struct {
	DeviceID  string            `json:"device_id" minLength:"1" maxLength:"128" doc:"Identifier of the device: letters, digits or . _ : -"`
	Type      string            `json:"device_type" doc:"android, ios, desktop or server, in any letter case."`
	CPUCores  float64           `json:"cpu_cores" minimum:"1" maximum:"128" doc:"Cores that the device lends."`
	MemoryMB  int64             `json:"memory_mb" minimum:"512" maximum:"524288" doc:"Memory that the device lends, MiB."`
	Battery   *float64          `json:"battery_percent,omitempty" minimum:"0" maximum:"100" doc:"Battery charge in percent; absent or null where it is unknown or there is none."`
	Charging  *bool             `json:"is_charging,omitempty" doc:"Whether external power is connected."`
	Name      string            `json:"name,omitempty" maxLength:"200" doc:"Name for people; absent: the identifier."`
	Platform  string            `json:"platform,omitempty" maxLength:"200" doc:"Operating system and processor, such as linux/amd64."`
	Executors []string          `json:"executors,omitempty" maxItems:"16" doc:"What the device can run; absent: wasm."`
	MilliGPU  int64             `json:"milli_gpu,omitempty" minimum:"0" doc:"GPU that the device lends, thousandths."`
	Labels    map[string]string `json:"labels,omitempty" doc:"Free labels, at most 32."`
	Policy    *policyRequest    `json:"policy,omitempty" doc:"When the device may be harvested; absent: the default of its type."`
	Owner     string            `json:"owner,omitempty" maxLength:"128" doc:"Account that is paid for its work; absent: device:<id>."`
}

type deviceDone struct {
	Success  bool   `json:"success" doc:"Always true."`
	DeviceID string `json:"deviceId" doc:"Identifier of the device."`
	Status   string `json:"status" enum:"registered,unregistered" doc:"What has been done."`
}

func (s *Server) register(ctx context.Context, in *registerInput) (*deviceDone, error) {
	if _, err := in.Protocol.spoken(); err != nil {
		return nil, err
	}
	device, err := s.fog.Idle.Register(ctx, in.Body.enrolment())
	if err != nil {
		return nil, err
	}
	return &deviceDone{Success: true, DeviceID: string(device.ID), Status: "registered"}, nil
}

func (r *registerRequest) enrolment() idle.Enrolment {
	return idle.Enrolment{
		ID: idle.DeviceID(r.DeviceID), Type: idle.DeviceType(r.Type), Owner: principal.Account(r.Owner),
		Name: r.Name, Platform: r.Platform, CPUCores: r.CPUCores, MemoryMB: r.MemoryMB, MilliGPU: r.MilliGPU,
		Executors: r.Executors, Labels: r.Labels, Policy: r.Policy.policy(), Battery: opt(r.Battery), Charging: opt(r.Charging),
	}
}

type deviceInput struct {
	ID string `path:"id" doc:"Identifier of the device."`
}

func (s *Server) unregister(ctx context.Context, in *deviceInput) (*deviceDone, error) {
	if _, err := s.fog.Idle.Unregister(ctx, idle.DeviceID(in.ID)); err != nil {
		return nil, err
	}
	return &deviceDone{Success: true, DeviceID: in.ID, Status: "unregistered"}, nil
}

// known returns a value for JSON, null where it is unknown.
func known[T any](o idle.Opt[T]) *T {
	if !o.Known {
		return nil
	}
	return &o.Value
}

// milli turns thousandths into whole units.
func milli(thousandths int64) float64 { return float64(thousandths) / 1000 }
