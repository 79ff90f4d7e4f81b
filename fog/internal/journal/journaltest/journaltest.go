// Package journaltest is the conformance suite of journal.Journal: every implementation runs it.
package journaltest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

// Subject is an implementation under test.
type Subject struct {
	Journal journal.Journal
	Append  func(facts ...journal.Fact) error // commits facts and wakes their readers
}

// Open returns an empty journal that follows a clock. It may use the same place again and again, emptying it first.
type Open func(now func() time.Time) Subject

// Run runs the suite.
func Run(t *testing.T, open Open) {
	t.Run("agrees with the model", func(t *testing.T) { agreesWithModel(t, open) })
	t.Run("claims in order, each fact once", func(t *testing.T) { claimOrder(t, open) })
	t.Run("a lapsed claim is given to the next", func(t *testing.T) { lapse(t, open) })
	t.Run("concurrent readers share the work", func(t *testing.T) { concurrentReaders(t, open) })
	t.Run("a commit wakes readers", func(t *testing.T) { wakes(t, open) })
	t.Run("odd texts survive", func(t *testing.T) { oddTexts(t, open) })
}

// clock is a clock that the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_800_000_000, 0).UTC()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func fact(topic journal.Topic, n int) journal.Fact {
	return journal.Fact{Topic: topic, ID: fmt.Sprintf("thing-%d", n), Version: int64(n)}
}

func claimOrder(t *testing.T, open Open) {
	ctx, c := context.Background(), newClock()
	s := open(c.now)
	require.NoError(t, s.Append(fact("a", 1), fact("b", 2), fact("a", 3), fact("a", 4)))
	until := c.now().Add(time.Minute)
	first, err := s.Journal.Claim(ctx, "a", 2, until)
	require.NoError(t, err)
	require.Len(t, first, 2)
	require.Equal(t, fact("a", 1), first[0].Fact)
	require.Equal(t, fact("a", 3), first[1].Fact)
	require.Less(t, first[0].Seq, first[1].Seq)
	rest, err := s.Journal.Claim(ctx, "a", 2, until)
	require.NoError(t, err)
	require.Len(t, rest, 1)
	require.Equal(t, fact("a", 4), rest[0].Fact)
	none, err := s.Journal.Claim(ctx, "a", 2, until)
	require.NoError(t, err)
	require.Empty(t, none)
	none, err = s.Journal.Claim(ctx, "b", 0, until)
	require.NoError(t, err)
	require.Empty(t, none)
	require.NoError(t, s.Journal.Done(ctx, nil))
	require.NoError(t, s.Journal.Fail(ctx, nil, "", until, 1))
	require.NoError(t, s.Journal.Retry(ctx, nil))
}

func lapse(t *testing.T, open Open) {
	ctx, c := context.Background(), newClock()
	s := open(c.now)
	require.NoError(t, s.Append(fact("a", 1)))
	old, err := s.Journal.Claim(ctx, "a", 1, c.now().Add(time.Minute))
	require.NoError(t, err)
	c.move(time.Minute)
	next, err := s.Journal.Claim(ctx, "a", 1, c.now().Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, next, 1)
	require.NotEqual(t, old[0].Token, next[0].Token)

	require.NoError(t, s.Journal.Done(ctx, old), "the first reader is too late")
	require.NoError(t, s.Journal.Fail(ctx, old, "late", c.now(), 1))
	parked, err := s.Journal.Parked(ctx, 10)
	require.NoError(t, err)
	require.Empty(t, parked)
	purged, err := s.Journal.Purge(ctx, c.now().Add(time.Hour), 10)
	require.NoError(t, err)
	require.Zero(t, purged)

	require.NoError(t, s.Journal.Done(ctx, next))
	require.NoError(t, s.Journal.Done(ctx, next), "again changes nothing")
	purged, err = s.Journal.Purge(ctx, c.now().Add(time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, 1, purged)
}

func concurrentReaders(t *testing.T, open Open) {
	const facts, readers = 120, 4
	ctx, c := context.Background(), newClock()
	s := open(c.now)
	for n := range facts {
		require.NoError(t, s.Append(fact("a", n)))
	}
	var mu sync.Mutex
	seen := map[string]int{}
	read := func() {
		for {
			claimed, err := s.Journal.Claim(ctx, "a", 7, c.now().Add(time.Hour))
			if err != nil {
				t.Errorf("claim: %v", err)
				return
			}
			if len(claimed) == 0 {
				return
			}
			mu.Lock()
			for _, f := range claimed {
				seen[f.ID]++
			}
			mu.Unlock()
			if err := s.Journal.Done(ctx, claimed); err != nil {
				t.Errorf("done: %v", err)
			}
		}
	}
	var all sync.WaitGroup
	for range readers {
		all.Go(read)
	}
	all.Wait()
	read() // what another reader's claim hid
	require.Len(t, seen, facts)
	for id, times := range seen {
		require.Equal(t, 1, times, id)
	}
	purged, err := s.Journal.Purge(ctx, c.now().Add(time.Second), 2*facts)
	require.NoError(t, err)
	require.Equal(t, facts, purged)
}

func wakes(t *testing.T, open Open) {
	s := open(newClock().now)
	bell := s.Journal.Wake("a")
	select {
	case <-bell:
		t.Fatal("woken for nothing")
	default:
	}
	require.NoError(t, s.Append(fact("a", 1)))
	require.NoError(t, s.Append(fact("a", 2), fact("b", 3)))
	for _, bell := range []<-chan struct{}{bell, s.Journal.Wake("b")} {
		select {
		case <-bell:
		default:
			t.Fatal("not woken")
		}
		select {
		case <-bell:
			t.Fatal("woken twice for what one reader takes at once")
		default:
		}
	}
}

func oddTexts(t *testing.T, open Open) {
	ctx, c := context.Background(), newClock()
	s := open(c.now)
	odd := journal.Fact{Topic: "it's ? \"odd\" \\ %", ID: "?0 'x' -- \n ü 🌫", Version: -1 << 63}
	require.NoError(t, s.Append(odd))
	claimed, err := s.Journal.Claim(ctx, odd.Topic, 1, c.now().Add(time.Minute))
	require.NoError(t, err)
	require.Len(t, claimed, 1)
	require.Equal(t, odd, claimed[0].Fact)
	reason := "a\x00b\xff it's ? 'broken' \\ ü"
	require.NoError(t, s.Journal.Fail(ctx, claimed, reason, c.now(), 1))
	parked, err := s.Journal.Parked(ctx, 1)
	require.NoError(t, err)
	require.Len(t, parked, 1)
	require.Equal(t, odd, parked[0].Fact)
	require.Contains(t, parked[0].Reason, "it's ? 'broken' \\ ü")
}

// agreesWithModel drives an implementation and a naive model with the same random steps.
func agreesWithModel(t *testing.T, open Open) {
	rapid.Check(t, func(rt *rapid.T) {
		c := newClock()
		m := &machine{clock: c, subject: open(c.now)}
		rt.Repeat(rapid.StateMachineActions(m))
	})
}
