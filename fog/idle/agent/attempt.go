package agent

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// attempt is one offer on its way through this device:
//
//	fetching -> waiting -> running <-> suspended
//	    |          |          |
//	    +----------+----------+--> reporting -> gone
//
// Cancelled attempts go without a report. An attempt is held, and its lease renewed, from the offer until it is gone.
type attempt struct {
	agent *Agent
	offer idle.Offer
	ctx   context.Context //nolint:containedctx // the life of the attempt
	end   context.CancelCauseFunc

	kept *worker.Outcome // of an earlier run of the agent; nil: the guest is to run

	mu   sync.Mutex // guards run; taken after the agent's
	run  Execution  // nil until the guest runs and after it has ended
	halt bool       // the guest is to be suspended

	// evict ends the attempt when its grace is over; nil while nobody needs its room. evictAt is that time as the server says
	// it. Both are guarded by mu.
	evict   *time.Timer
	evictAt time.Time
}

func newAttempt(ctx context.Context, a *Agent, o *idle.Offer) *attempt {
	t := &attempt{agent: a, offer: *o, halt: a.halted()}
	t.ctx, t.end = context.WithCancelCause(context.WithoutCancel(ctx))
	return t
}

// drop ends the attempt without a report.
func (t *attempt) drop(cause error) { t.stop(cause, "cancelled") }

// giveBack ends the attempt, and the server is told.
func (t *attempt) giveBack(reason string) { t.stop(&returned{reason}, reason) }

func (t *attempt) stop(cause error, reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end(cause) // the first cause counts
	if t.run != nil {
		t.run.Kill(worker.ClassDevice, reason)
	}
}

// reportTime is what is left of a grace for telling the server that it is used up: a tenth, and a second at most.
const reportTime = time.Second

// makeWay follows a lease. Where the server says that the attempt makes way for another, the guest may finish by then; else the
// attempt is given back just before, so that its room is free at once. The guest is told nothing. A lease without an eviction
// takes it back.
func (t *attempt) makeWay(l *idle.Lease) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if l.Token != t.offer.Token || l.EvictAt.Equal(t.evictAt) {
		return
	}
	t.spare()
	if t.evictAt = l.EvictAt; l.EvictAt.IsZero() {
		return
	}
	left := duration(l.EvictSeconds, maxRuntime)
	t.evict = time.AfterFunc(left-min(left/10, reportTime), func() { t.giveBack(evicted) })
}

// evicted is the reason of an attempt whose grace is over.
const evicted = "evicted: it made way for another job"

// spare forgets an eviction. The lock is held.
func (t *attempt) spare() {
	if t.evict != nil {
		t.evict.Stop()
		t.evict = nil
	}
}

// pause suspends or resumes the guest.
func (t *attempt) pause(halt bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.halt = halt
	t.apply()
}

// apply brings the guest into the state that it is to be in. A device that cannot suspend kills: its owner comes first. The lock is held.
func (t *attempt) apply() {
	if t.run == nil {
		return
	}
	var err error
	if t.halt {
		err = t.run.Suspend()
	} else {
		err = t.run.Resume()
	}
	if err != nil {
		t.run.Kill(worker.ClassDevice, "guests cannot be suspended here, and the device is needed")
	}
}

// live carries the attempt through. It is the attempt's goroutine.
func (t *attempt) live() {
	a := t.agent
	defer t.end(nil)
	var out worker.Outcome
	if t.kept != nil {
		out = *t.kept
	} else {
		out = t.execute()
	}
	t.mu.Lock()
	t.spare() // the guest has ended: there is nothing left to stop
	t.mu.Unlock()
	delivered := false
	if !t.dropped() {
		delivered = t.deliver(&out)
	}
	if !errors.Is(context.Cause(t.ctx), errGone) { // else the next run of the agent goes on with it
		a.forget(t.offer.Attempt)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.attempts, t.offer.Attempt)
	switch {
	case !delivered:
		a.status.Dropped++
	case out.OK():
		a.status.Done++
	default:
		a.status.Done++
		a.status.Failed++
	}
	tell(a.room)
}

// dropped reports whether nobody wants to hear of the attempt any more.
func (t *attempt) dropped() bool {
	var back *returned
	cause := context.Cause(t.ctx)
	return cause != nil && !errors.As(cause, &back)
}

// execute fetches what the guest needs and runs it to its end.
func (t *attempt) execute() worker.Outcome {
	job, err := t.job()
	if err != nil {
		return worker.Outcome{Class: worker.ClassPolicy, Reason: fault.Detail(err)}
	}
	pinned, err := t.fetch(&job)
	defer func() { t.agent.store.unpin(pinned) }()
	if err != nil {
		return t.failure(err)
	}
	if err := t.enter(); err != nil {
		return outcomeOf(err)
	}
	defer func() { <-t.agent.slots }()
	run, err := t.agent.exec.Start(t.ctx, job)
	if err != nil {
		return t.failure(err)
	}
	t.mu.Lock()
	t.run = run
	if cause := context.Cause(t.ctx); cause != nil {
		run.Kill(worker.ClassDevice, outcomeOf(cause).Reason)
	}
	t.apply()
	t.mu.Unlock()
	<-run.Done()
	t.mu.Lock()
	t.run = nil
	t.mu.Unlock()
	out := run.Outcome()
	out.Reason = t.agent.placeless(out.Reason)
	if out.Class == worker.ClassInfra { // something was not what its name says: get it again next time
		t.agent.store.spoil(pinned)
	}
	return out
}

// failure is the outcome of an attempt that could not be started.
func (t *attempt) failure(err error) worker.Outcome {
	if cause := context.Cause(t.ctx); cause != nil {
		return outcomeOf(cause)
	}
	switch fault.KindOf(err) {
	case fault.Invalid, fault.TooLarge:
		return worker.Outcome{Class: worker.ClassPolicy, Reason: fault.Detail(err)}
	case fault.Unavailable, fault.NotFound, fault.Denied, fault.Conflict, fault.Limited:
		return worker.Outcome{Class: worker.ClassInfra, Reason: err.Error()}
	default: // of this device: its disk, its processes
		return worker.Outcome{Class: worker.ClassDevice, Reason: t.agent.placeless(err.Error())}
	}
}

// placeless is a reason without this device's folder: its path may name its user, and strangers read the reason.
func (a *Agent) placeless(reason string) string { return strings.ReplaceAll(reason, a.dir, "...") }

// Bounds that this device puts on offers.
const (
	maxStdout  = 64 << 10
	maxRuntime = 30 * 24 * time.Hour
	maxInput   = 512 << 20 // stdin and all inputs together
)

// job translates the offer. Its errors name what this device does not accept.
func (t *attempt) job() (worker.Job, error) {
	const op, mib = "agent.offer", 1 << 20
	o := &t.offer
	memory := o.MaxMemoryMB
	if memory == 0 {
		memory = max(o.MemoryMB, 256)
	}
	if memory < 0 || memory > math.MaxInt64/mib {
		return worker.Job{}, fault.Field(op, "maxMemoryMb", "cannot be met")
	}
	if lent := t.agent.cfg.Capacity.MemoryMB; lent > 0 && memory > max(lent, 256) {
		return worker.Job{}, fault.Field(op, "maxMemoryMb", "%d MiB, this device lends %d", memory, lent)
	}
	limit := duration(o.MaxRuntimeSeconds, maxRuntime)
	job := worker.Job{
		Module: o.Module, Args: o.Args, Stdin: o.Stdin, Output: o.Output, Seed: o.Seed,
		Limits: worker.Limits{
			MemoryBytes: min(memory, 4096) * mib, OutputBytes: o.MaxOutputBytes, StdoutBytes: maxStdout, CPU: limit, Wall: limit,
		},
	}
	if o.MaxStdoutBytes > 0 && o.MaxStdoutBytes < maxStdout {
		job.Limits.StdoutBytes = o.MaxStdoutBytes
	}
	for _, in := range o.Inputs {
		job.Inputs = append(job.Inputs, worker.Input{Path: strings.TrimPrefix(in.Path, "/in/"), SHA256: in.SHA256})
	}
	return job, job.Validate()
}

// fetch makes sure that module and inputs are on this device. It returns what has been pinned. No more is fetched than a guest may
// have: an offer must not fill the disk.
func (t *attempt) fetch(job *worker.Job) (pinned []string, err error) {
	pin := func(digest string, most int64) (int64, error) {
		size, err := t.agent.store.pin(t.ctx, digest, most)
		if err == nil {
			pinned = append(pinned, digest)
		}
		return size, err
	}
	if _, err := pin(job.Module, worker.MaxModuleBytes); err != nil {
		return pinned, err
	}
	left := int64(maxInput)
	if job.Stdin != "" {
		size, err := pin(job.Stdin, left)
		if err != nil {
			return pinned, err
		}
		left -= size
	}
	for _, in := range job.Inputs {
		size, err := pin(in.SHA256, left)
		if err != nil {
			return pinned, err
		}
		left -= size
	}
	return pinned, nil
}

// enter waits for a slot, and until guests may run.
func (t *attempt) enter() error {
	a := t.agent
	for {
		a.mu.Lock()
		gate := a.open
		a.mu.Unlock()
		select {
		case <-gate:
		case <-t.ctx.Done():
			return context.Cause(t.ctx)
		}
		select {
		case a.slots <- struct{}{}:
			if a.running(gate) {
				return nil
			}
			<-a.slots // it closed while this one waited
		case <-t.ctx.Done():
			return context.Cause(t.ctx)
		}
	}
}

// running reports whether a gate through which guests go is still the one that counts.
func (a *Agent) running(gate chan struct{}) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return gate == a.open
}
