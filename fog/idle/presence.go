package idle

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
)

const (
	loseBatch  = 500
	purgeBatch = 1000
	purgeEvery = 10 * time.Minute
)

// keepWatch watches presence whenever this server has the duty, until ctx ends.
func (i *Idle) keepWatch(ctx context.Context) {
	c := &i.config
	for ctx.Err() == nil {
		err := duty.Keep(ctx, c.Duties, DutyPresence, c.Holder, c.Presence, c.Now, i.watch)
		if err != nil && ctx.Err() == nil {
			c.Logger.LogAttrs(ctx, slog.LevelWarn, "presence watch ended, will be taken up again", slog.String("cause", err.Error()))
			pause(ctx, c.Flush)
		}
	}
}

// pause waits for a time or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// watch looks for silent devices until ctx ends. It first lets one full presence deadline pass: while no server listened,
// nobody could be heard. The same grace follows an outage of the store and a gap in which this process stood still.
func (i *Idle) watch(ctx context.Context, fence duty.Fence) error {
	tick := max(i.config.Presence/15, time.Millisecond)
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	since := i.now()
	last, purged := since, time.Time{}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		now := i.now()
		if gap := now.Sub(last); gap < 0 || gap > i.config.Presence/3 {
			since = now
		}
		last = now
		if now.Sub(since) < i.config.Presence {
			continue
		}
		if err := i.lose(ctx, fence, now); err != nil {
			if errors.Is(err, duty.ErrFenced) || ctx.Err() != nil {
				return err
			}
			since, last = i.now(), i.now()
			i.config.Logger.LogAttrs(ctx, slog.LevelWarn, "presence not judged, every device gets a full grace",
				slog.String("cause", err.Error()))
			continue
		}
		if now.Sub(purged) >= purgeEvery {
			purged = now
			i.purge(ctx, fence, now)
		}
		last = i.now()
	}
}

// lose marks the devices that have been silent for longer than the presence deadline. A device that this server has heard
// and not yet written is spared; one that any server hears and writes meanwhile is spared by the condition of the change.
func (i *Idle) lose(ctx context.Context, fence duty.Fence, now time.Time) error {
	before := now.Add(-i.config.Presence)
	for {
		silent, err := i.store.Silent(ctx, before, loseBatch)
		if err != nil {
			return err
		}
		var changes []Change
		for n := range silent {
			d := silent[n]
			if here, met := i.fleet.peek(d.ID); met && !here.LastSeen.Before(before) {
				continue
			}
			was := d.Version
			d.move(Lost, now)
			changes = append(changes, Change{Device: d, Was: was, Unheard: before})
		}
		if len(changes) == 0 {
			return nil
		}
		saved, err := i.store.Save(ctx, fence, changes)
		if err != nil {
			return err
		}
		i.config.Step("idle.lost")
		lost := 0
		for n := range saved {
			if saved[n].Device.ID != "" {
				i.fleet.adopt(saved[n].Device, now)
			}
			if saved[n].OK {
				lost++
			}
		}
		i.config.Logger.LogAttrs(ctx, slog.LevelInfo, "devices lost", slog.Int("count", lost))
		if len(silent) < loseBatch || lost == 0 {
			return nil
		}
	}
}

// purge deletes what has outlived its retention, a bounded amount each time.
func (i *Idle) purge(ctx context.Context, fence duty.Fence, now time.Time) {
	if i.config.Retention < 0 {
		return
	}
	before := now.Add(-i.config.Retention)
	devices, err := i.store.Purge(ctx, fence, before, purgeBatch)
	var work int
	if err == nil {
		work, err = i.store.PurgeContributions(ctx, before, purgeBatch)
	}
	var judgements int
	if err == nil {
		judgements, err = i.store.PurgeJudgements(ctx, before, purgeBatch)
	}
	switch {
	case err != nil:
		i.config.Logger.LogAttrs(ctx, slog.LevelWarn, "old devices, contributions and judgements not purged", slog.String("cause", err.Error()))
	case devices+work+judgements > 0:
		i.config.Logger.LogAttrs(ctx, slog.LevelInfo, "purged", slog.Int("devices", devices), slog.Int("contributions", work), slog.Int("judgements", judgements))
	}
}
