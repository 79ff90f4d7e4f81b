package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func (s *Server) mountEvents() {
	route(s, "scheduler", huma.Operation{
		OperationID: "events", Method: http.MethodGet, Path: "/api/scheduler/events", Summary: "Changes of jobs, in order",
		Description: "To follow all jobs and miss nothing: ask without after, which answers at once where the changes stand; list the " +
			"jobs; then ask again and again with after, the next of the answer before. With wait_seconds the server holds the request " +
			"open until there is a change. A number so old that the changes behind it are not kept any more is refused with 409: then " +
			"begin anew.",
		Errors: []int{http.StatusConflict},
	}, s.events)
}

type eventsInput struct {
	After       optional[int64] `query:"after" minimum:"0" doc:"Value of next in the answer before; absent: no changes are wanted, only the number from which to go on."`
	Array       string          `query:"array" doc:"Only the jobs of this array; absent: all."`
	Limit       int             `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most changes in the answer."`
	WaitSeconds float64         `query:"wait_seconds" minimum:"0" doc:"How long the server may hold the request open until there is a change, in seconds; it may hold it for less."`
}

type eventsReply struct {
	Events []eventRow `json:"events" doc:"Changes in the order in which they were numbered; those of one job in the order in which they happened."`
	Next   int64      `json:"next" doc:"Number to go on from."`
}

// eventRow is one change. It says what to read again, not what is there now.
type eventRow struct {
	Seq     int64     `json:"seq" doc:"Number of the change."`
	At      time.Time `json:"at" doc:"When it happened."`
	Job     string    `json:"job" doc:"Identifier of the job. The birth of an array is one change, of its first job."`
	Array   *string   `json:"array" doc:"Identifier of its array; null for a single job."`
	Owner   string    `json:"owner" doc:"Account that pays."`
	Status  string    `json:"status" enum:"pending,queued,running,completed,paused,cancelled,failed,refused,expired" doc:"Status of the job then."`
	State   string    `json:"state" doc:"Exact state of the scheduler's machine then."`
	Version int64     `json:"version" doc:"Number of the change among those of the job."`
}

func (s *Server) events(ctx context.Context, in *eventsInput) (*eventsReply, error) {
	after := in.After.pointer()
	if after == nil {
		position, err := s.fog.Scheduler.Position(ctx)
		return &eventsReply{Events: []eventRow{}, Next: int64(position)}, err
	}
	ctx, release := s.held(ctx)
	defer release()
	events, next, err := s.fog.Scheduler.Changes(ctx, scheduler.EventQuery{
		Array: scheduler.JobID(in.Array), After: scheduler.Seq(*after), Limit: in.Limit,
	}, min(seconds(in.WaitSeconds), s.config.MaxWait))
	if err != nil {
		return nil, err
	}
	return &eventsReply{Events: each(events, encodeEvent), Next: int64(next)}, nil
}

func encodeEvent(e scheduler.Event) eventRow {
	return eventRow{
		Seq: int64(e.Seq), At: e.At.UTC(), Job: string(e.Job), Array: word(string(e.Array)), Owner: string(e.Owner),
		Status: statusWord(e.State), State: string(e.State), Version: e.Version,
	}
}
