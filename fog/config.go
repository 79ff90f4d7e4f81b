package fog

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/benchmark"
	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/id"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Config describes a house. The zero value works: everything is kept in
// memory and is gone when the house is closed.
type Config struct {
	// DatabaseURL names a PostgreSQL database, postgres://user:password@host/name.
	// Empty: an embedded SQLite file fog.db in DataDir.
	DatabaseURL string
	// DataDir is the folder for the embedded database and for blobs; it is
	// made when it does not exist. Several servers on one PostgreSQL share
	// one DataDir. Empty: memory only, blobs in a temporary folder.
	DataDir string

	// Leave names engines to leave out: scheduler, tokenomics, idle, blob,
	// benchmark. Their pointers in Fog are nil and Ready says so. Without
	// tokenomics jobs are free, unless Scheduler.Pricer says otherwise; without
	// idle nodes are synced by the caller. Servers on one database leave out the
	// same.
	Leave []string

	// Each engine's own settings. Stores, clocks and ports are filled in by
	// Open where they are nil. A Scheduler.Store or Idle.Store of one's own cannot
	// tell the other engines what happens, and a Scheduler.Escrow of one's own is
	// not settled by the house: each needs an otherwise empty house, see Validate.
	Scheduler  scheduler.Config
	Tokenomics tokenomics.Config
	Idle       idle.Config
	Blob       blob.Config
	Benchmark  benchmark.Config

	// Authorize decides who may do what, for every engine. The house itself
	// (principal.ScopeHouse) is not asked about. Nil: principal.Owners.
	Authorize principal.Authorizer
	// Holder names this server among those on one PostgreSQL; no two that live at
	// once may share a name. A server that restarts under its name has its duties
	// back at once, which on an embedded database every one has. Empty: random.
	Holder string
	// Logger takes warnings and changes of state. Nil: nothing is logged.
	Logger *slog.Logger
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
	// Random is the source of identifiers and keys; it is read by one caller at a
	// time. Nil: crypto/rand.
	Random io.Reader
	// Step is called after each durable commit with its name, for tracing and
	// fault injection, by several goroutines at once. Nil: off.
	Step func(name string)
}

var engineNames = []string{"scheduler", "tokenomics", "idle", "blob", "benchmark"}

// Validate names the first field that cannot work and its limit. Open calls it.
func (c Config) Validate() error {
	const op = "fog.config"
	if c.DatabaseURL != "" && !strings.HasPrefix(c.DatabaseURL, "postgres://") && !strings.HasPrefix(c.DatabaseURL, "postgresql://") {
		return fault.Field(op, "DatabaseURL", "must start with postgres:// or be empty for the embedded database")
	}
	if c.DatabaseURL != "" && c.DataDir == "" {
		return fault.Field(op, "DataDir", "is needed beside DatabaseURL: blobs are files in it")
	}
	for _, name := range c.Leave {
		if !slices.Contains(engineNames, name) {
			return fault.Field(op, "Leave", "knows no engine %q, only %s", name, strings.Join(engineNames, ", "))
		}
	}
	return c.validatePorts(op)
}

// validatePorts refuses ports that would leave an engine waiting for news that
// never come.
func (c Config) validatePorts(op string) error {
	others := "must be nil unless Leave names %s: they would not hear what happens in it"
	switch {
	case c.without("scheduler"):
	case c.Scheduler.Store != nil && !(c.without("tokenomics") && c.without("idle")):
		return fault.Field(op, "Scheduler.Store", others, "tokenomics and idle")
	case c.Idle.Store != nil && !c.without("idle"):
		return fault.Field(op, "Idle.Store", others, "scheduler")
	case c.Scheduler.Escrow != nil && !c.without("tokenomics"):
		return fault.Field(op, "Scheduler.Escrow", "must be nil unless Leave names tokenomics: the house pays from its own ledger")
	}
	return nil
}

func (c Config) without(name string) bool { return slices.Contains(c.Leave, name) }

// String prints the configuration without secrets.
func (c Config) String() string {
	where := "memory"
	switch {
	case c.DatabaseURL != "":
		where = "postgresql"
	case c.DataDir != "":
		where = "sqlite in " + c.DataDir
	}
	return fmt.Sprintf("fog on %s", where)
}

// fillDefaults puts a value where the Config has none.
func (f *Fog) fillDefaults() {
	c := &f.config
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	if f.now == nil {
		f.now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	} else {
		c.Random = &turnstile{reader: c.Random}
	}
	if c.Authorize == nil {
		c.Authorize = principal.Owners{}
	} else {
		c.Authorize = houseFirst{c.Authorize}
	}
	switch {
	case c.DatabaseURL == "":
		f.holder = embeddedHolder
	case f.holder == "":
		f.holder = id.New(f.now(), c.Random)
	}
}

// turnstile lets the engines of a house share a source that is not made for
// concurrent use.
type turnstile struct {
	mu     sync.Mutex // guards reader
	reader io.Reader
}

// Read implements io.Reader.
func (t *turnstile) Read(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.reader.Read(p)
}

// houseFirst lets the house itself carry facts between engines whatever rules a
// program has for its callers.
type houseFirst struct{ rules principal.Authorizer }

// Authorize implements principal.Authorizer.
func (a houseFirst) Authorize(ctx context.Context, p principal.Principal, action principal.Action, r principal.Resource) error {
	if p.Has(principal.ScopeHouse) {
		return nil
	}
	return a.rules.Authorize(ctx, p, action, r)
}
