package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// statusEvery is how often the status is written to the disk.
const statusEvery = 5 * time.Second

// jumpy is from what length on sleep and a clock that was set matter.
const jumpy = time.Minute

// watch reads the sensor and suspends or resumes the guests until ctx ends.
func (a *Agent) watch(ctx context.Context) {
	tick := time.NewTicker(a.cfg.Sense)
	defer tick.Stop()
	a.publish()
	last, told := a.cfg.Clocks(), a.cfg.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.trim:
			a.exec.Trim()
			continue
		case <-tick.C:
		}
		now, clocks := a.cfg.Now(), a.cfg.Clocks()
		if j := clocks.Since(last); j.Slept > jumpy || j.Stepped.Abs() > jumpy { // leases may be over, and the load is another
			a.cfg.Logger.Info("clock", "slept", j.Slept, "stepped", j.Stepped)
			tell(a.wake)
		}
		last = clocks
		a.sense(ctx)
		if now.Sub(told).Abs() >= statusEvery {
			told = now
			a.publish()
		}
	}
}

// sense reads the sensor and decides anew.
func (a *Agent) sense(ctx context.Context) {
	t, err := a.cfg.Sensor.Read(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		a.cfg.Logger.Warn("sensor", "error", err)
		t = idle.Telemetry{} // nothing is known; the policy says what follows
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.decision.Eligible
	a.telemetry = t
	a.decision = idle.Evaluate(*a.cfg.Policy, t, a.decision, a.cfg.Now())
	if a.decision.Eligible != was {
		tell(a.wake)
	}
	a.tier = a.cfg.Policy.Limits.Tier(t.TempC, a.tier)
	a.throttle()
	a.act()
}

// situation is what the device decides about. The lock is held.
func (a *Agent) situation() idle.Situation {
	s := idle.Situation{Phase: idle.Vacant, Since: a.paused, Desired: a.desired, Decision: a.decision, Patience: a.cfg.MaxPause}
	switch {
	case len(a.attempts) == 0:
	case a.paused.IsZero():
		s.Phase = idle.Working
	default:
		s.Phase = idle.Suspended
	}
	if a.leaving && s.Desired == idle.Run {
		s.Desired = idle.Drain
	}
	if !a.allowed {
		s.Forbidden = a.refusal
	}
	return s
}

// act decides what to do with the guests and does it. What one step brings about may call for another one: guests that have just
// been suspended give way at once where memory is short. The lock is held.
func (a *Agent) act() {
	for range 2 {
		s := a.situation()
		a.verdict = idle.Decide(&s, a.cfg.Now())
		a.settle()
		switch a.verdict.Action {
		case idle.Suspend:
			continue
		case idle.Preempt:
			for _, t := range a.attempts {
				t.giveBack(causeOf(a.verdict.Reasons))
			}
		case idle.Kill:
			for _, t := range a.attempts {
				t.drop(ErrStopped)
			}
		}
		return
	}
}

// causeOf tells the server why guests were preempted.
func causeOf(reasons []idle.Reason) string {
	for _, r := range reasons {
		switch r.Code {
		case idle.SuspendedTooFar:
			return r.Text
		case idle.MemoryLow:
			return "suspended, and the device needs its memory"
		case idle.DiskLow:
			return "suspended, and the device needs its disk space"
		}
	}
	return "suspended"
}

// settle suspends or resumes the guests if the device's own policy or the server's opinion has changed. The lock is held.
func (a *Agent) settle() {
	may := a.decision.Eligible && (a.allowed || len(a.refusal) == 0)
	if may == a.paused.IsZero() && (may == isClosed(a.open)) {
		return
	}
	if may {
		a.paused = time.Time{}
		close(a.open)
	} else {
		a.paused = a.cfg.Now()
		if isClosed(a.open) {
			a.open = make(chan struct{})
		}
	}
	a.hold()
	if !may {
		tell(a.trim) // what is kept warm would only occupy memory that somebody wants
	}
	a.cfg.Logger.Info("guests", "run", may, "reasons", a.verdict.Reasons)
}

// hold pauses the guests, or lets them go on. The lock is held.
func (a *Agent) hold() {
	for _, t := range a.attempts {
		t.pause(a.halted())
	}
}

// halted reports whether guests must not run now. The lock is held.
func (a *Agent) halted() bool { return !a.paused.IsZero() || a.throttled }

// isClosed reports whether guests may run.
func isClosed(gate <-chan struct{}) bool {
	select {
	case <-gate:
		return true
	default:
		return false
	}
}

// dropAll ends every attempt.
func (a *Agent) dropAll(cause error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, t := range a.attempts {
		t.drop(cause)
	}
}

// returned is why an attempt is given back to the server, which is told.
type returned struct{ reason string }

func (r *returned) Error() string { return r.reason }

// outcomeOf is the outcome of an attempt that ended before its guest did.
func outcomeOf(err error) worker.Outcome {
	var back *returned
	if errors.As(err, &back) {
		return worker.Outcome{Class: worker.ClassDevice, Reason: back.reason}
	}
	return worker.Outcome{Class: worker.ClassDevice, Reason: fmt.Sprintf("ended: %v", err)}
}
