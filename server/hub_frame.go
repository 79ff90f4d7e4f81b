package server

import (
	"encoding/json"
	"time"
)

// metricsFrame is the text that /ws/metrics sends. Its names are those that existing clients read.
type metricsFrame struct {
	Type      string    `json:"type"`      // "metrics_update"
	Timestamp time.Time `json:"timestamp"` // when the figures were gathered, UTC
	Betanet   struct {
		ActiveNodes int64   `json:"active_nodes"`
		Connections int64   `json:"connections"`
		LatencyMS   float64 `json:"latency_ms"`
		Packets     int64   `json:"packets"` // since start
	} `json:"betanet"`
	P2P struct {
		ConnectedPeers   int64 `json:"connected_peers"`
		MessagesSent     int64 `json:"messages_sent"`
		MessagesReceived int64 `json:"messages_received"`
	} `json:"p2p"`
	Scheduler struct {
		Pending int64 `json:"pending"` // jobs that wait for funds or for a node
		Running int64 `json:"running"` // jobs on nodes
		Total   int64 `json:"total"`   // jobs ever submitted
	} `json:"scheduler"`
	IdleCompute struct {
		TotalDevices int64 `json:"total_devices"`
		Harvesting   int64 `json:"harvesting"` // devices that hold work
	} `json:"idle_compute"`
	Tokenomics struct {
		TotalSupply tokenNumber `json:"total_supply"` // FOG
		Stakers     int64       `json:"stakers"`
	} `json:"tokenomics"`
	Privacy struct {
		Circuits int64 `json:"circuits"`
	} `json:"privacy"`
	Data struct {
		Throughput float64 `json:"throughput"` // Mbit/s, as the running benchmark measures it; 0 without one
	} `json:"data"`
}

// tokenNumber is an amount of FOG as an exact JSON number; empty is 0.
type tokenNumber json.Number

// MarshalJSON writes the digits as they are.
func (n tokenNumber) MarshalJSON() ([]byte, error) {
	if n == "" {
		return []byte("0"), nil
	}
	return []byte(n), nil
}
