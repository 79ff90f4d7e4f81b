package fog

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/benchmark"
	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
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
	// tokenomics jobs are free; without idle nodes are synced by the caller.
	Leave []string

	// Each engine's own settings. Stores, clocks and ports are filled in by
	// Open where they are nil.
	Scheduler  scheduler.Config
	Tokenomics tokenomics.Config
	Idle       idle.Config
	Blob       blob.Config
	Benchmark  benchmark.Config

	// Authorize decides who may do what, for every engine. Nil: principal.Owners.
	Authorize principal.Authorizer
	// Holder names this server among those on one database. Empty: random.
	Holder string
	// Logger takes warnings and changes of state. Nil: nothing is logged.
	Logger *slog.Logger
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
	// Random is the source of identifiers and keys. Nil: crypto/rand.
	Random io.Reader
	// Step is called after each durable commit with its name, for tracing and
	// fault injection. Nil: off.
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
