package fog

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fogcompute/fogcompute/fog/benchmark"
	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Version of the platform, as /health and the OpenAPI document print it.
const Version = "0.1.0"

// embeddedHolder is the name of the only server on an embedded database: after a
// crash it gets its duties back at once.
const embeddedHolder = "embedded"

// How long a dead server's duties stay with it. An embedded database has one
// server, which takes its own duties back at once: there, longer only means
// fewer renewals, each of them a write to the disk.
const (
	dutyTTL         = 5 * time.Second
	dutyTTLEmbedded = 30 * time.Second
)

// Fog is an open house; make it with Open. Its engines are ready to be called and
// safe for concurrent use. One that Config.Leave names is nil.
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

	params   *params
	parts    map[string]*part // fixed once wired
	database *part
	parked   atomic.Pointer[map[journal.Topic]int] // facts given up, as of the last look
	keep     time.Duration                         // how often the bytes of unfinished jobs are noted as needed
	dutyTTL  time.Duration

	closing atomic.Bool // Close has begun

	stop  context.CancelFunc
	group sync.WaitGroup // one goroutine a part
	once  sync.Once
	err   error // of Close
}

// Open builds a house, brings its schema up to date and starts its engines.
// A configuration that cannot work is an error, and so is a database that this
// program must not touch (KindConflict: its schema is newer), or whose tables
// cannot be made. What the world may break later or has broken already (a
// PostgreSQL that does not answer) is not: the part is marked unavailable with
// its cause, tried again, and Ready says so meanwhile. ctx bounds the opening, not
// the life of the house; a cancelled ctx is an error of KindUnavailable.
func Open(ctx context.Context, config Config) (*Fog, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	f := &Fog{config: config, log: config.Logger, now: config.Now, holder: config.Holder}
	f.fillDefaults()
	f.opened = f.now()
	f.parked.Store(&map[journal.Topic]int{})
	ground, err := openGround(ctx, config, f.now)
	if err != nil {
		return nil, err
	}
	f.ground = ground
	if err := f.build(ctx); err != nil {
		return nil, errors.Join(err, ground.close())
	}
	f.start(ctx)
	return f, nil
}

// openLimit is how long Open waits for the schema. Whoever holds it up longer is
// waited for in the background.
const openLimit = 10 * time.Second

// build wires the engines and prepares the database once, so that a healthy
// world finds the house ready when Open returns.
func (f *Fog) build(ctx context.Context) error {
	if err := f.wire(); err != nil {
		return err
	}
	trying, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	err := f.ground.prepare(trying)
	if err == nil {
		err = f.params.refresh(trying) // what was decided goes before the Config from the first round on
	}
	switch {
	case err == nil:
		f.database.set(Healthy, nil)
	case errors.Is(ctx.Err(), context.Canceled), fault.KindOf(err) != fault.Unavailable, f.ground.embedded() && trying.Err() == nil:
		return fault.Wrap("fog.open", err)
	default:
		f.judge(ctx, Unavailable, prepareTrouble(err))
	}
	return nil
}

// start hands each part to its supervisor. The engines count as healthy from now
// on if the database is there.
func (f *Fog) start(ctx context.Context) {
	life, stop := context.WithCancel(principal.With(context.WithoutCancel(ctx), principal.House()))
	f.stop = stop
	for _, p := range f.parts {
		ground := f.database
		if p == f.database {
			ground = nil
		} else if state, _ := f.database.status(); works(state) {
			p.set(Healthy, nil)
		}
		f.group.Go(func() { supervise(life, p, ground, f.log) })
	}
}

// Close stops every engine, waits for the last goroutine to end and releases
// the database. It may be called twice. Only a database that hangs, neither
// answering nor gone, can hold it up: it gives up waiting after closeLimit and
// says for which parts.
func (f *Fog) Close() error {
	f.once.Do(func() {
		f.closing.Store(true)
		f.stop()
		err := f.awaitParts(closeLimit)
		if err == nil {
			err = f.closeEngines()
		}
		f.err = errors.Join(err, f.ground.close())
	})
	return f.err
}

// closeLimit is longer than a commit takes on any database that still moves.
const closeLimit = 10 * time.Second

// awaitParts waits until every part has ended.
func (f *Fog) awaitParts(most time.Duration) error {
	ended := make(chan struct{})
	go func() {
		f.group.Wait()
		close(ended)
	}()
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-ended:
		return nil
	case <-timer.C:
	}
	var left []string
	for name, p := range f.parts {
		if !p.ended() {
			left = append(left, name)
		}
	}
	slices.Sort(left)
	return fault.Newf(fault.Unavailable, "fog.close", "still running after %v: %s", most, strings.Join(left, ", "))
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
