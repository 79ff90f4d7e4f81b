package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func (s *Server) mountJobs() {
	path := "/api/scheduler/jobs"
	route(s, "scheduler", huma.Operation{
		OperationID: "jobs", Method: http.MethodGet, Path: path, Summary: "Jobs, newest first",
	}, s.jobs)
	route(s, "scheduler", huma.Operation{
		OperationID: "submit", Method: http.MethodPost, Path: path, Summary: "Submit a job, or an array of jobs",
		Description: "With an Idempotency-Key the same request again answers with the same job. A job without a module runs the " +
			"built-in guest, which really computes: it renders a tile of the Mandelbrot set.",
		Errors: []int{http.StatusPaymentRequired, http.StatusConflict, http.StatusTooManyRequests},
	}, s.submit)
	route(s, "scheduler", huma.Operation{
		OperationID: "job", Method: http.MethodGet, Path: path + "/{id}", Summary: "One job with its history and result",
	}, s.job)
	route(s, "scheduler", huma.Operation{
		OperationID: "change-job", Method: http.MethodPatch, Path: path + "/{id}", Summary: "Pause, resume or cancel a job",
		Errors: []int{http.StatusConflict},
	}, s.changeJob)
	route(s, "scheduler", huma.Operation{
		OperationID: "cancel-job", Method: http.MethodDelete, Path: path + "/{id}", Summary: "Cancel a job",
		Errors: []int{http.StatusConflict},
	}, s.cancelJob)
}

type jobsInput struct {
	Status string `query:"status" doc:"Only jobs with this status, as in the answer; pending and queued both mean every job that has not begun."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most jobs in the answer."`
	Array  string `query:"array" doc:"Only the jobs of this array; absent: all."`
	Cursor string `query:"cursor" doc:"Value of next in the answer before; absent for the first page."`
}

type jobsReply struct {
	Jobs     []jobRow `json:"jobs" doc:"One page of jobs, newest first."`
	Total    int64    `json:"total" doc:"Jobs in all, or of the array that was asked for."`
	Filtered int64    `json:"filtered" doc:"Jobs that match the status, on all pages."`
	Next     string   `json:"next" doc:"Cursor of the next page; empty at the end."`
}

// jobRow is a job in a list, and the head of a single one.
type jobRow struct {
	ID        string     `json:"id" doc:"Identifier of the job."`
	Name      string     `json:"name" doc:"Name for people."`
	Status    string     `json:"status" enum:"pending,queued,running,completed,paused,cancelled,failed,refused,expired" doc:"pending: its funds are not held yet; queued: it waits for a device; running; completed: its result is accepted; paused, cancelled, failed; refused: it could not be paid; expired: its deadline passed."`
	SLA       string     `json:"sla" enum:"platinum,gold,silver,bronze" doc:"Service level."`
	CPU       float64    `json:"cpu" doc:"Cores that each replica needs."`
	Memory    float64    `json:"memory" doc:"Memory that each replica needs, in gigabytes of 2^30 bytes."`
	GPU       float64    `json:"gpu" doc:"GPUs that each replica needs."`
	Node      *string    `json:"node" doc:"Node of the newest attempt; null before the first."`
	Submitted time.Time  `json:"submitted" doc:"When it was submitted."`
	Started   *time.Time `json:"started" doc:"When a device first took it; null before."`
	Completed *time.Time `json:"completed" doc:"When it ended, well or not; null before."`
	Progress  float64    `json:"progress" doc:"Share of the work that is done, in percent."`
	ETA       *time.Time `json:"eta" doc:"When it is expected to end: its start plus its estimate; null where it has not begun, has ended or has no estimate."`
}

func (s *Server) jobs(ctx context.Context, in *jobsInput) (*jobsReply, error) {
	states, err := statesOf(in.Status)
	if err != nil {
		return nil, err
	}
	page, err := s.fog.Scheduler.List(ctx, scheduler.JobQuery{
		States: states, Array: scheduler.JobID(in.Array), Limit: in.Limit, Cursor: in.Cursor,
	})
	if err != nil {
		return nil, err
	}
	return &jobsReply{
		Jobs:  each(page.Jobs, func(j scheduler.Job) jobRow { return encodeJobRow(&j) }),
		Total: page.Total, Filtered: page.Filtered, Next: page.Next,
	}, nil
}

type jobInput struct {
	ID string `path:"id" doc:"Identifier of the job."`
}

func (s *Server) job(ctx context.Context, in *jobInput) (*jobReply, error) {
	why, err := s.fog.Scheduler.Explain(ctx, scheduler.JobID(in.ID))
	if err != nil {
		return nil, err
	}
	return encodeJob(&why), nil
}

type changeInput struct {
	ID   string `path:"id" doc:"Identifier of the job."`
	Body changeRequest
}

type changeRequest struct {
	Status string `json:"status" doc:"pause or paused; resume, resumed, queued, pending or running; cancel or cancelled. Any letter case."`
}

type jobDone struct {
	Success bool   `json:"success" doc:"Always true."`
	JobID   string `json:"jobId" doc:"Identifier of the job."`
	Status  string `json:"status" doc:"Status of the job now."`
}

func (s *Server) changeJob(ctx context.Context, in *changeInput) (*jobDone, error) {
	change, err := changeOf(in.Body.Status, s.fog.Scheduler.Pause, s.fog.Scheduler.Resume, s.fog.Scheduler.Cancel)
	if err != nil {
		return nil, err
	}
	job, err := change(ctx, scheduler.JobID(in.ID))
	if err != nil {
		return nil, err
	}
	return &jobDone{Success: true, JobID: in.ID, Status: statusWord(job.State)}, nil
}

func (s *Server) cancelJob(ctx context.Context, in *jobInput) (*jobDone, error) {
	job, err := s.fog.Scheduler.Cancel(ctx, scheduler.JobID(in.ID))
	if err != nil {
		return nil, err
	}
	return &jobDone{Success: true, JobID: in.ID, Status: statusWord(job.State)}, nil
}
