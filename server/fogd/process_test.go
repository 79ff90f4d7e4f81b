//go:build linux

package main

import (
	"bytes"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The tests in the files marked linux run the real programs as processes, talk to them over HTTP as strangers do, and kill
// and stop them by signals.

// patience is how long a test waits for what must come. The machine may be busy with other tests.
const patience = 2 * time.Minute

// built builds fogd and the example agent when a test first asks for them and returns their folder. It lies beside the
// test binary: go test removes both.
var built = sync.OnceValues(func() (string, error) {
	own, err := os.Executable()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(filepath.Dir(own), "programs")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", dir, "./server/fogd", "./examples/agent")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return dir, nil
})

// process is a program under way.
type process struct {
	cmd   *exec.Cmd
	log   string        // file that takes what it prints
	ended chan struct{} // closed when cmd.ProcessState is there
}

// launch starts one of the programs. It is killed at the test's end, and its log shown if the test has failed.
func launch(t *testing.T, program string, env []string, args ...string) *process {
	t.Helper()
	dir, err := built()
	require.NoError(t, err)
	log, err := os.CreateTemp(t.TempDir(), program+"-*.log")
	require.NoError(t, err)
	defer log.Close()
	p := &process{cmd: exec.Command(filepath.Join(dir, program), args...), log: log.Name(), ended: make(chan struct{})}
	p.cmd.Dir = filepath.Dir(log.Name())
	p.cmd.Env = append([]string{"HOME=" + p.cmd.Dir, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}, env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, p.start())
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			text := p.printed()
			t.Logf("%s %v printed, at last:\n%s", program, args, text[max(0, len(text)-8<<10):])
		}
	})
	return p
}

// start starts the process from a thread that lives until it ends: its death would be taken for ours.
func (p *process) start() error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(p.ended)
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // ProcessState says how it ended
		}
	}()
	return <-started
}

// signal sends a signal to the program, not to the workers that it has started.
func (p *process) signal(s syscall.Signal) {
	_ = p.cmd.Process.Signal(s) // it may have ended by itself
}

// kill ends the program as a crash would.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// running reports whether the program has not ended.
func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// code waits until the program has ended and returns its exit code.
func (p *process) code(t *testing.T, most time.Duration) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(most):
		t.Fatalf("it has not ended after %v", most)
	}
	return p.cmd.ProcessState.ExitCode()
}

// printed is what the program has printed so far.
func (p *process) printed() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// until waits for a condition.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !met(); <-tick.C {
		if time.Now().After(end) {
			t.Fatalf("still not after %v: %s", patience, what)
		}
	}
}

// fogd is a server that a test may kill and start again. It keeps its address and its data.
type fogd struct {
	*process
	rest
	t   *testing.T
	dir string
	env []string
}

// serveFogd starts a server without an agent of its own, which finds out quickly who is gone, on a free port.
func serveFogd(t *testing.T, env ...string) *fogd {
	t.Helper()
	f := &fogd{t: t, dir: t.TempDir()}
	f.env = append([]string{
		"API_PORT=0", "FOG_DATA_DIR=" + f.dir, "FOG_HARVEST=false", "FOG_LOG_LEVEL=warn",
		"FOG_LEASE=3s", "FOG_INTERVAL=500ms", "FOG_PRESENCE=3s",
	}, env...)
	f.start()
	return f
}

// start starts the server, the first time or again, and waits until it is ready.
func (f *fogd) start() {
	f.t.Helper()
	f.process = launch(f.t, "fogd", f.env)
	until(f.t, "fogd says where it answers", func() bool {
		require.True(f.t, f.running(), "fogd has ended")
		_, rest, found := strings.Cut(f.printed(), "answers at ")
		at, _, whole := strings.Cut(rest, "\n")
		f.url = at
		return found && whole
	})
	u, err := url.Parse(f.url)
	require.NoError(f.t, err)
	f.env = append(f.env, "API_PORT="+u.Port())
	until(f.t, "fogd is ready", func() bool {
		status, err := f.try("GET", "/ready", nil, nil)
		return err == nil && status == 200
	})
}

// harvester is a device with a real agent.
type harvester struct {
	*process
	id, dir string
}

// lend starts an agent that harvests at any time and waits until the server counts on it.
func lend(t *testing.T, f *fogd, id string, args ...string) *harvester {
	t.Helper()
	a := &harvester{id: id, dir: t.TempDir()}
	a.process = launch(t, "agent", nil, append([]string{
		"-server", f.url, "-id", id, "-data", a.dir, "-type", "server", "-cores", "2", "-memory", "2048",
		"-always", "-foreground", "-status", "100ms", "-v",
	}, args...)...)
	until(t, id+" is up", func() bool { return f.up(t, id) })
	return a
}

// says reports whether the agent has printed a line with a text.
func (a *harvester) says(text string) bool { return bytes.Contains([]byte(a.printed()), []byte(text)) }
