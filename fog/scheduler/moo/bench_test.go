package moo_test

import (
	"fmt"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// cpu returns the processor time of this process in milliseconds.
func cpu() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

func BenchmarkGeneration(b *testing.B) {
	problems := map[string]moo.Problem[[]float64]{"zdt1": zdt(1), "zdt4": zdt(4), "dtlz2": dtlz2(3)}
	for _, name := range []string{"zdt1", "zdt4", "dtlz2"} {
		for _, n := range []int{100, 1000} {
			b.Run(fmt.Sprintf("%s_pop%d", name, n), func(b *testing.B) { generations(b, problems[name], moo.Config{Population: n}) })
		}
	}
	for _, n := range []int{100, 1000} {
		b.Run(fmt.Sprintf("assign_pop%d", n), func(b *testing.B) { generations(b, drawnWorks(1).problem(), moo.Config{Population: n}) })
	}
}

func BenchmarkReferences(b *testing.B) {
	for m, divisions := range map[int][]int{3: {12, 43}, 5: {5, 9}} {
		for _, d := range divisions {
			points := moo.DasDennis(m, d)
			c := moo.Config{Population: len(points), Survival: moo.Survival{References: points}}
			b.Run(fmt.Sprintf("dtlz2_m%d_pop%d", m, len(points)), func(b *testing.B) { generations(b, dtlz2(m), c) })
		}
	}
}

// generations measures runs of 250 generations in processor time a generation.
func generations[G any](b *testing.B, p moo.Problem[G], c moo.Config) {
	const length = 250
	spent := 0.0
	c.Generations = length
	for b.Loop() {
		c.Seed++
		e, err := moo.New(p, c)
		require.NoError(b, err)
		begin := cpu()
		_, err = e.Run(b.Context())
		require.NoError(b, err)
		spent += cpu() - begin
	}
	b.ReportMetric(spent/float64(b.N)/length, "cpu-ms/generation")
}
