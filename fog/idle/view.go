package idle

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

// Get returns a device. Errors: NotFound (also for one that was unregistered), Denied, Unavailable.
func (i *Idle) Get(ctx context.Context, id DeviceID) (Device, error) {
	const op = "idle.get"
	if err := id.validate(op); err != nil {
		return Device{}, fault.Newf(fault.NotFound, op, "device not found")
	}
	rows, err := i.store.Load(ctx, []DeviceID{id})
	if err != nil {
		return Device{}, fault.Wrap(op, err)
	}
	if len(rows) == 0 || rows[0].State == Unregistered {
		return Device{}, fault.Newf(fault.NotFound, op, "device %q not found", id)
	}
	if err := i.allow(ctx, ActRead, &rows[0]); err != nil {
		return Device{}, fault.Wrap(op, err)
	}
	return i.fleet.overlay(rows[0]), nil
}

// List returns one page of devices in the order of their ids. A caller who may not read the whole tenant sees its own
// devices. Errors: Invalid, NotFound (another tenant), Denied, Unavailable.
func (i *Idle) List(ctx context.Context, q DeviceQuery) (DevicePage, error) {
	const op = "idle.list"
	p := principal.From(ctx)
	fill(&q.Tenant, p.Tenant)
	scope := principal.Resource{Kind: "device", Tenant: q.Tenant, Owner: q.Owner}
	err := i.config.Authorize.Authorize(ctx, p, ActRead, scope)
	if q.Owner == "" && fault.KindOf(err) == fault.Denied {
		q.Owner, scope.Owner = p.Account, p.Account
		err = i.config.Authorize.Authorize(ctx, p, ActRead, scope)
	}
	if err != nil {
		return DevicePage{}, fault.Wrap(op, err)
	}
	if q.Type != "" {
		if q.Type, err = ParseType(string(q.Type)); err != nil {
			return DevicePage{}, fault.Wrap(op, err)
		}
	}
	if q.Limit, err = limit(op, q.Limit); err != nil {
		return DevicePage{}, err
	}
	if q.Status = strings.ToLower(q.Status); q.Status != "" && !slices.Contains(statuses(), q.Status) {
		return DevicePage{}, fault.Field(op, "status", "unknown status %q: want one of %s", q.Status, strings.Join(statuses(), ", "))
	}
	if q.Status != "" { // stored pulses decide it
		i.catchUp(ctx)
	}
	page, err := i.store.Find(ctx, q)
	if err != nil {
		return DevicePage{}, fault.Wrap(op, err)
	}
	for n := range page.Devices {
		page.Devices[n] = i.fleet.overlay(page.Devices[n])
	}
	return page, nil
}

// limit checks the size of a page.
func limit(op string, n int) (int, error) {
	switch {
	case n == 0:
		return defaultLimit, nil
	case n < 0 || n > maxLimit:
		return 0, fault.Field(op, "limit", "must be between 1 and %d", maxLimit)
	default:
		return n, nil
	}
}

// Records returns the stored rows of those devices that exist, unregistered ones as well, of any tenant: the current
// state behind facts of TopicDevice. Only an operator may ask. Errors: Denied, Unavailable.
func (i *Idle) Records(ctx context.Context, ids []DeviceID) ([]Device, error) {
	const op = "idle.records"
	if err := i.trusted(ctx); err != nil {
		return nil, fault.Wrap(op, err)
	}
	rows, err := i.store.Load(ctx, ids)
	return rows, fault.Wrap(op, err)
}

// trusted allows what flows do on behalf of the house.
func (i *Idle) trusted(ctx context.Context) error {
	p := principal.From(ctx)
	return i.config.Authorize.Authorize(ctx, p, ActContribute, principal.Resource{Kind: "contribution", Tenant: p.Tenant})
}

// Codes of the reasons that Explain gives beside those of Evaluate.
const (
	NeverBeaten     = "never_beaten"
	IsLost          = "lost"
	IsOffline       = "offline"
	IsDraining      = "draining"
	IsQuarantined   = "quarantined"
	IsRevoked       = "revoked"
	NoProtocol      = "no_protocol"
	NothingToRunOn  = "no_executor"
	NobodyGivesWork = "no_work"
)

// Explain returns every reason why a device gets no work now, none if it can get some. Errors: as Get.
func (i *Idle) Explain(ctx context.Context, id DeviceID) ([]Reason, error) {
	d, err := i.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	reasons := d.standing([]Reason{})
	if i.config.Work == nil {
		reasons = append(reasons, Reason{NobodyGivesWork, "this registry hands out no work"})
	}
	return append(reasons, evaluate(&d.Policy, &d.Telemetry, d.Decision, i.now()).Reasons...), nil
}

// standing appends the reasons that lie in the device's state and abilities.
func (d *Device) standing(reasons []Reason) []Reason {
	add := func(code, text string) { reasons = append(reasons, Reason{code, text}) }
	switch d.State {
	case Registered:
		add(NeverBeaten, "the device has not sent a beat yet")
	case Lost:
		add(IsLost, "the device has been silent for longer than the presence deadline")
	case Offline:
		add(IsOffline, "the device has said goodbye")
	case Draining:
		add(IsDraining, "the device is being drained")
	case Quarantined:
		add(IsQuarantined, "too many of its results were contradicted by other owners' devices: it gets no work until "+d.Quarantine.Format(time.RFC3339))
	case Revoked:
		text := "the device was revoked"
		if d.Cause != "" {
			text += ": " + d.Cause
		}
		add(IsRevoked, text)
	}
	if len(d.Executors) == 0 {
		add(NoProtocol, "the device does not speak the device protocol, so nothing can run on it")
	}
	return reasons
}
