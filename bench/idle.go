package main

import (
	"context"

	"github.com/fogcompute/fogcompute/bench/idle"
)

// idleFigures are the figures of the suite idle.
func idleFigures(b *bench) []figure {
	var figures []figure
	for _, f := range idle.Figures(idle.Setting{Echo: echo(), Rounds: b.rounds}) {
		figures = append(figures, figure{"idle", f.Name, goal{f.Op, f.Goal}, func(ctx context.Context) (result, error) {
			r, err := f.Measure(ctx)
			return result(r), err
		}})
	}
	return figures
}
