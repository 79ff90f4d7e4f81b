package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountContributions() {
	route(s, "idle", huma.Operation{
		OperationID: "contributions", Method: http.MethodGet, Path: "/api/idle-compute/contributions",
		Summary: "Validated work and what it earned, newest first",
	}, s.contributions)
}

type contributionsInput struct {
	Device string `query:"device" doc:"Only the work of this device."`
	Job    string `query:"job" doc:"Only work on this job."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most contributions in the answer."`
	Cursor string `query:"cursor" doc:"Value of next in the answer before; absent for the first page."`
}

type contributionsReply struct {
	Contributions []contributionRow `json:"contributions" doc:"One page of contributions."`
	Next          string            `json:"next" doc:"Cursor of the next page; empty at the end."`
}

type contributionRow struct {
	Job        string            `json:"job" doc:"Identifier of the job."`
	Slot       int               `json:"slot" doc:"Replica of the job, from 0. Each is paid once."`
	Device     string            `json:"device" doc:"Device that did the work."`
	Account    string            `json:"account" doc:"Account that is paid."`
	Amount     tokenomics.Amount `json:"amount" doc:"What the work earns, FOG; 0 for a free job."`
	CPUSeconds float64           `json:"cpuSeconds" doc:"CPU time in seconds, as the device reports it."`
	At         time.Time         `json:"at" doc:"When the work ended."`
}

func (s *Server) contributions(ctx context.Context, in *contributionsInput) (*contributionsReply, error) {
	page, err := s.fog.Idle.Contributions(ctx, idle.ContributionQuery{
		Device: idle.DeviceID(in.Device), Job: in.Job, Limit: in.Limit, Cursor: in.Cursor,
	})
	if err != nil {
		return nil, err
	}
	return &contributionsReply{Contributions: each(page.Contributions, encodeContribution), Next: page.Next}, nil
}

func encodeContribution(c idle.Contribution) contributionRow {
	return contributionRow{
		Job: c.Job, Slot: c.Slot, Device: string(c.Device), Account: string(c.Account),
		Amount: tokenomics.Amount(c.Amount), CPUSeconds: c.CPUSeconds, At: c.At.UTC(),
	}
}
