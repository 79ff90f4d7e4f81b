package idle_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// fence is no fence.
func fence() duty.Fence { return duty.Fence{} }

// answer is the outcome of a long poll.
type answer struct {
	directive idle.Directive
	err       error
	after     time.Duration
}

// poll starts a long poll with the machine's next beat.
func (m *machine) poll(i *idle.Idle, wait time.Duration) <-chan answer {
	beat, began := m.next(), time.Now()
	answers := make(chan answer, 1)
	go func() {
		d, err := i.Poll(context.Background(), beat, wait)
		answers <- answer{d, err, time.Since(began)}
	}()
	return answers
}

func TestLongPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := newWorld(t), newDesk()
		i := w.open(func(c *idle.Config) { c.Work = d })
		stop := w.run(i)
		m := join(t, i, "a")
		m.take = 1

		waiting := m.poll(i, 10*time.Second)
		time.Sleep(3 * time.Second)
		d.put("j.0.1")
		got := <-waiting
		require.NoError(t, got.err)
		require.Len(t, got.directive.Offers, 1)
		require.Equal(t, 3*time.Second, got.after, "work wakes the device at once")
		require.NotZero(t, got.directive.NextSeconds)

		got = <-m.poll(i, 10*time.Second)
		require.NoError(t, got.err)
		require.Equal(t, 10*time.Second, got.after)
		require.Empty(t, got.directive.Offers)
		require.Zero(t, got.directive.NextSeconds, "the wait was the pause")

		got = <-m.poll(i, time.Hour)
		require.Equal(t, 15*time.Second, got.after, "a poll has a longest time")

		d.put("k.0.1")
		d.wake = make(chan struct{}, 1) // the wake is lost
		waiting = m.poll(i, 10*time.Second)
		got = <-waiting
		require.Len(t, got.directive.Offers, 1)
		require.LessOrEqual(t, got.after, time.Second, "it asks now and then anyway")
		require.NoError(t, stop())
	})
}

func TestPollThatNeedNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := newWorld(t), newDesk()
		i := w.open(func(c *idle.Config) { c.Work = d })
		m := join(t, i, "a")
		for name, prepare := range map[string]func(){
			"no room":      func() { m.take = 0 },
			"not eligible": func() { m.take, m.said.CPUForeign = 1, idle.Some(0.99) },
			"an offer":     func() { m.take, m.said.CPUForeign = 1, idle.Opt[float64]{}; d.put("j.0.1") },
		} {
			if name == "an offer" {
				time.Sleep(time.Hour)
			}
			prepare()
			got := <-m.poll(i, 10*time.Second)
			require.NoError(t, got.err, name)
			require.NotZero(t, got.directive.NextSeconds, name)
			m.said, m.take = idle.Telemetry{}, 1
			time.Sleep(time.Minute)
			m.beat(i)
			time.Sleep(time.Minute)
			m.beat(i)
		}
		_, err := i.Poll(t.Context(), idle.Beat{Device: "nobody"}, time.Second)
		require.Equal(t, fault.NotFound, fault.KindOf(err))
	})
}

// TestPollCountsAsSeen: a device that waits says nothing, and is there.
func TestPollCountsAsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		i := w.open(func(c *idle.Config) { c.Work, c.MaxWait = newDesk(), time.Hour })
		stop := w.run(i)
		m := join(t, i, "a")
		m.take = 1
		waiting := m.poll(i, 10*time.Minute)
		for range 580 {
			time.Sleep(time.Second)
			require.Equal(t, idle.Online, w.stored("a").State)
			require.Less(t, time.Since(w.stored("a").LastSeen), 10*time.Second)
		}
		require.NoError(t, (<-waiting).err)
		time.Sleep(30 * time.Second)
		require.Equal(t, idle.Lost, w.stored("a").State, "but not for longer")
		require.NoError(t, stop())
	})
}

func TestPollEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := newWorld(t), newDesk()
		i := w.open(func(c *idle.Config) { c.Work = d })
		m := join(t, i, "a")
		m.take = 1
		m.held = []idle.Held{{Attempt: "j.0.1", Token: 1}}

		waiting := m.poll(i, 10*time.Second)
		time.Sleep(2500 * time.Millisecond)
		d.mu.Lock()
		d.cancel = []string{"j.0.1"}
		d.mu.Unlock()
		got := <-waiting
		require.Equal(t, []string{"j.0.1"}, got.directive.Cancel)
		m.held = nil

		waiting = m.poll(i, 10*time.Second)
		time.Sleep(2500 * time.Millisecond)
		_, err := i.Drain(t.Context(), "a", true)
		require.NoError(t, err)
		got = <-waiting
		require.Equal(t, idle.Drain, got.directive.Desired)
		require.Less(t, got.after, 4*time.Second)
		_, err = i.Drain(t.Context(), "a", false)
		require.NoError(t, err)

		waiting = m.poll(i, 10*time.Second)
		time.Sleep(2500 * time.Millisecond)
		m.beat(i)
		d.put("k.0.1")
		got = <-waiting
		require.NoError(t, got.err)
		require.Empty(t, got.directive.Offers, "the device has beaten since: its newer beat takes the work")
		require.Len(t, m.beat(i).Offers, 1)

		waiting = m.poll(i, 10*time.Second)
		time.Sleep(2500 * time.Millisecond)
		d.mu.Lock()
		d.err = errDown
		d.mu.Unlock()
		require.Equal(t, fault.Unavailable, fault.KindOf((<-waiting).err))
		d.mu.Lock()
		d.err = nil
		d.mu.Unlock()

		waiting = m.poll(i, 10*time.Second)
		time.Sleep(2500 * time.Millisecond)
		require.NoError(t, i.Close())
		got = <-waiting
		require.NoError(t, got.err)
		require.Equal(t, 2500*time.Millisecond, got.after, "closing ends it")
	})
}

// A device that waits for work hears at once that something must go, and once only: it goes on waiting for work then.
func TestPollTellsOfEvictions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := newWorld(t), newDesk()
		i := w.open(func(c *idle.Config) { c.Work = d })
		stop := w.run(i)
		m := join(t, i, "a")
		m.take, m.held = 1, []idle.Held{{Attempt: "j.0.1", Token: 1}, {Attempt: "k.0.1", Token: 1}}

		evict := func(attempt string, at time.Time) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.evict = map[string]time.Time{attempt: at}
			d.wake <- struct{}{}
		}
		waiting := m.poll(i, 10*time.Second)
		time.Sleep(3 * time.Second)
		at := time.Now().Add(30 * time.Second)
		evict("j.0.1", at)
		got := <-waiting
		require.NoError(t, got.err)
		require.Equal(t, 3*time.Second, got.after, "at once")
		require.Len(t, got.directive.Renewed, 2)
		require.True(t, got.directive.Renewed[0].EvictAt.Equal(at), "which one, and until when")
		require.Zero(t, got.directive.Renewed[1].EvictAt)
		require.Empty(t, got.directive.Cancel)

		got = <-m.poll(i, 10*time.Second)
		require.NoError(t, got.err)
		require.Equal(t, 10*time.Second, got.after, "it knows")
		require.True(t, got.directive.Renewed[0].EvictAt.Equal(at), "and is told again with each answer")

		evict("k.0.1", at.Add(time.Minute)) // between two polls
		got = <-m.poll(i, 10*time.Second)
		require.NoError(t, got.err)
		require.Zero(t, got.after, "the first answer tells")
		require.NoError(t, stop())
	})
}
