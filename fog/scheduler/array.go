package scheduler

import (
	"context"
	"strconv"
	"strings"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// The marks in a task's arguments: indexMark stands for the task's index, literalMark for indexMark itself.
const (
	indexMark   = "{index}"
	literalMark = "{{index}}"
)

// indexed replaces the marks in arguments. It answers with the same slice where there are none.
func indexed(args []string, index int) []string {
	var out []string
	for i, a := range args {
		if !strings.Contains(a, indexMark) {
			continue
		}
		if out == nil {
			out = append(make([]string, 0, len(args)), args...)
		}
		out[i] = marked(a, strconv.Itoa(index))
	}
	if out == nil {
		return args
	}
	return out
}

// marked replaces the marks in one argument, from the left.
func marked(a, index string) string {
	var b strings.Builder
	for {
		i := strings.Index(a, indexMark)
		switch {
		case i < 0:
			b.WriteString(a)
			return b.String()
		case i > 0 && strings.HasPrefix(a[i-1:], literalMark):
			b.WriteString(a[:i-1])
			b.WriteString(indexMark)
			a = a[i-1+len(literalMark):]
		default:
			b.WriteString(a[:i])
			b.WriteString(index)
			a = a[i+len(indexMark):]
		}
	}
}

// rest are the further tasks of the array whose first is j. They share everything with it but their names, indexes and arguments.
func (j *Job) rest(names []string, args []string) []Job {
	tasks := make([]Job, len(names))
	for i, name := range names {
		t := &tasks[i]
		*t = *j
		t.ID, t.Index = JobID(name), i+1
		t.Key, t.BodyDigest = "", ""
		t.Task.Args = indexed(args, i+1)
	}
	return tasks
}

// each calls a function with every job of an insertion.
func (in *Insertion) each(do func(*Job)) {
	do(&in.Job)
	for i := range in.Rest {
		do(&in.Rest[i])
	}
}

// births makes tallies of new jobs. Jobs that add the same share theirs.
type births map[birth]Tally

type birth struct {
	tier  Tier
	state State
	count int
	wants Capacity
}

func (b births) of(j *Job) Tally {
	key := birth{j.Tier, j.State, max(1, j.Count), j.wants()}
	t := b[key]
	if t == nil {
		t = birthTally(j)
		b[key] = t
	}
	return t
}

// Array is an array of jobs in numbers.
type Array struct {
	// ID is the identifier of the first task.
	ID     JobID
	Tenant principal.Tenant
	Owner  principal.Account
	Name   string
	// Count is the number of tasks that were submitted, States that of those in each state now. Tasks that were purged are
	// missing there.
	Count  int
	States map[State]int64
}

// Array reads an array's numbers; its tasks are named by Tasks, and listed, a page at a time, by List with JobQuery.Array. Errors are of kind NotFound, Denied and
// Unavailable.
func (s *Scheduler) Array(ctx context.Context, id JobID) (Array, error) {
	const op = "scheduler.array"
	a, _, err := s.array(ctx, id)
	return a, fault.Wrap(op, err)
}

// Tasks reads the identifiers of an array's tasks, by their index; those that were purged are missing. Errors are those of Array.
func (s *Scheduler) Tasks(ctx context.Context, id JobID) ([]JobID, error) {
	_, tasks, err := s.array(ctx, id)
	return tasks, fault.Wrap("scheduler.tasks", err)
}

// array reads an array's numbers and the identifiers of its tasks.
func (s *Scheduler) array(ctx context.Context, id JobID) (Array, []JobID, error) {
	missing := fault.Newf(fault.NotFound, "scheduler.array", "no array %q", id)
	tasks, err := s.cfg.Store.Tasks(ctx, id)
	if err != nil {
		return Array{}, nil, err
	}
	if len(tasks) == 0 {
		return Array{}, nil, missing
	}
	records, err := s.cfg.Store.Load(ctx, tasks[:1])
	if err != nil {
		return Array{}, nil, err
	}
	if len(records) == 0 {
		return Array{}, nil, missing
	}
	j := &records[0].Job
	if err := s.allow(ctx, principal.From(ctx), "scheduler.read", j); err != nil {
		return Array{}, nil, err
	}
	states, err := s.cfg.Store.Outcomes(ctx, []JobID{id})
	if err != nil {
		return Array{}, nil, err
	}
	return Array{ID: id, Tenant: j.Tenant, Owner: j.Owner, Name: j.Name, Count: j.Count, States: states[id]}, tasks, nil
}

// CancelArray cancels every task of an array that is not validated yet. Errors are of kind NotFound, Denied, Conflict (no task can be
// cancelled) and Unavailable: then some tasks may be cancelled and others not, and the call may be repeated.
func (s *Scheduler) CancelArray(ctx context.Context, id JobID) (Array, error) {
	return s.commandArray(ctx, id, StepCancel, (*draft).cancel)
}

// PauseArray pauses every task of an array that can be paused, as Pause does. Errors are those of CancelArray.
func (s *Scheduler) PauseArray(ctx context.Context, id JobID) (Array, error) {
	return s.commandArray(ctx, id, StepPause, (*draft).pause)
}

// ResumeArray resumes every paused task of an array, as Resume does. Errors are those of CancelArray.
func (s *Scheduler) ResumeArray(ctx context.Context, id JobID) (Array, error) {
	return s.commandArray(ctx, id, StepResume, (*draft).resume)
}

// commandArray applies a caller's wish to each task of an array, many to a commit.
func (s *Scheduler) commandArray(ctx context.Context, id JobID, step string, decide func(*draft) error) (Array, error) {
	_, tasks, err := s.array(ctx, id)
	if err != nil {
		return Array{}, fault.Wrap(step, err)
	}
	var refusal error
	done := false
	for len(tasks) > 0 {
		n := min(len(tasks), maxBatch)
		jobs, errs, err := s.commandAll(ctx, tasks[:n], step, decide)
		if err != nil {
			return Array{}, fault.Wrap(step, err)
		}
		for i := range jobs {
			done = done || errs[i] == nil
			if refusal == nil || fault.KindOf(errs[i]) == fault.Denied {
				refusal = errs[i]
			}
		}
		tasks = tasks[n:]
	}
	if !done {
		return Array{}, fault.Wrap(step, refusal)
	}
	return s.Array(ctx, id)
}
