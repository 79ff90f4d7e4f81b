package scheduler

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"math"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/internal/id"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Submission is a job as its owner asks for it.
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
	Task   Task
	// Trust is nil for the tier's default.
	Trust *Trust
	// Estimate is the expected run time on a node of speed 1; zero is unknown.
	Estimate time.Duration
	// MaxRuntime bounds one attempt; zero is ten times the estimate but at least a minute, or without an estimate the
	// greatest that the scheduler allows.
	MaxRuntime time.Duration
	// Deadline ends the job as Expired; the zero time is none.
	Deadline time.Time
	// DataMB is the volume to be moved, in megabytes.
	DataMB float64
	// Priority orders the jobs of an owner within a tier, -MaxPriority to MaxPriority: each unit counts as
	// Params.PriorityStep of waiting. Zero is the usual one.
	Priority int `json:",omitempty"`
}

// Submitted answers one Submission.
type Submitted struct {
	// Job is the stored job; its ID is "" when nothing was stored.
	Job Job
	// Fresh is false when the job was stored before under the same key.
	Fresh bool
	// Err is nil when the job is accepted; of kind Invalid with the field, Denied, Conflict (same key, other content), or
	// Insufficient (stored as Refused).
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
	guessMemory = 64 // MB, where a submission names none
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
	switch n := utf8.RuneCountInString(b.Name); {
	case n < 1 || n > maxName || !utf8.ValidString(b.Name) || strings.ContainsFunc(b.Name, unicode.IsControl):
		return b, fault.Field(op, "name", "want 1 to %d printable characters", maxName)
	case len(b.Key) > maxKey || !utf8.ValidString(b.Key):
		return b, fault.Field(op, "key", "want at most %d bytes of text", maxKey)
	case !(b.DataMB >= 0 && b.DataMB <= maxDataMB): // NaN as well
		return b, fault.Field(op, "data_size_mb", "%v is not a volume in megabytes", b.DataMB)
	case b.Priority < -MaxPriority || b.Priority > MaxPriority:
		return b, fault.Field(op, "priority", "%d is not between %d and %d", b.Priority, -MaxPriority, MaxPriority)
	case !b.Deadline.IsZero() && !b.Deadline.After(now):
		return b, fault.Field(op, "deadline", "%v has passed", b.Deadline)
	}
	b.Deadline = b.Deadline.UTC().Truncate(time.Microsecond)
	if err := b.Demand.complete(); err != nil {
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
		if !utf8.ValidString(a) || strings.ContainsRune(a, 0) {
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
	text, err := json.Marshal(keyless)
	if err != nil {
		panic("scheduler: a checked submission is always JSON: " + err.Error())
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// job is the new job of a completed submission.
func (b *Submission) job(p principal.Principal, name JobID, digest string, now time.Time) Job {
	return Job{
		ID: name, Tenant: p.Tenant, Owner: p.Account, Creator: p.Account,
		Key: b.Key, BodyDigest: digest, Name: b.Name, Tier: b.Tier, Demand: b.Demand, Task: b.Task, Trust: *b.Trust,
		Estimate: b.Estimate, MaxRuntime: b.MaxRuntime, Deadline: b.Deadline, DataMB: b.DataMB,
		Priority: b.Priority, Submitted: now, Order: now, State: Pending, Slots: b.Trust.Replicas, NextToken: 1, Version: 1,
	}
}

// Submit stores jobs, asks for their funds and queues them; each has an answer of its own, in the same order. It is
// idempotent for submissions with a Key. A job whose funds could not be asked for, because the escrow does not answer, is
// returned as Pending and asked for again later. The error is of kind Unavailable when the outcome of all is unknown.
func (s *Scheduler) Submit(ctx context.Context, submissions []Submission) ([]Submitted, error) {
	out, ins, at, err := s.admit(ctx, submissions)
	if err != nil {
		return nil, fault.Wrap(StepSubmit, err)
	}
	stored, err := s.inserts.Do(ctx, ins...)
	if err != nil {
		return nil, fault.Wrap(StepSubmit, err)
	}
	var unfunded []Job
	for k, i := range at {
		out[i] = answer(&ins[k].Job, stored[k])
		if stored[k].Fresh && stored[k].Job.State == Pending {
			unfunded = append(unfunded, stored[k].Job)
		}
	}
	funded := s.fund(ctx, unfunded)
	for i := range out {
		if job, ok := funded[out[i].Job.ID]; ok {
			out[i] = answer(&out[i].Job, Inserted{Job: job, Fresh: out[i].Fresh})
		}
	}
	return out, nil
}

// SubmitTx stores jobs inside the caller's transaction: they exist exactly if it commits. Nothing is asked or queued
// before; that is the planner's, within Config.Poll. It is of kind Unavailable where the store has no such ability.
func (s *Scheduler) SubmitTx(ctx context.Context, tx *sql.Tx, submissions []Submission) ([]Submitted, error) {
	if s.cfg.Abilities.InsertTx == nil {
		return nil, fault.New(fault.Unavailable, StepSubmit, "this store cannot join a transaction")
	}
	out, ins, at, err := s.admit(ctx, submissions)
	if err != nil {
		return nil, fault.Wrap(StepSubmit, err)
	}
	for k := range ins {
		if j := &ins[k].Job; j.State == Pending {
			j.ReadyAt = j.Submitted
			j.DueAt = j.Submitted
		}
	}
	stored, err := s.cfg.Abilities.InsertTx(ctx, tx, ins)
	if err != nil {
		return nil, fault.Wrap(StepSubmit, err)
	}
	for k, i := range at {
		out[i] = answer(&ins[k].Job, stored[k])
	}
	return out, nil
}

// answer is what the store's answer means to the submitter.
func answer(asked *Job, got Inserted) Submitted {
	a := Submitted{Job: got.Job, Fresh: got.Fresh}
	switch {
	case asked.BodyDigest != got.Job.BodyDigest:
		a = Submitted{Err: fault.Newf(fault.Conflict, StepSubmit, "key %q was used for another submission", asked.Key)}
	case got.Job.State == Refused:
		a.Err = fault.New(fault.Insufficient, StepSubmit, got.Job.Reason)
	}
	return a
}

// admit checks, authorizes and prices submissions. It answers with the insertions, and for each the submission's index; the
// others have their errors in out.
func (s *Scheduler) admit(ctx context.Context, submissions []Submission) (out []Submitted, ins []Insertion, at []int, err error) {
	p := principal.From(ctx)
	now := s.now()
	out = make([]Submitted, len(submissions))
	if err := s.cfg.Authorize.Authorize(ctx, p, StepSubmit, principal.Resource{Kind: "jobs", Tenant: p.Tenant, Owner: p.Account}); err != nil {
		return nil, nil, nil, err
	}
	jobs := make([]Job, 0, len(submissions))
	for i := range submissions {
		b, err := submissions[i].complete(&s.cfg, now)
		if err == nil {
			err = s.possible(ctx, p.Tenant, &b.Demand)
		}
		if err != nil {
			out[i].Err = err
			continue
		}
		digest := ""
		if b.Key != "" {
			digest = b.digest()
		}
		jobs = append(jobs, b.job(p, JobID(id.New(now, s.cfg.Random)), digest, now))
		at = append(at, i)
	}
	prices, err := s.cfg.Pricer.Quote(ctx, jobs)
	if err != nil {
		return nil, nil, nil, err
	}
	ins = make([]Insertion, len(jobs))
	for k := range jobs {
		ins[k] = s.insertion(&jobs[k], prices[k])
	}
	return out, ins, at, nil
}

// possible refuses an unusually great demand that no node of the tenant could ever meet.
func (s *Scheduler) possible(ctx context.Context, tenant principal.Tenant, d *Demand) error {
	most := usual()
	room := most.capacity()
	room.DiskMB, room.MbitPS = maxDiskMB, maxMbitPS
	lacking := room.short(d)
	if lacking == dimNone {
		return nil
	}
	nodes, err := s.cfg.Store.Nodes(ctx, tenant)
	if err != nil {
		return err
	}
	for i := range nodes {
		if lacking = nodes[i].Capacity.short(d); lacking == dimNone {
			return nil
		}
	}
	return fault.Field(StepSubmit, lacking.field(), "no node is that large")
}

// insertion prices a new job and puts it where it starts: before the queue if its funds are to be held, else into it.
func (s *Scheduler) insertion(j *Job, price Price) Insertion {
	j.Price = max(price, 0)
	j.Quote = Price(math.MaxInt64)
	if n := Price(j.Trust.Replicas); j.Price <= math.MaxInt64/n {
		j.Quote = j.Price * n
	}
	j.Order = orderOf(j.Submitted, j.Priority, s.params().PriorityStep)
	d := newDraft(Record{Job: *j}, j.Submitted, s.rules())
	if s.cfg.Escrow == nil || j.Quote == 0 {
		d.enqueue("submitted")
	} else {
		d.askLater()
		d.note("submitted")
	}
	d.Job.DueAt = d.due()
	return Insertion{Job: d.Job, Tally: birthTally(&d.Job)}
}

// insert is what the combiner of submissions runs.
func (s *Scheduler) insert(ctx context.Context, ins []Insertion) ([]Inserted, error) {
	stored, err := s.cfg.Store.Insert(ctx, ins)
	if err != nil {
		return nil, fault.Wrap("scheduler.insert", err)
	}
	s.cfg.Step(StepSubmit)
	for i := range stored {
		if stored[i].Fresh && stored[i].Job.State == Queued {
			s.marks.ready(stored[i].Job.ReadyAt)
		}
	}
	return stored, nil
}
