// Workflow is the scheduler alone: in memory, with nothing but the standard
// library. It brings up a dozen nodes, submits a film as a workflow, plays the
// nodes itself, asks why jobs wait, and draws who ran what when. It exits 0
// only if the schedule kept every rule that the workflow states.
//
//	go run ./examples/workflow -out workflow.svg
package main

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func main() {
	out := flag.String("out", "workflow.svg", "file for the picture")
	flag.Parse()
	ctx, stop := context.WithTimeout(context.Background(), time.Minute)
	s, err := scheduler.New(scheduler.Config{
		Poll:   20 * time.Millisecond,                                              // how often room is kept for who waits: these jobs are short
		Params: func() scheduler.Params { return scheduler.Params{Evictions: -1} }, // and nobody is taken off a node for another
	})
	check(err)
	nodes, steps := fleet(), film()
	check(s.SyncNodes(ctx, nodes))
	var running sync.WaitGroup
	running.Go(func() { check(s.Run(ctx)) })
	for _, n := range nodes {
		running.Go(func() { device(ctx, s, n) })
	}
	began := time.Now()
	submitted, err := s.Submit(ctx, steps)
	check(err)
	ids := make(map[string]scheduler.JobID) // of a step: its job, or its array
	for i, one := range submitted {
		check(one.Err)
		ids[steps[i].Key] = one.Job.ID
	}
	follow(ctx, s, ids)
	h := historyOf(records(ctx, s), nodes)
	stop()
	running.Wait()

	table(h, steps, began)
	check(draw(*out, nodes, steps, h, began))
	verify(h, steps)
	fmt.Println("\nevery rule was kept; the picture is in", *out)
}

// follow watches until every job is over. Meanwhile it asks why others wait, and gives up the dream.
func follow(ctx context.Context, s *scheduler.Scheduler, ids map[string]scheduler.JobID) {
	asks := map[int][]string{1: {"sound", "grade", "dream"}, 12: {"render", "index"}} // when so many scenes have begun
	begun := 0
	for e, err := range s.Watch(ctx, scheduler.EventQuery{}) {
		check(err)
		if e.Array == ids["render"] && e.State == scheduler.Running {
			begun++
			for _, step := range asks[begun] {
				explain(ctx, s, step, ids[step])
			}
		}
		if e.State.Final() && over(ctx, s) {
			return
		}
	}
}

// over reports whether every job is.
func over(ctx context.Context, s *scheduler.Scheduler) bool {
	stats, err := s.Stats(ctx)
	check(err)
	open := stats.Total
	for state, n := range stats.States {
		if state.Final() {
			open -= n
		}
	}
	return open == 0
}

// explain prints why a job waits, of an array the last one, and cancels one that waits in vain.
func explain(ctx context.Context, s *scheduler.Scheduler, step string, id scheduler.JobID) {
	page, err := s.List(ctx, scheduler.JobQuery{Array: id, Limit: 1})
	check(err)
	for _, last := range page.Jobs {
		id = last.ID
	}
	e, err := s.Explain(ctx, id)
	check(err)
	fmt.Printf("%s is %s:\n", step, e.State)
	for _, r := range e.Reasons {
		fmt.Printf("  %-16s %s\n", r.Code, r.Text)
		if r.Code == scheduler.CodeNeverHere {
			_, err := s.Cancel(ctx, id)
			check(err)
		}
	}
	if !e.StartsAt.IsZero() {
		fmt.Printf("  it should start in %d ms\n", time.Until(e.StartsAt).Milliseconds())
	}
}

// records reads all jobs with their attempts.
func records(ctx context.Context, s *scheduler.Scheduler) []scheduler.Record {
	page, err := s.List(ctx, scheduler.JobQuery{Limit: 1000})
	check(err)
	ids := make([]scheduler.JobID, len(page.Jobs))
	for i, j := range page.Jobs {
		ids[i] = j.ID
	}
	all, err := s.Records(ctx, ids)
	check(err)
	return all
}
