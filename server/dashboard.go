package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountDashboard() {
	route(s, "", huma.Operation{
		OperationID: "dashboard", Method: http.MethodGet, Path: "/api/dashboard/stats", Summary: "A figure or two of every engine",
		Description: "The figures of an engine that this build does not have, or that cannot answer, are 0.",
	}, s.dashboard)
}

type dashboardReply struct {
	Betanet    dashboardBetanet    `json:"betanet" doc:"The mix network; 0 and offline while this build does not have it."`
	Bitchat    dashboardBitchat    `json:"bitchat" doc:"Messages between peers; 0 while this build does not have them."`
	Benchmarks dashboardBenchmarks `json:"benchmarks" doc:"What this machine does, measured."`
	Idle       dashboardIdle       `json:"idle" doc:"Devices."`
	Tokenomics dashboardTokenomics `json:"tokenomics" doc:"The ledger."`
	Privacy    dashboardPrivacy    `json:"privacy" doc:"Circuits; 0 while this build does not have them."`
}

type dashboardBetanet struct {
	Mixnodes          int64  `json:"mixnodes" doc:"Mix nodes."`
	ActiveConnections int64  `json:"activeConnections" doc:"Open connections."`
	PacketsProcessed  int64  `json:"packetsProcessed" doc:"Packets so far."`
	Status            string `json:"status" enum:"online,offline" doc:"Whether the network answers."`
}

type dashboardBitchat struct {
	ActivePeers       int64  `json:"activePeers" doc:"Peers connected."`
	MessagesDelivered int64  `json:"messagesDelivered" doc:"Messages that were acknowledged."`
	EncryptionStatus  bool   `json:"encryptionStatus" doc:"Whether every link is encrypted; false without one."`
	MeshHealth        string `json:"meshHealth" enum:"good,fair,poor" doc:"good from 90 %, fair from 50 % of messages acknowledged; poor below, and without any."`
}

type dashboardBenchmarks struct {
	AvgLatency         float64 `json:"avgLatency" doc:"Round trip over loopback, milliseconds; 0 before the first latency benchmark."`
	Throughput         float64 `json:"throughput" doc:"Over loopback, megabit a second; 0 before the first throughput benchmark."`
	NetworkUtilization float64 `json:"networkUtilization" doc:"Network in use, percent."`
	CPUUsage           float64 `json:"cpuUsage" doc:"CPU in use on this machine, percent."`
	MemoryUsage        float64 `json:"memoryUsage" doc:"Memory in use on this machine, percent."`
}

type dashboardIdle struct {
	TotalDevices      int64   `json:"totalDevices" doc:"Devices enrolled."`
	HarvestingDevices int64   `json:"harvestingDevices" doc:"Devices that hold work."`
	ComputeHours      float64 `json:"computeHours" doc:"CPU-hours of validated work."`
}

type dashboardTokenomics struct {
	TotalSupply   tokenomics.Amount `json:"totalSupply" doc:"Tokens minted so far, FOG."`
	ActiveStakers int64             `json:"activeStakers" doc:"Accounts with a stake."`
}

type dashboardPrivacy struct {
	ActiveCircuits int64   `json:"activeCircuits" doc:"Open circuits."`
	CircuitHealth  float64 `json:"circuitHealth" doc:"Share of them that work, 0 to 1."`
}

func (s *Server) dashboard(ctx context.Context, _ *struct{}) (*dashboardReply, error) {
	reply := &dashboardReply{
		Betanet: dashboardBetanet{Status: "offline"}, Bitchat: dashboardBitchat{MeshHealth: "poor"}, Benchmarks: s.benchmarkFigures(),
	}
	if s.fog.Ready("idle") == nil {
		stats, err := s.fog.Idle.Stats(ctx)
		if err != nil {
			return nil, err
		}
		reply.Idle = dashboardIdle{
			TotalDevices: stats.Devices, HarvestingDevices: stats.Harvesting, ComputeHours: stats.ComputeSeconds / 3600,
		}
	}
	if s.fog.Ready("tokenomics") == nil {
		stats, err := s.fog.Tokenomics.Stats(ctx)
		if err != nil {
			return nil, err
		}
		reply.Tokenomics = dashboardTokenomics{TotalSupply: stats.TotalSupply, ActiveStakers: stats.Stakers}
	}
	return reply, nil
}

func (s *Server) benchmarkFigures() dashboardBenchmarks {
	if s.fog.Ready("benchmark") != nil {
		return dashboardBenchmarks{}
	}
	d := s.fog.Benchmark.Data()
	return dashboardBenchmarks{
		AvgLatency: d.Latency, Throughput: d.Throughput, NetworkUtilization: d.Network, CPUUsage: d.CPU, MemoryUsage: d.Memory,
	}
}
