package scheduler

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

type scheduleKey struct {
	tenant principal.Tenant
	id     string
}

// SaveSchedules implements Schedules.
func (m *Memory) SaveSchedules(_ context.Context, fence Fence, schedules []Schedule) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(fence); err != nil {
		return nil, err
	}
	if m.schedules == nil {
		m.schedules = map[scheduleKey]Schedule{}
	}
	saved := make([]bool, len(schedules))
	for i, one := range schedules {
		key := scheduleKey{one.Tenant, one.ID}
		if saved[i] = m.schedules[key].Version == one.Version-1; saved[i] {
			m.schedules[key] = one
		}
	}
	return saved, nil
}

// ListSchedules implements Schedules.
func (m *Memory) ListSchedules(_ context.Context, tenant principal.Tenant, owner principal.Account) ([]Schedule, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Schedule
	for key, one := range m.schedules {
		if (tenant == "" || key.tenant == tenant) && (owner == "" || one.Owner == owner) {
			out = append(out, one)
		}
	}
	sortBy(out, func(a, b *Schedule) int { return cmp.Or(strings.Compare(a.ID, b.ID), cmp.Compare(a.Tenant, b.Tenant)) })
	return out, nil
}

// DueSchedules implements Schedules.
func (m *Memory) DueSchedules(_ context.Context, now time.Time, limit int) ([]Schedule, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Schedule
	for _, one := range m.schedules {
		if !one.Next.IsZero() && !one.Next.After(now) {
			out = append(out, one)
		}
	}
	sortBy(out, func(a, b *Schedule) int {
		return cmp.Or(a.Next.Compare(b.Next), strings.Compare(string(a.Tenant), string(b.Tenant)), strings.Compare(a.ID, b.ID))
	})
	return out[:min(len(out), max(limit, 0))], nil
}

// DeleteSchedule implements Schedules.
func (m *Memory) DeleteSchedule(_ context.Context, tenant principal.Tenant, id string) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	key := scheduleKey{tenant, id}
	_, ok := m.schedules[key]
	delete(m.schedules, key)
	return ok, nil
}
