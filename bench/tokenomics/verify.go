package tokenomics

import (
	"context"
	"fmt"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

// verified is how many movements are verified.
const verified = 200_000

func verifyFigures(s *Setting) []Figure {
	figures := func(name, op string, goal float64, check func(*site, context.Context) error) []Figure {
		return []Figure{
			{name + "_pg", op, goal, func(ctx context.Context) (Result, error) {
				g := s.stage()
				defer g.clear()
				server, ledger, err := g.postgres(ctx)
				if err != nil {
					return Result{}, err
				}
				return ledger.verifying(ctx, s, server, check)
			}},
			{name + "_sqlite", op, goal, func(ctx context.Context) (Result, error) {
				g := s.stage()
				defer g.clear()
				_, ledger, err := g.sqlite(ctx)
				if err != nil {
					return Result{}, err
				}
				return ledger.verifying(ctx, s, nil, check)
			}},
		}
	}
	return append(figures("verify", ">", 500_000, (*site).checkChain), figures("audit", "", 0, (*site).check)...)
}

// checkChain verifies the log from its beginning to the ledger's head.
func (s *site) checkChain(ctx context.Context) error {
	head, err := s.ledger.Head(ctx)
	if err != nil {
		return err
	}
	end, err := s.ledger.VerifyChain(ctx, chain.Head{})
	if err == nil && (end != head || end.Last != s.moved.Load()) {
		err = fmt.Errorf("the chain ends with %d instead of %d", end.Last, s.moved.Load())
	}
	return err
}

// verifying is how many movements, each with its two postings, are verified in a second of CPU time, here and in the server: what one core does.
func (s *site) verifying(ctx context.Context, setting *Setting, postgres *Server, check func(*site, context.Context) error) (Result, error) {
	if err := s.fill(ctx, verified); err != nil {
		return Result{}, err
	}
	var rates, client, server []float64
	for round := -1; round < setting.rounds(5); round++ {
		used, err := spend(postgres, func() error { return check(s, ctx) })
		if err != nil {
			return Result{}, err
		}
		if round >= 0 {
			moved := float64(s.moved.Load())
			rates = append(rates, moved/(used.client+used.server).Seconds())
			client, server = append(client, sample.Micros(used.client)/moved), append(server, sample.Micros(used.server)/moved)
		}
	}
	return Result{Value: sample.Median(rates), Unit: "entries/s", Note: fmt.Sprintf("from %s to %s; CPU time of one %s us client and %s us server",
		sample.Number(sample.Least(rates)), sample.Number(sample.Most(rates)), sample.Number(sample.Median(client)), sample.Number(sample.Median(server)))}, nil
}
