// Package duty lets one server at a time do a job of the whole fleet.
//
// A duty is a row with a holder, an expiry and a number. The number is a fencing token: it grows whenever the duty changes
// hands, and every commit made in the name of the duty checks that its number is still the newest. So a server that was
// stopped, lost its duty and wakes up again cannot write any more, whatever its clock says; the expiry only decides how
// soon another server takes over. (Kleppmann, "How to do distributed locking", 2016; Chubby's sequencers, OSDI 2006.)
package duty

import (
	"context"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Name names a duty: "scheduler.plan".
type Name string

// Fence is the right to commit in the name of a duty. Its zero value is not fenced: it passes every check, for programs
// that embed an engine and run it alone.
type Fence struct {
	Name   Name
	Number int64 // grows whenever the holder changes or the duty has lapsed; the first is 1
}

// ErrFenced means that a commit came with the fence of an earlier holder: kind Conflict. Nothing of it was written.
var ErrFenced = fault.New(fault.Conflict, "duty.check", "duty held by another server")

// Duties is the port to the rows. Implementations are safe for concurrent use by several servers.
type Duties interface {
	// Take takes or renews a duty until a time. It returns false while another holder's expiry lies ahead. A holder that
	// renews in time keeps its number. A restarted server that uses its old name gets its duties back at once.
	Take(ctx context.Context, name Name, holder string, until time.Time) (Fence, bool, error)
	// Release gives a duty up, so that another can take it now. A fence that is no longer the newest is left alone.
	Release(ctx context.Context, fence Fence, holder string) error
}

// Memory is the twin of Duties for one process.
type Memory struct {
	now func() time.Time

	mu   sync.Mutex // guards rows
	rows map[Name]row
}

// row is the state of one duty. A released duty has no holder.
type row struct {
	holder string
	until  time.Time
	number int64
}

var _ Duties = (*Memory)(nil)

// NewMemory returns duties that nobody holds. A nil now means time.Now.
func NewMemory(now func() time.Time) *Memory {
	if now == nil {
		now = time.Now
	}
	return &Memory{now: now, rows: map[Name]row{}}
}

// Take implements Duties.
func (m *Memory) Take(_ context.Context, name Name, holder string, until time.Time) (Fence, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rows[name]
	live := r.holder != "" && r.until.After(m.now())
	switch {
	case live && r.holder != holder:
		return Fence{}, false, nil
	case !live:
		r.number++
	}
	r.holder, r.until = holder, until
	m.rows[name] = r
	return Fence{Name: name, Number: r.number}, true, nil
}

// Release implements Duties.
func (m *Memory) Release(_ context.Context, fence Fence, holder string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r := m.rows[fence.Name]; r.number == fence.Number && r.holder == holder {
		m.rows[fence.Name] = row{number: r.number}
	}
	return nil
}

// Check returns ErrFenced unless the fence is the newest of its duty, or zero. A memory store calls it under its own lock.
func (m *Memory) Check(fence Fence) error {
	if fence == (Fence{}) {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.rows[fence.Name].number != fence.Number {
		return ErrFenced
	}
	return nil
}
