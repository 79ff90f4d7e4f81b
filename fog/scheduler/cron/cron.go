// Package cron reads the five fields of a crontab line and tells when they come true next. It is pure: it knows no clock.
//
// A line has the fields minute (0-59), hour (0-23), day of the month (1-31), month (1-12 or jan-dec) and day of the week (0-7 or
// sun-sat, 0 and 7 being Sunday). A field is a list of parts separated by commas; a part is *, a value or a range a-b, and may
// have a step: */15, 10-50/20, and a/n, which is a to the field's end. Names are taken in any letter case. In place of the fields
// may stand @hourly, @daily (or @midnight), @weekly, @monthly or @yearly (or @annually).
//
// As in crontab(5), where neither day field begins with *, a day that meets one of them is enough; else it must meet both.
//
// # Clocks that change
//
// Fields speak of the wall clock of a place. Where the hour field begins with *, the line follows it as it goes: in the hour that
// comes twice it comes true twice, in the hour that is left out not at all. Any other line names hours of a day, and each of
// its times comes true once a day: in the hour that comes twice the first time, and what would fall into the time that is left
// out as soon as the clock has changed, once.
package cron

import (
	"strconv"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Spec is a line that was read. Make it with Parse.
type Spec struct {
	minute, hour, day, month, weekday uint64 // a bit for each value
	anyDay, anyWeekday                bool   // the field begins with *
	fixed                             bool   // the hour field does not
}

// maxLength bounds a line, in bytes.
const maxLength = 256

// Parse reads a line. Errors are of kind Invalid, field "spec", and say what is wrong; so is a line that never comes true.
func Parse(line string) (Spec, error) {
	if len(line) > maxLength {
		return Spec{}, wrong("want at most %d bytes", maxLength)
	}
	if strings.HasPrefix(strings.TrimSpace(line), "@") {
		full, ok := named(strings.TrimSpace(line))
		if !ok {
			return Spec{}, wrong("unknown name %q: want @hourly, @daily, @weekly, @monthly or @yearly", line)
		}
		line = full
	}
	fields := strings.Fields(line)
	if len(fields) != 5 {
		return Spec{}, wrong("%d fields: want minute, hour, day of the month, month and day of the week", len(fields))
	}
	var s Spec
	for i, to := range []*uint64{&s.minute, &s.hour, &s.day, &s.month, &s.weekday} {
		bits, err := ranges()[i].parse(fields[i])
		if err != nil {
			return Spec{}, err
		}
		*to = bits
	}
	s.weekday |= s.weekday >> 7 // 7 is Sunday
	s.fixed = fields[1][0] != '*'
	s.anyDay, s.anyWeekday = fields[2][0] == '*', fields[4][0] == '*'
	if _, ok := s.wall(0); !ok {
		return Spec{}, wrong("%q never comes true", line)
	}
	return s, nil
}

// named is the line behind a name.
func named(name string) (string, bool) {
	switch strings.ToLower(name) {
	case "@hourly":
		return "0 * * * *", true
	case "@daily", "@midnight":
		return "0 0 * * *", true
	case "@weekly":
		return "0 0 * * 0", true
	case "@monthly":
		return "0 0 1 * *", true
	case "@yearly", "@annually":
		return "0 0 1 1 *", true
	}
	return "", false
}

func wrong(format string, a ...any) error {
	return fault.Field("cron.parse", "spec", format, a...)
}

// field is what one field may say.
type field struct {
	name     string
	min, max int
	words    []string // of the values from min on
}

func ranges() [5]field {
	return [5]field{
		{"minute", 0, 59, nil},
		{"hour", 0, 23, nil},
		{"day of the month", 1, 31, nil},
		{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{"day of the week", 0, 7, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
}

// parse reads a field into a bit for each value.
func (f field) parse(text string) (bits uint64, err error) {
	for _, part := range strings.Split(text, ",") {
		span, tail, stepped := strings.Cut(part, "/")
		first, last, err := f.span(span, stepped)
		if err != nil {
			return 0, err
		}
		step := 1
		if stepped {
			if step, err = number(tail); err != nil || step < 1 || step > f.max {
				return 0, wrong("%s: %q is not a step between 1 and %d", f.name, tail, f.max)
			}
		}
		for v := first; v <= last; v += step {
			bits |= 1 << v
		}
	}
	return bits, nil
}

// span reads *, a value or a range.
func (f field) span(text string, stepped bool) (first, last int, err error) {
	if text == "*" {
		last = f.max
		if f.max == 7 {
			last = 6 // each weekday once, so that steps count from Sunday to Saturday
		}
		return f.min, last, nil
	}
	from, to, ranged := strings.Cut(text, "-")
	if first, err = f.value(from); err != nil {
		return 0, 0, err
	}
	switch {
	case ranged:
		if last, err = f.value(to); err != nil {
			return 0, 0, err
		}
	case stepped:
		last = f.max
	default:
		last = first
	}
	if first > last {
		return 0, 0, wrong("%s: the range %q ends before it begins", f.name, text)
	}
	return first, last, nil
}

func (f field) value(text string) (int, error) {
	for i, word := range f.words {
		if strings.EqualFold(text, word) {
			return f.min + i, nil
		}
	}
	n, err := number(text)
	if err != nil || n < f.min || n > f.max {
		return 0, wrong("%s: %q is not between %d and %d", f.name, text, f.min, f.max)
	}
	return n, nil
}

// number reads digits and nothing else.
func number(text string) (int, error) {
	if text == "" || len(text) > 4 || strings.Trim(text, "0123456789") != "" {
		return 0, strconv.ErrSyntax
	}
	return strconv.Atoi(text)
}

// Next is the first time after the given one at which the line comes true on the clocks of a place. The zero time is never: only
// where it lies centuries ahead.
func (s Spec) Next(after time.Time, place *time.Location) time.Time {
	t := after.Unix() + 1
	for range maxSpans {
		at := time.Unix(t, 0).In(place)
		begin, end := at.ZoneBounds()
		shift := offset(at)
		if s.fixed && !begin.IsZero() {
			before := offset(begin.Add(-time.Second))
			if again := begin.Unix() + before - shift; t < again { // these walls were there before the clock was put back
				t = again
			}
		}
		wall, ok := s.wall(t + shift)
		if !ok {
			return time.Time{}
		}
		if end.IsZero() || wall-shift < end.Unix() {
			return time.Unix(wall-shift, 0).In(place)
		}
		if gap := offset(end) - shift; s.fixed && gap > 0 && wall < end.Unix()+shift+gap {
			return end
		}
		t = end.Unix()
	}
	return time.Time{}
}

// maxSpans is how many changes of a place's clocks are looked through: those of some centuries.
const maxSpans = 1000

// offset is what a place's wall clock shows beyond UTC, in seconds.
func offset(t time.Time) int64 {
	_, seconds := t.Zone()
	return int64(seconds)
}

// wall is the first moment, not before the given one, at which a clock without changes shows what the line asks for; both in
// seconds as if the clock showed UTC.
func (s Spec) wall(from int64) (int64, bool) {
	const minute = 60
	t := time.Unix((from+minute-1)/minute*minute, 0).UTC()
	if from < 0 { // rounds to zero, that is up already
		t = time.Unix(from/minute*minute, 0).UTC()
	}
	last := t.Year() + cycle
	for t.Year() <= last {
		year, month, day := t.Date()
		switch {
		case s.month&(1<<month) == 0:
			t = time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
		case !s.onDay(t):
			t = time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC)
		case s.hour&(1<<t.Hour()) == 0:
			t = t.Truncate(time.Hour).Add(time.Hour)
		case s.minute&(1<<t.Minute()) == 0:
			t = t.Add(time.Minute)
		default:
			return t.Unix(), true
		}
	}
	return 0, false
}

// cycle is the number of years after which the calendar repeats itself, weekdays included.
const cycle = 400

// onDay reports whether the line takes the day of a time.
func (s Spec) onDay(t time.Time) bool {
	day, weekday := s.day&(1<<t.Day()) != 0, s.weekday&(1<<t.Weekday()) != 0
	if s.anyDay || s.anyWeekday {
		return day && weekday
	}
	return day || weekday
}
