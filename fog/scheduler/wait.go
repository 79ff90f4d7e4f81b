package scheduler

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// bells wakes the nodes that wait for work in this process.
type bells struct {
	mu      sync.Mutex // guards waiting
	waiting map[NodeID][]chan struct{}
}

// listen returns a channel that is closed at the node's next ring, and a function that gives it up.
func (b *bells) listen(n NodeID) (rung <-chan struct{}, leave func()) {
	c := make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = make(map[NodeID][]chan struct{})
	}
	b.waiting[n] = append(b.waiting[n], c)
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		rest := slices.DeleteFunc(b.waiting[n], func(o chan struct{}) bool { return o == c })
		if len(rest) == 0 {
			delete(b.waiting, n)
		} else {
			b.waiting[n] = rest
		}
	}
}

// ring wakes everyone who waits for the node.
func (b *bells) ring(n NodeID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.waiting[n] {
		close(c)
	}
	delete(b.waiting, n)
}

// nodes are the nodes that somebody waits for.
func (b *bells) nodes() []NodeID {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]NodeID, 0, len(b.waiting))
	for n := range b.waiting {
		out = append(out, n)
	}
	return out
}

// Wait returns nil when a claim by the node may bring something new: an attempt is placed on it, or one that it held was
// withdrawn. It returns at once when an attempt is placed already, so it is for nodes that would take one. Placements made by
// another server are seen within Config.Poll, while Run runs. When ctx ends the error is of kind Unavailable.
func (s *Scheduler) Wait(ctx context.Context, n NodeID) error {
	const op = "scheduler.wait"
	rung, leave := s.bells.listen(n)
	defer leave()
	looked, err := s.looks.Do(ctx, []NodeID{n})
	if err != nil {
		return fault.Wrap(op, err)
	}
	if slices.ContainsFunc(looked[0], func(a Attempt) bool { return a.State == AttemptPlaced }) {
		return nil
	}
	select {
	case <-rung:
		return nil
	case <-ctx.Done():
		return fault.Wrap(op, ctx.Err())
	}
}

// look reads the live attempts of many callers' nodes at once; each caller gets those of its own.
func (s *Scheduler) look(ctx context.Context, asked [][]NodeID) ([][]Attempt, error) {
	live, err := s.cfg.Store.Live(ctx, slices.Concat(asked...))
	if err != nil {
		return nil, fault.Wrap("scheduler.live", err)
	}
	byNode := make(map[NodeID][]Attempt)
	for _, a := range live {
		byNode[a.Node] = append(byNode[a.Node], a)
	}
	out := make([][]Attempt, len(asked))
	for i, nodes := range asked {
		for _, n := range nodes {
			out[i] = append(out[i], byNode[n]...)
		}
	}
	return out, nil
}

// watch rings for placements that other servers made, until ctx ends.
func (s *Scheduler) watch(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		nodes := s.bells.nodes()
		if len(nodes) == 0 {
			continue
		}
		live, err := s.cfg.Store.Live(ctx, nodes)
		if err != nil {
			continue // the planner and the callers meet the same error and say so
		}
		for i := range live {
			if live[i].State == AttemptPlaced {
				s.bells.ring(live[i].Node)
			}
		}
	}
}
