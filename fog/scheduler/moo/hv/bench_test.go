package hv_test

import (
	"fmt"
	"testing"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
)

func BenchmarkVolume(b *testing.B) {
	var w hv.Workspace
	each(b, func(f []float64, m int, ref []float64) { w.Volume(f, m, ref) })
}

func BenchmarkContributions(b *testing.B) {
	var w hv.Workspace
	var dst []float64
	each(b, func(f []float64, m int, ref []float64) { dst = w.Contributions(dst, f, m, ref) })
}

// One row of many: what an archive pays to measure a newcomer.
func BenchmarkContributionsOfOne(b *testing.B) {
	var w hv.Workspace
	var dst []float64
	one := []int32{7}
	each(b, func(f []float64, m int, ref []float64) { dst = w.ContributionsOf(dst, f, m, ref, one) })
}

func each(b *testing.B, work func(f []float64, m int, ref []float64)) {
	for m := 2; m <= hv.MaxObjectives; m++ {
		for _, n := range []int{100, 1000} {
			f, ref := sphere(n, m, 1), all(m, 1.1)
			b.Run(fmt.Sprintf("m=%d/n=%d", m, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					work(f, m, ref)
				}
			})
		}
	}
}

func BenchmarkIGDPlus(b *testing.B) {
	f, reference := sphere(100, 3, 1), sphere(1000, 3, 2)
	for b.Loop() {
		hv.IGDPlus(f, reference, 3)
	}
}
