package scheduler

import "time"

// Claim is what a node says when it asks for leases.
type Claim struct {
	Node NodeID
	// Held are the attempts that the node runs.
	Held []Held
	// Take is how many new attempts the node wants at most.
	Take int
	// Restarted says that the node has just started and runs nothing but what it holds: whatever else was leased to it is
	// lost and is tried again at once, rather than when its lease ends.
	Restarted bool
}

// Held is one attempt that a node runs.
type Held struct {
	Attempt AttemptID
	Token   int64
	// Suspended says that the attempt waits for the node's user to leave.
	Suspended bool
	// Progress is 0..1; less than what is known counts as unknown.
	Progress float64
}

// Grant answers a claim.
type Grant struct {
	// Renewed are the held attempts that go on, each with its lease.
	Renewed []Lease
	// Cancel are the held attempts that the node must stop: their job is over, paused, or somebody else's.
	Cancel []AttemptID
	// Offers are new attempts, leased from now on.
	Offers []Offer
}

// Lease is the right to run an attempt until a time by the server's clock.
type Lease struct {
	Attempt AttemptID
	Token   int64
	Until   time.Time
}

// Offer is an attempt that a node is to run.
type Offer struct {
	Attempt AttemptID
	Token   int64
	Job     JobID
	Name    string
	Until   time.Time
	Task    Task
	Demand  Demand
	// MaxRuntime bounds the run time, time spent suspended not counted.
	MaxRuntime time.Duration
}

// Report is the end of an attempt as its node saw it: a result, or a failure with its class.
type Report struct {
	Attempt AttemptID
	Token   int64
	// Node is the reporting node; "" is not checked.
	Node NodeID
	// Result is what the program left, whatever its exit code; nil is a failure of class Class.
	Result *Result
	// Class says whose fault a failure was; "" with a nil Result is ClassDevice.
	Class  Class
	Reason string
}

// ReportVerdict answers a report. The same report again has the same verdict.
type ReportVerdict struct {
	Attempt AttemptID
	// State is the attempt's state after the report.
	State AttemptState
	// Job is the job's state after the report.
	Job State
	// Err is nil when the report was taken; of kind Conflict when the token is old or another result was reported before,
	// NotFound when there is no such attempt, Denied when it belongs to somebody else, Invalid when the report is malformed. Then
	// nothing changed.
	Err error
}
