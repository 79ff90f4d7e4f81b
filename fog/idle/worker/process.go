package worker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// process is the agent's end of one worker process.
type process struct {
	pid    int
	inEnd  *os.File
	in     *bufio.Writer // to inEnd
	outEnd *os.File
	out    *bufio.Reader // from outEnd
	errors *tail
	module string        // digest of what it has loaded; "" while it is fresh
	idle   time.Time     // since when it has had nothing to do
	gone   chan struct{} // closed when it has been reaped
	state  *os.ProcessState
}

// spawn starts a worker process. A goroutine of its own, bound to one thread for as long as the worker lives, starts it and
// reaps it: the kernel kills the worker when the thread that started it ends, so no other thread will do. The thread gives up what the
// worker is to inherit first and ends with the worker, because none of that can be taken back.
func spawn(program string, foreground bool, reaped func(*process)) (*process, error) {
	inR, inW, err := os.Pipe()
	if err != nil {
		return nil, fault.Wrap("worker.spawn", err)
	}
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, fault.Wrap("worker.spawn", errors.Join(err, inR.Close(), inW.Close()))
	}
	p := &process{
		inEnd: inW, in: bufio.NewWriterSize(inW, maxPiece), outEnd: outR, out: bufio.NewReaderSize(outR, maxPiece),
		errors: &tail{}, gone: make(chan struct{}),
	}
	cmd := &exec.Cmd{
		Path:        program,
		Args:        []string{workerName, workerVersion},
		Env:         []string{},
		Dir:         os.TempDir(),
		Stdin:       inR,
		Stdout:      outW,
		Stderr:      p.errors,
		SysProcAttr: childAttributes(),
		WaitDelay:   time.Second,
	}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		err := errors.Join(prepareThread(foreground), cmd.Start())
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // how it ended is in the state
		p.state = cmd.ProcessState
		close(p.gone)
		reaped(p)
	}()
	err = errors.Join(<-started, inR.Close(), outW.Close())
	if err != nil {
		return nil, fault.Wrap("worker.spawn", errors.Join(err, inW.Close(), outR.Close()))
	}
	return p, nil
}

// kill ends the process, stopped or not, and does not wait until it is reaped.
func (p *process) kill() {
	select {
	case <-p.gone: // the number may belong to another process by now
	default:
		signalGroup(p.pid, signalKill)
	}
}

// close ends the process, waits until it is reaped and lets go of the pipes.
func (p *process) close() {
	p.kill()
	<-p.gone
	p.inEnd.Close()
	p.outEnd.Close()
}

// cpu is the CPU time that the process has used; 0 where it is not known.
func (p *process) cpu() time.Duration {
	select {
	case <-p.gone:
		return p.state.UserTime() + p.state.SystemTime()
	default:
		return cpuOf(p.pid)
	}
}

// resident is the memory that the process occupies; 0 where it is not known.
func (p *process) resident() int64 {
	select {
	case <-p.gone:
		return 0
	default:
		return residentOf(p.pid)
	}
}

// load makes the worker ready for a module. It asks before it compiles and gets the turn from allow.
func (p *process) load(m *loadMessage, module io.Reader, allow func() error) (loadedMessage, error) {
	if err := p.order(kindLoad, m.encode(), []io.Reader{module}, []int64{m.size}); err != nil {
		return loadedMessage{}, err
	}
	kind, payload, err := readFrame(p.out)
	if err == nil && kind == kindWant {
		if err := allow(); err != nil {
			return loadedMessage{}, err
		}
		if err := p.order(kindCompile, nil, nil, nil); err != nil {
			return loadedMessage{}, err
		}
		kind, payload, err = readFrame(p.out)
	}
	if err != nil {
		return loadedMessage{}, err
	}
	var loaded loadedMessage
	if kind != kindLoaded || loaded.decode(payload) != nil {
		return loadedMessage{}, errMessage
	}
	if loaded.class == "" {
		p.module = m.digest
	}
	return loaded, nil
}

// run orders one run and returns its result with the bytes that belong to it: stdout, stderr, files.
func (p *process) run(m *runMessage, files []io.Reader) (resultMessage, [][]byte, error) {
	announced := []int64{m.stdin.size}
	for i := range m.inputs {
		announced = append(announced, m.inputs[i].size)
	}
	if err := p.order(kindRun, m.encode(), files, announced); err != nil {
		return resultMessage{}, nil, err
	}
	kind, payload, err := readFrame(p.out)
	if err != nil {
		return resultMessage{}, nil, err
	}
	var result resultMessage
	if kind != kindResult || result.decode(payload, m.limits) != nil {
		return resultMessage{}, nil, errMessage
	}
	sizes := []int64{result.stdout, result.stderr}
	for i := range result.outputs {
		sizes = append(sizes, result.outputs[i].size)
	}
	bodies := make([][]byte, len(sizes))
	for i, size := range sizes {
		if bodies[i], err = readBody(p.out, size); err != nil {
			return resultMessage{}, nil, err
		}
	}
	return result, bodies, nil
}

// order sends a message and the bytes that it announces, in as few writes as it can.
func (p *process) order(kind byte, payload []byte, bodies []io.Reader, sizes []int64) error {
	if err := writeFrame(p.in, kind, payload); err != nil {
		return err
	}
	for i, body := range bodies {
		if err := writeBody(p.in, body, sizes[i]); err != nil {
			return err
		}
	}
	if err := p.in.Flush(); err != nil {
		return fmt.Errorf("worker: write: %w", err)
	}
	return nil
}

// tail keeps the first bytes of what a worker writes to its standard error, where Go reports why a program died.
type tail struct {
	mu   sync.Mutex // guards data
	data []byte
}

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p[:min(len(p), 4096-len(t.data))]...)
	return len(p), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.data)
}

// Blobs is where modules and input files come from.
type Blobs interface {
	// Open returns the content with a digest and its size. The worker verifies it again. An unknown digest is an error of
	// kind NotFound.
	Open(ctx context.Context, digest string) (content io.ReadCloser, size int64, err error)
}
