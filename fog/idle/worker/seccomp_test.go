//go:build linux && (amd64 || arm64)

package worker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

const sealedVariable = "FOG_WORKER_TEST_SEALED"

// TestSealed starts a process that shuts itself in and tries to get out.
func TestSealed(t *testing.T) {
	t.Parallel()
	type result struct {
		out []byte
		err error
	}
	ended := make(chan result)
	go func() { // on a thread of its own, as a worker is started
		runtime.LockOSThread()
		if err := prepareThread(true); err != nil {
			ended <- result{err: err}
			return
		}
		cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestSealedInner$", "-test.v")
		cmd.Env = append(os.Environ(), sealedVariable+"=1")
		out, err := cmd.CombinedOutput()
		ended <- result{out, err}
	}()
	got := <-ended
	require.NoError(t, got.err, "%s", got.out)
	require.Contains(t, string(got.out), "sealed\n")
}

func TestSealedInner(t *testing.T) {
	if os.Getenv(sealedVariable) == "" {
		t.Skip("part of TestSealed")
	}
	leak := func(what string, err error) {
		if !errors.Is(err, unix.EPERM) {
			fmt.Println("LEAK", what, err)
			os.Exit(1)
		}
	}
	if err := confine(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_, err := net.Dial("tcp", "127.0.0.1:1")
	leak("dial", err)
	_, err = net.Listen("tcp", "127.0.0.1:0")
	leak("listen", err)
	leak("exec", exec.CommandContext(t.Context(), "/bin/true").Run())
	leak("ptrace", unix.PtraceAttach(os.Getppid()))
	leak("kill", unix.Kill(os.Getppid(), 0))
	leak("kill a thread", unix.Tgkill(os.Getppid(), os.Getppid(), 0))
	leak("leave the process group", unix.Setpgid(0, unix.Getpgrp()))
	leak("outlive the agent", unix.Prctl(unix.PR_SET_PDEATHSIG, 0, 0, 0, 0))
	leak("limit the agent", unix.Prlimit(os.Getppid(), unix.RLIMIT_CORE, nil, &unix.Rlimit{}))
	leak("priority", unix.Setpriority(unix.PRIO_PROCESS, 0, 19))
	if err := unix.Tgkill(os.Getpid(), unix.Gettid(), 0); err != nil {
		fmt.Println("Go's runtime must still signal its own threads:", err)
		os.Exit(1)
	}
	if _, err := os.ReadFile("/proc/self/status"); err != nil {
		fmt.Println("the cache must still be readable:", err)
		os.Exit(1)
	}
	if err := seal(); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_, err = os.Open("/etc/passwd")
	leak("open", err)
	leak("mkdir", os.Mkdir("/tmp/leak", 0o700))
	leak("remove", os.Remove("/tmp/leak"))
	_, err = unix.MemfdCreate("leak", 0)
	leak("memory file", err)
	threads := make(chan struct{}) // new threads must still start
	for range 4 {
		go func() {
			runtime.LockOSThread()
			threads <- struct{}{}
		}()
	}
	for range 4 {
		<-threads
	}
	fmt.Println("sealed")
	os.Exit(0) // the testing package could not clean up in here
}
