//go:build unix && !linux

package worker

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// confine takes away from this process what a worker does not need.
func confine() error {
	for _, l := range []struct {
		resource int
		most     int64
	}{{unix.RLIMIT_CORE, 0}, {unix.RLIMIT_NOFILE, 64}, {unix.RLIMIT_FSIZE, 1 << 30}} {
		if err := setLimit(l.resource, l.most); err != nil {
			return err
		}
	}
	return nil
}

// seal closes the disk once the module is ready.
func seal() error { return setLimit(unix.RLIMIT_FSIZE, 0) }

// privateMemory is not known here; the agent watches instead.
func privateMemory() (int64, error) { return 0, nil }

// limitMemory leaves the memory beside the guest's own to the agent's watch.
func limitMemory(int64) error { return nil }

// limitCPU leaves the CPU time to the agent's watch.
func limitCPU(time.Duration) error { return nil }

// setLimit lowers a resource limit for good.
func setLimit(resource int, most int64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(resource, &limit); err != nil {
		return fmt.Errorf("worker: limit %d: %w", resource, err)
	}
	lower(&limit.Cur, most)
	lower(&limit.Max, most)
	if err := unix.Setrlimit(resource, &limit); err != nil {
		return fmt.Errorf("worker: limit %d: %w", resource, err)
	}
	return nil
}

// lower sets a limit, whose type differs between systems, to at most most.
func lower[T int64 | uint64](limit *T, most int64) {
	*limit = min(*limit, T(most))
}
