// Package dutytest is the conformance suite of duty.Duties: every implementation runs it.
package dutytest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
)

// Subject is an implementation under test.
type Subject struct {
	Duties duty.Duties
	Check  func(duty.Fence) error // as a commit would
}

// Open returns duties that nobody has ever held and that follow a clock. It may use the same place again and again,
// emptying it first.
type Open func(now func() time.Time) Subject

// Run runs the suite.
func Run(t *testing.T, open Open) {
	t.Run("agrees with the model", func(t *testing.T) { agreesWithModel(t, open) })
	t.Run("one of many takers wins", func(t *testing.T) { oneWinner(t, open) })
	t.Run("a fence lasts until the duty changes hands", func(t *testing.T) { fencing(t, open) })
}

// start is when the suite's clocks start.
func start() time.Time { return time.Unix(1_800_000_000, 0).UTC() }

func oneWinner(t *testing.T, open Open) {
	ctx := context.Background()
	s := open(start)
	for round := range 5 {
		name := duty.Name(fmt.Sprint("duty-", round))
		var mu sync.Mutex
		var winners []duty.Fence
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				fence, ok, err := s.Duties.Take(ctx, name, fmt.Sprint("server-", i), start().Add(time.Minute))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("take: %v", err)
				}
				if ok {
					winners = append(winners, fence)
				}
			})
		}
		all.Wait()
		require.Equal(t, []duty.Fence{{Name: name, Number: 1}}, winners)
	}
}

func fencing(t *testing.T, open Open) {
	ctx, now := context.Background(), start()
	s := open(func() time.Time { return now })
	require.NoError(t, s.Check(duty.Fence{}), "no fence, no check")
	require.ErrorIs(t, s.Check(duty.Fence{Name: "plan", Number: 1}), duty.ErrFenced, "a duty that nobody has ever held")
	old, ok, err := s.Duties.Take(ctx, "plan", "a", now.Add(time.Second))
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, s.Check(old))
	now = now.Add(time.Hour)
	require.NoError(t, s.Check(old), "it has lapsed, but nobody else has it: nothing can go wrong")
	next, ok, err := s.Duties.Take(ctx, "plan", "b", now.Add(time.Second))
	require.NoError(t, err)
	require.True(t, ok)
	require.ErrorIs(t, s.Check(old), duty.ErrFenced)
	require.NoError(t, s.Check(next))
	require.NoError(t, s.Duties.Release(ctx, old, "a"), "too late, and harmless")
	_, ok, err = s.Duties.Take(ctx, "plan", "c", now.Add(time.Second))
	require.NoError(t, err)
	require.False(t, ok)
	require.NoError(t, s.Duties.Release(ctx, next, "b"))
	last, ok, err := s.Duties.Take(ctx, "plan", "c", now.Add(time.Second))
	require.NoError(t, err)
	require.True(t, ok)
	require.Greater(t, last.Number, next.Number)
}

// agreesWithModel drives an implementation and a naive model with the same random steps.
func agreesWithModel(t *testing.T, open Open) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &machine{now: start(), rows: map[duty.Name]modelRow{}}
		m.subject = open(func() time.Time { return m.now })
		rt.Repeat(rapid.StateMachineActions(m))
	})
}

// machine is an implementation and its model.
type machine struct {
	now     time.Time
	subject Subject
	rows    map[duty.Name]modelRow
	fences  []duty.Fence
}

type modelRow struct {
	holder string
	until  time.Time
	number int64
}

// Check implements rapid.StateMachine: of the last fences, exactly the newest of each duty passes.
func (m *machine) Check(t *rapid.T) {
	for _, fence := range m.fences[max(0, len(m.fences)-3):] {
		err := m.subject.Check(fence)
		if newest := m.rows[fence.Name].number == fence.Number; newest != (err == nil) {
			t.Fatalf("fence %+v: %v, newest is %d", fence, err, m.rows[fence.Name].number)
		}
	}
}

func (m *machine) draw(t *rapid.T) (duty.Name, string) {
	return rapid.SampledFrom([]duty.Name{"plan", "ledger"}).Draw(t, "duty"),
		rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "holder")
}

// Take takes a duty.
func (m *machine) Take(t *rapid.T) {
	name, holder := m.draw(t)
	until := m.now.Add(time.Duration(rapid.IntRange(0, 4).Draw(t, "seconds")) * time.Second)
	row := m.rows[name]
	live := row.holder != "" && row.until.After(m.now)
	fence, ok, err := m.subject.Duties.Take(context.Background(), name, holder, until)
	if err != nil {
		t.Fatalf("take: %v", err)
	}
	if want := !live || row.holder == holder; ok != want {
		t.Fatalf("%s takes %s: %v, want %v", holder, name, ok, want)
	}
	if !ok {
		return
	}
	if !live {
		row.number++
	}
	m.rows[name] = modelRow{holder: holder, until: until, number: row.number}
	if fence != (duty.Fence{Name: name, Number: row.number}) {
		t.Fatalf("fence %+v, want number %d", fence, row.number)
	}
	m.fences = append(m.fences, fence)
}

// Release gives a duty up, with some fence of the past.
func (m *machine) Release(t *rapid.T) {
	if len(m.fences) == 0 {
		return
	}
	_, holder := m.draw(t)
	fence := m.fences[rapid.IntRange(0, len(m.fences)-1).Draw(t, "fence")]
	if row := m.rows[fence.Name]; row.holder == holder && row.number == fence.Number {
		m.rows[fence.Name] = modelRow{number: row.number}
	}
	if err := m.subject.Duties.Release(context.Background(), fence, holder); err != nil {
		t.Fatalf("release: %v", err)
	}
}

// Tick moves the clock.
func (m *machine) Tick(t *rapid.T) {
	m.now = m.now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "seconds")) * time.Second)
}
