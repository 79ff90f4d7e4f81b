package tokenomics

import (
	"context"
	"fmt"

	"github.com/fogcompute/fogcompute/bench/sample"
)

// verified is how many movements are verified.
const verified = 200_000

func verifyFigures(s *Setting) []Figure {
	return []Figure{
		{"verify_pg", ">", 500_000, func(ctx context.Context) (Result, error) {
			g := s.stage()
			defer g.clear()
			server, ledger, err := g.postgres(ctx)
			if err != nil {
				return Result{}, err
			}
			return ledger.verifying(ctx, s, server)
		}},
		{"verify_sqlite", ">", 500_000, func(ctx context.Context) (Result, error) {
			g := s.stage()
			defer g.clear()
			_, ledger, err := g.sqlite(ctx)
			if err != nil {
				return Result{}, err
			}
			return ledger.verifying(ctx, s, nil)
		}},
	}
}

// verifying is how many movements, each with its two postings, are verified in a second of CPU time, here and in the server: what one core does.
func (s *site) verifying(ctx context.Context, setting *Setting, server *Server) (Result, error) {
	if err := s.fill(ctx, verified); err != nil {
		return Result{}, err
	}
	var rates []float64
	for round := -1; round < setting.rounds(5); round++ {
		used, err := spend(server, func() error { return s.check(ctx) })
		if err != nil {
			return Result{}, err
		}
		if round >= 0 {
			rates = append(rates, float64(s.moved.Load())/(used.client+used.server).Seconds())
		}
	}
	return Result{Value: sample.Median(rates), Unit: "entries/s", Note: fmt.Sprintf("from %s to %s", sample.Number(sample.Least(rates)), sample.Number(sample.Most(rates)))}, nil
}
