package scheduler

import (
	"context"
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// debts are the open slots of jobs whose other slots are under way, of owners with a quota. They count for the quota as if they ran:
// it lets all replicas of a job in at once, and what comes later does not take the room that it left for them. The store does not
// know them: whoever begins to plan learns of each when its job's turn comes.
type debts struct {
	jobs map[JobID]debt
	sum  map[account]Capacity
}

type debt struct {
	who  account
	room Capacity
}

func newDebts() debts { return debts{jobs: make(map[JobID]debt), sum: make(map[account]Capacity)} }

// set notes what is open of a job that has some slots under way after more of them were placed; nothing where it has none, or all.
func (d *debts) set(r *Record, more int) {
	j := &r.Job
	d.drop(j.ID)
	open := len(r.openSlots()) - more
	if j.State != Queued || open == 0 || more == 0 && !r.live() {
		return
	}
	owed := debt{who: account{j.Tenant, j.Owner}, room: j.Demand.times(open)}
	d.jobs[j.ID] = owed
	sum := d.sum[owed.who]
	sum.add(owed.room)
	d.sum[owed.who] = sum
}

// drop forgets a job.
func (d *debts) drop(id JobID) {
	owed, ok := d.jobs[id]
	if !ok {
		return
	}
	delete(d.jobs, id)
	sum := d.sum[owed.who]
	sum.sub(owed.room)
	if d.sum[owed.who] = sum; sum == (Capacity{}) {
		delete(d.sum, owed.who)
	}
}

// beside is what an owner uses, with what is owed to the owner's jobs but one.
func (d *debts) beside(u *user, id JobID) Capacity {
	used := u.used
	used.add(d.sum[u.account])
	if own, ok := d.jobs[id]; ok {
		used.sub(own.room)
	}
	return used
}

// review brings the debts up to date: jobs end, are paused or lose their nodes without a turn in the queue.
func (d *debts) review(ctx context.Context, jobs Jobs, quotas map[account]Quota) error {
	if len(d.jobs) == 0 {
		return nil
	}
	ids := make([]JobID, 0, len(d.jobs))
	for id := range d.jobs {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	records, err := jobs.Load(ctx, ids)
	if err != nil {
		return fault.Wrap("scheduler.plan", err)
	}
	clear(d.jobs)
	clear(d.sum)
	for i := range records {
		if _, bound := quotas[account{records[i].Job.Tenant, records[i].Job.Owner}]; bound {
			d.set(&records[i], 0)
		}
	}
	return nil
}
