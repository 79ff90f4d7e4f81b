//go:build !linux

package dbtest

import "syscall"

// childAttributes makes a child that runs as another user, if cred is not nil, outside our process group. Where the kernel
// has no signal for a parent's death, the janitor alone ends it.
func childAttributes(cred *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: cred, Setpgid: true}
}
