package scheduler_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// open starts a scheduler in memory with one node, and returns the function that ends it.
func open(ctx context.Context) (*scheduler.Scheduler, func()) {
	s, err := scheduler.New(scheduler.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	if err := s.SyncNodes(ctx, []scheduler.Node{{
		ID: "laptop", Owner: "device:laptop", State: scheduler.NodeUp, Trust: 1,
		Capacity:  scheduler.Capacity{MilliCPU: 4000, MemoryMB: 8192},
		Executors: []string{scheduler.ExecutorWASM},
	}}); err != nil {
		log.Fatal(err)
	}
	return s, func() {
		cancel()
		if err := <-done; err != nil {
			log.Fatal(err)
		}
	}
}

// fetch waits until the laptop is offered an attempt.
func fetch(ctx context.Context, s *scheduler.Scheduler) scheduler.Offer {
	for {
		grants, err := s.Claim(ctx, []scheduler.Claim{{Node: "laptop", Take: 1}})
		if err != nil {
			log.Fatal(err)
		}
		if len(grants[0].Offers) > 0 {
			return grants[0].Offers[0]
		}
		if err := s.Wait(ctx, "laptop"); err != nil {
			log.Fatal(err)
		}
	}
}

// A job is submitted, fetched by a node, and reported.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	s, stop := open(ctx)
	defer stop()

	jobs, err := s.Submit(ctx, []scheduler.Submission{{Name: "hello", Tier: scheduler.Gold}})
	if err != nil {
		log.Fatal(err)
	}
	offer := fetch(ctx, s)
	fmt.Println("offered:", offer.Name)
	verdicts, err := s.Report(ctx, []scheduler.Report{{
		Attempt: offer.Attempt, Token: offer.Token, Result: &scheduler.Result{Stdout: []byte("hello, fog\n")},
	}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("attempt:", verdicts[0].State)
	record, err := s.Get(ctx, jobs[0].Job.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("job: %s, said %q\n", record.Job.State, record.Job.Result.Stdout)
	for _, line := range record.Job.Log {
		fmt.Println(" ", line.State, "-", line.Text)
	}
	// Output:
	// offered: hello
	// attempt: valid
	// job: vested, said "hello, fog\n"
	//   queued - submitted
	//   placed - slot 0 placed on laptop
	//   running - slot 0 started on laptop
	//   running - slot 0 reported by laptop
	//   validated - validated
	//   vested - vested
}
