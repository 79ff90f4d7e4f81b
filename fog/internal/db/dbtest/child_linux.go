package dbtest

import "syscall"

// childAttributes makes a child that runs as another user, if cred is not nil, outside our process group, and that the
// kernel ends when we die.
func childAttributes(cred *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: cred, Setpgid: true, Pdeathsig: syscall.SIGQUIT}
}
