package fog

import (
	"context"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

const waitPoll = 50 * time.Millisecond

// Wait returns the jobs with their attempts, in the order asked for, once each
// is in a final state: vested, failed, cancelled, expired or refused. A job may be
// named twice. An unknown job, or one that the caller may not read, is an error of
// KindNotFound. When ctx ends first, or the database goes away, the error is of
// KindUnavailable: wait again.
func (f *Fog) Wait(ctx context.Context, ids ...scheduler.JobID) ([]scheduler.Record, error) {
	const op = "fog.wait"
	if err := f.has("scheduler"); err != nil {
		return nil, err
	}
	final := make(map[scheduler.JobID]scheduler.Record, len(ids))
	open := slices.Compact(slices.Sorted(slices.Values(ids)))
	tick := time.NewTicker(waitPoll)
	defer tick.Stop()
	for {
		records, err := f.Scheduler.Records(ctx, open)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		if len(records) < len(open) {
			return nil, fault.New(fault.NotFound, op, "one of the jobs does not exist")
		}
		open = open[:0]
		for _, r := range records {
			if r.Job.State.Final() {
				final[r.Job.ID] = r
			} else {
				open = append(open, r.Job.ID)
			}
		}
		if len(open) == 0 {
			return inOrder(ids, final), nil
		}
		select {
		case <-ctx.Done():
			return nil, fault.Wrap(op, ctx.Err())
		case <-tick.C:
		}
	}
}

func inOrder(ids []scheduler.JobID, by map[scheduler.JobID]scheduler.Record) []scheduler.Record {
	records := make([]scheduler.Record, len(ids))
	for i, id := range ids {
		records[i] = by[id]
	}
	return records
}
