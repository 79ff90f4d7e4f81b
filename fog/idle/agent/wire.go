package agent

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// The bodies of the device protocol, version 1. Answers use the JSON form of idle.Directive.

// enrolment registers the device.
type enrolment struct {
	ID        string            `json:"device_id"`
	Type      idle.DeviceType   `json:"device_type"`
	Cores     float64           `json:"cpu_cores"`
	MemoryMB  int64             `json:"memory_mb"`
	Battery   *float64          `json:"battery_percent,omitempty"`
	Charging  *bool             `json:"is_charging,omitempty"`
	Name      string            `json:"name,omitempty"`
	Platform  string            `json:"platform,omitempty"`
	Executors []string          `json:"executors,omitempty"`
	MilliGPU  int64             `json:"milli_gpu,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
	Policy    *idle.Policy      `json:"policy,omitempty"`
	Owner     string            `json:"owner,omitempty"`
}

// beat is one sign of life.
type beat struct {
	Battery   *float64    `json:"battery,omitempty"`
	Charging  *bool       `json:"is_charging,omitempty"`
	Boot      string      `json:"boot"`
	Seq       uint64      `json:"seq"`
	Telemetry signals     `json:"telemetry"`
	Held      []idle.Held `json:"held"`
	Take      int         `json:"take"`
	Wait      float64     `json:"wait_seconds,omitempty"`
	Bye       bool        `json:"bye,omitempty"`
}

// signals is the telemetry in a beat; what is unknown is left out.
type signals struct {
	CPUForeign *float64 `json:"cpu_foreign,omitempty"`
	CPUTotal   *float64 `json:"cpu_total,omitempty"`
	MemFreeMB  *float64 `json:"mem_free_mb,omitempty"`
	TempC      *float64 `json:"temp_c,omitempty"`
	UserIdle   *float64 `json:"user_idle_seconds,omitempty"`
	Metered    *bool    `json:"metered,omitempty"`
	Pressure   *float64 `json:"pressure,omitempty"`
	DiskFreeMB *float64 `json:"disk_free_mb,omitempty"`

	Network *idle.NetworkKind `json:"network,omitempty"`
}

// encodeSignals leaves out what is unknown.
func encodeSignals(t *idle.Telemetry) signals {
	s := signals{
		CPUForeign: pointer(t.CPUForeign), CPUTotal: pointer(t.CPUTotal), MemFreeMB: pointer(t.MemFreeMB),
		TempC: pointer(t.TempC), Metered: pointer(t.Metered), Pressure: pointer(t.Pressure), DiskFreeMB: pointer(t.DiskFreeMB),
		Network: pointer(t.Network),
	}
	if t.UserIdle.Known {
		seconds := t.UserIdle.Value.Seconds()
		s.UserIdle = &seconds
	}
	return s
}

// pointer is nil for an unknown value.
func pointer[T any](v idle.Opt[T]) *T {
	if !v.Known {
		return nil
	}
	return &v.Value
}

// beaten is the answer to a beat.
type beaten struct {
	Directive *directive `json:"directive"`
}

// directive is an idle.Directive whose offers are not read yet: two bytes of a hostile answer would make one that takes hundreds.
type directive struct {
	idle.Directive

	Offers []json.RawMessage `json:"offers"` // hides those of the Directive
}

// read returns the directive with at most most of its offers.
func (d *directive) read(most int) (*idle.Directive, error) {
	d.Directive.Offers = make([]idle.Offer, min(len(d.Offers), most))
	for i := range d.Directive.Offers {
		if err := json.Unmarshal(d.Offers[i], &d.Directive.Offers[i]); err != nil {
			return nil, unavailable(fmt.Errorf("the server's offer makes no sense: %w", err))
		}
	}
	return &d.Directive, nil
}

// report is the result of an attempt.
type report struct {
	Token   int64    `json:"token"`
	Node    string   `json:"node"`
	Exit    int      `json:"exit_code"`
	Stdout  []byte   `json:"stdout,omitempty"`
	Stderr  []byte   `json:"stderr,omitempty"`
	Outputs []output `json:"outputs,omitempty"`
	CPU     float64  `json:"cpu_seconds"`
	Wall    float64  `json:"wall_seconds"`
	Class   string   `json:"class,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

// output is a file that the guest left, stored as a blob before.
type output struct {
	Path   string `json:"path"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// problem is what a server answers when it refuses (RFC 9457).
type problem struct {
	Detail string `json:"detail"`
}

// duration reads seconds that a server sent: nothing absurd becomes a timer.
func duration(seconds float64, most time.Duration) time.Duration {
	if !(seconds > 0) {
		return 0
	}
	return time.Duration(math.Min(seconds*float64(time.Second), float64(most)))
}
