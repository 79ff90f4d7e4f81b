package idle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// TestInspectAgrees: the checks together have exactly the reasons of Evaluate, each in one check, and a signal that is unknown says so.
func TestInspectAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPolicy(t)
		if rapid.Bool().Draw(t, "sessions") {
			p.Session = idle.Session{MaxSeconds: 60, CoolDownSeconds: 60}
		}
		if rapid.Bool().Draw(t, "hours") {
			p.Schedule.Windows = []idle.Window{{From: "11:59", To: "12:01"}}
		}
		var d idle.Decision
		now := noon
		for range rapid.IntRange(1, 20).Draw(t, "readings") {
			said := drawTelemetry(t)
			checks := idle.Inspect(p, said, d, now)
			d = idle.Evaluate(p, said, d, now)
			var all []idle.Reason
			for _, c := range checks {
				require.Equal(t, c.Holds, len(c.Reasons) == 0)
				require.NotEmpty(t, c.Level)
				require.NotEmpty(t, c.Rule)
				all = append(all, c.Reasons...)
			}
			require.ElementsMatch(t, d.Reasons, all)
			require.Equal(t, !said.TempC.Known, checks[2].Level == "unknown")
			now = now.Add(time.Duration(rapid.IntRange(1, 30).Draw(t, "pause")) * time.Second)
		}
	})
}

func ExampleInspect() {
	policy := idle.Policy{
		Battery: idle.Band{Start: 60, Stop: 40, Unknown: idle.AllowUnknown}, Power: idle.DenyUnknown,
		Schedule: idle.Schedule{Windows: []idle.Window{{Days: []string{"sat", "sun"}, From: "00:00", To: "24:00"}}},
	}
	tuesday := time.Date(2026, 12, 1, 6, 45, 0, 0, time.UTC)
	for _, c := range idle.Inspect(policy, idle.Telemetry{Battery: idle.Some(30.0)}, idle.Decision{}, tuesday) {
		if !c.Holds {
			fmt.Printf("%s | %s | %s | %s\n", c.Signal, c.Level, c.Rule, c.Reasons[0].Code)
		}
	}
	// Output:
	// external power | unknown | yes; unknown: deny | power_unknown
	// battery | 30 % | at least 60 % to start, 40 % to stay; unknown: allow; not on external power | battery_low
	// time | Tue 06:45 UTC | sat,sun 00:00-24:00 | outside_window
}
