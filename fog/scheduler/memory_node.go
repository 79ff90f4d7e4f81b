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
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok := m.nodes[id]
	if !ok {
		return fault.Newf(fault.NotFound, "scheduler.drain", "no node %q", id)
	}
	n.Drained, n.Updated, n.Version = drained, now, n.Version+1
	m.nodes[id] = n
	return nil
}

// SetMarks implements Nodes.
func (m *Memory) SetMarks(_ context.Context, id NodeID, marks Marks, now time.Time) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok := m.nodes[id]
	if !ok {
		return fault.Newf(fault.NotFound, "scheduler.mark", "no node %q", id)
	}
	n.Marks, n.Updated, n.Version = marks, now, n.Version+1
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
