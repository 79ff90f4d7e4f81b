package server

import (
	"context"
	"math"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

type submitInput struct {
	Key  string `header:"Idempotency-Key" maxLength:"128" doc:"Makes the request repeatable: with the same key and body it answers with the same job, with another body it is refused with 409."`
	Body submitRequest
}

type submitRequest struct {
	Name     string   `json:"name" minLength:"1" maxLength:"200" doc:"Name for people."`
	Tier     string   `json:"sla_tier" doc:"Service level: platinum, gold, silver or bronze, in any letter case."`
	CPU      float64  `json:"cpu_required" minimum:"0" doc:"Cores that each replica needs, up to 64 or what the largest node has; 0: one."`
	Memory   float64  `json:"memory_required" minimum:"0" maximum:"512" doc:"Memory that each replica needs, in gigabytes of 2^30 bytes; 0: a little."`
	GPU      float64  `json:"gpu_required,omitempty" minimum:"0" maximum:"8" doc:"GPUs that each replica needs."`
	Estimate *float64 `json:"duration_estimate,omitempty" minimum:"0" doc:"Expected run time in seconds."`
	DataSize *float64 `json:"data_size_mb,omitempty" minimum:"0" doc:"Volume to be moved to the node, megabytes."`

	Module         string         `json:"module,omitempty" pattern:"^([0-9a-f]{64})?$" doc:"SHA-256 of a WebAssembly module (WASI preview 1) stored at /api/blobs; absent: the built-in guest."`
	Args           []string       `json:"args,omitempty" maxItems:"256" doc:"Arguments of the module, without its own name."`
	Inputs         []inputRequest `json:"inputs,omitempty" maxItems:"256" doc:"Files to mount read-only under /in."`
	Stdin          string         `json:"stdin,omitempty" pattern:"^([0-9a-f]{64})?$" doc:"SHA-256 of the standard input, stored at /api/blobs."`
	Output         bool           `json:"output,omitempty" doc:"Keep the files that the module leaves under /out."`
	Seed           uint64         `json:"seed,omitempty" doc:"Seed of the module's random numbers, so that replicas compute the same bytes."`
	Trust          string         `json:"trust,omitempty" doc:"How a result becomes believed: none, adaptive (alone or compared, by what is known of its device), quorum:k or quorum:k/n, where results are compared byte for byte or as ,json or ,tolerance:x says; absent: as the service level says."`
	MaxRuntime     float64        `json:"max_runtime,omitempty" minimum:"0" doc:"Longest run time of one attempt in seconds; absent: from the estimate."`
	Deadline       *time.Time     `json:"deadline,omitempty" doc:"When the job ends as expired unless it has completed."`
	MaxMemoryMB    int64          `json:"max_memory_mb,omitempty" minimum:"0" doc:"Limit of the module's memory in MiB; absent: the device's own."`
	MaxOutputBytes int64          `json:"max_output_bytes,omitempty" minimum:"0" doc:"Limit of all files under /out in bytes; absent: the device's own."`
	MaxStdoutBytes int64          `json:"max_stdout_bytes,omitempty" minimum:"0" doc:"Limit of the standard output in bytes; absent: 64 KiB."`

	Disk        float64          `json:"disk_required,omitempty" minimum:"0" doc:"Scratch space that each replica needs, in gigabytes of 2^30 bytes."`
	Bandwidth   float64          `json:"bandwidth_required,omitempty" minimum:"0" doc:"Network bandwidth that each replica needs, in megabits (10^6) a second."`
	Executor    string           `json:"executor,omitempty" doc:"Kind of program that the node must be able to run; absent: wasm. Devices of this house's own agent run wasm alone."`
	DataAt      string           `json:"data_at,omitempty" doc:"Region where the data lies; absent: nowhere in particular."`
	Count       int              `json:"count,omitempty" minimum:"0" maximum:"10000" doc:"Makes an array of so many jobs, which are accepted or refused together. In the arguments {index} stands for a job's index, from 0, and {{index}} for {index} itself. Absent, 0 and 1: a single job."`
	Gang        bool             `json:"gang,omitempty" doc:"All replicas of all jobs of the array begin together or not at all."`
	Group       string           `json:"group,omitempty" doc:"Names jobs that spread and together of the constraints count together; absent: none, or of an array the array."`
	Priority    int              `json:"priority,omitempty" minimum:"-1000" maximum:"1000" doc:"Order among the owner's jobs of one service level: each unit counts as a minute of waiting, or as what the operator has set."`
	Constraints *constraintsBody `json:"constraints,omitempty" doc:"On which nodes it may run; absent: any that is not tainted."`
	After       []afterBody      `json:"after,omitempty" maxItems:"64" doc:"What must have ended before it is queued."`
	MaxPrice    amountInput      `json:"max_price,omitempty" doc:"Most that may be held for the job, with all its replicas, FOG; of an array for each job. A quote above it is refused with 402. Absent and 0: no limit."`
}

type inputRequest struct {
	Path   string `json:"path" minLength:"1" doc:"Path below /in."`
	SHA256 string `json:"sha256" pattern:"^[0-9a-f]{64}$" doc:"SHA-256 of the content, stored at /api/blobs."`
}

type submitReply struct {
	Success            bool              `json:"success" doc:"Always true."`
	JobID              string            `json:"jobId" doc:"Identifier of the job."`
	Status             string            `json:"status" doc:"Status of the job: pending or queued, or a later one where the request was repeated."`
	EstimatedStartTime *time.Time        `json:"estimatedStartTime" doc:"When it should start, from a view that is at most some seconds old: if what runs ends when it should and nobody comes who goes first; null where that is not known, as while its funds are not held, other jobs have to end first, others wait behind it or the queue is long; the job's own page may know more."`
	SLA                string            `json:"sla" enum:"platinum,gold,silver,bronze" doc:"Service level."`
	Price              tokenomics.Amount `json:"price" doc:"What one accepted replica earns, FOG: the market's price when it was submitted, which stays."`
	Quote              tokenomics.Amount `json:"quote" doc:"What is held until it ends, FOG: the price times the replicas; of an array for each job."`
	ArrayID            string            `json:"arrayId,omitempty" doc:"Identifier of the array, which is that of its first job; absent for a single job."`
	Count              int               `json:"count,omitempty" doc:"Jobs of the array; absent for a single job."`
}

func (s *Server) submit(ctx context.Context, in *submitInput) (*submitReply, error) {
	submission, err := in.Body.submission(in.Key)
	if err != nil {
		return nil, err
	}
	submitted, err := s.fog.Submit(ctx, []scheduler.Submission{submission})
	if err != nil {
		return nil, err
	}
	if err := submitted[0].Err; err != nil {
		return nil, err
	}
	job := &submitted[0].Job
	return &submitReply{
		Success: true, JobID: string(job.ID), Status: statusWord(job.State), SLA: string(job.Tier),
		Price: tokenomics.Amount(job.Price), Quote: tokenomics.Amount(job.Quote),
		EstimatedStartTime: s.startOf(ctx, job), ArrayID: string(job.Array), Count: job.Count,
	}, nil
}

// submission decodes a request. The scheduler judges the values.
func (r *submitRequest) submission(key string) (scheduler.Submission, error) {
	tier, err := scheduler.ParseTier(r.Tier)
	if err != nil {
		return scheduler.Submission{}, err
	}
	out := scheduler.Submission{
		Key: key, Name: r.Name, Tier: tier,
		Demand:     r.demand(),
		Estimate:   seconds(orZero(r.Estimate)),
		MaxRuntime: seconds(r.MaxRuntime),
		DataMB:     orZero(r.DataSize), DataAt: r.DataAt,
		Priority: r.Priority, Group: r.Group, Count: r.Count, Gang: r.Gang,
		Constraints: r.Constraints.constraints(), After: some(r.After, afterBody.dependency), MaxPrice: scheduler.Price(r.MaxPrice.value),
		Task: scheduler.Task{
			Module: r.Module, Args: r.Args, Stdin: r.Stdin, Output: r.Output, Seed: r.Seed,
			Inputs:      each(r.Inputs, func(i inputRequest) scheduler.Input { return scheduler.Input(i) }),
			MaxMemoryMB: r.MaxMemoryMB, MaxOutputBytes: r.MaxOutputBytes, MaxStdoutBytes: r.MaxStdoutBytes,
		},
	}
	if r.Deadline != nil {
		out.Deadline = *r.Deadline
	}
	if r.Trust != "" {
		trust, err := scheduler.ParseTrust(r.Trust)
		if err != nil {
			return scheduler.Submission{}, err
		}
		out.Trust = &trust
	}
	return out, nil
}

func (r *submitRequest) demand() scheduler.Demand {
	return scheduler.Demand{
		MilliCPU: thousandths(r.CPU), MemoryMB: megabytes(r.Memory), MilliGPU: thousandths(r.GPU),
		DiskMB: megabytes(r.Disk), MbitPS: scale(r.Bandwidth, 1), Executor: r.Executor,
	}
}

// startOf is when a job should start; not known where that cannot be found out now, as the job is accepted all the same.
func (s *Server) startOf(ctx context.Context, job *scheduler.Job) *time.Time {
	at, err := s.fog.Scheduler.Forecast(ctx, *job)
	if err != nil {
		return nil
	}
	return when(at)
}

func orZero[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

// thousandths and megabytes round up: a demand must not shrink by being encoded.
func thousandths(units float64) int64   { return scale(units, 1000) }
func megabytes(gigabytes float64) int64 { return scale(gigabytes, 1024) }

// gigabytes is the shortest number that megabytes makes into the same: what was given with up to three decimals comes back as it was.
func gigabytes(megabyte int64) float64 {
	exact := float64(megabyte) / 1024
	for unit := 1.0; unit <= 1000; unit *= 10 {
		if short := math.Floor(exact*unit+1e-9) / unit; megabytes(short) == megabyte {
			return short
		}
	}
	return exact
}

// scale multiplies and rounds up, but for the dust of binary fractions, to at most 2^53.
func scale(value, by float64) int64 { return int64(math.Ceil(min(value*by, 1<<53) - 1e-6)) }
