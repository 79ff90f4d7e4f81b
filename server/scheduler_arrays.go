package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func (s *Server) mountArrays() {
	path := "/api/scheduler/arrays/{id}"
	route(s, "scheduler", huma.Operation{
		OperationID: "array", Method: http.MethodGet, Path: path, Summary: "An array of jobs in numbers",
		Description: "Its jobs are named at /api/scheduler/arrays/{id}/jobs, and listed at /api/scheduler/jobs?array=.",
	}, s.array)
	route(s, "scheduler", huma.Operation{
		OperationID: "array-jobs", Method: http.MethodGet, Path: path + "/jobs", Summary: "Identifiers of the jobs of an array, by their index",
	}, s.arrayJobs)
	route(s, "scheduler", huma.Operation{
		OperationID: "change-array", Method: http.MethodPatch, Path: path, Summary: "Pause, resume or cancel the jobs of an array",
		Description: "It is done to every job that allows it. Where none does, the answer is 409.", Errors: []int{http.StatusConflict},
	}, s.changeArray)
	route(s, "scheduler", huma.Operation{
		OperationID: "cancel-array", Method: http.MethodDelete, Path: path, Summary: "Cancel the jobs of an array",
		Errors: []int{http.StatusConflict},
	}, s.cancelArray)
}

type arrayReply struct {
	ID     string           `json:"id" doc:"Identifier of the array, which is that of its first job."`
	Name   string           `json:"name" doc:"Name for people."`
	Owner  string           `json:"owner" doc:"Account that pays."`
	Count  int              `json:"count" doc:"Jobs that were submitted."`
	Jobs   arrayCounts      `json:"jobs" doc:"Jobs by their status."`
	States map[string]int64 `json:"states" doc:"Jobs by the exact state of the scheduler's machine; states without jobs are absent."`
}

// arrayCounts has a field for each status of a job.
type arrayCounts struct {
	Pending   int64 `json:"pending" doc:"Their funds are not held yet, or they come after others that have not ended."`
	Queued    int64 `json:"queued" doc:"Wait for a device."`
	Running   int64 `json:"running" doc:"Run."`
	Completed int64 `json:"completed" doc:"Have an accepted result."`
	Paused    int64 `json:"paused" doc:"Paused."`
	Cancelled int64 `json:"cancelled" doc:"Cancelled."`
	Failed    int64 `json:"failed" doc:"Failed."`
	Refused   int64 `json:"refused" doc:"Could not be paid."`
	Expired   int64 `json:"expired" doc:"Passed their deadline."`
	Deleted   int64 `json:"deleted" doc:"Ended so long ago that they are not stored any more."`
}

type arrayInput struct {
	ID string `path:"id" doc:"Identifier of the array."`
}

func (s *Server) array(ctx context.Context, in *arrayInput) (*arrayReply, error) {
	a, err := s.fog.Scheduler.Array(ctx, scheduler.JobID(in.ID))
	if err != nil {
		return nil, err
	}
	states := make(map[string]int64, len(a.States))
	for state, n := range a.States {
		states[string(state)] = n
	}
	return &arrayReply{
		ID: string(a.ID), Name: a.Name, Owner: string(a.Owner), Count: a.Count, Jobs: encodeCounts(&a), States: states,
	}, nil
}

func encodeCounts(a *scheduler.Array) arrayCounts {
	by, stored := countWords(a.States), int64(0)
	for _, n := range by {
		stored += n
	}
	return arrayCounts{
		Pending: by["pending"], Queued: by["queued"], Running: by["running"], Completed: by["completed"], Paused: by["paused"],
		Cancelled: by["cancelled"], Failed: by["failed"], Refused: by["refused"], Expired: by["expired"], Deleted: int64(a.Count) - stored,
	}
}

type changeArrayInput struct {
	ID   string `path:"id" doc:"Identifier of the array."`
	Body changeRequest
}

type arrayDone struct {
	Success bool        `json:"success" doc:"Always true."`
	ArrayID string      `json:"arrayId" doc:"Identifier of the array."`
	Jobs    arrayCounts `json:"jobs" doc:"Its jobs by their status now."`
}

func (s *Server) changeArray(ctx context.Context, in *changeArrayInput) (*arrayDone, error) {
	change, err := changeOf(in.Body.Status, s.fog.Scheduler.PauseArray, s.fog.Scheduler.ResumeArray, s.fog.Scheduler.CancelArray)
	if err != nil {
		return nil, err
	}
	a, err := change(ctx, scheduler.JobID(in.ID))
	if err != nil {
		return nil, err
	}
	return &arrayDone{Success: true, ArrayID: in.ID, Jobs: encodeCounts(&a)}, nil
}

func (s *Server) cancelArray(ctx context.Context, in *arrayInput) (*arrayDone, error) {
	a, err := s.fog.Scheduler.CancelArray(ctx, scheduler.JobID(in.ID))
	if err != nil {
		return nil, err
	}
	return &arrayDone{Success: true, ArrayID: in.ID, Jobs: encodeCounts(&a)}, nil
}
