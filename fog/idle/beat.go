package idle

import (
	"context"
	"math"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Beat is one sign of life of a device. A device that speaks the protocol numbers its beats: Boot is drawn at random
// when its agent starts, Seq counts up from 1 within one Boot. A beat whose number was seen before, or that belongs to an
// earlier boot, is refused, so a sender gives each beat, a repeated one as well, a new number. A beat without a Boot is not
// numbered: it keeps the device online and updates the signals that it knows.
type Beat struct {
	Device    DeviceID
	Boot      string
	Seq       uint64
	Telemetry Telemetry
	Held      []Held // attempts that the device holds now
	Take      int    // how many new attempts it can take; 0 none
	Protocol  bool   // it speaks the device protocol: without it a device gets no work
	Bye       bool   // its last beat: it gives back what it holds
}

// Held is an attempt that a device holds, with the fencing token of its lease.
type Held struct {
	Attempt   string  `json:"attempt"`
	Token     int64   `json:"token"`
	Suspended bool    `json:"suspended"` // the guest is paused: its owner is back
	Progress  float64 `json:"progress"`  // share of the guest's work done, 0 to 1; 0 if it does not say
}

// Desired says what a device should do with its work.
type Desired string

const (
	// Run means to run what it holds and to take more.
	Run Desired = "run"
	// Drain means to finish what it holds and to take no more.
	Drain Desired = "drain"
	// Stop means to kill what it holds and to go away.
	Stop Desired = "stop"
)

// Directive is the server's answer to a beat.
type Directive struct {
	// NextSeconds is when to beat again, jittered so that a fleet does not beat in step. It is 0 after a long poll that
	// waited its full time: the wait was the pause. A device that has news (room, a result) does not wait for it.
	NextSeconds float64 `json:"nextSeconds"`
	// Desired is what to do with the work.
	Desired Desired `json:"desired"`
	// Eligible says whether the device may be harvested now. While it may not, it suspends its guests and keeps their leases.
	Eligible bool `json:"eligible"`
	// Reasons are all the reasons why it is not eligible.
	Reasons []Reason `json:"reasons"`
	// Renewed are the leases of held attempts that live on.
	Renewed []Lease `json:"renewed"`
	// Cancel are held attempts to kill: cancelled, or leased to another device by now.
	Cancel []string `json:"cancel"`
	// Offers are new attempts to run, already leased to the device.
	Offers []Offer `json:"offers"`
}

// news reports whether a long poll has something to hand out.
func (d *Directive) news() bool { return len(d.Offers) > 0 || len(d.Cancel) > 0 || d.Desired != Run }

// Lease is the right to run one attempt until a time by the server's clock.
type Lease struct {
	Attempt string    `json:"attempt"`
	Token   int64     `json:"token"`
	Until   time.Time `json:"until"`
	// EvictAt is when the attempt is taken off the device to make room for another: what is not reported by then was in vain. The
	// zero time is never.
	EvictAt time.Time `json:"evictAt,omitzero"`
	// EvictSeconds is how long that is from the answer on, for a device whose clock is another; whoever sends the answer fills
	// it in.
	EvictSeconds float64 `json:"evictSeconds,omitempty"`
}

// Offer is an attempt that has just been leased to a device, with all that it needs to run it.
type Offer struct {
	Attempt           string    `json:"attempt"`
	Token             int64     `json:"token"`
	Job               string    `json:"job"`
	Name              string    `json:"name"`
	Until             time.Time `json:"until"`
	Module            string    `json:"module"` // digest of the WebAssembly module, SHA-256 in hex
	Args              []string  `json:"args"`
	Inputs            []Input   `json:"inputs"` // files mounted read-only under /in
	Stdin             string    `json:"stdin"`  // digest of the guest's standard input, or ""
	Output            bool      `json:"output"` // collect the files under /out
	Seed              uint64    `json:"seed"`   // of the guest's random source
	MilliCPU          int64     `json:"milliCpu"`
	MemoryMB          int64     `json:"memoryMb"`
	MilliGPU          int64     `json:"milliGpu"`
	MaxRuntimeSeconds float64   `json:"maxRuntimeSeconds"` // 0: no limit
	MaxMemoryMB       int64     `json:"maxMemoryMb"`       // of the guest's linear memory; 0: the agent's own limit
	MaxOutputBytes    int64     `json:"maxOutputBytes"`    // of all files under /out; 0: the agent's own limit
	MaxStdoutBytes    int64     `json:"maxStdoutBytes"`    // 0: the agent's own limit
}

// Input is a file that a guest reads.
type Input struct {
	Path   string `json:"path"` // relative to /in
	SHA256 string `json:"sha256"`
}

// Beaten is the outcome of one beat among several: a directive, or an error.
type Beaten struct {
	Directive Directive
	Err       error // kinds: Invalid, NotFound, Denied, Conflict (replayed), Limited, Unavailable
}

// Work is the port to whoever hands out attempts. A nil Work hands out nothing.
type Work interface {
	// Claim renews what devices hold and offers them more, one grant per claim and in their order.
	Claim(ctx context.Context, claims []WorkClaim) ([]WorkGrant, error)
	// Wait returns nil when there may be news for a device, or ctx's error when ctx ends. Wakes can be lost: the
	// registry claims now and then anyway.
	Wait(ctx context.Context, device DeviceID) error
}

// WorkClaim is what a device holds and how much more it takes.
type WorkClaim struct {
	Device DeviceID
	Held   []Held
	Take   int // 0: renew only
	// Restarted says that the device has just started and runs nothing but what it holds: whatever else was handed to it
	// is lost.
	Restarted bool
}

// WorkGrant is the answer to a WorkClaim.
type WorkGrant struct {
	Renewed []Lease
	Cancel  []string
	Offers  []Offer
}

const (
	maxHeld    = 1024
	maxTake    = 1024
	maxAttempt = 200
	maxBoot    = 64
)

// validate refuses a beat that no device would send.
func (b *Beat) validate() error {
	const op = "idle.beat"
	if err := b.Device.validate(op); err != nil {
		return err
	}
	switch {
	case b.Boot != "" && !safe(b.Boot, maxBoot):
		return fault.Field(op, "boot", "must be at most %d letters, digits or . _ : - characters", maxBoot)
	case b.Protocol && b.Boot == "":
		return fault.Field(op, "boot", "must not be empty in the device protocol")
	case b.Boot != "" && (b.Seq == 0 || b.Seq > math.MaxInt64):
		return fault.Field(op, "seq", "must count up from 1")
	case b.Take < 0 || b.Take > maxTake:
		return fault.Field(op, "take", "must be between 0 and %d", maxTake)
	case len(b.Held) > maxHeld:
		return fault.Field(op, "held", "must have at most %d entries", maxHeld)
	}
	for i := range b.Held {
		h := &b.Held[i]
		if h.Attempt == "" || len(h.Attempt) > maxAttempt {
			return fault.Field(op, "held.attempt", "must be 1 to %d characters", maxAttempt)
		}
		if !within(h.Progress, 0, 1) {
			return fault.Field(op, "held.progress", "must be between 0 and 1")
		}
	}
	return b.Telemetry.validate(op)
}
