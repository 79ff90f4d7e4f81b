package agent

import (
	"context"
	"errors"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

const (
	// minPause is the least time between two beats: servers limit how many a device may send.
	minPause = 25 * time.Millisecond
	// maxPause is the longest time between two beats, whatever the server says.
	maxPause = 5 * time.Minute
	// refresh is for how long the server may believe that an attempt is held which has ended.
	refresh = time.Second
	// maxFlight is how many beats may be open at once: a long poll, its successor that holds less, and one with news of the
	// device that waits for neither.
	maxFlight = 3
)

// answer is how a beat ended.
type answer struct {
	directive *idle.Directive
	err       error
	seq       uint64
	take      int
	poll      bool // the server may have waited before it answered
	took      time.Duration
}

// pulse decides when to beat. Only the loop in beats uses it.
type pulse struct {
	flying int       // beats that are open
	polls  int       // of these, long polls, which return by themselves when there is work
	sent   time.Time // the last beat
	due    time.Time // the next one, unless there is news
	failed int       // beats in a row
	hasty  int       // answers in a row that came at once and brought nothing
	newest uint64    // sequence number of the newest answer
}

// beats keeps the server informed and obeys it until ctx ends (nil) or the server ends it (ErrStopped).
func (a *Agent) beats(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var p pulse
	answers := make(chan answer, maxFlight)
	defer func() {
		cancel()
		for ; p.flying > 0; p.flying-- {
			<-answers
		}
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.wake:
			p.due = p.sent.Add(minPause)
		case <-a.room:
			p.ended(a.cfg.Now())
		case got := <-answers:
			p.flying--
			if err := a.digest(ctx, &p, &got); err != nil {
				return err
			}
		case <-timer.C:
		}
		if a.drained() {
			return nil
		}
		now := a.cfg.Now()
		if !now.Before(p.due) && p.flying < maxFlight {
			b := a.nextBeat()
			p.launch(now, b)
			go func() { answers <- a.send(ctx, b) }()
		}
		if p.flying < maxFlight {
			timer.Reset(max(p.due.Sub(now), 0))
		} else {
			timer.Reset(maxPause) // the next thing to happen is an answer
		}
	}
}

// ended hurries the next beat because an attempt has ended: there is room. An open long poll has asked for work already; then the
// beat can wait a moment, so that many short jobs do not cost one each, and only says that less is held.
func (p *pulse) ended(now time.Time) {
	due := p.sent.Add(minPause)
	switch {
	case p.polls > 0 && p.flying > 1:
		return
	case p.polls > 0:
		due = now.Add(refresh)
	}
	if due.Before(p.due) {
		p.due = due
	}
}

// launch notes a beat that is sent now.
func (p *pulse) launch(now time.Time, b *beat) {
	p.flying++
	if b.Wait > 0 {
		p.polls++
	}
	p.sent, p.due = now, now.Add(maxPause)
}

// send sends a beat.
func (a *Agent) send(ctx context.Context, b *beat) answer {
	began := a.cfg.Now()
	d, err := a.client.beat(ctx, b)
	return answer{directive: d, err: err, seq: b.Seq, take: b.Take, poll: b.Wait > 0, took: a.cfg.Now().Sub(began)}
}

// nextBeat says how the device is now. It asks for work only if it could do it, and then waits for it, unless the server has
// forbidden it so far: then the answer that it no longer does must not wait.
func (a *Agent) nextBeat() *beat {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seq++
	b := &beat{
		Battery: pointer(a.telemetry.Battery), Charging: pointer(a.telemetry.Charging),
		Boot: a.boot, Seq: a.seq, Telemetry: encodeSignals(&a.telemetry), Held: make([]idle.Held, 0, len(a.attempts)),
	}
	for _, t := range a.attempts {
		b.Held = append(b.Held, idle.Held{Attempt: t.offer.Attempt, Token: t.offer.Token, Suspended: !a.paused.IsZero()})
	}
	if a.decision.Eligible && a.desired == idle.Run && !a.leaving {
		b.Take = max(0, a.cfg.MaxHeld-len(a.attempts))
	}
	if b.Take > 0 && a.allowed {
		b.Wait = a.cfg.Wait.Seconds()
	}
	return b
}

// digest draws the conclusions from an answer.
func (a *Agent) digest(ctx context.Context, p *pulse, got *answer) error {
	now := a.cfg.Now()
	if got.poll {
		p.polls--
	}
	if got.err != nil {
		return a.refused(ctx, p, got)
	}
	p.failed = 0
	latest := got.seq > p.newest
	p.newest = max(p.newest, got.seq)
	took := a.obey(ctx, got.directive, latest)
	switch {
	case !latest: // a later beat has been answered already, and the next one is due by that
		return nil
	case got.directive.Desired == idle.Stop:
		return ErrStopped
	}
	pause := min(duration(got.directive.NextSeconds, maxPause), maxPause)
	switch {
	case took > 0:
		p.hasty, pause = 0, 0 // there may be more where this came from
	case got.take > 0 && got.directive.Eligible && got.directive.Desired == idle.Run && got.took < time.Second:
		// There is room, but the server answered at once and had nothing: ask again soon, then less and less often.
		p.hasty++
		pause = min(pause, minPause<<min(p.hasty, 16))
	default:
		p.hasty = 0
	}
	p.due = now.Add(max(pause, minPause-now.Sub(p.sent)))
	return nil
}

// refused decides what follows from a beat that failed.
func (a *Agent) refused(ctx context.Context, p *pulse, got *answer) error {
	if ctx.Err() != nil {
		return nil
	}
	a.cfg.Logger.Warn("beat", "error", got.err)
	a.mu.Lock()
	a.status.Connected = false
	overtaken := got.seq != a.seq
	a.mu.Unlock()
	p.due = a.cfg.Now().Add(backoff(p.failed, got.err))
	p.failed++
	switch fault.KindOf(got.err) {
	case fault.NotFound: // the server has lost its memory, or the device was unregistered: enrol again
		err := a.client.register(ctx, a.enrolment())
		if k := fault.KindOf(err); err != nil && (k == fault.Denied || k == fault.Invalid || k == fault.Conflict) {
			return fault.Wrap("agent.register", err)
		}
	case fault.Conflict: // the server has heard a later beat than this one: start counting anew, unless that was one of ours
		if overtaken {
			return nil
		}
		boot, err := random(16)
		if err != nil {
			return err
		}
		a.mu.Lock()
		a.boot, a.seq = boot, 0
		a.mu.Unlock()
		p.newest = 0
	}
	return nil
}

// obey does what a directive says and returns how many attempts it brought. What an older answer says about the device is out of date,
// but what it hands out or takes away counts.
func (a *Agent) obey(ctx context.Context, d *idle.Directive, latest bool) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status.Connected = true
	a.status.Beats++
	if latest {
		a.allowed, a.desired, a.refusal = d.Eligible, d.Desired, nil
		if !d.Eligible {
			a.refusal = append([]idle.Reason{{Code: serverForbids, Text: "the server forbids it"}}, d.Reasons...)
		}
	}
	for _, id := range d.Cancel {
		if t := a.attempts[id]; t != nil {
			t.drop(errCancelled)
		}
	}
	for i := range d.Renewed {
		l := &d.Renewed[i]
		if t := a.attempts[l.Attempt]; t != nil && (latest || !l.EvictAt.IsZero()) {
			t.makeWay(l)
		}
	}
	taken, refused := 0, 0
	for i := range d.Offers {
		switch o := &d.Offers[i]; {
		case a.known(o):
		case a.admit(ctx, o):
			taken++
		default:
			refused++
		}
	}
	if refused > 0 {
		a.cfg.Logger.Warn("offers refused", "count", refused, "held", len(a.attempts))
	}
	a.act()
	return taken
}

// serverForbids is the code of the reason that stands before the server's own.
const serverForbids = "server_forbids"

// errCancelled is why an attempt ends whose result nobody wants.
var errCancelled = errors.New("agent: cancelled by the server")

// known reports whether the device holds what it is offered. The lock is held.
func (a *Agent) known(o *idle.Offer) bool {
	old := a.attempts[o.Attempt]
	if old != nil && old.offer.Token < o.Token { // leased to this device once more: the earlier lease is worthless
		old.drop(errCancelled)
	}
	return old != nil
}

// admit takes an offer. A server that offers what it was not asked for is not obeyed: such an attempt is left to its lease. The lock is held.
func (a *Agent) admit(ctx context.Context, o *idle.Offer) bool {
	if o.Attempt == "" || len(o.Attempt) > 256 || len(a.attempts) >= a.cfg.MaxHeld || a.leaving || ctx.Err() != nil {
		return false
	}
	t := newAttempt(ctx, a, o)
	a.attempts[o.Attempt] = t
	a.group.Go(t.live)
	return true
}
