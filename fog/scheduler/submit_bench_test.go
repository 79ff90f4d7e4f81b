package scheduler_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// BenchmarkSubmitSingle submits single jobs, one a call, in memory.
func BenchmarkSubmitSingle(b *testing.B) {
	submitting(b, 1, scheduler.Submission{Name: "job", Tier: scheduler.Gold})
}

// BenchmarkSubmitMany submits single jobs, a thousand a call.
func BenchmarkSubmitMany(b *testing.B) {
	submitting(b, 1000, scheduler.Submission{Name: "job", Tier: scheduler.Gold})
}

// BenchmarkSubmitArray submits arrays of a hundred tasks, one a call.
func BenchmarkSubmitArray(b *testing.B) {
	submitting(b, 1, scheduler.Submission{Name: "job", Tier: scheduler.Gold, Count: 100})
}

// BenchmarkSubmitIndexed submits arrays whose tasks have arguments of their own.
func BenchmarkSubmitIndexed(b *testing.B) {
	submitting(b, 1, scheduler.Submission{Name: "job", Count: 100, Task: scheduler.Task{Args: []string{"tile", "{index}"}}})
}

// submitting measures the time of a task and the memory that each pending job keeps.
func submitting(b *testing.B, calls int, job scheduler.Submission) {
	s, err := scheduler.New(scheduler.Config{})
	require.NoError(b, err)
	jobs := make([]scheduler.Submission, calls)
	for i := range jobs {
		jobs[i] = job
	}
	tasks := calls * max(1, job.Count)
	before := heap()
	n := 0
	for b.Loop() {
		_, err := s.Submit(b.Context(), jobs)
		require.NoError(b, err)
		n++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*tasks), "ns/task")
	b.ReportMetric(float64(heap()-before)/float64(n*tasks), "B/task")
	runtime.KeepAlive(s)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkMillion has 10,000 nodes of 8 cores and a million jobs, in arrays of 10,000, and reports what the process has resident once all
// are pending, and once the nodes are full.
func BenchmarkMillion(b *testing.B) {
	s, err := scheduler.New(scheduler.Config{Seed: 1})
	require.NoError(b, err)
	nodes := make([]scheduler.Node, 10_000)
	for i := range nodes {
		n := node(fmt.Sprint("n", i))
		n.Capacity = scheduler.Capacity{MilliCPU: 8000, MemoryMB: 32 << 10}
		nodes[i] = n
	}
	for b.Loop() {
		for range 100 {
			_, err := s.Submit(b.Context(), []scheduler.Submission{{Name: "job", Count: 10_000, Demand: scheduler.Demand{MilliCPU: 1000, MemoryMB: 1024}}})
			require.NoError(b, err)
		}
		b.ReportMetric(resident(b), "MB-pending")
		require.NoError(b, s.SyncNodes(b.Context(), nodes))
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx) }()
		for placed := int64(0); placed < 80_000; time.Sleep(100 * time.Millisecond) {
			stats, err := s.Stats(b.Context())
			require.NoError(b, err)
			placed = stats.States[scheduler.Placed]
		}
		b.ReportMetric(resident(b), "MB-full")
		cancel()
		require.NoError(b, <-done)
	}
}

// resident is the memory that the process holds, in megabytes.
func resident(b *testing.B) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip("needs /proc:", err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	var kB float64
	_, err = fmt.Sscan(rest, &kB)
	require.NoError(b, err)
	return kB * 1024 / 1e6
}
