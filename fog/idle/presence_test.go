package idle_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

func TestLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(nil)
		stop := w.run(i)
		silent, loud := join(t, i, "silent"), join(t, i, "loud")
		silent.held = []idle.Held{{Attempt: "j.0.1", Token: 1}}
		join(t, i, "never")
		time.Sleep(time.Minute)
		silent.beat(i)
		began := time.Now()
		for time.Since(began) < 15*time.Second {
			loud.beat(i)
			require.Equal(t, idle.Online, w.stored("silent").State)
			time.Sleep(time.Second)
		}
		time.Sleep(2500 * time.Millisecond)
		d := device(t, i, "silent")
		require.Equal(t, idle.Lost, d.State)
		require.Zero(t, d.Harvesting)
		require.Equal(t, began.UTC(), d.LastSeen)
		require.Zero(t, d.Uptime())
		require.Equal(t, idle.Online, device(t, i, "loud").State)
		require.Equal(t, idle.Registered, device(t, i, "never").State, "who never beat cannot fall silent")
		reasons, err := i.Explain(t.Context(), "silent")
		require.NoError(t, err)
		require.Contains(t, codes(reasons), idle.IsLost)

		w.news()
		silent.beat(i)
		require.Equal(t, idle.Online, device(t, i, "silent").State)
		require.Len(t, w.news()["silent"], 1)
		require.NoError(t, stop())
	})
}

// TestGraceAfterRestart: while no server ran nobody could be heard, so nobody is lost until a whole deadline has passed.
func TestGraceAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first := w.open(nil)
		stop := w.run(first)
		m, gone := join(t, first, "a"), join(t, first, "gone")
		m.beat(first)
		gone.beat(first)
		require.NoError(t, stop())
		require.Equal(t, w.stored("a").LastSeen, device(t, first, "a").LastSeen, "the last pulses were written")
		time.Sleep(time.Hour)

		second := w.open(nil)
		stop = w.run(second)
		time.Sleep(14 * time.Second)
		require.Equal(t, idle.Online, w.stored("a").State)
		m.beat(second)
		time.Sleep(4 * time.Second)
		require.Equal(t, idle.Online, w.stored("a").State)
		require.Equal(t, idle.Lost, w.stored("gone").State)
		require.NoError(t, stop())
	})
}

// TestGraceAfterOutage: a store that was away while devices beat loses none of them when it is back.
func TestGraceAfterOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(nil)
		supervised := make(chan struct{})
		ctx, cancel := context.WithCancel(t.Context())
		failures := 0
		go func() {
			defer close(supervised)
			for ctx.Err() == nil {
				if i.Run(ctx) != nil {
					failures++
					time.Sleep(time.Second)
				}
			}
		}()
		m := join(t, i, "a")
		beatFor := func(seconds int) {
			for range seconds {
				m.beat(i)
				time.Sleep(time.Second)
			}
		}
		beatFor(30)
		w.store.fail(true)
		beatFor(60)
		w.store.fail(false)
		beatFor(60)
		require.Equal(t, []int64{1, 2}, w.news()["a"], "it was never lost")
		require.WithinDuration(t, time.Now(), w.stored("a").LastSeen, 4*time.Second)
		cancel()
		<-supervised
		require.Positive(t, failures, "an outage ends Run with its cause")
	})
}

func TestPulsesAreBatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		var flushes atomic.Int64
		i := w.open(func(c *idle.Config) {
			c.Step = func(name string) {
				if name == "idle.flush" {
					flushes.Add(1)
				}
			}
		})
		stop := w.run(i)
		m := join(t, i, "a")
		m.said.Battery = idle.Some(10.0)
		m.beat(i)
		before := w.stored("a").LastSeen
		time.Sleep(500 * time.Millisecond)
		m.said.Battery = idle.Some(90.0)
		m.beat(i)
		require.Equal(t, before, w.stored("a").LastSeen, "a beat does not touch the store")
		require.Equal(t, 90.0, device(t, i, "a").Telemetry.Battery.Value, "but reads know it")
		time.Sleep(3 * time.Second)
		require.Equal(t, 90.0, w.stored("a").Telemetry.Battery.Value)
		n := flushes.Load()
		time.Sleep(time.Second * 10)
		require.Equal(t, n, flushes.Load(), "nothing heard, nothing written")
		require.NoError(t, stop())
	})
}

// TestReasonsFollow: reasons that change while the device stays ineligible are told with the next flush, with a fact.
func TestReasonsFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(nil)
		stop := w.run(i)
		m := join(t, i, "a")
		m.said.CPUForeign = idle.Some(0.99)
		m.beat(i)
		w.news()
		m.said = idle.Telemetry{TempC: idle.Some(99.0)}
		m.beat(i)
		time.Sleep(3 * time.Second)
		require.Equal(t, []string{idle.TooHot}, codes(w.stored("a").Decision.Reasons))
		require.Equal(t, map[string][]int64{"a": {3}}, w.news())
		m.said.TempC = idle.Some(98.0)
		m.beat(i)
		time.Sleep(3 * time.Second)
		require.Empty(t, w.news(), "another figure is no news")
		require.NoError(t, stop())
	})
}

// TestTwoServers: a device may beat at any server; a transition that one makes is adopted by the other.
func TestTwoServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		one, two := w.open(func(c *idle.Config) { c.Holder = "one" }), w.open(func(c *idle.Config) { c.Holder = "two" })
		stopOne, stopTwo := w.run(one), w.run(two)
		m := join(t, one, "a")
		for range 120 {
			m.beat(one)
			time.Sleep(time.Second)
			m.beat(two)
			time.Sleep(time.Second)
		}
		require.Equal(t, []int64{1, 2}, w.news()["a"], "nobody calls it lost")

		m.said.CPUForeign = idle.Some(0.99)
		m.beat(one)
		m.beat(two)
		require.Equal(t, []int64{3}, w.news()["a"], "a transition is made once")
		m.said.CPUForeign = idle.Some(0.8) // between the levels
		time.Sleep(3 * time.Second)
		require.False(t, m.beat(two).Eligible)

		_, err := one.Drain(t.Context(), "a", true)
		require.NoError(t, err)
		m.beat(two)
		time.Sleep(3 * time.Second)
		require.Equal(t, idle.Drain, m.beat(two).Desired, "two learns of it with its next flush")
		require.Equal(t, idle.Draining, w.stored("a").State)

		_, err = one.Revoke(t.Context(), "a", "")
		require.NoError(t, err)
		m.beat(two)
		time.Sleep(3 * time.Second)
		require.Equal(t, idle.Stop, m.beat(two).Desired)
		_, err = one.Restore(t.Context(), "a")
		require.NoError(t, err)
		time.Sleep(3 * time.Second)
		require.NotEqual(t, idle.Stop, m.beat(two).Desired, "and that it may come back")

		require.NoError(t, stopOne())
		for range 60 {
			m.beat(two)
			time.Sleep(time.Second)
		}
		require.True(t, w.stored("a").State.Alive(), "two takes the duty over without losing anybody")
		require.NoError(t, stopTwo())
	})
}

// TestWronglyLost: a device that another server calls lost while it beats here comes back with the next flush.
func TestWronglyLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(nil)
		m := join(t, i, "a")
		m.beat(i)
		lost := w.stored("a")
		lost.State = idle.Lost
		_, err := w.store.Save(t.Context(), fence(), []idle.Change{{Device: lost, Was: lost.Version}})
		require.NoError(t, err)
		stop := w.run(i)
		time.Sleep(time.Second)
		m.beat(i)
		require.Equal(t, idle.Lost, w.stored("a").State, "here nobody knows yet")
		time.Sleep(3 * time.Second)
		require.Equal(t, idle.Online, w.stored("a").State)
		require.Equal(t, []int64{1, 2, 3, 4}, w.news()["a"])
		require.NoError(t, stop())
	})
}

func TestRetention(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(func(c *idle.Config) { c.Retention = 24 * time.Hour })
		join(t, i, "forgotten")
		_, err := i.Contribute(t.Context(), []idle.Contribution{{Job: "j", Device: "forgotten"}})
		require.NoError(t, err)
		stop := w.run(i)
		time.Sleep(23 * time.Hour)
		device(t, i, "forgotten")
		time.Sleep(2 * time.Hour)
		_, err = i.Get(t.Context(), "forgotten")
		require.Equal(t, fault.NotFound, fault.KindOf(err))
		page, err := i.Contributions(t.Context(), idle.ContributionQuery{})
		require.NoError(t, err)
		require.Empty(t, page.Contributions)
		require.NoError(t, stop())
	})
}

func TestRunAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(nil)
		done := make(chan error, 1)
		go func() { done <- i.Run(context.Background()) }()
		synctest.Wait()
		require.Equal(t, fault.Conflict, fault.KindOf(i.Run(t.Context())), "it runs already")
		m := join(t, i, "a")
		m.beat(i)
		time.Sleep(100 * time.Millisecond)
		m.beat(i)
		require.NoError(t, i.Close())
		require.NoError(t, <-done)
		require.Equal(t, time.Now().UTC(), w.stored("a").LastSeen, "what was heard is written")
	})
}
