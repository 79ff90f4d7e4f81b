package fog

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// What Parked and RetryParked ask Config.Authorize for, on a resource of kind
// "fact" in the default tenant: facts speak of every tenant's things.
const (
	ActionParked      principal.Action = "fog.parked"
	ActionRetryParked principal.Action = "fog.retry_parked"
)

// ParkedFact is something that has happened in one engine and that the house
// could not tell the others, however often it tried: a payment that the ledger
// refuses, say. It waits until a person has found the reason and retries it.
type ParkedFact struct {
	Number int64     // names it
	Topic  string    // "scheduler.settle": a finished job is not paid; "idle.device": a node does not follow its device
	ID     string    // of the job or the device
	Reason string    // of the last failure, for the operator: it may quote the database
	At     time.Time // when it was given up
}

// Parked returns up to limit facts that were given up, oldest first. It is for
// the operator of the default tenant, who runs the installation. Errors are of
// KindDenied, KindNotFound (another tenant's operator) and KindUnavailable.
func (f *Fog) Parked(ctx context.Context, limit int) ([]ParkedFact, error) {
	if err := f.allowFacts(ctx, ActionParked); err != nil {
		return nil, err
	}
	rows, err := f.ground.journal.Parked(ctx, limit)
	if err != nil {
		return nil, fault.Wrap("fog.parked", err)
	}
	facts := make([]ParkedFact, len(rows))
	for i, r := range rows {
		facts[i] = ParkedFact{Number: r.Seq, Topic: string(r.Topic), ID: r.ID, Reason: r.Reason, At: r.At}
	}
	return facts, nil
}

// RetryParked hands parked facts to their flows again, as if they had never
// failed. Numbers that are not parked are ignored. Errors are those of Parked.
func (f *Fog) RetryParked(ctx context.Context, numbers ...int64) error {
	if err := f.allowFacts(ctx, ActionRetryParked); err != nil {
		return err
	}
	if err := f.ground.journal.Retry(ctx, numbers); err != nil {
		return fault.Wrap("fog.retry_parked", err)
	}
	return fault.Wrap("fog.retry_parked", f.countParked(ctx))
}

func (f *Fog) allowFacts(ctx context.Context, action principal.Action) error {
	who := principal.From(ctx)
	about := principal.Resource{Kind: "fact", Tenant: principal.DefaultTenant}
	return fault.Wrap(string(action), f.config.Authorize.Authorize(ctx, who, action, about))
}

// countParked counts the parked facts for Health.
func (f *Fog) countParked(ctx context.Context) error {
	rows, err := f.ground.journal.Parked(ctx, parkedMost)
	if err != nil {
		return fault.Wrap("fog.parked", err)
	}
	counts := map[journal.Topic]int{}
	for _, r := range rows {
		counts[r.Topic]++
	}
	f.parked.Store(&counts)
	return nil
}
