package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func (s *Server) mountAttempts() {
	path := "/api/scheduler/attempts/{id}"
	route(s, "scheduler", huma.Operation{
		OperationID: "progress", Method: http.MethodPost, Path: path + "/progress", Summary: "How far an attempt is",
		Description: "An old token is refused with 409 and changes nothing.", Errors: []int{http.StatusConflict},
	}, s.progress)
	route(s, "scheduler", huma.Operation{
		OperationID: "result", Method: http.MethodPost, Path: path + "/result", Summary: "The end of an attempt",
		Description: "The same result again gets the same answer. An old token is refused with 409 and changes nothing.",
		Errors:      []int{http.StatusConflict},
	}, s.result)
	s.absent("checkpoints", http.MethodPost, path+"/checkpoint", "Keep the state of an attempt that is not finished")
}

type progressInput struct {
	Protocol deviceProtocol `header:"Fog-Protocol" doc:"Version of the device protocol: 1."`
	ID       string         `path:"id" doc:"Identifier of the attempt, as it was offered."`
	Body     struct {
		Token    int64   `json:"token" doc:"Fencing token of the lease."`
		Fraction float64 `json:"fraction" minimum:"0" maximum:"1" doc:"Share of the work that is done, 0 to 1."`
	} `nameHint:"ProgressRequest"`
}

type attemptReply struct {
	Success bool   `json:"success" doc:"Always true."`
	Attempt string `json:"attempt" doc:"Identifier of the attempt."`
	Status  string `json:"status" doc:"State of the attempt: running, reported, valid, invalid, failed, lost, expired or cancelled."`
}

func (s *Server) progress(ctx context.Context, in *progressInput) (*attemptReply, error) {
	if _, err := in.Protocol.spoken(); err != nil {
		return nil, err
	}
	err := s.fog.Scheduler.Progress(ctx, scheduler.AttemptID(in.ID), in.Body.Token, in.Body.Fraction)
	if err != nil {
		return nil, err
	}
	return &attemptReply{Success: true, Attempt: in.ID, Status: string(scheduler.AttemptRunning)}, nil
}

type resultInput struct {
	Protocol deviceProtocol `header:"Fog-Protocol" doc:"Version of the device protocol: 1."`
	ID       string         `path:"id" doc:"Identifier of the attempt, as it was offered."`
	Body     resultRequest
}

type resultRequest struct {
	Token       int64           `json:"token" doc:"Fencing token of the lease."`
	Node        string          `json:"node,omitempty" doc:"Identifier of the reporting device; absent: not checked."`
	ExitCode    int             `json:"exit_code,omitempty" doc:"Exit code of the guest."`
	Stdout      base64Bytes     `json:"stdout,omitempty" doc:"Standard output in base64; at most 64 KiB of it are kept."`
	Stderr      base64Bytes     `json:"stderr,omitempty" doc:"Standard error in base64; at most 16 KiB of it are kept."`
	Outputs     []outputRequest `json:"outputs,omitempty" doc:"Files that the guest left under /out, stored at /api/blobs before."`
	CPUSeconds  float64         `json:"cpu_seconds,omitempty" minimum:"0" doc:"CPU time that the guest used, seconds; telemetry, never the base of a payment."`
	WallSeconds float64         `json:"wall_seconds,omitempty" minimum:"0" doc:"Time that the guest ran, seconds."`
	Class       string          `json:"class,omitempty" doc:"Whose fault a failure was: device, job, infra or policy; absent or empty when the guest ended by itself, whatever its exit code."`
	Reason      string          `json:"reason,omitempty" doc:"What went wrong, for people."`
}

type outputRequest struct {
	Path   string `json:"path" doc:"Path below /out."`
	SHA256 string `json:"sha256" doc:"SHA-256 of the content, in hexadecimal."`
	Bytes  int64  `json:"bytes" minimum:"0" doc:"Size of the content in bytes."`
}

func (s *Server) result(ctx context.Context, in *resultInput) (*attemptReply, error) {
	if _, err := in.Protocol.spoken(); err != nil {
		return nil, err
	}
	verdicts, err := s.fog.Scheduler.Report(ctx, []scheduler.Report{in.Body.report(in.ID)})
	if err != nil {
		return nil, err
	}
	if err := verdicts[0].Err; err != nil {
		return nil, err
	}
	return &attemptReply{Success: true, Attempt: in.ID, Status: string(verdicts[0].State)}, nil
}

// report decodes a result, or a failure where a class is named.
func (r *resultRequest) report(attempt string) scheduler.Report {
	report := scheduler.Report{
		Attempt: scheduler.AttemptID(attempt), Token: r.Token, Node: scheduler.NodeID(r.Node),
		Class: scheduler.Class(r.Class), Reason: r.Reason,
	}
	if r.Class == "" {
		report.Result = &scheduler.Result{
			ExitCode: r.ExitCode, Stdout: r.Stdout, Stderr: r.Stderr, CPUSeconds: r.CPUSeconds, WallSeconds: r.WallSeconds,
			Outputs: each(r.Outputs, func(o outputRequest) scheduler.Output { return scheduler.Output(o) }),
		}
	}
	return report
}
