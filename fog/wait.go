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
// is in a final state: vested, failed, cancelled, expired or refused. An unknown
// job is an error of KindNotFound. When ctx ends first the error is of
// KindUnavailable.
func (f *Fog) Wait(ctx context.Context, ids ...scheduler.JobID) ([]scheduler.Record, error) {
	const op = "fog.wait"
	tick := time.NewTicker(waitPoll)
	defer tick.Stop()
	for {
		records, err := f.Scheduler.Records(ctx, ids)
		if err != nil {
			return nil, fault.Wrap(op, err)
		}
		if len(records) < len(ids) {
			return nil, fault.New(fault.NotFound, op, "one of the jobs does not exist")
		}
		if !slices.ContainsFunc(records, func(r scheduler.Record) bool { return !r.Job.State.Final() }) {
			order := func(r scheduler.Record) int { return slices.Index(ids, r.Job.ID) }
			slices.SortFunc(records, func(a, b scheduler.Record) int { return order(a) - order(b) })
			return records, nil
		}
		select {
		case <-ctx.Done():
			return nil, fault.Wrap(op, ctx.Err())
		case <-tick.C:
		}
	}
}
