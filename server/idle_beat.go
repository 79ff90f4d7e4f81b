package server

import (
	"math"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
)

// beatRequest is the body of a beat. All of it may be left out.
type beatRequest struct {
	DeviceID    string            `json:"device_id,omitempty" maxLength:"128" doc:"Identifier of the device; only among the beats of a gateway, elsewhere the path names the device."`
	Battery     *float64          `json:"battery,omitempty" minimum:"0" maximum:"100" doc:"Battery charge in percent; absent or null where it is unknown or there is none."`
	Charging    *bool             `json:"is_charging,omitempty" doc:"Whether external power is connected."`
	Boot        string            `json:"boot,omitempty" maxLength:"64" doc:"Drawn at random when the agent starts; together with seq it rejects repeated and reordered beats."`
	Seq         uint64            `json:"seq,omitempty" doc:"Number of the beat within its boot, from 1."`
	Telemetry   *telemetryRequest `json:"telemetry,omitempty" doc:"Further signals; each may be absent or null, which means unknown."`
	Held        []heldRequest     `json:"held,omitempty" maxItems:"1024" doc:"Attempts that the device holds now; their leases are renewed."`
	Take        int               `json:"take,omitempty" minimum:"0" maximum:"1024" doc:"How many new attempts the device can take."`
	WaitSeconds float64           `json:"wait_seconds,omitempty" minimum:"0" doc:"How long the server may hold the beat open until there is news, in seconds; it may hold it for less."`
	Bye         bool              `json:"bye,omitempty" doc:"The device's last beat: it gives back what it holds."`
}

type telemetryRequest struct {
	CPUForeign      *float64 `json:"cpu_foreign,omitempty" minimum:"0" maximum:"1" doc:"Share of all cores that others than our guests use, 0 to 1."`
	CPUTotal        *float64 `json:"cpu_total,omitempty" minimum:"0" maximum:"1" doc:"Share of all cores in use, 0 to 1."`
	MemFreeMB       *float64 `json:"mem_free_mb,omitempty" minimum:"0" doc:"Memory that can be had without swapping, MiB."`
	TempC           *float64 `json:"temp_c,omitempty" doc:"Hottest sensor, degrees Celsius."`
	UserIdleSeconds *float64 `json:"user_idle_seconds,omitempty" minimum:"0" doc:"Time since somebody last touched the device, seconds."`
	Metered         *bool    `json:"metered,omitempty" doc:"Whether the network is paid by volume."`
	Pressure        *float64 `json:"pressure,omitempty" minimum:"0" maximum:"100" doc:"Percent of the last ten seconds in which other programs stalled for want of memory, disk or CPU."`
	DiskFreeMB      *float64 `json:"disk_free_mb,omitempty" minimum:"0" doc:"Free MiB on the disk where the agent keeps its files."`
	Network         *string  `json:"network,omitempty" enum:"ethernet,wifi,cellular,bluetooth,tunnel,loopback" doc:"What the way to the server goes over."`
}

type heldRequest struct {
	Attempt   string  `json:"attempt" minLength:"1" maxLength:"200" doc:"Identifier of the attempt."`
	Token     int64   `json:"token" doc:"Fencing token of its lease."`
	Suspended bool    `json:"suspended,omitempty" doc:"The guest is paused because the device's user is back."`
	Progress  float64 `json:"progress,omitempty" minimum:"0" maximum:"1" doc:"Share of the guest's work that is done, 0 to 1."`
}

// beat decodes a request. A client that does not speak the protocol gets no offers, whatever it asks for.
func (b *beatRequest) beat(device string, protocol bool) idle.Beat {
	beat := idle.Beat{
		Device: idle.DeviceID(device), Boot: b.Boot, Seq: b.Seq, Protocol: protocol, Bye: b.Bye,
		Held: each(b.Held, func(h heldRequest) idle.Held { return idle.Held(h) }),
	}
	if protocol {
		beat.Take = b.Take
	}
	if b.Telemetry != nil {
		beat.Telemetry = b.Telemetry.telemetry()
	}
	beat.Telemetry.Battery, beat.Telemetry.Charging = opt(b.Battery), opt(b.Charging)
	return beat
}

func (t *telemetryRequest) telemetry() idle.Telemetry {
	out := idle.Telemetry{
		CPUForeign: opt(t.CPUForeign), CPUTotal: opt(t.CPUTotal), MemFreeMB: opt(t.MemFreeMB),
		TempC: opt(t.TempC), Metered: opt(t.Metered), Pressure: opt(t.Pressure), DiskFreeMB: opt(t.DiskFreeMB),
	}
	if t.Network != nil {
		out.Network = idle.Some(idle.NetworkKind(*t.Network))
	}
	if t.UserIdleSeconds != nil {
		out.UserIdle = idle.Some(seconds(*t.UserIdleSeconds))
	}
	return out
}

// opt turns null or absence into "unknown".
func opt[T any](p *T) idle.Opt[T] {
	if p == nil {
		return idle.Opt[T]{}
	}
	return idle.Some(*p)
}

type directiveReply struct {
	NextSeconds float64       `json:"nextSeconds" doc:"When to beat again, in seconds; a device with news or room does not wait for it."`
	Desired     string        `json:"desired" enum:"run,drain,stop" doc:"run: go on and take more; drain: finish what is held; stop: kill it and go away."`
	Eligible    bool          `json:"eligible" doc:"Whether the device may be harvested now. While it may not, it suspends its guests and keeps their leases."`
	Reasons     []reasonReply `json:"reasons" doc:"All the reasons why the device is not eligible."`
	Renewed     []leaseReply  `json:"renewed" doc:"Leases of held attempts that live on."`
	Cancel      []string      `json:"cancel" doc:"Held attempts to kill."`
	Offers      []offerReply  `json:"offers" doc:"New attempts to run, already leased to the device."`
}

type reasonReply struct {
	Code string `json:"code" doc:"Reason for programs."`
	Text string `json:"text" doc:"The same for people."`
}

type leaseReply struct {
	Attempt string     `json:"attempt" doc:"Identifier of the attempt."`
	Token   int64      `json:"token" doc:"Fencing token of the lease."`
	Until   time.Time  `json:"until" doc:"When the lease ends by the server's clock."`
	EvictAt *time.Time `json:"evictAt,omitempty" doc:"When the attempt is taken off the device to make room for another job: what is not reported by then was in vain. Absent: never."`
	Seconds float64    `json:"evictSeconds,omitempty" doc:"How long that is from this answer on, for a device whose clock is another."`
}

type offerReply struct {
	Attempt           string       `json:"attempt" doc:"Identifier of the attempt."`
	Token             int64        `json:"token" doc:"Fencing token of the lease; every report carries it."`
	Until             time.Time    `json:"until" doc:"When the lease ends by the server's clock, unless it is renewed."`
	Job               string       `json:"job" doc:"Identifier of the job."`
	Name              string       `json:"name" doc:"Name of the job."`
	Module            string       `json:"module" doc:"SHA-256 of the WebAssembly module, in hexadecimal; fetch it from /api/blobs."`
	Args              []string     `json:"args" doc:"Arguments of the guest, without its own name."`
	Inputs            []inputReply `json:"inputs" doc:"Files to mount read-only under /in."`
	Stdin             string       `json:"stdin" doc:"SHA-256 of the guest's standard input; empty for none."`
	Output            bool         `json:"output" doc:"Whether to collect the files under /out."`
	Seed              uint64       `json:"seed" doc:"Seed of the guest's random numbers."`
	MilliCPU          int64        `json:"milliCpu" doc:"CPU share, thousandths of a core."`
	MemoryMB          int64        `json:"memoryMb" doc:"Memory share, MiB."`
	MilliGPU          int64        `json:"milliGpu" doc:"GPU share, thousandths."`
	MaxRuntimeSeconds float64      `json:"maxRuntimeSeconds" doc:"Longest run time in seconds; 0: no limit."`
	MaxMemoryMB       int64        `json:"maxMemoryMb" doc:"Limit of the guest's memory, MiB; 0: the agent's own."`
	MaxOutputBytes    int64        `json:"maxOutputBytes" doc:"Limit of all files under /out, bytes; 0: the agent's own."`
	MaxStdoutBytes    int64        `json:"maxStdoutBytes" doc:"Limit of standard output, bytes; 0: the agent's own."`
}

type inputReply struct {
	Path   string `json:"path" doc:"Path below /in."`
	SHA256 string `json:"sha256" doc:"SHA-256 of the content, in hexadecimal."`
}

func encodeDirective(d idle.Directive, now time.Time) directiveReply {
	return directiveReply{
		NextSeconds: math.Round(d.NextSeconds*1000) / 1000, Desired: string(d.Desired), Eligible: d.Eligible,
		Reasons: each(d.Reasons, encodeReason),
		Renewed: each(d.Renewed, func(l idle.Lease) leaseReply { return encodeLease(l, now) }),
		Cancel:  list(d.Cancel),
		Offers:  each(d.Offers, encodeOffer),
	}
}

func encodeLease(l idle.Lease, now time.Time) leaseReply {
	reply := leaseReply{Attempt: l.Attempt, Token: l.Token, Until: l.Until, EvictAt: when(l.EvictAt)}
	if !l.EvictAt.IsZero() {
		reply.Seconds = max(0, l.EvictAt.Sub(now).Seconds())
	}
	return reply
}

func encodeReason(r idle.Reason) reasonReply { return reasonReply(r) }

func encodeOffer(o idle.Offer) offerReply {
	return offerReply{
		Attempt: o.Attempt, Token: o.Token, Until: o.Until.UTC(),
		Job: o.Job, Name: o.Name, Module: o.Module, Args: list(o.Args), Stdin: o.Stdin, Output: o.Output, Seed: o.Seed,
		Inputs:   each(o.Inputs, func(i idle.Input) inputReply { return inputReply(i) }),
		MilliCPU: o.MilliCPU, MemoryMB: o.MemoryMB, MilliGPU: o.MilliGPU, MaxRuntimeSeconds: o.MaxRuntimeSeconds,
		MaxMemoryMB: o.MaxMemoryMB, MaxOutputBytes: o.MaxOutputBytes, MaxStdoutBytes: o.MaxStdoutBytes,
	}
}
