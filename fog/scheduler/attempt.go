package scheduler

import (
	"strconv"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// AttemptID names one attempt as "<job>.<slot>.<token>".
type AttemptID string

// NewAttemptID makes the identifier of the attempt at a job's slot with a fencing token.
func NewAttemptID(job JobID, slot int, token int64) AttemptID {
	return AttemptID(string(job) + "." + strconv.Itoa(slot) + "." + strconv.FormatInt(token, 10))
}

// Split takes an identifier apart. It reports false for one that NewAttemptID did not make.
func (a AttemptID) Split() (job JobID, slot int, token int64, ok bool) {
	head, tail, found := cutLast(string(a))
	if !found {
		return "", 0, 0, false
	}
	name, number, found := cutLast(head)
	if !found || name == "" {
		return "", 0, 0, false
	}
	token, err := strconv.ParseInt(tail, 10, 64)
	if err != nil || token < 1 {
		return "", 0, 0, false
	}
	slot, err = strconv.Atoi(number)
	if err != nil || slot < 0 {
		return "", 0, 0, false
	}
	if NewAttemptID(JobID(name), slot, token) != a {
		return "", 0, 0, false
	}
	return JobID(name), slot, token, true
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// AttemptState is where one attempt stands. The diagram:
//
//	placed ── leased ──▶ running ◀── device busy, idle again ──▶ suspended
//	  │                    │  │                                    │
//	  │ not fetched,       │  ├── result ──▶ reported ──▶ valid    │
//	  │ node closed        │  │                  └──────▶ invalid  │
//	  ▼                    │  └── failure ──▶ failed               │
//	expired                ▼                                       ▼
//	                     lost ◀── lease over, node down, suspended too long
//
//	placed, running, suspended, reported ── job cancelled, paused, over ──▶ cancelled
//
// A lost attempt whose slot nobody else got yet may still be reported: its token is the slot's newest. After that its
// token is old: the report is refused and changes nothing.
type AttemptState string

// The states of an attempt. Placed, running and suspended ones are live: they take up room on their node.
const (
	// AttemptPlaced waits for its node to fetch it until LeaseUntil.
	AttemptPlaced AttemptState = "placed"
	// AttemptRunning is leased to its node until LeaseUntil.
	AttemptRunning AttemptState = "running"
	// AttemptSuspended is leased too, but its node lets it wait because its user came back.
	AttemptSuspended AttemptState = "suspended"
	// AttemptReported has a result that is not judged yet.
	AttemptReported AttemptState = "reported"
	// AttemptValid has an accepted result: its slot earns the price.
	AttemptValid AttemptState = "valid"
	// AttemptInvalid has a result that the others contradict. It earns nothing.
	AttemptInvalid AttemptState = "invalid"
	// AttemptFailed ended without a usable result; Class says whose fault it was.
	AttemptFailed AttemptState = "failed"
	// AttemptLost was leased when its lease ended or its node went down, or was suspended for too long.
	AttemptLost AttemptState = "lost"
	// AttemptExpired was placed and never fetched.
	AttemptExpired AttemptState = "expired"
	// AttemptCancelled was withdrawn: its job was cancelled, paused or over, or goes on on another node.
	AttemptCancelled AttemptState = "cancelled"
)

// Live reports whether an attempt in this state takes up room on its node.
func (s AttemptState) Live() bool {
	return s == AttemptPlaced || s == AttemptRunning || s == AttemptSuspended
}

// leased reports whether the node holds the attempt.
func (s AttemptState) leased() bool { return s == AttemptRunning || s == AttemptSuspended }

// Class says whose fault a failure is; each has its own limit (Terms.Limits) and back-off.
type Class string

// The failure classes.
const (
	// ClassDevice is trouble of the device (it vanished, its worker died). The job is tried elsewhere.
	ClassDevice Class = "device"
	// ClassJob is trouble of the job itself (non-zero exit code, trap, over its time). It is tried on another owner's
	// node; the same failure there fails the job.
	ClassJob Class = "job"
	// ClassInfra is trouble in between (a module or input could not be fetched). It is tried again later.
	ClassInfra Class = "infra"
	// ClassPolicy is a job that the device refuses to run (forbidden imports, too large a module).
	ClassPolicy Class = "policy"
)

// Classes lists every failure class.
func Classes() []Class { return []Class{ClassDevice, ClassJob, ClassInfra, ClassPolicy} }

// Attempt is one try of one slot on one node.
type Attempt struct {
	// These are fixed when the attempt is placed.

	ID     AttemptID
	Job    JobID
	Tenant principal.Tenant
	Slot   int // from 0
	// Token is the fencing token: each attempt of a job has a greater one than those before.
	Token     int64
	Node      NodeID
	NodeOwner principal.Account
	Owner     principal.Account // of the job
	Tier      Tier              // to which the job had risen in the queue
	Group     string            // of the job
	Demand    Demand
	// GPUs are the devices of the node that the attempt has, one bit each, the lowest for the first; zero for none.
	GPUs  uint64
	Price Price
	// Span is how long it is expected to run on this node.
	Span   time.Duration
	Placed time.Time

	// These change.

	State AttemptState
	// Started is when the attempt was first leased.
	Started time.Time
	// LeaseUntil is when a placed attempt goes back unless it is fetched, and a leased one unless it is renewed.
	LeaseUntil time.Time
	// Since is when State was entered.
	Since time.Time
	// EndBy is when a running attempt has used up its job's MaxRuntime; it moves on while the attempt is suspended. For a placed
	// one it is when it will have done so at the latest.
	EndBy time.Time
	// EvictAt is when the attempt is taken off its node for the job EvictFor; the zero time is never.
	EvictAt  time.Time
	EvictFor JobID
	// Ended is when the attempt stopped being live.
	Ended time.Time
	// Class is set for failed and lost attempts.
	Class  Class
	Reason string
	// Progress is 0..1.
	Progress float64
	// Result is what the node reported; nil without.
	Result *Result
}

// MaxStdout and MaxStderr are the bytes of a result's streams that are kept; the rest is cut off.
const (
	MaxStdout = 64 << 10
	MaxStderr = 16 << 10
)

// Output is one file that a program left.
type Output struct {
	// Path is relative, below /out.
	Path string `json:"path"`
	// SHA256 is the content's digest in lower-case hexadecimal.
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// Result is what a program left behind. A Result is never changed once stored.
type Result struct {
	ExitCode int      `json:"exitCode"`
	Stdout   []byte   `json:"stdout,omitempty"`
	Stderr   []byte   `json:"stderr,omitempty"`
	Outputs  []Output `json:"outputs,omitempty"`
	// CPUSeconds and WallSeconds are the node's own account: telemetry, never the base of a payment.
	CPUSeconds  float64 `json:"cpuSeconds"`
	WallSeconds float64 `json:"wallSeconds"`
	// Digest is SHA-256 over exit code, standard output and outputs, computed by the scheduler. Results with equal
	// digests are equal; others may be, as the job's Comparator says.
	Digest string `json:"digest"`
}
