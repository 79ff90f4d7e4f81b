package scheduler

import (
	"context"
	"crypto/rand"
	"database/sql"
	"io"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/id"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Config sets a scheduler up. Its zero value works: a scheduler in memory whose jobs cost nothing to hold.
type Config struct {
	// Store keeps the rows; nil is a Memory of this scheduler's own.
	Store Store
	// Abilities are what Store can do beyond the port.
	Abilities Abilities
	// Escrow holds the payers' funds; nil holds nothing, and jobs are queued when they are submitted.
	Escrow Escrow
	// Pricer prices slots; nil is TierPricer{}.
	Pricer Pricer
	// Auditor says whose results are compared; nil refuses submissions whose trust is adaptive.
	Auditor Auditor
	// Objectives are what placements should have little of; nil is Objectives().
	Objectives []Objective
	// Authorize says who may do what; nil is principal.Owners{}.
	Authorize principal.Authorizer
	// Duties keeps the duty of planning; it must be what Store checks fences against. Nil is Abilities.Duties, and where
	// that is nil as well this server is taken to be the only one on its store: its plans carry no fence.
	Duties duty.Duties
	// Holder is this server's name among the holders of duties; "" is a random one.
	Holder string

	// Lease is how long a running attempt lives without being renewed; zero is 30 s.
	Lease time.Duration
	// PickUp is how long a placed attempt waits to be fetched; zero is 15 s.
	PickUp time.Duration
	// MaxSuspend is how long an attempt may stay suspended before it is placed elsewhere; zero is 10 min.
	MaxSuspend time.Duration
	// Vest is the time between validation and vesting; zero vests at once.
	Vest time.Duration
	// HoldBack is the time between validation and vesting, if it is longer, of results that were compared with no other: until then they
	// can be audited. Zero is Vest.
	HoldBack time.Duration
	// HoldRetry is how long the escrow and the auditor have to answer, so a call of Submit or Report waits no longer for them, and when an
	// unanswered question is repeated; zero is 5 s.
	HoldRetry time.Duration
	// Feed is how long the changes of jobs are kept for Watch; zero is 1 h, negative records none.
	Feed time.Duration
	// Recheck is how often a blocked job is looked at without any news of what it comes after, at first: later it is a quarter of
	// the time that it has waited, at most 16 times as long. Zero is 1 min.
	Recheck time.Duration
	// MaxJobRuntime is the greatest MaxRuntime and Estimate of a submission, and its MaxRuntime where neither is given;
	// zero is 24 h.
	MaxJobRuntime time.Duration
	// Retention is how long finished jobs are kept; zero is 30 days, negative is for ever.
	Retention time.Duration
	// Poll is how often the planner looks for work that nobody told it of, and Wait for placements made by another
	// server; zero is 1 s.
	Poll time.Duration
	// DutyTTL is how long the planner's duty outlives a server that vanished; zero is 10 s.
	DutyTTL time.Duration

	// Params are the parameters as they are published now: a snapshot that is asked for in each round and at each
	// submission, so it must be cheap, and safe for concurrent use. Nil is the zero Params for ever. Params that cannot work
	// are logged once, and the last ones that could stay.
	Params func() Params

	// Seed is where the seeds of the searches for better plans begin; any will do. The same rows, clock, seed and parameters give the same
	// plans, as far as a search comes to its end within Params.RoundBudget and what others change, and what the escrow answers, comes
	// between the same rounds.
	Seed uint64
	// Workers is how many goroutines a search for a better plan may use; zero is 1. They change its time, never its answer.
	Workers int

	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Random is the source of identifiers; nil is crypto/rand.
	Random io.Reader
	// Step is called with the name of each step after its commit, for tracing and fault injection; nil is off. See Steps.
	Step func(name string)
	// Logger gets what went wrong in the background; nil is nowhere.
	Logger Logger
}

// Abilities are functions that a store may offer beyond the port; each may be nil.
type Abilities struct {
	// InsertTx is Jobs.Insert inside the caller's own transaction.
	InsertTx func(ctx context.Context, tx *sql.Tx, jobs []Insertion) ([]Inserted, error)
	// Duties are those that the store checks fences against.
	Duties duty.Duties
}

// alone is the duties of a server that is the only one: it has every duty, and no fence.
type alone struct{}

func (alone) Take(context.Context, duty.Name, string, time.Time) (duty.Fence, bool, error) {
	return duty.Fence{}, true, nil
}

func (alone) Release(context.Context, duty.Fence, string) error { return nil }

// DutyPlan is the duty of planning.
const DutyPlan duty.Name = "scheduler.plan"

// complete validates the configuration and fills the zeros in.
func (c Config) complete() (Config, error) {
	for _, d := range []struct {
		name  string
		value *time.Duration
		usual time.Duration
	}{
		{"Lease", &c.Lease, 30 * time.Second},
		{"PickUp", &c.PickUp, 15 * time.Second},
		{"MaxSuspend", &c.MaxSuspend, 10 * time.Minute},
		{"Vest", &c.Vest, 0},
		{"HoldBack", &c.HoldBack, 0},
		{"HoldRetry", &c.HoldRetry, 5 * time.Second},
		{"Recheck", &c.Recheck, time.Minute},
		{"MaxJobRuntime", &c.MaxJobRuntime, 24 * time.Hour},
		{"Poll", &c.Poll, time.Second},
		{"DutyTTL", &c.DutyTTL, 10 * time.Second},
	} {
		if *d.value < 0 {
			return c, fault.Field("scheduler.new", d.name, "%v is negative", *d.value)
		}
		if *d.value == 0 {
			*d.value = d.usual
		}
	}
	if c.Workers < 0 {
		return c, fault.Field("scheduler.new", "Workers", "%d is negative", c.Workers)
	}
	if c.Retention == 0 {
		c.Retention = 30 * 24 * time.Hour
	}
	if c.Feed == 0 {
		c.Feed = time.Hour
	}
	c.fillPorts()
	return c, nil
}

func (c *Config) fillPorts() {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Holder == "" {
		c.Holder = id.New(c.Now(), c.Random)
	}
	if c.Store == nil {
		c.Store = NewMemory(nil, nil)
	}
	if c.Duties == nil {
		c.Duties = c.Abilities.Duties
	}
	if c.Duties == nil {
		c.Duties = alone{}
	}
	if c.Pricer == nil {
		c.Pricer = TierPricer{}
	}
	if c.Authorize == nil {
		c.Authorize = principal.Owners{}
	}
	if c.Step == nil {
		c.Step = func(string) {}
	}
	if c.Logger == nil {
		c.Logger = silence{}
	}
}

// Logger takes warnings, with keys and values in turn. A *slog.Logger is one; the package does not name it, since that would
// make every program that schedules 0.3 MB larger.
type Logger interface {
	Warn(message string, keysAndValues ...any)
}

// silence is a Logger that says nothing.
type silence struct{}

func (silence) Warn(string, ...any) {}
