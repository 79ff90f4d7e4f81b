package main

import (
	"net/http"
	"slices"
	"strings"

	"github.com/fogcompute/fogcompute/fog"
)

// bareHealth is the document of /health, field by field.
type bareHealth struct {
	Status          string                   `json:"status"`
	Readiness       bool                     `json:"readiness"`
	CompositeHealth string                   `json:"composite_health"`
	Version         string                   `json:"version"`
	Initialized     bool                     `json:"initialized"`
	Services        bareServices[string]     `json:"services"`
	ServiceDetails  bareServices[bareEngine] `json:"service_details"`
	Parts           []barePart               `json:"parts"`
	ParkedFacts     int                      `json:"parked_facts"`
}

type bareServices[T any] struct {
	DAO            T `json:"dao"`
	Scheduler      T `json:"scheduler"`
	Edge           T `json:"edge"`
	Harvest        T `json:"harvest"`
	FogCoordinator T `json:"fog_coordinator"`
	Onion          T `json:"onion"`
	VPNCoordinator T `json:"vpn_coordinator"`
	P2P            T `json:"p2p"`
	Betanet        T `json:"betanet"`
	Bitchat        T `json:"bitchat"`
}

type bareEngine struct {
	Engine string `json:"engine"`
	Status string `json:"status"`
	Cause  string `json:"cause"`
}

type barePart struct {
	Name   string `json:"name"`
	Status string `json:"status"`
	Cause  string `json:"cause"`
}

func (b *bareServer) health(w http.ResponseWriter, _ *http.Request) {
	h := b.house.Health()
	reply := bareHealth{
		Status: string(h.State), CompositeHealth: string(h.State), Version: fog.Version, ParkedFacts: h.ParkedFacts,
		Readiness: h.State == fog.Healthy || h.State == fog.Degraded, Initialized: true, Parts: make([]barePart, 0, len(h.Parts)),
	}
	for name, part := range h.Parts {
		reply.Parts = append(reply.Parts, barePart{name, string(part.State), part.Cause})
		reply.Initialized = reply.Initialized && part.State != fog.Starting
	}
	slices.SortFunc(reply.Parts, func(a, b barePart) int { return strings.Compare(a.Name, b.Name) })
	jobs, devices := b.engine(&h, "scheduler"), b.engine(&h, "idle")
	peers, circuits := b.engine(&h, "p2p"), b.engine(&h, "privacy")
	ledger, mixes := b.engine(&h, "tokenomics"), b.engine(&h, "betanet")
	reply.ServiceDetails = bareServices[bareEngine]{
		DAO: ledger, Scheduler: jobs, Edge: devices, Harvest: devices, FogCoordinator: jobs,
		Onion: circuits, VPNCoordinator: circuits, P2P: peers, Betanet: mixes, Bitchat: peers,
	}
	reply.Services = bareServices[string]{
		DAO: ledger.Status, Scheduler: jobs.Status, Edge: devices.Status, Harvest: devices.Status, FogCoordinator: jobs.Status,
		Onion: circuits.Status, VPNCoordinator: circuits.Status, P2P: peers.Status, Betanet: mixes.Status, Bitchat: peers.Status,
	}
	answerJSON(w, reply)
}

func (b *bareServer) engine(h *fog.Health, name string) bareEngine {
	part, ok := h.Parts[name]
	if !ok {
		return bareEngine{Engine: name, Status: string(fog.Unavailable), Cause: fog.Detail(b.house.Ready(name))}
	}
	return bareEngine{Engine: name, Status: string(part.State), Cause: part.Cause}
}
