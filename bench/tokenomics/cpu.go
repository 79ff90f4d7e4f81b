package tokenomics

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tick is the unit of the times in /proc/<pid>/stat, the same on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// ownCPU is the CPU time, user and system, that this process has used.
func ownCPU() (time.Duration, error) {
	var r syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &r)
	return time.Duration(r.Utime.Nano() + r.Stime.Nano()), err
}

// CPU is the CPU time, user and system, of a process and of those that it has started, those that have ended and those that live.
func CPU(pid int) (time.Duration, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	ticks, found := int64(0), false
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])) // behind the name: state, parent ...
		if len(f) < 15 {
			return 0, fmt.Errorf("%s is not understood: %s", file, text)
		}
		first := file == fmt.Sprintf("/proc/%d/stat", pid)
		if !first && f[1] != strconv.Itoa(pid) {
			continue
		}
		counted := f[11:13] // its own, user and system
		if first {
			found, counted = true, f[11:15] // and its dead children's
		}
		for _, t := range counted {
			n, err := strconv.ParseInt(t, 10, 64)
			if err != nil {
				return 0, err
			}
			ticks += n
		}
	}
	if !found {
		return 0, fmt.Errorf("process %d is not there", pid)
	}
	return time.Duration(ticks) * tick, nil
}

// spent is CPU time.
type spent struct{ client, server time.Duration }

// spend measures the CPU time of f, here and, unless it is nil, in a server.
func spend(s *Server, f func() error) (spent, error) {
	now := func() (at spent, err error) {
		if at.client, err = ownCPU(); err == nil && s != nil {
			at.server, err = CPU(s.PID)
		}
		return at, err
	}
	before, err := now()
	if err != nil {
		return spent{}, err
	}
	if err := f(); err != nil {
		return spent{}, err
	}
	after, err := now()
	return spent{after.client - before.client, after.server - before.server}, err
}
