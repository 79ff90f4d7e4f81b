package fog

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

// ground is what all engines of a house stand on: the journal of facts, the
// duties, and the database under both. Without a database all is in memory.
type ground struct {
	journal journal.Journal
	duties  duty.Duties
	db      *db.DB // nil in memory

	memoryJournal *journal.Memory
	memoryDuties  *duty.Memory
	dbJournal     *db.Journal
	dbDuties      *witness

	unlock func() error // the data folder of the embedded database; nil without one
	dir    string       // of blobs
	ownDir bool         // made by us for this life only

	schemas  []schema // of the engines, in order
	prepared bool     // every schema is up to date; for Open, then for the database part alone
}

// schema is what an engine's store knows of its own tables.
type schema struct {
	migrate func(context.Context) error
	ready   func(context.Context) error
}

// openGround opens the database, or memory. A PostgreSQL that does not answer
// is no error here.
func openGround(ctx context.Context, config Config, now func() time.Time) (*ground, error) {
	g := &ground{dir: config.DataDir}
	if config.DataDir == "" {
		dir, err := os.MkdirTemp("", "fog-")
		if err != nil {
			return nil, fault.Wrap("fog.open", err)
		}
		g.dir, g.ownDir = dir, true
		g.memoryJournal, g.memoryDuties = journal.NewMemory(now), duty.NewMemory(now)
		g.journal, g.duties = g.memoryJournal, g.memoryDuties
		return g, nil
	}
	if err := os.MkdirAll(config.DataDir, 0o700); err != nil {
		return nil, fault.Wrap("fog.open", err)
	}
	if config.DatabaseURL == "" {
		unlock, err := lockFolder(config.DataDir)
		if err != nil {
			return nil, err
		}
		g.unlock = unlock
	}
	opened, err := db.Open(ctx, config.DatabaseURL, config.DataDir)
	if err != nil {
		return nil, errors.Join(fault.Wrap("fog.open", err), g.close())
	}
	g.db = opened
	g.dbJournal, g.dbDuties = db.NewJournal(opened, now), &witness{Duties: db.NewDuties(opened, now)}
	g.journal, g.duties = g.dbJournal, g.dbDuties
	return g, nil
}

// embedded reports whether the database is a file of this program's own.
func (g *ground) embedded() bool { return g.db != nil && g.db.Dialect == db.SQLite }

// prepare brings every schema up to date, once.
func (g *ground) prepare(ctx context.Context) error {
	if g.db == nil || g.prepared {
		g.prepared = true
		return nil
	}
	if err := db.MigrateGround(ctx, g.db); err != nil {
		return err
	}
	for _, s := range g.schemas {
		if err := s.migrate(ctx); err != nil {
			return err
		}
	}
	g.prepared = true
	return nil
}

// check asks whether the database answers and every schema is this program's.
func (g *ground) check(ctx context.Context) error {
	if g.db == nil {
		return nil
	}
	if err := db.CheckGround(ctx, g.db); err != nil {
		return err
	}
	for _, s := range g.schemas {
		if err := s.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (g *ground) ping(ctx context.Context) error {
	if g.db == nil {
		return nil
	}
	return g.db.Ping(ctx)
}

// unwritable is why the last renewal of a duty failed, or nil. Somebody renews
// one every second or two, so it tells a database that answers but takes
// nothing (a full disk, a standby) from a sound one, at no cost.
func (g *ground) unwritable() error {
	if g.dbDuties == nil {
		return nil
	}
	if cause := g.dbDuties.failed.Load(); cause != nil {
		return *cause
	}
	return nil
}

// listen wakes this server's flows when another server writes facts.
func (g *ground) listen(ctx context.Context) error {
	if g.dbJournal == nil {
		<-ctx.Done()
		return ctx.Err()
	}
	return g.dbJournal.Run(ctx)
}

// close releases everything. It may be called on a ground that was opened only
// in part.
func (g *ground) close() error {
	var errs []error
	if g.db != nil {
		errs = append(errs, g.db.Close())
	}
	if g.unlock != nil {
		errs = append(errs, g.unlock())
	}
	if g.ownDir {
		errs = append(errs, os.RemoveAll(g.dir))
	}
	return errors.Join(errs...)
}

// witness remembers how the last write to the duties went.
type witness struct {
	duty.Duties
	failed atomic.Pointer[error] // nil: it went well
}

// Take implements duty.Duties. A caller that was stopped says nothing about the
// database; one that ran out of time does.
func (w *witness) Take(ctx context.Context, name duty.Name, holder string, until time.Time) (duty.Fence, bool, error) {
	fence, ok, err := w.Duties.Take(ctx, name, holder, until)
	switch {
	case err == nil:
		w.failed.Store(nil)
	case !errors.Is(ctx.Err(), context.Canceled):
		w.failed.Store(&err)
	}
	return fence, ok, err
}
