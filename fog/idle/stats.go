package idle

import (
	"context"
	"maps"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Stats is a count of a tenant's devices and of what they have done. Every figure is 0, or unknown, where there is nothing
// to count. Unregistered devices count only in what they have done.
type Stats struct {
	Devices    int64 // all that are enrolled
	Active     int64 // alive
	Harvesting int64 // alive and holding work
	Idle       int64 // online, eligible and without work
	Charging   int64 // alive and known to be on external power
	Throttled  int64 // alive and too hot to be harvested

	Android, IOS, Desktop, Server int64 // all that are enrolled

	Total     Capacity // of all that are enrolled
	Available Capacity // of those that are alive

	Battery       Opt[float64] // mean charge in percent of the enrolled devices whose battery is known
	MobileBattery Opt[float64] // the same for phones and tablets
	// Utilisation is the share of the living devices' cores that belongs to devices holding work, 0 to 1.
	Utilisation float64

	TasksCompleted int64   // slots validated so far
	ComputeSeconds float64 // CPU-seconds of those
	Earned         int64   // token base units for those
	OnlineSeconds  float64 // CPU-seconds that enrolled devices have been alive for: cores times uptime
	// Efficiency is ComputeSeconds per OnlineSeconds, 0 to 1: how much of the time that devices offered became results.
	Efficiency float64
	// EnergyEfficiency is the share of the living, harvesting or waiting devices of known power state that run on external
	// power: work on a battery is work that its owner must recharge.
	EnergyEfficiency float64
}

// Capacity is a sum over devices.
type Capacity struct {
	MilliCPU int64
	MemoryMB int64
	MilliGPU int64
}

// add counts a group.
func (c *Capacity) add(g *Group) {
	c.MilliCPU += g.MilliCPU
	c.MemoryMB += g.MemoryMB
	c.MilliGPU += g.MilliGPU
}

// Stats counts the caller's tenant. Callers that come together share a count, and one that took long, as that of a very
// large fleet does, is shown again for ten times as long as it took. Errors: Denied, Unavailable.
func (i *Idle) Stats(ctx context.Context) (Stats, error) {
	const op = "idle.stats"
	p := principal.From(ctx)
	whole := principal.Resource{Kind: "stats", Tenant: p.Tenant, Owner: p.Account} // a count of all gives nobody away
	if err := i.config.Authorize.Authorize(ctx, p, ActRead, whole); err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	counted, err := i.counts.Do(ctx, p.Tenant)
	if err != nil {
		return Stats{}, fault.Wrap(op, err)
	}
	return counted[0], nil
}

const (
	quickCount = 25 * time.Millisecond // a count that takes less is never shown again
	countShare = 10                    // a slow count is shown again for this many times as long as it took
	countBatch = 256
)

// counted is a count that took long.
type counted struct {
	stats Stats
	until time.Time // shown again until then
}

// countAll is the batch behind counts, which never runs twice at once: kept belongs to it alone.
func (i *Idle) countAll(ctx context.Context, tenants []principal.Tenant) ([]Stats, error) {
	began := i.now()
	maps.DeleteFunc(i.kept, func(_ principal.Tenant, c counted) bool { return !began.Before(c.until) })
	fresh := map[principal.Tenant]Stats{}
	results := make([]Stats, len(tenants))
	for n, tenant := range tenants {
		if c, ok := i.kept[tenant]; ok {
			results[n] = c.stats
			continue
		}
		if _, ok := fresh[tenant]; !ok {
			if len(fresh) == 0 {
				i.catchUp(ctx)
			}
			start := i.now()
			tally, err := i.store.Tally(ctx, tenant)
			if err != nil {
				return nil, err
			}
			fresh[tenant] = tally.stats()
			if end := i.now(); end.Sub(start) > quickCount {
				i.kept[tenant] = counted{stats: fresh[tenant], until: end.Add(countShare * end.Sub(start))}
			}
		}
		results[n] = fresh[tenant]
	}
	return results, nil
}

// stats sums the groups up.
func (t *Tally) stats() Stats {
	s := Stats{TasksCompleted: t.TasksCompleted, ComputeSeconds: t.ComputeSeconds, Earned: t.Earned}
	var all, mobile Group
	var busy, powered, known int64
	for n := range t.Groups {
		g := &t.Groups[n]
		s.OnlineSeconds += g.CPUSeconds
		if g.State == Unregistered {
			continue
		}
		s.Devices += g.Devices
		*s.ofType(g.Type) += g.Devices
		s.Total.add(g)
		all.addBatteries(g)
		if g.Type == Android || g.Type == IOS {
			mobile.addBatteries(g)
		}
		if !g.State.Alive() {
			continue
		}
		s.Active += g.Devices
		s.Harvesting += g.Harvesting
		s.Charging += g.Charging
		s.Throttled += g.Throttled
		s.Available.add(g)
		busy += g.BusyCPU
		powered, known = powered+g.Powered, known+g.PowerKnown
		if g.State == Online {
			s.Idle += g.Waiting
		}
	}
	s.Battery, s.MobileBattery = all.battery(), mobile.battery()
	s.Utilisation = share(float64(busy), float64(s.Available.MilliCPU))
	s.Efficiency = share(s.ComputeSeconds, s.OnlineSeconds)
	s.EnergyEfficiency = share(float64(powered), float64(known))
	return s
}

// ofType returns the counter of a type.
func (s *Stats) ofType(t DeviceType) *int64 {
	switch t {
	case Android:
		return &s.Android
	case IOS:
		return &s.IOS
	case Server:
		return &s.Server
	default:
		return &s.Desktop
	}
}

// addBatteries sums battery levels.
func (g *Group) addBatteries(o *Group) {
	g.Batteries += o.Batteries
	g.BatterySum += o.BatterySum
}

// battery is the mean level, unknown where no battery is.
func (g *Group) battery() Opt[float64] {
	if g.Batteries == 0 {
		return Opt[float64]{}
	}
	return Some(g.BatterySum / float64(g.Batteries))
}

// share is a part of a whole, between 0 and 1, and 0 of nothing.
func share(part, whole float64) float64 {
	if whole <= 0 {
		return 0
	}
	return min(max(part/whole, 0), 1)
}
