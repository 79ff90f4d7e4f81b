package idle

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// DeviceID names a device, unique over all tenants: 1 to 128 letters, digits or . _ : - characters.
type DeviceID string

// DeviceType says what kind of machine a device is; it selects the default policy.
type DeviceType string

const (
	// Android is a phone or tablet with Android.
	Android DeviceType = "android"
	// IOS is an iPhone or iPad.
	IOS DeviceType = "ios"
	// Desktop is a personal computer, with or without a battery.
	Desktop DeviceType = "desktop"
	// Server is a machine without a person in front of it.
	Server DeviceType = "server"
)

// ParseType reads a device type in any letter case. Errors are of kind Invalid.
func ParseType(text string) (DeviceType, error) {
	switch t := DeviceType(strings.ToLower(strings.TrimSpace(text))); t {
	case Android, IOS, Desktop, Server:
		return t, nil
	default:
		return "", fault.Field("idle.type", "device_type", "must be android, ios, desktop or server")
	}
}

// State is where a device stands in its life; doc.go draws the transitions.
type State string

const (
	// Registered has enrolled and not yet beaten.
	Registered State = "registered"
	// Online beats.
	Online State = "online"
	// Quarantined beats, finishes what it holds and gets nothing new for a while, because too many of its results were wrong.
	Quarantined State = "quarantined"
	// Draining beats, finishes what it holds and gets nothing new.
	Draining State = "draining"
	// Lost has been silent for longer than the presence deadline.
	Lost State = "lost"
	// Offline has said goodbye.
	Offline State = "offline"
	// Revoked has been banned by the operator.
	Revoked State = "revoked"
	// Unregistered has been taken out by its owner: it is no longer listed and may enrol again.
	Unregistered State = "unregistered"
)

// Alive reports whether a device in this state is expected to beat.
func (s State) Alive() bool { return s == Online || s == Draining || s == Quarantined }

// Device is a machine that lends its idle time.
type Device struct {
	ID       DeviceID
	Tenant   principal.Tenant
	Owner    principal.Account // who is paid: "device:<id>" unless the enrolment named an account
	Creator  principal.Account // who enrolled it
	Name     string
	Type     DeviceType
	Platform string // "linux/amd64"; free text
	MilliCPU int64  // thousandths of a core
	MemoryMB int64
	MilliGPU int64
	// Declared are the executors that the enrolment names, "wasm" if it names none.
	Declared []string
	// Executors are those that can be used: empty until the device has spoken the device protocol.
	Executors []string
	Labels    map[string]string
	Policy    Policy

	State        State
	Drain        bool      // the operator wants it empty: it comes back as Draining
	Cause        string    // why it was revoked
	Quarantine   time.Time // until when it gets no work, because of its results; zero: it was never quarantined, or released
	Decision     Decision
	Registered   time.Time     // first enrolment
	OnlineSince  time.Time     // zero while it is not alive
	OnlineBefore time.Duration // time alive before OnlineSince
	Version      int64         // grows with each transition, not with a beat

	Telemetry  Telemetry
	LastSeen   time.Time // last contact, by the server's clock
	Harvesting int       // attempts that it holds, as of its last beat
	Boot       string    // of its newest numbered beat
	Seq        uint64
	Boots      []string // earlier boots, newest first; their beats are refused

	TasksCompleted int64   // slots that were validated
	ComputeSeconds float64 // CPU-seconds of those
	Earned         int64   // token base units for those
}

// Uptime is the time for which the device has been alive, up to its last contact.
func (d *Device) Uptime() time.Duration {
	if d.OnlineSince.IsZero() {
		return d.OnlineBefore
	}
	return d.OnlineBefore + max(0, d.LastSeen.Sub(d.OnlineSince))
}

// Available reports whether new work may be placed on the device: it is online, may be harvested and can run something.
func (d *Device) Available() bool {
	return d.State == Online && d.Decision.Eligible && len(d.Executors) > 0
}

// Status is one word for a person: the state, except that a device that is online counts as "harvesting" while it holds
// work, "idle" while it waits for work, and "active" while its owner needs it.
func (d *Device) Status() string {
	switch {
	case d.State != Online:
		return string(d.State)
	case d.Harvesting > 0:
		return "harvesting"
	case d.Decision.Eligible:
		return "idle"
	default:
		return "active"
	}
}

// statuses are the words of Status, and the state behind three of them.
func statuses() []string {
	return []string{
		"harvesting", "idle", "active", string(Registered), string(Online), string(Draining), string(Quarantined), string(Lost), string(Offline),
		string(Revoked), string(Unregistered),
	}
}

// Enrolment is a request to register a device. Sent again, it updates the device.
type Enrolment struct {
	ID        DeviceID
	Type      DeviceType
	Owner     principal.Account // who is paid; empty: see Register
	Name      string            // 1 to 200 characters; empty: the id
	Platform  string            // at most 200 characters
	CPUCores  float64           // 1 to 128
	MemoryMB  int64             // 512 to 524288
	MilliGPU  int64             // thousandths of a GPU, up to 64 GPUs
	Executors []string          // up to 16; nil: "wasm"
	Labels    map[string]string // up to 32
	Policy    *Policy           // nil: the default of the type
	Battery   Opt[float64]      // percent
	Charging  Opt[bool]
}

const (
	maxID        = 128
	maxName      = 200
	maxExecutors = 16
	maxLabels    = 32
	maxLabelKey  = 63
	maxLabelText = 256
	minCores     = 1
	maxCores     = 128
	minMemoryMB  = 512
	maxMemoryMB  = 524288
	maxMilliGPU  = 64_000
	keptBoots    = 4
)

// validate refuses an identifier that could not stand in a path or a file name.
func (id DeviceID) validate(op string) error {
	if !safe(string(id), maxID) || strings.Trim(string(id), ".") == "" {
		return fault.Field(op, "device_id", "must be 1 to %d letters, digits or . _ : - characters", maxID)
	}
	return nil
}

// safe reports whether a text has 1 to limit characters, all of them letters, digits or . _ : -
func safe(text string, limit int) bool {
	if text == "" || len(text) > limit {
		return false
	}
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		case c == '.' || c == '_' || c == ':' || c == '-':
		default:
			return false
		}
	}
	return true
}

// printable reports whether a text has at most limit characters and no control characters.
func printable(text string, limit int) bool {
	return len([]rune(text)) <= limit && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd })
}

// validate checks an enrolment against the limits and names the first field outside of them.
func (e *Enrolment) validate() error {
	const op = "idle.register"
	if err := e.ID.validate(op); err != nil {
		return err
	}
	if _, err := ParseType(string(e.Type)); err != nil {
		return fault.Wrap(op, err)
	}
	switch {
	case !within(e.CPUCores, minCores, maxCores):
		return fault.Field(op, "cpu_cores", "must be between %d and %d", minCores, maxCores)
	case e.MemoryMB < minMemoryMB || e.MemoryMB > maxMemoryMB:
		return fault.Field(op, "memory_mb", "must be between %d and %d", minMemoryMB, maxMemoryMB)
	case e.MilliGPU < 0 || e.MilliGPU > maxMilliGPU:
		return fault.Field(op, "milli_gpu", "must be between 0 and %d", maxMilliGPU)
	case e.Battery.Known && !within(e.Battery.Value, 0, 100):
		return fault.Field(op, "battery_percent", "must be between 0 and 100")
	case !printable(e.Name, maxName):
		return fault.Field(op, "name", "must be at most %d printable characters", maxName)
	case !printable(e.Platform, maxName):
		return fault.Field(op, "platform", "must be at most %d printable characters", maxName)
	case !printable(string(e.Owner), maxID) || len(e.Owner) > maxID:
		return fault.Field(op, "owner", "must be at most %d printable characters", maxID)
	}
	if e.Policy != nil {
		if err := e.Policy.Validate(); err != nil {
			return fault.Wrap(op, err)
		}
	}
	return e.validateLists(op)
}

// validateLists checks executors and labels.
func (e *Enrolment) validateLists(op string) error {
	if len(e.Executors) > maxExecutors {
		return fault.Field(op, "executors", "must have at most %d entries", maxExecutors)
	}
	for _, name := range e.Executors {
		if !safe(name, maxLabelKey) {
			return fault.Field(op, "executors", "must be 1 to %d letters, digits or . _ : - characters each", maxLabelKey)
		}
	}
	if len(e.Labels) > maxLabels {
		return fault.Field(op, "labels", "must have at most %d entries", maxLabels)
	}
	for key, value := range e.Labels {
		if !safe(key, maxLabelKey) || !printable(value, maxLabelText) {
			return fault.Field(op, "labels", "must have keys of 1 to %d letters, digits or . _ : - characters and values of at most %d",
				maxLabelKey, maxLabelText)
		}
	}
	return nil
}

// ownPrefix begins the names of devices' own accounts.
const ownPrefix = "device:"

// ownAccount is the account of a device that nobody claims. An identifier too long for an account is hashed.
func ownAccount(id DeviceID) principal.Account {
	if len(ownPrefix)+len(id) <= maxID {
		return principal.Account(ownPrefix + string(id))
	}
	sum := sha256.Sum256([]byte(id))
	return principal.Account(ownPrefix + "sha256:" + hex.EncodeToString(sum[:]))
}

// holder is to whom a device belongs: its owner, or whoever has enrolled it if it has an account of its own.
func (d *Device) holder() principal.Account {
	if strings.HasPrefix(string(d.Owner), ownPrefix) {
		return d.Creator
	}
	return d.Owner
}

// describe copies what an enrolment says about the machine, and reports whether anything changed.
func (d *Device) describe(e *Enrolment, policy Policy) bool {
	was := *d
	d.Type, _ = ParseType(string(e.Type))
	d.Name, d.Platform = e.Name, e.Platform
	if d.Name == "" {
		d.Name = string(e.ID)
	}
	d.MilliCPU = int64(math.Round(e.CPUCores * 1000))
	d.MemoryMB, d.MilliGPU = e.MemoryMB, e.MilliGPU
	d.Declared = executors(e.Executors)
	if len(d.Executors) > 0 {
		d.Executors = d.Declared
	}
	d.Labels, d.Policy = e.Labels, policy
	return d.Type != was.Type || d.Name != was.Name || d.Platform != was.Platform || d.MilliCPU != was.MilliCPU ||
		d.MemoryMB != was.MemoryMB || d.MilliGPU != was.MilliGPU || !slices.Equal(d.Declared, was.Declared) ||
		!sameLabels(d.Labels, was.Labels) || !d.Policy.same(&was.Policy)
}

// executors sorts the names and removes repetitions, so that order is no change. No name at all means WebAssembly.
func executors(names []string) []string {
	if len(names) == 0 {
		return []string{"wasm"}
	}
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return slices.Compact(sorted)
}

// sameLabels compares two sets of labels; nil and empty are the same.
func sameLabels(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for key, value := range a {
		if other, ok := b[key]; !ok || other != value {
			return false
		}
	}
	return true
}

// move changes the state and keeps the account of time alive.
func (d *Device) move(to State, now time.Time) {
	switch {
	case to.Alive() && !d.State.Alive():
		d.OnlineSince = now
	case !to.Alive() && d.State.Alive():
		d.OnlineBefore, d.OnlineSince = d.Uptime(), time.Time{}
	}
	if !to.Alive() {
		d.Harvesting = 0
	}
	d.State = to
}

// awake is the state of a device that beats.
func (d *Device) awake(now time.Time) State {
	if now.Before(d.Quarantine) {
		return Quarantined
	}
	if d.Drain {
		return Draining
	}
	return Online
}

// Throttled reports whether heat is among the reasons why the device may not be harvested.
func (d *Device) Throttled() bool {
	return slices.ContainsFunc(d.Decision.Reasons, func(r Reason) bool { return r.Code == TooHot })
}
