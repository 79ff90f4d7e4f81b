package fog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

// State says how a part of the house is.
type State string

// The states of a part, as Health and the server's /health print them.
//
//	           database there              fails                   has run for a while
//	starting ----------------> healthy ------------> unavailable ----------------------> healthy
//	                             ^  |                     ^
//	                             |  | something to see to | fails
//	                             |  v                     |
//	                           degraded ------------------+
const (
	Starting    State = "starting"    // not yet ready: migrations or first round under way
	Healthy     State = "healthy"     // does its work
	Degraded    State = "degraded"    // works, with something that a person should look at
	Unavailable State = "unavailable" // down, or not part of this build; the cause says which
)

const (
	restartFirst = 50 * time.Millisecond
	restartLast  = 5 * time.Second
	steadyAfter  = 30 * time.Second       // a run this long was no crash loop
	provenAfter  = 500 * time.Millisecond // a run after a failure counts as healthy once it has lasted so long
)

// part is one supervised engine, flow or helper of the house.
type part struct {
	name   string
	topic  journal.Topic               // that it reads, for a flow
	judges bool                        // its run says itself how the part is
	helper bool                        // nobody calls it
	run    func(context.Context) error // nil: nothing runs, the part only answers calls

	mu    sync.Mutex // guards what follows
	state State
	cause error
	runs  int           // how often it was started: a late word of an earlier run counts for nothing
	up    chan struct{} // closed while the state is healthy or degraded
	over  bool          // its supervisor has ended
}

func newPart(name string, run func(context.Context) error) *part {
	return &part{name: name, run: run, state: Starting, up: make(chan struct{})}
}

// set changes the part's state and reports whether that is news.
func (p *part) set(state State, cause error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.change(state, cause)
}

// change is set for a caller who holds the lock.
func (p *part) change(state State, cause error) bool {
	was := p.state
	p.state, p.cause = state, cause
	switch {
	case works(was) && !works(state):
		p.up = make(chan struct{})
	case !works(was) && works(state):
		close(p.up)
	}
	return was != state
}

// works reports whether calls to a part in a state make sense.
func works(state State) bool { return state == Healthy || state == Degraded }

// begin counts a run and returns its number.
func (p *part) begin() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs++
	return p.runs
}

// prove calls the part healthy if the run with the number is still under way.
func (p *part) prove(run int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs == run && !p.judges && !works(p.state) {
		p.change(Healthy, nil)
	}
}

// fail ends the run that is under way.
func (p *part) fail(cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs++
	p.change(Unavailable, cause)
}

// end notes that nothing of the part runs any more.
func (p *part) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
}

func (p *part) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over
}

func (p *part) status() (State, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, p.cause
}

// ready is nil when calls to the part make sense.
func (p *part) ready() error {
	state, cause := p.status()
	if works(state) {
		return nil
	}
	if cause == nil {
		return fault.New(fault.Unavailable, p.name, "still starting, ask again")
	}
	return &fault.Error{Kind: fault.Unavailable, Op: p.name, Detail: fault.Detail(cause), Err: cause}
}

// await blocks until the part works, and reports whether it had to wait. It
// returns early when ctx ends.
func (p *part) await(ctx context.Context) (waited bool) {
	for ctx.Err() == nil {
		p.mu.Lock()
		state, up := p.state, p.up
		p.mu.Unlock()
		if works(state) {
			return waited
		}
		waited = true
		select {
		case <-ctx.Done():
		case <-up:
		}
	}
	return waited
}

// supervise keeps p alive until ctx ends: run, and after a failure wait a
// little longer each time. Without the database nothing is tried: what it stands
// on (nil: nothing) must be there first. It returns when the part's last run has
// returned.
func supervise(ctx context.Context, p, ground *part, log *slog.Logger) {
	defer p.end()
	wait, healthy := restartFirst, true
	for ctx.Err() == nil {
		if ground != nil && ground.await(ctx) {
			wait, healthy = restartFirst, true
		}
		began := time.Now()
		err := p.once(ctx, healthy)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		p.fail(err)
		log.WarnContext(ctx, "part is down, will be started again", "part", p.name, "cause", err.Error(), "wait", wait)
		if time.Since(began) > steadyAfter {
			wait = restartFirst
		}
		pause(ctx, wait/2+rand.N(wait/2))
		wait, healthy = min(2*wait, restartLast), false
	}
}

// once runs the part one time. Unless it counts as healthy from the start, it
// has to prove itself first, so that a part which fails again and again is not
// taken for a sound one in between.
func (p *part) once(ctx context.Context, healthy bool) (err error) {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	run := p.begin()
	if healthy {
		p.prove(run)
	} else {
		proof := time.AfterFunc(provenAfter, func() { p.prove(run) })
		defer proof.Stop()
	}
	if p.run == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return guarded(func() error { return p.run(ctx) })
}

// guarded turns a panic of f's own goroutine into an error: the house lives on.
func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, debug.Stack())
		}
	}()
	return f()
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
