package tokenomics

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// load is callers that ask one after the other, each of them as soon as it has its answer and its pause is over.
type load struct {
	callers int
	lasts   time.Duration
	pause   func(n uint64) time.Duration              // between two calls of a caller; nil: none
	one     func(ctx context.Context, n uint64) error // n is another one in every call of a run
	around  func(run func() error) error              // takes a profile; nil: none
}

// outcome is what a load has seen.
type outcome struct {
	took []time.Duration // of each call
	wall time.Duration   // from the first call to the last answer
}

// rate is how many calls were answered in a second.
func (o outcome) rate() float64 { return float64(len(o.took)) / o.wall.Seconds() }

// run loads until its time is over and every call has been answered. One wrong answer ends it.
func (l load) run(ctx context.Context) (outcome, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all sync.WaitGroup
	var next atomic.Uint64
	took := make([][]time.Duration, l.callers)
	began := time.Now()
	for c := range took {
		all.Go(func() {
			for time.Since(began) < l.lasts && ctx.Err() == nil {
				n := next.Add(1)
				asked := time.Now()
				if err := l.one(ctx, n); err != nil {
					stop(err)
					return
				}
				took[c] = append(took[c], time.Since(asked))
				if l.pause != nil {
					time.Sleep(l.pause(n))
				}
			}
		})
	}
	all.Wait()
	o := outcome{wall: time.Since(began)}
	for _, t := range took {
		o.took = append(o.took, t...)
	}
	if ctx.Err() != nil {
		return o, context.Cause(ctx)
	}
	if len(o.took) == 0 {
		return o, errors.New("nothing was answered")
	}
	return o, nil
}
