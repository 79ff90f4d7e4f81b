package idledb

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// deviceRow is a row of fog_idle_devices. Its JSON is what a statement that writes many rows unfolds.
type deviceRow struct {
	ID           string `bun:"id" json:"id"`
	Tenant       string `bun:"tenant" json:"tenant"`
	Owner        string `bun:"owner" json:"owner"`
	Creator      string `bun:"creator" json:"creator"`
	Name         string `bun:"name" json:"name"`
	Type         string `bun:"type" json:"type"`
	Platform     string `bun:"platform" json:"platform"`
	MilliCPU     int64  `bun:"milli_cpu" json:"milli_cpu"`
	MemoryMB     int64  `bun:"memory_mb" json:"memory_mb"`
	MilliGPU     int64  `bun:"milli_gpu" json:"milli_gpu"`
	Declared     string `bun:"declared" json:"declared"`
	Executors    string `bun:"executors" json:"executors"`
	Labels       string `bun:"labels" json:"labels"`
	Policy       string `bun:"policy" json:"policy"`
	State        string `bun:"state" json:"state"`
	Drain        int64  `bun:"drain" json:"drain"`
	Cause        string `bun:"cause" json:"cause"`
	Eligible     int64  `bun:"eligible" json:"eligible"`
	Throttled    int64  `bun:"throttled" json:"throttled"`
	Reasons      string `bun:"reasons" json:"reasons"`
	Since        int64  `bun:"since_at" json:"since_at"`
	Calm         int64  `bun:"calm_at" json:"calm_at"`
	Rest         int64  `bun:"rest_at" json:"rest_at"`
	Quarantine   int64  `bun:"quarantine_at" json:"quarantine_at"`
	Registered   int64  `bun:"registered_at" json:"registered_at"`
	Online       int64  `bun:"online_at" json:"online_at"`
	OnlineBefore int64  `bun:"online_before" json:"online_before"`
	Version      int64  `bun:"version" json:"version"`
}

// pulseRow is a row of fog_idle_pulses without its totals.
type pulseRow struct {
	Device     string   `bun:"device" json:"device"`
	LastSeen   int64    `bun:"last_seen_at" json:"last_seen_at"`
	Heard      int64    `bun:"heard_at" json:"heard_at"`
	CPUForeign *float64 `bun:"cpu_foreign" json:"cpu_foreign"`
	CPUTotal   *float64 `bun:"cpu_total" json:"cpu_total"`
	MemFreeMB  *float64 `bun:"mem_free_mb" json:"mem_free_mb"`
	Battery    *float64 `bun:"battery" json:"battery"`
	Charging   *int64   `bun:"charging" json:"charging"`
	TempC      *float64 `bun:"temp_c" json:"temp_c"`
	UserIdle   *int64   `bun:"user_idle" json:"user_idle"`
	Metered    *int64   `bun:"metered" json:"metered"`
	Pressure   *float64 `bun:"pressure" json:"pressure"`
	DiskFreeMB *float64 `bun:"disk_free_mb" json:"disk_free_mb"`
	Network    *string  `bun:"network" json:"network"`
	Harvesting int64    `bun:"harvesting" json:"harvesting"`
	Boot       string   `bun:"boot" json:"boot"`
	Seq        int64    `bun:"seq" json:"seq"`
	Boots      string   `bun:"boots" json:"boots"`
}

// row is a device with its pulse and totals, as it is read.
type row struct {
	bun.BaseModel `bun:"table:fog_idle_devices,alias:d"`
	deviceRow
	pulseRow

	Tasks   int64 `bun:"tasks"`
	Compute int64 `bun:"compute"`
	Earned  int64 `bun:"earned"`
}

// newDeviceRow returns the stored form of a device that is saved under a version.
func newDeviceRow(d *idle.Device, version int64) (deviceRow, error) {
	r := deviceRow{
		ID: string(d.ID), Tenant: string(d.Tenant), Owner: string(d.Owner), Creator: string(d.Creator), Name: d.Name,
		Type: string(d.Type), Platform: d.Platform, MilliCPU: d.MilliCPU, MemoryMB: d.MemoryMB, MilliGPU: d.MilliGPU,
		State: string(d.State), Drain: number(d.Drain), Cause: d.Cause, Eligible: number(d.Decision.Eligible),
		Throttled: number(d.Throttled()), Since: db.Micros(d.Decision.Since), Calm: db.Micros(d.Decision.Calm), Rest: db.Micros(d.Decision.Rest), Quarantine: db.Micros(d.Quarantine),
		Registered: db.Micros(d.Registered), Online: db.Micros(d.OnlineSince), OnlineBefore: d.OnlineBefore.Microseconds(),
		Version: version,
	}
	for _, part := range []struct {
		text  *string
		value any
	}{
		{&r.Declared, d.Declared}, {&r.Executors, d.Executors}, {&r.Labels, d.Labels}, {&r.Policy, d.Policy},
		{&r.Reasons, d.Decision.Reasons},
	} {
		text, err := json.Marshal(part.value)
		if err != nil {
			return deviceRow{}, fmt.Errorf("device %s: %w", d.ID, err)
		}
		*part.text = string(text)
	}
	return r, nil
}

// newPulseRow returns the stored form of a pulse.
func newPulseRow(p *idle.Pulse) (pulseRow, error) {
	boots, err := json.Marshal(p.Boots)
	if err != nil {
		return pulseRow{}, fmt.Errorf("pulse of %s: %w", p.Device, err)
	}
	t := &p.Telemetry
	r := pulseRow{
		Device: string(p.Device), LastSeen: db.Micros(p.LastSeen), Heard: db.Micros(t.At),
		CPUForeign: null(t.CPUForeign), CPUTotal: null(t.CPUTotal), MemFreeMB: null(t.MemFreeMB), Battery: null(t.Battery),
		TempC: null(t.TempC), Charging: nullBool(t.Charging), Metered: nullBool(t.Metered),
		Pressure: null(t.Pressure), DiskFreeMB: null(t.DiskFreeMB),
		Harvesting: int64(p.Harvesting), Boot: p.Boot, Seq: int64(p.Seq), Boots: string(boots),
	}
	if t.UserIdle.Known {
		micros := t.UserIdle.Value.Microseconds()
		r.UserIdle = &micros
	}
	if t.Network.Known {
		kind := string(t.Network.Value)
		r.Network = &kind
	}
	return r, nil
}

// values are the columns of the row in the order of pulseColumns.
func (r *pulseRow) values() []any {
	return []any{
		r.Device, r.LastSeen, r.Heard, r.CPUForeign, r.CPUTotal, r.MemFreeMB, r.Battery, r.Charging, r.TempC, r.UserIdle, r.Metered,
		r.Pressure, r.DiskFreeMB, r.Network, r.Harvesting, r.Boot, r.Seq, r.Boots,
	}
}

// device returns what a row says.
func (r *row) device() (idle.Device, error) {
	d := idle.Device{
		ID: idle.DeviceID(r.ID), Tenant: principal.Tenant(r.Tenant), Owner: principal.Account(r.Owner),
		Creator: principal.Account(r.Creator), Name: r.Name, Type: idle.DeviceType(r.Type), Platform: r.Platform,
		MilliCPU: r.MilliCPU, MemoryMB: r.MemoryMB, MilliGPU: r.MilliGPU,
		State: idle.State(r.State), Drain: r.Drain != 0, Cause: r.Cause, Quarantine: db.Time(r.Quarantine),
		Decision:   idle.Decision{Eligible: r.Eligible != 0, Since: db.Time(r.Since), Calm: db.Time(r.Calm), Rest: db.Time(r.Rest)},
		Registered: db.Time(r.Registered), OnlineSince: db.Time(r.Online), OnlineBefore: micros(r.OnlineBefore), Version: r.Version,
		Telemetry: r.telemetry(), LastSeen: db.Time(r.LastSeen), Harvesting: int(r.Harvesting), Boot: r.Boot, Seq: uint64(r.Seq),
		TasksCompleted: r.Tasks, ComputeSeconds: float64(r.Compute) / 1e6, Earned: r.Earned,
	}
	for _, part := range []struct {
		text  string
		value any
	}{
		{r.Declared, &d.Declared}, {r.Executors, &d.Executors}, {r.Labels, &d.Labels}, {r.Policy, &d.Policy},
		{r.Reasons, &d.Decision.Reasons}, {r.Boots, &d.Boots},
	} {
		if err := json.Unmarshal([]byte(part.text), part.value); err != nil {
			return idle.Device{}, fmt.Errorf("device %s: %w", r.ID, err)
		}
	}
	return d, nil
}

// telemetry returns what the pulse says.
func (r *pulseRow) telemetry() idle.Telemetry {
	t := idle.Telemetry{
		CPUForeign: known(r.CPUForeign), CPUTotal: known(r.CPUTotal), MemFreeMB: known(r.MemFreeMB), Battery: known(r.Battery),
		TempC: known(r.TempC), Charging: knownBool(r.Charging), Metered: knownBool(r.Metered),
		Pressure: known(r.Pressure), DiskFreeMB: known(r.DiskFreeMB), At: db.Time(r.Heard),
	}
	if r.UserIdle != nil {
		t.UserIdle = idle.Some(micros(*r.UserIdle))
	}
	if r.Network != nil {
		t.Network = idle.Some(idle.NetworkKind(*r.Network))
	}
	return t
}

// devices turns rows into devices.
func devices(rows []row) ([]idle.Device, error) {
	list := make([]idle.Device, len(rows))
	for n := range rows {
		d, err := rows[n].device()
		if err != nil {
			return nil, err
		}
		list[n] = d
	}
	return list, nil
}

// number is 1 for true.
func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// null is nil for an unknown value.
func null(o idle.Opt[float64]) *float64 {
	if !o.Known {
		return nil
	}
	return &o.Value
}

// nullBool is nil for an unknown value.
func nullBool(o idle.Opt[bool]) *int64 {
	if !o.Known {
		return nil
	}
	n := number(o.Value)
	return &n
}

// known is unknown for nil.
func known(v *float64) idle.Opt[float64] {
	if v == nil {
		return idle.Opt[float64]{}
	}
	return idle.Some(*v)
}

// knownBool is unknown for nil.
func knownBool(v *int64) idle.Opt[bool] {
	if v == nil {
		return idle.Opt[bool]{}
	}
	return idle.Some(*v != 0)
}

// micros is a number of microseconds.
func micros(n int64) time.Duration { return time.Duration(n) * time.Microsecond }

// toMicros is the stored form of a time given in seconds.
func toMicros(seconds float64) int64 { return int64(math.Round(seconds * 1e6)) }
