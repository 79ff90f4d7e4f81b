package fog

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Kind says what an error means to the caller.
type Kind = fault.Kind

// The kinds of errors. A server maps each to one HTTP status.
const (
	KindInternal     = fault.Internal     // a defect of ours, or an unexpected answer of the world
	KindInvalid      = fault.Invalid      // the request can never succeed as it is
	KindNotFound     = fault.NotFound     // no such thing, or not yours to see
	KindConflict     = fault.Conflict     // not in this state, or the same key with another body
	KindInsufficient = fault.Insufficient // not enough funds
	KindUnavailable  = fault.Unavailable  // something is down; the same request may succeed later
	KindDenied       = fault.Denied       // seen, but not allowed
	KindTooLarge     = fault.TooLarge     // over a size limit or a quota
	KindLimited      = fault.Limited      // too many requests
)

// KindOf returns the kind of err; KindInternal for an error that is not ours.
func KindOf(err error) Kind { return fault.KindOf(err) }

// Detail returns what a client may read of err. The text of an internal error
// stays inside.
func Detail(err error) string { return fault.Detail(err) }

// FieldOf names the field of the input that err complains of, or is empty.
func FieldOf(err error) string { return fault.FieldOf(err) }

// PartHealth is how one part of the house is.
type PartHealth struct {
	State State
	Cause string // why it is not healthy; empty when it is
}

// Health is how the house is: the last look, taken without touching the database.
type Health struct {
	State State                 // the worst of the parts
	Parts map[string]PartHealth // by name: scheduler, tokenomics, idle, blob, benchmark, database, and one per flow
	// ParkedFacts counts facts that failed too often and wait for a person.
	ParkedFacts int
	Since       time.Time // when the house was opened
}

// notBuilt names the engines of the house that this build does not have.
const notBuilt = "not part of this build"

// Ready is nil when the named part answers calls, else an error of
// KindUnavailable with the cause. The names are those of Health.Parts;
// an engine that this build does not have is unavailable too.
func (f *Fog) Ready(name string) error {
	p, ok := f.parts[name]
	if !ok {
		return fault.New(fault.Unavailable, name, notBuilt)
	}
	if p != f.database {
		if err := f.database.ready(); err != nil {
			return err
		}
	}
	return p.ready()
}

// Health returns the last known state of every part.
func (f *Fog) Health() Health {
	h := Health{State: Healthy, Parts: map[string]PartHealth{}, ParkedFacts: int(f.parked.Load()), Since: f.opened}
	for name, p := range f.parts {
		state, cause := p.status()
		part := PartHealth{State: state}
		if cause != nil {
			part.Cause = fault.Detail(cause)
		}
		h.Parts[name] = part
		h.State = worse(h.State, state)
	}
	if h.ParkedFacts > 0 {
		h.State = worse(h.State, Degraded)
	}
	return h
}

// worse returns the worse of two states.
func worse(a, b State) State {
	rank := map[State]int{Healthy: 0, Degraded: 1, Starting: 2, Unavailable: 3}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Check asks the database whether it answers and has the schema of this
// program. It is for readiness probes; give ctx a short deadline.
func (f *Fog) Check(ctx context.Context) error {
	if err := f.ground.check(ctx); err != nil {
		return fault.Wrap("fog.check", err)
	}
	return nil
}

// watchDatabase asks the database regularly how it is, so that Ready and
// Health need not.
func (f *Fog) watchDatabase(ctx context.Context) error {
	for ctx.Err() == nil {
		wait := probeEvery
		if err := f.probe(ctx); err != nil {
			f.database.set(Unavailable, err)
			wait = probeDown
		} else {
			f.database.set(Healthy, nil)
		}
		pause(ctx, wait)
	}
	return ctx.Err()
}

const (
	probeEvery = 2 * time.Second
	probeDown  = 250 * time.Millisecond
	probeLimit = 2 * time.Second
	parkedMost = 1000
)

func (f *Fog) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	if err := f.ground.ping(ctx); err != nil {
		return fault.Newf(fault.Unavailable, "database", "the database does not answer: %w", err)
	}
	parked, err := f.ground.journal.Parked(ctx, parkedMost)
	if err != nil {
		return fault.Wrap("database", err)
	}
	f.parked.Store(int64(len(parked)))
	return nil
}
