package scheduler

import (
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// JobID names a job. Identifiers sort by the time they were made.
type JobID string

// State is where a job stands. The diagram:
//
//	            hold refused
//	pending ───────────────▶ refused
//	   │ hold granted
//	   │            what it comes after ended otherwise
//	   ├──▶ blocked ───────────────────▶ cancelled
//	   │       │ all ended as wished    lost, failed below its limit,
//	   │       │                        withdrawn: the slot is open again
//	   ▼       ▼                      ┌────────────────────────┐
//	queued ── every open slot placed ──▶ placed ── leased ──▶ running
//	   ▲                                                       │ every slot reported
//	   │      no quorum, or to be compared: one slot more      ▼
//	   └─────────────────────────────────────────────────── reported
//	   ▲                                                       │ quorum agrees, or believed alone
//	   │      its node is doubted: one slot more               ▼
//	   └────────────────────────────────────────────────── validated ── window over ──▶ vested
//
//	pending, blocked, queued, placed, running ── Pause ──▶ paused ── Resume ──▶ pending, blocked or queued
//	anything before validated ── Cancel ──▶ cancelled
//	anything before validated ── Deadline passed ──▶ expired
//	pending … reported ── failure limit, confirmed failure, no quorum ──▶ failed
//
// Queued, placed, running and reported are never chosen: they are an aggregate of the job's attempts, computed anew
// after each change, so that a job and its attempts cannot disagree. Reported is passed within one commit, because
// validation follows at once, unless the auditor has to be asked first; validated is passed within the same commit when the vesting window is zero.
type State string

// The states of a job. Refused, Vested, Cancelled, Failed and Expired are final.
const (
	// Pending jobs are stored and wait for their payer's funds to be held.
	Pending State = "pending"
	// Blocked jobs wait for the jobs that they come after; their funds are held.
	Blocked State = "blocked"
	// Queued jobs have at least one slot that waits for a node.
	Queued State = "queued"
	// Refused jobs could not be paid for. Final.
	Refused State = "refused"
	// Placed jobs have a node for each slot and no slot has begun.
	Placed State = "placed"
	// Running jobs have begun and no slot waits for a node.
	Running State = "running"
	// Reported jobs have a result in each slot.
	Reported State = "reported"
	// Validated jobs have a result that their trust rule accepts; the vesting window runs.
	Validated State = "validated"
	// Vested jobs are done and may be paid. Final.
	Vested State = "vested"
	// Paused jobs wait for Resume. Their live attempts were withdrawn.
	Paused State = "paused"
	// Cancelled jobs were ended by their owner. Final.
	Cancelled State = "cancelled"
	// Failed jobs will not be tried again. Final.
	Failed State = "failed"
	// Expired jobs passed their deadline. Final.
	Expired State = "expired"
)

// Final reports whether no further change of state is possible.
func (s State) Final() bool {
	switch s {
	case Refused, Vested, Cancelled, Failed, Expired:
		return true
	}
	return false
}

// States lists every state of a job, in the order of a job's way.
func States() []State {
	return []State{Pending, Blocked, Queued, Refused, Placed, Running, Reported, Validated, Vested, Paused, Cancelled, Failed, Expired}
}

// Demand is what one slot of a job needs from its node.
type Demand struct {
	// MilliCPU is in thousandths of a core.
	MilliCPU int64
	// MemoryMB is in megabytes of 2^20 bytes.
	MemoryMB int64
	// MilliGPU is in thousandths of a device: below 1000 a share of one device, else whole devices. More than zero asks for
	// a node with the "gpu" executor as well.
	MilliGPU int64
	// DiskMB is scratch space in megabytes of 2^20 bytes.
	DiskMB int64 `json:",omitempty"`
	// MbitPS is network bandwidth in megabits (10^6) a second.
	MbitPS int64 `json:",omitempty"`
	// Executor is the kind of program the node must be able to run; "wasm" when a submission leaves it empty.
	Executor string
}

// Input is one file that a task reads.
type Input struct {
	// Path is relative, below /in.
	Path string `json:"path"`
	// SHA256 is the content's digest in lower-case hexadecimal.
	SHA256 string `json:"sha256"`
}

// Task is what a job runs. The scheduler carries it and does not look inside.
type Task struct {
	// Module is the digest of the program in lower-case hexadecimal.
	Module string `json:"module,omitempty"`
	// Args are the program's arguments, without its name.
	Args []string `json:"args,omitempty"`
	// Inputs are mounted read-only below /in.
	Inputs []Input `json:"inputs,omitempty"`
	// Output asks for the files that the program leaves below /out.
	Output bool `json:"output,omitempty"`
	// Stdin is the digest of the standard input; "" is an empty one.
	Stdin string `json:"stdin,omitempty"`
	// Seed feeds the program's random numbers, so that replicas compute the same bytes.
	Seed uint64 `json:"seed,omitempty"`
	// MaxMemoryMB limits the program's memory; zero is the node's default.
	MaxMemoryMB int64 `json:"maxMemoryMb,omitempty"`
	// MaxOutputBytes limits everything below /out; zero is the node's default.
	MaxOutputBytes int64 `json:"maxOutputBytes,omitempty"`
	// MaxStdoutBytes limits the standard output; zero is MaxStdout, and more than MaxStdout is not kept.
	MaxStdoutBytes int64 `json:"maxStdoutBytes,omitempty"`
}

// Job is one unit of work and everything the scheduler decided about it. A stored Job is never changed in place: its
// maps, slices and pointers are replaced, not written to, so that copies may share them.
type Job struct {
	// These are fixed when the job is submitted.

	ID      JobID
	Tenant  principal.Tenant
	Owner   principal.Account // pays
	Creator principal.Account // who submitted it
	// Key is the client's idempotency key, unique for tenant and owner; "" is none.
	Key string
	// BodyDigest is the digest of the submission, to tell a repeated one from another one under the same Key.
	BodyDigest string
	Name       string
	Tier       Tier
	Demand     Demand
	Task       Task
	Trust      Trust
	// Estimate is the expected run time on a node of speed 1; zero is unknown.
	Estimate time.Duration
	// MaxRuntime bounds one attempt's run time, time spent suspended not counted. Never zero.
	MaxRuntime time.Duration
	// Deadline ends the job as Expired if it is not validated by then; the zero time is none.
	Deadline time.Time
	// DataMB is the volume to be moved to the node, in megabytes, and DataAt the region where it lies; "" is nowhere in
	// particular.
	DataMB float64
	DataAt string
	// Priority orders the jobs of a tier and owner, see Order; zero is the usual one.
	Priority int
	// Group names the jobs that Constraints.Spread and Constraints.Together count together, among those of its owner; "" is none.
	Group       string
	Constraints Constraints
	// After are the jobs that must have ended before this one is queued.
	After []Dependency
	// Array is the job's array, named like its first job; "" for a single job. Index counts from 0 and Count is the size.
	Array        JobID
	Index, Count int
	// Gang says that the jobs of the array begin together or not at all.
	Gang bool
	// Order is when the job counts as submitted in the queue: earlier by Params.PriorityStep for each unit of Priority.
	Order time.Time
	// Price is what one valid slot earns.
	Price Price
	// Quote is Price times the slots that may be paid, Trust.Replicas or two of an adaptive job: what is held from the owner.
	Quote     Price
	Submitted time.Time

	// These change. Version counts the changes, from 1.

	State State
	// Resume is Pending, Blocked or Queued while State is Paused, else "".
	Resume State
	// Reason says in words why the job is in its state; "" where nothing needs to be said.
	Reason string
	// Progress is 0..1.
	Progress float64
	// Node is the node of the newest attempt; "" before the first.
	Node NodeID
	// Slots is the number of slots, Trust.Replicas, one more where an adaptive job's result is compared, and up to two more where
	// results disagreed.
	Slots int
	// Queued is when the job last began to wait for a node.
	Queued time.Time
	// Started is when the first attempt was leased.
	Started time.Time
	// Finished is when the job was validated or, failing that, reached a final state.
	Finished time.Time
	// ReadyAt is the earliest next placement of a queued job, and the next request for funds of a pending one.
	ReadyAt time.Time
	// Boost is by how many tiers the job has risen in the queue because it waited for so long. Its terms stay those of Tier.
	Boost int
	// DueAt is the job's next timer; the zero time is none.
	DueAt time.Time
	// NextToken is the fencing token that the next attempt gets; it only grows.
	NextToken int64
	// Failures counts the failed attempts by class.
	Failures map[Class]int
	// Result is the accepted result, or the confirmed failure; nil before.
	Result *Result
	// Log is the job's recent history, at most MaxLog lines, oldest first.
	Log     []LogLine
	Version int64
}

// MaxLog is the number of lines that Job.Log keeps.
const MaxLog = 64

// LogLine is one step in a job's history.
type LogLine struct {
	At    time.Time `json:"at"`
	State State     `json:"state"`
	Text  string    `json:"text"`
}

// Record is a job with its attempts, ordered by token.
type Record struct {
	Job      Job
	Attempts []Attempt
}

// funded takes the escrow's answer for a pending job, or for one that was paused while the question was open.
func (d *draft) funded(answer error) {
	j := &d.Job
	paused := j.State == Paused && j.Resume == Pending
	if j.State != Pending && !paused {
		return
	}
	switch {
	case answer == nil && paused:
		j.Resume = j.first()
		d.say("funds held")
	case answer == nil:
		d.proceed("funds held")
	case refuses(answer):
		j.Resume = ""
		d.end(Refused, fault.Detail(answer))
	default:
		d.askLater()
	}
}

// askLater sets the time of the next request for funds.
func (d *draft) askLater() {
	if d.Job.State == Pending {
		d.Job.ReadyAt = d.now.Add(d.rules.holdRetry)
		d.changed = true
	}
}

// enqueue lets the job wait for nodes.
func (d *draft) enqueue(why string) {
	j := &d.Job
	j.State, j.Reason = Queued, ""
	j.Queued, j.ReadyAt = d.now, d.now
	d.say(why)
}

// cancel ends the job at its owner's wish.
func (d *draft) cancel() error {
	switch s := d.Job.State; {
	case d.Job.audited():
		return underAudit("cancel")
	case s.aggregated() || s == Pending || s == Blocked || s == Paused:
		d.Job.Resume = ""
		d.end(Cancelled, "cancelled")
		return nil
	default:
		return wrongState("cancel", &d.Job)
	}
}

// pause withdraws the job's live attempts: without checkpoints the work done in them is given up. Results that replicas
// reported already are kept.
func (d *draft) pause() error {
	j := &d.Job
	switch s := j.State; {
	case j.audited():
		return underAudit("pause")
	case s == Pending || s == Blocked:
		j.Resume = s
	case s.aggregated():
		j.Resume = Queued
	default:
		return wrongState("pause", j)
	}
	for i := range d.Attempts {
		if a := &d.Attempts[i]; a.State.Live() {
			d.close(a, AttemptCancelled, "paused")
		}
	}
	d.enter(Paused, "")
	return nil
}

// resume lets a paused job go on where it may: in the queue, or before it where its funds are not held yet.
func (d *draft) resume() error {
	j := &d.Job
	if j.State != Paused {
		return wrongState("resume", j)
	}
	back := j.Resume
	j.Resume = ""
	switch back {
	case Pending:
		j.State, j.ReadyAt = Pending, d.now
		d.say("resumed")
		return nil
	case Blocked:
		d.block("resumed")
		return nil
	}
	d.enqueue("resumed")
	d.aggregate()
	return nil
}

func underAudit(verb string) error {
	return fault.Newf(fault.Conflict, "scheduler."+verb, "cannot %s a job that has a result, which is being audited", verb)
}

func wrongState(verb string, j *Job) error {
	return fault.Newf(fault.Conflict, "scheduler."+verb, "cannot %s a job that is %s", verb, j.State)
}
