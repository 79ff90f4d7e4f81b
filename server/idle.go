package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/idle"
)

func (s *Server) mountIdle() {
	route(s, "idle", huma.Operation{
		OperationID: "idle-stats", Method: http.MethodGet, Path: "/api/idle-compute/stats", Summary: "The fleet in numbers",
	}, s.idleStats)
	s.mountDevices()
	s.mountStanding()
	s.mountHeartbeat()
	s.mountContributions()
}

type idleReply struct {
	TotalDevices      int64          `json:"totalDevices" doc:"Devices enrolled."`
	ActiveDevices     int64          `json:"activeDevices" doc:"Devices that beat."`
	HarvestingDevices int64          `json:"harvestingDevices" doc:"Devices that hold work."`
	IdleDevices       int64          `json:"idleDevices" doc:"Devices that may be harvested and hold no work."`
	TotalResources    idleResources  `json:"totalResources" doc:"What the enrolled devices have."`
	HarvestMetrics    harvestMetrics `json:"harvestMetrics" doc:"What devices have done."`
	DeviceTypes       deviceTypes    `json:"deviceTypes" doc:"Enrolled devices by type."`
	Devices           deviceCounts   `json:"devices" doc:"Devices by how they are."`
	Compute           computeReply   `json:"compute" doc:"What the devices that beat have."`
	Harvest           harvestReply   `json:"harvest" doc:"What devices have done."`
	Mobile            mobileReply    `json:"mobile" doc:"Phones and tablets."`
}

type idleResources struct {
	CPU        float64  `json:"cpu" doc:"Cores."`
	Memory     int64    `json:"memory" doc:"Memory in MiB."`
	AvgBattery *float64 `json:"avgBattery" doc:"Mean charge of the devices whose battery is known, percent; null without one."`
}

type harvestMetrics struct {
	TasksCompleted    int64   `json:"tasksCompleted" doc:"Paid slots of jobs."`
	TotalComputeHours float64 `json:"totalComputeHours" doc:"CPU-hours of validated work."`
	Efficiency        float64 `json:"efficiency" doc:"CPU-time of validated work in the CPU-time that devices were online for, percent."`
}

type deviceTypes struct {
	Android int64 `json:"android" doc:"Devices with Android."`
	IOS     int64 `json:"ios" doc:"Devices with iOS."`
	Desktop int64 `json:"desktop" doc:"Personal computers."`
	Server  int64 `json:"server" doc:"Machines without a person in front of them."`
}

type deviceCounts struct {
	Total           int64 `json:"total" doc:"Enrolled."`
	Active          int64 `json:"active" doc:"Beat."`
	Charging        int64 `json:"charging" doc:"Beat and are on external power."`
	ThermalThrottle int64 `json:"thermal_throttle" doc:"Beat and are too hot to be harvested."`
}

type computeReply struct {
	TotalCPU        float64 `json:"totalCPU" doc:"Cores."`
	TotalGPU        float64 `json:"totalGPU" doc:"GPUs."`
	TotalMemory     int64   `json:"totalMemory" doc:"Memory in MiB."`
	UtilizationRate float64 `json:"utilizationRate" doc:"Share of those cores that belongs to devices holding work, percent."`
}

type harvestReply struct {
	TasksCompleted        int64   `json:"tasksCompleted" doc:"Paid slots of jobs."`
	ComputeHoursCollected float64 `json:"computeHoursCollected" doc:"CPU-hours of validated work."`
	EnergyEfficiency      float64 `json:"energyEfficiency" doc:"Share of the devices that work or could, and whose power is known, that run on external power, percent."`
}

type mobileReply struct {
	Android          int64    `json:"android" doc:"Devices with Android."`
	IOS              int64    `json:"ios" doc:"Devices with iOS."`
	BatteryHealthAvg *float64 `json:"batteryHealthAvg" doc:"Mean charge of the phones and tablets whose battery is known, percent; null without one."`
}

func (s *Server) idleStats(ctx context.Context, _ *struct{}) (*idleReply, error) {
	stats, err := s.fog.Idle.Stats(ctx)
	if err != nil {
		return nil, err
	}
	return encodeIdleStats(&stats), nil
}

func encodeIdleStats(s *idle.Stats) *idleReply {
	hours := s.ComputeSeconds / 3600
	return &idleReply{
		TotalDevices: s.Devices, ActiveDevices: s.Active, HarvestingDevices: s.Harvesting, IdleDevices: s.Idle,
		TotalResources: idleResources{CPU: milli(s.Total.MilliCPU), Memory: s.Total.MemoryMB, AvgBattery: known(s.Battery)},
		HarvestMetrics: harvestMetrics{TasksCompleted: s.TasksCompleted, TotalComputeHours: hours, Efficiency: 100 * s.Efficiency},
		DeviceTypes:    deviceTypes{Android: s.Android, IOS: s.IOS, Desktop: s.Desktop, Server: s.Server},
		Devices:        deviceCounts{Total: s.Devices, Active: s.Active, Charging: s.Charging, ThermalThrottle: s.Throttled},
		Compute: computeReply{
			TotalCPU: milli(s.Available.MilliCPU), TotalGPU: milli(s.Available.MilliGPU), TotalMemory: s.Available.MemoryMB,
			UtilizationRate: 100 * s.Utilisation,
		},
		Harvest: harvestReply{TasksCompleted: s.TasksCompleted, ComputeHoursCollected: hours, EnergyEfficiency: 100 * s.EnergyEfficiency},
		Mobile:  mobileReply{Android: s.Android, IOS: s.IOS, BatteryHealthAvg: known(s.MobileBattery)},
	}
}
