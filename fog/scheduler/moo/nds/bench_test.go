package nds_test

import (
	"fmt"
	"testing"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/nds"
)

// sets is the number of data sets that a benchmark goes round, lest the branch predictor learn one by heart.
const sets = 16

// BenchmarkSort measures Sort with a reused workspace, on shells and clouds; BenchmarkClassic the classic sort on some of
// the same data.
func BenchmarkSort(b *testing.B) {
	for _, m := range []int{2, 3, 4, 5, 8} {
		for _, n := range []int{200, 2000, 20000} {
			var w nds.Workspace
			run(b, "shell", shells, n, m, w.Sort)
			run(b, "cloud", cloud, n, m, w.Sort)
		}
	}
}

func BenchmarkClassic(b *testing.B) {
	for _, m := range []int{2, 3, 4} {
		for _, n := range []int{200, 2000} {
			var c classic
			run(b, "shell", shells, n, m, c.sort)
			run(b, "cloud", cloud, n, m, c.sort)
		}
	}
}

// BenchmarkDivide measures where bitsets and divide and conquer cost the same: see Workspace.Bitset.
func BenchmarkDivide(b *testing.B) {
	for _, m := range []int{4, 6} {
		for _, n := range []int{20_000, 100_000, 200_000} {
			for name, limit := range limits {
				w := nds.Workspace{Bitset: limit}
				run(b, name+"/shell", shells, n, m, w.Sort)
				run(b, name+"/cloud", cloud, n, m, w.Sort)
			}
		}
	}
}

// BenchmarkFronts measures what listing the fronts adds.
func BenchmarkFronts(b *testing.B) {
	var w nds.Workspace
	w.Sort(shells(1, 2000, 3), 3)
	b.ReportAllocs()
	for b.Loop() {
		w.Fronts()
	}
}

func run(b *testing.B, name string, rows func(seed uint64, n, m int) []float64, n, m int, sort func([]float64, int) []int32) {
	b.Run(fmt.Sprintf("%s/m%d/n%d", name, m, n), func(b *testing.B) {
		data := make([][]float64, min(sets, 400_000/n+1))
		for i := range data {
			data[i] = rows(uint64(i), n, m)
			sort(data[i], m)
		}
		b.ReportAllocs()
		i := 0
		for b.Loop() {
			sort(data[i%len(data)], m)
			i++
		}
	})
}
