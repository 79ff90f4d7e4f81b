// Embed is the shortest whole program: a house in memory, this machine as its
// only device, one job, and its result.
package main

import (
	"context"
	"fmt"
	"log"

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/server"
)

func main() {
	worker.Main() // guests run in processes of this same program, which end here
	ctx, stop := context.WithCancel(context.Background())
	house, err := fog.Open(ctx, fog.Config{}) // in memory; DataDir or DatabaseURL keeps it
	check(err)
	web, err := server.New(house, server.Config{})
	check(err)
	device := agent.Config{Server: "http://localhost", HTTP: web.Local(), Policy: &idle.Policy{}} // no socket
	go func() { check(agent.Run(ctx, device)) }()
	jobs, err := house.Submit(ctx, []scheduler.Submission{{Name: "hello", Tier: scheduler.Gold}})
	check(err)
	done, err := house.Wait(ctx, jobs[0].Job.ID)
	check(err)
	fmt.Printf("%s on %s: %s", done[0].Job.State, done[0].Job.Node, done[0].Job.Result.Stdout)
	stop()
	check(house.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
