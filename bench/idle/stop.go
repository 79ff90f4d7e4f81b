package idle

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// stops is how often a guest that spins is stopped.
const stops = 200

// spinning starts the kernels' guest that never ends, and returns once it uses CPU time.
func spinning(ctx context.Context, pool hired, module string) (*worker.Run, error) {
	run, err := pool.Start(ctx, worker.Job{Module: module, Args: []string{"spin"}})
	if err != nil {
		return nil, err
	}
	for before := run.Usage(); run.Usage() < before+10*time.Millisecond; {
		select {
		case <-run.Done():
			out := run.Outcome()
			return nil, fmt.Errorf("the guest has ended: %s %s", out.Reason, out.Stderr)
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return run, nil
}

// withSpinner calls f with a pool and a module that spins.
func withSpinner(ctx context.Context, f func(pool hired, module string) error) error {
	dir, err := tempDir()
	if err != nil {
		return err
	}
	defer remove(dir)
	wasm, err := compileKernels(ctx, dir)
	if err != nil {
		return err
	}
	pool, err := hire(nil)
	if err != nil {
		return err
	}
	return errors.Join(f(pool, pool.put(wasm)), pool.Close())
}

// pause is how long a guest that spins still uses the CPU after it was told to pause: until its CPU time stands still.
func (s *Setting) pause(ctx context.Context) (r Result, err error) {
	var took []time.Duration
	err = withSpinner(ctx, func(pool hired, module string) error {
		run, err := spinning(ctx, pool, module)
		if err != nil {
			return err
		}
		for range stops {
			began := time.Now()
			if err := run.Suspend(); err != nil {
				return err
			}
			last, at := run.Usage(), time.Now()
			for time.Since(at) < 5*time.Millisecond { // it has stood still for so long
				if now := run.Usage(); now != last {
					last, at = now, time.Now()
				}
			}
			took = append(took, at.Sub(began))
			if err := run.Resume(); err != nil {
				return err
			}
			before := run.Usage()
			for run.Usage() == before {
				if ctx.Err() != nil {
					return ctx.Err()
				}
			}
		}
		run.Kill(worker.ClassDevice, "measured")
		<-run.Done()
		return nil
	})
	return percentiles(took), err
}

// kill is how long it takes until a guest that spins is killed and its process reaped.
func (s *Setting) kill(ctx context.Context) (r Result, err error) {
	var took []time.Duration
	err = withSpinner(ctx, func(pool hired, module string) error {
		for range stops {
			run, err := spinning(ctx, pool, module)
			if err != nil {
				return err
			}
			began := time.Now()
			run.Kill(worker.ClassDevice, "measured")
			<-run.Done()
			took = append(took, time.Since(began))
		}
		return nil
	})
	return percentiles(took), err
}

func percentiles(took []time.Duration) Result {
	if len(took) == 0 {
		return Result{}
	}
	return Result{
		Value: sample.Millis(sample.Percentile(took, 0.99)), Unit: "ms",
		Note: fmt.Sprintf("median %s ms of %d", sample.Number(sample.Millis(sample.Percentile(took, 0.5))), len(took)),
	}
}
