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

// cpuOf knows nothing here: the clock on the wall remains.
func cpuOf(int) time.Duration { return 0 }

func residentOf(int) int64 { return 0 }
