package fog

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

const (
	factsKept  = time.Hour // after they were handled
	purgeEvery = 10 * time.Minute
	purgeMost  = 100_000 // rows a round, so that a purge never holds the writer for long
)

// purge deletes handled facts, and keeps the bytes of unfinished jobs from
// being collected. Each engine purges its own tables in its Run; the journal is
// the house's.
func (f *Fog) purge(ctx context.Context) error {
	return duty.Keep(ctx, f.ground.duties, "fog.retention", f.holder, dutyTTL, f.now,
		func(ctx context.Context, _ duty.Fence) error {
			for ctx.Err() == nil {
				if _, err := f.ground.journal.Purge(ctx, f.now().Add(-factsKept), purgeMost); err != nil {
					return fault.Wrap("fog.retention", err)
				}
				if err := f.keepLive(ctx); err != nil {
					return err
				}
				pause(ctx, purgeEvery)
			}
			return ctx.Err()
		})
}
