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

// The same submission again, under its key, is answered with the stored job; another one under that key is refused.
func ExampleScheduler_Submit() {
	ctx := context.Background()
	s, stop := open(ctx)
	defer stop()
	tile := scheduler.Submission{Key: "tile-7", Name: "tile", Tier: scheduler.Silver, Estimate: 2 * time.Second}
	other := tile
	other.Name = "another"
	out, err := s.Submit(ctx, []scheduler.Submission{tile, tile, other, {Name: "bad", Tier: "diamond"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(out[0].Fresh, out[1].Fresh, out[0].Job.ID == out[1].Job.ID)
	fmt.Println(out[2].Err)
	fmt.Println(out[3].Err)
	fmt.Println("price of a slot:", out[0].Job.Price)
	// Output:
	// true false true
	// scheduler.submit: key "tile-7" was used for another submission
	// scheduler.tier: sla_tier: unknown tier "diamond": want platinum, gold, silver or bronze
	// price of a slot: 3000
}

// A node renews what it runs; after a cancel it is told to stop.
func ExampleScheduler_Claim() {
	ctx := context.Background()
	s, stop := open(ctx)
	defer stop()
	if _, err := s.Submit(ctx, []scheduler.Submission{{Name: "long"}}); err != nil {
		log.Fatal(err)
	}
	offer := fetch(ctx, s)
	beat := scheduler.Claim{Node: "laptop", Held: []scheduler.Held{{Attempt: offer.Attempt, Token: offer.Token, Progress: 0.5}}}
	for range 2 {
		grants, err := s.Claim(ctx, []scheduler.Claim{beat})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("renewed:", len(grants[0].Renewed), "cancel:", len(grants[0].Cancel))
		if _, err := s.Cancel(ctx, offer.Job); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// renewed: 1 cancel: 0
	// renewed: 0 cancel: 1
	// scheduler.cancel: cannot cancel a job that is cancelled
}

// A report under a token that is not the attempt's changes nothing; the same report again has the same verdict.
func ExampleScheduler_Report() {
	ctx := context.Background()
	s, stop := open(ctx)
	defer stop()
	if _, err := s.Submit(ctx, []scheduler.Submission{{Name: "hello"}}); err != nil {
		log.Fatal(err)
	}
	offer := fetch(ctx, s)
	report := scheduler.Report{Attempt: offer.Attempt, Token: offer.Token, Result: &scheduler.Result{Stdout: []byte("hi")}}
	forged := report
	forged.Token++
	for _, r := range []scheduler.Report{forged, report, report} {
		verdicts, err := s.Report(ctx, []scheduler.Report{r})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(verdicts[0].State, verdicts[0].Err != nil)
	}
	// Output:
	// running true
	// valid false
	// valid false
}

// Every waiting job has its reasons.
func ExampleScheduler_Explain() {
	ctx := context.Background()
	s, stop := open(ctx)
	defer stop()
	out, err := s.Submit(ctx, []scheduler.Submission{{Name: "render", Demand: scheduler.Demand{MilliCPU: 1000, MilliGPU: 500}}})
	if err != nil {
		log.Fatal(err)
	}
	e, err := s.Explain(ctx, out[0].Job.ID)
	if err != nil {
		log.Fatal(err)
	}
	for _, reason := range e.Reasons {
		fmt.Printf("%s: %s\n", reason.Code, reason.Text)
	}
	// Output:
	// never_here: no device of this fleet can ever take it
	// no_executor: 1 device without the executors that it needs (wasm, gpu)
}

// A paused job leaves its node and comes back to the queue.
func ExampleScheduler_Pause() {
	ctx := context.Background()
	s, stop := open(ctx)
	defer stop()
	if _, err := s.Submit(ctx, []scheduler.Submission{{Name: "hello"}}); err != nil {
		log.Fatal(err)
	}
	first := fetch(ctx, s)
	paused, err := s.Pause(ctx, first.Job)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(paused.State)
	if _, err := s.Resume(ctx, first.Job); err != nil {
		log.Fatal(err)
	}
	second := fetch(ctx, s)
	fmt.Println(second.Job == first.Job, second.Token > first.Token)
	// Output:
	// paused
	// true true
}

// Jobs are listed newest first, page by page.
func ExampleScheduler_List() {
	ctx := context.Background()
	s, err := scheduler.New(scheduler.Config{Now: ticking()})
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"one", "two", "three"} {
		if _, err := s.Submit(ctx, []scheduler.Submission{{Name: name}}); err != nil {
			log.Fatal(err)
		}
	}
	q := scheduler.JobQuery{States: []scheduler.State{scheduler.Queued}, Limit: 2}
	for {
		page, err := s.List(ctx, q)
		if err != nil {
			log.Fatal(err)
		}
		for _, j := range page.Jobs {
			fmt.Println(j.Name)
		}
		if page.Next == "" {
			fmt.Println("of", page.Total)
			return
		}
		fmt.Println("--")
		q.Cursor = page.Next
	}
	// Output:
	// three
	// two
	// --
	// one
	// of 3
}

// ticking is a clock that goes on by a second each time it is asked.
func ticking() func() time.Time {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return func() time.Time {
		now = now.Add(time.Second)
		return now
	}
}

// A drained node takes nothing new; its load shows what it still runs.
func ExampleScheduler_Drain() {
	ctx := context.Background()
	s, stop := open(ctx)
	defer stop()
	if _, err := s.Submit(ctx, []scheduler.Submission{{Name: "hello", Demand: scheduler.Demand{MilliCPU: 3000}}}); err != nil {
		log.Fatal(err)
	}
	fetch(ctx, s)
	if err := s.Drain(ctx, "laptop", true); err != nil {
		log.Fatal(err)
	}
	nodes, err := s.Nodes(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s drained=%v live=%d load=%.2f\n", nodes[0].ID, nodes[0].Drained, nodes[0].Live, nodes[0].Load())
	// Output:
	// laptop drained=true live=1 load=0.75
}

func ExampleScheduler_Stats() {
	ctx := context.Background()
	s, stop := open(ctx)
	defer stop()
	if _, err := s.Submit(ctx, []scheduler.Submission{{Name: "hello", Tier: scheduler.Gold}}); err != nil {
		log.Fatal(err)
	}
	offer := fetch(ctx, s)
	if _, err := s.Report(ctx, []scheduler.Report{{Attempt: offer.Attempt, Token: offer.Token, Result: &scheduler.Result{CPUSeconds: 0.25}}}); err != nil {
		log.Fatal(err)
	}
	stats, err := s.Stats(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("vested:", stats.States[scheduler.Vested], "of", stats.Total)
	fmt.Println("gold met:", stats.Tiers[scheduler.Gold].Compliance())
	fmt.Println("CPU seconds:", stats.CPUSeconds)
	// Output:
	// vested: 1 of 1
	// gold met: 1
	// CPU seconds: 0.25
}

func ExampleParseTrust() {
	for _, text := range []string{"none", "quorum:2", "quorum:2/3,json", "quorum:3/2"} {
		trust, err := scheduler.ParseTrust(text)
		fmt.Println(trust.Quorum, "of", trust.Replicas, trust.Compare, err)
	}
	// Output:
	// 1 of 1 exact <nil>
	// 2 of 2 exact <nil>
	// 2 of 3 json <nil>
	// 0 of 0 exact scheduler.trust: trust: quorum 3 of 2: want 1 <= quorum <= replicas <= 9
}

func ExampleComparator_Equal() {
	a := &scheduler.Result{Stdout: []byte(`{"mean": 1.5, "n": 3}`)}
	b := &scheduler.Result{Stdout: []byte(`{"n":3,"mean":1.50}`)}
	c := &scheduler.Result{Stdout: []byte(`{"mean": 1.5000001, "n": 3}`)}
	fmt.Println(scheduler.Comparator{}.Equal(a, b))
	fmt.Println(scheduler.Comparator{By: scheduler.ByJSON}.Equal(a, b))
	fmt.Println(scheduler.Comparator{By: scheduler.ByTolerance, Tolerance: 1e-6}.Equal(a, c))
	// Output:
	// false
	// true
	// true
}

func ExampleTierPricer() {
	p := scheduler.TierPricer{CPUSecond: 500}
	prices, err := p.Quote(context.Background(), []scheduler.Job{
		{Tier: scheduler.Bronze, Demand: scheduler.Demand{MilliCPU: 2000}, Estimate: 10 * time.Second},
		{Tier: scheduler.Gold, Demand: scheduler.Demand{MilliCPU: 2000}, Estimate: 10 * time.Second},
	})
	fmt.Println(prices, err)
	// Output:
	// [10000 25000] <nil>
}

func ExampleAttemptID_Split() {
	job, slot, token, ok := scheduler.NewAttemptID("01jobs", 1, 7).Split()
	fmt.Println(job, slot, token, ok)
	_, _, _, ok = scheduler.AttemptID("01jobs.1").Split()
	fmt.Println(ok)
	// Output:
	// 01jobs 1 7 true
	// false
}
