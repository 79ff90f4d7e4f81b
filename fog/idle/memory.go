package idle

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Memory is the twin of Store without a disk. Make one with NewMemory.
type Memory struct {
	journal *journal.Memory // nil: facts are not written
	duties  *duty.Memory    // nil: fences are not checked

	mu      sync.Mutex // guards what follows
	devices map[DeviceID]*Device
	order   []DeviceID // sorted ids; nil when it must be made again
	slots   map[slot]struct{}
	work    []Contribution // oldest record first
	totals  map[principal.Tenant]*Tally
	known   map[ReputationKey]Standing
	judged  map[string]Judgement // by attempt
}

// slot names what is paid once.
type slot struct {
	job  string
	slot int
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store. It writes its facts into a journal, if one is given, and checks fences against duties,
// if they are given.
func NewMemory(j *journal.Memory, d *duty.Memory) *Memory {
	return &Memory{
		journal: j, duties: d, devices: map[DeviceID]*Device{}, slots: map[slot]struct{}{}, totals: map[principal.Tenant]*Tally{},
		known: map[ReputationKey]Standing{}, judged: map[string]Judgement{},
	}
}

// Save implements Devices.
func (m *Memory) Save(_ context.Context, fence duty.Fence, changes []Change) ([]Saved, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(fence); err != nil {
		return nil, err
	}
	saved := make([]Saved, len(changes))
	for n := range changes {
		saved[n] = m.save(&changes[n])
	}
	return saved, nil
}

// check refuses an outdated fence. The caller holds m.mu.
func (m *Memory) check(fence duty.Fence) error {
	if m.duties == nil {
		return nil
	}
	return m.duties.Check(fence)
}

// save writes one change if its condition holds. The caller holds m.mu.
func (m *Memory) save(c *Change) Saved {
	old := m.devices[c.Device.ID]
	switch {
	case old == nil && c.Was != 0:
		return Saved{}
	case old != nil && (old.Version != c.Was || !c.Unheard.IsZero() && !old.LastSeen.Before(c.Unheard)):
		return Saved{Device: *old}
	}
	row := c.Device
	row.Version = c.Was + 1
	if old == nil {
		m.order = nil
		row.TasksCompleted, row.ComputeSeconds, row.Earned = 0, 0, 0
	} else {
		row.TasksCompleted, row.ComputeSeconds, row.Earned = old.TasksCompleted, old.ComputeSeconds, old.Earned
		if old.LastSeen.After(row.LastSeen) {
			row.takePulse(old)
		}
	}
	m.devices[row.ID] = &row
	m.tell(row.ID, row.Version)
	return Saved{OK: true, Device: row}
}

// tell writes a fact. The caller holds m.mu.
func (m *Memory) tell(id DeviceID, version int64) {
	if m.journal != nil {
		m.journal.Append(journal.Fact{Topic: TopicDevice, ID: string(id), Version: version})
	}
}

// Touch implements Devices.
func (m *Memory) Touch(_ context.Context, pulses []Pulse) ([]DeviceID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var moved []DeviceID
	for n := range pulses {
		p := &pulses[n]
		d := m.devices[p.Device]
		if d != nil && !d.LastSeen.After(p.LastSeen) {
			d.Telemetry, d.LastSeen, d.Harvesting = p.Telemetry, p.LastSeen, p.Harvesting
			d.Boot, d.Seq, d.Boots = p.Boot, p.Seq, p.Boots
		}
		if d == nil || d.Version != p.Version {
			moved = append(moved, p.Device)
		}
	}
	return moved, nil
}

// Load implements Devices.
func (m *Memory) Load(_ context.Context, ids []DeviceID) ([]Device, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make([]Device, 0, len(ids))
	for _, id := range ids {
		if d := m.devices[id]; d != nil {
			rows = append(rows, *d)
		}
	}
	return rows, nil
}

// Find implements Devices.
func (m *Memory) Find(_ context.Context, q DeviceQuery) (DevicePage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.order == nil {
		for id := range m.devices {
			m.order = append(m.order, id)
		}
		slices.Sort(m.order)
	}
	var page DevicePage
	for _, id := range m.order {
		d := m.devices[id]
		if !q.matches(d) {
			continue
		}
		page.Total++
		switch {
		case string(id) <= q.Cursor:
		case len(page.Devices) < q.Limit:
			page.Devices = append(page.Devices, *d)
		case page.Next == "":
			page.Next = string(page.Devices[len(page.Devices)-1].ID)
		}
	}
	return page, nil
}

// matches reports whether a device is what a query looks for.
func (q *DeviceQuery) matches(d *Device) bool {
	switch {
	case d.Tenant != q.Tenant, q.Owner != "" && d.Owner != q.Owner, q.Type != "" && d.Type != q.Type:
		return false
	case q.Status == "":
		return d.State != Unregistered
	default:
		return string(d.State) == q.Status || d.Status() == q.Status
	}
}

// Silent implements Devices.
func (m *Memory) Silent(_ context.Context, before time.Time, limit int) ([]Device, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var silent []Device
	for _, d := range m.devices {
		if d.State.Alive() && d.LastSeen.Before(before) {
			silent = append(silent, *d)
		}
	}
	slices.SortFunc(silent, func(a, b Device) int {
		return cmp.Or(a.LastSeen.Compare(b.LastSeen), cmp.Compare(a.ID, b.ID))
	})
	return silent[:min(len(silent), limit)], nil
}

// Tally implements Devices.
func (m *Memory) Tally(_ context.Context, tenant principal.Tenant) (Tally, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	type kind struct {
		t DeviceType
		s State
	}
	groups := map[kind]*Group{}
	for _, d := range m.devices {
		if d.Tenant != tenant {
			continue
		}
		k := kind{d.Type, d.State}
		if groups[k] == nil {
			groups[k] = &Group{Type: d.Type, State: d.State}
		}
		groups[k].count(d)
	}
	var tally Tally
	if total := m.totals[tenant]; total != nil {
		tally = *total
	}
	for _, g := range groups {
		tally.Groups = append(tally.Groups, *g)
	}
	return tally, nil
}

// count adds a device to its group.
func (g *Group) count(d *Device) {
	g.Devices++
	g.Eligible += one(d.Decision.Eligible)
	g.Harvesting += one(d.Harvesting > 0)
	g.Waiting += one(d.Decision.Eligible && d.Harvesting == 0)
	g.Charging += one(d.Telemetry.Charging.Or(false))
	g.Throttled += one(d.Throttled())
	if d.Telemetry.Charging.Known && (d.Decision.Eligible || d.Harvesting > 0) {
		g.PowerKnown++
		g.Powered += one(d.Telemetry.Charging.Value)
	}
	if d.Telemetry.Battery.Known {
		g.Batteries++
		g.BatterySum += d.Telemetry.Battery.Value
	}
	g.MilliCPU += d.MilliCPU
	g.BusyCPU += d.MilliCPU * one(d.Harvesting > 0)
	g.MilliGPU += d.MilliGPU
	g.MemoryMB += d.MemoryMB
	g.CPUSeconds += float64(d.MilliCPU) / 1000 * d.Uptime().Seconds()
}

// one is 1 for true.
func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Holders implements Devices.
func (m *Memory) Holders(_ context.Context, tenant principal.Tenant) (least, greatest principal.Account, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.devices {
		if d.Tenant != tenant || d.State == Unregistered || d.State == Revoked {
			continue
		}
		if h := d.holder(); greatest == "" {
			least, greatest = h, h
		} else {
			least, greatest = min(least, h), max(greatest, h)
		}
	}
	return least, greatest, nil
}

// Purge implements Devices.
func (m *Memory) Purge(_ context.Context, fence duty.Fence, seenBefore time.Time, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(fence); err != nil {
		return 0, err
	}
	purged := 0
	for id, d := range m.devices {
		if purged < limit && !d.State.Alive() && d.State != Revoked && d.LastSeen.Before(seenBefore) {
			delete(m.devices, id)
			m.order = nil
			m.tell(id, d.Version+1)
			purged++
		}
	}
	return purged, nil
}

// Contribute implements Contributions.
func (m *Memory) Contribute(_ context.Context, work []Contribution) ([]bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	fresh := make([]bool, len(work))
	for n, c := range work {
		key := slot{c.Job, c.Slot}
		if _, known := m.slots[key]; known {
			continue
		}
		m.slots[key] = struct{}{}
		m.work = append(m.work, c)
		fresh[n] = true
		if m.totals[c.Tenant] == nil {
			m.totals[c.Tenant] = &Tally{}
		}
		t := m.totals[c.Tenant]
		t.TasksCompleted, t.ComputeSeconds, t.Earned = t.TasksCompleted+1, t.ComputeSeconds+c.CPUSeconds, t.Earned+c.Amount
		if d := m.devices[c.Device]; d != nil && d.Tenant == c.Tenant {
			d.TasksCompleted, d.ComputeSeconds, d.Earned = d.TasksCompleted+1, d.ComputeSeconds+c.CPUSeconds, d.Earned+c.Amount
		}
	}
	return fresh, nil
}

// Contributions implements Contributions.
func (m *Memory) Contributions(_ context.Context, q ContributionQuery) (ContributionPage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var after *Mark
	if q.Cursor != "" {
		mark, err := ParseMark(q.Cursor)
		if err != nil {
			return ContributionPage{}, err
		}
		after = &mark
	}
	var found []Contribution
	for n := range m.work {
		c := &m.work[n]
		if c.Tenant == q.Tenant && (q.Device == "" || c.Device == q.Device) && (q.Job == "" || c.Job == q.Job) &&
			(after == nil || after.Before(c.Mark())) {
			found = append(found, *c)
		}
	}
	slices.SortFunc(found, func(a, b Contribution) int {
		if a.Mark().Before(b.Mark()) {
			return -1
		}
		return 1
	})
	page := ContributionPage{Contributions: found}
	if len(found) > q.Limit {
		page.Contributions = found[:q.Limit]
		page.Next = found[q.Limit-1].Mark().String()
	}
	return page, nil
}

// PurgeContributions implements Contributions.
func (m *Memory) PurgeContributions(_ context.Context, before time.Time, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	purged := 0
	m.work = slices.DeleteFunc(m.work, func(c Contribution) bool {
		if purged >= limit || !c.At.Before(before) {
			return false
		}
		purged++
		delete(m.slots, slot{c.Job, c.Slot})
		return true
	})
	return purged, nil
}
