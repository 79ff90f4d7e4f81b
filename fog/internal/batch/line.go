package batch

import (
	"context"
	"sync"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// line is the queue of a Combiner. It does not know what the calls are about, so that it is compiled once for all of them.
type line struct {
	limit int // items of a batch

	mu      sync.Mutex // guards what follows
	queue   []*call    // waiting calls, first come first
	leading bool       // a leader exists, or leadership has been handed to a call
}

// call is one caller's place in a batch. The leader writes err before the call is woken for the end.
type call struct {
	size  int // items
	share any
	err   error
	woken chan bool // true: this call leads the next batch and still stands in the queue; false: err and the share's results are set
	leads bool      // it was woken to lead; guarded by the line's mu, as is
	ended bool      // it was woken for the end
}

// stand lets a call wait its turn. It reports true where the call is to lead the next batch, and otherwise how it ended.
func (l *line) stand(ctx context.Context, own *call) (leads bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, withdrawn(err)
	}
	own.woken = make(chan bool, 1) // at most one message is not read: a leader does not wait for its own end
	if l.enqueue(own) {
		return true, nil
	}
	select {
	case leads := <-own.woken:
		return leads, own.err
	case <-ctx.Done():
		return false, l.leave(ctx, own)
	}
}

// enqueue adds a call to the queue and reports whether it leads at once.
func (l *line) enqueue(own *call) (leads bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, own)
	leads = !l.leading
	l.leading = true
	return leads
}

// leave withdraws a call whose caller gives up, or reports its outcome as unknown when a batch has taken it.
func (l *line) leave(ctx context.Context, own *call) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if own.ended {
		return own.err
	}
	for i, waiting := range l.queue {
		if waiting != own {
			continue
		}
		l.queue = append(l.queue[:i], l.queue[i+1:]...)
		if own.leads {
			l.handOver()
		}
		return withdrawn(ctx.Err())
	}
	return &fault.Error{Kind: fault.Unavailable, Op: "batch.do", Detail: "interrupted: outcome unknown", Err: ctx.Err()}
}

// take removes the next batch from the queue.
func (l *line) take() (calls []*call, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 1
	for size = l.queue[0].size; n < len(l.queue) && size+l.queue[n].size <= l.limit; n++ {
		size += l.queue[n].size
	}
	calls = append(calls, l.queue[:n]...)
	rest := copy(l.queue, l.queue[n:])
	clear(l.queue[rest:])
	l.queue = l.queue[:rest]
	return calls, size
}

// finish lets the calls of a batch go.
func (l *line) finish(calls []*call, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, call := range calls {
		call.err, call.ended = err, true
		call.woken <- false
	}
}

// pass hands leadership over.
func (l *line) pass() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handOver()
}

// handOver makes the head of the queue the next leader. The caller holds mu.
func (l *line) handOver() {
	l.leading = len(l.queue) > 0
	if l.leading {
		l.queue[0].leads = true
		l.queue[0].woken <- true
	}
}

// withdrawn is the error of a caller whose items were not done.
func withdrawn(cause error) error {
	return &fault.Error{Kind: fault.Unavailable, Op: "batch.do", Detail: "interrupted: nothing was done", Err: cause}
}
