package fogtest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// A house in memory and a device that computes what the test says: enough to
// test a program that submits jobs, with no server, no database and no sandbox.
func Example() {
	ctx := context.Background()
	house, err := fog.Open(ctx, fog.Config{})
	if err != nil {
		panic(err)
	}
	defer func() { _ = house.Close() }()
	device := fogtest.New(house, fogtest.Device{ID: "laptop", Compute: func(o idle.Offer) (*scheduler.Result, scheduler.Class, string) {
		return &scheduler.Result{Stdout: []byte("computed " + o.Name)}, "", ""
	}})
	if err := device.Restart(ctx); err != nil {
		panic(err)
	}
	jobs, err := house.Submit(ctx, []scheduler.Submission{{Name: "six times seven", Tier: scheduler.Gold, Estimate: time.Second}})
	if err != nil {
		panic(err)
	}
	for taken := 0; taken == 0; {
		if taken, err = device.Work(ctx); err != nil {
			panic(err)
		}
	}
	done, err := house.Wait(ctx, jobs[0].Job.ID)
	if err != nil {
		panic(err)
	}
	fmt.Println(done[0].Job.State)
	fmt.Println(string(done[0].Job.Result.Stdout))
	// Output:
	// vested
	// computed six times seven
}

// A clock that stands still until the test turns it.
func ExampleClock() {
	clock := fogtest.NewClock()
	house, err := fog.Open(context.Background(), fog.Config{Now: clock.Now})
	if err != nil {
		panic(err)
	}
	defer func() { _ = house.Close() }()
	clock.Advance(90 * time.Minute)
	fmt.Println(clock.Now().Sub(house.Health().Since))
	// Output: 1h30m0s
}
