package fog

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// PutSchedule is Scheduler.PutSchedule for a house with devices: it treats the
// template as Submit treats a submission. What the template names is kept for as
// long as the schedule stands, paused or not.
func (f *Fog) PutSchedule(ctx context.Context, one scheduler.Schedule) (scheduler.Schedule, error) {
	if err := f.has("scheduler"); err != nil {
		return scheduler.Schedule{}, err
	}
	if runsGuest(one.Template.Demand.Executor) {
		one.Template.Task = withModule(one.Template.Task)
	}
	if err := f.fetchable(ctx, one.Template.Task, map[blob.Digest]bool{}); err != nil {
		return scheduler.Schedule{}, err
	}
	return f.Scheduler.PutSchedule(ctx, one)
}

// keepScheduled keeps the bytes from being collected that schedules will need.
func (f *Fog) keepScheduled(ctx context.Context, kept map[held]bool) error {
	all, err := f.Scheduler.Schedules(ctx)
	if err != nil {
		return err
	}
	for i := range all {
		if err := f.keepTask(ctx, all[i].Tenant, all[i].Template.Task, kept); err != nil {
			return err
		}
	}
	return nil
}
