//go:build amd64 || arm64

package worker

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// outward are the system calls by which a process reaches out: the network, other programs and processes, its place among them, the
// kernel's own machinery.
// A worker never makes them. They are forbidden so that a guest that broke out of the sandbox could not either.
func outward() []uint32 {
	return []uint32{
		unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
		unix.SYS_EXECVE, unix.SYS_EXECVEAT, unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PIDFD_OPEN,
		unix.SYS_PIDFD_GETFD, unix.SYS_PIDFD_SEND_SIGNAL, unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO,
		unix.SYS_SETPGID, unix.SYS_SETSID, unix.SYS_SETPRIORITY, unix.SYS_IOPRIO_SET, unix.SYS_SCHED_SETSCHEDULER, unix.SYS_SCHED_SETPARAM,
		unix.SYS_SCHED_SETATTR, unix.SYS_SCHED_SETAFFINITY, unix.SYS_KCMP, unix.SYS_SETNS, unix.SYS_UNSHARE, unix.SYS_CHROOT, unix.SYS_PIVOT_ROOT,
		unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_FSMOUNT, unix.SYS_FSPICK,
		unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
		unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_KEYCTL, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
		unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_SYSLOG,
		unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_ADJTIMEX, unix.SYS_CLOCK_ADJTIME, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME,
		unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_MQ_OPEN, unix.SYS_FANOTIFY_INIT, unix.SYS_INOTIFY_INIT1,
		unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_PERSONALITY,
	}
}

// files are the system calls that open, make, change or remove files.
func files() []uint32 {
	return append([]uint32{
		unix.SYS_OPENAT, unix.SYS_OPENAT2, unix.SYS_MKDIRAT, unix.SYS_MKNODAT, unix.SYS_UNLINKAT, unix.SYS_RENAMEAT, unix.SYS_RENAMEAT2,
		unix.SYS_LINKAT, unix.SYS_SYMLINKAT, unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_TRUNCATE,
		unix.SYS_FTRUNCATE, unix.SYS_UTIMENSAT, unix.SYS_CHDIR, unix.SYS_FCHDIR, unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR,
		unix.SYS_REMOVEXATTR, unix.SYS_MEMFD_CREATE, unix.SYS_STATFS, unix.SYS_READLINKAT,
	}, oldFiles()...)
}

// forbid makes system calls fail with EPERM from now on, in every thread of this process. A kernel without such filters is
// left as it is: they are the outermost of several walls.
func forbid(calls []uint32) error {
	filter := program(calls)
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 && !errors.Is(errno, unix.ENOSYS) && !errors.Is(errno, unix.EINVAL) {
		return fmt.Errorf("worker: system calls: %w", errno)
	}
	return nil
}

// program is the filter in the kernel's language (seccomp(2)). New processes are forbidden, new threads are not;
// nor is what a process does to itself, except to outlive the agent.
func program(calls []uint32) []unix.SockFilter {
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		atMost = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
		bits   = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		answer = unix.BPF_RET | unix.BPF_K

		number, machine, firstArgument = 0, 4, 16 // offsets in struct seccomp_data, little endian

		refused = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		unknown = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	)
	p := []unix.SockFilter{
		{Code: load, K: machine},
		{Code: equal, Jt: 1, K: auditArch},
		{Code: answer, K: unix.SECCOMP_RET_KILL_PROCESS},
		{Code: load, K: number},
		{Code: atMost, Jf: 1, K: otherNumbers}, // the same calls under other numbers
		{Code: answer, K: refused},
		{Code: equal, Jf: 1, K: unix.SYS_CLONE3}, // its flags cannot be seen; C libraries then use clone
		{Code: answer, K: unknown},
		{Code: equal, Jf: 4, K: unix.SYS_CLONE},
		{Code: load, K: firstArgument},
		{Code: bits, Jt: 1, K: unix.CLONE_THREAD},
		{Code: answer, K: refused},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
		{Code: equal, Jf: 4, K: unix.SYS_TGKILL}, // Go's runtime signals its own threads
		{Code: load, K: firstArgument},
		{Code: equal, Jt: 1, K: uint32(os.Getpid())},
		{Code: answer, K: refused},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
		{Code: equal, Jf: 4, K: unix.SYS_PRLIMIT64}, // and sets its own limits
		{Code: load, K: firstArgument},
		{Code: equal, Jt: 1, K: 0},
		{Code: answer, K: refused},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
		{Code: equal, Jf: 4, K: unix.SYS_PRCTL}, // and names its memory
		{Code: load, K: firstArgument},
		{Code: equal, Jf: 1, K: unix.PR_SET_PDEATHSIG},
		{Code: answer, K: refused},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
	}
	for _, call := range calls {
		p = append(p, unix.SockFilter{Code: equal, Jf: 1, K: call}, unix.SockFilter{Code: answer, K: refused})
	}
	return append(p, unix.SockFilter{Code: answer, K: unix.SECCOMP_RET_ALLOW})
}
