package tokenomics

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/fogcompute/fogcompute/bench/plot"
	"github.com/fogcompute/fogcompute/bench/sample"
)

func curveFigures(s *Setting) []Figure {
	return []Figure{{"callers_best", "", 0, func(ctx context.Context) (Result, error) { return curves(ctx, s) }}}
}

// crowds are the points of the curves.
func crowds() []int { return []int{1, 8, 64, 512, 1024, 2048} }

// curves draws throughput and latency over the number of callers, on both databases, and returns the best throughput on PostgreSQL.
func curves(ctx context.Context, s *Setting) (r Result, err error) {
	g := s.stage()
	defer g.clear()
	server, postgres, err := g.postgres(ctx)
	if err != nil {
		return r, err
	}
	_, sqlite, err := g.sqlite(ctx)
	if err != nil {
		return r, err
	}
	sides := []*curve{{name: "PostgreSQL", ledger: postgres, server: server}, {name: "SQLite", ledger: sqlite}}
	for round := range s.rounds(5) {
		for i := range sides {
			if err := sides[(i+round)%len(sides)].round(ctx); err != nil {
				return r, err
			}
		}
	}
	best, at := 0.0, 0
	for i, callers := range crowds() {
		if rate := sample.Median(sides[0].points[i].rates); rate > best {
			best, at = rate, callers
		}
	}
	return Result{Value: best, Unit: "transfers/s", Note: fmt.Sprintf("on PostgreSQL with %d callers", at)}, draw(s.Out, sides)
}

// curve is one database under each crowd.
type curve struct {
	name   string
	ledger *site
	server *Server // nil: none
	points [6]steps
}

func (c *curve) round(ctx context.Context) error {
	for i, callers := range crowds() {
		b, err := c.ledger.run(ctx, c.server, load{callers: callers, lasts: brief, one: c.ledger.spread})
		if err != nil {
			return err
		}
		c.points[i].add(b)
	}
	return nil
}

// draw writes the two pictures.
func draw(out string, sides []*curve) error {
	rate := plot.Chart{Title: "Durable transfers over the number of callers", X: "callers", Y: "transfers/s", Log: true}
	latency := plot.Chart{Title: "Latency of a durable transfer over the number of callers", X: "callers", Y: "ms", Log: true}
	for _, c := range sides {
		var r, p50, p99 [][2]float64
		for i, callers := range crowds() {
			p := &c.points[i]
			r = append(r, [2]float64{float64(callers), sample.Median(p.rates)})
			p50 = append(p50, [2]float64{float64(callers), sample.Median(p.p50)})
			p99 = append(p99, [2]float64{float64(callers), sample.Median(p.p99)})
		}
		rate.Series = append(rate.Series, plot.Series{Name: c.name, Line: true, Points: r})
		latency.Series = append(latency.Series, plot.Series{Name: c.name + ", p50", Line: true, Points: p50}, plot.Series{Name: c.name + ", p99", Line: true, Points: p99})
	}
	if err := rate.Save(filepath.Join(out, "tokenomics-throughput.svg")); err != nil {
		return err
	}
	return latency.Save(filepath.Join(out, "tokenomics-latency.svg"))
}
