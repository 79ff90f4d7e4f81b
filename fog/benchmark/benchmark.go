// Package benchmark measures what this machine does: the round trip of a small message and the flow of bytes over the
// loopback interface, and hashing on all cores.
//
// One benchmark runs at a time and ends by itself. Data says at any time what the last measurements were and how busy the
// machine is.
//
//	           time is up
//	running ---------------> finished
//	   |  \
//	   |   `-- Stop, Close -> stopped
//	   `------ it cannot run -> failed
package benchmark

import (
	"context"
	"crypto/rand"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/id"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Type is what a benchmark measures.
type Type string

// The types of benchmarks.
const (
	Latency    Type = "latency"    // round trips of 64 bytes over loopback TCP
	Throughput Type = "throughput" // bytes over one loopback TCP connection
	Stress     Type = "stress"     // SHA-256 on all cores
)

// State is how far a benchmark has come.
type State string

// The states of a benchmark.
const (
	Running  State = "running"
	Finished State = "finished" // its time was up
	Stopped  State = "stopped"  // by Stop or Close
	Failed   State = "failed"   // for the reason in Run.Reason
)

const (
	defaultDuration = time.Minute
	maxDuration     = time.Hour
	remembered      = 32 // benchmarks that have ended
)

// ActionRun is what Start and Stop ask the Authorizer for; the resource belongs to the tenant as a whole.
const ActionRun principal.Action = "benchmark.run"

// Run is one benchmark.
type Run struct {
	ID       string
	Type     Type
	Duration time.Duration // asked for
	State    State
	Started  time.Time
	Ended    time.Time // zero while it runs
	// Value is the mean over the run, once it has ended: milliseconds a round trip, megabits a second, or mebibytes
	// hashed a second.
	Value  float64
	Reason string // why it failed
}

// Sample is what Data returns.
type Sample struct {
	Timestamp  time.Time
	Latency    float64 // milliseconds a round trip; 0 before the first latency benchmark
	Throughput float64 // megabits a second; 0 before the first throughput benchmark
	HashRate   float64 // mebibytes a second; 0 before the first stress benchmark
	CPU        float64 // of all cores of the machine, percent
	Memory     float64 // of the machine's memory, percent
	Network    float64 // of the speed of the machine's busiest network interface, percent; loopback does not count
}

// Config says how a Bench works. Its zero value is usable.
type Config struct {
	Authorize principal.Authorizer // nil: principal.Owners
	Now       func() time.Time     // nil: time.Now
	Random    io.Reader            // for identifiers; nil: crypto/rand
}

// Bench runs benchmarks. Make one with New. It is safe for concurrent use. A benchmark owns one goroutine, and the
// goroutines that it starts to do its work; all have ended when Stop or Close returns, or when its time is up.
type Bench struct {
	cfg     Config
	machine *machine

	mu     sync.Mutex // guards what follows
	active *active    // nil: none runs
	ended  []Run      // the latest last
	last   map[Type]float64
	closed bool
}

// active is the benchmark that runs.
type active struct {
	run     Run
	cancel  context.CancelFunc
	stopped bool          // by a caller
	done    chan struct{} // closed when it has ended
}

// New returns a Bench; it starts nothing.
func New(cfg Config) (*Bench, error) {
	if cfg.Authorize == nil {
		cfg.Authorize = principal.Owners{}
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	return &Bench{cfg: cfg, machine: newMachine(cfg.Now()), last: map[Type]float64{}}, nil
}

// Start starts a benchmark that runs for a duration, up to an hour; 0 means a minute. It goes on when ctx ends. An unknown type
// or duration is Invalid; while another benchmark runs it is a Conflict.
func (b *Bench) Start(ctx context.Context, t Type, d time.Duration) (Run, error) {
	if err := b.ask(ctx); err != nil {
		return Run{}, fault.Wrap("benchmark.start", err)
	}
	work := workOf(t)
	if work == nil {
		return Run{}, fault.Field("benchmark.start", "type", "must be latency, throughput or stress")
	}
	if d < 0 || d > maxDuration {
		return Run{}, fault.Field("benchmark.start", "duration", "must be between 0 and %v", maxDuration)
	}
	if d == 0 {
		d = defaultDuration
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return Run{}, fault.New(fault.Unavailable, "benchmark.start", "shutting down")
	case b.active != nil:
		return Run{}, fault.Newf(fault.Conflict, "benchmark.start", "benchmark %s is running", b.active.run.ID)
	}
	now := b.cfg.Now()
	timed, cancel := context.WithTimeout(context.WithoutCancel(ctx), d)
	a := &active{cancel: cancel, done: make(chan struct{})}
	a.run = Run{ID: id.New(now, b.cfg.Random), Type: t, Duration: d, State: Running, Started: now.UTC()}
	b.active = a
	go b.run(timed, a, work)
	return a.run, nil
}

// run does the work of one benchmark and notes how it ended.
func (b *Bench) run(ctx context.Context, a *active, work workload) {
	defer a.cancel()
	mean, err := work(ctx, func(value float64) { b.note(a.run.Type, value) })
	b.mu.Lock()
	defer b.mu.Unlock()
	a.run.Ended, a.run.Value, a.run.State = b.cfg.Now().UTC(), mean, Finished
	switch {
	case err != nil:
		a.run.State, a.run.Reason = Failed, err.Error()
	case a.stopped:
		a.run.State = Stopped
	}
	if mean > 0 {
		b.last[a.run.Type] = mean
	}
	b.ended = append(b.ended, a.run)
	b.ended = b.ended[max(0, len(b.ended)-remembered):]
	b.active = nil
	close(a.done)
}

// note keeps the newest measurement of a type.
func (b *Bench) note(t Type, value float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last[t] = value
}

// Stop stops a benchmark, the running one if the identifier is empty, and returns it once it has ended. One that has ended
// already is returned as it ended; one that is unknown is NotFound.
func (b *Bench) Stop(ctx context.Context, id string) (Run, error) {
	if err := b.ask(ctx); err != nil {
		return Run{}, fault.Wrap("benchmark.stop", err)
	}
	b.mu.Lock()
	if a := b.active; a != nil && (id == "" || id == a.run.ID) {
		a.stopped = true
		a.cancel()
		id = a.run.ID
	}
	b.mu.Unlock()
	run, err := b.Wait(ctx, id)
	return run, fault.Wrap("benchmark.stop", err)
}

// Wait returns a benchmark once it has ended, the running one if the identifier is empty. One that is unknown is NotFound.
func (b *Bench) Wait(ctx context.Context, id string) (Run, error) {
	b.mu.Lock()
	a := b.active
	b.mu.Unlock()
	if a != nil && (id == "" || id == a.run.ID) {
		id = a.run.ID
		select {
		case <-a.done:
		case <-ctx.Done():
			return Run{}, fault.Wrap("benchmark.wait", ctx.Err())
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if at := slices.IndexFunc(b.ended, func(r Run) bool { return r.ID == id }); at >= 0 {
		return b.ended[at], nil
	}
	if id == "" {
		return Run{}, fault.New(fault.NotFound, "benchmark.wait", "no benchmark is running")
	}
	return Run{}, fault.Newf(fault.NotFound, "benchmark.wait", "benchmark %q not found", id)
}

// Data returns the last measurements, live while a benchmark runs, and how busy the machine is. It waits for nothing.
func (b *Bench) Data() Sample {
	now := b.cfg.Now()
	load := b.machine.load(now)
	b.mu.Lock()
	defer b.mu.Unlock()
	return Sample{
		Timestamp: now.UTC(), Latency: b.last[Latency], Throughput: b.last[Throughput], HashRate: b.last[Stress],
		CPU: load.cpu, Memory: load.memory, Network: load.network,
	}
}

// Close stops the running benchmark and waits until it has ended. No other can be started. It is safe to call twice.
func (b *Bench) Close() error {
	b.mu.Lock()
	b.closed = true
	a := b.active
	if a != nil {
		a.stopped = true
		a.cancel()
	}
	b.mu.Unlock()
	if a != nil {
		<-a.done
	}
	return nil
}

// ask asks whether the caller may run benchmarks.
func (b *Bench) ask(ctx context.Context) error {
	p := principal.From(ctx)
	return b.cfg.Authorize.Authorize(ctx, p, ActionRun, principal.Resource{Kind: "benchmark", Tenant: p.Tenant})
}
