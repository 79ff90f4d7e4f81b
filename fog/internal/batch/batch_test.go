package batch_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/batch"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Whatever the callers do, each gets the results of its own items in order, once; the items of a call stay together in
// their order; batches keep to the maximum; and the work never runs twice at once.
func TestEveryCallerGetsItsOwn(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		most := rapid.IntRange(0, 8).Draw(rt, "max")
		calls := rapid.SliceOfN(rapid.IntRange(1, 10), 1, 30).Draw(rt, "calls")
		pauses := rapid.SliceOfN(rapid.IntRange(0, 20), len(calls), len(calls)).Draw(rt, "pauses")
		synctest.Test(t, func(*testing.T) {
			if err := everyCallerGetsItsOwn(most, calls, pauses); err != nil {
				rt.Fatal(err)
			}
		})
	})
}

func everyCallerGetsItsOwn(most int, calls, pauses []int) error {
	var running sync.Mutex
	var batches [][]string
	c := batch.New(most, func(_ context.Context, items []string) ([]string, error) {
		if !running.TryLock() {
			return nil, errors.New("two batches at once")
		}
		defer running.Unlock()
		time.Sleep(5 * time.Millisecond) // a commit; the bubble's clock
		batches = append(batches, items)
		results := make([]string, len(items))
		for i, item := range items {
			results[i] = "did " + item
		}
		return results, nil
	})
	errs := make([]error, len(calls))
	var all sync.WaitGroup
	for i, n := range calls {
		all.Go(func() {
			time.Sleep(time.Duration(pauses[i]) * time.Millisecond)
			errs[i] = call(c, i, n)
		})
	}
	all.Wait()
	return errors.Join(append(errs, checkBatches(batches, most, calls))...)
}

// call does n items and checks their results.
func call(c *batch.Combiner[string, string], caller, n int) error {
	items := make([]string, n)
	for k := range items {
		items[k] = fmt.Sprintf("%d.%d", caller, k)
	}
	results, err := c.Do(context.Background(), items...)
	if err != nil {
		return err
	}
	for k, item := range items {
		if results[k] != "did "+item {
			return fmt.Errorf("item %s got %q", item, results[k])
		}
	}
	return nil
}

// checkBatches checks that the batches consist of whole calls and keep to the maximum.
func checkBatches(batches [][]string, most int, calls []int) error {
	seen := map[int]bool{}
	for _, items := range batches {
		callers := 0
		for at := 0; at < len(items); callers++ {
			var caller, k int
			if _, err := fmt.Sscanf(items[at], "%d.%d", &caller, &k); err != nil || k != 0 || seen[caller] {
				return fmt.Errorf("a call is torn apart or done twice: %v", items)
			}
			seen[caller] = true
			for k := range calls[caller] {
				if items[at+k] != fmt.Sprintf("%d.%d", caller, k) {
					return fmt.Errorf("a call is torn apart: %v", items)
				}
			}
			at += calls[caller]
		}
		if callers > 1 && len(items) > most {
			return fmt.Errorf("%d items in a batch of at most %d", len(items), most)
		}
	}
	if len(seen) != len(calls) {
		return fmt.Errorf("%d of %d calls done", len(seen), len(calls))
	}
	return nil
}

// gate is work that waits until the test lets it go.
type gate struct {
	entered chan []int
	leave   chan error
}

func newGate(most int) (*gate, *batch.Combiner[int, int]) {
	g := &gate{entered: make(chan []int), leave: make(chan error)}
	return g, batch.New(most, func(_ context.Context, items []int) ([]int, error) {
		g.entered <- items
		return items, <-g.leave
	})
}

func TestLoneCallerWaitsForNobody(t *testing.T) {
	c := batch.New(10, func(_ context.Context, items []int) ([]int, error) { return items, nil })
	for i := range 3 {
		results, err := c.Do(context.Background(), i)
		require.NoError(t, err)
		require.Equal(t, []int{i}, results)
	}
	results, err := c.Do(context.Background())
	require.NoError(t, err)
	require.Nil(t, results)
}

func TestLeaderLeavesAfterItsOwnItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c := newGate(2)
		first := make(chan struct{})
		var others sync.WaitGroup
		go func() {
			defer close(first)
			_, err := c.Do(context.Background(), 0)
			if err != nil {
				t.Error(err)
			}
		}()
		require.Equal(t, []int{0}, <-g.entered)
		for i := 1; i <= 5; i++ {
			others.Go(func() {
				if _, err := c.Do(context.Background(), i); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		g.leave <- nil
		<-first // while the others are not done
		for _, want := range [][]int{{1, 2}, {3, 4}, {5}} {
			require.Equal(t, want, <-g.entered)
			g.leave <- nil
		}
		others.Wait()
	})
}

func TestCancelledWhileWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c := newGate(10)
		go func() { _, _ = c.Do(context.Background(), 0) }()
		<-g.entered
		ctx, cancel := context.WithCancel(context.Background())
		left := make(chan error)
		go func() { _, err := c.Do(ctx, 1); left <- err }()
		synctest.Wait()
		cancel()
		err := <-left
		require.ErrorIs(t, err, context.Canceled)
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
		require.Contains(t, fault.Detail(err), "nothing was done")
		go func() { _, _ = c.Do(context.Background(), 2) }()
		synctest.Wait()
		g.leave <- nil
		require.Equal(t, []int{2}, <-g.entered, "withdrawn items are not done")
		g.leave <- nil
		_, err = c.Do(ctx, 3)
		require.ErrorIs(t, err, context.Canceled, "an ended context does not even queue")
	})
}

func TestCancelledInsideABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c := newGate(10)
		go func() { _, _ = c.Do(context.Background(), 0) }()
		<-g.entered
		go func() { _, _ = c.Do(context.Background(), 1) }()
		synctest.Wait()
		ctx, cancel := context.WithCancel(context.Background())
		left := make(chan error)
		go func() { _, err := c.Do(ctx, 2); left <- err }()
		synctest.Wait()
		g.leave <- nil
		require.Equal(t, []int{1, 2}, <-g.entered)
		cancel()
		err := <-left
		require.ErrorIs(t, err, context.Canceled)
		require.Contains(t, fault.Detail(err), "outcome unknown")
		g.leave <- nil
	})
}

type contextKey struct{}

func TestLeaderStaysAndItsWorkIsNotCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.WithValue(context.Background(), contextKey{}, "kept"))
		c := batch.New(10, func(ctx context.Context, items []int) ([]int, error) {
			cancel()
			require.Equal(t, "kept", ctx.Value(contextKey{}))
			return items, ctx.Err()
		})
		results, err := c.Do(ctx, 7)
		require.NoError(t, err)
		require.Equal(t, []int{7}, results)
	})
}

// lateContext has ended by the time its end is asked for, which waits for the test.
type lateContext struct {
	context.Context
	asked chan struct{}
}

func (c lateContext) Done() <-chan struct{} {
	<-c.asked
	return c.Context.Done()
}

func (c lateContext) Err() error {
	select {
	case <-c.asked:
		return context.Canceled
	default:
		return nil
	}
}

// A call that gives up at the very moment at which it is made the leader must pass the leadership on. Go chooses by lot
// between two channels that are ready, so it takes some rounds to see both outcomes.
func TestCancelledHeirPassesOn(t *testing.T) {
	led, left := 0, 0
	for range 40 {
		synctest.Test(t, func(t *testing.T) {
			g, c := newGate(1)
			var all sync.WaitGroup
			all.Go(func() { _, _ = c.Do(context.Background(), 0) })
			<-g.entered
			ended, cancel := context.WithCancel(context.Background())
			cancel()
			heir := lateContext{ended, make(chan struct{})}
			all.Go(func() {
				if _, err := c.Do(heir, 1); err == nil {
					led++
				} else {
					left++
				}
			})
			synctest.Wait()
			all.Go(func() { _, _ = c.Do(context.Background(), 2) })
			synctest.Wait()
			g.leave <- nil
			synctest.Wait() // 1 leads now, and does not know it yet
			close(heir.asked)
			for items := range g.entered {
				g.leave <- nil
				if items[0] == 2 {
					break
				}
			}
			all.Wait()
		})
	}
	require.Positive(t, led)
	require.Positive(t, left)
}

func TestFailureReachesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, c := newGate(10)
		go func() { _, _ = c.Do(context.Background(), 0) }()
		<-g.entered
		errs := make(chan error, 2)
		for i := range 2 {
			go func() { _, err := c.Do(context.Background(), i+1); errs <- err }()
		}
		synctest.Wait()
		g.leave <- nil
		<-g.entered
		broken := errors.New("disk on fire")
		g.leave <- broken
		require.ErrorIs(t, <-errs, broken)
		require.ErrorIs(t, <-errs, broken)
	})
}

func TestWrongNumberOfResults(t *testing.T) {
	c := batch.New(10, func(context.Context, []int) ([]int, error) { return nil, nil })
	_, err := c.Do(context.Background(), 1)
	require.Equal(t, fault.Internal, fault.KindOf(err))
	require.ErrorContains(t, err, "0 results for 1 items")
}

func TestPanicLeavesNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered, leave := make(chan struct{}), make(chan struct{})
		c := batch.New(10, func(_ context.Context, items []int) ([]int, error) {
			entered <- struct{}{}
			<-leave
			if items[0] == 1 {
				panic("programmer's mistake")
			}
			return items, nil
		})
		do := func(i int) (panicked any, err error) {
			defer func() { panicked = recover() }()
			_, err = c.Do(context.Background(), i)
			return nil, err
		}
		type outcome struct {
			err      error
			panicked any
		}
		outcomes := make([]outcome, 4)
		var all sync.WaitGroup
		start := func(i int) {
			all.Go(func() { outcomes[i].panicked, outcomes[i].err = do(i) })
			synctest.Wait()
		}
		start(0)
		<-entered
		start(1)
		start(2)
		leave <- struct{}{}
		<-entered
		start(3)
		leave <- struct{}{}
		<-entered
		leave <- struct{}{}
		all.Wait()
		require.Equal(t, outcome{}, outcomes[0])
		require.Equal(t, "programmer's mistake", outcomes[1].panicked, "the leader's own goroutine panics")
		require.Equal(t, fault.Internal, fault.KindOf(outcomes[2].err))
		require.Error(t, outcomes[2].err)
		require.Equal(t, outcome{}, outcomes[3], "the next batch goes on")
	})
}

func BenchmarkDo(b *testing.B) {
	c := batch.New(512, func(_ context.Context, items []int) ([]int, error) { return items, nil })
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_, _ = c.Do(context.Background(), 1)
		}
	})
}

// A batch that lets the next one begin works beside it, and a second time nothing is passed on.
func TestEagerBatchesOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		entered, pass, leave := make(chan []int), make(chan struct{}), make(chan struct{})
		c := batch.NewEager(10, func(_ context.Context, items []int, next func()) ([]int, error) {
			entered <- items
			<-pass
			next()
			next()
			<-leave
			return items, nil
		})
		var all sync.WaitGroup
		ask := func(item int) {
			all.Go(func() {
				if got, err := c.Do(context.Background(), item); err != nil || got[0] != item {
					t.Errorf("%d got %v, %v", item, got, err)
				}
			})
			synctest.Wait()
		}
		ask(1)
		require.Equal(t, []int{1}, <-entered)
		ask(2)
		ask(3)
		pass <- struct{}{}
		require.Equal(t, []int{2, 3}, <-entered, "while 1 is not done")
		ask(4)
		leave <- struct{}{}
		synctest.Wait()
		select {
		case items := <-entered:
			t.Fatalf("%v began though nothing was passed on to it", items)
		default:
		}
		pass <- struct{}{}
		require.Equal(t, []int{4}, <-entered)
		leave <- struct{}{}
		pass <- struct{}{}
		leave <- struct{}{}
		all.Wait()
		all.Go(func() { _, _ = c.Do(context.Background(), 5) })
		require.Equal(t, []int{5}, <-entered, "who comes to an idle Combiner leads at once")
		pass <- struct{}{}
		leave <- struct{}{}
		all.Wait()
	})
}
