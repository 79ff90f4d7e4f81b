package idle

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/batch"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/id"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Actions that the registry asks its Authorizer about.
const (
	ActRegister   principal.Action = "idle.register"
	ActBeat       principal.Action = "idle.beat"
	ActRead       principal.Action = "idle.read"
	ActUnregister principal.Action = "idle.unregister"
	ActManage     principal.Action = "idle.manage"     // drain, revoke, restore: on a device without its owner's word
	ActContribute principal.Action = "idle.contribute" // record work, read across tenants: flows only
)

// Config configures a registry. Its zero value works: everything in memory, no work.
type Config struct {
	// Store keeps devices and contributions; nil: NewMemory without a journal.
	Store Store
	// Work hands out attempts; nil: the registry offers nothing.
	Work Work
	// Authorize decides who may do what; nil: principal.Owners.
	Authorize principal.Authorizer
	// Now is the clock; nil: time.Now.
	Now func() time.Time
	// Random is the source of jitter and of a random Holder; nil: crypto/rand.
	Random io.Reader
	// Step is called after each durable commit with its name (idle.register, idle.turn, idle.flush, idle.lost,
	// idle.contribute, idle.judge); nil: nothing is called.
	Step func(name string)
	// Logger; nil: discards.
	Logger *slog.Logger
	// Duties decides which server watches presence; nil: this one, by a twin in memory.
	Duties duty.Duties
	// Holder is this server's name among those that share the store; empty: random.
	Holder string

	// Interval is how often a device shall beat when it has no news; 0: 5 s.
	Interval time.Duration
	// Presence is the silence after which a device is lost; 0: three intervals. At least twice Interval.
	Presence time.Duration
	// Flush is how often what was heard is written; 0: the smaller of 2 s and a sixth of Presence. At most a third of
	// Presence.
	Flush time.Duration
	// MaxWait is the longest long poll; 0: Presence.
	MaxWait time.Duration
	// Recheck is how often a long poll asks Work without being woken; 0: 1 s.
	Recheck time.Duration
	// BeatRate is how many beats a second one device may send, with bursts of twice as many; 0: 50; negative: any number.
	BeatRate int
	// Trust says how far results of devices are believed; the zero value works.
	Trust TrustRules
	// Policies replaces default policies by type; nil: DefaultPolicy.
	Policies map[DeviceType]Policy
	// Retention is how long contributions, and devices that are gone, are kept; 0: 90 days; negative: for ever.
	Retention time.Duration
}

// withDefaults fills in what zero values stand for.
func (c Config) withDefaults() Config {
	fill(&c.Interval, 5*time.Second)
	fill(&c.Presence, 3*c.Interval)
	fill(&c.Flush, min(2*time.Second, c.Presence/6))
	fill(&c.MaxWait, c.Presence)
	fill(&c.Recheck, time.Second)
	fill(&c.BeatRate, 50)
	fill(&c.Retention, 90*24*time.Hour)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Step == nil {
		c.Step = func(string) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Authorize == nil {
		c.Authorize = principal.Owners{}
	}
	if c.Duties == nil {
		c.Duties = duty.NewMemory(c.Now)
	}
	if c.Store == nil {
		c.Store = NewMemory(nil, nil)
	}
	if c.Holder == "" {
		c.Holder = id.New(c.Now(), c.Random)
	}
	return c
}

// fill sets a value that is zero.
func fill[T comparable](value *T, other T) {
	var zero T
	if *value == zero {
		*value = other
	}
}

// Validate refuses a configuration under which a healthy device would be lost, or a policy that can never hold. Zero
// values are fine. The error is of kind Invalid and names the field.
func (c Config) Validate() error {
	const op = "idle.config"
	if c.Interval < 0 || c.Presence < 0 || c.Flush < 0 || c.MaxWait < 0 || c.Recheck < 0 {
		return fault.New(fault.Invalid, op, "Interval, Presence, Flush, MaxWait and Recheck must not be negative")
	}
	c = c.withDefaults()
	switch {
	case c.Interval < time.Millisecond:
		return fault.Field(op, "Interval", "must be at least 1 ms")
	case c.Presence < 2*c.Interval:
		return fault.Field(op, "Presence", "must be at least twice Interval (%v): a device that beats in time would be lost", c.Interval)
	case c.Flush > c.Presence/3:
		return fault.Field(op, "Flush", "must be at most a third of Presence (%v): a device that beats in time would be lost", c.Presence)
	}
	if err := c.Trust.Validate(); err != nil {
		return fault.Wrap(op, err)
	}
	for t, p := range c.Policies {
		if _, err := ParseType(string(t)); err != nil {
			return fault.Wrap(op, err)
		}
		if err := p.Validate(); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return nil
}

// Idle is a registry of devices. Make one with New. It is safe for concurrent use.
type Idle struct {
	config Config
	store  Store
	fleet  fleet
	loads  *batch.Combiner[DeviceID, Opt[Device]]
	saves  *batch.Combiner[Change, Saved]
	counts *batch.Combiner[principal.Tenant, Stats]
	kept   map[principal.Tenant]counted // by counts

	strangers sync.Map   // company by tenant
	flushing  sync.Mutex // held while what was heard is written

	mu      sync.Mutex // guards what follows
	closed  bool
	running chan struct{} // closed when Run returns; nil while it does not run
	stop    chan struct{} // closed by Close
}

// New makes a registry and starts nothing. Errors are of kind Invalid.
func New(config Config) (*Idle, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	i := &Idle{config: config.withDefaults(), stop: make(chan struct{}), kept: map[principal.Tenant]counted{}}
	i.store = i.config.Store
	var seed [8]byte
	if _, err := io.ReadFull(i.config.Random, seed[:]); err != nil {
		return nil, fault.Wrap("idle.new", err)
	}
	i.fleet.init(binary.LittleEndian.Uint64(seed[:]))
	i.loads = batch.New(loadBatch, i.loadAll)
	i.saves = batch.New(saveBatch, i.saveAll)
	i.counts = batch.New(countBatch, i.countAll)
	return i, nil
}

const (
	loadBatch = 1024
	saveBatch = 512
)

// Run writes what was heard, and watches presence while this server has that duty. It blocks until ctx ends or Close is
// called, then writes once more and returns nil; when the store does not take anything for a third of the presence
// deadline it returns that error, and may be run again.
func (i *Idle) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended, err := i.begin(cancel)
	if err != nil {
		return err
	}
	defer ended()
	watching := make(chan struct{})
	go func() {
		defer close(watching)
		i.keepWatch(ctx)
	}()
	err = i.keepFlushing(ctx)
	cancel()
	<-watching
	return err
}

// begin marks the registry as running; Close then cancels the run.
func (i *Idle) begin(cancel context.CancelFunc) (ended func(), err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.closed || i.running != nil {
		return nil, fault.New(fault.Conflict, "idle.run", "closed, or already running")
	}
	running := make(chan struct{})
	i.running = running
	release := context.AfterFunc(stopped{i.stop}, cancel)
	return func() {
		release()
		i.mu.Lock()
		defer i.mu.Unlock()
		i.running = nil
		close(running)
	}, nil
}

// Close ends Run and every long poll, and writes what was heard. Calls after the first do nothing and return nil.
func (i *Idle) Close() error {
	i.mu.Lock()
	if i.closed {
		i.mu.Unlock()
		return nil
	}
	i.closed = true
	running := i.running
	close(i.stop)
	i.mu.Unlock()
	if running != nil {
		<-running
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	return fault.Wrap("idle.close", i.flush(ctx))
}

const closeLimit = 5 * time.Second

// open returns an error of kind Unavailable after Close.
func (i *Idle) open(op string) error {
	select {
	case <-i.stop:
		return fault.New(fault.Unavailable, op, "the registry is closed")
	default:
		return nil
	}
}

// now is the time as stores keep it: UTC, microseconds.
func (i *Idle) now() time.Time { return i.config.Now().UTC().Truncate(time.Microsecond) }

// allow asks the Authorizer about a device.
func (i *Idle) allow(ctx context.Context, a principal.Action, d *Device) error {
	return i.config.Authorize.Authorize(ctx, principal.From(ctx), a,
		principal.Resource{Kind: "device", ID: string(d.ID), Tenant: d.Tenant, Owner: d.Owner})
}

// stopped is a context that ends when a channel is closed.
type stopped struct{ done chan struct{} }

func (s stopped) Deadline() (time.Time, bool) { return time.Time{}, false }
func (s stopped) Done() <-chan struct{}       { return s.done }
func (s stopped) Value(any) any               { return nil }
func (s stopped) Err() error {
	select {
	case <-s.done:
		return context.Canceled
	default:
		return nil
	}
}
