package idle_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/idle"
)

func TestScheduleOpen(t *testing.T) {
	nights := idle.Schedule{Zone: idle.NewZone("Europe/Berlin"), Windows: []idle.Window{{Days: []string{"fri", "sat"}, From: "22:00", To: "06:00"}}}
	whole := idle.Schedule{Windows: []idle.Window{{Days: []string{"sun"}, From: "00:00", To: "24:00"}}}
	round := idle.Schedule{Windows: []idle.Window{{From: "09:00", To: "09:00"}}}
	for _, c := range []struct {
		name     string
		schedule idle.Schedule
		at       string
		open     bool
	}{
		{"no windows", idle.Schedule{}, "2026-11-25T12:00:00Z", true},
		{"friday evening in winter", nights, "2026-11-27T21:00:00Z", true},
		{"a minute before", nights, "2026-11-27T20:59:59Z", false},
		{"friday evening in summer", nights, "2026-07-03T20:00:00Z", true},
		{"after midnight it is the window of the day before", nights, "2026-11-29T04:59:00Z", true},
		{"it closes", nights, "2026-11-29T05:00:00Z", false},
		{"thursday night", nights, "2026-11-26T23:00:00Z", false},
		{"over the end of the week", idle.Schedule{Windows: []idle.Window{{Days: []string{"sat"}, From: "23:00", To: "01:00"}}}, "2026-11-29T00:30:00Z", true},
		{"a whole sunday", whole, "2026-11-29T23:59:59Z", true},
		{"and nothing of monday", whole, "2026-11-30T00:00:00Z", false},
		{"round the clock", round, "2026-11-25T08:59:00Z", true},
		{"a zone that is not known", idle.Schedule{Zone: idle.NewZone("Atlantis/Capital"), Windows: round.Windows}, "2026-11-25T08:59:00Z", false},
		{"a window that makes no sense", idle.Schedule{Windows: []idle.Window{{From: "25:00", To: "x"}}}, "2026-11-25T08:59:00Z", false},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		require.NoError(t, err)
		require.Equal(t, c.open, c.schedule.Open(at), c.name)
		d := idle.Evaluate(idle.Policy{Schedule: c.schedule}, idle.Telemetry{}, idle.Decision{}, at)
		require.Equal(t, c.open, d.Eligible, c.name)
		if !c.open {
			require.Equal(t, []string{idle.OutsideWindow}, codes(d.Reasons), c.name)
		}
	}
}

// TestScheduleByTheMinute compares Open with a reading of the same windows that knows nothing of minutes since Sunday.
func TestScheduleByTheMinute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		days := []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
		clock := func(name string) string {
			return fmt.Sprintf("%02d:%02d", rapid.IntRange(0, 23).Draw(t, name+" hour"), rapid.IntRange(0, 59).Draw(t, name+" minute"))
		}
		w := idle.Window{
			Days: rapid.SliceOfDistinct(rapid.SampledFrom(days), rapid.ID[string]).Draw(t, "days"), From: clock("from"), To: clock("to"),
		}
		at := noon.Add(time.Duration(rapid.IntRange(0, 7*24*60).Draw(t, "at")) * time.Minute)
		opens := func(day time.Time) bool {
			return len(w.Days) == 0 || slices.Contains(w.Days, strings.ToLower(day.Format("Mon")))
		}
		text, yesterday := at.Format("15:04"), at.AddDate(0, 0, -1)
		want := opens(at) && w.From <= text && text < w.To // within a day
		if w.To <= w.From {
			want = opens(at) && w.From <= text || opens(yesterday) && text < w.To
		}
		s := idle.Schedule{Windows: []idle.Window{w}}
		require.Equal(t, want, s.Open(at), "%+v at %s", w, at.Format("Mon 15:04"))
	})
}

// TestDwellFitsTheSchedule: Validate refuses a dwell time exactly if the schedule never stays open for longer.
func TestDwellFitsTheSchedule(t *testing.T) {
	for _, c := range []struct {
		name    string
		windows []idle.Window
		minutes float64 // the longest stretch
	}{
		{"one hour", []idle.Window{{Days: []string{"mon"}, From: "01:00", To: "02:00"}}, 60},
		{"two that meet", []idle.Window{{From: "01:00", To: "02:00"}, {From: "02:00", To: "02:30"}}, 90},
		{"two that overlap over midnight", []idle.Window{{Days: []string{"sat"}, From: "23:00", To: "00:10"}, {Days: []string{"sun"}, From: "00:05", To: "00:20"}}, 80},
	} {
		p := idle.Policy{Schedule: idle.Schedule{Windows: c.windows}, DwellSeconds: c.minutes*60 - 1}
		require.NoError(t, p.Validate(), c.name)
		p.DwellSeconds++
		require.ErrorContains(t, p.Validate(), "no device could ever start", c.name)
	}
	always := idle.Policy{DwellSeconds: 24 * 3600, Schedule: idle.Schedule{Windows: []idle.Window{{From: "00:00", To: "24:00"}}}}
	require.NoError(t, always.Validate(), "it never closes")
}

func TestZone(t *testing.T) {
	p := idle.Policy{Schedule: idle.Schedule{Zone: idle.NewZone("America/New_York"), Windows: []idle.Window{{From: "01:00", To: "02:00"}}}}
	text, err := json.Marshal(p)
	require.NoError(t, err)
	require.Contains(t, string(text), `"zone":"America/New_York"`)
	var back idle.Policy
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, p, back)
	require.NoError(t, json.Unmarshal([]byte(`{"schedule":{"zone":"Nowhere"}}`), &back), "a stored policy can always be read")
	require.False(t, back.Schedule.Zone.Known())
	plain, err := json.Marshal(idle.Policy{})
	require.NoError(t, err)
	require.NotContains(t, string(plain), "schedule", "what is not used is not written")
}
