// Fogd is the fog compute server in one program: it opens a house on an embedded SQLite file or on PostgreSQL, serves
// it, and with the embedded database also runs jobs on this machine, so that a job posted with curl really runs.
//
//	fogd                                 http://127.0.0.1:8000, data in ./fog-data
//	fogd --host 0.0.0.0                  https with a certificate of its own; the operator's key is printed once
//	DATABASE_URL=postgres://... fogd     PostgreSQL
//
// It ends at SIGINT or SIGTERM: requests under way are finished, the local agent gives its work back, and then the
// house is closed. A second signal ends it at once. The exit code is 0 after that, 1 after a failure, and 2 when the
// settings cannot work.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // policies name time zones; some systems know none

	"github.com/fogcompute/fogcompute/fog"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

const (
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	worker.Main() // returns at once, unless this process was started to run a job
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal is not caught
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program without its process: what it prints and the code it ends with.
func run(ctx context.Context, args []string, out, errs io.Writer) int {
	s, err := parse(args)
	if err != nil {
		say(errs, "fogd: %v", err)
		return exitUsage
	}
	if s.Version {
		say(out, "fogd %s", fog.Version)
		return 0
	}
	if err := serve(ctx, s, out, errs); err != nil {
		say(errs, "fogd: %v", err)
		return exitFailure
	}
	return 0
}
