package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func (s *Server) mountNodes() {
	route(s, "scheduler", huma.Operation{
		OperationID: "nodes", Method: http.MethodGet, Path: "/api/scheduler/nodes", Summary: "Nodes that jobs can be placed on",
	}, s.nodes)
}

type nodesReply struct {
	Nodes []nodeRow `json:"nodes" doc:"All nodes, in the order of their ids."`
	Total int       `json:"total" doc:"Number of nodes."`
}

type nodeRow struct {
	ID     string  `json:"id" doc:"Identifier of the node, which is that of the device behind it."`
	Status string  `json:"status" enum:"up,closed,drained,down" doc:"up: takes work; closed: keeps what it runs and takes nothing new now; drained: the same by an operator's wish; down: gone."`
	CPU    float64 `json:"cpu" doc:"Cores."`
	Memory float64 `json:"memory" doc:"Memory in gigabytes of 2^30 bytes."`
	GPU    float64 `json:"gpu" doc:"GPUs."`
	Load   float64 `json:"load" doc:"Share of its fullest resource that jobs have taken, percent."`
	Trust  float64 `json:"trust" doc:"How far its results are believed, 0 to 1."`
}

func (s *Server) nodes(ctx context.Context, _ *struct{}) (*nodesReply, error) {
	nodes, err := s.fog.Scheduler.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	return &nodesReply{Nodes: each(nodes, encodeNode), Total: len(nodes)}, nil
}

func encodeNode(n scheduler.NodeView) nodeRow {
	status := string(n.State)
	if n.Drained && n.State == scheduler.NodeUp {
		status = "drained"
	}
	return nodeRow{
		ID: string(n.ID), Status: status, CPU: milli(n.Capacity.MilliCPU), Memory: float64(n.Capacity.MemoryMB) / 1024,
		GPU: milli(n.Capacity.MilliGPU), Load: 100 * n.Load(), Trust: n.Trust,
	}
}
