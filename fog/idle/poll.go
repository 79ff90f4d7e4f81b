package idle

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Poll is Heartbeat for one device, and if the device could take work and there is none it waits: until there is an offer,
// a cancellation or an eviction to tell of, until the device's standing changes, or until the wait is over, at most Config.MaxWait. The device
// counts as seen while it waits. A device that may take nothing is answered at once and obeys NextSeconds.
func (i *Idle) Poll(ctx context.Context, beat Beat, wait time.Duration) (Directive, error) {
	beaten, err := i.Heartbeat(ctx, []Beat{beat})
	if err != nil {
		return Directive{}, err
	}
	first := beaten[0].Directive
	if err := beaten[0].Err; err != nil {
		return first, err
	}
	if i.config.Work == nil || !beat.Protocol || first.news() || first.room(&beat) == 0 || wait <= 0 || i.fleet.warns(beat.Device, &first) {
		return first, nil
	}
	ctx, cancel := context.WithTimeout(ctx, min(wait, i.config.MaxWait))
	defer cancel()
	release := context.AfterFunc(stopped{i.stop}, cancel)
	defer release()
	i.fleet.hold(beat.Device, i.now(), 1)
	defer func() { i.fleet.hold(beat.Device, i.now(), -1) }()
	return i.wait(ctx, beat, first)
}

// wait claims whenever there may be work for the device, until ctx ends.
func (i *Idle) wait(ctx context.Context, beat Beat, last Directive) (Directive, error) {
	for {
		if err := i.nap(ctx, beat.Device); err != nil {
			return last, err
		}
		if ctx.Err() != nil {
			last.NextSeconds = 0
			return last, nil
		}
		now, newest := i.standing(&beat)
		if !newest || now.room(&beat) == 0 {
			return now, nil
		}
		grants, err := i.config.Work.Claim(ctx, []WorkClaim{{Device: beat.Device, Held: beat.Held, Take: beat.Take}})
		switch {
		case ctx.Err() != nil && err != nil:
			last.NextSeconds = 0
			return last, nil
		case err != nil:
			return last, fault.Wrap("idle.poll", err)
		case len(grants) != 1:
			return last, fault.Newf(fault.Internal, "idle.poll", "%d grants for 1 claim", len(grants))
		}
		now.grant(grants[0])
		if now.news() || i.fleet.warns(beat.Device, &now) {
			return now, nil
		}
		last = now
	}
}

// nap returns nil when there may be news for a device, when Recheck has passed, or when ctx has ended.
func (i *Idle) nap(ctx context.Context, id DeviceID) error {
	short, cancel := context.WithTimeout(ctx, i.config.Recheck)
	defer cancel()
	if err := i.config.Work.Wait(short, id); err != nil && short.Err() == nil {
		return fault.Wrap("idle.poll", err)
	}
	return nil
}

// standing is the directive that a device would get now; false if the poll of that beat is outdated: the device has beaten
// again, or is gone.
func (i *Idle) standing(b *Beat) (Directive, bool) {
	s := i.fleet.shard(b.Device)
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.devices[b.Device]
	if h == nil {
		return Directive{Desired: Stop}, false
	}
	return i.directive(s, h), h.device.Boot == b.Boot && h.device.Seq == b.Seq
}

// warns reports whether a directive tells of an eviction that no poll has told the device of, and notes that this one does.
func (f *fleet) warns(id DeviceID, d *Directive) bool {
	var latest time.Time
	for k := range d.Renewed {
		if at := d.Renewed[k].EvictAt; at.After(latest) {
			latest = at
		}
	}
	if latest.IsZero() {
		return false
	}
	s := f.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.devices[id]
	if h == nil || !latest.After(h.warned) {
		return false
	}
	h.warned = latest
	return true
}

// hold counts open long polls of a device, which is in contact now.
func (f *fleet) hold(id DeviceID, now time.Time, count int) {
	s := f.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.devices[id]; h != nil {
		h.polls += count
		h.see(now)
	}
}

// see notes a contact without a beat.
func (h *hot) see(now time.Time) {
	if h.device.State.Alive() && now.After(h.device.LastSeen) {
		h.device.LastSeen, h.heard, h.dirty = now, now, true
	}
}
