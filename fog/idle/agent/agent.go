package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/sensor"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// ErrStopped ends an agent whose server told it to go away: its device was revoked or unregistered.
var ErrStopped = fault.New(fault.Denied, "agent.run", "the server told this device to stop")

// Agent is the device side of the platform. Its README lists its goroutines.
type Agent struct {
	cfg    Config
	dir    string
	client *client
	store  *store
	exec   Executor
	boot   string
	wake   chan struct{} // capacity 1: the server must hear of this device now
	room   chan struct{} // capacity 1: an attempt has ended
	trim   chan struct{} // capacity 1: nothing shall be kept warm
	slots  chan struct{} // one for each guest at a time

	group sync.WaitGroup // attempts

	mu        sync.Mutex // guards what follows
	attempts  map[string]*attempt
	telemetry idle.Telemetry
	decision  idle.Decision // this device's own
	allowed   bool          // the server's, as of its last directive
	desired   idle.Desired
	refusal   []idle.Reason // the server's, while it does not allow
	verdict   idle.Verdict  // what follows from all of these
	paused    time.Time     // since when guests have been suspended; zero while they run
	budget    budget        // what guests may use of the CPU
	tier      int           // of temperature
	throttled bool          // guests are ahead of their share and paused
	leaving   bool          // Drain was called
	open      chan struct{} // closed while guests may run
	seq       uint64
	status    Status
}

// New returns an agent and starts nothing. It makes its folder. Errors are of kind Invalid for a configuration that cannot work, and
// Unavailable on a system without a compiler.
func New(cfg Config) (*Agent, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &Agent{
		cfg: cfg, wake: make(chan struct{}, 1), room: make(chan struct{}, 1), trim: make(chan struct{}, 1), slots: make(chan struct{}, cfg.MaxRuns), attempts: map[string]*attempt{},
		allowed: true, desired: idle.Run, open: make(chan struct{}),
	}
	if a.dir, err = prepareDir(cfg.DataDir, cfg.ID); err != nil {
		return nil, err
	}
	if a.cfg.ID == "" {
		if a.cfg.ID, err = deviceID(a.dir); err != nil {
			return nil, err
		}
	}
	a.status.ID = a.cfg.ID
	if a.boot, err = random(16); err != nil {
		return nil, err
	}
	if a.client, err = newClient(&a.cfg); err != nil {
		return nil, err
	}
	if err := a.limit(); err != nil {
		return nil, err
	}
	a.store = newStore(filepath.Join(a.dir, "blobs"), cfg.CacheBytes, a.client, cfg.Now)
	if a.exec = cfg.Executor; a.exec == nil {
		p, err := worker.New(worker.Config{
			Blobs: a.store, Dir: filepath.Join(a.dir, "worker"), CacheBytes: cfg.CacheBytes, Max: cfg.MaxRuns + 2,
			Foreground: cfg.Foreground, Now: cfg.Now, Logger: cfg.Logger,
		})
		if err != nil {
			return nil, err
		}
		a.exec = pool{p}
	}
	if a.cfg.Sensor == nil {
		a.cfg.Sensor = sensor.New(sensor.Config{Now: cfg.Now, Folder: a.dir, Own: func() time.Duration { return ownCPU() + a.exec.CPU() }})
	}
	return a, nil
}

// Drain makes the agent take no more work, finish and deliver what it holds, and then end Run with nil: what comes before an
// upgrade. It returns at once.
func (a *Agent) Drain() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.leaving = true
	a.act()
	tell(a.wake)
}

// drained reports whether the agent was to drain and holds nothing any more.
func (a *Agent) drained() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.leaving && len(a.attempts) == 0
}

// Run serves until ctx ends, says goodbye and returns nil when the last guest is gone; the same when Drain has been called and
// nothing is held. It returns earlier with ErrStopped when the
// server wants no more of this device, and with the server's answer if it refuses the device at the start. A server that cannot be
// reached is tried for as long as it takes. Run can be called once.
func (a *Agent) Run(ctx context.Context) error {
	lock, err := lockDir(a.dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := a.store.take(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if err := a.revive(ctx); err != nil {
		return err
	}
	a.sense(ctx)
	var parts sync.WaitGroup
	guests, endGuests := context.WithCancel(context.WithoutCancel(ctx))
	defer endGuests()
	parts.Go(func() {
		if err := a.exec.Run(guests); err != nil {
			a.cfg.Logger.Error("executor", "error", err)
		}
	})
	parts.Go(func() { a.watch(ctx) })
	err = a.register(ctx)
	if err == nil {
		err = a.beats(ctx)
	}
	cancel(errGone)
	a.dropAll(errGone)
	a.group.Wait()
	if !errors.Is(err, ErrStopped) {
		a.goodbye(ctx)
	}
	endGuests()
	parts.Wait()
	return err
}

// errGone is why attempts end when the agent does.
var errGone = errors.New("agent: going away")

// register enrols the device. While ctx lasts it tries again whatever may pass; ctx's end is no error.
func (a *Agent) register(ctx context.Context) error {
	for n := 0; ; n++ {
		err := a.client.register(ctx, a.enrolment())
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil:
			a.mu.Lock()
			defer a.mu.Unlock()
			a.status.Connected = true
			return nil
		case !passing(err):
			return fault.Wrap("agent.register", err)
		}
		a.cfg.Logger.Warn("cannot register yet", "server", a.cfg.Server, "error", err)
		if !sleep(ctx, backoff(n, err)) {
			return nil
		}
	}
}

// enrolment describes the device.
func (a *Agent) enrolment() *enrolment {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := &a.cfg
	e := &enrolment{
		ID: c.ID, Type: c.Type, Cores: float64(c.Capacity.MilliCPU) / 1000, MemoryMB: c.Capacity.MemoryMB, MilliGPU: c.Capacity.MilliGPU,
		Battery: pointer(a.telemetry.Battery), Charging: pointer(a.telemetry.Charging),
		Name: c.Name, Platform: runtime.GOOS + "/" + runtime.GOARCH, Executors: []string{"wasm"}, Labels: c.Labels, Policy: c.Policy, Owner: c.Owner,
	}
	if e.MemoryMB == 0 { // half of what is free now, which leaves the device usable
		e.MemoryMB = min(max(int64(a.telemetry.MemFreeMB.Or(0))/2, 512), 524_288)
	}
	return e
}

// goodbye gives back what the device holds. It is a courtesy: a server that misses it finds out by itself.
func (a *Agent) goodbye(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	b := a.nextBeat()
	b.Held, b.Take, b.Wait, b.Bye = nil, 0, 0, true
	if _, err := a.client.beat(ctx, b); err != nil {
		a.cfg.Logger.Debug("goodbye", "error", err)
	}
}

// tell puts a signal into a channel of capacity 1.
func tell(signal chan<- struct{}) {
	select {
	case signal <- struct{}{}:
	default: // somebody else has said so
	}
}

// lockDir keeps a second agent out of a folder.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("agent: lock: %w", err)
	}
	if err := lockFile(f); err != nil {
		return nil, fault.Newf(fault.Conflict, "agent.run", "another agent uses %s: %w", dir, errors.Join(err, f.Close()))
	}
	return f, nil
}
