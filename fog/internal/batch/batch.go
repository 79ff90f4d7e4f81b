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
	limit int // items of a batch
	do    func(ctx context.Context, items []T) ([]R, error)

	mu      sync.Mutex    // guards what follows
	queue   []*call[T, R] // waiting calls, first come first
	leading bool          // a leader exists, or leadership has been handed to a call
}

// call is one caller's share of a batch. Its fields but items are written by the leader before done is closed.
type call[T, R any] struct {
	items   []T
	results []R
	err     error
	lead    chan struct{} // closed: this call leads the next batch and still stands in the queue
	done    chan struct{} // closed: results and err are set
}

// New returns a Combiner that runs do on batches of up to limit items. The items of one call are never separated, so a
// call with more items forms a batch alone; a limit below 1 gives each call a batch of its own. The function do is never
// run twice at once and must return one result per item, in order, or an error that all callers receive.
func New[T, R any](limit int, do func(ctx context.Context, items []T) ([]R, error)) *Combiner[T, R] {
	return &Combiner[T, R]{limit: limit, do: do}
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
	if err := ctx.Err(); err != nil {
		return nil, withdrawn(err)
	}
	own := &call[T, R]{items: items, lead: make(chan struct{}), done: make(chan struct{})}
	if !c.enqueue(own) {
		select {
		case <-own.done:
			return own.results, own.err
		case <-ctx.Done():
			return c.leave(ctx, own)
		case <-own.lead:
		}
	}
	c.run(ctx)
	return own.results, own.err
}

// enqueue adds a call to the queue and reports whether it leads at once.
func (c *Combiner[T, R]) enqueue(own *call[T, R]) (leads bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, own)
	leads = !c.leading
	c.leading = true
	return leads
}

// leave withdraws a call whose caller gives up, or reports its outcome as unknown when a batch has taken it.
func (c *Combiner[T, R]) leave(ctx context.Context, own *call[T, R]) ([]R, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-own.done:
		return own.results, own.err
	default:
	}
	for i, waiting := range c.queue {
		if waiting != own {
			continue
		}
		c.queue = append(c.queue[:i], c.queue[i+1:]...)
		select {
		case <-own.lead:
			c.handOver()
		default:
		}
		return nil, withdrawn(ctx.Err())
	}
	return nil, &fault.Error{Kind: fault.Unavailable, Op: "batch.do", Detail: "interrupted: outcome unknown", Err: ctx.Err()}
}

// run does the batch at the head of the queue, in which the leader's own call stands first, and passes leadership on.
func (c *Combiner[T, R]) run(ctx context.Context) {
	calls, items := c.take()
	results, err := []R(nil), error(fault.New(fault.Internal, "batch.do", "the batch panicked"))
	defer func() { c.finish(calls, results, err) }() // also when do panics: nobody may be left waiting
	results, err = c.do(context.WithoutCancel(ctx), items)
	if err == nil && len(results) != len(items) {
		err = fault.Newf(fault.Internal, "batch.do", "%d results for %d items", len(results), len(items))
	}
}

// take removes the next batch from the queue.
func (c *Combiner[T, R]) take() (calls []*call[T, R], items []T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, size := 1, len(c.queue[0].items)
	for n < len(c.queue) && size+len(c.queue[n].items) <= c.limit {
		size += len(c.queue[n].items)
		n++
	}
	items = make([]T, 0, size)
	calls = append(calls, c.queue[:n]...)
	for _, call := range calls {
		items = append(items, call.items...)
	}
	rest := copy(c.queue, c.queue[n:])
	clear(c.queue[rest:])
	c.queue = c.queue[:rest]
	return calls, items
}

// finish gives each call its share of the results, or the error, and hands leadership over.
func (c *Combiner[T, R]) finish(calls []*call[T, R], results []R, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range calls {
		if err == nil {
			n := len(call.items)
			call.results, results = results[:n:n], results[n:]
		}
		call.err = err
		close(call.done)
	}
	c.handOver()
}

// handOver makes the head of the queue the next leader. The caller holds c.mu.
func (c *Combiner[T, R]) handOver() {
	c.leading = len(c.queue) > 0
	if c.leading {
		close(c.queue[0].lead)
	}
}

// withdrawn is the error of a caller whose items were not done.
func withdrawn(cause error) error {
	return &fault.Error{Kind: fault.Unavailable, Op: "batch.do", Detail: "interrupted: nothing was done", Err: cause}
}
