package sensor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/sensors"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// Sensor reads the telemetry of a device.
type Sensor interface {
	// Read returns what is known now. An error means that nothing is.
	Read(ctx context.Context) (idle.Telemetry, error)
}

var (
	_ Sensor = (*Local)(nil)
	_ Sensor = (*Fake)(nil)
)

// Config says how a Local reads. Its zero value works.
type Config struct {
	// Own is the CPU time that the agent, its workers and whatever else shall not count as somebody else's load has used so far;
	// nil: nothing.
	Own func() time.Duration
	// Window is the time over which load is averaged, so that one busy moment does not stop the work; 0: 5 s.
	Window time.Duration
	// Root is the file system with /sys, /proc and /dev; nil: this machine's.
	Root fs.FS
	// Folder is where free disk space matters; empty: nowhere.
	Folder string
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// Local reads this machine. It is safe for concurrent use.
type Local struct {
	cfg  Config
	root fs.FS

	mu      sync.Mutex // guards what follows
	samples []sample   // within the window, oldest first
	touch   touch
}

// sample is the state of the CPU counters at one moment, in seconds of all cores together.
type sample struct {
	at          time.Time
	total, busy float64
	own         float64
}

// New returns a sensor of this machine.
func New(cfg Config) *Local {
	if cfg.Own == nil {
		cfg.Own = func() time.Duration { return 0 }
	}
	if cfg.Window <= 0 {
		cfg.Window = 5 * time.Second
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	l := &Local{cfg: cfg, root: cfg.Root}
	if l.root == nil {
		l.root = os.DirFS("/")
	}
	return l
}

// Read implements Sensor. The load is unknown at the first reading: it takes two.
func (l *Local) Read(ctx context.Context) (idle.Telemetry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	t := idle.Telemetry{}
	failed := errors.Join(l.load(ctx, now, &t), l.memory(ctx, &t))
	if temps, err := sensors.TemperaturesWithContext(ctx); err == nil || len(temps) > 0 { // some sensors may fail where others work
		t.TempC = hottest(temps)
	}
	if runtime.GOOS == "linux" {
		t.Battery, t.Charging = power(l.root)
		t.UserIdle = l.touch.idle(l.root, now)
		t.Pressure = stalls(l.root)
		t.Network, t.Metered = network(l.root)
	}
	if l.cfg.Folder != "" {
		if usage, err := disk.UsageWithContext(ctx, l.cfg.Folder); err == nil {
			t.DiskFreeMB = idle.Some(float64(usage.Free) / (1 << 20))
		}
	}
	if failed != nil && !t.CPUTotal.Known && !t.MemFreeMB.Known {
		return idle.Telemetry{}, fmt.Errorf("sensor: %w", failed)
	}
	return t, nil
}

// load computes the load since the oldest sample in the window.
func (l *Local) load(ctx context.Context, now time.Time, t *idle.Telemetry) error {
	times, err := cpu.TimesWithContext(ctx, false)
	if err != nil || len(times) == 0 {
		return errors.Join(err, errors.New("no CPU times"))
	}
	c := &times[0]
	// Guest time is part of user time already.
	s := sample{at: now, total: c.User + c.System + c.Idle + c.Nice + c.Iowait + c.Irq + c.Softirq + c.Steal, own: l.cfg.Own().Seconds()}
	s.busy = s.total - c.Idle - c.Iowait
	for len(l.samples) > 1 && now.Sub(l.samples[1].at) >= l.cfg.Window {
		l.samples = l.samples[1:]
	}
	if len(l.samples) > 0 {
		t.CPUTotal, t.CPUForeign = s.since(&l.samples[0])
	}
	if len(l.samples) < 1024 {
		l.samples = append(l.samples, s)
	}
	return nil
}

// since returns the share of all cores that was busy since an earlier sample, and that of others than us.
func (s *sample) since(old *sample) (total, foreign idle.Opt[float64]) {
	span := s.total - old.total
	if span <= 0 {
		return total, foreign
	}
	share := func(seconds float64) idle.Opt[float64] { return idle.Some(min(max(seconds/span, 0), 1)) }
	busy := s.busy - old.busy
	return share(busy), share(busy - (s.own - old.own))
}

// stalled is the share of time, in percent, in which programs waited for memory, from which on none counts as free.
const stalled = 20

// memory reads the available memory.
func (l *Local) memory(ctx context.Context, t *idle.Telemetry) error {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return err
	}
	t.MemFreeMB = idle.Some(float64(m.Available) / (1 << 20))
	if runtime.GOOS == "linux" {
		if share, ok := pressure(l.root, "proc/pressure/memory"); ok && share >= stalled {
			t.MemFreeMB = idle.Some(0.0)
		}
	}
	return nil
}

// MemoryMB returns the size of this machine's memory, MiB.
func MemoryMB() (int64, error) {
	m, err := mem.VirtualMemory()
	if err != nil {
		return 0, fmt.Errorf("sensor: memory: %w", err)
	}
	return int64(m.Total >> 20), nil
}

// hottest returns the highest temperature that a machine can have and live.
func hottest(temps []sensors.TemperatureStat) (hot idle.Opt[float64]) {
	for _, s := range temps {
		if s.Temperature > 0 && s.Temperature < 150 && (!hot.Known || s.Temperature > hot.Value) {
			hot = idle.Some(s.Temperature)
		}
	}
	return hot
}

// Fake is a sensor for tests and simulations: it reads what it was told. The zero Fake knows nothing.
type Fake struct {
	mu        sync.Mutex // guards what follows
	telemetry idle.Telemetry
	err       error
}

// Set makes every later Read return a telemetry and an error.
func (f *Fake) Set(t idle.Telemetry, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.telemetry, f.err = t, err
}

// Read implements Sensor.
func (f *Fake) Read(context.Context) (idle.Telemetry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.telemetry, f.err
}
