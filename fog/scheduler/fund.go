package scheduler

import (
	"context"
	"log/slog"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// fund asks the escrow for the funds of pending jobs and stores its answers. It returns the jobs as they are then; those whose
// answer is open, or could not be stored, are left out and asked for again by their timers.
func (s *Scheduler) fund(ctx context.Context, jobs []Job) map[JobID]Job {
	if len(jobs) == 0 || s.cfg.Escrow == nil {
		return nil
	}
	holds := make([]Hold, len(jobs))
	for i := range jobs {
		holds[i] = Hold{Job: jobs[i].ID, Tenant: jobs[i].Tenant, Payer: jobs[i].Owner, Amount: jobs[i].Quote}
	}
	answers, err := s.cfg.Escrow.Hold(ctx, holds)
	if err != nil {
		s.cfg.Logger.Warn("the escrow does not answer", slog.Int("jobs", len(jobs)), slog.Any("error", err))
		return nil
	}
	s.cfg.Step(StepHold)
	ops := make([]op, len(jobs))
	for i := range jobs {
		ops[i] = op{job: jobs[i].ID, step: StepQueue, decide: func(d *draft) error {
			d.funded(answers[i])
			return nil
		}}
	}
	out, err := s.ops.Do(ctx, ops...)
	if err != nil {
		s.cfg.Logger.Warn("the escrow's answers could not be stored", slog.Int("jobs", len(jobs)), slog.Any("error", err))
		return nil
	}
	funded := make(map[JobID]Job, len(out))
	for i := range out {
		if out[i].err == nil {
			funded[jobs[i].ID] = out[i].record.Job
		}
	}
	return funded
}

// askFunds asks for the funds of the jobs that the planner names, beside it, so that an escrow that does not answer holds
// nothing up. It ends when the channel is closed.
func (s *Scheduler) askFunds(ctx context.Context, asked <-chan []JobID) {
	for ids := range asked {
		if err := s.askAgain(ctx, ids); err != nil && ctx.Err() == nil {
			s.cfg.Logger.Warn("funds could not be asked for", slog.Any("error", err))
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
	jobs := make([]Job, 0, len(records))
	for i := range records {
		if records[i].Job.State == Pending {
			jobs = append(jobs, records[i].Job)
		}
	}
	s.fund(ctx, jobs)
	return nil
}
