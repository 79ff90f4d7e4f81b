package sensor

import "time"

// Moment is what the clocks of a machine show at once.
type Moment struct {
	Wall  time.Time     // the clock on the wall, which people and servers set
	Awake time.Duration // time that the machine was awake since some start; it never jumps
	// Boot is time since some start, sleep included. 0: the system has no such clock, or it is not read here.
	Boot time.Duration

	mono time.Time // set where Awake cannot be read: Go's own clock, which stands still or not while the machine sleeps
}

// Jump is what happened between two moments beside time passing.
type Jump struct {
	Slept   time.Duration // the machine was suspended
	Stepped time.Duration // the clock on the wall was set, forward if positive
}

// Since returns what happened since an earlier moment. Without a clock that counts sleep, sleep and setting the clock cannot be told
// apart: what the clock on the wall gained counts as sleep, what it lost as set back.
func (m Moment) Since(old Moment) Jump {
	awake, wall := m.Awake-old.Awake, m.Wall.Round(0).Sub(old.Wall.Round(0)) // Round takes the monotonic clock off
	if !m.mono.IsZero() && !old.mono.IsZero() {
		awake = m.mono.Sub(old.mono)
	}
	if m.Boot == 0 || old.Boot == 0 {
		return Jump{Slept: max(wall-awake, 0), Stepped: min(wall-awake, 0)}
	}
	boot := m.Boot - old.Boot
	return Jump{Slept: boot - awake, Stepped: wall - boot}
}
