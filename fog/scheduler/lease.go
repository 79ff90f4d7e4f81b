package scheduler

import (
	"fmt"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// place gives an open slot to a node, with some of its GPUs.
func (d *draft) place(slot int, n *Node, gpus uint64) error {
	j := &d.Job
	if j.State != Queued || slot >= j.Slots || !d.open(slot) {
		return fault.Newf(fault.Conflict, "scheduler.place", "slot %d of job %s does not wait for a node", slot, j.ID)
	}
	token := j.NextToken
	j.NextToken++
	j.Node = n.ID
	if j.Reason == noDevice {
		j.Reason = ""
	}
	d.Attempts = append(d.Attempts, Attempt{
		ID: NewAttemptID(j.ID, slot, token), Job: j.ID, Tenant: j.Tenant, Slot: slot, Token: token,
		Node: n.ID, NodeOwner: n.Owner, Owner: j.Owner, Tier: j.Tier.raised(j.Boost), Group: j.Group, Demand: j.Demand, GPUs: gpus,
		Price: j.Price, Span: j.span(n),
		Placed: d.now, Since: d.now, LeaseUntil: d.now.Add(d.rules.pickUp), State: AttemptPlaced,
		EndBy: d.now.Add(d.rules.pickUp + j.MaxRuntime + 2*d.rules.lease),
	})
	d.aggregate()
	d.note("slot %d placed on %s", slot, n.ID)
	return nil
}

// noDevice is the reason of a job that is postponed.
const noDevice = "no device could take it now, however idle"

// postpone lets a job that no open node could take wait, so that it does not stand before those that can be placed. The
// planner recalls it when a node opens.
func (d *draft) postpone() {
	d.Job.Reason = noDevice
	d.Job.ReadyAt = d.now.Add(patience(d.now.Sub(d.Job.Queued)))
	d.changed = true
}

// patience is how long a postponed job is left alone: short for a new one, as its node may just be coming, and longer the
// longer it has waited.
func patience(waited time.Duration) time.Duration {
	return min(max(waited/4, 500*time.Millisecond), maxPatience).Truncate(time.Microsecond)
}

// maxPatience bounds what a fleet that can never take thousands of jobs costs in writes.
const maxPatience = 5 * time.Minute

// lease starts a placed attempt on its node.
func (d *draft) lease(id AttemptID) error {
	a := d.attempt(id)
	if a == nil || a.State != AttemptPlaced {
		return fault.Newf(fault.Conflict, "scheduler.lease", "attempt %s is not placed any more", id)
	}
	a.State = AttemptRunning
	a.Since, a.Started = d.now, d.now
	a.LeaseUntil = d.now.Add(d.rules.lease)
	a.EndBy = d.now.Add(d.Job.MaxRuntime + 2*d.rules.lease)
	if d.Job.Started.IsZero() {
		d.Job.Started = d.now
	}
	d.aggregate()
	d.note("slot %d started on %s", a.Slot, a.Node)
	return nil
}

// news reports whether a held attempt has to be written: its lease has used up a third, or it says something new.
func (a *Attempt) news(h Held, now time.Time, r rules) bool {
	return a.LeaseUntil.Sub(now) < r.lease-r.lease/3 ||
		h.Suspended != (a.State == AttemptSuspended) ||
		h.Progress >= a.Progress+progressStep
}

// progressStep is the least progress that is worth a write.
const progressStep = 0.01

// renew prolongs the lease of an attempt that its node holds.
func (d *draft) renew(h Held) error {
	a := d.attempt(h.Attempt)
	if a == nil || !a.State.leased() {
		return fault.Newf(fault.Conflict, "scheduler.renew", "attempt %s is not leased any more", h.Attempt)
	}
	a.LeaseUntil = d.now.Add(d.rules.lease)
	switch suspended := a.State == AttemptSuspended; {
	case h.Suspended && !suspended:
		a.State, a.Since = AttemptSuspended, d.now
		d.note("slot %d suspended on %s", a.Slot, a.Node)
	case !h.Suspended && suspended:
		a.EndBy = a.EndBy.Add(d.now.Sub(a.Since))
		a.State, a.Since = AttemptRunning, d.now
		d.note("slot %d continued on %s", a.Slot, a.Node)
	}
	d.advance(a, h.Progress)
	d.changed = true
	return nil
}

// advance raises an attempt's progress.
func (d *draft) advance(a *Attempt, fraction float64) {
	if fraction >= a.Progress+progressStep && fraction <= 1 {
		a.Progress = fraction
		d.progress()
		d.changed = true
	}
}

// report takes what a node says about the end of an attempt.
func (d *draft) report(in Report) error {
	a := d.attempt(in.Attempt)
	if a == nil {
		return fault.Newf(fault.NotFound, "scheduler.report", "no attempt %q", in.Attempt)
	}
	if in.Token != a.Token || in.Node != "" && in.Node != a.Node {
		return fault.Newf(fault.Conflict, "scheduler.report", "token %d is not attempt %s's", in.Token, a.ID)
	}
	if in.Result != nil {
		in.Result = in.Result.kept(&d.Job.Task)
	} else if in.Class == "" {
		in.Class = ClassDevice
	}
	if !a.State.leased() && !d.late(a) {
		return a.again(in)
	}
	if in.Class == ClassDevice && a.State.leased() && !a.EvictAt.IsZero() { // its node could not finish it within the grace
		d.evicted(a)
		return nil
	}
	if in.Reason == "" && in.Class != "" {
		in.Reason = "failed without saying why"
	}
	a.Result = in.Result
	a.Ended = d.now
	switch {
	case in.Class != "":
		d.fail(a, AttemptFailed, in.Class, in.Reason)
	case in.Result.ExitCode != 0 && d.Job.quorum() == 1:
		d.fail(a, AttemptFailed, ClassJob, fmt.Sprintf("the program ended with exit code %d", in.Result.ExitCode))
	default:
		d.close(a, AttemptReported, "")
		a.Progress, a.Class = 1, ""
		d.note("slot %d reported by %s", a.Slot, a.Node)
	}
	d.aggregate()
	return nil
}

// late reports whether an attempt that was given up may still be reported: nobody else has got its slot, and its owner has got no
// other slot meanwhile.
func (d *draft) late(a *Attempt) bool {
	return a.State == AttemptLost && d.Job.State.aggregated() && d.newest(a.Slot) == a &&
		!slices.Contains(d.takenOwners(), a.NodeOwner)
}

// again answers a report for an attempt that is over: nil when it says what was reported before.
func (a *Attempt) again(in Report) error {
	switch {
	case a.State == AttemptCancelled && a.Result == nil:
		if in.Class == ClassDevice && !a.EvictAt.IsZero() {
			return nil
		}
	case a.State == AttemptCancelled || a.State == AttemptReported || a.State == AttemptValid || a.State == AttemptInvalid || a.State == AttemptFailed:
		same := (a.Result == nil) == (in.Result == nil)
		if same && in.Result != nil {
			same = a.Result.Digest == in.Result.Digest
		} else if same {
			same = a.Class == in.Class
		}
		if same {
			return nil
		}
		return fault.Newf(fault.Conflict, "scheduler.report", "attempt %s was reported before with another result", a.ID)
	}
	return fault.Newf(fault.Conflict, "scheduler.report", "attempt %s is %s: its token is void", a.ID, a.State)
}

// lose gives up a leased attempt, and unplaces a placed one.
func (d *draft) lose(a *Attempt, reason string) {
	if a.State == AttemptPlaced {
		d.unplace(a, reason)
		return
	}
	d.fail(a, AttemptLost, ClassDevice, reason)
	d.aggregate()
}

// unplace takes a placed attempt back from a node that did not fetch it. It counts as nobody's failure.
func (d *draft) unplace(a *Attempt, reason string) {
	d.close(a, AttemptExpired, reason)
	d.aggregate()
	d.note("slot %d taken back from %s: %s", a.Slot, a.Node, reason)
}

// timer does what is due. Leases that end before grace are prolonged to it instead: the servers were away and the nodes
// could not renew.
func (d *draft) timer(grace time.Time) {
	j := &d.Job
	if j.State == Validated {
		d.vest()
		return
	}
	if j.State.Final() {
		return
	}
	if !j.Deadline.IsZero() && !d.now.Before(j.Deadline) && !j.audited() {
		d.end(Expired, "the deadline passed")
		return
	}
	d.age()
	for i := range d.Attempts {
		a := &d.Attempts[i]
		if end := a.due(d.rules); !end.IsZero() && !d.now.Before(end) {
			d.overdue(a, grace)
		}
	}
}

func (d *draft) overdue(a *Attempt, grace time.Time) {
	switch leased := a.State != AttemptPlaced; {
	case !a.EvictAt.IsZero() && !d.now.Before(a.EvictAt):
		d.evicted(a)
	case leased && !d.now.Before(a.LeaseUntil) && d.now.Before(grace):
		a.LeaseUntil = grace
		d.changed = true
	case leased && !d.now.Before(a.LeaseUntil):
		d.lose(a, "its lease ended")
	case a.State == AttemptRunning:
		d.fail(a, AttemptFailed, ClassJob, "ran longer than allowed")
		d.aggregate()
	case a.State == AttemptSuspended:
		d.close(a, AttemptLost, "suspended for too long")
		d.aggregate()
		d.note("slot %d taken back from %s: suspended for too long", a.Slot, a.Node)
	case d.now.Before(grace):
		a.LeaseUntil = grace
		d.changed = true
	default:
		d.unplace(a, "not fetched in time")
	}
}
