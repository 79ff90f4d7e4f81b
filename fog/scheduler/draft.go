package scheduler

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// rules are the durations that decisions depend on.
type rules struct {
	lease, pickUp, maxSuspend, vest, holdRetry, recheck, poll time.Duration
	aging                                                     time.Duration // negative: never
	holdBack                                                  time.Duration // of results that were compared with no other
	feed                                                      bool          // changes are recorded
	audits                                                    bool          // somebody wants to know how results were judged
}

// draft is a decision in the making: a stored record, its copy under change, and the time. Its methods are the pure part of
// this package: each depends on nothing but the draft and its arguments, changes nothing but the draft, and leaves it
// as it was when it returns an error.
type draft struct {
	*Record         // the copy, which a store may keep once it is committed
	old     *Record // as stored, not to be written to
	now     time.Time
	rules   rules
	changed bool
	yields  bool     // all that changed it yields to others
	judged  bool     // results were compared, or believed alone by an adaptive rule
	bond    string   // of the change, see Change.Bond
	steps   []string // names for Config.Step once it is committed
}

func newDraft(stored *Record, now time.Time, r rules) *draft {
	fresh := stored.copy()
	return &draft{Record: &fresh, old: stored, now: now, rules: r}
}

// note writes a line into the job's history, under the job's present state.
func (d *draft) note(format string, a ...any) { d.say(fmt.Sprintf(format, a...)) }

// say is note without a format.
func (d *draft) say(text string) {
	j := &d.Job
	from := max(0, len(j.Log)+1-MaxLog)
	lines := make([]LogLine, 0, len(j.Log)+1-from)
	lines = append(lines, j.Log[from:]...)
	j.Log = append(lines, LogLine{At: d.now, State: j.State, Text: text})
	d.changed = true
}

// enter puts the job into a state that is not an aggregate.
func (d *draft) enter(s State, reason string) {
	d.Job.State = s
	d.Job.Reason = reason
	if s.Final() && d.Job.Finished.IsZero() {
		d.Job.Finished = d.now
	}
	if reason == "" {
		reason = string(s)
	}
	d.say(reason)
}

// end ends the job without an accepted result. What is still under way is withdrawn. A job that is audited goes back to the result that it
// had: an audit that comes to nothing says nothing against it.
func (d *draft) end(s State, reason string) {
	if d.Job.audited() {
		d.uphold(reason)
		return
	}
	d.finish(s, reason)
}

// finish ends the job for good.
func (d *draft) finish(s State, reason string) {
	d.withdraw(reason)
	d.enter(s, reason)
}

// withdraw cancels the live attempts and, as their results will not be judged, the reported ones.
func (d *draft) withdraw(reason string) {
	for i := range d.Attempts {
		a := &d.Attempts[i]
		if a.State.Live() {
			d.close(a, AttemptCancelled, reason)
		} else if a.State == AttemptReported {
			a.State, a.Since, a.Reason = AttemptCancelled, d.now, reason
		}
	}
}

// close ends a live attempt.
func (d *draft) close(a *Attempt, s AttemptState, reason string) {
	a.State, a.Reason, a.Since, a.Ended = s, reason, d.now, d.now
	d.changed = true
}

// newest is the latest attempt of a slot; nil when it had none.
func (r *Record) newest(slot int) *Attempt {
	for i := len(r.Attempts) - 1; i >= 0; i-- {
		if r.Attempts[i].Slot == slot {
			return &r.Attempts[i]
		}
	}
	return nil
}

// open reports whether a slot waits for a node: whatever was tried there is over without a result.
func (r *Record) open(slot int) bool {
	a := r.newest(slot)
	return a == nil || !a.State.Live() && a.State != AttemptReported && a.State != AttemptValid
}

// openSlots are the slots that wait for a node.
func (r *Record) openSlots() []int {
	var slots []int
	for s := range r.Job.Slots {
		if r.open(s) {
			slots = append(slots, s)
		}
	}
	return slots
}

// attempt finds an attempt; nil when there is none.
func (r *Record) attempt(id AttemptID) *Attempt {
	for i := range r.Attempts {
		if r.Attempts[i].ID == id {
			return &r.Attempts[i]
		}
	}
	return nil
}

// aggregated reports whether the job's state is computed from its attempts.
func (s State) aggregated() bool {
	return s == Queued || s == Placed || s == Running || s == Reported
}

// aggregate computes the job's state from its attempts, and judges the results once nothing is under way any more.
func (d *draft) aggregate() {
	j := &d.Job
	if !j.State.aggregated() {
		return
	}
	c := d.census()
	agreed := c.votes >= j.quorum()
	if c.placed+c.leased == 0 {
		switch {
		case agreed && j.alone():
			d.question()
			return
		case agreed:
			d.judge(c.result)
			return
		case c.open == 0 && j.Slots >= j.Trust.paid()+extraSlots:
			d.end(Failed, "the replicas' results differ")
			return
		case c.open == 0:
			j.Slots++
			j.ReadyAt = d.now
			c.open++
			d.note("the replicas' results differ: slot %d is added", j.Slots-1)
		}
	}
	next := Placed
	switch {
	case c.open > 0 && !agreed:
		next = Queued
	case c.leased+c.reported > 0:
		next = Running
	}
	if next == Queued && j.State != Queued {
		j.Queued = d.now
		if j.ReadyAt.Before(d.now) {
			j.ReadyAt = d.now
		}
	}
	j.State = next
	d.progress()
}

// census counts a job's slots by what happens in them, and the votes for the result that most of them have.
type census struct {
	open, placed, leased, reported int
	votes                          int
	result                         *Result
}

func (r *Record) census() census {
	var c census
	var results []*Result
	for s := range r.Job.Slots {
		a := r.newest(s)
		switch {
		case r.open(s):
			c.open++
		case a.State == AttemptPlaced:
			c.placed++
		case a.State.Live():
			c.leased++
		default:
			c.reported++
			results = append(results, a.Result)
		}
	}
	c.votes, c.result = r.Job.Trust.Compare.agreement(results)
	return c
}

// progress is the mean over the slots. A job's progress does not go back.
func (d *draft) progress() {
	var sum float64
	for s := range d.Job.Slots {
		switch a := d.newest(s); {
		case a == nil || d.open(s):
		case a.State.Live():
			sum += a.Progress
		default:
			sum++
		}
	}
	d.Job.Progress = max(d.Job.Progress, sum/float64(d.Job.Slots))
}

// change is the draft as the store takes it.
func (d *draft) change() Change {
	j := &d.Job
	j.DueAt = d.due()
	j.Version = d.old.Job.Version + 1
	c := Change{
		Was: d.old.Job.Version, Bond: d.bond, Yield: d.yields, News: d.rules.feed && d.news(), Now: d.now, Record: d.Record, Tally: tallyOf(d.old, d.Record),
	}
	if len(d.old.Attempts) > 0 {
		c.Record = &Record{Job: *j}
		for i, a := range d.Attempts {
			if i >= len(d.old.Attempts) || a != d.old.Attempts[i] {
				c.Record.Attempts = append(c.Record.Attempts, a)
			}
		}
	}
	if j.State.Final() && !d.old.Job.State.Final() {
		c.Facts = []Fact{{Topic: TopicSettle, ID: string(j.ID), Version: j.Version}}
	}
	if d.judged && d.rules.audits {
		c.Facts = append(c.Facts, Fact{Topic: TopicJudge, ID: string(j.ID), Version: j.Version})
	}
	return c
}

// due is the earliest time at which the job changes by itself; zero for never.
func (d *draft) due() time.Time {
	j := &d.Job
	var due time.Time
	at := func(t time.Time) {
		if !t.IsZero() && (due.IsZero() || t.Before(due)) {
			due = t
		}
	}
	switch {
	case j.State.Final():
		return due
	case j.State == Validated:
		return j.vests(d.rules)
	case j.State == Pending || j.State == Blocked || j.State == Reported:
		at(j.ReadyAt)
	case j.State == Queued:
		at(j.risesAt(d.rules.aging))
		at(d.looksAt(d.now, d.rules.poll))
	}
	if !j.audited() {
		at(j.Deadline)
	}
	for i := range d.Attempts {
		at(d.Attempts[i].due(d.rules))
	}
	return due
}

// due is when a live attempt ends by itself; zero for never.
func (a *Attempt) due(r rules) time.Time {
	end := a.lapse(r)
	if !a.EvictAt.IsZero() && a.State.Live() && a.EvictAt.Before(end) {
		return a.EvictAt
	}
	return end
}

// lapse is when a live attempt ends by itself while nobody evicts it.
func (a *Attempt) lapse(r rules) time.Time {
	switch a.State {
	case AttemptPlaced:
		return a.LeaseUntil
	case AttemptRunning:
		if a.EndBy.Before(a.LeaseUntil) {
			return a.EndBy
		}
		return a.LeaseUntil
	case AttemptSuspended:
		if end := a.Since.Add(r.maxSuspend); end.Before(a.LeaseUntil) {
			return end
		}
		return a.LeaseUntil
	}
	return time.Time{}
}

// count adds one to the failures of a class.
func (j *Job) count(c Class) int {
	next := maps.Clone(j.Failures)
	if next == nil {
		next = make(map[Class]int, 1)
	}
	next[c]++
	j.Failures = next
	return next[c]
}

// takenOwners are the owners on whose nodes another slot of the job is at work or has a result.
func (r *Record) takenOwners() []principal.Account {
	var taken []principal.Account
	for s := range r.Job.Slots {
		if a := r.newest(s); a != nil && !r.open(s) && !slices.Contains(taken, a.NodeOwner) {
			taken = append(taken, a.NodeOwner)
		}
	}
	return taken
}

// takenNodes are the nodes on which another slot of the job is at work or has a result.
func (r *Record) takenNodes() []NodeID {
	var taken []NodeID
	for s := range r.Job.Slots {
		if a := r.newest(s); a != nil && !r.open(s) {
			taken = append(taken, a.Node)
		}
	}
	return taken
}
