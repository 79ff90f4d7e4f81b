package agent

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestBudgetLaw: guests that stop whenever they are ahead use at most their share of any time, plus a burst and what one reading
// brings; and guests that stay below it are never stopped.
func TestBudgetLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const machine = 4
		cores := rapid.Float64Range(0.1, machine).Draw(t, "cores")
		var b budget
		now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
		var used, passed time.Duration
		ahead := b.spend(now, used, cores)
		require.False(t, ahead)
		modest := rapid.Bool().Draw(t, "modest")
		for range rapid.IntRange(1, 100).Draw(t, "readings") {
			step := time.Duration(rapid.IntRange(100, 2000).Draw(t, "step")) * time.Millisecond
			now, passed = now.Add(step), passed+step
			if !ahead {
				eager := rapid.Float64Range(0, machine).Draw(t, "use")
				if modest {
					eager = min(eager, cores*0.99)
				}
				used += time.Duration(float64(step) * eager)
			}
			ahead = b.spend(now, used, cores)
			require.False(t, modest && ahead, "stopped although below its share")
			require.LessOrEqual(t, used.Seconds(), passed.Seconds()*cores+burst.Seconds()*cores+2*machine)
		}
	})
}

func TestBudgetClock(t *testing.T) {
	var b budget
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	require.False(t, b.spend(now, time.Hour, 1), "what was used before does not count")
	require.True(t, b.spend(now.Add(time.Second), time.Hour+3*time.Second, 1))
	require.True(t, b.spend(now.Add(-time.Hour), time.Hour+3*time.Second, 1), "a clock that was set back gives nothing")
	require.False(t, b.spend(now.Add(time.Hour), time.Hour+3*time.Second, 1))
	require.True(t, b.spend(now.Add(time.Hour+time.Second), time.Hour+8*time.Second, 1), "and one that was set forward gives a burst at most")
}
