package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func (s *Server) mountSchedules() {
	path := "/api/scheduler/schedules"
	route(s, "scheduler", huma.Operation{
		OperationID: "schedules", Method: http.MethodGet, Path: path, Summary: "Jobs that are submitted again and again",
	}, s.schedules)
	route(s, "scheduler", huma.Operation{
		OperationID: "schedule", Method: http.MethodGet, Path: path + "/{id}", Summary: "One schedule, and what has come of it",
	}, s.schedule)
	route(s, "scheduler", huma.Operation{
		OperationID: "put-schedule", Method: http.MethodPut, Path: path + "/{id}", Summary: "Submit a job again and again",
		Description: "A schedule with the same name is replaced and keeps its owner and its history. Each of its times makes one job, " +
			"however many servers there are and however often they fail.",
		Errors: []int{http.StatusConflict, http.StatusTooManyRequests},
	}, s.putSchedule)
	route(s, "scheduler", huma.Operation{
		OperationID: "change-schedule", Method: http.MethodPatch, Path: path + "/{id}", Summary: "Pause or resume a schedule",
		Errors: []int{http.StatusConflict},
	}, s.changeSchedule)
	route(s, "scheduler", huma.Operation{
		OperationID: "delete-schedule", Method: http.MethodDelete, Path: path + "/{id}", Summary: "End a schedule; its jobs stay",
	}, s.deleteSchedule)
}

type schedulesReply struct {
	Schedules []scheduleReply `json:"schedules" doc:"In the order of their names."`
	Total     int             `json:"total" doc:"Number of schedules."`
}

func (s *Server) schedules(ctx context.Context, _ *struct{}) (*schedulesReply, error) {
	all, err := s.fog.Scheduler.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	return &schedulesReply{Schedules: each(all, encodeSchedule), Total: len(all)}, nil
}

type scheduleInput struct {
	ID string `path:"id" maxLength:"64" doc:"Name of the schedule: a-z, A-Z, 0-9, '.', '_' and '-'."`
}

func (s *Server) schedule(ctx context.Context, in *scheduleInput) (*scheduleReply, error) {
	one, err := s.fog.Scheduler.Schedule(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	reply := encodeSchedule(one)
	return &reply, nil
}

type putScheduleInput struct {
	ID   string `path:"id" maxLength:"64" doc:"Name of the schedule: a-z, A-Z, 0-9, '.', '_' and '-'."`
	Body scheduleRequest
}

type scheduleRequest struct {
	Name     string        `json:"name,omitempty" maxLength:"200" doc:"Name for people."`
	Spec     string        `json:"spec" minLength:"1" maxLength:"256" doc:"A crontab line of five fields: minute, hour, day of the month, month and day of the week; or @hourly, @daily, @weekly, @monthly or @yearly."`
	Zone     string        `json:"zone,omitempty" doc:"Place whose clock counts, by its name in the time zone database, such as Europe/Berlin; absent: UTC."`
	Overlap  string        `json:"overlap,omitempty" enum:"allow,forbid,replace" doc:"While the job before is not over: submit beside it, skip this time, or cancel it and submit. Absent: allow."`
	CatchUp  float64       `json:"catch_up,omitempty" minimum:"0" doc:"How late a time may come when no server was there, in seconds, 60 or more; of several missed times only the latest does. 0 or absent: 600."`
	Paused   bool          `json:"paused,omitempty" doc:"Whether it waits to be resumed."`
	Template submitRequest `json:"template" doc:"What is submitted, without a deadline."`
}

type scheduleDone struct {
	Success    bool       `json:"success" doc:"Always true."`
	ScheduleID string     `json:"scheduleId" doc:"Name of the schedule."`
	Status     string     `json:"status" enum:"active,paused,deleted" doc:"What has become of it."`
	Next       *time.Time `json:"next" doc:"When it submits next; null where it does not."`
}

func (s *Server) putSchedule(ctx context.Context, in *putScheduleInput) (*scheduleDone, error) {
	one, err := in.Body.schedule(in.ID)
	if err != nil {
		return nil, err
	}
	stored, err := s.fog.PutSchedule(ctx, one)
	if err != nil {
		return nil, err
	}
	return encodeScheduled(&stored), nil
}

// schedule decodes a request. The scheduler judges the values.
func (r *scheduleRequest) schedule(id string) (scheduler.Schedule, error) {
	template, err := r.Template.submission("")
	return scheduler.Schedule{
		ID: id, Name: r.Name, Spec: r.Spec, Zone: r.Zone, Overlap: scheduler.Overlap(r.Overlap),
		CatchUp: seconds(r.CatchUp), Paused: r.Paused, Template: template,
	}, err
}

func encodeScheduled(one *scheduler.Schedule) *scheduleDone {
	return &scheduleDone{Success: true, ScheduleID: one.ID, Status: scheduleWord(one.Paused), Next: when(one.Next)}
}

func scheduleWord(paused bool) string {
	if paused {
		return "paused"
	}
	return "active"
}

type changeScheduleInput struct {
	ID   string `path:"id" maxLength:"64" doc:"Name of the schedule: a-z, A-Z, 0-9, '.', '_' and '-'."`
	Body struct {
		Status string `json:"status" doc:"pause or paused; resume, resumed or active. Any letter case."`
	} `nameHint:"ChangeScheduleRequest"`
}

func (s *Server) changeSchedule(ctx context.Context, in *changeScheduleInput) (*scheduleDone, error) {
	paused, err := pausedOf(in.Body.Status)
	if err != nil {
		return nil, err
	}
	one, err := s.fog.Scheduler.PauseSchedule(ctx, in.ID, paused)
	if err != nil {
		return nil, err
	}
	return encodeScheduled(&one), nil
}

func pausedOf(status string) (bool, error) {
	switch strings.ToLower(status) {
	case "pause", "paused":
		return true, nil
	case "resume", "resumed", "active":
		return false, nil
	}
	return false, wrongField("body.status", "want pause or resume")
}

func (s *Server) deleteSchedule(ctx context.Context, in *scheduleInput) (*scheduleDone, error) {
	if err := s.fog.Scheduler.DeleteSchedule(ctx, in.ID); err != nil {
		return nil, err
	}
	return &scheduleDone{Success: true, ScheduleID: in.ID, Status: "deleted"}, nil
}
