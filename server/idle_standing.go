package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/idle"
)

func (s *Server) mountStanding() {
	path := "/api/idle-compute/devices/{id}"
	route(s, "idle", huma.Operation{
		OperationID: "reputation", Method: http.MethodGet, Path: path + "/reputation", Summary: "How far a device's results are believed",
	}, s.reputation)
	route(s, "idle", huma.Operation{
		OperationID: "drain", Method: http.MethodPost, Path: path + "/drain", Summary: "Let a device run empty, or end that",
	}, s.drain)
	route(s, "idle", huma.Operation{
		OperationID: "revoke", Method: http.MethodPost, Path: path + "/revoke", Summary: "Ban a device",
		Description: "What it still runs goes back to the queue.",
	}, s.revoke)
	route(s, "idle", huma.Operation{
		OperationID: "restore", Method: http.MethodPost, Path: path + "/restore", Summary: "Lift a ban or a quarantine",
		Description: "The device's owner may not.",
	}, s.restore)
}

type reputationReply struct {
	Reputations []reputationRow `json:"reputations" doc:"One for each class of jobs and runtime; none before the first result was judged."`
}

type reputationRow struct {
	Class       string     `json:"class" doc:"Executor that the jobs need."`
	Runtime     string     `json:"runtime" doc:"What the device computes with, by its label runtime."`
	Valid       int        `json:"valid" doc:"Accepted results since the last strike."`
	Strikes     int        `json:"strikes" doc:"Contradicted ones among the last 64 results that were compared."`
	CheckShare  float64    `json:"checkShare" doc:"Share of its next results that is compared, if the jobs' trust is adaptive."`
	Quarantines int        `json:"quarantines" doc:"How often it was quarantined."`
	Until       *time.Time `json:"until" doc:"End of the latest quarantine; null: there was none."`
}

func (s *Server) reputation(ctx context.Context, in *deviceInput) (*reputationReply, error) {
	standings, err := s.fog.Idle.Standings(ctx, idle.DeviceID(in.ID))
	if err != nil {
		return nil, err
	}
	return &reputationReply{Reputations: each(standings, func(r idle.Standing) reputationRow {
		return reputationRow{
			Class: r.Class, Runtime: r.Runtime, Valid: r.Valid, Strikes: r.Strikes(), CheckShare: s.fog.Idle.CheckShare(r.Reputation),
			Quarantines: r.Quarantines, Until: when(r.Until),
		}
	})}, nil
}

type deviceOrdered struct {
	Success  bool   `json:"success" doc:"Always true."`
	DeviceID string `json:"deviceId" doc:"Identifier of the device."`
	Status   string `json:"status" doc:"As it is now: registered, online, draining, quarantined, lost, offline or revoked, or of those online harvesting, idle or active."`
}

func ordered(d idle.Device, err error) (*deviceOrdered, error) {
	if err != nil {
		return nil, err
	}
	return &deviceOrdered{Success: true, DeviceID: string(d.ID), Status: d.Status()}, nil
}

type drainInput struct {
	ID   string `path:"id" doc:"Identifier of the device."`
	Body struct {
		On bool `json:"on" doc:"true: it finishes what it holds and gets nothing new; false: it gets work again."`
	}
}

func (s *Server) drain(ctx context.Context, in *drainInput) (*deviceOrdered, error) {
	return ordered(s.fog.Idle.Drain(ctx, idle.DeviceID(in.ID), in.Body.On))
}

type revokeInput struct {
	ID   string `path:"id" doc:"Identifier of the device."`
	Body struct {
		Reason string `json:"reason,omitempty" maxLength:"200" doc:"Why, for the device's owner to read."`
	}
}

func (s *Server) revoke(ctx context.Context, in *revokeInput) (*deviceOrdered, error) {
	return ordered(s.fog.Idle.Revoke(ctx, idle.DeviceID(in.ID), in.Body.Reason))
}

func (s *Server) restore(ctx context.Context, in *deviceInput) (*deviceOrdered, error) {
	return ordered(s.fog.Idle.Restore(ctx, idle.DeviceID(in.ID)))
}
