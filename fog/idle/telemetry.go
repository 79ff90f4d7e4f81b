package idle

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Opt is a value that may be unknown. Its zero value is unknown, which is not the same as a known zero: a machine
// without a thermometer is not at 0 °C. In JSON an unknown value is null.
type Opt[T any] struct {
	Known bool
	Value T // the zero value while unknown
}

// Some returns a known value.
func Some[T any](value T) Opt[T] { return Opt[T]{Known: true, Value: value} }

// Or returns the value, or another one while it is unknown.
func (o Opt[T]) Or(other T) T {
	if o.Known {
		return o.Value
	}
	return other
}

// MarshalJSON implements json.Marshaler.
func (o Opt[T]) MarshalJSON() ([]byte, error) {
	if !o.Known {
		return []byte("null"), nil
	}
	return json.Marshal(o.Value)
}

// UnmarshalJSON implements json.Unmarshaler. Null and nothing at all are unknown.
func (o *Opt[T]) UnmarshalJSON(text []byte) error {
	*o = Opt[T]{}
	if string(text) == "null" {
		return nil
	}
	if err := json.Unmarshal(text, &o.Value); err != nil {
		return fmt.Errorf("idle: optional value: %w", err)
	}
	o.Known = true
	return nil
}

// Telemetry is what a device says about itself at one moment. Every signal may be unknown.
type Telemetry struct {
	CPUForeign Opt[float64]       `json:"cpu_foreign"`  // share of all cores that others than our guests use, 0 to 1
	CPUTotal   Opt[float64]       `json:"cpu_total"`    // share of all cores in use, ours included, 0 to 1
	MemFreeMB  Opt[float64]       `json:"mem_free_mb"`  // memory that can be had without swapping, MiB
	Battery    Opt[float64]       `json:"battery"`      // charge in percent, 0 to 100; unknown on a machine without a battery
	Charging   Opt[bool]          `json:"is_charging"`  // external power is connected
	TempC      Opt[float64]       `json:"temp_c"`       // hottest sensor, degrees Celsius
	UserIdle   Opt[time.Duration] `json:"user_idle"`    // time since somebody last touched the device
	Metered    Opt[bool]          `json:"metered"`      // the network is paid by volume
	Pressure   Opt[float64]       `json:"pressure"`     // percent of the last ten seconds in which other programs stalled
	DiskFreeMB Opt[float64]       `json:"disk_free_mb"` // free MiB where the agent keeps its files
	Network    Opt[NetworkKind]   `json:"network"`      // what the way to the server goes over
	At         time.Time          `json:"at"`           // when the server received it; the device's own clock is never used
}

// NetworkKind is a kind of network.
type NetworkKind string

// The kinds of network.
const (
	Ethernet  NetworkKind = "ethernet"
	WiFi      NetworkKind = "wifi"
	Cellular  NetworkKind = "cellular"
	Bluetooth NetworkKind = "bluetooth"
	Tunnel    NetworkKind = "tunnel" // a private network over another one
	Loopback  NetworkKind = "loopback"
)

// networkKinds lists them.
func networkKinds() []NetworkKind {
	return []NetworkKind{Ethernet, WiFi, Cellular, Bluetooth, Tunnel, Loopback}
}

// known reports whether there is such a kind.
func (k NetworkKind) known() bool { return slices.Contains(networkKinds(), k) }

// maxDiskMB is more than any disk has.
const maxDiskMB = 1 << 40

// validate refuses values outside their range, NaN and infinities, and names the field.
func (t *Telemetry) validate(op string) error {
	const maxMemory = 1 << 40
	checks := [...]struct {
		field    string
		value    Opt[float64]
		min, max float64
	}{
		{"cpu_foreign", t.CPUForeign, 0, 1},
		{"cpu_total", t.CPUTotal, 0, 1},
		{"mem_free_mb", t.MemFreeMB, 0, maxMemory},
		{"battery", t.Battery, 0, 100},
		{"temp_c", t.TempC, -100, 300},
		{"pressure", t.Pressure, 0, 100},
		{"disk_free_mb", t.DiskFreeMB, 0, maxDiskMB},
	}
	for i := range checks {
		c := &checks[i]
		if c.value.Known && !within(c.value.Value, c.min, c.max) {
			return fault.Field(op, c.field, "must be between %g and %g", c.min, c.max)
		}
	}
	if t.UserIdle.Known && t.UserIdle.Value < 0 {
		return fault.Field(op, "user_idle_seconds", "must not be negative")
	}
	if t.Network.Known && !t.Network.Value.known() {
		return fault.Field(op, "network", "must be one of %v", networkKinds())
	}
	return nil
}

// merge replaces the signals that the newer telemetry knows and keeps the others: a beat without the protocol speaks of
// battery and power only.
func (t *Telemetry) merge(newer *Telemetry) {
	keep(&t.CPUForeign, newer.CPUForeign)
	keep(&t.CPUTotal, newer.CPUTotal)
	keep(&t.MemFreeMB, newer.MemFreeMB)
	keep(&t.Battery, newer.Battery)
	keep(&t.Charging, newer.Charging)
	keep(&t.TempC, newer.TempC)
	keep(&t.UserIdle, newer.UserIdle)
	keep(&t.Metered, newer.Metered)
	keep(&t.Pressure, newer.Pressure)
	keep(&t.DiskFreeMB, newer.DiskFreeMB)
	keep(&t.Network, newer.Network)
}

// keep overwrites an optional value with a known one.
func keep[T any](old *Opt[T], newer Opt[T]) {
	if newer.Known {
		*old = newer
	}
}

// within reports whether a number is finite and inside a closed range.
func within(v, low, high float64) bool {
	return !math.IsNaN(v) && v >= low && v <= high
}
