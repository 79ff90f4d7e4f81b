package tokenomics

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

const (
	// writeTries is how often a batch is decided anew because another writer was faster. It happens only between servers
	// without duties, or while a duty changes hands.
	writeTries = 16
	// loadTries bounds how often a batch may find that it needs to know more: each time it has learned something.
	loadTries = 64
	// eagerFrom is the size from which on the next batch is decided while this one is written. Below it more is won by
	// letting all who come meanwhile share one commit.
	eagerFrom = 64
	// carefulFor is for how many batches references are looked up before they are used, after one was found used.
	carefulFor = 64
)

// writer owns what the writing server knows of the ledger.
//
// A batch is decided under deciding, then written under writing, so that the next one can be decided while this one is
// written. If writing fails, everything that was decided on top of it is forgotten, and decided again.
type writer struct {
	writing sync.Mutex // held from before a batch's commit until after it

	deciding   sync.Mutex // guards what follows; taken inside writing where both are held
	state      *state     // nil: nothing is known
	generation int        // raised when the state is forgotten
	careful    int        // batches to go
	economics  Economics  // the newest ones that were valid
}

// plan is a batch that has been decided.
type plan struct {
	changes    Changes
	verdicts   []error
	generation int
}

// commit carries a batch out. It is run twice at once in one process only if the batch before is being written. If the store
// refuses the batch for a reason that lies in its content, the batch is divided until the culprit stands alone; its
// neighbours pass.
func (t *Tokenomics) commit(ctx context.Context, items []item, next func()) ([]error, error) {
	fence, seated := t.seat.current()
	if !seated {
		return nil, ErrFenced
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if len(items) < eagerFrom {
		next = func() {}
	}
	verdicts, err := t.write(ctx, fence, items, next)
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

// write decides items on the newest state and commits what that changes. It calls next when it has begun to write. What changes
// nothing is committed as well: its verdicts stand on what this server knows, which another one may have made untrue.
func (t *Tokenomics) write(ctx context.Context, fence Fence, items []item, next func()) ([]error, error) {
	p, err := t.plan(ctx, fence, items, false)
	t.writer.writing.Lock()
	defer t.writer.writing.Unlock()
	next()
	if err == nil && !t.stands(p) {
		p, err = t.plan(ctx, fence, items, false)
	}
	for try := 1; ; try++ {
		if err != nil {
			return nil, unknown(err)
		}
		err = t.store.Commit(ctx, fence, p.changes)
		again := errors.Is(err, ErrStale) || errors.Is(err, ErrUsed)
		switch {
		case err == nil:
			t.report(p.changes)
			return p.verdicts, nil
		case again && try < writeTries:
			if errors.Is(err, ErrUsed) {
				t.beware()
			}
			p, err = t.plan(ctx, fence, items, true)
		case again:
			t.forget()
			return nil, fault.New(fault.Unavailable, "tokenomics.commit", "another server keeps writing the ledger: ask again")
		case fault.KindOf(err) == fault.Internal:
			t.forget()
			return nil, &refusal{err}
		default:
			t.forget()
			return nil, unknown(err)
		}
	}
}

// plan decides items on what is known, and loads what they lack. Afresh it begins with a new state and takes nothing for granted.
func (t *Tokenomics) plan(ctx context.Context, fence Fence, items []item, afresh bool) (plan, error) {
	w := &t.writer
	w.deciding.Lock()
	defer w.deciding.Unlock()
	if afresh || w.state == nil || w.state.fence != fence {
		w.drop()
		loaded, err := t.store.Load(ctx, Wanted{})
		if err != nil {
			return plan{}, err
		}
		w.state = newState(fence, loaded)
	}
	if afresh {
		w.careful = max(w.careful, 1)
	}
	w.state.trim()
	w.state.careful = w.careful > 0
	w.careful = max(w.careful-1, 0)
	economics := t.economics(ctx)
	for range loadTries {
		changes, verdicts, complete := evaluate(w.state, items, t.config.Now(), economics, t.rules)
		if complete {
			if !t.config.Facts {
				changes.Facts = nil
			}
			return plan{changes, verdicts, w.generation}, nil
		}
		wanted := w.state.missing()
		loaded, err := t.store.Load(ctx, wanted)
		if err != nil {
			return plan{}, err
		}
		w.state.learn(wanted, loaded)
	}
	return plan{}, fault.New(fault.Internal, "tokenomics.commit", "a batch never knows enough")
}

// economics returns the parameters of now for who holds deciding. If they are not valid, those before stay.
func (t *Tokenomics) economics(ctx context.Context) Economics {
	if t.config.Economics == nil {
		return Economics{}
	}
	economics := t.config.Economics()
	if err := economics.Validate(); err != nil {
		t.config.Logger.WarnContext(ctx, "the parameters are not valid, those before stay", "cause", err)
		return t.writer.economics
	}
	t.writer.economics = economics
	return economics
}

// stands reports whether the state that a plan was made on is still the one that is written.
func (t *Tokenomics) stands(p plan) bool {
	t.writer.deciding.Lock()
	defer t.writer.deciding.Unlock()
	return p.generation == t.writer.generation
}

// forget drops what is known, and with it all that was decided and is not written.
func (t *Tokenomics) forget() {
	t.writer.deciding.Lock()
	defer t.writer.deciding.Unlock()
	t.writer.drop()
}

// drop is forget for who holds deciding.
func (w *writer) drop() {
	w.state = nil
	w.generation++
}

// beware lets the next batches look references up.
func (t *Tokenomics) beware() {
	t.writer.deciding.Lock()
	defer t.writer.deciding.Unlock()
	t.writer.careful = carefulFor
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
	if len(changes.Movements) > 0 {
		t.moved.ring()
	}
	if slices.ContainsFunc(changes.Records, func(r Record) bool { return r.Class == ClassParameter }) {
		t.changed.ring()
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
		t.config.Logger.WarnContext(ctx, "a request could not be written", "reference", items[0].ref, "cause", cause)
		t.condemn(ctx, fence, items[0], cause)
		return []error{fault.Wrap(items[0].op(), cause)}
	}
	half := len(items) / 2
	verdicts := make([]error, 0, len(items))
	for _, part := range [][]item{items[:half], items[half:]} {
		answers, err := t.write(ctx, fence, part, func() {})
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

// condemn writes the verdict on a request that cannot be carried out. It moves no head, so it disturbs no batch.
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
