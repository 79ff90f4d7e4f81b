package tokenomicstest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Break is a way in which a step goes wrong.
type Break struct {
	Name string
	// Late lets the step be done, and only its reply be lost. Otherwise it is not done.
	Late bool
	// Err is what is heard of it.
	Err error
}

// Breaks are the ways in which a call of a store goes wrong: what it needs is gone, or it says something that nobody knows.
func Breaks() []Break {
	gone, odd := fault.New(fault.Unavailable, "test", "the line is dead"), errors.New("something odd")
	return []Break{{"gone", false, gone}, {"reply lost", true, gone}, {"refused", false, odd}, {"refused but done", true, odd}}
}

// Breaker breaks one step of so many. It is safe for concurrent use.
type Breaker struct {
	Break
	every, offset int
	slower        bool // breaks after more steps each time, so that who begins anew whenever one breaks does not always break at the same

	mu     sync.Mutex // guards what follows
	off    bool
	steps  int
	last   int // step that broke, if it gets slower
	broken int
	lost   bool
	begun  [2]int // steps, and broken ones, before the latest action
	most   int    // steps of an action in which nothing broke
}

// action begins something that is done again as a whole if a step of it breaks.
func (b *Breaker) action() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken == b.begun[1] {
		b.most = max(b.most, b.steps-b.begun[0])
	}
	b.begun = [2]int{b.steps, b.broken}
}

// Step takes a step, or breaks it. What it returns, if it breaks, is Err.
func (b *Breaker) Step(do func() error) error { return b.step(do, false) }

// Commit is Step for what makes a commit durable.
func (b *Breaker) Commit(do func() error) error { return b.step(do, true) }

func (b *Breaker) step(do func() error, commits bool) error {
	if !b.breaks() {
		return do()
	}
	if !b.Late {
		return b.Err
	}
	if err := do(); err != nil {
		return err
	}
	if commits {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.lost = true
	}
	return b.Err
}

// breaks counts a step and reports whether it is one that breaks.
func (b *Breaker) breaks() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.off {
		return false
	}
	b.steps++
	at := b.steps % b.every
	if b.slower {
		at = b.steps - b.last
	}
	if at != b.offset {
		return false
	}
	b.broken++
	if b.slower {
		b.last, b.offset = b.steps, b.every+b.broken
	}
	return true
}

// quiet lets f take steps that do not count.
func (b *Breaker) quiet(f func()) {
	b.set(true)
	defer b.set(false)
	f()
}

func (b *Breaker) set(off bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.off = off
}

// count returns how many steps were broken.
func (b *Breaker) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.broken
}

// took reports, once, whether a commit was done and its reply lost.
func (b *Breaker) took() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	lost := b.lost
	b.lost = false
	return lost
}

// Store returns a store each of whose calls is a step.
func (b *Breaker) Store(s tokenomics.Store) tokenomics.Store { return fragile{s, b} }

// fragile is a store that breaks.
type fragile struct {
	tokenomics.Store
	breaker *Breaker
}

// reply takes a step that has an answer.
func reply[T any](b *Breaker, do func() (T, error)) (answer T, err error) {
	err = b.Step(func() (err error) {
		answer, err = do()
		return err
	})
	return answer, err
}

func (s fragile) Load(ctx context.Context, w tokenomics.Wanted) (tokenomics.Loaded, error) {
	return reply(s.breaker, func() (tokenomics.Loaded, error) { return s.Store.Load(ctx, w) })
}

func (s fragile) Commit(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
	return s.breaker.Commit(func() error { return s.Store.Commit(ctx, fence, changes) })
}

func (s fragile) Due(ctx context.Context, now time.Time, limit int) (tokenomics.Due, error) {
	return reply(s.breaker, func() (tokenomics.Due, error) { return s.Store.Due(ctx, now, limit) })
}

func (s fragile) Records(ctx context.Context, q tokenomics.RecordQuery) ([]tokenomics.Record, error) {
	return reply(s.breaker, func() ([]tokenomics.Record, error) { return s.Store.Records(ctx, q) })
}

func (s fragile) Tally(ctx context.Context, tenant principal.Tenant) (map[tokenomics.Count]int64, error) {
	return reply(s.breaker, func() (map[tokenomics.Count]int64, error) { return s.Store.Tally(ctx, tenant) })
}

func (s fragile) Purge(ctx context.Context, horizon tokenomics.Horizon, limit int) (int, error) {
	return reply(s.breaker, func() (int, error) { return s.Store.Purge(ctx, horizon, limit) })
}

func (s fragile) Entries(ctx context.Context, q tokenomics.EntryQuery) ([]tokenomics.Entry, error) {
	return reply(s.breaker, func() ([]tokenomics.Entry, error) { return s.Store.Entries(ctx, q) })
}

func (s fragile) Movements(ctx context.Context, after int64, limit int) ([]tokenomics.Movement, error) {
	return reply(s.breaker, func() ([]tokenomics.Movement, error) { return s.Store.Movements(ctx, after, limit) })
}

func (s fragile) Blocks(ctx context.Context, after int64, limit int) ([]tokenomics.Block, error) {
	return reply(s.breaker, func() ([]tokenomics.Block, error) { return s.Store.Blocks(ctx, after, limit) })
}

func (s fragile) Snapshot(ctx context.Context, f func(tokenomics.Moment) error) error {
	return s.breaker.Step(func() error { return s.Store.Snapshot(ctx, f) })
}

func (s fragile) Put(ctx context.Context, requests []tokenomics.Request, at time.Time) ([]tokenomics.RequestID, error) {
	return reply(s.breaker, func() ([]tokenomics.RequestID, error) { return s.Store.Put(ctx, requests, at) })
}

func (s fragile) Pending(ctx context.Context, limit int) ([]tokenomics.Asked, error) {
	return reply(s.breaker, func() ([]tokenomics.Asked, error) { return s.Store.Pending(ctx, limit) })
}

func (s fragile) Verdicts(ctx context.Context, ids []tokenomics.RequestID) ([]tokenomics.Verdict, error) {
	return reply(s.breaker, func() ([]tokenomics.Verdict, error) { return s.Store.Verdicts(ctx, ids) })
}

// Duties returns duties each of whose calls is a step.
func (b *Breaker) Duties(d duty.Duties) duty.Duties { return fragileDuties{d, b} }

// fragileDuties are duties that break.
type fragileDuties struct {
	duty.Duties
	breaker *Breaker
}

func (d fragileDuties) Take(ctx context.Context, name duty.Name, holder string, until time.Time) (fence duty.Fence, ok bool, err error) {
	err = d.breaker.Step(func() (err error) {
		fence, ok, err = d.Duties.Take(ctx, name, holder, until)
		return err
	})
	return fence, ok && err == nil, err
}

func (d fragileDuties) Release(ctx context.Context, fence duty.Fence, holder string) error {
	return d.breaker.Step(func() error { return d.Duties.Release(ctx, fence, holder) })
}
