package server

import (
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// scheduleReply is one schedule.
type scheduleReply struct {
	ID        string        `json:"id" doc:"Name of the schedule."`
	Name      string        `json:"name" doc:"Name for people."`
	Owner     string        `json:"owner" doc:"Account that pays."`
	Status    string        `json:"status" enum:"active,paused" doc:"Whether it submits."`
	Spec      string        `json:"spec" doc:"Crontab line."`
	Zone      string        `json:"zone" doc:"Place whose clock counts; empty: UTC."`
	Overlap   string        `json:"overlap" enum:"allow,forbid,replace" doc:"What it does while the job before is not over: submit beside it, skip the time, or cancel the job and submit."`
	CatchUp   float64       `json:"catchUp" doc:"How late a time may come, seconds."`
	Next      *time.Time    `json:"next" doc:"When it submits next; null while it is paused."`
	Last      *time.Time    `json:"last" doc:"The latest of its times that came; null before the first."`
	LastJob   *string       `json:"lastJob" doc:"Job, or array, that was submitted last; null before the first."`
	LastError string        `json:"lastError" doc:"Why the latest time made no job; empty where it made one."`
	Fired     int64         `json:"fired" doc:"Times that made a job."`
	Skipped   int64         `json:"skipped" doc:"Times that made none: missed, refused, or kept off by overlap."`
	Template  templateReply `json:"template" doc:"What is submitted."`
}

// templateReply is a submission as it was stored.
type templateReply struct {
	Name        string            `json:"name" doc:"Name of the jobs."`
	SLA         string            `json:"sla" doc:"Service level; empty: bronze."`
	CPU         float64           `json:"cpu" doc:"Cores that each replica needs; 0: one."`
	Memory      float64           `json:"memory" doc:"Memory that each replica needs, in gigabytes of 2^30 bytes; 0: a little."`
	GPU         float64           `json:"gpu" doc:"GPUs that each replica needs."`
	Disk        float64           `json:"disk" doc:"Scratch space that each replica needs, in gigabytes of 2^30 bytes."`
	Bandwidth   int64             `json:"bandwidth" doc:"Network bandwidth that each replica needs, in megabits (10^6) a second."`
	Executor    string            `json:"executor" doc:"Kind of program; empty: wasm."`
	Estimate    float64           `json:"durationEstimate" doc:"Expected run time, seconds; 0: not known."`
	MaxRuntime  float64           `json:"maxRuntime" doc:"Longest run time of one attempt, seconds; 0: from the estimate."`
	DataSize    float64           `json:"dataSizeMb" doc:"Volume to be moved to the node, megabytes."`
	DataAt      string            `json:"dataAt" doc:"Region where the data lies; empty: nowhere in particular."`
	Trust       *string           `json:"trust" doc:"How a result becomes believed; null: as the service level says."`
	Priority    int               `json:"priority" doc:"Order among the owner's jobs of its level."`
	Group       string            `json:"group" doc:"Jobs that are spread or kept together; empty for none, or of an array the array."`
	Count       int               `json:"count" doc:"Jobs of the array; 0 and 1: a single job."`
	Gang        bool              `json:"gang" doc:"Whether all replicas, of the whole array, begin together or not at all."`
	MaxPrice    tokenomics.Amount `json:"maxPrice" doc:"Most that may be held for each job, FOG; 0: no limit."`
	Constraints constraintsBody   `json:"constraints" doc:"On which nodes it may run."`
	After       []afterBody       `json:"after" doc:"What must have ended before it is queued."`
	Task        taskReply         `json:"task" doc:"What is run."`
}

type taskReply struct {
	Module         string       `json:"module" doc:"SHA-256 of the WebAssembly module; empty where the executor needs none."`
	Args           []string     `json:"args" doc:"Arguments of the module, without its own name."`
	Inputs         []inputReply `json:"inputs" doc:"Files that are mounted read-only under /in."`
	Stdin          string       `json:"stdin" doc:"SHA-256 of the standard input; empty for none."`
	Output         bool         `json:"output" doc:"Whether the files under /out are kept."`
	Seed           uint64       `json:"seed" doc:"Seed of the module's random numbers."`
	MaxMemoryMB    int64        `json:"maxMemoryMb" doc:"Limit of the module's memory, MiB; 0: the device's own."`
	MaxOutputBytes int64        `json:"maxOutputBytes" doc:"Limit of all files under /out, bytes; 0: the device's own."`
	MaxStdoutBytes int64        `json:"maxStdoutBytes" doc:"Limit of the standard output, bytes; 0: 64 KiB."`
}

func encodeSchedule(one scheduler.Schedule) scheduleReply {
	return scheduleReply{
		ID: one.ID, Name: one.Name, Owner: string(one.Owner), Status: scheduleWord(one.Paused),
		Spec: one.Spec, Zone: one.Zone, Overlap: string(one.Overlap), CatchUp: one.CatchUp.Seconds(),
		Next: when(one.Next), Last: when(one.Last), LastJob: word(string(one.LastJob)), LastError: one.LastError,
		Fired: one.Fired, Skipped: one.Skipped, Template: encodeTemplate(&one.Template),
	}
}

func encodeTemplate(b *scheduler.Submission) templateReply {
	reply := templateReply{
		Name: b.Name, SLA: string(b.Tier), CPU: milli(b.Demand.MilliCPU), Memory: gigabytes(b.Demand.MemoryMB),
		GPU: milli(b.Demand.MilliGPU), Disk: gigabytes(b.Demand.DiskMB), Bandwidth: b.Demand.MbitPS, Executor: b.Demand.Executor,
		Estimate: b.Estimate.Seconds(), MaxRuntime: b.MaxRuntime.Seconds(), DataSize: b.DataMB, DataAt: b.DataAt,
		Priority: b.Priority, Group: b.Group, Count: b.Count, Gang: b.Gang, MaxPrice: tokenomics.Amount(b.MaxPrice),
		Constraints: encodeConstraints(&b.Constraints), After: each(b.After, encodeAfter), Task: encodeTask(&b.Task),
	}
	if b.Trust != nil {
		reply.Trust = word(b.Trust.String())
	}
	return reply
}

func encodeTask(t *scheduler.Task) taskReply {
	return taskReply{
		Module: t.Module, Args: list(t.Args), Stdin: t.Stdin, Output: t.Output, Seed: t.Seed,
		Inputs:      each(t.Inputs, func(i scheduler.Input) inputReply { return inputReply(i) }),
		MaxMemoryMB: t.MaxMemoryMB, MaxOutputBytes: t.MaxOutputBytes, MaxStdoutBytes: t.MaxStdoutBytes,
	}
}
