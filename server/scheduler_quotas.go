package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func (s *Server) mountQuotas() {
	path := "/api/scheduler/quotas"
	route(s, "scheduler", huma.Operation{
		OperationID: "quotas", Method: http.MethodGet, Path: path, Summary: "Shares of the fleet and their bounds",
		Description: "An account without a quota has weight 1 and no bounds. For operators.", Errors: []int{http.StatusForbidden},
	}, s.quotas)
	route(s, "scheduler", huma.Operation{
		OperationID: "set-quotas", Method: http.MethodPut, Path: path, Summary: "Set the quotas of some accounts",
		Description: "Those of the accounts that are named are replaced, all of them or none, and the others stay. A quota that " +
			"says nothing is removed. A bound below what is in use takes nothing away. For operators.",
		Errors: []int{http.StatusForbidden},
	}, s.setQuotas)
}

type quotasReply struct {
	Quotas []quotaRow `json:"quotas" doc:"In the order of the accounts."`
	Total  int        `json:"total" doc:"Number of quotas."`
}

type quotaRow struct {
	Owner     string    `json:"owner" doc:"Account whose jobs it is about."`
	Weight    float64   `json:"weight" doc:"Its part in the fair share, compared with the others'."`
	Most      mostReply `json:"most" doc:"What its running jobs may take up at once; 0: no bound."`
	MaxQueued int64     `json:"maxQueued" doc:"How many of its jobs may wait; 0: no bound."`
	Updated   time.Time `json:"updated" doc:"When it was set."`
}

type mostReply struct {
	CPU       float64 `json:"cpu" doc:"Cores; 0: no bound."`
	Memory    float64 `json:"memory" doc:"Memory in gigabytes of 2^30 bytes; 0: no bound."`
	GPU       float64 `json:"gpu" doc:"GPUs; 0: no bound."`
	Disk      float64 `json:"disk" doc:"Scratch space in gigabytes of 2^30 bytes; 0: no bound."`
	Bandwidth int64   `json:"bandwidth" doc:"Network bandwidth in megabits (10^6) a second; 0: no bound."`
}

type mostRequest struct {
	CPU       float64 `json:"cpu,omitempty" minimum:"0" doc:"Cores; 0 or absent: no bound."`
	Memory    float64 `json:"memory,omitempty" minimum:"0" doc:"Memory in gigabytes of 2^30 bytes; 0 or absent: no bound."`
	GPU       float64 `json:"gpu,omitempty" minimum:"0" doc:"GPUs; 0 or absent: no bound."`
	Disk      float64 `json:"disk,omitempty" minimum:"0" doc:"Scratch space in gigabytes of 2^30 bytes; 0 or absent: no bound."`
	Bandwidth float64 `json:"bandwidth,omitempty" minimum:"0" doc:"Network bandwidth in megabits (10^6) a second; 0 or absent: no bound."`
}

func (s *Server) quotas(ctx context.Context, _ *struct{}) (*quotasReply, error) {
	quotas, err := s.fog.Scheduler.Quotas(ctx)
	if err != nil {
		return nil, err
	}
	return &quotasReply{Quotas: each(quotas, encodeQuota), Total: len(quotas)}, nil
}

func encodeQuota(q scheduler.Quota) quotaRow {
	return quotaRow{
		Owner: string(q.Owner), Weight: or(q.Weight, 1), MaxQueued: q.MaxQueued, Updated: q.Updated,
		Most: mostReply{
			CPU: milli(q.Most.MilliCPU), Memory: gigabytes(q.Most.MemoryMB), GPU: milli(q.Most.MilliGPU),
			Disk: gigabytes(q.Most.DiskMB), Bandwidth: q.Most.MbitPS,
		},
	}
}

type setQuotasInput struct {
	Body setQuotasRequest
}

type setQuotasRequest struct {
	Quotas []quotaRequest `json:"quotas" maxItems:"1000" doc:"One quota for each account, at most one of the same."`
}

type quotaRequest struct {
	Owner     string      `json:"owner" minLength:"1" maxLength:"128" doc:"Account whose jobs it is about."`
	Weight    float64     `json:"weight,omitempty" minimum:"0" doc:"Its part in the fair share: an account with 2 gets twice what one with 1 gets while both want more, from 0.000001 to 1000000; 0 or absent: 1."`
	Most      mostRequest `json:"most,omitempty" doc:"What its running jobs may take up at once; absent: no bounds."`
	MaxQueued int64       `json:"max_queued,omitempty" minimum:"0" doc:"How many of its jobs may wait; further ones are refused with 429. 0 or absent: no bound."`
}

type setQuotasReply struct {
	Success bool `json:"success" doc:"Always true."`
	Set     int  `json:"set" doc:"Number of quotas that were set or removed."`
}

func (s *Server) setQuotas(ctx context.Context, in *setQuotasInput) (*setQuotasReply, error) {
	quotas := each(in.Body.Quotas, quotaRequest.quota)
	if err := s.fog.Scheduler.SetQuotas(ctx, quotas); err != nil {
		return nil, err
	}
	return &setQuotasReply{Success: true, Set: len(quotas)}, nil
}

func (q quotaRequest) quota() scheduler.Quota {
	m := &q.Most
	return scheduler.Quota{
		Owner: principal.Account(q.Owner), Weight: q.Weight, MaxQueued: q.MaxQueued,
		Most: scheduler.Capacity{
			MilliCPU: thousandths(m.CPU), MemoryMB: megabytes(m.Memory), MilliGPU: thousandths(m.GPU),
			DiskMB: megabytes(m.Disk), MbitPS: scale(m.Bandwidth, 1),
		},
	}
}
