package idle

import (
	"context"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Register enrols a device, or updates one that its owner enrolled before; the same enrolment again changes nothing. The
// owner is the account that the enrolment names; else the stored one; else the device's own account "device:<id>" if an
// operator enrols it, and the caller's account if anybody else does. Errors: Invalid with the field, Conflict if the id
// belongs to another owner or was revoked, Denied, Unavailable.
func (i *Idle) Register(ctx context.Context, e Enrolment) (Device, error) {
	const op = "idle.register"
	if err := i.open(op); err != nil {
		return Device{}, err
	}
	if err := e.validate(); err != nil {
		return Device{}, err
	}
	if e.Policy != nil && e.Policy.Memory.Unknown != RuleOff && e.Policy.Memory.Start > float64(e.MemoryMB) {
		return Device{}, fault.Field(op, "policy.memory.start", "must not exceed the device's memory of %d MiB", e.MemoryMB)
	}
	device, err := i.revise(ctx, e.ID, func(d *Device) (bool, error) { return i.enrol(ctx, &e, d) })
	if err != nil {
		return Device{}, fault.Wrap(op, err)
	}
	i.config.Step(op)
	return device, nil
}

// enrol applies an enrolment to a stored device, or to a blank one with version 0.
func (i *Idle) enrol(ctx context.Context, e *Enrolment, d *Device) (changed bool, err error) {
	now := i.now()
	if d.Version == 0 {
		if err := i.found(ctx, e, d, now); err != nil {
			return false, err
		}
	} else if err := i.admitOwner(ctx, e, d); err != nil {
		return false, err
	}
	if d.describe(e, i.policy(e)) {
		changed = true
	}
	if d.State == Unregistered {
		d.move(Registered, now)
		d.Executors, d.Decision = nil, Decision{}
		changed = true
	}
	d.Telemetry.merge(&Telemetry{Battery: e.Battery, Charging: e.Charging})
	d.Telemetry.At, d.LastSeen = now, now
	was := d.Decision.Eligible
	d.Decision = evaluate(&d.Policy, &d.Telemetry, d.Decision, now)
	return changed || d.Version == 0 || d.Decision.Eligible != was, nil
}

// found fills in what is settled when a device is enrolled for the first time.
func (i *Idle) found(ctx context.Context, e *Enrolment, d *Device, now time.Time) error {
	p := principal.From(ctx)
	*d = Device{ID: e.ID, Tenant: p.Tenant, Owner: e.Owner, Creator: p.Account, State: Registered, Registered: now}
	switch {
	case d.Owner != "":
	case p.Has(principal.ScopeOperator):
		d.Owner = ownAccount(e.ID)
	default:
		d.Owner = p.Account
	}
	return i.allow(ctx, ActRegister, d)
}

// admitOwner refuses an enrolment by somebody to whom the device does not belong.
func (i *Idle) admitOwner(ctx context.Context, e *Enrolment, d *Device) error {
	taken := fault.Newf(fault.Conflict, "idle.register", "device id %q is taken", e.ID)
	if err := i.allow(ctx, ActRegister, d); err != nil {
		if kind := fault.KindOf(err); kind == fault.Denied || kind == fault.NotFound {
			return taken
		}
		return err
	}
	if e.Owner != "" && e.Owner != d.Owner {
		return taken
	}
	if d.State == Revoked {
		return fault.Newf(fault.Conflict, "idle.register", "device %q is revoked: %s", e.ID, d.Cause)
	}
	return nil
}

// policy returns the policy that an enrolment asks for.
func (i *Idle) policy(e *Enrolment) Policy {
	if e.Policy != nil {
		return *e.Policy
	}
	t := DeviceType(strings.ToLower(string(e.Type)))
	if p, ok := i.config.Policies[t]; ok {
		return p
	}
	return DefaultPolicy(t)
}

// Unregister takes a device out: what it holds goes back, it is no longer listed, and it may enrol again. Errors: NotFound,
// Denied, Conflict if it is revoked, Unavailable.
func (i *Idle) Unregister(ctx context.Context, id DeviceID) (Device, error) {
	return i.order(ctx, "idle.unregister", id, ActUnregister, func(d *Device) error {
		if d.State == Revoked {
			return fault.Newf(fault.Conflict, "idle.unregister", "device %q is revoked", id)
		}
		d.move(Unregistered, i.now())
		return nil
	})
}

// Revoke bans a device for a reason of at most 200 characters: what it holds goes back, and its beats are answered with
// Stop. Errors: Invalid, NotFound, Denied, Unavailable.
func (i *Idle) Revoke(ctx context.Context, id DeviceID, reason string) (Device, error) {
	if !printable(reason, maxName) {
		return Device{}, fault.Field("idle.revoke", "reason", "must be at most %d printable characters", maxName)
	}
	return i.order(ctx, "idle.revoke", id, ActManage, func(d *Device) error {
		d.move(Revoked, i.now())
		d.Cause = reason
		return nil
	})
}

// Restore lifts a ban or a quarantine: a device that was revoked is registered again and comes online with its next beat, one in quarantine
// gets work at once. What is known of its results stays. Errors: NotFound, Denied, Conflict if it is neither revoked nor in quarantine,
// Unavailable. The device's owner may not: it is not the owner who was wronged.
func (i *Idle) Restore(ctx context.Context, id DeviceID) (Device, error) {
	return i.order(ctx, "idle.restore", id, ActManage, func(d *Device) error {
		whole := principal.Resource{Kind: "device", ID: string(id), Tenant: d.Tenant}
		if err := i.config.Authorize.Authorize(ctx, principal.From(ctx), ActManage, whole); err != nil {
			return err
		}
		now := i.now()
		switch {
		case d.State == Revoked:
			d.move(Registered, now)
			d.Cause = ""
		case now.Before(d.Quarantine):
			d.Quarantine = time.Time{}
			if d.State.Alive() {
				d.move(d.awake(now), now)
			}
		default:
			return fault.Newf(fault.Conflict, "idle.restore", "device %q is %s, neither revoked nor in quarantine", id, d.State)
		}
		return nil
	})
}

// Drain says whether a device shall run empty: it finishes what it holds and gets nothing new. The wish outlives its
// disappearance. Errors: NotFound, Denied, Unavailable.
func (i *Idle) Drain(ctx context.Context, id DeviceID, on bool) (Device, error) {
	return i.order(ctx, "idle.drain", id, ActManage, func(d *Device) error {
		d.Drain = on
		if d.State.Alive() {
			d.move(d.awake(i.now()), i.now())
		}
		return nil
	})
}

// order changes the standing of a device that exists and is listed.
func (i *Idle) order(ctx context.Context, op string, id DeviceID, a principal.Action, change func(*Device) error) (Device, error) {
	if err := i.open(op); err != nil {
		return Device{}, err
	}
	device, err := i.revise(ctx, id, func(d *Device) (bool, error) {
		if d.Version == 0 || d.State == Unregistered {
			return false, fault.Newf(fault.NotFound, op, "device %q not found", id)
		}
		if err := i.allow(ctx, a, d); err != nil {
			return false, err
		}
		state, drain, cause, quarantine := d.State, d.Drain, d.Cause, d.Quarantine
		if err := change(d); err != nil {
			return false, err
		}
		return d.State != state || d.Drain != drain || d.Cause != cause || !d.Quarantine.Equal(quarantine), nil
	})
	return device, fault.Wrap(op, err)
}

// revise changes a device by the function f, which gets the stored row with what this server has heard since, or a blank
// device of version 0, and reports whether it changed anything that must be saved. On a race f is called again.
func (i *Idle) revise(ctx context.Context, id DeviceID, f func(*Device) (bool, error)) (Device, error) {
	if err := id.validate("idle.device"); err != nil {
		return Device{}, err
	}
	for range maxRaces {
		rows, err := i.store.Load(ctx, []DeviceID{id})
		if err != nil {
			return Device{}, err
		}
		var d Device
		if len(rows) > 0 {
			d = i.fleet.adopt(rows[0], i.now())
			d.TasksCompleted, d.ComputeSeconds, d.Earned = rows[0].TasksCompleted, rows[0].ComputeSeconds, rows[0].Earned
		}
		was := d.Version
		changed, err := f(&d)
		if err != nil {
			return Device{}, err
		}
		if !changed {
			i.fleet.refresh(&d)
			return d, nil
		}
		saved, err := i.saves.Do(ctx, Change{Device: d, Was: was})
		if err != nil {
			return Device{}, err
		}
		if saved[0].OK {
			i.fleet.adopt(saved[0].Device, i.now())
			return saved[0].Device, nil
		}
	}
	return Device{}, fault.Newf(fault.Unavailable, "idle.device", "device %q is being changed elsewhere", id)
}

// refresh takes in what a repeated enrolment says about battery and power.
func (f *fleet) refresh(d *Device) {
	s := f.shard(d.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.devices[d.ID]; h != nil && d.LastSeen.After(h.device.LastSeen) {
		h.device.Telemetry, h.device.LastSeen, h.dirty = d.Telemetry, d.LastSeen, true
	}
}

// loadAll is the batch behind loads.
func (i *Idle) loadAll(ctx context.Context, ids []DeviceID) ([]Opt[Device], error) {
	rows, err := i.store.Load(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[DeviceID]*Device, len(rows))
	for n := range rows {
		byID[rows[n].ID] = &rows[n]
	}
	found := make([]Opt[Device], len(ids))
	for n, id := range ids {
		if row := byID[id]; row != nil {
			found[n] = Some(*row)
		}
	}
	return found, nil
}

// saveAll is the batch behind saves.
func (i *Idle) saveAll(ctx context.Context, changes []Change) ([]Saved, error) {
	saved, err := i.store.Save(ctx, duty.Fence{}, changes)
	if err == nil {
		i.config.Step("idle.turn")
	}
	return saved, err
}
