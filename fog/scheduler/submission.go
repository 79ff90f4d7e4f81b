package scheduler

import "time"

// Submission is a job as its owner asks for it.
type Submission struct {
	// Key makes a submission repeatable: with the same key and the same content it answers with the stored job, with another
	// content it is fault Conflict. At most 128 bytes; "" is none.
	Key string
	// Name is for people, 1 to 200 characters.
	Name string
	// Tier is the service level; "" is Bronze.
	Tier Tier
	// Demand is what each slot needs: up to 1024 cores, 4 TB of memory, 64 GPUs. Zero cores count as one, zero memory is
	// a guess of 64 MB.
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
