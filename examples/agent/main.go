// Agent lends this machine's idle time to a server:
//
//	go run ./examples/agent -server http://127.0.0.1:8000
//
// It runs WebAssembly jobs in sandboxed processes at the lowest priority, suspends them within a second when the policy of
// its type says that the machine is needed, and says goodbye on Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"
	_ "time/tzdata" // policies name time zones; some systems know none

	"github.com/fogcompute/fogcompute/fog/idle"
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

// settings are the command line.
type settings struct {
	agent.Config
	cores  float64
	always bool
	every  time.Duration
	loud   bool
}

func parse(args []string) (s settings, err error) {
	f := flag.NewFlagSet("agent", flag.ContinueOnError)
	f.StringVar(&s.Server, "server", "http://127.0.0.1:8000", "URL of the server")
	f.StringVar(&s.Key, "key", "", "key, which a server asks for except on its own machine; better in the environment: FOG_KEY")
	f.StringVar(&s.CA, "ca", "", "file with the certificate of a server that made its own")
	f.StringVar(&s.ID, "id", "", "identifier of this device (default: made once and kept)")
	f.StringVar(&s.Name, "name", "", "name for people")
	f.StringVar(&s.Owner, "owner", "", "account that is paid (default: the device's own)")
	f.Func("type", "android, ios, desktop or server: selects the policy (default desktop)", func(text string) (err error) {
		s.Type, err = idle.ParseType(text)
		return err
	})
	f.Float64Var(&s.cores, "cores", 0, "cores to lend (default all)")
	f.Int64Var(&s.Capacity.MemoryMB, "memory", 0, "MiB to lend (default half of what is free)")
	f.StringVar(&s.DataDir, "data", "", "private folder (default under the user's cache folder)")
	f.BoolVar(&s.always, "always", false, "run at any time: no policy")
	f.BoolVar(&s.Foreground, "foreground", false, "run guests at normal priority, for a machine that is there for nothing else")
	f.DurationVar(&s.every, "status", 10*time.Second, "how often to print a line; 0: never")
	f.BoolVar(&s.loud, "v", false, "log everything")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if s.Key == "" {
		s.Key = os.Getenv("FOG_KEY") // not the flag's default, which the usage prints
	}
	if s.Type == "" {
		s.Type = idle.Desktop
	}
	if s.always {
		s.Policy = &idle.Policy{}
	}
	s.Capacity.MilliCPU = int64(s.cores * 1000)
	level := slog.LevelInfo
	if s.loud {
		level = slog.LevelDebug
	}
	s.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	return s, nil
}

func run(args []string) error {
	s, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	a, err := agent.New(s.Config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if s.every > 0 {
		go report(ctx, a, s.every)
	}
	return a.Run(ctx)
}

// report prints what the agent has been doing.
func report(ctx context.Context, a *agent.Agent, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		st := a.Status()
		line := fmt.Sprintf("%s: connected %t, eligible %t, %d held, %d done, %d of them failed, %d dropped",
			st.ID, st.Connected, st.Eligible, st.Held, st.Done, st.Failed, st.Dropped)
		for _, r := range st.Reasons {
			line += "; " + r.Text
		}
		fmt.Println(line)
	}
}
