//go:build unix

package worker

import "syscall"

const (
	signalKill = syscall.SIGKILL
	signalStop = syscall.SIGSTOP
	signalCont = syscall.SIGCONT
)

// canPause says whether a process can be stopped and continued here.
const canPause = true

// signalGroup sends a signal to a process and everything it may have started.
func signalGroup(pid int, signal syscall.Signal) {
	_ = syscall.Kill(-pid, signal) // it fails only if the group has ended
}
