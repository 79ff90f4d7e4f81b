package scheduler_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// BenchmarkCycle carries jobs from submission to vesting: eight clients submit and eight nodes work.
func BenchmarkCycle(b *testing.B) { cycle(b, 0, scheduler.Demand{}) }

// BenchmarkCycleBeforeHopeless does so while 100,000 jobs wait that no node can take.
func BenchmarkCycleBeforeHopeless(b *testing.B) { cycle(b, 100_000, scheduler.Demand{MilliGPU: 1000}) }

// BenchmarkCycleBeforeBacklog does so while 100,000 jobs wait that would need a node for themselves.
func BenchmarkCycleBeforeBacklog(b *testing.B) {
	cycle(b, 100_000, scheduler.Demand{MilliCPU: 8000, MemoryMB: 1 << 16})
}

func cycle(b *testing.B, backlog int, demand scheduler.Demand) {
	ctx, cancel := context.WithCancel(b.Context())
	s, err := scheduler.New(scheduler.Config{})
	if err != nil {
		b.Fatal(err)
	}
	var running, working sync.WaitGroup
	running.Go(func() { _ = s.Run(ctx) })
	nodes := make([]scheduler.Node, 8)
	for i := range nodes {
		nodes[i] = scheduler.Node{
			ID: scheduler.NodeID(fmt.Sprint("n", i)), Owner: "device", State: scheduler.NodeUp,
			Capacity:  scheduler.Capacity{MilliCPU: 8000, MemoryMB: 1 << 16},
			Executors: []string{scheduler.ExecutorWASM},
		}
	}
	if err := s.SyncNodes(ctx, nodes); err != nil {
		b.Fatal(err)
	}
	done := make(chan struct{}, 256)
	for i := range nodes {
		working.Go(func() { work(ctx, s, nodes[i].ID, done) })
	}
	submit(b, s, backlog, demand)
	b.ResetTimer()
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			for i := c; i < b.N; i += 8 {
				if _, err := s.Submit(ctx, []scheduler.Submission{{Name: "job", Tier: scheduler.Gold}}); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range b.N {
		<-done
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	clients.Wait()
	cancel()
	working.Wait()
	running.Wait()
}

// submit queues bronze jobs.
func submit(b *testing.B, s *scheduler.Scheduler, n int, demand scheduler.Demand) {
	jobs := make([]scheduler.Submission, n)
	for i := range jobs {
		jobs[i] = scheduler.Submission{Name: "backlog", Demand: demand}
	}
	if _, err := s.Submit(b.Context(), jobs); err != nil {
		b.Fatal(err)
	}
}

// work fetches and reports until ctx ends.
func work(ctx context.Context, s *scheduler.Scheduler, n scheduler.NodeID, done chan<- struct{}) {
	for ctx.Err() == nil {
		grants, err := s.Claim(ctx, []scheduler.Claim{{Node: n, Take: 8}})
		if err != nil {
			return
		}
		if len(grants[0].Offers) == 0 {
			if s.Wait(ctx, n) != nil {
				return
			}
			continue
		}
		var reports []scheduler.Report
		for _, o := range grants[0].Offers {
			reports = append(reports, scheduler.Report{Attempt: o.Attempt, Token: o.Token, Result: &scheduler.Result{}})
		}
		verdicts, err := s.Report(ctx, reports)
		if err != nil {
			return
		}
		for range verdicts {
			done <- struct{}{}
		}
	}
}
