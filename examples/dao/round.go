package main

import (
	"context"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// round lets the scheduler place a dozen jobs on four nodes, and returns how often it has looked for a better plan. The jobs are cancelled
// then: nobody computes here.
func (t *town) round() (searches int64) {
	ctx, s := context.Background(), t.house.Scheduler
	var nodes []scheduler.Node
	for i := range 4 {
		nodes = append(nodes, scheduler.Node{
			ID: scheduler.NodeID(fmt.Sprint("n", i)), Owner: principal.Account(fmt.Sprint("device:n", i)), State: scheduler.NodeUp, Trust: 1,
			Speed: 1 + float64(i), Capacity: scheduler.Capacity{MilliCPU: 4000, MemoryMB: 8192}, Executors: []string{scheduler.ExecutorWASM},
		})
	}
	check(s.SyncNodes(ctx, nodes))
	began := t.stats().Optimiser.Searches
	jobs, err := t.house.Submit(ctx, []scheduler.Submission{
		{Name: "film", Count: 8, Estimate: time.Minute}, {Name: "sound", Count: 4, Tier: scheduler.Gold, Estimate: time.Hour, Demand: scheduler.Demand{MilliCPU: 2000}},
	})
	check(err)
	wait("the placement of all jobs", func() bool { return t.stats().States[scheduler.Placed] == 12 })
	if t.budget() >= 0 {
		wait("a search", func() bool { return t.stats().Optimiser.Searches > began })
	}
	searches = t.stats().Optimiser.Searches - began
	for _, j := range jobs {
		check(j.Err)
		page, err := s.List(ctx, scheduler.JobQuery{Array: j.Job.ID})
		check(err)
		for _, one := range page.Jobs {
			_, err := s.Cancel(ctx, one.ID)
			check(err)
		}
	}
	wait("the settlement of all jobs", func() bool { return t.balance("operator").Held == 0 })
	return searches
}

func (t *town) stats() scheduler.Stats {
	stats, err := t.house.Scheduler.Stats(context.Background())
	check(err)
	return stats
}

// budget is what the house lets its scheduler have now.
func (t *town) budget() time.Duration {
	span, voted := tokenomics.Get[tokenomics.Span](t.house.Parameters(), roundBudget)
	if !voted {
		return -1 // as it was opened
	}
	return time.Duration(span)
}

// follow waits until the house has the budget that was decided on.
func (t *town) follow(want time.Duration) {
	wait("a budget of "+want.String(), func() bool { return t.budget() == want })
	t.terms = append(t.terms, term{t.clock.Now(), want.String()})
	t.say("the house follows version %d of its parameters: %s = %s", t.house.Parameters().Version(), roundBudget, want)
}
