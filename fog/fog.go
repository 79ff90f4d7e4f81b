package fog

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fogcompute/fogcompute/fog/benchmark"
	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/id"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Version of the platform, as /health and the OpenAPI document print it.
const Version = "0.1.0"

// embeddedHolder is the name of the only server on an embedded database: after a
// crash it gets its duties back at once.
const embeddedHolder = "embedded"

const dutyTTL = 5 * time.Second // how long a dead server's duties stay with it

// Fog is an open house. Its engines are ready to be called; make it with Open.
type Fog struct {
	Scheduler  *scheduler.Scheduler
	Tokenomics *tokenomics.Tokenomics
	Idle       *idle.Idle
	Blob       *blob.Store
	Benchmark  *benchmark.Bench

	config Config
	log    *slog.Logger
	now    func() time.Time
	holder string
	opened time.Time
	ground *ground

	parts    map[string]*part
	database *part
	parked   atomic.Int64 // facts given up, as of the last look

	stop  context.CancelFunc
	group sync.WaitGroup // one goroutine a part
	once  sync.Once
	err   error // of Close
}

// Open builds a house, brings its schema up to date and starts its engines.
// A configuration that cannot work is an error. What the world may break later
// or has broken already (a database that does not answer) is not: the part is
// marked unavailable with its cause, tried again, and Ready says so meanwhile.
// ctx bounds the opening, not the life of the house.
func Open(ctx context.Context, config Config) (*Fog, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	f := &Fog{config: config, log: config.Logger, now: config.Now, holder: config.Holder}
	f.fillDefaults()
	f.opened = f.now()
	ground, err := openGround(ctx, config, f.now)
	if err != nil {
		return nil, err
	}
	f.ground = ground
	if err := f.wire(); err != nil {
		return nil, errors.Join(err, ground.close())
	}
	f.start(ctx)
	return f, nil
}

func (f *Fog) fillDefaults() {
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.now == nil {
		f.now = time.Now
	}
	if f.config.Random == nil {
		f.config.Random = rand.Reader
	}
	if f.holder == "" && f.config.DatabaseURL == "" {
		f.holder = embeddedHolder
	}
	if f.holder == "" {
		f.holder = id.New(f.now(), f.config.Random)
	}
}

// start prepares every part once, so that a healthy world finds the house
// ready when Open returns, and hands each to its supervisor.
func (f *Fog) start(ctx context.Context) {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	f.stop = stop
	first := f.ground.prepare(ctx)
	if first != nil {
		f.database.set(Unavailable, first)
		f.log.WarnContext(ctx, "the database is not ready, will be tried again", "cause", first.Error())
	} else {
		f.database.set(Healthy, nil)
	}
	for _, p := range f.parts {
		if first == nil && p != f.database {
			p.set(Healthy, nil)
		}
		f.group.Go(func() { supervise(life, p, f.log) })
	}
}

// Close stops every engine, waits for the last goroutine to end and releases
// the database. It may be called twice.
func (f *Fog) Close() error {
	f.once.Do(func() {
		f.stop()
		f.group.Wait()
		f.err = errors.Join(f.closeEngines(), f.ground.close())
	})
	return f.err
}

func (f *Fog) closeEngines() error {
	var errs []error
	if f.Benchmark != nil {
		errs = append(errs, f.Benchmark.Close())
	}
	if f.Idle != nil {
		errs = append(errs, f.Idle.Close())
	}
	if f.Scheduler != nil {
		errs = append(errs, f.Scheduler.Close())
	}
	if f.Tokenomics != nil {
		errs = append(errs, f.Tokenomics.Close())
	}
	if f.Blob != nil {
		errs = append(errs, f.Blob.Close())
	}
	return errors.Join(errs...)
}
