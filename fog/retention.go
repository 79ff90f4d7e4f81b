package fog

import (
	"context"
	"errors"
	"time"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

const (
	factsKept  = time.Hour // after they were handled
	purgeEvery = 10 * time.Minute
	purgePage  = 5000 // rows of one commit, so that a purge never holds the writer for long
)

// retain deletes handled facts, and keeps the bytes of unfinished jobs from
// being collected. Each engine purges its own tables in its Run; the journal is
// the house's.
func (f *Fog) retain(ctx context.Context) error {
	return duty.Keep(ctx, f.ground.duties, "fog.retention", f.holder, f.dutyTTL, f.now,
		func(ctx context.Context, _ duty.Fence) error {
			for ctx.Err() == nil {
				if err := errors.Join(f.purge(ctx), f.keepLive(ctx)); err != nil {
					return fault.Wrap("fog.retention", err)
				}
				pause(ctx, f.keep)
			}
			return ctx.Err()
		})
}

// purge deletes the facts that were handled long ago.
func (f *Fog) purge(ctx context.Context) error {
	before := f.now().Add(-factsKept)
	for ctx.Err() == nil {
		n, err := f.ground.journal.Purge(ctx, before, purgePage)
		if err != nil || n < purgePage {
			return err
		}
	}
	return nil
}

// keepPause is how often the bytes of unfinished jobs must be noted as needed,
// where unused ones are collected after grace: well before, also when a round
// is slow.
func keepPause(grace time.Duration) time.Duration {
	if grace <= 0 {
		return purgeEvery
	}
	return max(min(purgeEvery, grace/8), time.Millisecond)
}

const liveJobsPage = 500

// keepLive keeps the bytes of every unfinished job from being collected,
// however long it waits, and those of schedules.
func (f *Fog) keepLive(ctx context.Context) error {
	if f.Scheduler == nil || f.Blob == nil {
		return nil
	}
	ctx = principal.With(ctx, principal.House())
	var live []scheduler.State
	for _, state := range scheduler.States() {
		if !state.Final() {
			live = append(live, state)
		}
	}
	tenants, err := f.Scheduler.Tenants(ctx)
	if err != nil {
		return err
	}
	kept := map[held]bool{}
	if err := f.keepScheduled(ctx, kept); err != nil {
		return err
	}
	for _, tenant := range tenants {
		if err := f.keepTenant(ctx, scheduler.JobQuery{Tenant: tenant, States: live, Limit: liveJobsPage}, kept); err != nil {
			return err
		}
	}
	return nil
}

// keepTenant keeps the bytes of all jobs that a query finds.
func (f *Fog) keepTenant(ctx context.Context, query scheduler.JobQuery, kept map[held]bool) error {
	for {
		page, err := f.Scheduler.List(ctx, query)
		if err != nil {
			return err
		}
		if err := f.keepPage(ctx, page.Jobs, kept); err != nil {
			return err
		}
		if page.Next == "" {
			return nil
		}
		query.Cursor = page.Next
	}
}

// held is a blob as one tenant holds it.
type held struct {
	tenant principal.Tenant
	digest string
}

// keptMost bounds what one round remembers; beyond it blobs are kept twice.
const keptMost = 100_000

// keepPage keeps the bytes of some jobs.
func (f *Fog) keepPage(ctx context.Context, jobs []scheduler.Job, kept map[held]bool) error {
	ids := make([]scheduler.JobID, len(jobs))
	for i := range jobs {
		ids[i] = jobs[i].ID
	}
	records, err := f.Scheduler.Records(ctx, ids)
	if err != nil {
		return err
	}
	for _, r := range records {
		if err := f.keepTask(ctx, r.Job.Tenant, r.Job.Task, kept); err != nil {
			return err
		}
	}
	return nil
}

// keepTask keeps the bytes of a task. One that names none, or none that were
// ever stored, is somebody else's trouble.
func (f *Fog) keepTask(ctx context.Context, tenant principal.Tenant, task scheduler.Task, kept map[held]bool) error {
	owner := principal.House()
	owner.Tenant = tenant
	for _, named := range digestsOf(task) {
		h := held{tenant, named.digest}
		digest, err := blob.ParseDigest(named.digest)
		if err != nil || kept[h] {
			continue
		}
		if _, err := f.Blob.Keep(principal.With(ctx, owner), []blob.Digest{digest}); err != nil {
			return err
		}
		if len(kept) >= keptMost {
			clear(kept)
		}
		kept[h] = true
	}
	return nil
}
