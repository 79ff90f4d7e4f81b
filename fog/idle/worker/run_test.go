//go:build linux

package worker_test

import (
	"context"
	"crypto/sha256"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

func TestCancel(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := b.Do(ctx, worker.Job{Module: b.shelf.put(spin())})
		ended <- err
	}()
	require.Eventually(t, func() bool { return b.Stats().Busy == 1 }, 30*time.Second, time.Millisecond)
	cancel()
	err := <-ended
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Zero(t, b.Stats().Busy)
	require.True(t, new(b.do(t, empty(), worker.Job{})).OK(), "the pool goes on")
}

func TestKill(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	run := b.busy(t, worker.Limits{})
	run.Kill(worker.ClassDevice, "the owner is back")
	run.Kill(worker.ClassJob, "too late")
	out := run.Outcome()
	require.Equal(t, worker.ClassDevice, out.Class)
	require.Equal(t, "the owner is back", out.Reason)
	require.Positive(t, out.CPU)
	run.Kill(worker.ClassJob, "much too late")
	require.Equal(t, out, run.Outcome())
	require.NoError(t, run.Suspend(), "a run that has ended cannot be suspended, which is no error")
}

// burn uses the time of this process, as a measure of time passing on a machine of unknown speed.
func burn() {
	data := make([]byte, 1<<20)
	for began := time.Now(); time.Since(began) < 150*time.Millisecond; {
		sum := sha256.Sum256(data)
		copy(data, sum[:])
	}
}

func TestSuspend(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	run := b.busy(t, worker.Limits{Wall: time.Hour})
	require.NoError(t, run.Suspend())
	require.NoError(t, run.Suspend(), "twice is once")
	burn() // by now the kernel has stopped every thread
	before := run.Usage()
	burn()
	require.Less(t, run.Usage()-before, 5*time.Millisecond, "a suspended guest uses CPU time")
	require.NoError(t, run.Resume())
	working(t, run)
	require.NoError(t, run.Suspend())
	run.Kill(worker.ClassDevice, "suspended for too long")
	require.Equal(t, "suspended for too long", new(run.Outcome()).Reason, "a suspended guest can be killed")
}

// TestSuspendStopsTheClock: time suspended does not count against the limit on the clock.
func TestSuspendStopsTheClock(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	run, err := b.Start(t.Context(), worker.Job{Module: b.shelf.put(spin()), Limits: worker.Limits{Wall: 100 * time.Millisecond}})
	require.NoError(t, err)
	require.NoError(t, run.Suspend())
	burn()
	select {
	case <-run.Done():
		t.Fatal("the limit counted time suspended")
	default:
	}
	require.NoError(t, run.Resume())
	require.Equal(t, worker.LimitWall, new(run.Outcome()).Limit)
}

// TestWorkerDies: a worker that ends by itself is nobody's fault but this device's, and the pool goes on.
func TestWorkerDies(t *testing.T) {
	if len(children(t, os.Getpid())) > 0 {
		t.Skip("other workers live")
	}
	b := open(t, nil)
	run := b.busy(t, worker.Limits{})
	pids := children(t, os.Getpid())
	require.Len(t, pids, 1)
	require.NoError(t, syscall.Kill(pids[0], syscall.SIGKILL))
	out := run.Outcome()
	require.Equal(t, worker.ClassDevice, out.Class)
	require.Contains(t, out.Reason, "the worker ended by itself (signal: killed)")
	require.True(t, new(b.do(t, empty(), worker.Job{})).OK())
}

// TestProcessMemory: what a guest makes its worker need beside its linear memory is bounded too.
func TestProcessMemory(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *worker.Config) { c.CompileBytes = 256 << 20 }) // less than the deepest stack
	out := b.do(t, recurse(), worker.Job{Limits: worker.Limits{MemoryBytes: 1 << 20, OutputBytes: 1 << 20}})
	require.Equal(t, worker.ClassJob, out.Class, out.Reason)
	require.Equal(t, worker.LimitMemory, out.Limit)
	require.True(t, new(b.do(t, empty(), worker.Job{})).OK())
}

func TestClose(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	run := b.busy(t, worker.Limits{})
	require.True(t, new(b.do(t, empty(), worker.Job{})).OK())
	require.NoError(t, b.Close())
	require.Equal(t, "the agent is going away", new(run.Outcome()).Reason)
	require.NoError(t, b.Close(), "twice is once")
	require.Equal(t, worker.Stats{Started: 2, Runs: 2, Compiled: 2}, b.Stats())
	_, err := b.Start(t.Context(), worker.Job{Module: b.shelf.put(empty())})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Positive(t, b.CPU())
}
