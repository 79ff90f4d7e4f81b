//go:build !unix

package worker

import (
	"os"
	"syscall"
	"time"
)

const (
	signalKill = syscall.SIGKILL
	signalStop = syscall.SIGTERM // never sent
	signalCont = syscall.SIGTERM // never sent
	canPause   = false
)

// signalGroup ends a process; nothing else can be sent to it here.
func signalGroup(pid int, signal syscall.Signal) {
	if signal != signalKill {
		return
	}
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill() // it fails only if the process has ended
	}
}

func ownProgram() (string, error) { return os.Executable() }

func childAttributes() *syscall.SysProcAttr { return nil }

func prepareThread(bool) error { return nil }

func cpuOf(int) time.Duration { return 0 }

func residentOf(int) int64 { return 0 }
