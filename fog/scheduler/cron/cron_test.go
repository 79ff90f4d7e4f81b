package cron_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler/cron"
)

func at(t testing.TB, zone, text string) time.Time {
	t.Helper()
	place, err := time.LoadLocation(zone)
	require.NoError(t, err)
	when, err := time.ParseInLocation("2006-01-02 15:04", text, place)
	require.NoError(t, err)
	return when
}

func TestNext(t *testing.T) {
	for _, c := range []struct{ line, zone, after, want string }{
		{"* * * * *", "UTC", "2026-05-17 12:00", "2026-05-17 12:01"},
		{"*/15 * * * *", "UTC", "2026-05-17 12:46", "2026-05-17 13:00"},
		{"7/20 3 * * *", "UTC", "2026-05-17 03:27", "2026-05-17 03:47"},
		{"0 9-17/4 * * MON-fri", "UTC", "2026-05-15 17:00", "2026-05-18 09:00"},
		{"0 0 1,15 * *", "UTC", "2026-05-15 00:00", "2026-06-01 00:00"},
		{"0 0 13 * 5", "UTC", "2026-05-17 00:00", "2026-05-22 00:00"},  // the 13th or a Friday
		{"0 0 */2 * 1", "UTC", "2026-05-17 00:00", "2026-05-25 00:00"}, // an odd day and a Monday
		{"0 0 29 feb *", "UTC", "2026-05-17 00:00", "2028-02-29 00:00"},
		{"0 0 29 2 *", "UTC", "2096-03-01 00:00", "2104-02-29 00:00"},
		{"0 0 * * 7", "UTC", "2026-05-17 00:00", "2026-05-24 00:00"},
		{"@weekly", "UTC", "2026-05-17 00:00", "2026-05-24 00:00"},
		{"@Yearly", "UTC", "2026-05-17 00:00", "2027-01-01 00:00"},
		{" @daily ", "Asia/Kolkata", "2026-05-17 00:00", "2026-05-18 00:00"},
		// At 2:00 the clock goes to 3:00.
		{"30 2 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 03:00"},
		{"30 2 * * *", "Europe/Berlin", "2026-03-29 03:00", "2026-03-30 02:30"},
		{"30 * * * *", "Europe/Berlin", "2026-03-29 01:30", "2026-03-29 03:30"},
		{"0 3 * * *", "Europe/Berlin", "2026-03-28 12:00", "2026-03-29 03:00"},
		{"0 1-4 * * *", "Europe/Berlin", "2026-03-29 01:00", "2026-03-29 03:00"},
		{"0 1-4 * * *", "Europe/Berlin", "2026-03-29 03:00", "2026-03-29 04:00"},
		{"15 0 * * *", "America/Sao_Paulo", "2018-11-03 12:00", "2018-11-04 01:00"}, // midnight itself is left out
	} {
		spec, err := cron.Parse(c.line)
		require.NoError(t, err, c.line)
		after := at(t, c.zone, c.after)
		got := spec.Next(after, after.Location())
		require.Equal(t, c.want, got.Format("2006-01-02 15:04"), "%s in %s after %s", c.line, c.zone, c.after)
	}
}

// TestTheHourThatComesTwice follows a clock that goes from 3:00 back to 2:00.
func TestTheHourThatComesTwice(t *testing.T) {
	times := func(line string, n int) (out []string) {
		spec, err := cron.Parse(line)
		require.NoError(t, err)
		for next := at(t, "Europe/Berlin", "2026-10-25 01:45"); len(out) < n; {
			next = spec.Next(next, next.Location())
			out = append(out, next.Format("02 15:04 MST"))
		}
		return out
	}
	require.Equal(t, []string{"25 02:30 CEST", "26 02:30 CET"}, times("30 2 * * *", 2))
	require.Equal(t, []string{"25 02:30 CEST", "25 02:30 CET", "25 03:30 CET"}, times("30 * * * *", 3))
	require.Equal(t, []string{"25 02:00 CEST", "25 02:30 CEST", "25 03:00 CET"}, times("*/30 2,3 * * *", 3))
}

func TestParseRefuses(t *testing.T) {
	for _, line := range []string{
		"", "* * * *", "* * * * * *", "@never", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8",
		"-1 * * * *", "5-1 * * * *", "a * * * *", "*/0 * * * *", "*/x * * * *", "1- * * * *", "1,,2 * * * *", "/5 * * * *",
		"* * * mo *", "* * * * mond", "+1 * * * *", "1-2-3 * * * *", "*/5/5 * * * *", "0 0 30 2 *", "0 0 31 4,6,9,11 *",
		"99999999999999999999 * * * *", strings.Repeat(" ", 250) + "* * * * *",
	} {
		_, err := cron.Parse(line)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%q", line)
		require.Equal(t, "spec", fault.FieldOf(err))
	}
}

// walk is the first time after the given one by looking at each minute: the definition of the package, without any calendar.
func walk(fields []string, after time.Time, place *time.Location, minutes int) time.Time {
	fixed := fields[1][0] != '*'
	t := after.Truncate(time.Minute)
	for range minutes {
		before := t
		t = t.Add(time.Minute)
		wall, last := clock(t, place), clock(before, place)
		if !fixed {
			if shows(fields, wall) {
				return t
			}
			continue
		}
		for w := last.Add(time.Minute); !w.After(wall); w = w.Add(time.Minute) { // all that the clock leaves out as well
			if shows(fields, w) && !before1(w, t, place) {
				return t
			}
		}
	}
	return time.Time{}
}

// before1 reports whether a place's clock showed a wall time before t, within the last three hours.
func before1(wall, t time.Time, place *time.Location) bool {
	for ago := time.Minute; ago <= 3*time.Hour; ago += time.Minute {
		if clock(t.Add(-ago), place).Equal(wall) {
			return true
		}
	}
	return false
}

// clock is what a place's clock shows, as if it were UTC.
func clock(t time.Time, place *time.Location) time.Time {
	l := t.In(place)
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), 0, 0, time.UTC)
}

// shows reports whether a wall time meets the fields, which are lists of numbers and *.
func shows(fields []string, w time.Time) bool {
	meets := func(i, v int) bool {
		for _, part := range strings.Split(fields[i], ",") {
			if part == "*" || part == fmt.Sprint(v) || i == 4 && v == 0 && part == "7" {
				return true
			}
		}
		return false
	}
	day, weekday := meets(2, w.Day()), meets(4, int(w.Weekday()))
	days := day && weekday
	if fields[2] != "*" && fields[4] != "*" {
		days = day || weekday
	}
	return meets(0, w.Minute()) && meets(1, w.Hour()) && meets(3, int(w.Month())) && days
}

func TestNextIsTheFirstOfAWalk(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := func(label string, low, high int) string {
			if rapid.Bool().Draw(t, label+" any") {
				return "*"
			}
			values := rapid.SliceOfN(rapid.IntRange(low, high), 1, 4).Draw(t, label)
			return strings.Trim(strings.Join(strings.Fields(fmt.Sprint(values)), ","), "[]")
		}
		fields := []string{list("minute", 0, 59), list("hour", 0, 4), list("day", 1, 31), list("month", 1, 12), list("weekday", 0, 7)}
		zone := rapid.SampledFrom([]string{
			"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia",
		}).Draw(t, "zone")
		place, err := time.LoadLocation(zone)
		require.NoError(t, err)
		// Around the changes of these clocks, mostly.
		day := rapid.SampledFrom([]string{
			"2018-11-03", "2018-02-17", "2026-03-28", "2026-10-24", "2026-03-07", "2026-10-31", "2026-04-04", "2026-10-03", "2011-12-29", "2024-02-28",
		}).Draw(t, "day")
		after, err := time.ParseInLocation("2006-01-02", day, place)
		require.NoError(t, err)
		after = after.Add(time.Duration(rapid.IntRange(0, 3*24*60*60).Draw(t, "seconds")) * time.Second)
		spec, err := cron.Parse(strings.Join(fields, " "))
		if err != nil {
			t.Skip("such a day never comes")
		}
		const minutes = 3 * 24 * 60
		got, want := spec.Next(after, place), walk(fields, after, place, minutes)
		switch {
		case !want.IsZero():
			require.True(t, want.Equal(got), "%v in %s after %v: want %v, got %v", fields, zone, after, want, got)
		case !got.IsZero():
			require.False(t, got.Before(after.Add(minutes*time.Minute)), "%v in %s after %v: got %v", fields, zone, after, got)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{"* * * * *", "*/5 1-3,7 1/2 jan-mar MON", "@daily", "0 0 30 2 *", "60 * * * *", "-", "1,2,3-4/2 * * * 7"} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		spec, err := cron.Parse(line)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.KindOf(err))
			return
		}
		after := time.Date(2026, 5, 17, 12, 0, 0, 0, time.UTC)
		next := spec.Next(after, time.UTC)
		require.True(t, next.After(after))
		require.True(t, spec.Next(next.Add(-time.Second), time.UTC).Equal(next), "a time is next until it has come")
	})
}

func ExampleSpec_Next() {
	spec, err := cron.Parse("30 6 * * mon-fri")
	if err != nil {
		panic(err)
	}
	friday := time.Date(2026, 5, 15, 12, 0, 0, 0, time.UTC)
	fmt.Println(spec.Next(friday, time.UTC).Format("Mon 2 Jan 15:04"))
	// Output: Mon 18 May 06:30
}
