package agent

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// Executor runs guests. It declares what the agent needs of a worker.Pool.
type Executor interface {
	// Start begins a job; it may wait for room. The end of ctx does not matter once it has returned.
	Start(ctx context.Context, job worker.Job) (Execution, error)
	// Trim gives back the memory of whatever is kept warm.
	Trim()
	// CPU is the CPU time that guests have used so far.
	CPU() time.Duration
	// Run does what must be done in the background until ctx ends; then it ends all guests.
	Run(ctx context.Context) error
}

// Execution is a guest under way, as worker.Run describes it.
type Execution interface {
	Suspend() error
	Resume() error
	Kill(class worker.Class, reason string)
	Done() <-chan struct{}
	Outcome() worker.Outcome
}

// pool is the Executor of worker processes.
type pool struct{ *worker.Pool }

var (
	_ Executor  = pool{}
	_ Execution = (*worker.Run)(nil)
)

// Start implements Executor.
func (p pool) Start(ctx context.Context, job worker.Job) (Execution, error) {
	run, err := p.Pool.Start(ctx, job)
	if err != nil {
		return nil, err
	}
	return run, nil
}
