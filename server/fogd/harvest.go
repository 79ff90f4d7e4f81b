package main

import (
	"context"
	"log/slog"
	"net/http"
	"path/filepath"

	"github.com/fogcompute/fogcompute/fog/idle"
	"github.com/fogcompute/fogcompute/fog/idle/agent"
	"github.com/fogcompute/fogcompute/server"
)

// ownKey returns a key for this machine's own agent, which dies with the process; empty where no key is asked.
func ownKey(config *server.Config) string {
	if len(config.Keys) == 0 {
		return ""
	}
	key := server.NewKey()
	config.Keys = append(config.Keys, server.HashKey(key))
	return key
}

// harvest runs jobs on this machine until ctx ends. The agent talks to the server inside this process: whatever the
// address and the certificate are, it needs neither.
func harvest(ctx context.Context, s settings, way http.RoundTripper, key string, log *slog.Logger) {
	if !s.harvest() {
		return
	}
	policy := idle.DefaultPolicy(idle.Server)
	policy.CPU = idle.Band{} // guests run while nobody else wants the CPU: the load of others needs no rule
	err := agent.Run(ctx, agent.Config{
		Server: "http://localhost", HTTP: way, Key: key, DataDir: filepath.Join(s.DataDir, "agent"), Policy: &policy, Logger: log,
	})
	if err != nil && ctx.Err() == nil {
		log.Error("the local agent has ended: jobs are not run on this machine", "error", err)
	}
}
