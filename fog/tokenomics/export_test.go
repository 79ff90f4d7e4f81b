package tokenomics

import (
	"context"
	"time"
)

// Sweep takes one sweep of what is due, as Run does.
func (t *Tokenomics) Sweep(ctx context.Context, now time.Time) (more bool, err error) {
	return t.sweep(ctx, now)
}

// PurgeOnce purges once, as Run does.
func (t *Tokenomics) PurgeOnce(ctx context.Context, now time.Time) (more bool, err error) {
	return t.purge(ctx, now)
}

// Derived is all of a store that follows from its movements and is not seen through the door.
type Derived struct {
	Records []Record
	Points  []Point
}

// Derive reads Derived.
func Derive(ctx context.Context, store Store) (d Derived, err error) {
	err = store.Snapshot(ctx, func(s Moment) error {
		var err error
		if d.Records, err = s.Records(ctx, RecordRef{}, 1<<20); err != nil {
			return err
		}
		d.Points, err = s.Points(ctx, PointRef{}, 1<<20)
		return err
	})
	return d, err
}

// Root is root.
func Root(amount Amount) Amount { return root(amount) }

// ProposalKey is the key of a proposal's records.
func ProposalKey(id ProposalID) string { return id.key() }
