package fog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// State says how a part of the house is.
type State string

// The states of a part, as Health and the server's /health print them.
const (
	Starting    State = "starting"    // not yet ready: migrations or first round under way
	Healthy     State = "healthy"     // does its work
	Degraded    State = "degraded"    // works, with something that a person should look at
	Unavailable State = "unavailable" // down, or not part of this build; the cause says which
)

const (
	restartFirst = 50 * time.Millisecond
	restartLast  = 5 * time.Second
	steadyAfter  = 30 * time.Second // a run this long was no crash loop
)

// part is one supervised engine, flow or helper of the house.
type part struct {
	name    string
	prepare func(context.Context) error // retried until it succeeds; nil: nothing to prepare
	run     func(context.Context) error // nil: nothing runs, the part only answers calls

	mu    sync.Mutex // guards state and cause
	state State
	cause error
}

func (p *part) set(state State, cause error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state, p.cause = state, cause
}

func (p *part) status() (State, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, p.cause
}

// ready is nil when calls to the part make sense.
func (p *part) ready() error {
	state, cause := p.status()
	if state == Healthy || state == Degraded {
		return nil
	}
	if cause == nil {
		return fault.New(fault.Unavailable, p.name, "still starting, ask again")
	}
	return fault.Newf(fault.Unavailable, p.name, "%s: %w", fault.Detail(cause), cause)
}

// supervise keeps p alive until ctx ends: prepare until that succeeds, run,
// and after a failure wait a little longer each time. It returns when the
// part's last run has returned.
func supervise(ctx context.Context, p *part, log *slog.Logger) {
	wait := restartFirst
	for ctx.Err() == nil {
		began := time.Now()
		err := p.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		p.set(Unavailable, err)
		log.WarnContext(ctx, "part is down, will be started again", "part", p.name, "cause", err.Error(), "wait", wait)
		if time.Since(began) > steadyAfter {
			wait = restartFirst
		}
		pause(ctx, wait/2+rand.N(wait/2))
		wait = min(2*wait, restartLast)
	}
}

// once prepares and runs the part one time. A panic of its own goroutine
// counts as an error: the house lives on.
func (p *part) once(ctx context.Context) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	if p.prepare != nil {
		if err := p.prepare(ctx); err != nil {
			return err
		}
	}
	p.set(Healthy, nil)
	if p.run == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return p.run(ctx)
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
