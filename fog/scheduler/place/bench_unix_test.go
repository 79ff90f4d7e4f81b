//go:build unix

package place_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler/place"
)

// processor is a clock that counts this process's CPU time, so that other load does not count.
func processor() time.Time {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return time.Time{}
	}
	return time.Unix(0, u.Utime.Nano()+u.Stime.Nano())
}

// greedyFor repeats the greedy under random weight vectors until the time is up.
func greedyFor(p *place.Problem, scale []float64, seed uint64, budget time.Duration) [][]float64 {
	var out [][]float64
	for end := processor().Add(budget); processor().Before(end); seed += 1 << 32 {
		out = append(out, greedies(p, scale, seed, 1)...)
	}
	return out
}

// BenchmarkStudy measures the study's goals: how far the chosen plans lie below the weighted greedy, in percent, and the hypervolume as a
// multiple of that of the multi-weight greedy in the same CPU time; on three unseen instances and, with FOG_DATA, on the study's own.
func BenchmarkStudy(b *testing.B) {
	instances, err := studyFiles()
	if err != nil {
		b.Fatal(err)
	}
	if instances == nil {
		instances = make(map[string]*place.Problem)
	}
	for seed := range uint64(3) {
		instances[fmt.Sprintf("unseen_%d", seed)] = random(seed, 1000, 200)
	}
	for _, name := range slices.Sorted(maps.Keys(instances)) {
		for _, budget := range []time.Duration{100 * time.Millisecond, time.Second} {
			for _, genetic := range []float64{0, 0.25} {
				b.Run(fmt.Sprintf("%s/%v/genetic=%v", name, budget, genetic), func(b *testing.B) {
					measure(b, instances[name], budget, genetic)
				})
			}
		}
	}
}

func measure(b *testing.B, p *place.Problem, budget time.Duration, genetic float64) {
	scale := place.Scale(p)
	c := place.Config{Time: budget, Now: processor, Profiles: profiles(), Scale: scale, Genetic: genetic}
	below, ratio := make([]float64, len(profiles())), 0.0
	for b.Loop() {
		r, err := place.Solve(context.Background(), p, c)
		if err != nil {
			b.Fatal(err)
		}
		for i, w := range profiles() {
			greedy := place.Score(place.Greedy(p, w, scale).Objectives, w, scale)
			below[i] += 100 * (1 - place.Score(r.Front[r.Best[i]].Objectives, w, scale)/greedy)
		}
		v := volumes(objectives(r.Front), greedyFor(p, scale, c.Seed, budget), [][]float64{place.FirstFit(p).Objectives})
		ratio += v[0] / v[1]
		c.Seed++
	}
	for i, name := range []string{"balanced", "latency", "cost"} {
		b.ReportMetric(below[i]/float64(b.N), name+"_%")
	}
	b.ReportMetric(ratio/float64(b.N), "hv_ratio")
}
