package main

import (
	"context"
	"os"

	"github.com/fogcompute/fogcompute/bench/scheduler"
)

// schedulerFigures are the figures of the suite scheduler.
func schedulerFigures(b *bench) []figure {
	var figures []figure
	setting := scheduler.Setting{Data: os.Getenv("FOG_DATA"), Out: b.out, Rounds: b.rounds}
	for _, f := range scheduler.Figures(setting) {
		figures = append(figures, figure{"scheduler", f.Name, goal{f.Op, f.Goal}, func(ctx context.Context) (result, error) {
			r, err := f.Measure(ctx)
			return result(r), err
		}})
	}
	return figures
}
