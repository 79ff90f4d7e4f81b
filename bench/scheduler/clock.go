package scheduler

import (
	"context"
	"syscall"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
)

// cpu is the CPU time that this process has used so far, in user and in system mode.
func cpu() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err) // of this very process
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// cpuClock is a clock that goes only while this process computes: what is given a second by it gets a second of CPU time,
// however busy the machine is.
func cpuClock() time.Time { return time.Unix(0, int64(cpu())) }

// costOf is the CPU time in microseconds of one of the times that do does what it does.
func costOf(do func(), times int) func() (float64, error) {
	return func() (float64, error) {
		before := cpu()
		do()
		return sample.Micros(cpu()-before) / float64(times), nil
	}
}

// interleave measures both sides round by round, the one that begins changing each time, and calls done after each round. The
// first round, which is for warming up, does not count. Ratios are theirs to ours, in each round.
func interleave(ctx context.Context, rounds int, ours, theirs func() (float64, error), done func()) (our, their, ratios []float64, err error) {
	sides := [2]func() (float64, error){ours, theirs}
	for round := -1; round < rounds; round++ {
		var cost [2]float64
		for i := range sides {
			side := (i + round + 1) % 2
			if cost[side], err = sides[side](); err != nil {
				return nil, nil, nil, err
			}
			if err = ctx.Err(); err != nil {
				return nil, nil, nil, err
			}
		}
		done()
		if round >= 0 {
			our, their, ratios = append(our, cost[0]), append(their, cost[1]), append(ratios, cost[1]/cost[0])
		}
	}
	return our, their, ratios, nil
}
