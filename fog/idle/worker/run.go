package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// watchInterval is how often a run is compared with its limits.
const watchInterval = 50 * time.Millisecond

// Run is a job under way.
type Run struct {
	pool   *Pool
	job    Job // limits with their defaults
	worker *process
	ctx    context.Context //nolint:containedctx // the life of the run, which outlives the call that started it
	cancel context.CancelFunc
	done   chan struct{}
	out    Outcome // set before done is closed

	mu        sync.Mutex    // guards what follows
	ended     bool          // the worker is not this run's any more
	suspended bool          //
	verdict   *Outcome      // why it was killed; nil while it was not
	running   bool          // the guest runs; before that the module is made ready
	active    time.Duration // time not suspended, up to mark
	mark      time.Time     // when active was last brought up to date
	spent     time.Duration // CPU time of the worker when the guest began
	compile   time.Duration
}

// Start begins a job in a worker: one that has the module ready, else a new one. It waits while all workers are busy; once
// it has returned, the end of ctx does not matter to the run. Errors are of kind Invalid for a job that Validate refuses, and Unavailable.
func (p *Pool) Start(ctx context.Context, job Job) (*Run, error) {
	if err := job.Validate(); err != nil {
		return nil, err
	}
	job.Limits = job.Limits.withDefaults()
	r := &Run{pool: p, job: job, done: make(chan struct{})}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	w, err := p.acquire(ctx, r)
	if err != nil {
		r.cancel()
		return nil, err
	}
	r.mu.Lock()
	r.worker, r.mark = w, p.cfg.Now()
	if r.verdict != nil { // killed before it had a worker
		w.kill()
	}
	r.mu.Unlock()
	go r.serve()
	return r, nil
}

// Do runs a job to its end. When ctx ends, the guest is killed and the error is ctx's, of kind Unavailable.
func (p *Pool) Do(ctx context.Context, job Job) (Outcome, error) {
	r, err := p.Start(ctx, job)
	if err != nil {
		return Outcome{}, err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		r.Kill(ClassDevice, "cancelled")
		<-r.done
		return Outcome{}, fault.Wrap("worker.do", ctx.Err())
	}
	return r.out, nil
}

// Done is closed when the run has ended and its worker has been given back or reaped.
func (r *Run) Done() <-chan struct{} { return r.done }

// Outcome returns how the run ended, once Done is closed.
func (r *Run) Outcome() Outcome {
	<-r.done
	return r.out
}

// Kill ends the run with a class and a reason. It does not wait; a run that has ended keeps its outcome.
func (r *Run) Kill(class Class, reason string) {
	r.condemn(&Outcome{Class: class, Reason: reason})
}

// condemn kills the run; the first verdict counts.
func (r *Run) condemn(verdict *Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.verdict != nil {
		return
	}
	r.verdict = verdict
	r.cancel()
	if r.worker != nil {
		r.worker.kill()
	}
}

// Suspend stops the run's process until Resume: it uses no CPU and keeps its memory. Its time on the clock stands still. The error is of kind
// Unavailable where processes cannot be stopped.
func (r *Run) Suspend() error { return r.pause(true) }

// Resume continues a run that was suspended.
func (r *Run) Resume() error { return r.pause(false) }

func (r *Run) pause(stop bool) error {
	if !canPause {
		return fault.New(fault.Unavailable, "worker.suspend", "processes cannot be stopped on this system")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.suspended == stop {
		return nil
	}
	r.advance()
	r.suspended = stop
	if stop {
		signalGroup(r.worker.pid, signalStop)
	} else {
		signalGroup(r.worker.pid, signalCont)
	}
	return nil
}

// advance brings the time that the run was not suspended up to date.
func (r *Run) advance() {
	now := r.pool.cfg.Now()
	if !r.suspended {
		r.active += now.Sub(r.mark)
	}
	r.mark = now
}

// Usage returns the CPU time that the run has used so far, without compiling.
func (r *Run) Usage() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || !r.running {
		return r.out.CPU
	}
	return r.worker.cpu() - r.spent
}

// serve carries the run through and gives the worker back.
func (r *Run) serve() {
	watched := make(chan struct{})
	go r.watch(watched)
	out, err := r.attempt()
	reusable := err == nil
	if err != nil {
		out = r.autopsy(err)
	}
	close(watched)
	r.mu.Lock()
	r.advance()
	r.ended = true
	if r.verdict != nil { // it may have been killed while its result was on the way
		out, reusable = *r.verdict, false
		if r.running {
			out.CPU = r.worker.cpu() - r.spent
		}
	}
	if r.suspended {
		signalGroup(r.worker.pid, signalCont)
	}
	out.Compile = r.compile
	if r.running && (out.Wall == 0 || out.Wall > r.active) {
		out.Wall = r.active
	}
	r.out = out
	r.mu.Unlock()
	r.cancel()
	r.pool.release(r, r.worker, reusable)
	close(r.done)
}

// refused is the answer of a worker that cannot run a module.
type refused struct{ loadedMessage }

func (e *refused) Error() string { return e.reason }

// attempt makes the module ready if need be and runs the guest. An error means that the worker cannot be used again.
func (r *Run) attempt() (Outcome, error) {
	if r.worker.module == "" {
		if err := r.load(); err != nil {
			return Outcome{}, err
		}
	}
	r.begin()
	files, sizes, err := r.open()
	defer closeAll(files)
	if err != nil {
		return Outcome{}, err
	}
	m := runMessage{args: r.job.Args, seed: r.job.Seed, output: r.job.Output, limits: r.job.Limits, stdin: fileMessage{digest: r.job.Stdin, size: sizes[0]}}
	readers := []io.Reader{files[0]}
	for i, in := range r.job.Inputs {
		m.inputs = append(m.inputs, fileMessage{path: in.Path, digest: in.SHA256, size: sizes[i+1]})
		readers = append(readers, files[i+1])
	}
	result, bodies, err := r.worker.run(&m, readers)
	if err != nil {
		return Outcome{}, err
	}
	out := Outcome{
		Class: result.class, Limit: result.limit, Reason: result.reason, ExitCode: int(result.exit),
		Stdout: bodies[0], Stderr: bodies[1], StderrCut: result.cut, CPU: result.cpu, Wall: result.wall,
	}
	for i := range result.outputs {
		out.Outputs = append(out.Outputs, Output{Path: result.outputs[i].path, SHA256: result.outputs[i].digest, Data: bodies[i+2]})
	}
	return out, nil
}

// load sends the module to a fresh worker and waits until it is ready.
func (r *Run) load() error {
	content, size, err := r.pool.cfg.Blobs.Open(r.ctx, r.job.Module)
	if err != nil {
		return fmt.Errorf("%w: module: %w", errSource, err)
	}
	defer content.Close()
	if size > MaxModuleBytes {
		return &refused{loadedMessage{class: ClassPolicy, reason: fmt.Sprintf("module: %d bytes, at most %d are accepted", size, MaxModuleBytes)}}
	}
	m := loadMessage{digest: r.job.Module, size: size, memory: r.pool.cfg.CompileBytes, interpret: r.pool.cfg.Interpret}
	if r.pool.cfg.Dir != "" && !m.interpret {
		m.dir, m.key = filepath.Join(r.pool.cfg.Dir, "code", cacheName(m.digest)), r.pool.key
	}
	held := false
	loaded, err := r.worker.load(&m, content, func() error {
		select {
		case r.pool.turn <- struct{}{}:
			held = true
			return nil
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
	})
	if held {
		<-r.pool.turn
	}
	switch {
	case err != nil:
		return err
	case loaded.class != "":
		return &refused{loaded}
	}
	r.pool.loaded(loaded.cached)
	r.pool.tidy(m.dir, !loaded.cached)
	r.mu.Lock()
	r.compile = loaded.compile
	r.mu.Unlock()
	return nil
}

// begin starts the run's own account of time.
func (r *Run) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advance()
	r.running, r.active = true, 0
	r.spent = r.worker.cpu()
}

// open opens stdin and the inputs.
func (r *Run) open() (files []io.ReadCloser, sizes []int64, err error) {
	digests := []string{r.job.Stdin}
	for _, in := range r.job.Inputs {
		digests = append(digests, in.SHA256)
	}
	left := int64(maxInputBytes)
	for i, digest := range digests {
		f := io.NopCloser(strings.NewReader(""))
		size := int64(0)
		if digest != "" {
			if f, size, err = r.pool.cfg.Blobs.Open(r.ctx, digest); err != nil {
				return files, sizes, fmt.Errorf("%w: input %d: %w", errSource, i, err)
			}
		}
		files, sizes = append(files, f), append(sizes, size)
		if left -= size; left < 0 {
			return files, sizes, &refused{loadedMessage{class: ClassPolicy, reason: fmt.Sprintf("inputs: more than %d bytes together", maxInputBytes)}}
		}
	}
	return files, sizes, nil
}

func closeAll(files []io.ReadCloser) {
	for _, f := range files {
		f.Close()
	}
}

// autopsy judges a run whose worker cannot be used again.
func (r *Run) autopsy(err error) Outcome {
	var no *refused
	switch {
	case errors.As(err, &no):
		return Outcome{Class: no.class, Reason: no.reason}
	case errors.Is(err, errSource):
		return Outcome{Class: ClassInfra, Reason: oneLine(err.Error())}
	}
	r.worker.close()
	cpu := r.worker.cpu()
	text := r.worker.errors.String()
	out := Outcome{Class: ClassDevice, Reason: fmt.Sprintf("the worker ended by itself (%s): %s", r.worker.state, oneLine(text+err.Error()))}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.running {
		out.CPU = cpu - r.spent
	}
	starved := strings.Contains(text, "out of memory") || strings.Contains(text, "allocate") // as Go's runtime says it
	switch {
	case !starved && !strings.Contains(text, "SIGXCPU"):
	case !r.running:
		out.Class, out.Limit, out.Reason = ClassJob, LimitCompile, "compile: the module needs more memory than a compiler may use here"
	case strings.Contains(text, "SIGXCPU"):
		out.Class, out.Limit, out.Reason = ClassJob, LimitCPU, fmt.Sprintf("cpu: more than %s used", r.job.Limits.CPU)
	default:
		out.Class, out.Limit, out.Reason = ClassJob, LimitMemory, "memory: the guest made its worker need more than it may"
	}
	return out
}

// watch compares the run with its limits until it ends.
func (r *Run) watch(end <-chan struct{}) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		select {
		case <-end:
			return
		case <-tick.C:
			if over := r.check(); over != nil {
				r.condemn(over)
			}
		}
	}
}

// check returns the verdict on a run that exceeds a limit, or nil.
func (r *Run) check() *Outcome {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ended || r.suspended {
		return nil
	}
	r.advance()
	cpu, resident := r.worker.cpu(), r.worker.resident()
	cfg, l := &r.pool.cfg, &r.job.Limits
	over := func(limit Limit, format string, a ...any) *Outcome {
		return &Outcome{Class: ClassJob, Limit: limit, Reason: string(limit) + ": " + fmt.Sprintf(format, a...)}
	}
	if !r.running {
		switch {
		case cpu > cfg.CompileCPU:
			return over(LimitCompile, "more than %s of CPU time needed", cfg.CompileCPU)
		case resident > cfg.CompileBytes:
			return over(LimitCompile, "more than %d MiB of memory needed", cfg.CompileBytes>>20)
		}
		return nil
	}
	cpu -= r.spent
	switch {
	case l.CPU > 0 && cpu > l.CPU:
		return over(LimitCPU, "more than %s used", l.CPU)
	case l.Wall > 0 && r.active > l.Wall && cpu < r.active/4 && cpu > 0:
		return &Outcome{Class: ClassDevice, Limit: LimitWall, Reason: fmt.Sprintf("wall: the device gave the guest only %s of CPU time in %s",
			cpu.Round(time.Millisecond), l.Wall)}
	case l.Wall > 0 && r.active > l.Wall:
		return over(LimitWall, "more than %s taken", l.Wall)
	case resident > cfg.CompileBytes+l.MemoryBytes+2*l.OutputBytes+2*maxInputBytes:
		return over(LimitMemory, "its worker occupies %d MiB", resident>>20)
	}
	return nil
}
