package idle

import (
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// shardCount spreads devices over locks; a power of two.
const shardCount = 64

// fleet holds the devices that this server has met, in shards with a lock each, so that beats of different devices seldom
// meet.
type fleet struct {
	seed   maphash.Seed
	shards [shardCount]shard
}

// shard is one part of the fleet.
type shard struct {
	mu      sync.Mutex // guards what follows
	devices map[DeviceID]*hot
	random  *rand.Rand // jitter
	_       [32]byte   // keeps the locks of neighbours on different cache lines
}

// hot is a device in memory. The slices and maps of its Device are shared with callers: they are replaced, never changed.
type hot struct {
	device Device    // the stored row, with a pulse that is newer than the stored one while dirty
	told   []Reason  // reasons as they are stored
	dirty  bool      // heard of since the last flush
	polls  int       // open long polls: the device counts as seen while there is one
	heard  time.Time // last contact at this server, for eviction
	read   time.Time // when the row was last taken in
	due    time.Time // when the next beat fits into the rate
	reboot bool      // it has started anew, and Work does not know yet
	warned time.Time // the latest eviction that a poll told it of
}

// init prepares the shards; seed decides the jitter.
func (f *fleet) init(seed uint64) {
	f.seed = maphash.MakeSeed()
	for n := range f.shards {
		f.shards[n].devices = map[DeviceID]*hot{}
		f.shards[n].random = rand.New(rand.NewPCG(seed, uint64(n)))
	}
}

// shard returns the shard of a device.
func (f *fleet) shard(id DeviceID) *shard {
	return &f.shards[maphash.String(f.seed, string(id))%shardCount]
}

// peek returns a copy of a device in memory.
func (f *fleet) peek(id DeviceID) (Device, bool) {
	s := f.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.devices[id]; h != nil {
		return h.device, true
	}
	return Device{}, false
}

// adopt takes in a stored row and returns the device as this server now knows it: the row of the larger version with the
// newer pulse.
func (f *fleet) adopt(row Device, now time.Time) Device {
	s := f.shard(row.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.devices[row.ID]
	if h == nil {
		h = &hot{device: row, told: row.Decision.Reasons, heard: now}
		s.devices[row.ID] = h
	}
	h.read = now
	h.adopt(row)
	return h.device
}

// outdated reports whether the device must be loaded again before its beat is answered: another server may have let back
// in what this one knows as shut out.
func (h *hot) outdated(now time.Time) bool {
	out := h.device.State == Revoked || h.device.State == Unregistered
	return out && now.Sub(h.read).Abs() > time.Second
}

// adopt takes in a stored row.
func (h *hot) adopt(row Device) {
	mine := h.device
	if row.Version > mine.Version {
		h.device, h.told = row, row.Decision.Reasons
	}
	if row.LastSeen.After(mine.LastSeen) {
		h.device.takePulse(&row)
	} else {
		h.device.takePulse(&mine)
	}
	if !h.device.State.Alive() {
		h.device.Harvesting = 0
	}
}

// takePulse copies what was heard.
func (d *Device) takePulse(from *Device) {
	d.Telemetry, d.LastSeen, d.Harvesting = from.Telemetry, from.LastSeen, from.Harvesting
	d.Boot, d.Seq, d.Boots = from.Boot, from.Seq, from.Boots
}

// overlay returns the stored row with what this server has heard since.
func (f *fleet) overlay(row Device) Device {
	s := f.shard(row.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.devices[row.ID]
	if h == nil || h.device.Version != row.Version || h.device.LastSeen.Before(row.LastSeen) {
		return row
	}
	row.takePulse(&h.device)
	row.Decision = h.device.Decision
	return row
}

// admit counts a beat against the device's rate: the generic cell rate algorithm (ITU-T I.371) with room for two
// seconds of beats. A rate below 0 admits all.
func (h *hot) admit(rate int, now time.Time) bool {
	if rate < 0 {
		return true
	}
	step := time.Second / time.Duration(rate)
	const room = 2 * time.Second
	switch ahead := h.due.Sub(now); {
	case ahead < 0 || ahead > room+step: // idle, or the clock was set back
		h.due = now
	case ahead > room-step:
		return false
	}
	h.due = h.due.Add(step)
	return true
}

// absorb takes in what a beat says. The caller holds the shard's lock.
func (h *hot) absorb(b *Beat, rate int, now time.Time) error {
	const op = "idle.beat"
	d := &h.device
	if d.State == Unregistered {
		return fault.Newf(fault.NotFound, op, "device %q not found", b.Device)
	}
	if !h.admit(rate, now) {
		return fault.Newf(fault.Limited, op, "device %q beats too often: at most %d beats per second", b.Device, rate)
	}
	boot := d.Boot
	if err := d.number(b.Boot, b.Seq); err != nil {
		return err
	}
	h.heard = now
	h.reboot = h.reboot || boot != "" && d.Boot != boot
	if d.State == Revoked {
		return nil
	}
	if b.Protocol {
		d.Telemetry, d.Harvesting = b.Telemetry, len(b.Held)
	} else {
		d.Telemetry.merge(&b.Telemetry)
	}
	if now.After(d.LastSeen) {
		d.LastSeen = now
	}
	d.Telemetry.At = now
	h.dirty = true
	return nil
}

// number refuses a beat that was heard before, that a later one has overtaken, or that belongs to an earlier boot.
func (d *Device) number(boot string, seq uint64) error {
	const op = "idle.beat"
	switch {
	case boot == "":
		return nil
	case boot == d.Boot && seq <= d.Seq:
		return fault.Newf(fault.Conflict, op, "beat %d was sent before or overtaken: the newest is %d", seq, d.Seq)
	case boot != d.Boot && slices.Contains(d.Boots, boot):
		return fault.New(fault.Conflict, op, "the beat belongs to an earlier boot of the device")
	case boot != d.Boot && d.Boot != "":
		earlier := append([]string{d.Boot}, d.Boots...)
		d.Boots = earlier[:min(len(earlier), keptBoots)]
	}
	d.Boot, d.Seq = boot, seq
	return nil
}

// outlook is what a beat makes of a device.
type outlook struct {
	state     State
	decision  Decision
	executors bool // it has just spoken the protocol for the first time
}

// outlook says what a beat makes of a device that has absorbed it, and whether that is a transition.
func (d *Device) outlook(bye, protocol bool, now time.Time) (o outlook, transition bool) {
	o = outlook{state: d.State, decision: evaluate(&d.Policy, &d.Telemetry, d.Decision, now)}
	switch {
	case d.State == Revoked || d.State == Unregistered:
		o.decision = d.Decision
		return o, false
	case bye:
		o.state = Offline
	default:
		o.state = d.awake(now)
	}
	o.executors = protocol && len(d.Executors) == 0
	return o, o.state != d.State || o.decision.Eligible != d.Decision.Eligible || o.executors
}

// turn returns the device after a transition, ready to be saved.
func (d *Device) turn(o outlook, now time.Time) Device {
	next := *d
	next.move(o.state, now)
	next.Decision = o.decision
	if o.executors {
		next.Executors = next.Declared
	}
	return next
}
