package server

import (
	"math/bits"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// jobReply is one job. Its first fields are those of a jobRow.
type jobReply struct {
	ID        string     `json:"id" doc:"Identifier of the job."`
	Name      string     `json:"name" doc:"Name for people."`
	Status    string     `json:"status" enum:"pending,queued,running,completed,paused,cancelled,failed,refused,expired" doc:"As in the list."`
	SLA       string     `json:"sla" enum:"platinum,gold,silver,bronze" doc:"Service level."`
	CPU       float64    `json:"cpu" doc:"Cores that each replica needs."`
	Memory    float64    `json:"memory" doc:"Memory that each replica needs, in gigabytes of 2^30 bytes."`
	GPU       float64    `json:"gpu" doc:"GPUs that each replica needs."`
	Node      *string    `json:"node" doc:"Node of the newest attempt; null before the first."`
	Submitted time.Time  `json:"submitted" doc:"When it was submitted."`
	Started   *time.Time `json:"started" doc:"When a device first took it; null before."`
	Completed *time.Time `json:"completed" doc:"When it ended, well or not; null before."`
	Progress  float64    `json:"progress" doc:"Share of the work that is done, in percent."`
	ETA       *time.Time `json:"eta" doc:"When it is expected to end; null where that is not known."`

	Logs     []string          `json:"logs" doc:"Recent history, oldest first, each line with its time."`
	State    string            `json:"state" doc:"Exact state of the scheduler's machine, of which status is the short form."`
	Reason   string            `json:"reason" doc:"Why the job is in its state; empty where nothing needs to be said."`
	Waiting  []waitReply       `json:"waiting" doc:"All the reasons why the job waits, the decisive ones first; empty once it has ended."`
	StartsAt *time.Time        `json:"estimatedStartTime" doc:"When it should start while it is queued, if what runs ends when it should and nobody comes who goes first; null where that is not known, as for all but the first jobs of a long queue, and from its start on."`
	Trust    string            `json:"trust" doc:"How its result becomes believed: none, adaptive, quorum:k or quorum:k/n, and how results are compared, if not byte for byte: ,json or ,tolerance:x."`
	Price    tokenomics.Amount `json:"price" doc:"What one accepted replica earns, FOG."`
	Quote    tokenomics.Amount `json:"quote" doc:"What is held from its owner until it ends, FOG."`
	Owner    string            `json:"owner" doc:"Account that pays."`
	Attempts []jobAttempt      `json:"attempts" doc:"Every try at one of its replicas, in order."`

	Executor    string          `json:"executor" doc:"Kind of program that its nodes must be able to run."`
	Disk        float64         `json:"disk" doc:"Scratch space that each replica needs, in gigabytes of 2^30 bytes."`
	Bandwidth   int64           `json:"bandwidth" doc:"Network bandwidth that each replica needs, in megabits (10^6) a second."`
	DataAt      string          `json:"dataAt" doc:"Region where its data lies; empty: nowhere in particular."`
	Deadline    *time.Time      `json:"deadline" doc:"When it ends as expired unless it has completed; null for never."`
	Priority    int             `json:"priority" doc:"Order among the owner's jobs of its level."`
	Boost       int             `json:"boost" doc:"By how many levels it has risen in the queue because it waited for so long."`
	Group       string          `json:"group" doc:"Jobs of the same owner with the same group are spread or kept together; empty for none."`
	Array       *string         `json:"array" doc:"Identifier of its array; null for a single job."`
	Index       int             `json:"index" doc:"Its number within the array, from 0."`
	Count       int             `json:"count" doc:"Jobs of the array; 0 for a single job."`
	Gang        bool            `json:"gang" doc:"Whether all replicas, of the whole array, begin together or not at all."`
	Constraints constraintsBody `json:"constraints" doc:"On which nodes it may run."`
	After       []afterBody     `json:"after" doc:"What must have ended before it is queued."`
	Result      *jobResult      `json:"result,omitempty" doc:"The accepted result, or the confirmed failure; absent before."`
}

type waitReply struct {
	Code  string `json:"code" doc:"Reason for programs."`
	Text  string `json:"text" doc:"The same for people."`
	Nodes int    `json:"nodes" doc:"Nodes that the reason rules out; 0 where it is not about nodes."`
}

type jobAttempt struct {
	ID      string     `json:"id" doc:"Identifier of the attempt."`
	Slot    int        `json:"slot" doc:"Replica that it tries, from 0."`
	Node    string     `json:"node" doc:"Node that it was placed on."`
	Status  string     `json:"status" doc:"placed, running, suspended, reported, valid, invalid, failed, lost, expired or cancelled."`
	Started *time.Time `json:"started" doc:"When the node took it; null before."`
	Ended   *time.Time `json:"ended" doc:"When it ended; null before."`
	Class   string     `json:"class" doc:"Whose fault a failure was: device, job, infra or policy; empty where nothing failed."`
	Reason  string     `json:"reason" doc:"What went wrong; empty where nothing did."`
	GPUs    []int      `json:"gpus" doc:"Numbers of the node's GPUs that it has, from 0."`
	EvictAt *time.Time `json:"evictAt" doc:"When it is taken off its node to make room for another job; null for never."`
}

type jobResult struct {
	ExitCode    int           `json:"exitCode" doc:"Exit code of the guest."`
	Stdout      base64Bytes   `json:"stdout" doc:"Standard output in base64, cut off after 64 KiB."`
	Stderr      base64Bytes   `json:"stderr" doc:"Standard error in base64, cut off after 16 KiB."`
	Outputs     []outputReply `json:"outputs" doc:"Files that the guest left under /out."`
	CPUSeconds  float64       `json:"cpuSeconds" doc:"CPU time, seconds, as the device reported it."`
	WallSeconds float64       `json:"wallSeconds" doc:"Run time, seconds, as the device reported it."`
	Digest      string        `json:"digest" doc:"SHA-256 over exit code, standard output and outputs: equal digests are equal results."`
}

type outputReply struct {
	Path   string `json:"path" doc:"Path below /out."`
	SHA256 string `json:"sha256" doc:"SHA-256 of the content; fetch it from /api/blobs, which keeps it for a week after it was last read."`
	Bytes  int64  `json:"bytes" doc:"Size of the content in bytes."`
}

func encodeJobRow(j *scheduler.Job) jobRow {
	return jobRow{
		ID: string(j.ID), Name: j.Name, Status: statusWord(j.State), SLA: string(j.Tier),
		CPU: milli(j.Demand.MilliCPU), Memory: gigabytes(j.Demand.MemoryMB), GPU: milli(j.Demand.MilliGPU),
		Node: word(string(j.Node)), Submitted: j.Submitted.UTC(), Started: when(j.Started), Completed: when(j.Finished),
		Progress: j.Progress * 100, ETA: eta(j),
	}
}

// eta is the start plus the estimate of a job that runs.
func eta(j *scheduler.Job) *time.Time {
	if j.Started.IsZero() || j.Estimate == 0 || !j.Finished.IsZero() {
		return nil
	}
	return when(j.Started.Add(j.Estimate))
}

func encodeJob(why *scheduler.Explanation) *jobReply {
	r, j, row := &why.Record, &why.Record.Job, encodeJobRow(&why.Record.Job)
	return &jobReply{
		ID: row.ID, Name: row.Name, Status: row.Status, SLA: row.SLA, CPU: row.CPU, Memory: row.Memory, GPU: row.GPU,
		Node: row.Node, Submitted: row.Submitted, Started: row.Started, Completed: row.Completed, Progress: row.Progress, ETA: row.ETA,
		Logs: each(j.Log, logLine), State: string(j.State), Reason: j.Reason,
		Waiting:  each(why.Reasons, func(r scheduler.Reason) waitReply { return waitReply{string(r.Code), r.Text, r.Nodes} }),
		StartsAt: when(why.StartsAt), Trust: j.Trust.String(), Price: tokenomics.Amount(j.Price), Quote: tokenomics.Amount(j.Quote), Owner: string(j.Owner),
		Attempts: each(r.Attempts, encodeAttempt), Result: encodeResult(j.Result),
		Executor: j.Demand.Executor, Disk: gigabytes(j.Demand.DiskMB), Bandwidth: j.Demand.MbitPS, DataAt: j.DataAt,
		Deadline: when(j.Deadline), Priority: j.Priority, Boost: j.Boost, Group: j.Group,
		Array: word(string(j.Array)), Index: j.Index, Count: j.Count, Gang: j.Gang,
		Constraints: encodeConstraints(&j.Constraints), After: each(j.After, encodeAfter),
	}
}

func logLine(l scheduler.LogLine) string {
	line := l.At.UTC().Format(time.RFC3339Nano) + " " + string(l.State)
	if l.Text == "" || l.Text == string(l.State) {
		return line
	}
	return line + ": " + l.Text
}

func encodeAttempt(a scheduler.Attempt) jobAttempt {
	return jobAttempt{
		ID: string(a.ID), Slot: a.Slot, Node: string(a.Node), Status: string(a.State),
		Started: when(a.Started), Ended: when(a.Ended), Class: string(a.Class), Reason: a.Reason,
		GPUs: numbers(a.GPUs), EvictAt: when(a.EvictAt),
	}
}

// numbers lists the bits that are set, the lowest as 0.
func numbers(set uint64) []int {
	out := []int{}
	for ; set != 0; set &= set - 1 {
		out = append(out, bits.TrailingZeros64(set))
	}
	return out
}

func encodeResult(r *scheduler.Result) *jobResult {
	if r == nil {
		return nil
	}
	return &jobResult{
		ExitCode: r.ExitCode, Stdout: list(r.Stdout), Stderr: list(r.Stderr), Digest: r.Digest,
		CPUSeconds: r.CPUSeconds, WallSeconds: r.WallSeconds,
		Outputs: each(r.Outputs, func(o scheduler.Output) outputReply { return outputReply(o) }),
	}
}
