package scheduler_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// quiet is a scheduler without nodes, whose clock stands still.
func quiet() *scheduler.Scheduler {
	now := time.Date(2026, 5, 17, 12, 0, 0, 0, time.UTC)
	s, err := scheduler.New(scheduler.Config{Now: func() time.Time { return now }})
	if err != nil {
		log.Fatal(err)
	}
	return s
}

// One submission makes many jobs, each with its own index in its arguments. They are counted, paused and cancelled together.
func ExampleScheduler_Array() {
	ctx := context.Background()
	s := quiet()
	out, err := s.Submit(ctx, []scheduler.Submission{{
		Key: "film-7", Name: "frames", Count: 3, Task: scheduler.Task{Args: []string{"--frame={index}", "--of={{index}}"}},
	}})
	if err != nil {
		log.Fatal(err)
	}
	id := out[0].Job.Array
	page, err := s.List(ctx, scheduler.JobQuery{Array: id})
	if err != nil {
		log.Fatal(err)
	}
	record, err := s.Get(ctx, page.Jobs[0].ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(record.Job.Index, record.Job.Task.Args)
	if _, err := s.Cancel(ctx, record.Job.ID); err != nil {
		log.Fatal(err)
	}
	a, err := s.PauseArray(ctx, id)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(a.Count, a.States)
	// Output:
	// 2 [--frame=2 --of={index}]
	// 3 map[cancelled:1 paused:2]
}

// The submissions of one call may come after each other: by index, or by key.
func ExampleDependency() {
	ctx := context.Background()
	s := quiet()
	out, err := s.Submit(ctx, []scheduler.Submission{
		{Name: "fetch", Key: "fetch"},
		{Name: "tiles", Count: 8, After: []scheduler.Dependency{{Job: "@fetch"}}},
		{Name: "join", After: []scheduler.Dependency{{Job: "#1"}}},
		{Name: "clean up", After: []scheduler.Dependency{{Job: "#1", When: scheduler.OnFailure}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, o := range out {
		fmt.Println(o.Job.Name, o.Job.State)
	}
	e, err := s.Explain(ctx, out[2].Job.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(e.Reasons[0].Code)
	// Output:
	// fetch queued
	// tiles blocked
	// join blocked
	// clean up blocked
	// awaiting_jobs
}

// A schedule submits the same job again and again, at times of a place's wall clock.
func ExampleScheduler_PutSchedule() {
	ctx := context.Background()
	s := quiet()
	one, err := s.PutSchedule(ctx, scheduler.Schedule{
		ID: "nightly", Spec: "30 2 * * mon-fri", Zone: "Europe/Berlin", Overlap: scheduler.Forbid,
		Template: scheduler.Submission{Name: "report", Tier: scheduler.Silver},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(one.Next.Format(time.RFC3339))
	one, err = s.PauseSchedule(ctx, "nightly", true)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(one.Next.IsZero())
	// Output:
	// 2026-05-18T00:30:00Z
	// true
}

// A reader takes its position, lists the jobs, and then follows every change after that.
func ExampleScheduler_Watch() {
	ctx := context.Background()
	s := quiet()
	position, err := s.Position(ctx)
	if err != nil {
		log.Fatal(err)
	}
	out, err := s.Submit(ctx, []scheduler.Submission{{Name: "hello"}})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := s.Cancel(ctx, out[0].Job.ID); err != nil {
		log.Fatal(err)
	}
	for e, err := range s.Watch(ctx, scheduler.EventQuery{After: position}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(e.Seq-position, e.State)
		if e.State.Final() {
			break
		}
	}
	// Output:
	// 1 queued
	// 2 cancelled
}
