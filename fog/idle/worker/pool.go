package worker

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Config says how a pool runs workers. Only Blobs is required.
type Config struct {
	Blobs Blobs // where modules and inputs come from
	// Dir is a folder for compiled modules, which is made if need be; it must belong to this user and be closed to writers. Empty:
	// each worker compiles for itself, in memory.
	Dir          string
	CacheBytes   int64         // of compiled modules kept in Dir; 0: 1 GiB
	Program      string        // to start as a worker; it calls Main first; empty: this program
	Max          int           // worker processes that live at once, busy or idle; 0: two a CPU
	Idle         time.Duration // after which a worker without work is ended; 0: a minute
	CompileCPU   time.Duration // CPU time that a module may take to compile; 0: 2 minutes
	CompileBytes int64         // memory that a worker may need beside what its guest may use; 0: 1.5 GiB
	// Interpret runs guests without compiling them: they are ready sooner, some hundred times slower, and give the same results. A machine
	// for which wazero has no compiler runs guests in no other way, and there without a filter of their system calls: its owner has to say so.
	Interpret  bool
	Foreground bool // workers run at the agent's own priority and not only while nobody else wants the CPU
	Now        func() time.Time
	Logger     *slog.Logger // nil: none
}

// Pool starts worker processes, keeps them while their module may be wanted again and ends them. At most one worker at a time
// compiles.
type Pool struct {
	cfg     Config
	key     string        // seals the compiled modules
	turn    chan struct{} // held by the worker that compiles
	places  chan struct{} // one for each run
	closing chan struct{}
	group   sync.WaitGroup // runs, and the threads that hold workers

	mu     sync.Mutex // guards what follows
	closed bool
	idle   []*process // longest idle first
	busy   map[*Run]*process
	live   map[*process]struct{}
	stats  Stats
	spent  time.Duration // CPU time of workers that have ended
	sweeps sync.Mutex    // held by whoever tidies Dir
}

var errClosed = fault.New(fault.Unavailable, "worker.start", "the pool is closed")

// Stats counts what a pool has done.
type Stats struct {
	Busy, Idle int   // worker processes now
	Started    int64 // worker processes started
	Runs       int64 // runs begun
	Warm       int64 // of these, in a worker that had the module ready
	Compiled   int64 // modules compiled
	Cached     int64 // modules that came from the cache
}

// New returns a pool and starts nothing. Errors are of kind Invalid for a configuration that cannot work, Unavailable where wazero
// has no compiler for this machine and Interpret is not set.
func New(cfg Config) (*Pool, error) {
	const op = "worker.pool"
	if cfg.Blobs == nil {
		return nil, fault.Field(op, "Blobs", "is required")
	}
	if !cfg.Interpret && !canCompile(runtime.GOOS, runtime.GOARCH) {
		return nil, fault.Newf(fault.Unavailable, op, "there is no WebAssembly compiler for %s/%s, and no filter of system calls: Interpret runs guests all the same", runtime.GOOS, runtime.GOARCH)
	}
	if cfg.Max < 0 || cfg.Idle < 0 || cfg.CompileCPU < 0 || cfg.CompileBytes < 0 || cfg.CacheBytes < 0 {
		return nil, fault.Field(op, "Config", "no number may be negative")
	}
	cfg.Max = orDefault(cfg.Max, 2*runtime.NumCPU())
	cfg.Idle = orDefault(cfg.Idle, time.Minute)
	cfg.CompileCPU = orDefault(cfg.CompileCPU, 2*time.Minute)
	cfg.CompileBytes = orDefault(cfg.CompileBytes, 3<<29)
	cfg.CacheBytes = orDefault(cfg.CacheBytes, 1<<30)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	var err error
	if cfg.Program == "" {
		if cfg.Program, err = ownProgram(); err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	p := &Pool{
		cfg: cfg, turn: make(chan struct{}, 1), places: make(chan struct{}, cfg.Max), closing: make(chan struct{}),
		busy: map[*Run]*process{}, live: map[*process]struct{}{},
	}
	if cfg.Dir != "" {
		if p.key, err = prepareDir(cfg.Dir); err != nil {
			return nil, fault.Wrap(op, err)
		}
	}
	return p, nil
}

// orDefault replaces zero by a default.
func orDefault[T int | int64 | time.Duration](v, instead T) T {
	if v == 0 {
		return instead
	}
	return v
}

// canCompile reports whether wazero generates native code for a system.
func canCompile(system, machine string) bool {
	switch system {
	case "linux", "android", "darwin", "windows", "freebsd", "netbsd", "dragonfly", "solaris":
		return machine == "amd64" || machine == "arm64"
	default:
		return false
	}
}

// prepareDir makes the private folder and the key that seals what is in it.
func prepareDir(dir string) (key string, err error) {
	if err := os.MkdirAll(filepath.Join(dir, "code"), 0o700); err != nil {
		return "", err
	}
	if err := errors.Join(private(dir, 0o022), private(filepath.Join(dir, "code"), 0o077)); err != nil {
		return "", err
	}
	name := filepath.Join(dir, "key")
	text, err := os.ReadFile(name)
	if err == nil && len(text) == 32 {
		return string(text), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	text = make([]byte, 32)
	if _, err := rand.Read(text); err != nil {
		return "", err
	}
	return string(text), os.WriteFile(name, text, 0o600)
}

// Run ends workers that have been idle for too long, until ctx ends; then it closes the pool. A pool works without it and only keeps
// its idle workers.
func (p *Pool) Run(ctx context.Context) error {
	tick := time.NewTicker(max(p.cfg.Idle/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return p.Close()
		case <-p.closing:
			return nil
		case <-tick.C:
			p.drop(func(w *process) bool { return p.cfg.Now().Sub(w.idle) >= p.cfg.Idle })
		}
	}
}

// Trim ends all idle workers, which gives their memory back.
func (p *Pool) Trim() { p.drop(func(*process) bool { return true }) }

// drop ends the idle workers that a function picks.
func (p *Pool) drop(pick func(*process) bool) {
	var dropped []*process
	p.mu.Lock()
	p.idle = slices.DeleteFunc(p.idle, func(w *process) bool {
		if !pick(w) {
			return false
		}
		dropped = append(dropped, w)
		return true
	})
	p.mu.Unlock()
	for _, w := range dropped {
		w.close()
	}
}

// Close kills every worker and returns when they are reaped and every run has ended. Runs under way end with class device. Safe twice.
func (p *Pool) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	runs := make([]*Run, 0, len(p.busy))
	for r := range p.busy {
		runs = append(runs, r)
	}
	p.mu.Unlock()
	for _, r := range runs {
		r.Kill(ClassDevice, "the agent is going away")
	}
	p.Trim()
	p.group.Wait()
	return nil
}

// Stats returns the counters.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.stats
	s.Busy, s.Idle = len(p.busy), len(p.idle)
	return s
}

// CPU is the CPU time that all workers have used so far, those under way included. A sensor subtracts it from the machine's load.
func (p *Pool) CPU() time.Duration {
	p.mu.Lock()
	live, sum := make([]*process, 0, len(p.live)), p.spent
	for w := range p.live {
		live = append(live, w)
	}
	p.mu.Unlock()
	for _, w := range live {
		sum += w.cpu()
	}
	return sum
}

// acquire returns a worker for a module: one that has it ready, or a fresh one.
func (p *Pool) acquire(ctx context.Context, r *Run) (*process, error) {
	const op = "worker.start"
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return nil, fault.Wrap(op, ctx.Err())
	case <-p.closing:
		return nil, errClosed
	}
	w, evicted, err := p.take(r)
	if evicted != nil {
		evicted.close()
	}
	if err == nil && w == nil {
		w, err = p.spawn(r)
	}
	if err != nil {
		<-p.places
		return nil, fault.Wrap(op, err)
	}
	return w, nil
}

// take looks for an idle worker that has the module and picks the longest idle one to go if a fresh one would be too many.
func (p *Pool) take(r *Run) (w, evicted *process, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, nil, errClosed
	}
	p.stats.Runs++
	for i := len(p.idle) - 1; i >= 0; i-- {
		if w := p.idle[i]; w.module == r.job.Module {
			p.idle = slices.Delete(p.idle, i, i+1)
			p.busy[r] = w
			p.group.Add(1)
			p.stats.Warm++
			return w, nil, nil
		}
	}
	if len(p.idle) > 0 && len(p.idle) >= cap(p.places)-len(p.places)+1 {
		evicted = p.idle[0]
		p.idle = slices.Delete(p.idle, 0, 1)
	}
	return nil, evicted, nil
}

// spawn starts a fresh worker for a run.
func (p *Pool) spawn(r *Run) (*process, error) {
	if !p.join() { // for the thread that holds it
		return nil, errClosed
	}
	w, err := spawn(p.cfg.Program, p.cfg.Foreground, p.reaped)
	if err != nil {
		p.group.Done()
		return nil, err
	}
	p.mu.Lock()
	closed := p.closed
	p.stats.Started++
	p.live[w] = struct{}{}
	if !closed {
		p.busy[r] = w
		p.group.Add(1)
	}
	p.mu.Unlock()
	if closed {
		w.close()
		return nil, errClosed
	}
	return w, nil
}

// join counts something that Close waits for, unless the pool is closed.
func (p *Pool) join() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.group.Add(1)
	return true
}

// reaped is called when a worker process has ended.
func (p *Pool) reaped(w *process) {
	p.mu.Lock()
	delete(p.live, w)
	p.spent += w.state.UserTime() + w.state.SystemTime()
	p.mu.Unlock()
	p.group.Done()
}

// release takes a worker back after a run: it waits for the next one if it can be used again.
func (p *Pool) release(r *Run, w *process, reusable bool) {
	p.mu.Lock()
	delete(p.busy, r)
	if reusable = reusable && !p.closed; reusable {
		w.idle = p.cfg.Now()
		p.idle = append(p.idle, w)
	}
	p.mu.Unlock()
	if !reusable {
		w.close()
	}
	<-p.places
	p.group.Done()
}

// loaded counts a module that has been made ready.
func (p *Pool) loaded(cached bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if cached {
		p.stats.Cached++
	} else {
		p.stats.Compiled++
	}
}
