package fog

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// follow makes the scheduler's node rows follow the devices that changed. It
// reads each device's current state; a device that has no row any more takes its
// node with it.
func (f *Fog) follow(ctx context.Context, facts []journal.Claimed) []error {
	results := make([]error, len(facts))
	ids := make([]idle.DeviceID, len(facts))
	for i, fact := range facts {
		ids[i] = idle.DeviceID(fact.ID)
	}
	devices, err := f.Idle.Records(ctx, ids)
	if err != nil {
		return fill(results, err)
	}
	nodes := make([]scheduler.Node, len(devices))
	there := make(map[idle.DeviceID]bool, len(devices))
	for i := range devices {
		nodes[i] = nodeOf(&devices[i])
		there[devices[i].ID] = true
	}
	if err := f.Scheduler.SyncNodes(ctx, nodes); err != nil {
		return fill(results, err)
	}
	var gone []scheduler.NodeID
	for _, id := range ids {
		if !there[id] {
			gone = append(gone, scheduler.NodeID(id))
		}
	}
	if err := f.removeNodes(ctx, gone); err != nil {
		return fill(results, err)
	}
	return results
}

// removeNodes forgets the nodes of devices that were purged. Nobody knows their
// tenants any more, so it looks in all of them: the house in no tenant does.
func (f *Fog) removeNodes(ctx context.Context, gone []scheduler.NodeID) error {
	if len(gone) == 0 {
		return nil
	}
	house := principal.House()
	house.Tenant = ""
	return f.Scheduler.RemoveNodes(principal.With(ctx, house), gone)
}

// nodeOf is the scheduler's view of a device.
//
//	available                       up
//	alive, but not to be harvested  closed, with the device's reasons
//	anything else                   down
func nodeOf(d *idle.Device) scheduler.Node {
	node := scheduler.Node{
		ID: scheduler.NodeID(d.ID), Tenant: d.Tenant, Owner: d.Owner,
		Capacity:  scheduler.Capacity{MilliCPU: d.MilliCPU, MemoryMB: d.MemoryMB, MilliGPU: d.MilliGPU},
		Executors: d.Executors, Labels: d.Labels, Trust: 1, Speed: 1, Source: d.Version,
	}
	switch {
	case d.Available():
		node.State = scheduler.NodeUp
	case d.State.Alive():
		node.State = scheduler.NodeClosed
		for _, reason := range d.Decision.Reasons {
			node.Reasons = append(node.Reasons, reason.Text)
		}
		if d.State == idle.Draining {
			node.Reasons = append(node.Reasons, "the device is draining")
		}
	default:
		node.State = scheduler.NodeDown
		node.Reasons = []string{"the device is " + string(d.State)}
	}
	return node
}
