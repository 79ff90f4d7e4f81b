package scheduler

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"reflect"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Submission is a job, or an array of jobs that differ in their index alone, as its owner asks for it.
type Submission struct {
	// Key makes a submission repeatable: with the same key and the same content it answers with the stored job, with another
	// content it is fault Conflict. At most 128 bytes; "" is none.
	Key string
	// Name is for people, 1 to 200 characters.
	Name string
	// Tier is the service level; "" is Bronze.
	Tier Tier
	// Demand is what each slot needs: up to 1024 cores, 4 TB of memory, 64 GPUs, 1 PB of disk, 1 Tbit/s. Zero cores count as one,
	// zero memory is a guess of 64 MB, and more than one GPU is rounded up to whole ones.
	Demand Demand
	// Task is what to run. In the arguments of an array's task "{index}" is replaced by its index, and "{{index}}" by "{index}".
	Task Task
	// Trust is nil for the tier's default; where that is none and Config.Auditor knows of strangers, it adapts.
	Trust *Trust
	// Estimate is the expected run time on a node of speed 1; zero is unknown.
	Estimate time.Duration
	// MaxRuntime bounds one attempt; zero is ten times the estimate but at least a minute, or without an estimate the
	// greatest that the scheduler allows.
	MaxRuntime time.Duration
	// Deadline ends the job as Expired; the zero time is none.
	Deadline time.Time
	// DataMB is the volume to be moved, in megabytes, and DataAt the region where it lies, at most 128 bytes; "" is nowhere in
	// particular.
	DataMB float64
	DataAt string
	// Priority orders the jobs of an owner within a tier, -MaxPriority to MaxPriority: each unit counts as
	// Params.PriorityStep of waiting. Zero is the usual one.
	Priority int
	// Group names jobs that belong together, at most 128 bytes; see Job.Group. "" is none, or of an array the array.
	Group string
	// Constraints say on which nodes it may run; the zero value takes any.
	Constraints Constraints
	// After are the jobs and arrays that must have ended before this one is queued, at most 64. See Dependency for how to
	// name submissions of the same call.
	After []Dependency
	// Count makes an array of so many jobs, at most 10,000. Each is a job of its own; they are accepted or refused together. Zero and 1
	// are a single job.
	Count int
	// Gang lets all slots of all jobs of the array begin together or not at all; of a single job, all its slots.
	Gang bool
	// MaxPrice is the most that may be held for the job, of an array for each job: all slots that may be paid together, Job.Quote. A quote
	// above it refuses the submission. Zero is no limit.
	MaxPrice Price
}

// Submitted answers one Submission.
type Submitted struct {
	// Job is the stored job; its ID is "" when nothing was stored. Of an array it is the first task, whose identifier names the
	// array as well: Scheduler.Tasks names the others, and List with JobQuery.Array walks them in pages.
	Job Job
	// Fresh is false when the job was stored before under the same key.
	Fresh bool
	// Err is nil when the job is accepted; of kind Invalid with the field, Denied, Conflict (same key, other content), Limited
	// (Quota.MaxQueued), or Insufficient (stored as Refused, or quoted more than Submission.MaxPrice and not stored).
	Err error
}

// Limits of a submission.
const (
	maxKey      = 128
	maxName     = 200
	maxArgs     = 64 << 10 // bytes, together
	maxInputs   = 256
	maxMilliCPU = 1024 * 1000
	maxMemoryMB = 4 << 20
	maxMilliGPU = MaxGPUs * oneGPU
	maxDiskMB   = 1 << 30
	maxMbitPS   = 1 << 20
	maxDataMB   = 1e9
	maxCount    = 10_000
	maxAfter    = 64
	maxWaits    = 100_000 // Count times After: a row each
	maxWord     = 128     // bytes of a group, a region, a label's key or value
	guessMemory = 64      // MB, where a submission names none
)

// usual is the demand up to which nobody has to own a node that could take it for a submission to be accepted.
func usual() Demand { return Demand{MilliCPU: 64 * 1000, MemoryMB: 512 << 10, MilliGPU: 8 * 1000} }

// complete checks a submission and fills its zeros in. Errors are of kind Invalid and name the field as the HTTP interface
// does.
func (b Submission) complete(c *Config, now time.Time) (Submission, error) {
	const op = StepSubmit
	if b.Tier == "" {
		b.Tier = Bronze
	}
	tier, err := ParseTier(string(b.Tier))
	if err != nil {
		return b, err
	}
	b.Tier = tier
	if b.Trust == nil {
		usual := TermsOf(tier).Trust
		b.Trust = &usual
	}
	if err := b.Trust.Validate(); err != nil {
		return b, err
	}
	if b.Trust.Adaptive && c.Auditor == nil {
		return b, fault.Field(op, "trust", "nobody here knows how far devices are to be believed: want none or quorum:k")
	}
	switch n := utf8.RuneCountInString(b.Name); {
	case n < 1 || n > maxName || !utf8.ValidString(b.Name) || strings.ContainsFunc(b.Name, unicode.IsControl):
		return b, fault.Field(op, "name", "want 1 to %d printable characters", maxName)
	case !isText(b.Key, maxKey):
		return b, fault.Field(op, "key", "want at most %d bytes of text", maxKey)
	case !(b.DataMB >= 0 && b.DataMB <= maxDataMB): // NaN as well
		return b, fault.Field(op, "data_size_mb", "%v is not a volume in megabytes", b.DataMB)
	case b.Priority < -MaxPriority || b.Priority > MaxPriority:
		return b, fault.Field(op, "priority", "%d is not between %d and %d", b.Priority, -MaxPriority, MaxPriority)
	case b.MaxPrice < 0:
		return b, fault.Field(op, "max_price", "must not be negative; 0 is no limit")
	case !isDate(b.Deadline):
		return b, fault.Field(op, "deadline", "want a year of up to four digits in UTC")
	case !b.Deadline.IsZero() && !b.Deadline.After(now):
		return b, fault.Field(op, "deadline", "%v has passed", b.Deadline)
	}
	b.Deadline = b.Deadline.UTC().Truncate(time.Microsecond)
	if err := b.Demand.complete(); err != nil {
		return b, err
	}
	if err := b.traits(); err != nil {
		return b, err
	}
	if err := b.span(c.MaxJobRuntime); err != nil {
		return b, err
	}
	return b, b.Task.validate()
}

// complete checks a demand and fills its zeros in.
func (d *Demand) complete() error {
	for _, x := range []struct {
		field       string
		value, most int64
	}{
		{"cpu_required", d.MilliCPU, maxMilliCPU},
		{"memory_required", d.MemoryMB, maxMemoryMB},
		{"gpu_required", d.MilliGPU, maxMilliGPU},
		{"disk_required", d.DiskMB, maxDiskMB},
		{"bandwidth_required", d.MbitPS, maxMbitPS},
	} {
		if x.value < 0 || x.value > x.most {
			return fault.Field(StepSubmit, x.field, "%d is not between 0 and %d", x.value, x.most)
		}
	}
	if d.MilliCPU == 0 {
		d.MilliCPU = 1000
	}
	if d.MemoryMB == 0 {
		d.MemoryMB = guessMemory
	}
	d.MilliGPU = wholeGPUs(d.MilliGPU)
	if d.Executor == "" {
		d.Executor = ExecutorWASM
	}
	if len(d.Executor) > 32 || strings.Trim(d.Executor, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		return fault.Field(StepSubmit, "executor", "want at most 32 of a-z, 0-9 and -")
	}
	return nil
}

// span checks the times and fills the maximum run time in.
func (b *Submission) span(most time.Duration) error {
	if b.Estimate < 0 || b.Estimate > most {
		return fault.Field(StepSubmit, "duration_estimate", "%v is not between 0 and %v", b.Estimate, most)
	}
	if b.MaxRuntime < 0 || b.MaxRuntime > most {
		return fault.Field(StepSubmit, "max_runtime", "%v is not between 0 and %v", b.MaxRuntime, most)
	}
	b.Estimate = b.Estimate.Truncate(time.Microsecond)
	b.MaxRuntime = b.MaxRuntime.Truncate(time.Microsecond)
	if b.MaxRuntime == 0 {
		b.MaxRuntime = most
		if b.Estimate > 0 {
			b.MaxRuntime = min(max(10*b.Estimate, time.Minute), most)
		}
	}
	return nil
}

// validate checks the names and limits in a task.
func (t *Task) validate() error {
	const op = StepSubmit
	if t.Module != "" && !isDigest(t.Module) {
		return fault.Field(op, "module", "want a SHA-256 in lower-case hexadecimal")
	}
	if t.Stdin != "" && !isDigest(t.Stdin) {
		return fault.Field(op, "stdin", "want a SHA-256 in lower-case hexadecimal")
	}
	total := 0
	for _, a := range t.Args {
		total += len(a)
		if !isText(a, maxArgs) {
			return fault.Field(op, "args", "want text without zero bytes")
		}
	}
	if total > maxArgs || len(t.Args) > maxArgs/8 {
		return fault.Field(op, "args", "want at most %d bytes", maxArgs)
	}
	if len(t.Inputs) > maxInputs {
		return fault.Field(op, "inputs", "want at most %d files", maxInputs)
	}
	seen := make(map[string]bool, len(t.Inputs))
	for _, in := range t.Inputs {
		if !isDigest(in.SHA256) {
			return fault.Field(op, "inputs", "%q: want a SHA-256 in lower-case hexadecimal", in.Path)
		}
		if !isRelative(in.Path) || seen[in.Path] {
			return fault.Field(op, "inputs", "%q: want a relative path, clean and named once", in.Path)
		}
		seen[in.Path] = true
	}
	if t.MaxMemoryMB < 0 || t.MaxOutputBytes < 0 || t.MaxStdoutBytes < 0 {
		return fault.Field(op, "limits", "want limits that are not negative")
	}
	return nil
}

func isDigest(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

// isRelative reports whether a path names a file below its root and nothing else.
func isRelative(p string) bool {
	return p != "" && len(p) <= 1024 && utf8.ValidString(p) && path.Clean(p) == p && !path.IsAbs(p) &&
		p != "." && p != ".." && !strings.HasPrefix(p, "../") && !strings.ContainsAny(p, "\\\x00:")
}

// digest tells a repeated submission from another one under the same key.
func (b *Submission) digest() string {
	keyless := *b
	keyless.Key = ""
	sum := sha256.Sum256(canonical(nil, reflect.ValueOf(keyless)))
	return hex.EncodeToString(sum[:])
}

// job is the new job of a completed submission, or the first one of its array.
func (b *Submission) job(p principal.Principal, name JobID, now time.Time) Job {
	j := Job{
		ID: name, Tenant: p.Tenant, Owner: p.Account, Creator: p.Account,
		Key: b.Key, Name: b.Name, Tier: b.Tier, Demand: b.Demand, Task: b.Task, Trust: *b.Trust,
		Estimate: b.Estimate, MaxRuntime: b.MaxRuntime, Deadline: b.Deadline, DataMB: b.DataMB, DataAt: b.DataAt,
		Priority: b.Priority, Group: b.Group, Constraints: b.Constraints, After: b.After, Gang: b.Gang,
		Submitted: now, Order: now, State: Pending, Slots: b.Trust.Replicas, NextToken: 1, Version: 1,
	}
	if b.Key != "" {
		j.BodyDigest = b.digest()
	}
	if b.Count > 1 {
		j.Array, j.Count = name, b.Count
		j.Task.Args = indexed(b.Task.Args, 0)
		if j.Group == "" {
			j.Group = string(name)
		}
	}
	return j
}
