package worker

import (
	"bytes"
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
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("worker: dumpable: %w", err)
	}
	return nil
}

// seal closes the disk once the module is ready: from here on no byte can be written to any file.
func seal() error {
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{}); err != nil {
		return fmt.Errorf("worker: seal: %w", err)
	}
	return nil
}

// limitMemory bounds the private memory of this process to what it has now and so many bytes more. It counts what is mapped for
// writing and not the address space, of which Go reserves a lot.
func limitMemory(more int64) error {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return fmt.Errorf("worker: memory: %w", err)
	}
	_, line, _ := bytes.Cut(status, []byte("VmData:"))
	fields := bytes.Fields(line)
	if len(fields) == 0 {
		return fmt.Errorf("worker: memory: no VmData in /proc/self/status")
	}
	now, err := strconv.ParseUint(string(fields[0]), 10, 63)
	if err != nil {
		return fmt.Errorf("worker: memory: %w", err)
	}
	most := now<<10 + uint64(more)
	if err := unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: unix.RLIM_INFINITY}); err != nil {
		return fmt.Errorf("worker: memory: %w", err)
	}
	return nil
}

// limitRun bounds the CPU time of this process to what it has used and what the run may use. The agent watches too; this holds even if
// the agent is stopped.
func limitRun(m *runMessage) error {
	limit := unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY}
	if m.limits.CPU > 0 {
		limit.Cur = uint64((processCPU()+m.limits.CPU)/time.Second) + 2 // whole seconds; the agent is more exact
	}
	if err := unix.Setrlimit(unix.RLIMIT_CPU, &limit); err != nil {
		return fmt.Errorf("worker: cpu: %w", err)
	}
	return nil
}
