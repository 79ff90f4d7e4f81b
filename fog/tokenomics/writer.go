package tokenomics

import (
	"context"
	"errors"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// staleTries is how often a batch is evaluated anew because another writer was faster. It happens only between servers
// without duties, or while a duty changes hands.
const staleTries = 16

// commit carries a batch out: load, evaluate, write. It is never run twice at once in one process. If the store refuses the batch
// for a reason that lies in its content, the batch is divided until the culprit stands alone; its neighbours pass.
func (t *Tokenomics) commit(ctx context.Context, items []item) ([]error, error) {
	fence, seated := t.seat.current()
	if !seated {
		return nil, ErrFenced
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	verdicts, err := t.write(ctx, fence, items)
	if errors.Is(err, ErrFenced) {
		t.seat.lose(fence)
	}
	var refused *refusal
	if errors.As(err, &refused) {
		return t.isolate(ctx, fence, items, err), nil
	}
	return verdicts, err
}

// refusal is a store's refusal of a batch for its content: some constraint that one of its requests violates.
type refusal struct{ cause error }

func (r *refusal) Error() string { return "batch refused: " + r.cause.Error() }

func (r *refusal) Unwrap() error { return r.cause }

// write evaluates items on the newest state and commits what that changes.
func (t *Tokenomics) write(ctx context.Context, fence Fence, items []item) ([]error, error) {
	for try := 1; ; try++ {
		state, err := t.store.Load(ctx, wanted(items))
		if err != nil {
			return nil, unknown(err)
		}
		changes, verdicts := evaluate(state, items, t.config.Now())
		if changes.empty() {
			return verdicts, nil
		}
		if !t.config.Facts {
			changes.Facts = nil
		}
		err = t.store.Commit(ctx, fence, changes)
		switch {
		case err == nil:
			t.report(changes)
			return verdicts, nil
		case errors.Is(err, ErrStale) && try < staleTries:
		case errors.Is(err, ErrStale):
			return nil, fault.New(fault.Unavailable, "tokenomics.commit", "another server keeps writing the ledger: ask again")
		case fault.KindOf(err) == fault.Internal:
			return nil, &refusal{err}
		default:
			return nil, unknown(err)
		}
	}
}

// report tells Step and waiting requesters what has become durable.
func (t *Tokenomics) report(changes Changes) {
	done := map[Op]bool{}
	for _, m := range changes.Movements {
		if !done[m.Op] {
			done[m.Op] = true
			t.config.Step("tokenomics." + string(m.Op))
		}
	}
	if len(changes.Verdicts) > 0 {
		t.config.Step("tokenomics.verdict")
		t.decided.ring()
	}
}

// isolate writes the halves of a batch that the store has refused with cause, and their halves, until only culprits are left.
// A culprit from the request table gets its verdict in a commit of its own, or it would come back for ever.
func (t *Tokenomics) isolate(ctx context.Context, fence Fence, items []item, cause error) []error {
	if len(items) == 1 {
		t.config.Logger.WarnContext(ctx, "a request could not be written", "reference", items[0].Reference(), "cause", cause)
		t.condemn(ctx, fence, items[0], cause)
		return []error{fault.Wrap("tokenomics."+string(items[0].Op()), cause)}
	}
	half := len(items) / 2
	verdicts := make([]error, 0, len(items))
	for _, part := range [][]item{items[:half], items[half:]} {
		answers, err := t.write(ctx, fence, part)
		var refused *refusal
		switch {
		case err == nil:
			verdicts = append(verdicts, answers...)
		case errors.As(err, &refused):
			verdicts = append(verdicts, t.isolate(ctx, fence, part, err)...)
		default: // the store went away, or another server took over, between the halves
			for range part {
				verdicts = append(verdicts, unknown(err))
			}
		}
	}
	return verdicts
}

// condemn writes the verdict on a request that cannot be carried out.
func (t *Tokenomics) condemn(ctx context.Context, fence Fence, culprit item, cause error) {
	if culprit.id == 0 {
		return
	}
	state, err := t.store.Load(ctx, Wanted{})
	if err == nil {
		now := t.config.Now().UTC()
		err = t.store.Commit(ctx, fence, Changes{
			Was: state.Head, Head: state.Head, At: now, Verdicts: []Verdict{verdictOf(culprit.id, cause, now)},
		})
	}
	if err != nil {
		t.config.Logger.WarnContext(ctx, "a verdict could not be written, it will be tried again", "cause", err)
	}
	t.decided.ring()
}

// unknown marks an error after which nobody knows whether a commit has happened. ErrFenced and refusals for the content keep
// their kinds.
func unknown(err error) error {
	wrapped := fault.Wrap("tokenomics.commit", err)
	if fault.KindOf(wrapped) != fault.Unavailable {
		return wrapped
	}
	return &fault.Error{
		Kind: fault.Unavailable, Op: "tokenomics.commit", Detail: "outcome unknown, ask again with the same key", Err: err,
	}
}

// opOf returns the operation of the innermost error that names one.
func opOf(err error) string {
	op := ""
	for e := (*fault.Error)(nil); errors.As(err, &e); err = e.Err {
		if e.Op != "" {
			op = e.Op
		}
	}
	return op
}
