package idle

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// flushBatch is how many pulses one commit carries.
const flushBatch = 2000

// keepFlushing writes what was heard until ctx ends, and once more then. It gives up when that has failed for a third of
// the presence deadline.
func (i *Idle) keepFlushing(ctx context.Context) error {
	ticker := time.NewTicker(i.config.Flush)
	defer ticker.Stop()
	var failing time.Time
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-ticker.C:
			err := i.flush(ctx)
			now := i.now()
			switch {
			case err == nil:
				failing = time.Time{}
			case ctx.Err() != nil:
			case failing.IsZero():
				failing = now
				i.config.Logger.LogAttrs(ctx, slog.LevelWarn, "pulses of devices not written, will be tried again",
					slog.String("cause", err.Error()))
			case now.Sub(failing) > i.config.Presence/3:
				return fault.Wrap("idle.run", err)
			}
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	if err := i.flush(last); err != nil {
		i.config.Logger.LogAttrs(last, slog.LevelWarn, "last pulses of devices not written", slog.String("cause", err.Error()))
	}
	return nil
}

// catchUp writes what was heard before a read that depends on stored pulses. When it fails the read is a little old.
func (i *Idle) catchUp(ctx context.Context) {
	if err := i.flush(ctx); err != nil {
		i.config.Logger.LogAttrs(ctx, slog.LevelWarn, "reading devices without the newest pulses", slog.String("cause", err.Error()))
	}
}

// flush writes the pulses of all devices heard since the last flush, saves decisions whose reasons have changed, and
// reconciles with rows that other servers have changed.
func (i *Idle) flush(ctx context.Context) error {
	i.flushing.Lock()
	defer i.flushing.Unlock()
	now := i.now()
	var pulses []Pulse
	var changes []Change
	for n := range i.fleet.shards {
		pulses, changes = i.gather(&i.fleet.shards[n], now, pulses, changes)
	}
	for len(pulses) > 0 {
		part := pulses[:min(len(pulses), flushBatch)]
		moved, err := i.store.Touch(ctx, part)
		if err != nil {
			i.fleet.taint(pulses)
			return fault.Wrap("idle.flush", err)
		}
		i.config.Step("idle.flush")
		if err := i.reconcile(ctx, moved, now); err != nil {
			return fault.Wrap("idle.flush", err)
		}
		pulses = pulses[len(part):]
	}
	return fault.Wrap("idle.flush", i.retell(ctx, changes, now))
}

// gather collects from a shard what must be written, and forgets devices that have not been here for long.
func (i *Idle) gather(s *shard, now time.Time, pulses []Pulse, changes []Change) ([]Pulse, []Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, h := range s.devices {
		if h.polls > 0 && now.Sub(h.device.LastSeen) >= i.config.Presence/4 {
			h.see(now)
		}
		switch {
		case h.dirty:
			h.dirty = false
			if sameCodes(h.told, h.device.Decision.Reasons) {
				pulses = append(pulses, h.device.Pulse())
			} else {
				changes = append(changes, Change{Device: h.device, Was: h.device.Version})
			}
		case h.polls == 0 && now.Sub(h.heard) > 4*i.config.Presence:
			delete(s.devices, id)
		}
	}
	return pulses, changes
}

// sameCodes compares reasons by their codes: a battery at another percentage is no news.
func sameCodes(a, b []Reason) bool {
	return slices.EqualFunc(a, b, func(x, y Reason) bool { return x.Code == y.Code })
}

// taint marks pulses that were not written.
func (f *fleet) taint(pulses []Pulse) {
	for n := range pulses {
		s := f.shard(pulses[n].Device)
		s.mu.Lock()
		if h := s.devices[pulses[n].Device]; h != nil {
			h.dirty = true
		}
		s.mu.Unlock()
	}
}

// retell saves devices whose reasons have changed while their eligibility has not. A race is left to the next flush.
func (i *Idle) retell(ctx context.Context, changes []Change, now time.Time) error {
	for len(changes) > 0 {
		part := changes[:min(len(changes), saveBatch)]
		saved, err := i.saves.Do(ctx, part...)
		if err != nil {
			for n := range changes {
				i.fleet.taint([]Pulse{{Device: changes[n].Device.ID}})
			}
			return err
		}
		for n := range saved {
			i.settle(&part[n].Device, &saved[n], now)
		}
		changes = changes[len(part):]
	}
	return nil
}

// settle takes in the outcome of a change that the registry made by itself.
func (i *Idle) settle(d *Device, saved *Saved, now time.Time) {
	if saved.Device.ID == "" {
		i.fleet.forget(d.ID)
		return
	}
	i.fleet.adopt(saved.Device, now)
	if !saved.OK {
		i.fleet.taint([]Pulse{{Device: d.ID}})
	}
}

// forget drops a device from memory.
func (f *fleet) forget(id DeviceID) {
	s := f.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.devices, id)
}

// reconcile takes in rows that another server has changed. A device that it has called lost and that was in contact here
// within the presence deadline comes back at once.
func (i *Idle) reconcile(ctx context.Context, moved []DeviceID, now time.Time) error {
	if len(moved) == 0 {
		return nil
	}
	rows, err := i.loads.Do(ctx, moved...)
	if err != nil {
		return err
	}
	var changes []Change
	for n, row := range rows {
		if !row.Known {
			i.fleet.forget(moved[n])
			continue
		}
		d := i.fleet.adopt(row.Value, now)
		if d.State == Lost && now.Sub(d.LastSeen) < i.config.Presence {
			o, _ := d.outlook(false, false, now)
			changes = append(changes, Change{Device: d.turn(o, now), Was: d.Version})
		}
	}
	return i.retell(ctx, changes, now)
}
