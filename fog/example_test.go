package fog_test

import (
	"context"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/fogtest"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// A program with a house of its own: no server, no network. A device that
// exists here only stands for those that would beat over HTTP.
func Example() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	house, err := fog.Open(ctx, fog.Config{}) // in memory; give a DataDir to keep it
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = house.Close() }()
	device := fogtest.New(house, fogtest.Device{ID: "laptop"})
	if err := device.Restart(ctx); err != nil {
		fmt.Println(err)
		return
	}
	work, rest := context.WithCancel(ctx)
	rested := make(chan struct{})
	defer func() {
		rest()
		<-rested
	}()
	go func() {
		device.Run(work)
		close(rested)
	}()

	answers, err := house.Submit(ctx, []scheduler.Submission{
		{Key: "picture-1", Name: "a picture", Tier: scheduler.Gold, Estimate: 10 * time.Second},
		{Name: "", Tier: scheduler.Gold},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(answers[0].Job.Name, "costs", answers[0].Job.Quote, "base units")
	fmt.Println(fog.KindOf(answers[1].Err), fog.FieldOf(answers[1].Err))
	done, err := house.Wait(ctx, answers[0].Job.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(done[0].Job.State, "by", done[0].Attempts[0].Node)
	// Output:
	// a picture costs 25000 base units
	// invalid name
	// vested by laptop
}

// Ready says why an engine cannot be called; Health how the whole house is.
func ExampleFog_Ready() {
	house, err := fog.Open(context.Background(), fog.Config{Leave: []string{"idle"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = house.Close() }()
	for _, engine := range []string{"scheduler", "idle", "privacy"} {
		fmt.Printf("%s %q\n", engine, fog.Detail(house.Ready(engine)))
	}
	fmt.Println(house.Health().State)
	// Output:
	// scheduler ""
	// idle "left out of this house by its Config"
	// privacy "not part of this build"
	// healthy
}
