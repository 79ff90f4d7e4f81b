package tokenomics

import (
	"crypto/rand"
	"io"
	"log/slog"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/id"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Duty is the name of the duty to write the ledger.
const Duty duty.Name = "tokenomics.ledger"

// Config describes a ledger. The zero value works: a ledger in memory with the default genesis.
type Config struct {
	// Store keeps the ledger. Nil: memory, gone with the program.
	Store Store
	// Duties decides which of several servers on one store writes. Nil: this one does, always, and its commits are not
	// fenced; a second writer is still harmless, since every commit checks that the ledger has not moved on, but slow.
	Duties duty.Duties
	// Holder names this server among the others; a restarted server with its old name gets its duty back at once.
	// Empty: random.
	Holder string
	// Lease is how long the duty outlives a server that has died. 0: 10 s.
	Lease time.Duration

	// Genesis is what the operator of the default tenant gets when the ledger is first opened, once in the ledger's
	// life. 0: 1,000,000 FOG; negative: nothing, the ledger starts empty.
	Genesis Amount

	// Economics returns the parameters of staking, rewards and slashes where none was voted for. It is asked once for each batch, and must
	// not call the ledger; what Validate refuses is not taken over. Nil: the zero value.
	Economics func() Economics

	// Parameters are those that engines have declared for governance. Nil: those of GovernanceSet alone.
	Parameters *Registry
	// Governance is by which rules proposals are decided where no parameter was set.
	Governance Governance
	// Guardian is the account that may cancel proposals and propose emergency actions. Empty: the operator.
	Guardian Account
	// Identities says which person is behind an account, for votes that count by persons. Nil: there are no such votes.
	Identities Identities

	// Batch is the most requests that one commit carries, at least 1. 0: 512.
	Batch int
	// Poll is how often waiting servers look for requests and verdicts when no hint wakes them. 0: 200 ms.
	Poll time.Duration
	// Retention is how long resolved holds and tombstones are kept, and the votes on proposals that have ended; their movements and
	// keys are kept for ever, and so are tallies.
	// 0: 90 days; negative: for ever.
	Retention time.Duration
	// RequestRetention is how long decided requests of other servers are kept. 0: 1 day; negative: for ever.
	RequestRetention time.Duration

	// Prices are the parameters of the market as they are published now: asked for at each quote, so it must be cheap, and safe
	// for concurrent use. Prices that cannot work are logged once, and the last ones that could stay. Nil: the zero Prices for ever.
	Prices func() Prices
	// Quote is what one FOG is worth outside, for the figures. Zero: nothing.
	Quote Quote

	// Facts writes a fact of TopicHold for each hold that a commit has changed; some flow must then read them. False: none.
	Facts bool

	// Authorize decides who may do what. Nil: principal.Owners.
	Authorize principal.Authorizer
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
	// Random makes the name of this server. Nil: crypto/rand.
	Random io.Reader
	// Step is called right after each durable commit, once for each operation in it: "tokenomics.hold". Nil: off.
	Step func(name string)
	// Logger takes warnings. Nil: nothing is logged.
	Logger *slog.Logger
}

// Validate names the first field that cannot work and its limit. New calls it.
func (c Config) Validate() error {
	const op = "tokenomics.config"
	switch {
	case c.Lease < 0 || c.Lease > 0 && c.Lease < 30*time.Millisecond:
		return fault.Field(op, "Lease", "must be at least 30ms, or 0 for the default")
	case c.Genesis > MaxSupply:
		return fault.Field(op, "Genesis", "must be at most %s FOG", MaxSupply)
	case c.Batch < 0 || c.Batch > 10_000:
		return fault.Field(op, "Batch", "must be from 1 to 10000, or 0 for the default")
	case c.Poll < 0 || c.Poll > 0 && c.Poll < time.Millisecond:
		return fault.Field(op, "Poll", "must be at least 1ms, or 0 for the default")
	}
	if err := checkText(op, "Guardian", string(c.Guardian), maxName); err != nil {
		return err
	}
	return first(c.Quote.Validate(), c.Governance.Validate())
}

// filled returns the configuration with every default in its place.
func (c Config) filled() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Store == nil {
		c.Store = NewMemory(nil)
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Holder == "" {
		c.Holder = id.New(c.Now(), c.Random)
	}
	if c.Genesis == 0 {
		c.Genesis = 1_000_000 * FOG
	}
	if c.Guardian == "" {
		c.Guardian = Account(principal.Operator)
	}
	if c.Batch == 0 {
		c.Batch = 512
	}
	if c.Authorize == nil {
		c.Authorize = principal.Owners{}
	}
	if c.Step == nil {
		c.Step = func(string) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Lease = orDefault(c.Lease, 10*time.Second)
	c.Poll = orDefault(c.Poll, 200*time.Millisecond)
	c.Retention = orDefault(c.Retention, 90*24*time.Hour)
	c.RequestRetention = orDefault(c.RequestRetention, 24*time.Hour)
	return c
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
