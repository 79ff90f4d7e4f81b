package tokenomics

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func rewardFigures(s *Setting) []Figure {
	return []Figure{
		{"rewards/accrue_claim", "<", 1.5, func(ctx context.Context) (Result, error) {
			g := s.stage()
			defer g.clear()
			dir, err := g.folder()
			if err != nil {
				return Result{}, err
			}
			return g.accrueClaim(ctx, dir, nil)
		}},
		{"rewards/accrue_claim_pg", "<", 1.5, func(ctx context.Context) (Result, error) {
			g := s.stage()
			defer g.clear()
			server, err := g.server(ctx)
			if err != nil {
				return Result{}, err
			}
			return g.accrueClaim(ctx, server, server)
		}},
	}
}

const (
	// share is what everybody stakes.
	share = tokenomics.FOG / 2
	// fee is what one capture leaves to all stakers together; with many of them a part is ten base units.
	fee = 10 * tokenomics.FOG
	// turns are how often a round accrues and claims.
	turns = 100
)

// staking is a ledger on which everybody stakes the same, with one operator.
type staking struct {
	*site
	stakers int
	accrued tokenomics.Amount
	claims  uint64
	claimed map[tokenomics.Account]tokenomics.Amount // what had accrued when an account claimed last

	took, accrual, claim, client, server []float64 // of each round: ms of a turn, p50s in ms, CPU time of a turn in us
}

// accrueClaim compares the time in which a fee accrues to all stakers and one of them claims its part, by a lone caller and both durable, on
// a ledger with many stakers to that on one with few.
func (g *stage) accrueClaim(ctx context.Context, base base, server *Server) (r Result, err error) {
	var sides [2]*staking
	for i, stakers := range []int{many, few} {
		if sides[i], err = g.staking(ctx, base, stakers); err != nil {
			return r, err
		}
	}
	for round := -1; round < g.rounds(21); round++ {
		err := inTurns(round,
			func() error { return sides[0].round(ctx, server, round >= 0) },
			func() error { return sides[1].round(ctx, server, round >= 0) })
		if err != nil {
			return r, err
		}
	}
	for _, s := range sides {
		if err := s.check(ctx); err != nil {
			return r, err
		}
	}
	return versus("ms", sides[0].took, strconv.Itoa(few)+"_stakers", sides[1].took, sides[0].note(), sides[1].note()), nil
}

// staking makes a ledger with stakers, closes it, and opens it again: it knows nobody, and takes a fee.
func (g *stage) staking(ctx context.Context, base base, stakers int) (*staking, error) {
	name, config := "stakers"+strconv.Itoa(stakers), tokenomics.Config{Genesis: tokenomics.MaxSupply}
	s, err := newSite(ctx, base, name, config)
	if err != nil {
		return nil, err
	}
	err = errors.Join(s.enrol(ctx, stakers, share), s.hold(ctx, "work", tokenomics.MaxSupply/10), s.close())
	if err != nil {
		return nil, err
	}
	moved := s.moved.Load()
	config.Economics = func() tokenomics.Economics { return tokenomics.Economics{Fee: 1000, FeeToStakers: 10_000} }
	if s, err = g.ledger(ctx, base, name, config); err != nil {
		return nil, err
	}
	s.moved.Store(moved)
	return &staking{site: s, stakers: stakers, claimed: map[tokenomics.Account]tokenomics.Amount{}}, base.settle(ctx, name)
}

// accrue captures what leaves a fee to all stakers.
func (s *staking) accrue(ctx context.Context) error {
	verdicts, err := s.ledger.Capture(ctx, []tokenomics.Capture{{
		Key: s.key(), Hold: "work", To: []tokenomics.Share{{Account: "worker", Amount: 10 * fee}},
	}})
	s.moved.Add(1)
	s.accrued += fee
	return errors.Join(append(verdicts, err)...)
}

// claimOne pays one of the stakers what it has earned.
func (s *staking) claimOne(ctx context.Context) error {
	who := person(int(mix(s.claims) % uint64(s.stakers)))
	verdicts, err := s.ledger.Claim(ctx, []tokenomics.Claim{{Key: s.key(), Account: who}})
	s.moved.Add(1)
	s.claims++
	s.claimed[who] = s.accrued
	return errors.Join(append(verdicts, err)...)
}

// round takes some turns.
func (s *staking) round(ctx context.Context, server *Server, counts bool) error {
	var accrual, claim []time.Duration
	began := time.Now()
	used, err := spend(server, func() error {
		for range turns {
			asked := time.Now()
			if err := s.accrue(ctx); err != nil {
				return err
			}
			between := time.Now()
			if err := s.claimOne(ctx); err != nil {
				return err
			}
			accrual, claim = append(accrual, between.Sub(asked)), append(claim, time.Since(between))
		}
		return nil
	})
	if err == nil && counts {
		s.took = append(s.took, sample.Millis(time.Since(began))/turns)
		s.accrual = append(s.accrual, sample.Millis(sample.Percentile(accrual, 0.5)))
		s.claim = append(s.claim, sample.Millis(sample.Percentile(claim, 0.5)))
		s.client, s.server = append(s.client, sample.Micros(used.client)/turns), append(s.server, sample.Micros(used.server)/turns)
	}
	return err
}

func (s *staking) note() string {
	return fmt.Sprintf("%d stakers: accrual p50 %s ms, claim p50 %s ms, CPU time of both %s us client and %s us server", s.stakers,
		sample.Number(sample.Median(s.accrual)), sample.Number(sample.Median(s.claim)), sample.Number(sample.Median(s.client)), sample.Number(sample.Median(s.server)))
}

// check makes sure that everybody who has claimed has got an equal part of what had accrued, in whole base units, of which the last may
// still be a fraction; and that the ledger is in order.
func (s *staking) check(ctx context.Context) error {
	for who, accrued := range s.claimed {
		balance, err := s.ledger.Balance(ctx, who)
		if err != nil {
			return err
		}
		if part := accrued / tokenomics.Amount(s.stakers); balance.Available != part && balance.Available != part-1 {
			return fmt.Errorf("of %d base units for %d stakers, %s has got %d", accrued, s.stakers, who, balance.Available)
		}
	}
	return s.site.check(ctx)
}
