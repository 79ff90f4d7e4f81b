package scheduler

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Auditor knows how far nodes are to be believed.
type Auditor interface {
	// Check answers for each result whether it is to be compared with that of another owner's node. It is asked once the results are
	// stored, and must draw by what their nodes cannot know. An error leaves all of them open: they are asked for again, and the answer
	// that is stored first counts. The context ends after Config.HoldRetry: Check returns by then.
	Check(ctx context.Context, asked []Question) ([]bool, error)
	// Strangers reports whether a tenant's nodes belong to several owners. It is asked for each call of Submit that leaves a job's trust
	// open: then a job that would have none adapts, where there are strangers. It must be quick.
	Strangers(ctx context.Context, tenant principal.Tenant) (bool, error)
}

// Question is a result of an adaptive job that was compared with no other.
type Question struct {
	Tenant   principal.Tenant
	Attempt  AttemptID
	Node     NodeID
	Executor string // that computed it
}

// doubts reports for each submission whether its trust adapts because nobody says otherwise and there are strangers.
func (s *Scheduler) doubts(ctx context.Context, tenant principal.Tenant, given, complete []Submission) ([]bool, error) {
	doubt := make([]bool, len(given))
	if s.cfg.Auditor == nil {
		return doubt, nil
	}
	asked, strangers := false, false
	for i := range given {
		if given[i].Trust != nil || complete[i].Trust == nil || complete[i].Trust.Replicas > 1 {
			continue
		}
		if !asked {
			var err error
			if strangers, err = s.cfg.Auditor.Strangers(ctx, tenant); err != nil {
				return nil, fault.Wrap(StepSubmit, err)
			}
			asked = true
		}
		doubt[i] = strangers
	}
	return doubt, nil
}

// question lets the job wait for the auditor's word.
func (d *draft) question() {
	j := &d.Job
	d.progress()
	if j.State != Reported {
		j.State = Reported
		d.askAuditorLater()
		d.say("its result is stored; whether to compare it is not decided yet")
	}
}

// askAuditorLater sets the time of the next question to the auditor.
func (d *draft) askAuditorLater() {
	d.Job.ReadyAt = d.now.Add(d.rules.holdRetry)
	d.changed = true
}

// asks returns what a job that waits for the auditor asks of it.
func (r *Record) asks() (Question, bool) {
	j := &r.Job
	if j.State != Reported || !j.alone() {
		return Question{}, false
	}
	a := r.newest(0)
	return Question{Tenant: j.Tenant, Attempt: a.ID, Node: a.Node, Executor: j.Demand.Executor}, true
}

// answered takes the auditor's word on a result. What is decided already stays.
func (d *draft) answered(q Question, compare bool) {
	if asked, open := d.asks(); !open || asked != q {
		return
	}
	if !compare {
		d.judge(d.newest(0).Result)
		return
	}
	d.compare("its result is compared with another")
}

// compare adds a slot in which the job is computed once more.
func (d *draft) compare(why string) {
	j := &d.Job
	j.State, j.Reason = Queued, ""
	j.Queued, j.ReadyAt = d.now, d.now
	j.Slots++
	d.note("%s: slot %d is added", why, j.Slots-1)
}

// audit has a result compared that was believed alone and is held back still.
func (d *draft) audit() {
	if d.Job.State != Validated || !d.Job.alone() {
		return
	}
	a := d.newest(0)
	a.State, a.Since = AttemptReported, d.now
	d.compare("its node is doubted, so its result is compared after all")
}

// uphold lets the result of a job that is audited stand, because the audit has come to nothing: that says nothing about whoever has
// computed the job meanwhile.
func (d *draft) uphold(reason string) {
	d.withdraw(reason)
	a := d.newest(0)
	a.State, a.Since, a.Reason = AttemptValid, d.now, ""
	d.enter(Validated, "")
	d.note("its result stands: %s", reason)
	d.vest()
}

// ask lets the auditor decide about the jobs among the records that wait for it, and returns those that it has decided, as they are then.
func (s *Scheduler) ask(ctx context.Context, records []*Record) map[JobID]*Record {
	var asked []Question
	var jobs []JobID
	for _, r := range records {
		if q, open := r.asks(); open {
			asked, jobs = append(asked, q), append(jobs, r.Job.ID)
		}
	}
	if len(asked) == 0 {
		return nil
	}
	answers, err := s.audited(ctx, asked)
	if err != nil {
		s.cfg.Logger.Warn("the auditor does not answer", "jobs", len(asked), "error", err)
		return nil
	}
	s.cfg.Step(StepAsk)
	ops := make([]op, len(asked))
	for i, q := range asked {
		ops[i] = op{job: jobs[i], step: StepAudit, decide: func(d *draft) error {
			d.answered(q, answers[i])
			return nil
		}}
	}
	out, err := s.ops.Do(ctx, ops...)
	if err != nil {
		s.cfg.Logger.Warn("the auditor's answers could not be stored", "jobs", len(asked), "error", err)
		return nil
	}
	decided := make(map[JobID]*Record, len(out))
	for i := range out {
		if out[i].err == nil {
			decided[jobs[i]] = &out[i].record
		}
	}
	return decided
}

// audited asks the auditor, for at most Config.HoldRetry.
func (s *Scheduler) audited(ctx context.Context, asked []Question) ([]bool, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.HoldRetry)
	defer cancel()
	answers, err := s.cfg.Auditor.Check(ctx, asked)
	if err == nil && len(answers) != len(asked) {
		err = fault.Newf(fault.Internal, StepAsk, "%d answers to %d questions", len(answers), len(asked))
	}
	return answers, err
}

// Audit has the results of adaptive jobs compared that were believed alone and have not vested yet; other jobs stay as they are. While a
// job is audited it is queued, placed or running once more, and cannot be paused or cancelled. Where the audit contradicts its result
// another one takes its place; where it comes to nothing the result stands. It is for the operator of the default tenant, who runs the
// installation. Errors are of kind Denied and Unavailable.
func (s *Scheduler) Audit(ctx context.Context, jobs []JobID) error {
	if !installation(principal.From(ctx)) {
		return fault.New(fault.Denied, StepAudit, "only the operator of the installation has results audited")
	}
	ops := make([]op, len(jobs))
	for i, id := range jobs {
		ops[i] = op{job: id, step: StepAudit, decide: func(d *draft) error {
			d.audit()
			return nil
		}}
	}
	_, err := s.ops.Do(ctx, ops...)
	return fault.Wrap(StepAudit, err)
}
