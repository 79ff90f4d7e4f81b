package tokenomics

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// Market posts prices: everybody is quoted the same, at once, and a quote stands once it is taken. Its prices follow what
// Observe is told of demand and supply; until then they are base prices. Each tenant has a market of its own, as it has nodes
// of its own. A Market is part of a Tokenomics and safe for concurrent use.
type Market struct {
	ask  func() Prices
	log  *slog.Logger
	used atomic.Pointer[tariff]

	mu     sync.RWMutex // guards the map; what it holds is safe by itself
	stalls map[principal.Tenant]*stall
}

// stall is one tenant's market.
type stall struct {
	wanted atomic.Bool // somebody has asked since the last look
	now    atomic.Pointer[observed]
}

// observed is what the latest observation has brought.
type observed struct {
	level  Level
	seen   Conditions
	wanted time.Time // when somebody had asked last
}

// tariff is what the source of prices answered last, and what is made of it.
type tariff struct{ asked, used Prices }

// restAfter is how long a market is observed after somebody has last asked for it.
const restAfter = 10 * time.Minute

// newMarket makes a market whose parameters are asked for at each quote; nil is the zero Prices for ever.
func newMarket(ask func() Prices, log *slog.Logger) *Market {
	if ask == nil {
		ask = func() Prices { return Prices{} }
	}
	return &Market{ask: ask, log: log, stalls: map[principal.Tenant]*stall{}}
}

// Prices are the parameters in force. Ones that cannot work are said once and change nothing.
func (m *Market) Prices() Prices {
	asked := m.ask()
	last := m.used.Load()
	if last != nil && last.asked == asked {
		return last.used
	}
	next := &tariff{asked: asked}
	err := asked.Validate()
	switch {
	case err == nil:
		next.used = asked
	case last != nil:
		next.used = last.used
	}
	if m.used.CompareAndSwap(last, next) && err != nil {
		m.log.Warn("prices cannot work and are ignored", slog.Any("error", err))
	}
	return next.used
}

// Quote prices slots, in order. It reads memory only.
func (m *Market) Quote(tenant principal.Tenant, orders ...Order) []Amount {
	prices, level := m.Prices(), m.Level(tenant)
	out := make([]Amount, len(orders))
	for i, o := range orders {
		out[i] = prices.Quote(level, o)
	}
	return out
}

// Level is the price level of a tenant's market; the zero Level before the first observation.
func (m *Market) Level(tenant principal.Tenant) Level {
	if o := m.look(tenant); o != nil {
		return o.level
	}
	return Level{}
}

// Posted are the prices of a tenant's market now.
func (m *Market) Posted(tenant principal.Tenant) Posted { return m.Prices().Posted(m.Level(tenant)) }

// Conditions are what the latest observation of a tenant's market saw; zero before the first.
func (m *Market) Conditions(tenant principal.Tenant) Conditions {
	if o := m.look(tenant); o != nil {
		return o.seen
	}
	return Conditions{}
}

// look reads a market and notes that somebody wants to know.
func (m *Market) look(tenant principal.Tenant) *observed {
	s := m.stall(tenant)
	if !s.wanted.Load() {
		s.wanted.Store(true)
	}
	return s.now.Load()
}

func (m *Market) stall(tenant principal.Tenant) *stall {
	m.mu.RLock()
	s := m.stalls[tenant]
	m.mu.RUnlock()
	if s != nil {
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stalls[tenant] == nil {
		m.stalls[tenant] = &stall{}
	}
	return m.stalls[tenant]
}

// Wanted names the tenants, in order, whose markets should be observed: somebody has asked for them in the last 10 min. One that
// was left alone keeps its level and goes on from there.
func (m *Market) Wanted(now time.Time) []principal.Tenant {
	m.mu.RLock()
	defer m.mu.RUnlock()
	var out []principal.Tenant
	for tenant, s := range m.stalls {
		last := s.now.Load()
		if s.wanted.Load() || last != nil && now.Sub(last.wanted) < restAfter {
			out = append(out, tenant)
		}
	}
	slices.Sort(out)
	return out
}

// Observe moves a tenant's prices on to now under the conditions that were found. Calls for one tenant come one after the other.
func (m *Market) Observe(tenant principal.Tenant, c Conditions, now time.Time) {
	s := m.stall(tenant)
	next := &observed{seen: c}
	if last := s.now.Load(); last != nil {
		next.level, next.wanted = last.level, last.wanted
	}
	if s.wanted.Swap(false) {
		next.wanted = now
	}
	next.level = m.Prices().Follow(next.level, c, now)
	s.now.Store(next)
}
