package scheduler

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Code names a reason why a job waits.
type Code string

// The reasons. Those that count nodes say how many nodes they rule out.
const (
	CodeAwaitingFunds  Code = "awaiting_funds"    // the payer's funds are not held yet
	CodeAwaitingJobs   Code = "awaiting_jobs"     // jobs that it comes after have not ended
	CodePaused         Code = "paused"            // its owner paused it
	CodeBackOff        Code = "back_off"          // it failed and is tried again later
	CodeNoNodes        Code = "no_nodes"          // the fleet is empty
	CodeAllDown        Code = "all_nodes_down"    // the fleet is down as a whole
	CodeNodeDown       Code = "node_down"         // nodes that are down
	CodeDrained        Code = "drained"           // nodes that an operator drained
	CodeIneligible     Code = "device_ineligible" // nodes that may not take work now, with their own reasons
	CodeNoExecutor     Code = "no_executor"       // nodes that cannot run this kind of program
	CodeCPUNever       Code = "cpu_never"         // nodes with too few cores in total
	CodeMemoryNever    Code = "memory_never"
	CodeGPUNever       Code = "gpu_never" // nodes with too few GPUs, or with none that is large enough
	CodeDiskNever      Code = "disk_never"
	CodeNetworkNever   Code = "network_never"
	CodeCPUBusy        Code = "cpu_busy" // nodes with too few free cores now
	CodeMemoryBusy     Code = "memory_busy"
	CodeGPUBusy        Code = "gpu_busy"
	CodeDiskBusy       Code = "disk_busy"
	CodeNetworkBusy    Code = "network_busy"
	CodeLabels         Code = "labels"          // nodes whose labels do not meet what it requires
	CodeTainted        Code = "tainted"         // nodes with a taint that it does not tolerate
	CodeReservation    Code = "reservation"     // nodes that an operator reserved for somebody else
	CodeSpread         Code = "spread"          // nodes where as many jobs of its group run as it allows
	CodeTogether       Code = "together"        // nodes apart from the place where its group runs
	CodeOwnDevice      Code = "own_device"      // nodes of the job's own owner: nobody pays himself
	CodeReplicaThere   Code = "replica_there"   // nodes of an owner who has another replica of the job
	CodeZone           Code = "zone"            // nodes in the zone of another replica, while others could take it
	CodeFailedThere    Code = "failed_there"    // nodes of an owner on whose node the job failed, while others could take it
	CodeDistinctOwners Code = "distinct_owners" // its trust needs more distinct owners than could ever take it
	CodeNeverHere      Code = "never_here"      // no node of this fleet can ever take it
	CodeNextRound      Code = "next_round"      // a node could take it: it is placed in a coming round
	CodeQuota          Code = "quota_reached"   // its owner takes up as much as the quota allows
	CodeBehind         Code = "behind_in_queue" // other jobs come first
	CodeReservedFor    Code = "reserved_for"    // nodes whose room is kept for jobs that come first
	CodeGang           Code = "gang"            // what begins with it needs room at the same time
	CodeEvicting       Code = "evicting"        // others make way for it
	CodeAwaitingPickUp Code = "awaiting_pickup" // placed, and not fetched by its node yet
	CodeWorking        Code = "working"         // every slot is at work
)

// Reason is one reason why a job waits, for programs (Code, Nodes) and for people (Text).
type Reason struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
	// Nodes is the number of nodes that the reason rules out; zero where it is not about nodes.
	Nodes int `json:"nodes,omitempty"`
}

// Explanation says why a job is where it is.
type Explanation struct {
	Job   JobID
	State State
	// Record is the job that the reasons are about, as it was read.
	Record Record
	// Reasons are all that apply, the decisive ones first; empty once the job is final.
	Reasons []Reason
	// StartsAt is when a queued job should start, if what runs ends when it should and nobody comes who goes first. The zero
	// time is unknown, as for all but the first jobs of a long queue.
	StartsAt time.Time
}

// Explain says why a job is where it is, with every reason that applies. Errors are of kind NotFound, Denied and
// Unavailable.
func (s *Scheduler) Explain(ctx context.Context, id JobID) (Explanation, error) {
	const op = "scheduler.explain"
	r, err := s.Get(ctx, id)
	if err != nil {
		return Explanation{}, fault.Wrap(op, err)
	}
	e := Explanation{Job: id, State: r.Job.State, Record: r}
	if r.Job.State == Blocked {
		e.Reasons, err = s.awaited(ctx, &r.Job)
		return e, fault.Wrap(op, err)
	}
	if r.Job.State != Queued {
		e.Reasons = r.standing()
		return e, nil
	}
	fleets, err := s.fleets.Do(ctx, r.Job.Tenant)
	if err != nil {
		return Explanation{}, fault.Wrap(op, err)
	}
	e.Reasons = explain(&r, fleets[0], s.now())
	if r.Job.ReadyAt.Before(s.now()) {
		e.StartsAt = fleets[0].ahead.starts[id]
	}
	return e, nil
}

// readFleets reads the fleets of the tenants whose jobs many callers want to have explained at once. Callers of one tenant share
// its fleet, which they only read.
func (s *Scheduler) readFleets(ctx context.Context, tenants []principal.Tenant) ([]*fleet, error) {
	known := make(map[principal.Tenant]*fleet, 1)
	out := make([]*fleet, len(tenants))
	for i, tenant := range tenants {
		if known[tenant] == nil {
			nodes, live, err := s.fleetRows(ctx, tenant)
			if err != nil {
				return nil, err
			}
			f := newFleet(nodes, live, s.cfg.Objectives)
			if f.booked, err = s.cfg.Store.Reservations(ctx, tenant); err != nil {
				return nil, err
			}
			f.shared = true
			if f.ahead, err = s.ahead(ctx, tenant, nodes, live, f.booked); err != nil {
				return nil, err
			}
			known[tenant] = f
		}
		out[i] = known[tenant]
	}
	return out, nil
}

// standing are the reasons of a job that does not wait for a node.
func (r *Record) standing() []Reason {
	switch j := &r.Job; j.State {
	case Pending:
		return []Reason{{Code: CodeAwaitingFunds, Text: "its price is not held on its owner's account yet: the escrow is asked again until it answers"}}
	case Paused:
		return []Reason{{Code: CodePaused, Text: "it is paused: resume it"}}
	case Placed:
		return []Reason{{Code: CodeAwaitingPickUp, Text: fmt.Sprintf("placed on %s, which has not fetched it yet", j.Node)}}
	case Running, Reported, Validated:
		return []Reason{{Code: CodeWorking, Text: "every slot is at work or has its result"}}
	}
	return nil
}

// explain is why a queued job waits, by the same filters that place it.
func explain(r *Record, f *fleet, now time.Time) []Reason {
	var out []Reason
	say := func(c Code, nodes int, format string, a ...any) {
		out = append(out, Reason{Code: c, Text: fmt.Sprintf(format, a...), Nodes: nodes})
	}
	q := requestOf(r, now)
	t := q.survey(f)
	order, decided := f.ahead.reasons(&q, f)
	switch {
	case len(f.nodes) == 0:
		say(CodeNoNodes, 0, "no device has been registered")
	case t.able == 0:
		say(CodeNeverHere, len(f.nodes), "no device of this fleet can ever take it")
	case t.count[CodeNodeDown] == len(f.nodes):
		say(CodeAllDown, len(f.nodes), "all %d devices are down", len(f.nodes))
	}
	if need := len(q.slots); t.able > 0 && t.ableOwners < need {
		say(CodeDistinctOwners, 0, "its trust (%s) needs devices of %d more distinct owners, and this fleet has those of %d", r.Job.Trust, need, t.ableOwners)
	}
	switch until := r.Job.ReadyAt; {
	case t.fitting == 0:
	case until.After(now) && len(r.Job.Failures) > 0:
		say(CodeBackOff, 0, "it failed before and is tried again at %s", until.Format(time.RFC3339))
	case decided || r.Job.gangs():
	default:
		say(CodeNextRound, 0, "%s could take it now: it is placed in a coming round", devices(t.fitting))
	}
	if r.Job.gangs() && t.fitting > 0 {
		say(CodeGang, 0, "all %d replicas that begin together need room at the same time", r.Job.Slots*max(1, r.Job.Count))
	}
	return append(append(out, order...), t.reasons(&q)...)
}

// poll is what a request finds in a fleet.
type poll struct {
	able       int // nodes that could take it if they were up and idle
	ableOwners int // their distinct owners, without those who have a replica
	fitting    int // nodes that could take it now
	count      map[Code]int
	ineligible []string // the closed nodes' own reasons
}

func (q *request) survey(f *fleet) poll {
	t := poll{count: make(map[Code]int)}
	owners := make(map[principal.Account]bool)
	others := false // open nodes on which it did not fail
	for i := range f.nodes {
		n := &f.nodes[i]
		if q.never(n) == "" {
			t.able++
			if !slices.Contains(q.taken, n.Owner) {
				owners[n.Owner] = true
			}
		}
		c := q.closed(f, n)
		if c == "" {
			want := q.reluctance(f, n)
			others = others || want < lastResort
			if c = q.busy(f, i); c == "" && want == lastResort {
				c = CodeFailedThere
				if !q.shuns(n) {
					c = CodeZone
				}
			}
		}
		if c == "" {
			t.fitting++
			continue
		}
		t.count[c]++
		if c == CodeIneligible {
			t.ineligible = append(t.ineligible, n.Reasons...)
		}
	}
	t.ableOwners = len(owners)
	if !others {
		t.fitting += t.count[CodeFailedThere] + t.count[CodeZone]
		delete(t.count, CodeFailedThere)
		delete(t.count, CodeZone)
	}
	return t
}

// reasons are those that rule nodes out, in a fixed order.
func (t *poll) reasons(q *request) []Reason {
	var out []Reason
	for _, c := range []Code{
		CodeNoExecutor, CodeCPUNever, CodeMemoryNever, CodeGPUNever, CodeDiskNever, CodeNetworkNever, CodeLabels, CodeOwnDevice,
		CodeNodeDown, CodeDrained, CodeIneligible, CodeTainted, CodeReservation, CodeReplicaThere,
		CodeCPUBusy, CodeMemoryBusy, CodeGPUBusy, CodeDiskBusy, CodeNetworkBusy, CodeSpread, CodeTogether, CodeZone, CodeFailedThere,
	} {
		if n := t.count[c]; n > 0 {
			out = append(out, Reason{Code: c, Text: devices(n) + " " + t.phrase(c, &q.demand), Nodes: n})
		}
	}
	return out
}

// phrase says of devices why they are ruled out.
func (t *poll) phrase(c Code, d *Demand) string {
	switch c {
	case CodeNoExecutor:
		return "without the executors that it needs (" + d.executors() + ")"
	case CodeCPUNever:
		return "with fewer than its " + thousandths(d.MilliCPU) + " cores"
	case CodeMemoryNever:
		return "with less than its " + strconv.FormatInt(d.MemoryMB, 10) + " MB of memory"
	case CodeGPUNever:
		return "with fewer than its " + thousandths(d.MilliGPU) + " GPUs"
	case CodeDiskNever:
		return "with less than its " + strconv.FormatInt(d.DiskMB, 10) + " MB of disk"
	case CodeNetworkNever:
		return "with less than its " + strconv.FormatInt(d.MbitPS, 10) + " Mbit/s"
	case CodeIneligible:
		return "not to be harvested now" + listed(t.ineligible)
	}
	return map[Code]string{
		CodeLabels:       "whose labels do not meet what it requires",
		CodeOwnDevice:    "of its own owner, who cannot be paid by himself",
		CodeNodeDown:     "down",
		CodeDrained:      "drained by the operator",
		CodeTainted:      "with a taint that it does not tolerate",
		CodeReservation:  "reserved for somebody else while it could run",
		CodeReplicaThere: "of owners who have another replica of it",
		CodeCPUBusy:      "with too few free cores now",
		CodeMemoryBusy:   "with too little free memory now",
		CodeGPUBusy:      "with too few free GPUs now",
		CodeDiskBusy:     "with too little free disk now",
		CodeNetworkBusy:  "with too little free bandwidth now",
		CodeSpread:       "where as many jobs of its group run as it allows",
		CodeTogether:     "apart from the place where its group runs",
		CodeZone:         "in the zone of another replica of it, while others could take it",
		CodeFailedThere:  "where it failed before, while others could take it",
	}[c]
}

// executors names the executors that a demand asks for.
func (d *Demand) executors() string {
	if d.MilliGPU > 0 && d.Executor != ExecutorGPU {
		return d.Executor + ", " + ExecutorGPU
	}
	return d.Executor
}

func devices(n int) string {
	if n == 1 {
		return "1 device"
	}
	return fmt.Sprintf("%d devices", n)
}

// thousandths writes n/1000 without needless zeros.
func thousandths(n int64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%03d", n/1000, n%1000), "0"), ".")
}

// listed writes distinct reasons in brackets, at most three.
func listed(reasons []string) string {
	reasons = slices.Compact(slices.Sorted(slices.Values(reasons)))
	if len(reasons) == 0 {
		return ""
	}
	more := ""
	if len(reasons) > 3 {
		reasons, more = reasons[:3], " …"
	}
	return " (" + strings.Join(reasons, "; ") + more + ")"
}
