// Agent lends this machine's idle time to a server:
//
//	go run ./examples/agent -server http://127.0.0.1:8000
//	go run ./examples/agent now      what would you do now, and why: each signal beside its rule
//	go run ./examples/agent status   what does the running agent do, and why not more
//
// It runs WebAssembly jobs in sandboxed processes at the lowest priority, suspends them within a second when the policy of
// its type says that the machine is needed, and says goodbye on Ctrl-C. A hang-up (SIGHUP) lets it finish what it holds and end: for upgrades.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // policies name time zones; some systems know none

	"github.com/fogcompute/fogcompute/fog/idle/agent"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

func main() {
	worker.Main() // a worker process ends here
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	command := ""
	if len(args) > 0 && (args[0] == "now" || args[0] == "status") {
		command, args = args[0], args[1:]
	}
	s, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch command {
	case "now":
		return now(ctx, s, os.Stdout)
	case "status":
		return status(s, os.Stdout)
	}
	a, err := agent.New(s.Config)
	if err != nil {
		return err
	}
	upgrade := make(chan os.Signal, 1)
	signal.Notify(upgrade, syscall.SIGHUP)
	go func() {
		<-upgrade
		a.Drain()
	}()
	if s.every > 0 {
		go report(ctx, a, s.every)
	}
	return a.Run(ctx)
}
