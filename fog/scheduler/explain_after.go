package scheduler

import (
	"context"
	"fmt"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// awaited are the reasons of a blocked job: what it comes after and has not ended, with what to do about it. Of a job that the caller
// may not read nothing but the identifier is told.
func (s *Scheduler) awaited(ctx context.Context, j *Job) ([]Reason, error) {
	names := make([]JobID, len(j.After))
	for i := range j.After {
		names[i] = j.After[i].Job
	}
	known, err := s.cfg.Store.Outcomes(ctx, names)
	if err != nil {
		return nil, err
	}
	records, err := s.cfg.Store.Load(ctx, names)
	if err != nil {
		return nil, err
	}
	shown := make(map[JobID]*Job, len(records))
	for i := range records {
		if other := &records[i].Job; s.allow(ctx, principal.From(ctx), "scheduler.read", other) == nil {
			shown[other.ID] = other
		}
	}
	var out []Reason
	for _, dep := range j.After {
		if open, _, _ := known[dep.Job].count(); open > 0 {
			out = append(out, Reason{Code: CodeAwaitingJobs, Text: dep.text(shown[dep.Job], known[dep.Job])})
		}
	}
	if len(out) == 0 {
		out = append(out, Reason{Code: CodeAwaitingJobs, Text: "all that it comes after has ended: it is queued in a moment"})
	}
	return out, nil
}

// text says what has not ended. The job is nil where the reader may not know more than its identifier.
func (d *Dependency) text(other *Job, o Outcome) string {
	open, good, bad := o.count()
	what, total := "job", open+good+bad
	if total > 1 {
		what = "array"
	}
	text := fmt.Sprintf("it comes after %s of %s %s", d.When, what, d.Job)
	if other != nil {
		text = fmt.Sprintf("it comes after %s of %s %q (%s)", d.When, what, other.Name, d.Job)
	}
	switch {
	case total > 1:
		text += fmt.Sprintf(", of which %d of %d tasks have not ended", open, total)
	case other != nil:
		text += ", which is " + string(other.State)
	default:
		text += ", which has not ended"
	}
	if other != nil && o[Paused] > 0 {
		text += ": resume it, or cancel it"
	}
	return text
}
