package server

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/fogcompute/fogcompute/fog"
)

func (s *Server) mountHealth() {
	route(s, "", huma.Operation{
		OperationID: "health", Method: http.MethodGet, Path: "/health", Summary: "How the process and its engines are",
		Description: "Answers 200 while the process lives and never touches the database.",
	}, s.health)
	route(s, "", huma.Operation{
		OperationID: "ready", Method: http.MethodGet, Path: "/ready", Summary: "Whether requests should be sent here",
		Description: "Asks the database whether it answers and has the schema of this program.",
	}, s.ready)
	s.document(huma.Operation{
		OperationID: "metrics", Method: http.MethodGet, Path: "/metrics", Summary: "Figures for Prometheus",
		Responses: text("Metrics in the text format of Prometheus."),
	})
	s.router.GET("/metrics", gin.WrapH(s.metrics.handler()))
}

type healthReply struct {
	Status          string                  `json:"status" enum:"healthy,degraded,starting,unavailable" doc:"The worst state of the parts that this build has."`
	Readiness       bool                    `json:"readiness" doc:"Whether the server takes requests: no part of this build is starting or unavailable, and the server is not stopping."`
	CompositeHealth string                  `json:"composite_health" enum:"healthy,degraded,starting,unavailable" doc:"The same as status, under the name that older clients read."`
	Version         string                  `json:"version" doc:"Version of the program."`
	Initialized     bool                    `json:"initialized" doc:"Whether every part of this build has finished starting."`
	Services        perService[string]      `json:"services" doc:"State of each service: healthy, degraded, unavailable or starting. The names are those of older clients."`
	ServiceDetails  perService[serviceInfo] `json:"service_details" doc:"For each service, which engine does its work and how that is."`
	Parts           []partReply             `json:"parts" doc:"Every part of the house, by name: engines, the database, flows."`
	ParkedFacts     int                     `json:"parked_facts" doc:"Facts that failed too often and wait for a person."`
}

// perService has one value for each service that older clients know.
type perService[T any] struct {
	DAO            T `json:"dao" doc:"The ledger, and what was decided with it."`
	Scheduler      T `json:"scheduler" doc:"Jobs."`
	Edge           T `json:"edge" doc:"Devices."`
	Harvest        T `json:"harvest" doc:"Work on devices."`
	FogCoordinator T `json:"fog_coordinator" doc:"Nodes."`
	Onion          T `json:"onion" doc:"Circuits."`
	VPNCoordinator T `json:"vpn_coordinator" doc:"Circuits."`
	P2P            T `json:"p2p" doc:"Messages between peers."`
	Betanet        T `json:"betanet" doc:"The mix network."`
	Bitchat        T `json:"bitchat" doc:"Messages between peers."`
}

type serviceInfo struct {
	Engine string `json:"engine" doc:"Engine that does this service's work."`
	Status string `json:"status" enum:"healthy,degraded,starting,unavailable" doc:"State of that engine."`
	Cause  string `json:"cause" doc:"Why it is not healthy; empty when it is."`
}

type partReply struct {
	Name   string `json:"name" doc:"Name of the part."`
	Status string `json:"status" enum:"healthy,degraded,starting,unavailable" doc:"State of the part."`
	Cause  string `json:"cause" doc:"Why it is not healthy; empty when it is."`
}

// health encodes the last known state of every part.
func (s *Server) health(context.Context, *struct{}) (*healthReply, error) {
	h := s.fog.Health()
	details := s.serviceDetails(&h)
	reply := &healthReply{
		Status: string(h.State), CompositeHealth: string(h.State), Version: fog.Version, ParkedFacts: h.ParkedFacts,
		Readiness:   !s.draining.Load() && h.State != fog.Starting && h.State != fog.Unavailable,
		Initialized: true, ServiceDetails: details, Services: statusWords(details), Parts: make([]partReply, 0, len(h.Parts)),
	}
	for name, part := range h.Parts {
		reply.Parts = append(reply.Parts, partReply{name, string(part.State), part.Cause})
		reply.Initialized = reply.Initialized && part.State != fog.Starting
	}
	slices.SortFunc(reply.Parts, func(a, b partReply) int { return strings.Compare(a.Name, b.Name) })
	return reply, nil
}

// serviceDetails says which engine stands behind each service.
func (s *Server) serviceDetails(h *fog.Health) perService[serviceInfo] {
	jobs, devices, peers, circuits := s.engineInfo(h, "scheduler"), s.engineInfo(h, "idle"), s.engineInfo(h, "p2p"), s.engineInfo(h, "privacy")
	return perService[serviceInfo]{
		DAO: s.daoInfo(h), Scheduler: jobs, Edge: devices, Harvest: devices, FogCoordinator: jobs,
		Onion: circuits, VPNCoordinator: circuits, P2P: peers, Betanet: s.engineInfo(h, "betanet"), Bitchat: peers,
	}
}

// engineInfo describes one engine; of one that this build does not have, Ready knows the cause.
func (s *Server) engineInfo(h *fog.Health, engine string) serviceInfo {
	part, ok := h.Parts[engine]
	if !ok {
		return serviceInfo{Engine: engine, Status: string(fog.Unavailable), Cause: fog.Detail(s.fog.Ready(engine))}
	}
	return serviceInfo{Engine: engine, Status: string(part.State), Cause: part.Cause}
}

// daoInfo describes the ledger. Where this server cannot follow what was voted for, decisions are taken and have no effect here.
func (s *Server) daoInfo(h *fog.Health) serviceInfo {
	info, follows := s.engineInfo(h, "tokenomics"), s.engineInfo(h, "parameters")
	if info.Status == string(fog.Healthy) && follows.Status != string(fog.Healthy) {
		info.Status, info.Cause = string(fog.Degraded), "parameters are not followed: "+or(follows.Cause, follows.Status)
	}
	return info
}

// statusWords is the short form of the details.
func statusWords(d perService[serviceInfo]) perService[string] {
	return perService[string]{
		DAO: d.DAO.Status, Scheduler: d.Scheduler.Status, Edge: d.Edge.Status, Harvest: d.Harvest.Status,
		FogCoordinator: d.FogCoordinator.Status, Onion: d.Onion.Status, VPNCoordinator: d.VPNCoordinator.Status,
		P2P: d.P2P.Status, Betanet: d.Betanet.Status, Bitchat: d.Bitchat.Status,
	}
}
