package fog

import (
	"context"
	"strconv"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// settle pays what a finished job owes and gives the rest of its hold back.
// It reads the job's current state, so a fact that repeats finds everything
// done: a contribution is unique by job and slot, a capture by its key, and a
// void of a resolved hold changes nothing.
//
//	vested                      contribution and capture for each valid slot, void of the rest
//	failed, cancelled, expired  void (before the hold: a tombstone that refuses it)
//	refused                     nothing: there is no hold; for a task of an array, whose hold may have been granted before
//	                            another task's was refused, void
//	any other state             nothing: the fact came early and another follows
//	unknown                     an error: its retention ended before it was settled
//
// Of a job that is over, what its attempts prove is told as well (flow_slash.go).
//
// A free job has no hold; its contributions are recorded all the same. An engine
// that is not in the house is left out.
func (f *Fog) settle(ctx context.Context, facts []journal.Claimed) []error {
	results := make([]error, len(facts))
	ids := make([]scheduler.JobID, len(facts))
	for i, fact := range facts {
		ids[i] = scheduler.JobID(fact.ID)
	}
	records, err := f.Scheduler.Records(ctx, ids)
	if err != nil {
		return fill(results, err)
	}
	byID := make(map[scheduler.JobID]scheduler.Record, len(records))
	for _, record := range records {
		byID[record.Job.ID] = record
	}
	var done, over []slotted
	var proven []accusation
	for i, id := range ids {
		if _, known := byID[id]; !known {
			results[i] = fault.Newf(fault.NotFound, "fog.settle", "job %s was purged before it was settled", id)
			continue
		}
		job := byID[id].Job
		proven = append(proven, proofs(i, byID[id])...)
		switch job.State {
		case scheduler.Vested:
			for _, attempt := range byID[id].Attempts {
				if attempt.State == scheduler.AttemptValid {
					done = append(done, slotted{fact: i, job: job, attempt: attempt})
				}
			}
			over = append(over, slotted{fact: i, job: job})
		case scheduler.Failed, scheduler.Cancelled, scheduler.Expired:
			over = append(over, slotted{fact: i, job: job})
		case scheduler.Refused:
			if job.Array != "" {
				over = append(over, slotted{fact: i, job: job})
			}
		}
	}
	if f.Idle != nil {
		f.contribute(ctx, done, results)
	}
	if f.Tokenomics != nil {
		f.capture(ctx, done, results)
		f.void(ctx, over, results)
		f.slash(ctx, proven, results)
	}
	return results
}

// slotted is one slot of a job, with the fact that speaks of it.
type slotted struct {
	fact    int
	job     scheduler.Job
	attempt scheduler.Attempt
}

// contribute records who did the work of each paid slot.
func (f *Fog) contribute(ctx context.Context, slots []slotted, results []error) {
	if len(slots) == 0 {
		return
	}
	work := make([]idle.Contribution, len(slots))
	for i, s := range slots {
		work[i] = idle.Contribution{
			Tenant: s.job.Tenant, Job: string(s.job.ID), Slot: s.attempt.Slot, Attempt: string(s.attempt.ID),
			Device: idle.DeviceID(s.attempt.Node), Account: s.attempt.NodeOwner,
			Amount: int64(s.attempt.Price), At: s.attempt.Ended,
		}
		if s.attempt.Result != nil {
			work[i].CPUSeconds = s.attempt.Result.CPUSeconds
		}
	}
	if _, err := f.Idle.Contribute(ctx, work); err != nil {
		for _, s := range slots {
			results[s.fact] = err
		}
	}
}

// capture pays each slot whose contribution stands.
func (f *Fog) capture(ctx context.Context, slots []slotted, results []error) {
	var due []slotted
	var captures []tokenomics.Capture
	for _, s := range slots {
		if results[s.fact] != nil || s.attempt.Price == 0 {
			continue
		}
		due = append(due, s)
		captures = append(captures, tokenomics.Capture{
			Tenant: s.job.Tenant,
			Key:    "capture:" + string(s.job.ID) + ":" + strconv.Itoa(s.attempt.Slot),
			Hold:   tokenomics.HoldID(s.job.ID),
			To:     []tokenomics.Share{{Account: tokenomics.Account(s.attempt.NodeOwner), Amount: tokenomics.Amount(s.attempt.Price)}},
		})
	}
	if len(due) == 0 {
		return
	}
	verdicts, err := f.Tokenomics.Capture(ctx, captures)
	for i, s := range due {
		if err != nil {
			results[s.fact] = err
		} else if verdicts[i] != nil {
			results[s.fact] = verdicts[i]
		}
	}
}

// void gives back what is left of each hold whose slots are all paid.
func (f *Fog) void(ctx context.Context, jobs []slotted, results []error) {
	var due []slotted
	var voids []tokenomics.Void
	for _, s := range jobs {
		if results[s.fact] != nil || s.job.Quote == 0 {
			continue
		}
		due = append(due, s)
		voids = append(voids, tokenomics.Void{Tenant: s.job.Tenant, Hold: tokenomics.HoldID(s.job.ID)})
	}
	if len(due) == 0 {
		return
	}
	verdicts, err := f.Tokenomics.Void(ctx, voids)
	for i, s := range due {
		if err != nil {
			results[s.fact] = err
		} else if verdicts[i] != nil {
			results[s.fact] = verdicts[i]
		}
	}
}

// fill puts one error into every place.
func fill(results []error, err error) []error {
	for i := range results {
		results[i] = err
	}
	return results
}
