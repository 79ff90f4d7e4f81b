package main

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/guest"
)

// endToEndFigures are the figures of the suite endtoend.
func endToEndFigures(b *bench) []figure {
	return []figure{
		{"endtoend", "short_jobs_per_s", goal{">", 300}, b.shortJobs},
		{"endtoend", "makespan_ratio", goal{"<", 1.15}, b.makespan},
		{"endtoend", "scheduler_program_mb", goal{"<", 4}, schedulerProgram},
	}
}

// The fleet of the short jobs: devices that each lend one core and keep many attempts, of which each asks for a
// hundredth of a core.
const (
	shortBatch   = 3000
	shortRounds  = 5
	shortClients = 16
	shortDevices = 2
	shortHeld    = 64
	shortRuns    = 2
)

// shortJobs is how many jobs that do next to nothing go through the whole house in a second.
func (b *bench) shortJobs(ctx context.Context) (r result, err error) {
	dir, err := os.MkdirTemp("", "fogbench-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	device := deviceSetup{MilliCPU: 1000, MemoryMB: 4096, Held: shortHeld, Runs: shortRuns}
	f, err := b.muster(ctx, dir, shortDevices, device)
	defer func() { f.disband(&err) }()
	if err != nil {
		return r, err
	}
	module := echo()
	if err := f.storeModule(ctx, module); err != nil {
		return r, err
	}
	var rates []float64
	done := int64(0)
	for round := -1; round < shortRounds; round++ {
		size := shortBatch
		if round < 0 {
			size = 200 // starts the workers
		}
		batch := &batch{clients: shortClients}
		for i := range size {
			word := fmt.Sprintf("round %d job %d", round, i)
			batch.jobs = append(batch.jobs, wish{stdout: "guest\x00" + word + "\x00", body: map[string]any{
				"name": "short job " + strconv.Itoa(i), "sla_tier": "bronze", "cpu_required": 0.01, "memory_required": 0.01,
				"duration_estimate": 1, "module": digestOf(module), "args": []string{word},
			}})
		}
		o, err := batch.run(ctx, f, done)
		if err != nil {
			return r, err
		}
		done += int64(size)
		if round >= 0 {
			rates = append(rates, float64(size)/o.wall.Seconds())
		}
	}
	return result{Value: sample.Median(rates), Unit: "jobs/s", Note: fmt.Sprintf("from %s to %s in %d rounds", sample.Number(sample.Least(rates)), sample.Number(sample.Most(rates)), shortRounds)}, nil
}

const (
	spanJobs  = 200
	spanSlots = 2
	spanSide  = 64  // points of the tile's edge: all inside the set, so that every iteration is done
	spanLong  = 1.0 // seconds of CPU time that a job is to take
)

// makespan compares how long a batch of long jobs took with how long it would take if two workers did nothing else.
func (b *bench) makespan(ctx context.Context) (r result, err error) {
	dir, err := os.MkdirTemp("", "fogbench-")
	if err != nil {
		return r, err
	}
	defer os.RemoveAll(dir)
	device := deviceSetup{MilliCPU: 1000, MemoryMB: 4096, Held: 4, Runs: 1, Foreground: true}
	f, err := b.muster(ctx, dir, spanSlots, device)
	defer func() { f.disband(&err) }()
	if err != nil {
		return r, err
	}
	if err := f.storeModule(ctx, guest.Mandelbrot()); err != nil {
		return r, err
	}
	tile := guest.Tile{Width: spanSide, Height: spanSide, W: spanSide, H: spanSide, MaxIter: 20_000, CX: -0.1, Scale: 0.1}
	trial, err := tiles(tile, 2*spanSlots).run(ctx, f, 0)
	if err != nil {
		return r, err
	}
	tile.MaxIter = int(float64(tile.MaxIter) * spanLong / (trial.cpu / (2 * spanSlots)))
	o, err := tiles(tile, spanJobs).run(ctx, f, 2*spanSlots)
	if err != nil {
		return r, err
	}
	ideal := o.cpu / spanSlots
	return result{
		Value: o.wall.Seconds() / ideal, Unit: "x",
		Note: fmt.Sprintf("%s s, ideal %s s; a job took %s s of CPU time and %s s on the clock; the slots were busy %s %% of the time",
			sample.Number(o.wall.Seconds()), sample.Number(ideal), sample.Number(o.cpu/spanJobs), sample.Number(o.busy/spanJobs), sample.Number(100*o.busy/spanSlots/o.wall.Seconds())),
	}, nil
}

// tiles is a batch of the same tile.
func tiles(tile guest.Tile, n int) *batch {
	points := tile.W * tile.H
	b := &batch{clients: spanSlots}
	for i := range n {
		b.jobs = append(b.jobs, wish{
			stdout: fmt.Sprintf("tile 0 0 %d %d iterations %d\n", tile.W, tile.H, points*tile.MaxIter),
			body: map[string]any{
				"name": "long job " + strconv.Itoa(i), "sla_tier": "bronze", "cpu_required": 1, "memory_required": 0.1,
				"duration_estimate": spanLong, "module": guest.Digest(), "args": tile.Args(),
			},
		})
	}
	return b
}

// schedulerProgram is the size of a program that plans jobs with fog/scheduler and uses nothing else of ours.
func schedulerProgram(ctx context.Context) (result, error) {
	dir, err := os.MkdirTemp("", "fogbench-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	program, err := build(ctx, dir, "", "./planner", []string{"CGO_ENABLED=0"}, "-trimpath", "-ldflags=-s -w")
	if err != nil {
		return result{}, err
	}
	info, err := os.Stat(program)
	if err != nil {
		return result{}, err
	}
	return result{Value: float64(info.Size()) / 1e6, Unit: "MB"}, nil
}
