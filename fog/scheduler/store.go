package scheduler

import (
	"context"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Fence is the number under which a server holds a duty; the zero Fence is not checked.
type Fence = duty.Fence

// ErrFenced answers a commit under a fence that is no longer the newest: another server plans now.
var ErrFenced = duty.ErrFenced

// Store is the port to the scheduler's rows: Memory, or schedulerdb on PostgreSQL and SQLite. All implementations pass
// schedulertest. Each method that writes is one transaction. Times are in UTC with microseconds; what a method returns is
// the caller's own, except that the contents of maps, slices and pointers inside a Job, Attempt or Node are shared
// and must not be written to.
type Store interface {
	Jobs
	Queue
	Lines
	Arrays
	Nodes
	Reserved
	Quotas
	Schedules
	Feed
}

// Jobs stores jobs and attempts.
type Jobs interface {
	// Insert stores new jobs with the rest of their arrays, their facts and tallies, and answers one Inserted for each in the
	// same order. A job whose (tenant, owner, non-empty key) is stored already, or came earlier in the same call, is not
	// stored (nor are its array, facts and tallies): the stored one comes back with Fresh false, whatever its body is.
	Insert(ctx context.Context, jobs []Insertion) ([]Inserted, error)
	// Load reads jobs with all their attempts. Unknown identifiers are left out; the order is not defined.
	Load(ctx context.Context, ids []JobID) ([]Record, error)
	// Commit stores changes that were decided on loaded records, in one transaction, and answers for each whether it was
	// written. A change whose job's version is not Was any more is stale: nothing of it is written, nor of those that have its
	// Bond; the others are.
	// No two changes are of the same job. With a fence that is not the newest: ErrFenced, and nothing is written.
	Commit(ctx context.Context, fence Fence, changes []Change) ([]bool, error)
	// Find lists jobs, newest first (by submission time, then identifier, descending). Jobs come without Task, Log
	// and Result.
	Find(ctx context.Context, q JobQuery) (JobPage, error)
	// Tenants names the tenants that have jobs, in order.
	Tenants(ctx context.Context) ([]principal.Tenant, error)
	// Purge deletes at most limit jobs in a final state with Finished before the time, with their attempts, and says how many.
	// Those for which others wait, and the tasks of arrays for which others wait, are kept. Tallies stay.
	Purge(ctx context.Context, finishedBefore time.Time, limit int) (int, error)
}

// Queue answers what the planner and the nodes ask again and again.
type Queue interface {
	// Ready reads queued jobs with ReadyAt <= now, best rank first and only those after the given rank (nil: from the
	// best), at most limit. The records are shared and must not be written to.
	Ready(ctx context.Context, now time.Time, after *Rank, limit int) ([]*Record, error)
	// Due reads jobs with a DueAt <= now (a zero DueAt is none), earliest first, at most limit.
	Due(ctx context.Context, now time.Time, limit int) ([]Record, error)
	// Live reads the placed, running and suspended attempts on the given nodes (nil: on all; empty: none), without results.
	// The order is not defined.
	Live(ctx context.Context, nodes []NodeID) ([]Attempt, error)
	// Tally reads the running sums of a tenant. They are maintained by Insert and Commit, never counted from jobs.
	Tally(ctx context.Context, tenant principal.Tenant) (map[TallyKey]int64, error)
}

// Arrays answers for jobs that are spoken of together: those of an array, and those that wait for others.
type Arrays interface {
	// Outcomes counts the jobs behind each name by their state: all stored tasks where it names an array, else the one
	// job. Unknown names are left out.
	Outcomes(ctx context.Context, names []JobID) (map[JobID]Outcome, error)
	// Tasks lists the stored jobs of an array by their index.
	Tasks(ctx context.Context, array JobID) ([]JobID, error)
	// Waiting lists the jobs that have one of the names in After and are pending, blocked or paused without having been
	// queued before, each once; the order is not defined.
	Waiting(ctx context.Context, names []JobID) ([]JobID, error)
}

// Outcome is a number of jobs by their state.
type Outcome map[State]int64

// Nodes stores nodes.
type Nodes interface {
	// SaveNodes inserts nodes or replaces them, except Drained and Marks, which are kept (zero for a new one). A node whose Source
	// is older than the stored one's is ignored; an equal one is saved.
	SaveNodes(ctx context.Context, fence Fence, nodes []Node) error
	// Nodes reads the nodes of a tenant ("": of all), ordered by identifier.
	Nodes(ctx context.Context, tenant principal.Tenant) ([]Node, error)
	// SetDrain sets a node's Drained and Updated. An unknown node is fault NotFound.
	SetDrain(ctx context.Context, id NodeID, drained bool, now time.Time) error
	// SetMarks sets a node's Marks and Updated. An unknown node is fault NotFound.
	SetMarks(ctx context.Context, id NodeID, marks Marks, now time.Time) error
	// Usage sums up what live attempts of a tenant ("": of all) take up, for each node that has any; the order is not defined.
	Usage(ctx context.Context, tenant principal.Tenant) ([]Usage, error)
	// DeleteNodes deletes nodes; unknown ones are ignored.
	DeleteNodes(ctx context.Context, ids []NodeID) error
}

// Usage is what live attempts take up on a node.
type Usage struct {
	Node NodeID
	Used Capacity
	Live int // attempts
}

// Reserved stores reservations.
type Reserved interface {
	// SaveReservations inserts reservations or replaces those of the same tenant and identifier.
	SaveReservations(ctx context.Context, reservations []Reservation) error
	// Reservations reads those of a tenant ("": of all), ordered by tenant and identifier.
	Reservations(ctx context.Context, tenant principal.Tenant) ([]Reservation, error)
	// DeleteReservations deletes some of a tenant's; unknown ones are ignored.
	DeleteReservations(ctx context.Context, tenant principal.Tenant, ids []string) error
}

// Insertion is a new job with what is stored beside it.
type Insertion struct {
	Job Job // Version 1
	// Rest are the further tasks of the array whose first is Job. They are stored exactly if it is, and have no key.
	Rest  []Job
	Facts []Fact
	Tally Tally // of all of them; shared, not to be written to
	// News puts an event of Job into the feed, at its Submitted.
	News bool
	// Known stores nothing: the answer is the job that is stored under the key, or the zero Inserted where there is none.
	Known bool
}

// Inserted is the answer to one Insertion.
type Inserted struct {
	Job   Job
	Fresh bool // false: stored before under the same key
}

// Change is one job's change.
type Change struct {
	// Was is the version on which the change was decided; Record.Job.Version is Was+1.
	Was int64
	// Record holds the whole job after the change and those of its attempts that are new or changed. An attempt is
	// new where its identifier is not stored; of a stored one only the fields named as changing in Attempt may differ, and
	// of a job only those named in Job. The store may keep it: nobody writes to it any more.
	Record *Record
	Facts  []Fact
	// Tally is added to the sums of the job's tenant.
	Tally Tally
	// News puts an event of the job into the feed, at the time Now.
	News bool
	Now  time.Time
	// Yield lets the change count as stale, where the store can tell, instead of waiting while somebody else is writing the job. It
	// has no Bond.
	Yield bool
	// Bond ties changes of one call together: of those with the same Bond all are written or none. "" is none.
	Bond string
}

// Tally is a set of sums, or of what is to be added to them.
type Tally map[TallyKey]int64

// TallyKey names one running sum of a tenant.
type TallyKey struct {
	Tier Tier
	Name string // such as "state.queued" or "wait_us"; stats.go lists them
}

// Rank is a job's place in the queue: higher weight first, then the earlier Order, then the smaller identifier.
type Rank struct {
	Weight int // of the tier to which the job has risen
	Order  time.Time
	ID     JobID
}

// RankOf is the rank of a job.
func RankOf(j *Job) Rank {
	return Rank{Weight: TermsOf(j.Tier.raised(j.Boost)).Weight, Order: j.Order, ID: j.ID}
}

// Compare is negative when r comes before o.
func (r Rank) Compare(o Rank) int {
	if r.Weight != o.Weight {
		return o.Weight - r.Weight
	}
	if c := r.Order.Compare(o.Order); c != 0 {
		return c
	}
	return strings.Compare(string(r.ID), string(o.ID))
}

// JobQuery selects the jobs of one tenant. The zero values of its other fields select everything.
type JobQuery struct {
	Tenant principal.Tenant
	Owner  principal.Account
	States []State
	Tier   Tier
	// Array selects the tasks of one array; "" selects all jobs. With it the page counts tasks of the array only.
	Array JobID
	// Limit is the page's size; zero is 100 and the greatest is 1000.
	Limit int
	// Cursor is JobPage.Next of the page before; "" is the first page. A malformed one is fault Invalid, field "cursor".
	Cursor string
}

// JobPage is one page of jobs.
type JobPage struct {
	Jobs []Job
	// Next is the cursor of the next page; "" when this is the last.
	Next string
	// Total counts the jobs of the tenant, owner and array, Filtered those that match the whole query.
	Total, Filtered int64
}

// PageSize is the number of jobs that a query asks for, between 1 and 1000.
func (q JobQuery) PageSize() int {
	switch {
	case q.Limit <= 0:
		return 100
	case q.Limit > 1000:
		return 1000
	}
	return q.Limit
}

// Cursor is a place in a list of jobs: the last job that was shown.
type Cursor struct {
	Submitted time.Time
	ID        JobID
}

// String writes a cursor for clients, who must not look inside.
func (c Cursor) String() string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(c.Submitted.UnixMicro(), 36) + "." + string(c.ID)))
}

// ParseCursor reads what String wrote; anything else is fault Invalid, field "cursor".
func ParseCursor(s string) (Cursor, error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	stamp, job, found := strings.Cut(string(raw), ".")
	micro, perr := strconv.ParseInt(stamp, 36, 64)
	if err != nil || perr != nil || !found || job == "" {
		return Cursor{}, fault.Field("scheduler.list", "cursor", "not a cursor of this list")
	}
	return Cursor{Submitted: time.UnixMicro(micro).UTC(), ID: JobID(job)}, nil
}
