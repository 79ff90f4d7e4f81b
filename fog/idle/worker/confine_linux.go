package worker

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// confine takes away from this process what a worker does not need. It runs before anything comes from outside. The agent has
// already set what a child inherits: an empty environment, no new privileges, the lowest priority, a process group of its
// own and death with the agent.
func confine() error {
	for _, l := range []struct {
		resource int
		most     uint64
	}{
		{unix.RLIMIT_CORE, 0},         // no memory of a guest on the owner's disk
		{unix.RLIMIT_NOFILE, 64},      // pipes, cache and what the runtime needs
		{unix.RLIMIT_FSIZE, 1 << 30},  // a file of the compile cache
		{unix.RLIMIT_MSGQUEUE, 0},     // no message queues
		{unix.RLIMIT_MEMLOCK, 0},      // nothing kept from being swapped
		{unix.RLIMIT_SIGPENDING, 256}, // few queued signals
	} {
		if err := unix.Setrlimit(l.resource, &unix.Rlimit{Cur: l.most, Max: l.most}); err != nil {
			return fmt.Errorf("worker: limit %d: %w", l.resource, err)
		}
	}
	// If memory runs out, the kernel is to take a guest first. It may refuse; the limits remain.
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("worker: dumpable: %w", err)
	}
	return forbid(outward())
}

// seal closes the disk once the module is ready: from here on no file can be opened and no byte written to one.
func seal() error {
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("worker: seal: %w", err)
	}
	return forbid(files())
}

// privateMemory is how much memory this process has mapped for writing. Unlike its address space, of which Go reserves a lot, this
// is a measure of what it uses.
func privateMemory() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("worker: memory: %w", err)
	}
	_, line, _ := bytes.Cut(status, []byte("VmData:"))
	fields := bytes.Fields(line)
	if len(fields) == 0 {
		return 0, errors.New("worker: memory: no VmData in /proc/self/status")
	}
	kib, err := strconv.ParseInt(string(fields[0]), 10, 63-10)
	if err != nil {
		return 0, fmt.Errorf("worker: memory: %w", err)
	}
	return kib << 10, nil
}

// limitMemory bounds the private memory of this process.
func limitMemory(most int64) error {
	if err := unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: uint64(most), Max: unix.RLIM_INFINITY}); err != nil {
		return fmt.Errorf("worker: memory: %w", err)
	}
	return nil
}

// limitCPU bounds the CPU time of this process to what it has used and so much more; 0 is no bound. The agent watches too
// and is more exact; this holds even if the agent is stopped.
func limitCPU(more time.Duration) error {
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if more > 0 {
		limit.Cur = uint64((processCPU()+more)/time.Second) + 2
	}
	if err := unix.Setrlimit(unix.RLIMIT_CPU, &limit); err != nil {
		return fmt.Errorf("worker: cpu: %w", err)
	}
	return nil
}
