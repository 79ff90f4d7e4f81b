package scheduler

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// judge accepts a result: the slots whose results equal it are valid, the others are not. A result that says that the
// program failed, when it is agreed upon, fails the job.
func (d *draft) judge(agreed *Result) {
	j := &d.Job
	d.judged = j.Trust.Adaptive || j.Slots > 1
	first := j.Finished.IsZero() || !j.Trust.Compare.Equal(agreed, j.Result)
	if first {
		j.Result = agreed
	}
	for s := range j.Slots {
		a := d.newest(s)
		if a == nil || a.State != AttemptReported {
			continue
		}
		a.Since = d.now
		switch {
		case !j.Trust.Compare.Equal(agreed, a.Result):
			a.State, a.Reason = AttemptInvalid, "other replicas agree on another result"
		case a.Result.ExitCode != 0:
			a.State, a.Class = AttemptFailed, ClassJob
		default:
			a.State = AttemptValid
		}
	}
	if code := agreed.ExitCode; code != 0 {
		d.finish(Failed, fmt.Sprintf("the program ended with exit code %d", code))
		return
	}
	j.Progress = 1
	if first {
		j.Finished = d.now
	}
	d.steps = append(d.steps, StepValidate)
	d.enter(Validated, "")
	d.vest()
}

// vests is when a validated job vests: what was compared with no other result is held back for longer, so that it can be audited.
func (j *Job) vests(r rules) time.Time {
	if j.alone() {
		return j.Finished.Add(max(r.vest, r.holdBack))
	}
	return j.Finished.Add(r.vest)
}

// vest ends a validated job once its window is over.
func (d *draft) vest() {
	if d.Job.State == Validated && !d.now.Before(d.Job.vests(d.rules)) {
		d.steps = append(d.steps, StepVest)
		d.enter(Vested, "")
	}
}

// fail ends an attempt without a usable result and decides whether its job is tried again: not where the class has
// reached the tier's limit, nor where two owners' nodes saw the job fail in the same way.
func (d *draft) fail(a *Attempt, s AttemptState, class Class, reason string) {
	d.close(a, s, reason)
	a.Class = class
	j := &d.Job
	n := j.count(class)
	d.note("slot %d on %s: %s (%s)", a.Slot, a.Node, reason, class)
	switch limit := TermsOf(j.Tier).Limits.Of(class); {
	case class == ClassJob && d.confirmed(a):
		j.Result = a.Result
		d.end(Failed, reason+", on nodes of two owners")
	case n >= limit:
		j.Result = a.Result
		d.end(Failed, fmt.Sprintf("%s (failure %d of class %s, which allows no more)", reason, n, class))
	default:
		j.ReadyAt = d.now.Add(backOff(class, n, j))
	}
}

// confirmed reports whether a node of another owner saw the job fail in the same way before.
func (d *draft) confirmed(a *Attempt) bool {
	for i := range d.Attempts {
		b := &d.Attempts[i]
		if b.State == AttemptFailed && b.Class == ClassJob && b.NodeOwner != a.NodeOwner && sameFailure(a, b) {
			return true
		}
	}
	return false
}

func sameFailure(a, b *Attempt) bool {
	if a.Result == nil || b.Result == nil {
		return a.Result == b.Result && a.Reason == b.Reason
	}
	return a.Result.Digest == b.Result.Digest
}

// backOff is how long a job waits after its nth failure of a class: exponential, and jittered by half either way so that
// jobs that failed together do not return together. The jitter comes from the job, so that the decision is repeatable.
func backOff(c Class, n int, j *Job) time.Duration {
	base, most := 250*time.Millisecond, 30*time.Second
	if c == ClassInfra {
		base, most = time.Second, 2*time.Minute
	}
	wait := most
	if n < 16 {
		wait = min(base<<(n-1), most)
	}
	h := fnv.New64a()
	h.Write([]byte(j.ID))
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(j.NextToken)))
	jitter := 0.5 + float64(h.Sum64()>>11)/(1<<53)
	return time.Duration(float64(wait) * jitter).Truncate(time.Microsecond)
}

// kept is the result as it is stored: streams cut to their limits, outputs in the order of their paths, the digest computed.
func (r *Result) kept(task *Task) *Result {
	k := *r
	limit := int64(MaxStdout)
	if task.MaxStdoutBytes > 0 {
		limit = min(limit, task.MaxStdoutBytes)
	}
	k.Stdout = k.Stdout[:min(int64(len(k.Stdout)), limit)]
	k.Stderr = k.Stderr[:min(len(k.Stderr), MaxStderr)]
	k.Outputs = slices.Clone(k.Outputs)
	sortBy(k.Outputs, func(a, b *Output) int { return strings.Compare(a.Path, b.Path) })
	k.CPUSeconds = sane(k.CPUSeconds)
	k.WallSeconds = sane(k.WallSeconds)
	k.Digest = k.digest()
	return &k
}

// sane bounds what a node says about its time: it is summed up.
func sane(seconds float64) float64 {
	if !(seconds > 0) { // NaN as well
		return 0
	}
	return min(seconds, 1e7)
}

// digest is SHA-256 over exit code, standard output and outputs, each part preceded by its length.
func (r *Result) digest() string {
	h := sha256.New()
	part := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(int64(r.ExitCode))))
	part(r.Stdout)
	for _, o := range r.Outputs {
		part([]byte(o.Path))
		part([]byte(o.SHA256))
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(o.Bytes)))
	}
	return hex.EncodeToString(h.Sum(nil))
}
