//go:build unix

package agent

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// ownCPU is the CPU time that this process has used, without its workers.
func ownCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// lockFile takes a lock that ends with the process.
func lockFile(f *os.File) error {
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	return nil
}
