package server

import (
	"context"
	"maps"
	"net/http"
	"slices"

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
	Status          string                 `json:"status" enum:"healthy,degraded,starting,unavailable" doc:"The worst state of the parts that this build has."`
	Readiness       bool                   `json:"readiness" doc:"Whether the server takes requests: no part of this build is starting or unavailable, and the server is not stopping."`
	CompositeHealth string                 `json:"composite_health" enum:"healthy,degraded,starting,unavailable" doc:"The same as status, under the name that older clients read."`
	Version         string                 `json:"version" doc:"Version of the program."`
	Initialized     bool                   `json:"initialized" doc:"Whether every part of this build has finished starting."`
	Services        map[string]string      `json:"services" doc:"State of each service: healthy, degraded, unavailable or starting. The ten names are those of older clients; service_details says which engine stands behind each."`
	ServiceDetails  map[string]serviceInfo `json:"service_details" doc:"For each service, and for each further part of the house, what stands behind its state."`
}

type serviceInfo struct {
	Engine string `json:"engine" doc:"Engine or part of the house that does this service's work."`
	Status string `json:"status" enum:"healthy,degraded,starting,unavailable" doc:"State of that part."`
	Cause  string `json:"cause" doc:"Why it is not healthy; empty when it is."`
}

// serviceEngine says which engine does the work of a service that older clients know by name.
func serviceEngine() map[string]string {
	return map[string]string{
		"dao": "tokenomics", "scheduler": "scheduler", "edge": "idle", "harvest": "idle", "fog_coordinator": "scheduler",
		"onion": "privacy", "vpn_coordinator": "privacy", "p2p": "p2p", "betanet": "betanet", "bitchat": "p2p",
	}
}

// health encodes the last known state of every part.
func (s *Server) health(context.Context, *struct{}) (*healthReply, error) {
	h := s.fog.Health()
	reply := &healthReply{
		Status: string(h.State), CompositeHealth: string(h.State), Version: fog.Version,
		Readiness:   !s.draining.Load() && h.State != fog.Starting && h.State != fog.Unavailable,
		Initialized: !slices.ContainsFunc(slices.Collect(maps.Values(h.Parts)), isStarting),
		Services:    map[string]string{}, ServiceDetails: map[string]serviceInfo{},
	}
	for name, part := range h.Parts {
		reply.ServiceDetails[name] = serviceInfo{Engine: name, Status: string(part.State), Cause: part.Cause}
	}
	for service, engine := range serviceEngine() {
		info := s.serviceInfo(h, engine)
		reply.Services[service], reply.ServiceDetails[service] = info.Status, info
	}
	return reply, nil
}

func isStarting(p fog.PartHealth) bool { return p.State == fog.Starting }

// serviceInfo describes one engine; for one that this build does not have, Ready knows the cause.
func (s *Server) serviceInfo(h fog.Health, engine string) serviceInfo {
	part, ok := h.Parts[engine]
	if !ok {
		return serviceInfo{Engine: engine, Status: string(fog.Unavailable), Cause: fog.Detail(s.fog.Ready(engine))}
	}
	return serviceInfo{Engine: engine, Status: string(part.State), Cause: part.Cause}
}
