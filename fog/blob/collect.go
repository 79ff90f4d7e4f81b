package blob

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

const (
	collectBatch = 256              // rows of one transaction
	uploadIdle   = 10 * time.Minute // after which a temporary file is a crash's leftover: servers cut slower uploads off
)

// Collect removes up to limit blobs that have no reference and were last used before a time, and the bytes that nobody
// holds any more. It returns how many owners' blobs it took. Only the operator may do it.
func (s *Store) Collect(ctx context.Context, unusedBefore time.Time, limit int) (int, error) {
	p := principal.From(ctx)
	if err := s.cfg.Authorize.Authorize(ctx, p, ActionCollect, principal.Resource{Kind: "blob", Tenant: p.Tenant}); err != nil {
		return 0, fault.Wrap("blob.collect", err)
	}
	return s.collect(ctx, unusedBefore, limit)
}

// collect takes the rows first and the bytes afterwards. The index remembers the bytes until they are gone, so a crash
// between the two leaves them to the next round.
func (s *Store) collect(ctx context.Context, unusedBefore time.Time, limit int) (int, error) {
	taken, copies, err := s.cfg.Index.Doom(ctx, unusedBefore, limit)
	if err != nil {
		return 0, fault.Wrap("blob.collect", err)
	}
	for _, c := range copies {
		if err := s.files.remove(c); err != nil {
			return taken, diskTrouble("blob.collect", err)
		}
	}
	if len(copies) == 0 {
		return taken, nil
	}
	return taken, fault.Wrap("blob.collect", s.cfg.Index.Bury(ctx, copies))
}

// Run removes what crashes have left and collects what nobody needs, at once and then again and again, until ctx ends; it
// returns nil. It has no goroutine besides the caller's. Several servers may run it on one index and folder.
func (s *Store) Run(ctx context.Context) error {
	ticker := time.NewTicker(s.cfg.CollectEvery)
	defer ticker.Stop()
	for {
		s.tidy(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// tidy does one round. What fails is tried again in the next.
func (s *Store) tidy(ctx context.Context) {
	if _, err := s.files.sweep(s.now().Add(-uploadIdle)); err != nil {
		s.cfg.Logger.WarnContext(ctx, "remove unfinished uploads", "error", err)
	}
	if s.cfg.Grace < 0 {
		return
	}
	for ctx.Err() == nil {
		taken, err := s.collect(ctx, s.now().Add(-s.cfg.Grace), collectBatch)
		if err != nil {
			s.cfg.Logger.WarnContext(ctx, "collect unused blobs", "error", err)
		}
		if err != nil || taken < collectBatch {
			return
		}
	}
}
