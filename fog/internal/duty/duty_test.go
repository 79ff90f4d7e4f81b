package duty_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/duty/dutytest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestMemoryConformance(t *testing.T) {
	dutytest.Run(t, func(now func() time.Time) dutytest.Subject {
		m := duty.NewMemory(now)
		return dutytest.Subject{Duties: m, Check: m.Check}
	})
}

const ttl = 3 * time.Second

// flaky is Memory with an outage.
type flaky struct {
	*duty.Memory
	mu   sync.Mutex
	down bool
	took int
}

func (f *flaky) Take(ctx context.Context, name duty.Name, holder string, until time.Time) (duty.Fence, bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.took++
	if f.down {
		return duty.Fence{}, false, fault.New(fault.Unavailable, "test", "down")
	}
	return f.Memory.Take(ctx, name, holder, until)
}

func (f *flaky) set(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

// keep starts Keep and returns the channel of its outcome.
func keep(ctx context.Context, d duty.Duties, holder string, f func(context.Context, duty.Fence) error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- duty.Keep(ctx, d, "plan", holder, ttl, nil, f) }()
	return done
}

// untilCancelled works until its context ends, and says when it starts.
func untilCancelled(starts chan<- duty.Fence) func(context.Context, duty.Fence) error {
	return func(ctx context.Context, fence duty.Fence) error {
		starts <- fence
		<-ctx.Done()
		return ctx.Err()
	}
}

func TestKeepHoldsForLongAndReleasesAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := duty.NewMemory(nil)
		ctx, cancel := context.WithCancel(context.Background())
		starts := make(chan duty.Fence, 1)
		done := keep(ctx, d, "a", untilCancelled(starts))
		require.Equal(t, duty.Fence{Name: "plan", Number: 1}, <-starts)
		time.Sleep(100 * ttl)
		_, ok, err := d.Take(ctx, "plan", "b", time.Now().Add(ttl))
		require.NoError(t, err)
		require.False(t, ok, "a has renewed it all the time")
		cancel()
		require.NoError(t, <-done)
		_, ok, err = d.Take(context.Background(), "plan", "b", time.Now().Add(ttl))
		require.NoError(t, err)
		require.True(t, ok, "released, not just lapsed")
	})
}

func TestKeepTakesOverFromTheDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := duty.NewMemory(nil)
		_, _, err := d.Take(context.Background(), "plan", "dead", time.Now().Add(ttl))
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		starts, began := make(chan duty.Fence, 1), time.Now()
		done := keep(ctx, d, "b", untilCancelled(starts))
		require.Equal(t, duty.Fence{Name: "plan", Number: 2}, <-starts)
		require.LessOrEqual(t, time.Since(began), ttl+ttl/3)
		cancel()
		require.NoError(t, <-done)
	})
}

func TestKeepStopsWorkWhenTheDutyIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &flaky{Memory: duty.NewMemory(nil)}
		ctx, cancel := context.WithCancel(context.Background())
		starts := make(chan duty.Fence, 1)
		lost := make(chan time.Duration, 1)
		began := time.Now()
		done := keep(ctx, d, "a", func(work context.Context, fence duty.Fence) error {
			starts <- fence
			<-work.Done()
			select {
			case lost <- time.Since(began):
			default:
			}
			return errors.New("what f says then does not matter")
		})
		<-starts
		d.set(true)
		require.LessOrEqual(t, <-lost, ttl, "never longer than the duty is ours")
		d.set(false)
		require.Equal(t, int64(2), (<-starts).Number, "asked again, and back")
		cancel()
		require.ErrorContains(t, <-done, "does not matter") // the last time it kept the duty
	})
}

func TestKeepSurvivesAShortOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &flaky{Memory: duty.NewMemory(nil)}
		ctx, cancel := context.WithCancel(context.Background())
		starts := make(chan duty.Fence, 9)
		done := keep(ctx, d, "a", untilCancelled(starts))
		<-starts
		d.set(true)
		time.Sleep(ttl / 2)
		d.set(false)
		time.Sleep(3 * ttl)
		cancel()
		require.NoError(t, <-done)
		require.Empty(t, starts, "the work was never interrupted")
	})
}

func TestKeepStopsWorkWhenAnotherTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		skew := time.Duration(0)
		d := duty.NewMemory(func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(skew)
		})
		ctx, cancel := context.WithCancel(context.Background())
		starts := make(chan duty.Fence, 1)
		done := keep(ctx, d, "a", untilCancelled(starts))
		<-starts
		mu.Lock()
		skew = time.Hour // the rows' clock finds that it has lapsed
		mu.Unlock()
		fence, ok, err := d.Take(ctx, "plan", "b", time.Now().Add(time.Hour+10*ttl))
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, int64(2), fence.Number)
		time.Sleep(ttl)
		require.Empty(t, starts, "b has it")
		require.NoError(t, d.Release(ctx, fence, "b"))
		require.Equal(t, int64(3), (<-starts).Number)
		cancel()
		require.NoError(t, <-done)
	})
}

func TestKeepReturnsWhatTheWorkReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := duty.NewMemory(nil)
		broken := errors.New("broken")
		require.ErrorIs(t, <-keep(context.Background(), d, "a", func(context.Context, duty.Fence) error { return broken }), broken)
		require.NoError(t, <-keep(context.Background(), d, "b", func(context.Context, duty.Fence) error { return nil }))
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		require.NoError(t, <-keep(ended, d, "c", func(context.Context, duty.Fence) error { return broken }), "never started")
	})
}

func TestKeepTakesARefusedFenceForALostDuty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := duty.NewMemory(nil)
		rounds := 0
		err := <-keep(context.Background(), d, "a", func(context.Context, duty.Fence) error {
			if rounds++; rounds < 3 {
				return fault.Wrap("commit", duty.ErrFenced)
			}
			return nil
		})
		require.NoError(t, err)
		require.Equal(t, 3, rounds)
	})
}

func TestKeepSurvivesAPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := duty.NewMemory(nil)
		require.Panics(t, func() {
			_ = duty.Keep(context.Background(), d, "plan", "a", ttl, nil, func(context.Context, duty.Fence) error { panic("x") })
		})
		_, ok, err := d.Take(context.Background(), "plan", "b", time.Now().Add(ttl))
		require.NoError(t, err)
		require.True(t, ok, "released, and nobody renews it")
	})
}
