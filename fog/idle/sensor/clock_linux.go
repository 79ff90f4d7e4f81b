package sensor

import (
	"time"

	"golang.org/x/sys/unix"
)

// Now reads the clocks of this machine.
func Now() Moment {
	return Moment{Wall: time.Now(), Awake: read(unix.CLOCK_MONOTONIC), Boot: read(unix.CLOCK_BOOTTIME)}
}

// read returns what a clock shows; 0 if there is no such clock.
func read(clock int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
