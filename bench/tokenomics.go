package main

import (
	"context"

	"github.com/fogcompute/fogcompute/bench/tokenomics"
)

// tokenomicsFigures are the figures of the suite tokenomics.
func tokenomicsFigures(b *bench) []figure {
	var figures []figure
	setting := tokenomics.Setting{Postgres: startServer, Build: buildProgram, Out: b.out, Profiles: b.profiles, Rounds: b.rounds}
	for _, f := range tokenomics.Figures(setting) {
		figures = append(figures, figure{"tokenomics", f.Name, goal{f.Op, f.Goal}, func(ctx context.Context) (result, error) {
			r, err := f.Measure(ctx)
			return result(r), err
		}})
	}
	return append(figures, transferFigures(b)...)
}

// startServer starts a PostgreSQL for a suite.
func startServer(ctx context.Context) (*tokenomics.Server, error) {
	p, err := startPostgres(ctx)
	if err != nil {
		return nil, err
	}
	return &tokenomics.Server{URL: p.url(), Bin: p.bin, PID: p.server.Process.Pid, Stop: p.stop}, nil
}

// buildProgram builds a command of this module for a suite.
func buildProgram(ctx context.Context, dir, source string, env ...string) (string, error) {
	return build(ctx, dir, "", source, env)
}
