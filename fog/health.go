package fog

import (
	"context"
	"errors"
	"fmt"
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
	// State is the worst of the parts, but a flow or another helper that is down
	// only degrades the house.
	State State
	// Parts by name: the engines that are in the house (scheduler, tokenomics,
	// idle, blob, benchmark), the flows between them (settle, presence), and
	// database, journal and retention.
	Parts map[string]PartHealth
	// ParkedFacts counts facts that failed too often and wait for a person, at
	// most 1000: see Parked.
	ParkedFacts int
	Since       time.Time // when the house was opened
}

const (
	notBuilt = "not part of this build"               // an engine of the house that this build does not have
	leftOut  = "left out of this house by its Config" // an engine in Config.Leave
	isClosed = "the house is closed"
)

// Ready is nil when the named part answers calls, else an error of
// KindUnavailable with the cause. The names are those of Health.Parts;
// an engine that was left out, or that this build does not have, is unavailable
// too.
func (f *Fog) Ready(name string) error {
	if f.closing.Load() {
		return fault.New(fault.Unavailable, name, isClosed)
	}
	if err := f.has(name); err != nil {
		return err
	}
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

// has is nil if the engine is in the house.
func (f *Fog) has(engine string) error {
	if f.config.without(engine) {
		return fault.New(fault.Unavailable, engine, leftOut)
	}
	return nil
}

// Health returns the last known state of every part.
func (f *Fog) Health() Health {
	h := Health{State: Healthy, Parts: make(map[string]PartHealth, len(f.parts)), Since: f.opened}
	parked := *f.parked.Load()
	for name, p := range f.parts {
		state, cause := p.status()
		part := PartHealth{State: state}
		if cause != nil {
			part.Cause = fault.Detail(cause)
		}
		if n := parked[p.topic]; n > 0 && state == Healthy {
			part = PartHealth{State: Degraded, Cause: fmt.Sprintf("%d facts were given up and wait for a person", n)}
		}
		if f.closing.Load() {
			part = PartHealth{State: Unavailable, Cause: isClosed}
		}
		h.Parts[name] = part
		if p.helper && part.State == Unavailable && !f.closing.Load() {
			part.State = Degraded // for the whole: calls are served without it
		}
		h.State = worse(h.State, part.State)
	}
	for _, n := range parked {
		h.ParkedFacts += n
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

const (
	probeEvery = 2 * time.Second
	probeDown  = 250 * time.Millisecond
	probeLimit = 2 * time.Second
	probeSlow  = 3 // probes in a row that take longer mean that the database is down
	parkedMost = 1000
)

// keepDatabase brings the schema up to date, if Open could not, and then asks
// the database regularly how it is, so that Ready and Health need not.
func (f *Fog) keepDatabase(ctx context.Context) error {
	for !f.ground.prepared && ctx.Err() == nil {
		if err := f.ground.prepare(ctx); err != nil {
			f.judge(ctx, Unavailable, prepareTrouble(err))
			pause(ctx, probeDown)
		}
	}
	for slow := 0; ctx.Err() == nil; {
		err := f.probe(ctx)
		if ctx.Err() != nil {
			break
		}
		before, _ := f.database.status()
		state, cause := verdict(before, err, f.ground.unwritable(), &slow)
		f.judge(ctx, state, cause)
		if err == nil {
			pause(ctx, probeEvery)
		} else {
			pause(ctx, probeDown)
		}
	}
	return ctx.Err()
}

// verdict is what a probe's outcome means. slow counts the probes in a row that
// took too long: at first the database counts as busy, for whoever waits longer
// than a probe is served.
func verdict(before State, probed, written error, slow *int) (State, error) {
	if errors.Is(probed, context.DeadlineExceeded) {
		*slow++
	} else {
		*slow = 0
	}
	switch {
	case probed == nil && written == nil:
		return Healthy, nil
	case probed == nil:
		return Degraded, databaseTrouble("the database answers but cannot be written", written)
	case 0 < *slow && *slow < probeSlow && works(before):
		return Degraded, databaseTrouble("the database answers slowly", probed)
	default:
		return Unavailable, databaseTrouble("the database does not answer", probed)
	}
}

// judge says how the database is, and logs it if that is news.
func (f *Fog) judge(ctx context.Context, state State, cause error) {
	if !f.database.set(state, cause) {
		return
	}
	if cause == nil {
		f.log.InfoContext(ctx, "the database is there")
		return
	}
	f.log.WarnContext(ctx, "trouble with the database, will be looked at again", "state", string(state), "cause", cause.Error())
}

// databaseTrouble is why the database part is not healthy. What the driver says
// goes into the log, not to clients.
func databaseTrouble(text string, cause error) error {
	return &fault.Error{Kind: fault.Unavailable, Op: "database", Detail: text, Err: cause}
}

// prepareTrouble is why the schema could not be brought up to date.
func prepareTrouble(cause error) error {
	switch fault.KindOf(cause) {
	case fault.Unavailable:
		return databaseTrouble("the database does not answer", cause)
	case fault.Conflict:
		return databaseTrouble(fault.Detail(cause), cause)
	default:
		return databaseTrouble("the database's tables cannot be made", cause)
	}
}

// probe asks the database for an answer, and the journal for what was given up.
func (f *Fog) probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeLimit)
	defer cancel()
	if err := f.ground.ping(ctx); err != nil {
		return errors.Join(err, ctx.Err())
	}
	return errors.Join(f.countParked(ctx), ctx.Err())
}
