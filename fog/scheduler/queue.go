package scheduler

import "time"

// MaxPriority is the greatest priority of a job, and its negative the least.
const MaxPriority = 1000

// orderOf is when a job counts as submitted: priority buys a constant lead. As every job ages at the same pace, the order of two
// jobs never changes, and whatever comes later by more than the greatest lead comes after: priority starves nobody.
func orderOf(submitted time.Time, priority int, step time.Duration) time.Time {
	if step <= 0 {
		return submitted
	}
	return submitted.Add(-time.Duration(priority) * step)
}

// risesAt is when a queued job that is still waiting rises by one tier; the zero time is never. What counts is the time since it
// last began to wait, so a job that has lost its node does not wait longer than a new one, and it keeps what it has risen.
func (j *Job) risesAt(aging time.Duration) time.Time {
	if aging <= 0 || j.State != Queued || j.Tier.raised(j.Boost) == Tiers()[0] {
		return time.Time{}
	}
	return j.Queued.Add(time.Duration(j.Boost+1) * aging)
}

// age lets the job rise as far as its waiting time says.
func (d *draft) age() {
	j := &d.Job
	for {
		at := j.risesAt(d.rules.aging)
		if at.IsZero() || d.now.Before(at) {
			return
		}
		j.Boost++
		d.note("waits among the jobs of tier %s, after %v in the queue", j.Tier.raised(j.Boost), d.now.Sub(j.Queued).Round(time.Second))
	}
}
