package worker

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ownProgram is this program's file even if it has been replaced on the disk since it was started.
func ownProgram() (string, error) { return "/proc/self/exe", nil }

// childAttributes puts the worker into a process group of its own and lets the kernel kill it when the agent ends.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// prepareThread gives up, on the thread that starts a worker, what the worker is to inherit: it gains no privileges by
// whatever it might execute, and unless it works in the foreground it runs only when nobody else wants the CPU.
func prepareThread(foreground bool) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("worker: no_new_privs: %w", err)
	}
	if foreground {
		return nil
	}
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 19); err != nil {
		return fmt.Errorf("worker: nice: %w", err)
	}
	idle := unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE, Nice: 19}
	_ = unix.SchedSetAttr(0, &idle, 0) // where it is not allowed, nice has to do
	return nil
}

// cpuOf reads the CPU time of a process.
func cpuOf(pid int) time.Duration {
	var ts unix.Timespec
	clock := int32(^uint32(pid)<<3 | 2) // the CPU clock of a process, see clock_getcpuclockid(3)
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0
	}
	return time.Duration(ts.Nano())
}

// residentOf reads the resident memory of a process. It costs ten times as much.
func residentOf(pid int) int64 {
	statm, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}
