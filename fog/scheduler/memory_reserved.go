package scheduler

import (
	"cmp"
	"context"

	"github.com/fogcompute/fogcompute/fog/principal"
)

type reservationKey struct {
	tenant principal.Tenant
	id     string
}

// SaveReservations implements Reserved.
func (m *Memory) SaveReservations(_ context.Context, reservations []Reservation) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range reservations {
		m.reserved[reservationKey{r.Tenant, r.ID}] = r
	}
	return nil
}

// Reservations implements Reserved.
func (m *Memory) Reservations(_ context.Context, tenant principal.Tenant) ([]Reservation, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Reservation
	for _, r := range m.reserved {
		if tenant == "" || r.Tenant == tenant {
			out = append(out, r)
		}
	}
	sortBy(out, func(a, b *Reservation) int {
		return cmp.Or(cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// DeleteReservations implements Reserved.
func (m *Memory) DeleteReservations(_ context.Context, tenant principal.Tenant, ids []string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		delete(m.reserved, reservationKey{tenant, id})
	}
	return nil
}

// Usage implements Nodes.
func (m *Memory) Usage(_ context.Context, tenant principal.Tenant) ([]Usage, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []Usage
	for k, u := range m.used {
		if tenant == "" || k.tenant == tenant {
			out = append(out, u)
		}
	}
	return out, nil
}
