package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// runBare is the peer of our server: the same house behind net/http and encoding/json alone. It answers three requests
// with the documents that our server answers, and does nothing else: no checks, no limits, no log, no headers.
func runBare(ctx context.Context, text []byte) (*part, error) {
	var setup houseSetup
	if err := json.Unmarshal(text, &setup); err != nil {
		return nil, err
	}
	house, err := setup.open(ctx)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, house.Close())
	}
	b := &bareServer{house: house}
	routes := http.NewServeMux()
	routes.HandleFunc("GET /health", b.health)
	routes.HandleFunc("GET /api/scheduler/jobs", b.list)
	routes.HandleFunc("POST /api/scheduler/jobs", b.create)
	web := &http.Server{Handler: routes} //nolint:gosec // bare on purpose; it lives on loopback for seconds
	go func() { _ = web.Serve(l) }()
	return &part{
		address: l.Addr().String(),
		end:     func() error { return errors.Join(web.Close(), house.Close()) },
	}, nil
}

// bareServer answers in the plainest way.
type bareServer struct{ house *fog.Fog }

func answerJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the client finds out by itself
}

type bareJobs struct {
	Jobs     []bareJob `json:"jobs"`
	Total    int64     `json:"total"`
	Filtered int64     `json:"filtered"`
	Next     string    `json:"next"`
}

type bareJob struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Status    string     `json:"status"`
	SLA       string     `json:"sla"`
	CPU       float64    `json:"cpu"`
	Memory    float64    `json:"memory"`
	GPU       float64    `json:"gpu"`
	Node      *string    `json:"node"`
	Submitted time.Time  `json:"submitted"`
	Started   *time.Time `json:"started"`
	Completed *time.Time `json:"completed"`
	Progress  float64    `json:"progress"`
	ETA       *time.Time `json:"eta"`
}

func (b *bareServer) list(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	page, err := b.house.Scheduler.List(r.Context(), scheduler.JobQuery{Limit: limit})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	reply := bareJobs{Jobs: make([]bareJob, len(page.Jobs)), Total: page.Total, Filtered: page.Filtered, Next: page.Next}
	for i := range page.Jobs {
		j := &page.Jobs[i]
		reply.Jobs[i] = bareJob{
			ID: string(j.ID), Name: j.Name, Status: string(j.State), SLA: string(j.Tier),
			CPU: float64(j.Demand.MilliCPU) / 1000, Memory: float64(j.Demand.MemoryMB) / 1024, GPU: float64(j.Demand.MilliGPU) / 1000,
			Submitted: j.Submitted, Progress: 100 * j.Progress,
		}
	}
	answerJSON(w, reply)
}

type bareSubmission struct {
	Name     string   `json:"name"`
	Tier     string   `json:"sla_tier"`
	CPU      float64  `json:"cpu_required"`
	Memory   float64  `json:"memory_required"`
	Estimate float64  `json:"duration_estimate"`
	DataMB   float64  `json:"data_size_mb"`
	Module   string   `json:"module"`
	Args     []string `json:"args"`
}

type bareSubmitted struct {
	Success            bool      `json:"success"`
	JobID              string    `json:"jobId"`
	Status             string    `json:"status"`
	EstimatedStartTime time.Time `json:"estimatedStartTime"`
	SLA                string    `json:"sla"`
}

func (b *bareServer) create(w http.ResponseWriter, r *http.Request) {
	var asked bareSubmission
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	submitted, err := b.house.Scheduler.Submit(r.Context(), []scheduler.Submission{{
		Name: asked.Name, Tier: scheduler.Tier(asked.Tier),
		Demand:   scheduler.Demand{MilliCPU: int64(1000 * asked.CPU), MemoryMB: int64(1024 * asked.Memory)},
		Estimate: time.Duration(asked.Estimate * float64(time.Second)), DataMB: asked.DataMB,
		Task: scheduler.Task{Module: asked.Module, Args: asked.Args},
	}})
	if err == nil {
		err = submitted[0].Err
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	job := &submitted[0].Job
	answerJSON(w, bareSubmitted{
		Success: true, JobID: string(job.ID), Status: string(job.State), EstimatedStartTime: job.Submitted, SLA: string(job.Tier),
	})
}
