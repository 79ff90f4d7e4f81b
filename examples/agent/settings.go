package main

import (
	"errors"
	"flag"
	"log/slog"
	"os"
	"time"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
)

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
	f.Func("policy", "JSON file with the policy (default that of the type)", func(name string) (err error) {
		s.Policy, err = readPolicy(name)
		return err
	})
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
	if s.always && s.Policy != nil {
		return s, errors.New("-always means no policy: give it or -policy")
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
