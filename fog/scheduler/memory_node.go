package scheduler

import (
	"context"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// SaveNodes implements Nodes.
func (m *Memory) SaveNodes(_ context.Context, fence Fence, nodes []Node) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(fence); err != nil {
		return err
	}
	for _, n := range nodes {
		old, ok := m.nodes[n.ID]
		if ok && n.Source < old.Source {
			continue
		}
		n.Drained, n.Marks, n.Version = old.Drained, old.Marks, old.Version+1
		m.nodes[n.ID] = n
	}
	return nil
}

// Nodes implements Nodes.
func (m *Memory) Nodes(_ context.Context, tenant principal.Tenant) ([]Node, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]Node, 0, len(m.nodes))
	for _, n := range m.nodes {
		if tenant == "" || n.Tenant == tenant {
			out = append(out, n)
		}
	}
	sortBy(out, func(a, b *Node) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return out, nil
}

// SetDrain implements Nodes.
func (m *Memory) SetDrain(_ context.Context, id NodeID, drained bool, now time.Time) error {
	return m.change(id, "scheduler.drain", now, func(n *Node) { n.Drained = drained })
}

// SetMarks implements Nodes.
func (m *Memory) SetMarks(_ context.Context, id NodeID, marks Marks, now time.Time) error {
	return m.change(id, "scheduler.mark", now, func(n *Node) { n.Marks = marks })
}

// change makes a stored node another.
func (m *Memory) change(id NodeID, op string, now time.Time, edit func(*Node)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok := m.nodes[id]
	if !ok {
		return fault.Newf(fault.NotFound, op, "no node %q", id)
	}
	edit(&n)
	n.Updated, n.Version = now, n.Version+1
	m.nodes[id] = n
	return nil
}

// DeleteNodes implements Nodes.
func (m *Memory) DeleteNodes(_ context.Context, ids []NodeID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		delete(m.nodes, id)
	}
	return nil
}
