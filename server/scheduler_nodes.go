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
	route(s, "scheduler", huma.Operation{
		OperationID: "change-node", Method: http.MethodPatch, Path: "/api/scheduler/nodes/{id}", Summary: "Drain a node, or mark it",
		Description: "A drained node keeps what it runs and takes nothing new. Labels and taints are the operator's, beside the node's own.",
	}, s.changeNode)
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

	Disk      float64           `json:"disk" doc:"Scratch space in gigabytes of 2^30 bytes; 0 where it is not known."`
	Bandwidth int64             `json:"bandwidth" doc:"Network bandwidth in megabits a second; 0 where it is not known."`
	Speed     float64           `json:"speed" doc:"Speed relative to the node on which estimates hold."`
	Owner     string            `json:"owner" doc:"Account that is paid."`
	Drained   bool              `json:"drained" doc:"Whether an operator drained it, whatever its status."`
	Labels    map[string]string `json:"labels" doc:"Its own labels and the operator's."`
	Taints    []taintBody       `json:"taints" doc:"Its own taints and the operator's."`
	Reasons   []string          `json:"reasons" doc:"Why it is closed or down."`
}

type taintBody struct {
	Key    string `json:"key" minLength:"1" maxLength:"256" doc:"Name of the taint."`
	Value  string `json:"value,omitempty" maxLength:"256" doc:"Its value."`
	Effect string `json:"effect" enum:"refuse,avoid,evict" doc:"What it does to jobs that do not tolerate it. refuse: none is placed here; avoid: only where no other node has room; evict: those that run are taken away as well."`
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
	speed := n.Speed
	if speed <= 0 {
		speed = 1
	}
	all := n.WithMarks()
	labels := all.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	return nodeRow{
		ID: string(n.ID), Status: status, CPU: milli(n.Capacity.MilliCPU), Memory: float64(n.Capacity.MemoryMB) / 1024,
		GPU: milli(n.Capacity.MilliGPU), Load: 100 * n.Load(), Trust: n.Trust,
		Disk: float64(n.Capacity.DiskMB) / 1024, Bandwidth: n.Capacity.MbitPS, Speed: speed, Owner: string(n.Owner), Drained: n.Drained, Labels: labels,
		Taints:  each(all.Taints, func(t scheduler.Taint) taintBody { return taintBody{t.Key, t.Value, string(t.Effect)} }),
		Reasons: list(n.Reasons),
	}
}

type changeNodeInput struct {
	ID   string `path:"id" doc:"Identifier of the node."`
	Body struct {
		Drained *bool              `json:"drained,omitempty" doc:"Whether it takes nothing new; absent: as it is."`
		Labels  *map[string]string `json:"labels,omitempty" maxProperties:"64" doc:"The operator's labels, in the place of those before; absent: as they are, or none where taints are given."`
		Taints  *[]taintBody       `json:"taints,omitempty" maxItems:"64" doc:"The operator's taints, in the place of those before; absent: as they are, or none where labels are given."`
	}
}

type changeNodeReply struct {
	Success bool   `json:"success" doc:"Always true."`
	NodeID  string `json:"nodeId" doc:"Identifier of the node."`
}

func (s *Server) changeNode(ctx context.Context, in *changeNodeInput) (*changeNodeReply, error) {
	id, b := scheduler.NodeID(in.ID), &in.Body
	if b.Labels != nil || b.Taints != nil {
		marks := scheduler.Marks{Labels: orZero(b.Labels), Taints: each(orZero(b.Taints), func(t taintBody) scheduler.Taint {
			return scheduler.Taint{Key: t.Key, Value: t.Value, Effect: scheduler.TaintEffect(t.Effect)}
		})}
		if err := s.fog.Scheduler.Mark(ctx, id, marks); err != nil {
			return nil, err
		}
	}
	if b.Drained != nil {
		if err := s.fog.Scheduler.Drain(ctx, id, *b.Drained); err != nil {
			return nil, err
		}
	}
	return &changeNodeReply{Success: true, NodeID: in.ID}, nil
}
