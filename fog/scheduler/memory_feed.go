package scheduler

import (
	"context"
	"slices"
	"time"
)

// memoryFeed is the events of a Memory, numbered as they come: it has one writer at a time.
type memoryFeed struct {
	events  []Event
	trimmed Seq // the last that was deleted
}

// maxFeed is the number of events that a Memory keeps at most.
const maxFeed = 1 << 16

func (f *memoryFeed) last() Seq { return f.trimmed + Seq(len(f.events)) }

func (f *memoryFeed) add(j *Job, at time.Time) {
	if len(f.events) >= maxFeed {
		f.trim(maxFeed / 4)
	}
	e := EventOf(j, at)
	e.Seq = f.last() + 1
	f.events = append(f.events, e)
}

// trim deletes the first n.
func (f *memoryFeed) trim(n int) {
	f.events = slices.Delete(f.events, 0, n)
	f.trimmed += Seq(n)
}

// Events implements Feed.
func (m *Memory) Events(_ context.Context, q EventQuery) ([]Event, Seq, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	f := &m.feed
	switch {
	case q.After == latest:
		return nil, f.last(), nil
	case q.After < f.trimmed || q.After > f.last():
		return nil, 0, ErrTrimmed
	}
	var out []Event
	for i := range f.events[q.After-f.trimmed:] {
		e := &f.events[int(q.After-f.trimmed)+i]
		if !q.Takes(e) {
			continue
		}
		if out = append(out, *e); len(out) >= q.Limit {
			return out, e.Seq, nil
		}
	}
	return out, f.last(), nil
}

// TrimEvents implements Feed.
func (m *Memory) TrimEvents(_ context.Context, before time.Time, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for n < min(limit, len(m.feed.events)) && m.feed.events[n].At.Before(before) {
		n++
	}
	m.feed.trim(n)
	return n, nil
}
