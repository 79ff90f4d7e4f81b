package scheduler

import (
	"context"
	"maps"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// fund asks the escrow for the funds of pending jobs and stores its answers; those for the tasks of an array, which must all be among
// the jobs, count for all of them. It returns the jobs as they are then, of an array the first task alone; those whose
// answer is open, or could not be stored, are left out and asked for again by their timers.
func (s *Scheduler) fund(ctx context.Context, jobs []*Job) map[JobID]Job {
	if len(jobs) == 0 || s.cfg.Escrow == nil {
		return nil
	}
	holds := make([]Hold, len(jobs))
	for i, j := range jobs {
		holds[i] = Hold{Job: j.ID, Tenant: j.Tenant, Payer: j.Owner, Amount: j.Quote}
	}
	answers, err := s.hold(ctx, holds)
	if err != nil {
		s.cfg.Logger.Warn("the escrow does not answer", "jobs", len(jobs), "error", err)
		return nil
	}
	s.cfg.Step(StepHold)
	unite(jobs, answers)
	ops := make([]op, len(jobs))
	for i, j := range jobs {
		ops[i] = op{job: j.ID, step: StepQueue, decide: func(d *draft) error {
			d.funded(answers[i])
			return nil
		}}
	}
	out, err := s.ops.Do(ctx, ops...)
	if err != nil {
		s.cfg.Logger.Warn("the escrow's answers could not be stored", "jobs", len(jobs), "error", err)
		return nil
	}
	return s.settled(ctx, out)
}

// hold asks the escrow, for at most Config.HoldRetry: then the jobs' timers ask again anyway, and an answer to one of the two questions
// is an answer to both.
func (s *Scheduler) hold(ctx context.Context, holds []Hold) ([]error, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.HoldRetry)
	defer cancel()
	return s.cfg.Escrow.Hold(ctx, holds)
}

// settled lets funded jobs that come after others look at them, and answers the jobs as they are then.
func (s *Scheduler) settled(ctx context.Context, out []outcome) map[JobID]Job {
	funded := make(map[JobID]Job)
	var waiting []JobID
	for i := range out {
		j := &out[i].record.Job
		if out[i].err != nil {
			continue
		}
		if j.State == Blocked {
			waiting = append(waiting, j.ID)
		}
		if j.Index == 0 {
			funded[j.ID] = *j
		}
	}
	maps.Copy(funded, s.released(ctx, waiting))
	return funded
}

// unite makes the escrow's answers for the tasks of each array one: a refusal of one is that of all, and an answer that is open
// leaves all open.
func unite(jobs []*Job, answers []error) {
	worst := make(map[JobID]error)
	for i, j := range jobs {
		if j.Array != "" && answers[i] != nil && (worst[j.Array] == nil || refuses(answers[i]) && !refuses(worst[j.Array])) {
			worst[j.Array] = answers[i]
		}
	}
	for i, j := range jobs {
		if err := worst[j.Array]; j.Array != "" && err != nil {
			answers[i] = err
		}
	}
}

// refuses reports whether the escrow's answer is final.
func refuses(answer error) bool {
	kind := fault.KindOf(answer)
	return kind == fault.Insufficient || kind == fault.Conflict
}

// askOthers asks the escrow and the auditor about the jobs that the planner names, beside it, so that one that does not answer holds
// nothing up. It ends when the channel is closed.
func (s *Scheduler) askOthers(ctx context.Context, asked <-chan []JobID) {
	for ids := range asked {
		if err := s.askAgain(ctx, ids); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("jobs that wait for an answer could not be read", "error", err)
		}
	}
}

func (s *Scheduler) askAgain(ctx context.Context, ids []JobID) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.HoldRetry)
	defer cancel()
	records, err := s.cfg.Store.Load(ctx, ids)
	if err != nil {
		return fault.Wrap(StepHold, err)
	}
	var jobs []*Job
	var reported []*Record
	arrays := make(map[JobID]bool)
	for i := range records {
		j := &records[i].Job
		reported = append(reported, &records[i])
		switch {
		case j.State != Pending:
		case j.Array == "":
			jobs = append(jobs, j)
		case !arrays[j.Array]:
			arrays[j.Array] = true
			tasks, err := s.unfundedTasks(ctx, j.Array)
			if err != nil {
				return err
			}
			jobs = append(jobs, tasks...)
		}
	}
	s.fund(ctx, jobs)
	s.ask(ctx, reported)
	return nil
}

// unfundedTasks reads the tasks of an array whose funds are not held, also those that were paused before.
func (s *Scheduler) unfundedTasks(ctx context.Context, array JobID) ([]*Job, error) {
	ids, err := s.cfg.Store.Tasks(ctx, array)
	if err != nil {
		return nil, fault.Wrap(StepHold, err)
	}
	records, err := s.cfg.Store.Load(ctx, ids)
	if err != nil {
		return nil, fault.Wrap(StepHold, err)
	}
	var jobs []*Job
	for i := range records {
		if j := &records[i].Job; j.State == Pending || j.State == Paused && j.Resume == Pending {
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}
