package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
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
		TotalSupply tokenomics.Amount `json:"total_supply"` // FOG
		Stakers     int64             `json:"stakers"`      // accounts with a stake
	} `json:"tokenomics"`
	Privacy struct {
		Circuits int64 `json:"circuits"`
	} `json:"privacy"`
	Data struct {
		Throughput float64 `json:"throughput"` // Mbit/s, as the running benchmark measures it; 0 without one
	} `json:"data"`
}

// mountHub adds the metrics feed.
func (s *Server) mountHub() {
	s.hub = newHub(s.metricsFrame, hubConfig{Origins: s.config.Origins, Logger: s.log})
	s.document(huma.Operation{
		OperationID: "feed", Method: http.MethodGet, Path: "/ws/metrics", Summary: "Live figures over WebSocket",
		Description: "One JSON text a second, and the newest at once after connecting. {\"type\":\"ping\"} is answered with " +
			"{\"type\":\"pong\"}; {\"type\":\"subscribe\",\"rooms\":[]} is accepted; all else is ignored.",
		Responses: map[string]*huma.Response{"101": {Description: "The connection speaks WebSocket from here on."}},
	})
	s.metrics.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "fog_feed_clients", Help: "Clients of the metrics feed."},
			func() float64 { return float64(s.hub.Stats().Clients) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "fog_feed_frames_total", Help: "Frames that the metrics feed has sent."},
			func() float64 { return float64(s.hub.Stats().Frames) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "fog_feed_dropped_total", Help: "Clients that were cut off: slow, silent or talking without end."},
			func() float64 { return float64(s.hub.Stats().Dropped) }),
	)
	s.router.GET("/ws/metrics", func(c *gin.Context) {
		status, reason := s.hub.accept(c.Writer, c.Request, c.ClientIP())
		if status == http.StatusUpgradeRequired {
			c.Header("Upgrade", "websocket")
		}
		if status != 0 {
			refuse(c, status, reason)
		}
	})
}

// metricsFrame gathers one frame.
func (s *Server) metricsFrame(ctx context.Context) (any, error) {
	stats, err := s.fog.Stats(ctx)
	if err != nil {
		return nil, err
	}
	f := &metricsFrame{Type: "metrics_update", Timestamp: s.config.Now().UTC()}
	by := countWords(stats.Scheduler.States)
	f.Scheduler.Pending, f.Scheduler.Running, f.Scheduler.Total = by["pending"]+by["queued"], by["running"], stats.Scheduler.Total
	f.IdleCompute.TotalDevices, f.IdleCompute.Harvesting = stats.Idle.Devices, stats.Idle.Harvesting
	f.Tokenomics.TotalSupply, f.Tokenomics.Stakers = stats.Tokenomics.TotalSupply, stats.Tokenomics.Stakers
	if s.fog.Ready("benchmark") == nil {
		f.Data.Throughput = s.fog.Benchmark.Data().Throughput
	}
	return f, nil
}
