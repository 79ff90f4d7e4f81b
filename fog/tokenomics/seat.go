package tokenomics

import (
	"context"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/batch"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// seat is this server's part in the duty to write the ledger. Run sits on it for as long as it has the duty. While Run is not
// there, a call takes the duty itself, for a while, so that a ledger works before Run has started and without it; both use
// the same holder's name and therefore the same fence.
type seat struct {
	duties duty.Duties // nil: always seated, not fenced
	holder string
	lease  time.Duration
	now    func() time.Time
	asking *batch.Combiner[struct{}, bool] // many callers ask for the duty once

	mu    sync.Mutex // guards what follows
	fence Fence
	held  bool
	until time.Time // end of a seat that a call took; zero: until Run stands up
	again time.Time // after a refusal: not asked again before
}

func newSeat(c Config) *seat {
	s := &seat{duties: c.Duties, holder: c.Holder, lease: c.Lease, now: c.Now, held: c.Duties == nil}
	s.asking = batch.New(1<<10, s.ask)
	return s
}

// current returns the fence to commit with, and whether this server has one.
func (s *seat) current() (Fence, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seated := s.held && (s.until.IsZero() || s.now().Before(s.until))
	return s.fence, seated
}

// take reports whether this server may write, after asking for the duty if it does not have it and was not just refused.
func (s *seat) take(ctx context.Context) (bool, error) {
	if _, ok := s.current(); ok {
		return true, nil
	}
	if !s.mayAsk() {
		return false, nil
	}
	taken, err := s.asking.Do(ctx, struct{}{})
	if err != nil {
		return false, err
	}
	return taken[0], nil
}

func (s *seat) mayAsk() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.now().Before(s.again)
}

// ask asks for the duty once, for everybody who waits. A seat that a call has taken is trusted for half its lease.
func (s *seat) ask(ctx context.Context, waiting []struct{}) ([]bool, error) {
	answers := make([]bool, len(waiting))
	_, ok := s.current()
	if !ok {
		ctx, cancel := context.WithTimeout(ctx, s.lease)
		defer cancel()
		now := s.now()
		fence, taken, err := s.duties.Take(ctx, Duty, s.holder, now.Add(s.lease))
		if err != nil {
			return nil, fault.Wrap("tokenomics.duty", err)
		}
		s.answer(fence, taken, now)
		ok = taken
	}
	for i := range answers {
		answers[i] = ok
	}
	return answers, nil
}

// answer remembers what asking has brought, unless Run sits down meanwhile.
func (s *seat) answer(fence Fence, taken bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.held && s.until.IsZero():
	case taken:
		s.fence, s.held, s.until = fence, true, now.Add(s.lease/2)
	default:
		s.held, s.again = false, now.Add(s.lease/3)
	}
}

// sit takes the seat for Run.
func (s *seat) sit(fence Fence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fence, s.held, s.until = fence, true, time.Time{}
}

// lose leaves the seat if it is still the one of this fence: the duty is gone.
func (s *seat) lose(fence Fence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fence == fence && s.duties != nil {
		s.held = false
	}
}

// release gives back a duty that a call took.
func (s *seat) release() error {
	fence, ok := s.current()
	if !ok || s.duties == nil {
		return nil
	}
	s.lose(fence)
	ctx, cancel := context.WithTimeout(context.Background(), s.lease/3)
	defer cancel()
	return fault.Wrap("tokenomics.close", s.duties.Release(ctx, fence, s.holder))
}
