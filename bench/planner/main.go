// Planner is the program whose size is measured: it plans jobs with the scheduler alone, in memory, and uses
// every call of its interface that a program with nodes of its own needs.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "planner:", err)
		os.Exit(1)
	}
}

// run takes one job from its submission to its result.
func run(ctx context.Context) error {
	s, err := scheduler.New(scheduler.Config{})
	if err != nil {
		return err
	}
	planning, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(planning) }()
	if err := play(ctx, s); err != nil {
		stop()
		return err
	}
	stop()
	return <-done
}

const node scheduler.NodeID = "laptop"

func play(ctx context.Context, s *scheduler.Scheduler) error {
	err := s.SyncNodes(ctx, []scheduler.Node{{
		ID: node, Owner: "device:laptop", State: scheduler.NodeUp, Trust: 1,
		Capacity: scheduler.Capacity{MilliCPU: 4000, MemoryMB: 8192}, Executors: []string{scheduler.ExecutorWASM},
	}})
	if err != nil {
		return err
	}
	jobs, err := s.Submit(ctx, []scheduler.Submission{{Name: "hello", Tier: scheduler.Gold}, {Name: "never mind"}})
	if err != nil {
		return err
	}
	if _, err := s.Cancel(ctx, jobs[1].Job.ID); err != nil {
		return err
	}
	offer, err := fetch(ctx, s)
	if err != nil {
		return err
	}
	result := &scheduler.Result{Stdout: []byte("hello, fog\n")}
	if _, err := s.Report(ctx, []scheduler.Report{{Attempt: offer.Attempt, Token: offer.Token, Result: result}}); err != nil {
		return err
	}
	record, err := s.Get(ctx, jobs[0].Job.ID)
	if err != nil {
		return err
	}
	why, err := s.Explain(ctx, record.Job.ID)
	if err != nil {
		return err
	}
	page, err := s.List(ctx, scheduler.JobQuery{Limit: 10})
	if err != nil {
		return err
	}
	stats, err := s.Stats(ctx)
	fmt.Printf("%s: %q, %d reasons, %d of %d jobs\n", record.Job.State, record.Job.Result.Stdout, len(why.Reasons), len(page.Jobs), stats.Total)
	return err
}

// fetch waits until the node is offered an attempt.
func fetch(ctx context.Context, s *scheduler.Scheduler) (scheduler.Offer, error) {
	for {
		grants, err := s.Claim(ctx, []scheduler.Claim{{Node: node, Take: 1}})
		if err != nil {
			return scheduler.Offer{}, err
		}
		if len(grants[0].Offers) > 0 {
			return grants[0].Offers[0], nil
		}
		if err := s.Wait(ctx, node); err != nil {
			return scheduler.Offer{}, err
		}
	}
}
