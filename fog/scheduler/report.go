package scheduler

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Report is the end of an attempt as its node saw it: a result, or a failure with its class.
type Report struct {
	Attempt AttemptID
	Token   int64
	// Node is the reporting node; "" is not checked.
	Node NodeID
	// Result is what the program left, whatever its exit code; nil is a failure of class Class.
	Result *Result
	// Class says whose fault a failure was; "" with a nil Result is ClassDevice.
	Class  Class
	Reason string
}

// ReportVerdict answers a report. The same report again has the same verdict.
type ReportVerdict struct {
	Attempt AttemptID
	// State is the attempt's state after the report.
	State AttemptState
	// Job is the job's state after the report.
	Job State
	// Err is nil when the report was taken; of kind Conflict when the token is old or another result was reported before,
	// NotFound when there is no such attempt, Denied when it belongs to somebody else, Invalid when the report is malformed. Then
	// nothing changed.
	Err error
}

// Limits of a report.
const (
	maxOutputs = 1024
	maxReason  = 1000 // bytes that are kept
)

// Report takes the ends of attempts; each has a verdict, in the same order. Where a report completes its job, the job is judged in
// the same commit. The error is of kind Unavailable when the outcome of all is unknown: report again.
func (s *Scheduler) Report(ctx context.Context, reports []Report) ([]ReportVerdict, error) {
	p := principal.From(ctx)
	verdicts := make([]ReportVerdict, len(reports))
	ops := make([]op, 0, len(reports))
	at := make([]int, 0, len(reports))
	for i, in := range reports {
		verdicts[i].Attempt = in.Attempt
		job, err := in.validate()
		if err != nil {
			verdicts[i].Err = err
			continue
		}
		in.Reason = strings.ToValidUTF8(in.Reason[:min(len(in.Reason), maxReason)], "")
		ops = append(ops, op{job: job, step: StepReport, decide: func(d *draft) error {
			if err := s.allowReport(ctx, p, d, in.Attempt); err != nil {
				return err
			}
			return d.report(in)
		}})
		at = append(at, i)
	}
	out, err := s.ops.Do(ctx, ops...)
	if err != nil {
		return nil, fault.Wrap(StepReport, err)
	}
	var taken []*Record
	for k := range out {
		if out[k].err == nil {
			taken = append(taken, &out[k].record)
		}
	}
	decided := s.ask(ctx, taken)
	for k, i := range at {
		v := &verdicts[i]
		v.Err = out[k].err
		record := &out[k].record
		if now := decided[record.Job.ID]; now != nil {
			record = now
		}
		if a := record.attempt(v.Attempt); a != nil && (v.Err == nil || fault.KindOf(v.Err) == fault.Conflict) {
			v.State, v.Job = a.State, record.Job.State
		}
	}
	return verdicts, nil
}

// Progress notes how far an attempt has come, 0..1; steps below a hundredth are not written. Errors are of kind NotFound,
// Denied, Conflict (the token is old, or the attempt over), Invalid and Unavailable.
func (s *Scheduler) Progress(ctx context.Context, attempt AttemptID, token int64, fraction float64) error {
	p := principal.From(ctx)
	job, _, _, ok := attempt.Split()
	if !ok {
		return fault.Newf(fault.NotFound, StepProgress, "no attempt %q", attempt)
	}
	if !(fraction >= 0 && fraction <= 1) { // NaN as well
		return fault.Field(StepProgress, "fraction", "%v is not between 0 and 1", fraction)
	}
	out, err := s.ops.Do(ctx, op{job: job, step: StepProgress, decide: func(d *draft) error {
		if err := s.allowReport(ctx, p, d, attempt); err != nil {
			return err
		}
		a := d.attempt(attempt)
		if a.Token != token {
			return fault.Newf(fault.Conflict, StepProgress, "token %d is not attempt %s's", token, attempt)
		}
		if !a.State.leased() {
			return fault.Newf(fault.Conflict, StepProgress, "attempt %s is %s", attempt, a.State)
		}
		d.advance(a, fraction)
		return nil
	}})
	if err != nil {
		return fault.Wrap(StepProgress, err)
	}
	return out[0].err
}

// allowReport asks whether the principal may speak for an attempt: the node's owner may.
func (s *Scheduler) allowReport(ctx context.Context, p principal.Principal, d *draft, id AttemptID) error {
	a := d.attempt(id)
	if a == nil {
		return fault.Newf(fault.NotFound, StepReport, "no attempt %q", id)
	}
	return s.allowNode(ctx, p, StepReport, a.Node, a.Tenant, a.NodeOwner)
}

// validate checks a report and names its job.
func (in *Report) validate() (JobID, error) {
	job, _, _, ok := in.Attempt.Split()
	if !ok {
		return "", fault.Newf(fault.NotFound, StepReport, "no attempt %q", in.Attempt)
	}
	if in.Class != "" && !slices.Contains(Classes(), in.Class) {
		return "", fault.Field(StepReport, "class", "unknown class %q: want device, job, infra or policy", in.Class)
	}
	if !utf8.ValidString(in.Reason) {
		return "", fault.Field(StepReport, "reason", "want text")
	}
	if in.Result == nil {
		return job, nil
	}
	if len(in.Result.Outputs) > maxOutputs {
		return "", fault.Field(StepReport, "outputs", "want at most %d files", maxOutputs)
	}
	seen := make(map[string]bool, len(in.Result.Outputs))
	for _, o := range in.Result.Outputs {
		if !isRelative(o.Path) || !isDigest(o.SHA256) || o.Bytes < 0 || seen[o.Path] {
			return "", fault.Field(StepReport, "outputs", "%q: want a relative path, clean and named once, a SHA-256 in lower-case hexadecimal, and a size", o.Path)
		}
		seen[o.Path] = true
	}
	return job, nil
}
