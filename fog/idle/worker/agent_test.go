//go:build linux

package worker_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

const agentVariable = "FOG_WORKER_TEST_AGENT"

// agentMain is the main function of an agent that a test kills: it starts a guest that spins and waits for its end.
func agentMain() {
	if os.Getenv(agentVariable) == "" {
		return
	}
	s := &shelf{blobs: map[string][]byte{}}
	pool, err := worker.New(worker.Config{Blobs: s, Foreground: true})
	if err == nil {
		_, err = pool.Start(context.Background(), worker.Job{Module: s.put(spin())})
	}
	fmt.Println("started", err)
	select {}
}

// children returns the processes that a process has started.
func children(t *testing.T, pid int) []int {
	t.Helper()
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	require.NoError(t, err)
	var pids []int
	for _, task := range tasks {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, task.Name()))
		if err != nil {
			continue // the thread has ended
		}
		for _, field := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(field)
			require.NoError(t, err)
			pids = append(pids, child)
		}
	}
	return pids
}

// TestAgentDies: a worker does not outlive an agent that is killed.
func TestAgentDies(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), agentVariable+"=1")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "started <nil>\n", line)
	pids := children(t, cmd.Process.Pid)
	require.Len(t, pids, 1)
	fd, err := unix.PidfdOpen(pids[0], 0)
	require.NoError(t, err)
	defer unix.Close(fd)

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	ended := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(ended, 10_000)
	require.NoError(t, err)
	require.Equal(t, 1, n, "the worker lives on")
}

// TestConfined looks at a worker from outside.
func TestConfined(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestConfinedInner$", "-test.v")
	cmd.Env = append(os.Environ(), "FOG_WORKER_TEST_CONFINED=1", "FOG_SECRET=hidden")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "PASS: TestConfinedInner")
}

// TestConfinedInner runs in a process of its own, where the only child is the worker.
func TestConfinedInner(t *testing.T) {
	if os.Getenv("FOG_WORKER_TEST_CONFINED") == "" {
		t.Skip("part of TestConfined")
	}
	b := open(t, func(c *worker.Config) { c.Foreground = false })
	out := b.do(t, empty(), worker.Job{})
	require.True(t, out.OK(), out.Reason)
	pids := children(t, os.Getpid())
	require.Len(t, pids, 1)
	read := func(name string) string {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pids[0], name))
		require.NoError(t, err)
		return string(text)
	}
	require.Contains(t, read("status"), "NoNewPrivs:\t1")
	require.Contains(t, read("status"), "Seccomp:\t2")
	require.Empty(t, read("environ"))
	require.Equal(t, "1000\n", read("oom_score_adj"))
	require.Contains(t, read("cmdline"), "fog-worker\x00")
	for _, want := range []string{"Max core file size 0 0", "Max file size 0 0", "Max open files 64 64"} {
		require.Contains(t, strings.Join(strings.Fields(read("limits")), " "), want)
	}
	stat := strings.Fields(read("stat"))
	require.Equal(t, strconv.Itoa(pids[0]), stat[4], "a process group of its own")
	require.Equal(t, "19", stat[18], "nice")
	require.Equal(t, strconv.Itoa(unix.SCHED_IDLE), stat[40], "scheduling policy")
}
