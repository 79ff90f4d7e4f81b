package fog

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Stats is the whole house in one plain value. An engine that is left out of
// the house has the zero value.
type Stats struct {
	Scheduler  scheduler.Stats
	Idle       idle.Stats
	Tokenomics tokenomics.Stats
}

// Stats gathers what every engine counts. It costs one short read an engine.
func (f *Fog) Stats(ctx context.Context) (Stats, error) {
	var all Stats
	var err error
	if f.Scheduler != nil {
		if all.Scheduler, err = f.Scheduler.Stats(ctx); err != nil {
			return Stats{}, fault.Wrap("fog.stats", err)
		}
	}
	if f.Idle != nil {
		if all.Idle, err = f.Idle.Stats(ctx); err != nil {
			return Stats{}, fault.Wrap("fog.stats", err)
		}
	}
	if f.Tokenomics != nil {
		if all.Tokenomics, err = f.Tokenomics.Stats(ctx); err != nil {
			return Stats{}, fault.Wrap("fog.stats", err)
		}
	}
	return all, nil
}
