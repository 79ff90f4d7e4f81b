// Package batch lets many callers share one commit.
//
// A Combiner has no goroutine and no timer. The first caller becomes the leader and runs the work for itself at once;
// whoever arrives meanwhile queues up, and when the leader is done the head of the queue leads the next batch with
// everyone behind it. A lone caller therefore waits for nobody, and under load batches grow by themselves to what one
// commit's time lets in: the group commit of DeWitt et al., "Implementation Techniques for Main Memory Database Systems"
// (SIGMOD 1984), with the callers' own goroutines in place of a log writer.
package batch

import (
	"context"
	"sync"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Combiner joins the items of concurrent callers into batches. Make one with New. It is safe for concurrent use.
type Combiner[T, R any] struct {
	do   func(ctx context.Context, items []T, next func()) ([]R, error)
	line line
}

// share is what one call brings and gets. The leader writes the results before it closes the call's done.
type share[T, R any] struct {
	items   []T
	results []R
}

// New returns a Combiner that runs do on batches of up to limit items. The items of one call are never separated, so a
// call with more items forms a batch alone; a limit below 1 gives each call a batch of its own. The function do is never
// run twice at once and must return one result per item, in order, or an error that all callers receive.
func New[T, R any](limit int, do func(ctx context.Context, items []T) ([]R, error)) *Combiner[T, R] {
	return NewEager(limit, func(ctx context.Context, items []T, _ func()) ([]R, error) { return do(ctx, items) })
}

// NewEager is New for work that may be divided: do calls next, at most once, when the next batch may begin although this one
// has not ended. What was queued by then forms that batch. Both then run at once, and do sees to it that they do not
// disturb each other.
func NewEager[T, R any](limit int, do func(ctx context.Context, items []T, next func()) ([]R, error)) *Combiner[T, R] {
	return &Combiner[T, R]{do: do, line: line{limit: limit}}
}

// Do adds items to a batch and returns their results, in order, once the batch has been done. No items do nothing.
//
// The work runs under the leader's context without its cancellation: its values are those of one caller of the batch. A
// caller whose ctx ends gets an error of kind Unavailable that wraps ctx.Err(); while its items still stand in the queue
// they are withdrawn, later the outcome is unknown and the error says so. A leader always stays to the end of its batch.
func (c *Combiner[T, R]) Do(ctx context.Context, items ...T) ([]R, error) {
	if len(items) == 0 {
		return nil, nil
	}
	own := &share[T, R]{items: items}
	call := &call{size: len(items), share: own}
	leads, err := c.line.stand(ctx, call)
	if leads {
		c.run(ctx)
		err = call.err
	}
	if err != nil {
		return nil, err
	}
	return own.results, nil
}

// run does the batch at the head of the queue, in which the leader's own call stands first, and passes leadership on.
func (c *Combiner[T, R]) run(ctx context.Context) {
	calls, size := c.line.take()
	next := sync.OnceFunc(c.line.pass)
	err := error(fault.New(fault.Internal, "batch.do", "the batch panicked"))
	defer func() { // also when do panics: nobody may be left waiting
		c.line.finish(calls, err)
		next()
	}()
	items := make([]T, 0, size)
	for _, call := range calls {
		items = append(items, call.share.(*share[T, R]).items...)
	}
	results, err2 := c.do(context.WithoutCancel(ctx), items, next)
	if err2 == nil && len(results) != len(items) {
		err2 = fault.Newf(fault.Internal, "batch.do", "%d results for %d items", len(results), len(items))
	}
	if err = err2; err != nil {
		return
	}
	for _, call := range calls {
		call.share.(*share[T, R]).results, results = results[:call.size:call.size], results[call.size:]
	}
}
