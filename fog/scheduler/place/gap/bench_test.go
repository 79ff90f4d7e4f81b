//go:build unix

package gap_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler/place/gap"
)

// cpu is the CPU time of the process as a clock.
func cpu() time.Time {
	var usage syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Unix(0, usage.Utime.Nano()+usage.Stime.Nano())
}

// BenchmarkGap gives each instance one second of CPU and reports how far the plan lies above the bound: the proven one for the
// files of FOG_DATA, the Lagrangian one for the others.
func BenchmarkGap(b *testing.B) {
	run := func(name string, p gap.Problem, bound float64) {
		b.Run(name, func(b *testing.B) {
			if bound == 0 {
				bound, _ = gap.LowerBound(context.Background(), p, 2000)
			}
			total, worst, out, moves := 0.0, 0.0, 0, int64(0)
			for seed := range b.N {
				s, err := gap.Solve(context.Background(), p, gap.Config{Time: time.Second, Now: cpu, Seed: uint64(seed)})
				require.NoError(b, err)
				above := 100 * (s.Cost/bound - 1)
				total += above
				worst = max(worst, above)
				out += s.Unplaced
				moves += s.Moves
			}
			b.ReportMetric(total/float64(b.N), "%gap")
			b.ReportMetric(worst, "%worst")
			b.ReportMetric(float64(out)/float64(b.N), "unplaced")
			b.ReportMetric(float64(moves)/float64(b.N), "moves")
		})
	}
	for _, kind := range []byte{'c', 'd', 'e'} {
		for _, size := range [][2]int{{5, 100}, {10, 200}, {20, 200}, {20, 400}, {15, 900}, {40, 900}} {
			run(fmt.Sprintf("drawn/%c%02d%d", kind, size[0], size[1]), class(kind, size[0], size[1], 1), 0)
		}
	}
	for _, dims := range []int{1, 2, 3} {
		for _, share := range []float64{0.95, 0.97, 0.99} {
			for _, uniform := range []bool{false, true} {
				p, _ := planted(20, 200, dims, share, uniform, 1)
				run(fmt.Sprintf("planted/%dd_%v_uniform=%v", dims, share, uniform), p, 0)
			}
		}
	}
	names, problems, bounds := library(b)
	for _, name := range names {
		run("library/"+name, problems[name], bounds[name])
	}
}
