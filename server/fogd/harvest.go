package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
	"github.com/fogcompute/fogcompute/server"
)

// door is how this machine's own agent reaches the server.
type door struct {
	url       string
	key       string         // of this process alone; empty where no key is asked
	listeners []net.Listener // opened for the agent; none where it uses the public address
}

// openDoor gives the agent a way in. Where the public address asks for a key, that is a loopback port of its own: the
// agent then need not know for which names the certificate is good, and has a key that dies with the process.
func openDoor(s settings, url string, config *server.Config) (door, error) {
	if !s.harvest() || (len(config.Keys) == 0 && config.TLS == nil) {
		return door{url: url}, nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return door{}, fmt.Errorf("listen for the local agent: %w", err)
	}
	d := door{url: "http://" + l.Addr().String(), listeners: []net.Listener{l}}
	if len(config.Keys) > 0 {
		d.key = server.NewKey()
		config.Keys = append(config.Keys, server.HashKey(d.key))
	}
	return d, nil
}

// harvest runs jobs on this machine until ctx ends.
func harvest(ctx context.Context, s settings, d door, log *slog.Logger) {
	if !s.harvest() {
		return
	}
	policy := idle.DefaultPolicy(idle.Server)
	policy.CPU = idle.Band{} // guests run while nobody else wants the CPU: the load of others needs no rule
	err := agent.Run(ctx, agent.Config{
		Server: d.url, Key: d.key, DataDir: filepath.Join(s.DataDir, "agent"), Policy: &policy, Logger: log,
	})
	if err != nil && ctx.Err() == nil {
		log.Error("the local agent has ended: jobs are not run on this machine", "error", err)
	}
}
