package idle

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// TopicDevice is the topic of the facts about devices: one at each transition of state, eligibility or capacity, and one
// when a device is purged. ID is the device's id and Version the version it has reached.
const TopicDevice journal.Topic = "idle.device"

// DutyPresence is the duty of the one server that decides which devices are lost.
const DutyPresence duty.Name = "idle.presence"

// Store keeps devices and contributions. Memory is its twin in memory; package idledb keeps them in a database; the suite
// in package idletest holds both to these contracts. Implementations are safe for concurrent use by several servers.
type Store interface {
	Devices
	Contributions
	Reputations
}

// Devices keeps devices. What a device is and where it stands (its row) is written by Save under a version; what it was
// last heard to say (its pulse) by Touch without one; its totals only by Contribute.
type Devices interface {
	// Save writes changes, each with a fact about its device in the same commit, and returns one outcome per change. A
	// change whose condition does not hold is skipped, and its outcome is the stored device. An outdated fence fails all.
	Save(ctx context.Context, fence duty.Fence, changes []Change) ([]Saved, error)
	// Touch writes what was heard of devices, keeping what is newer, and returns the devices whose stored version is not
	// the pulse's, or that do not exist.
	Touch(ctx context.Context, pulses []Pulse) ([]DeviceID, error)
	// Load returns those of the devices that exist, in any order.
	Load(ctx context.Context, ids []DeviceID) ([]Device, error)
	// Find returns one page of devices in the order of their ids.
	Find(ctx context.Context, query DeviceQuery) (DevicePage, error)
	// Silent returns up to limit living devices that were last seen before a time, the longest silent first.
	Silent(ctx context.Context, before time.Time, limit int) ([]Device, error)
	// Tally counts a tenant's devices by type and state, and its contributions.
	Tally(ctx context.Context, tenant principal.Tenant) (Tally, error)
	// Holders returns the least and the greatest name among those to whom a tenant's devices belong: the owner, or whoever has enrolled a
	// device that has an account of its own ("device:..."). Devices that are unregistered or revoked do not count; "" is nobody.
	Holders(ctx context.Context, tenant principal.Tenant) (least, greatest principal.Account, err error)
	// Purge deletes up to limit devices that are not alive, not revoked and were last seen before a time, with a fact
	// about each, and says how many.
	Purge(ctx context.Context, fence duty.Fence, seenBefore time.Time, limit int) (int, error)
}

// Contributions keeps who did which work.
type Contributions interface {
	// Contribute records contributions, adds the new ones to the totals of their devices and tenants in the same
	// commit, and reports for each whether it was new. A job and slot that is already recorded changes nothing.
	Contribute(ctx context.Context, work []Contribution) ([]bool, error)
	// Contributions returns one page, newest first.
	Contributions(ctx context.Context, query ContributionQuery) (ContributionPage, error)
	// PurgeContributions deletes up to limit contributions made before a time and says how many. The totals keep them.
	PurgeContributions(ctx context.Context, before time.Time, limit int) (int, error)
}

// ErrRaced is why reputations were not written: another server has moved one of them meanwhile.
var ErrRaced = fault.New(fault.Conflict, "idle.judge", "a reputation was moved meanwhile")

// Reputations keeps how rightly devices compute, and the judgements that say so.
type Reputations interface {
	// Standings returns all reputations of devices, in any order.
	Standings(ctx context.Context, devices []DeviceID) ([]Standing, error)
	// Judged returns the judgements on those of the results that were judged, in any order.
	Judged(ctx context.Context, attempts []string) ([]Judgement, error)
	// Judge writes reputations and the judgements that have moved them in one commit. A reputation whose stored version is not the given
	// one (0: none is stored) fails all with ErrRaced; else it gets the next one. A judgement replaces an earlier one on the same result.
	Judge(ctx context.Context, moved []Standing, judged []Judgement) error
	// HeldAlone returns up to limit judgements with the outcome Alone that a reputation has, made after one time and not after another,
	// newest first.
	HeldAlone(ctx context.Context, key ReputationKey, after, until time.Time, limit int) ([]Judgement, error)
	// PurgeJudgements deletes up to limit judgements made before a time and says how many. The reputations keep them.
	PurgeJudgements(ctx context.Context, before time.Time, limit int) (int, error)
}

// Change is a transition of one device: its whole row as it shall be, pulse included and totals left alone.
type Change struct {
	Device Device
	// Was is the version that the change starts from; 0 inserts a device that must not exist. The stored version becomes
	// Was+1.
	Was int64
	// Unheard, unless it is zero, is a second condition: the device was not seen at this time or later.
	Unheard time.Time
}

// Saved is the outcome of a Change.
type Saved struct {
	OK     bool
	Device Device // as it is stored now; zero if the change was skipped because the device does not exist
}

// Pulse is what was last heard of a device.
type Pulse struct {
	Device     DeviceID
	Version    int64 // of the row that the server knows
	Telemetry  Telemetry
	LastSeen   time.Time
	Harvesting int
	Boot       string
	Seq        uint64
	Boots      []string
}

// Pulse returns what was last heard of the device.
func (d *Device) Pulse() Pulse {
	return Pulse{
		Device: d.ID, Version: d.Version, Telemetry: d.Telemetry, LastSeen: d.LastSeen, Harvesting: d.Harvesting,
		Boot: d.Boot, Seq: d.Seq, Boots: d.Boots,
	}
}

// DeviceQuery selects devices of one tenant.
type DeviceQuery struct {
	Tenant principal.Tenant  // empty: the caller's
	Owner  principal.Account // empty: any
	Type   DeviceType        // empty: any
	// Status is a state or a word of Device.Status; empty: any but unregistered devices.
	Status string
	Limit  int    // 1 to 1000; 0 means 100
	Cursor string // from the page before; empty: the first page
}

// DevicePage is one page of devices.
type DevicePage struct {
	Devices []Device
	Total   int    // of all pages
	Next    string // cursor of the next page, empty at the end
}

// Tally is what a store counts for Stats.
type Tally struct {
	Groups         []Group
	TasksCompleted int64
	ComputeSeconds float64
	Earned         int64 // token base units
}

// Group is a count of the devices of one type and state.
type Group struct {
	Type       DeviceType
	State      State
	Devices    int64
	Eligible   int64
	Harvesting int64 // devices that hold work
	Waiting    int64 // eligible and holding none
	Charging   int64 // known to be on external power
	PowerKnown int64 // hold work or wait for it, and it is known whether they are on external power
	Powered    int64 // and they are
	Throttled  int64 // too hot to be harvested
	Batteries  int64 // devices whose battery level is known
	BatterySum float64
	MilliCPU   int64
	BusyCPU    int64 // MilliCPU of the devices that hold work
	MilliGPU   int64
	MemoryMB   int64
	CPUSeconds float64 // CPU-seconds that the devices have been alive for: cores times uptime
}
