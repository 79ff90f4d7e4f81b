package idle

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Schedule says in which hours of the week a device may be harvested. Without windows it may at any time.
type Schedule struct {
	Zone    Zone     `json:"zone,omitzero"` // whose clock the windows mean; zero: UTC
	Windows []Window `json:"windows,omitempty"`
}

// Window is open from one time of the day to another on some days of the week. Where To is not after From it lasts over
// midnight, into the day after; equal times make a whole day of it. On a day on which the clock jumps, times that it leaves
// out do not come and those that it repeats come twice.
type Window struct {
	Days []string `json:"days,omitempty"` // on which it opens: mon tue wed thu fri sat sun; empty: all of them
	From string   `json:"from"`           // 00:00 to 23:59
	To   string   `json:"to"`             // 00:00 to 24:00
}

// Zone is a time zone of the IANA database. Its zero value is UTC. A name that this machine's database lacks is kept:
// Validate refuses it, and a schedule in it is never open.
type Zone struct {
	name  string
	place *time.Location // nil: the zone is not known here, or UTC if name is empty
}

// NewZone returns the zone of a name like "Europe/Berlin"; empty: UTC. "Local" is not known: it would mean another one on each
// machine.
func NewZone(name string) Zone {
	z := Zone{name: name}
	if name != "" && name != "Local" {
		z.place, _ = time.LoadLocation(name) // Known says so
	}
	return z
}

// String returns the name; "" for UTC by default.
func (z Zone) String() string { return z.name }

// Known reports whether this machine knows the zone.
func (z Zone) Known() bool { return z.name == "" || z.place != nil }

// MarshalText implements encoding.TextMarshaler.
func (z Zone) MarshalText() ([]byte, error) { return []byte(z.name), nil }

// UnmarshalText implements encoding.TextUnmarshaler. It has no errors: see Known.
func (z *Zone) UnmarshalText(text []byte) error {
	*z = NewZone(string(text))
	return nil
}

// in returns what a clock in the zone shows.
func (z Zone) in(t time.Time) time.Time {
	if z.place == nil {
		return t.UTC()
	}
	return t.In(z.place)
}

const (
	minutesADay  = 24 * 60
	minutesAWeek = 7 * minutesADay
	maxWindows   = 100
)

// Open reports whether some window is open at a time.
func (s *Schedule) Open(now time.Time) bool {
	if len(s.Windows) == 0 {
		return true
	}
	if !s.Zone.Known() {
		return false
	}
	clock := s.Zone.in(now)
	minute := int(clock.Weekday())*minutesADay + clock.Hour()*60 + clock.Minute()
	return slices.ContainsFunc(s.Windows, func(w Window) bool {
		return w.each(func(from, length int) bool { return (minute-from+minutesAWeek)%minutesAWeek < length })
	})
}

// each calls a function with each opening of the window, as minutes since Sunday midnight and a length in minutes, until it
// returns true; then it does too. A window that makes no sense never opens.
func (w *Window) each(found func(from, length int) bool) bool {
	from, err := minutes(w.From)
	to, wrong := minutes(w.To)
	if err != nil || wrong != nil {
		return false
	}
	length := to - from
	if length <= 0 {
		length += minutesADay
	}
	for day := range 7 {
		if (len(w.Days) == 0 || slices.Contains(w.Days, dayName(day))) && found(day*minutesADay+from, length) {
			return true
		}
	}
	return false
}

// dayName is the name of a day in a Window; 0 is Sunday.
func dayName(day int) string { return strings.ToLower(time.Weekday(day).String()[:3]) }

// minutes reads a time of the day, as minutes since midnight.
func minutes(text string) (int, error) {
	if len(text) != 5 || text[2] != ':' {
		return 0, fmt.Errorf("%q is not of the form hh:mm", text)
	}
	hour, err := strconv.ParseUint(text[:2], 10, 8)
	minute, wrong := strconv.ParseUint(text[3:], 10, 8)
	total := int(hour*60 + minute)
	if err != nil || wrong != nil || minute > 59 || total > minutesADay {
		return 0, fmt.Errorf("%q is no time of the day", text)
	}
	return total, nil
}

// longest is for how long the schedule is open at a stretch, at most; a week if it never closes. Clock changes aside.
func (s *Schedule) longest() time.Duration {
	var open [minutesAWeek]bool
	for i := range s.Windows {
		s.Windows[i].each(func(from, length int) bool {
			for m := range length {
				open[(from+m)%minutesAWeek] = true
			}
			return false
		})
	}
	best, run := 0, 0
	for m := range 2 * minutesAWeek { // twice round: a stretch may go over the end of the week
		if run++; !open[m%minutesAWeek] {
			run = 0
		}
		best = max(best, run)
	}
	return time.Duration(min(best, minutesAWeek)) * time.Minute
}

// validate refuses what is no schedule, and one that is never open for as long as the dwell time.
func (s *Schedule) validate(op string, dwell time.Duration) error {
	if !s.Zone.Known() {
		return fault.Field(op, "policy.schedule.zone", "%q is not a time zone known here; use a name like Europe/Berlin or UTC", s.Zone)
	}
	if len(s.Windows) > maxWindows {
		return fault.Field(op, "policy.schedule.windows", "must be at most %d", maxWindows)
	}
	for i := range s.Windows {
		if err := s.Windows[i].validate(op, fmt.Sprintf("policy.schedule.windows[%d]", i)); err != nil {
			return err
		}
	}
	if len(s.Windows) == 0 {
		return nil
	}
	if most := s.longest(); most < 7*24*time.Hour && dwell >= most {
		return fault.Field(op, "policy.dwell_seconds", "must be less than %g: the schedule is never open for longer at a stretch, "+
			"so no device could ever start", most.Seconds())
	}
	return nil
}

// validate refuses a window that makes no sense.
func (w *Window) validate(op, field string) error {
	for _, day := range w.Days {
		if !slices.ContainsFunc([]int{0, 1, 2, 3, 4, 5, 6}, func(n int) bool { return dayName(n) == day }) {
			return fault.Field(op, field+".days", "%q must be mon, tue, wed, thu, fri, sat or sun", day)
		}
	}
	if from, err := minutes(w.From); err != nil || from == minutesADay {
		return fault.Field(op, field+".from", "must be a time of the day from 00:00 to 23:59")
	}
	if _, err := minutes(w.To); err != nil {
		return fault.Field(op, field+".to", "must be a time of the day from 00:00 to 24:00")
	}
	return nil
}
