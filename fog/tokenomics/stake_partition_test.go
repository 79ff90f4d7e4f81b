package tokenomics_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

// moody is a store whose commits fail whenever it says so.
type moody struct {
	tokenomics.Store
	fails func() bool
}

var errMood = fault.New(fault.Unavailable, "test", "not now")

func (s *moody) Commit(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
	if s.fails() {
		return errMood
	}
	return s.Store.Commit(ctx, fence, changes)
}

// outcome is everything that a ledger has come to.
type outcome struct {
	verdicts  []string
	movements []string
	derived   tokenomics.Derived
}

func (f *farm) outcome(t *testing.T, verdicts []string) outcome {
	t.Helper()
	movements, err := f.store.Movements(t.Context(), 0, 1<<20)
	require.NoError(t, err)
	o := outcome{verdicts: verdicts}
	for _, m := range movements {
		o.movements = append(o.movements, string(m.Data()))
	}
	o.derived, err = tokenomics.Derive(t.Context(), f.store)
	require.NoError(t, err)
	require.NoError(t, f.Verify(t.Context()))
	return o
}

// play takes steps on a new ledger, the requests between two passages of time in batches whose sizes size says. Commits fail whenever
// fails says so and are asked for again; restarts begins a new process on the store.
func play(t *testing.T, steps []step, size func(most int) int, fails, restarts func() bool) outcome {
	t.Helper()
	f := newLively(t)
	store := &moody{f.store, fails}
	open := func() {
		config := f.config()
		config.Store = store
		f.Tokenomics = newLedger(t, config)
	}
	open()
	var verdicts []string
	for len(steps) > 0 {
		if steps[0].passes > 0 {
			store.fails = func() bool { return false }
			f.pass(t, steps[0].passes)
			store.fails, steps = fails, steps[1:]
			continue
		}
		most := 1
		for most < len(steps) && steps[most].passes == 0 {
			most++
		}
		requests := make([]tokenomics.Request, size(most))
		for i := range requests {
			requests[i] = f.about(t, steps[i])
			if requests[i].Propose != nil { // whoever goes on with it knows its number
				requests = requests[:i+1]
				break
			}
		}
		if restarts() {
			open()
		}
		answers, err := f.Post(t.Context(), requests)
		if errors.Is(err, errMood) {
			continue
		}
		require.NoError(t, err)
		for _, answer := range answers {
			text := "yes"
			if answer != nil {
				text = answer.Error()
			}
			verdicts = append(verdicts, text)
		}
		steps = steps[len(requests):]
	}
	store.fails = func() bool { return false }
	return f.outcome(t, verdicts)
}

// Law 12 for stakes, rewards and slashes: however requests are divided into batches, however often a commit fails or the process
// restarts, the verdicts, movements, records and points are those of one request after the other.
func TestStakingPartitions(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw, now := &script{}, tokenomicstest.NewClock().Now()
		var steps []step
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			for _, s := range draw.steps(rt, now) {
				if steps = append(steps, s); s.passes > 0 {
					now = now.Add(s.passes + time.Second)
				}
			}
		}
		never := func() bool { return false }
		one := play(t, steps, func(int) int { return 1 }, never, never)
		many := play(t, steps,
			func(most int) int { return rapid.IntRange(1, most).Draw(rt, "batch") },
			func() bool { return rapid.IntRange(0, 4).Draw(rt, "fails") == 0 },
			func() bool { return rapid.IntRange(0, 3).Draw(rt, "restarts") == 0 })
		require.Equal(rt, one.verdicts, many.verdicts)
		require.Equal(rt, one.derived, many.derived)
		require.Equal(rt, one.movements, many.movements)
	})
}

// A refused request leaves nothing but its verdict: a ledger that was asked for it is the same as one that was not.
func TestRefusalsLeaveNoTrace(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw, now := &script{}, tokenomicstest.NewClock().Now()
		var steps, accepted []step
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			if s := draw.steps(rt, now); len(s) == 1 && s[0].passes == 0 {
				steps = append(steps, s...)
			}
		}
		never := func() bool { return false }
		all := func(most int) int { return most }
		asked := play(t, steps, all, never, never)
		for i, verdict := range asked.verdicts {
			if verdict == "yes" {
				accepted = append(accepted, steps[i])
			}
		}
		only := play(t, accepted, all, never, never)
		require.Equal(rt, only.derived, asked.derived)
		require.Equal(rt, only.movements, asked.movements)
	})
}
