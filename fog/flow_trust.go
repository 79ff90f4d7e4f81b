package fog

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// weigh tells the registry what became of the results of jobs, and has those
// audited that their devices' strikes have made doubtful.
func (f *Fog) weigh(ctx context.Context, facts []journal.Claimed) []error {
	results := make([]error, len(facts))
	ids := make([]scheduler.JobID, len(facts))
	for i, fact := range facts {
		ids[i] = scheduler.JobID(fact.ID)
	}
	records, err := f.Scheduler.Records(ctx, ids)
	if err != nil {
		return fill(results, err)
	}
	var judged []idle.Judgement
	for i := range records {
		judged = append(judged, judgements(&records[i])...)
	}
	doubtful, err := f.Idle.Judge(ctx, judged)
	if err != nil {
		return fill(results, err)
	}
	audit := make([]scheduler.JobID, len(doubtful))
	for i, job := range doubtful {
		audit[i] = scheduler.JobID(job)
	}
	if err := f.Scheduler.Audit(ctx, audit); err != nil {
		return fill(results, err)
	}
	return results
}

// judgements are what a job's attempts say of their devices. A result is
// confirmed or contradicted by two that agree; one that nobody was asked about
// is told of where the job was accepted by it alone.
func judgements(record *scheduler.Record) (judged []idle.Judgement) {
	job := &record.Job
	agreed := 0
	for i := range record.Attempts {
		if agrees(job, &record.Attempts[i]) {
			agreed++
		}
	}
	for i := range record.Attempts {
		a := &record.Attempts[i]
		j := idle.Judgement{
			Attempt: string(a.ID), Job: string(job.ID), Tenant: job.Tenant, Owner: a.NodeOwner,
			Device: idle.DeviceID(a.Node), Class: job.Demand.Executor,
		}
		switch {
		case agreed >= 2 && agrees(job, a):
			j.Outcome = idle.Confirmed
		case agreed >= 2 && a.State == scheduler.AttemptInvalid:
			j.Outcome = idle.Contradicted
		case agreed == 1 && job.Trust.Adaptive && a.State == scheduler.AttemptValid:
			j.Outcome = idle.Alone
		default:
			continue
		}
		judged = append(judged, j)
	}
	return judged
}

// agrees reports whether an attempt's result is the one that its job has come to,
// be it that the program fails.
func agrees(job *scheduler.Job, a *scheduler.Attempt) bool {
	return a.State == scheduler.AttemptValid ||
		a.State == scheduler.AttemptFailed && a.Result != nil && job.Result != nil && a.Result.Digest == job.Result.Digest
}
