package scheduler_test

import (
	"runtime"
	"testing"

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
