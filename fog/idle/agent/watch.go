package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// watch reads the sensor and suspends or resumes the guests until ctx ends.
func (a *Agent) watch(ctx context.Context) {
	tick := time.NewTicker(a.cfg.Sense)
	defer tick.Stop()
	last := a.cfg.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.trim:
			a.exec.Trim()
			continue
		case <-tick.C:
		}
		now := a.cfg.Now()
		if asleep(last, now) > time.Minute { // this machine slept: leases may be over and the load is another
			tell(a.wake)
		}
		last = now
		a.sense(ctx)
	}
}

// asleep is by how much the clock on the wall went on while the machine did not.
func asleep(last, now time.Time) time.Duration {
	return now.Round(0).Sub(last.Round(0)) - now.Sub(last)
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
	a.settle()
	a.relieve()
}

// settle suspends or resumes the guests if the device's own policy or the server's opinion has changed. The lock is held.
func (a *Agent) settle() {
	may := a.decision.Eligible && a.allowed
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
	for _, t := range a.attempts {
		t.pause(!may)
	}
	if !may {
		tell(a.trim) // what is kept warm would only occupy memory that somebody wants
	}
	a.cfg.Logger.Info("guests", "run", may, "reasons", a.decision.Reasons)
}

// isClosed reports whether guests may run.
func isClosed(gate <-chan struct{}) bool {
	select {
	case <-gate:
		return true
	default:
		return false
	}
}

// relieve gives attempts back that have been suspended for too long, or at once if memory is short: a suspended guest keeps
// its own. The lock is held.
func (a *Agent) relieve() {
	if a.paused.IsZero() {
		return
	}
	paused := a.cfg.Now().Sub(a.paused)
	short := slices.ContainsFunc(a.decision.Reasons, func(r idle.Reason) bool { return r.Code == idle.MemoryLow })
	if paused < a.cfg.MaxPause && !short {
		return
	}
	reason := "suspended for more than " + a.cfg.MaxPause.String()
	if short {
		reason = "suspended, and the device needs its memory"
	}
	for _, t := range a.attempts {
		t.giveBack(reason)
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
