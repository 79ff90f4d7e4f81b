package idle

import (
	"math"
	"math/bits"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Reputation is what is known of how rightly a device computes jobs of one class on one runtime. The zero value is a device
// that nobody knows. Its methods are pure: they return the next reputation and change nothing.
//
//	unknown ── results that another device confirms ──▶ known: most of its results are accepted alone
//	   ▲                                                  │
//	   ├────────── a result that others contradict ◀──────┤ a strike: what it has computed alone is audited
//	   │                                                  │
//	   └── time over ── quarantined ◀── too many strikes ─┘
type Reputation struct {
	// Valid counts the results that were accepted since the last strike, whether they were compared or not.
	Valid int
	// Compared is the outcome of the last 64 results that were compared with those of other devices, the newest in the lowest
	// bit; one is a strike.
	Compared uint64
	// Until is when the quarantine ends; the zero time is none yet.
	Until time.Time
	// Quarantines counts them: each lasts twice as long as the one before.
	Quarantines int
}

// TrustRules say how much checking a reputation calls for, and when it is lost. The zero value works.
type TrustRules struct {
	// Threshold is the number of accepted results in a row below which each result is checked; zero is 10.
	Threshold int
	// Floor is the least share of results that is checked, however long a device has been right; zero is 0.05, negative is
	// none.
	Floor float64
	// Strikes quarantine a device when so many are among its last 64 compared results; zero is 4, negative is never.
	Strikes int
	// HoldBack is how long a result that was accepted alone is held back, unpaid, and may be audited; zero is 48 h, negative is
	// not at all.
	HoldBack time.Duration
	// Sample is how many of a device's results that are held back are audited after its first strike; zero is 20, negative
	// is all.
	Sample int
	// Quarantine is how long the first one lasts; zero is 7 days.
	Quarantine time.Duration
}

// The most that rules may say.
const (
	maxThreshold  = 1_000_000
	maxSample     = 1_000_000
	maxHoldBack   = 90 * 24 * time.Hour
	maxQuarantine = 10 * 365 * 24 * time.Hour
)

// Validate reports the first field that cannot work, as an error of kind Invalid.
func (t TrustRules) Validate() error {
	const op = "idle.trust"
	switch {
	case t.Threshold < 0 || t.Threshold > maxThreshold:
		return fault.Field(op, "Threshold", "%d is not between 0 and %d", t.Threshold, maxThreshold)
	case math.IsNaN(t.Floor) || t.Floor > 1:
		return fault.Field(op, "Floor", "%v is not a share of at most 1", t.Floor)
	case t.Strikes > 64:
		return fault.Field(op, "Strikes", "%d is more than the 64 results that are remembered", t.Strikes)
	case t.Sample > maxSample:
		return fault.Field(op, "Sample", "%d is more than %d", t.Sample, maxSample)
	case t.HoldBack > maxHoldBack:
		return fault.Field(op, "HoldBack", "%v is more than %v", t.HoldBack, maxHoldBack)
	case t.Quarantine < 0 || t.Quarantine > maxQuarantine:
		return fault.Field(op, "Quarantine", "%v is not between 0 and %v", t.Quarantine, maxQuarantine)
	}
	return nil
}

// complete fills the zeros in; what is off stays negative.
func (t TrustRules) complete() TrustRules {
	if t.Threshold == 0 {
		t.Threshold = 10
	}
	if t.Floor == 0 {
		t.Floor = 0.05
	}
	if t.Strikes == 0 {
		t.Strikes = 4
	}
	if t.Sample == 0 {
		t.Sample = 20
	}
	if t.HoldBack == 0 {
		t.HoldBack = 48 * time.Hour
	}
	if t.Quarantine == 0 {
		t.Quarantine = 7 * 24 * time.Hour
	}
	return t
}

// Quarantined reports whether the device may compute nothing now.
func (r Reputation) Quarantined(now time.Time) bool { return now.Before(r.Until) }

// Strikes counts those among the results that are remembered.
func (r Reputation) Strikes() int { return bits.OnesCount64(r.Compared) }

// CheckShare is the share of the device's next results that are to be checked: all below the threshold, and then one in
// Valid, which is BOINC's rule (Anderson, "BOINC: a platform for volunteer computing", 2020, section 3.4; set_trust in
// sched/sched_send.cpp), but never less than the floor, or a device that was right for long could do what it likes.
func (r Reputation) CheckShare(t TrustRules) float64 {
	t = t.complete()
	if r.Valid < t.Threshold {
		return 1
	}
	return max(1/float64(max(1, r.Valid)), t.Floor)
}

// NeedsCheck decides whether a result that the device has reported is to be computed once more elsewhere. The draw is a
// random number in [0, 1) that nobody could know when the result was reported, and must be made after it was stored.
func (r Reputation) NeedsCheck(t TrustRules, draw float64) bool { return draw < r.CheckShare(t) }

// Accepted is the reputation after a result that was accepted without being compared.
func (r Reputation) Accepted() Reputation {
	if r.Valid < math.MaxInt {
		r.Valid++
	}
	return r
}

// Confirmed is the reputation after a result that another owner's device has confirmed.
func (r Reputation) Confirmed() Reputation {
	r = r.Accepted()
	r.Compared <<= 1
	return r
}

// Struck is the reputation after a result that others contradict. What the device computed alone is then to be audited: see
// ToAudit. At the limit of strikes the device is quarantined. What the audit finds meanwhile counts for when it is back.
func (r Reputation) Struck(t TrustRules, now time.Time) Reputation {
	t = t.complete()
	r.Valid = 0
	r.Compared = r.Compared<<1 | 1
	if t.Strikes < 0 || r.Strikes() < t.Strikes || r.Quarantined(now) {
		return r
	}
	r.Until = now.Add(min(t.Quarantine<<min(r.Quarantines, 20), maxQuarantine))
	if r.Until.Before(now) {
		r.Until = now.Add(maxQuarantine)
	}
	r.Quarantines++
	r.Compared = 0
	return r
}

// ToAudit is how many of the results that a device computed alone and that are held back are compared after all, the newest
// first, once a strike of it is known: after the first strike a sample, because an honest device errs as well, and all of
// them after one more.
func (r Reputation) ToAudit(t TrustRules, held int, now time.Time) int {
	t = t.complete()
	if r.Strikes() == 1 && !r.Quarantined(now) && t.Sample > 0 {
		return min(held, t.Sample)
	}
	return held
}

// Window is how long a result that was accepted alone is held back; zero is not at all.
func (t TrustRules) Window() time.Duration { return max(0, t.complete().HoldBack) }

// Held reports whether a result that was accepted alone is still held back. What is not was paid, and stays.
func (t TrustRules) Held(accepted, now time.Time) bool {
	t = t.complete()
	return t.HoldBack > 0 && now.Before(accepted.Add(t.HoldBack))
}
