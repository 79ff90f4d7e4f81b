package server

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

type arrayJobsInput struct {
	ID     string `path:"id" doc:"Identifier of the array."`
	Limit  int    `query:"limit" minimum:"1" maximum:"10000" default:"1000" doc:"Most identifiers in the answer."`
	Cursor string `query:"cursor" doc:"Value of next in the answer before; absent for the first page."`
}

type arrayJobsReply struct {
	IDs   []string `json:"ids" doc:"Identifiers of jobs, by their index. Jobs that ended so long ago that they are not stored any more are missing."`
	Total int      `json:"total" doc:"Jobs that are stored, on all pages."`
	Next  string   `json:"next" doc:"Cursor of the next page; empty at the end."`
}

func (s *Server) arrayJobs(ctx context.Context, in *arrayJobsInput) (*arrayJobsReply, error) {
	tasks, err := s.fog.Scheduler.Tasks(ctx, scheduler.JobID(in.ID))
	if err != nil {
		return nil, err
	}
	page, next := after(tasks, scheduler.JobID(in.Cursor), in.Limit)
	return &arrayJobsReply{
		IDs: each(page, func(id scheduler.JobID) string { return string(id) }), Total: len(tasks), Next: string(next),
	}, nil
}

// after is the page of an ascending list that follows a place, and the place of the next page; "" at the end. The identifiers of an
// array ascend with the index, so a place holds although jobs are deleted meanwhile.
func after(list []scheduler.JobID, place scheduler.JobID, limit int) (page []scheduler.JobID, next scheduler.JobID) {
	for len(list) > 0 && list[0] <= place {
		list = list[1:]
	}
	if len(list) <= limit {
		return list, ""
	}
	return list[:limit], list[limit-1]
}
