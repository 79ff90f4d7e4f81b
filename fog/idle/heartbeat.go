package idle

import (
	"context"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// maxBeats is how many beats one call may carry.
const maxBeats = 10_000

// Heartbeat takes in beats, of one device or of many, and answers each with a directive. One beat's error does not touch
// the others. Errors of the whole call are of kind TooLarge or Unavailable.
func (i *Idle) Heartbeat(ctx context.Context, beats []Beat) ([]Beaten, error) {
	if err := i.open("idle.beat"); err != nil {
		return nil, err
	}
	if len(beats) > maxBeats {
		return nil, fault.Newf(fault.TooLarge, "idle.beat", "at most %d beats at once", maxBeats)
	}
	r := round{idle: i, who: principal.From(ctx), beats: beats, out: make([]Beaten, len(beats)), now: i.now()}
	for n := range beats {
		r.hear(ctx, n)
	}
	if len(r.strange) > 0 {
		r.meet(ctx)
	}
	if len(r.turns) > 0 {
		r.write(ctx)
	}
	r.claim(ctx)
	return r.out, nil
}

// round is one call of Heartbeat under way.
type round struct {
	idle    *Idle
	who     principal.Principal
	beats   []Beat
	out     []Beaten
	now     time.Time
	strange []int  // beats of devices that are not in memory
	turns   []turn // beats that make a transition
	reboots []int  // first beats of a boot, until Work has been told
}

// turn is a transition on its way to the store.
type turn struct {
	beat   int // index of the beat that makes it
	change Change
}

// hear takes in one beat, answers it, and puts it aside if it needs the store.
func (r *round) hear(ctx context.Context, n int) {
	b, i := &r.beats[n], r.idle
	if err := b.validate(); err != nil {
		r.out[n].Err = err
		return
	}
	s := i.fleet.shard(b.Device)
	s.mu.Lock()
	h := s.devices[b.Device]
	if h == nil || h.outdated(r.now) {
		s.mu.Unlock()
		r.strange = append(r.strange, n)
		return
	}
	about := principal.Resource{Kind: "device", ID: string(b.Device), Tenant: h.device.Tenant, Owner: h.device.Owner}
	s.mu.Unlock()
	if err := i.config.Authorize.Authorize(ctx, r.who, ActBeat, about); err != nil {
		r.out[n].Err = fault.Wrap("idle.beat", err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := h.absorb(b, i.config.BeatRate, r.now); err != nil {
		r.out[n].Err = err
		return
	}
	r.consider(s, h, n)
}

// consider decides what a beat that was absorbed makes of its device. A transition goes to the store first. The caller
// holds the shard's lock.
func (r *round) consider(s *shard, h *hot, n int) {
	b := &r.beats[n]
	o, transition := h.device.outlook(b.Bye, b.Protocol, r.now)
	if transition {
		r.turns = append(r.turns, turn{beat: n, change: Change{Device: h.device.turn(o, r.now), Was: h.device.Version}})
		return
	}
	h.device.Decision = o.decision
	r.answer(s, h, n)
}

// answer answers a beat, apart from its work. The caller holds the shard's lock.
func (r *round) answer(s *shard, h *hot, n int) {
	r.out[n].Directive = r.idle.directive(s, h)
	if h.reboot && r.beats[n].Protocol {
		r.reboots = append(r.reboots, n)
	}
}

// meet loads the devices that this server has not met and hears their beats.
func (r *round) meet(ctx context.Context) {
	ids := make([]DeviceID, len(r.strange))
	for k, n := range r.strange {
		ids[k] = r.beats[n].Device
	}
	rows, err := r.idle.loads.Do(ctx, ids...)
	again := r.strange
	r.strange = nil
	for k, n := range again {
		switch {
		case err != nil:
			r.out[n].Err = fault.Wrap("idle.beat", err)
		case !rows[k].Known:
			r.out[n].Err = fault.Newf(fault.NotFound, "idle.beat", "device %q not found", r.beats[n].Device)
		default:
			r.idle.fleet.adopt(rows[k].Value, r.now)
			r.hear(ctx, n)
		}
	}
}

// maxRaces is how often a transition is tried again when another server has made one first.
const maxRaces = 8

// write saves transitions. One that lost a race is considered again on the row that won.
func (r *round) write(ctx context.Context) {
	i := r.idle
	for race := 0; len(r.turns) > 0; race++ {
		turns := r.turns
		r.turns = nil
		saved, err := i.save(ctx, turns)
		for k, t := range turns {
			switch {
			case err != nil:
				r.out[t.beat].Err = fault.Wrap("idle.beat", err)
			case saved[k].Device.ID == "":
				r.out[t.beat].Err = fault.Newf(fault.NotFound, "idle.beat", "device %q not found", t.change.Device.ID)
			case !saved[k].OK && race >= maxRaces:
				r.out[t.beat].Err = fault.Newf(fault.Unavailable, "idle.beat", "device %q is being changed elsewhere", t.change.Device.ID)
			default:
				r.adopt(t.beat, saved[k])
			}
		}
	}
}

// adopt takes in the outcome of a beat's transition and answers the beat, or considers it again.
func (r *round) adopt(n int, saved Saved) {
	s := r.idle.fleet.shard(saved.Device.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.devices[saved.Device.ID]
	if h == nil { // evicted meanwhile
		h = &hot{device: saved.Device, heard: r.now, read: r.now}
		s.devices[saved.Device.ID] = h
	}
	h.adopt(saved.Device)
	if saved.OK {
		r.answer(s, h, n)
		return
	}
	r.consider(s, h, n)
}

// directive is what a device is told now, apart from its work. The caller holds the shard's lock.
func (i *Idle) directive(s *shard, h *hot) Directive {
	d := &h.device
	out := Directive{
		NextSeconds: i.config.Interval.Seconds() * (1 - jitter + 2*jitter*s.random.Float64()),
		Desired:     Run,
		Eligible:    d.Decision.Eligible && d.State.Alive(),
		Reasons:     d.Decision.Reasons,
		Renewed:     []Lease{},
		Cancel:      []string{},
		Offers:      []Offer{},
	}
	if out.Reasons == nil {
		out.Reasons = []Reason{}
	}
	switch d.State {
	case Draining:
		out.Desired = Drain
	case Quarantined:
		out.Eligible, out.Reasons = false, d.standing(slices.Clone(out.Reasons))
	case Offline:
		out.Desired = Stop
	case Revoked:
		out.Desired, out.Reasons = Stop, d.standing(nil)
	}
	return out
}

// jitter is how far an interval strays from the mean, as a share of it.
const jitter = 0.15

// claim renews what the devices hold and fetches more for those that may take it.
func (r *round) claim(ctx context.Context) {
	if r.idle.config.Work == nil {
		return
	}
	var claims []WorkClaim
	var who []int
	for n := range r.beats {
		b, out := &r.beats[n], &r.out[n]
		if out.Err != nil || !b.Protocol || out.Directive.Desired == Stop {
			continue
		}
		take, restarted := out.Directive.room(b), slices.Contains(r.reboots, n)
		if take > 0 || len(b.Held) > 0 || restarted {
			claims = append(claims, WorkClaim{Device: b.Device, Held: b.Held, Take: take, Restarted: restarted})
			who = append(who, n)
		}
	}
	if len(claims) == 0 {
		return
	}
	grants, err := r.idle.config.Work.Claim(ctx, claims)
	if err == nil && len(grants) != len(claims) {
		err = fault.Newf(fault.Internal, "idle.claim", "%d grants for %d claims", len(grants), len(claims))
	}
	for k, n := range who {
		if err != nil {
			r.out[n].Err = fault.Wrap("idle.claim", err)
			continue
		}
		r.out[n].Directive.grant(grants[k])
		if claims[k].Restarted {
			r.idle.fleet.told(&r.beats[n])
		}
	}
}

// told notes that Work knows of a device's new boot.
func (f *fleet) told(b *Beat) {
	s := f.shard(b.Device)
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.devices[b.Device]; h != nil && h.device.Boot == b.Boot {
		h.reboot = false
	}
}

// room is how many offers a beat may get under a directive.
func (d *Directive) room(b *Beat) int {
	if !d.Eligible || d.Desired != Run {
		return 0
	}
	return b.Take
}

// grant puts the work into a directive.
func (d *Directive) grant(g WorkGrant) {
	d.Renewed = append(d.Renewed, g.Renewed...)
	d.Cancel = append(d.Cancel, g.Cancel...)
	d.Offers = append(d.Offers, g.Offers...)
}

// save commits transitions together with those of concurrent callers.
func (i *Idle) save(ctx context.Context, turns []turn) ([]Saved, error) {
	changes := make([]Change, len(turns))
	for k := range turns {
		changes[k] = turns[k].change
	}
	return i.saves.Do(ctx, changes...)
}
