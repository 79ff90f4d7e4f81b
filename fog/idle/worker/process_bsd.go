//go:build unix && !linux

package worker

import (
	"os"
	"syscall"
	"time"
)

func ownProgram() (string, error) { return os.Executable() }

// childAttributes puts the worker into a process group of its own. It ends with the agent because its pipe closes.
func childAttributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// prepareThread leaves the priority as it is: here it belongs to the whole process.
func prepareThread(bool) error { return nil }

// usageOf knows nothing here: the clock on the wall remains.
func usageOf(int) (cpu time.Duration, resident int64) { return 0, 0 }
