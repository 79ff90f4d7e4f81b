package fog

import (
	"context"
	"math"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// observeEvery is how often the market sees demand and supply.
const observeEvery = time.Second

// observe shows the market what the scheduler counts, once a second for each tenant whose prices somebody has asked for lately. So
// no quote ever waits for a database.
func (f *Fog) observe(ctx context.Context) error {
	market := f.Tokenomics.Market()
	ticker := time.NewTicker(observeEvery)
	defer ticker.Stop()
	for {
		for _, tenant := range market.Wanted(f.now()) {
			house := principal.From(ctx)
			house.Tenant = tenant
			stats, err := f.Scheduler.Stats(principal.With(ctx, house))
			if err != nil {
				return fault.Wrap("fog.market", err)
			}
			market.Observe(tenant, conditions(&stats), f.now())
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// conditions are demand and supply as the scheduler counts them.
func conditions(s *scheduler.Stats) tokenomics.Conditions {
	c := tokenomics.Conditions{Listings: int64(s.NodesUp)}
	c.Of[tokenomics.ResourceCPU] = tokenomics.Load{Total: s.Capacity.MilliCPU, Used: s.Used.MilliCPU, Queued: s.Queued.MilliCPU}
	c.Of[tokenomics.ResourceGPU] = tokenomics.Load{Total: s.Capacity.MilliGPU, Used: s.Used.MilliGPU, Queued: s.Queued.MilliGPU}
	c.Of[tokenomics.ResourceMemory] = tokenomics.Load{Total: s.Capacity.MemoryMB, Used: s.Used.MemoryMB, Queued: s.Queued.MemoryMB}
	c.Of[tokenomics.ResourceTransfer] = tokenomics.Load{Total: s.Capacity.MbitPS, Used: s.Used.MbitPS, Queued: s.Queued.MbitPS}
	return c
}

// pricer is the market as the scheduler sees it.
type pricer struct{ market *tokenomics.Market }

var _ scheduler.Pricer = pricer{}

// Quote prices one slot of each job by its estimate, its maximum run time where it has none. It never fails.
func (p pricer) Quote(_ context.Context, jobs []scheduler.Job) ([]scheduler.Price, error) {
	prices := make([]scheduler.Price, 0, len(jobs))
	for len(prices) < len(jobs) {
		tenant, orders := jobs[len(prices)].Tenant, []tokenomics.Order(nil)
		for at := len(prices); at < len(jobs) && jobs[at].Tenant == tenant; at++ {
			orders = append(orders, order(&jobs[at]))
		}
		for _, price := range p.market.Quote(tenant, orders...) {
			prices = append(prices, scheduler.Price(price))
		}
	}
	return prices, nil
}

// order is one slot of a job as the market sees it.
func order(j *scheduler.Job) tokenomics.Order {
	o := tokenomics.Order{
		Tier: string(j.Tier), MilliCPU: j.Demand.MilliCPU, MilliGPU: j.Demand.MilliGPU, MemoryMB: j.Demand.MemoryMB,
		Time: j.Estimate, TransferBytes: int64(math.Ceil(min(j.DataMB*1e6, 1<<62))),
	}
	if o.Time <= 0 {
		o.Time = j.MaxRuntime
	}
	return o
}
