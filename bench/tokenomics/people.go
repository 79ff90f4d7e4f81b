package tokenomics

import (
	"context"
	"fmt"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// Numbers of people, on which nothing that is measured with both may depend.
const (
	few  = 10
	many = 1_000_000
)

// crowding is how many requests a call has that brings people in.
const crowding = 5000

// person is the account of one of them.
func person(n int) tokenomics.Account { return tokenomics.Account(fmt.Sprintf("person:%07d", n)) }

// endow gives each of so many people an amount, 50 of them in one movement.
func (s *site) endow(ctx context.Context, people int, amount tokenomics.Amount) error {
	const together = 50
	if err := s.hold(ctx, "endowment", amount*tokenomics.Amount(people)); err != nil {
		return err
	}
	return s.post(ctx, (people+together-1)/together, crowding/together, func(n int) tokenomics.Request {
		c := tokenomics.Capture{Key: s.key(), Hold: "endowment"}
		for i := n * together; i < min((n+1)*together, people); i++ {
			c.To = append(c.To, tokenomics.Share{Account: person(i), Amount: amount})
		}
		return tokenomics.Request{Capture: &c}
	})
}

// hold holds an amount that the operator has.
func (s *site) hold(ctx context.Context, id tokenomics.HoldID, amount tokenomics.Amount) error {
	return s.post(ctx, 1, 1, func(int) tokenomics.Request {
		return tokenomics.Request{Hold: &tokenomics.Hold{ID: id, Payer: "operator", Amount: amount}}
	})
}

// enrol gives so many people an amount each and lets them stake it with one operator.
func (s *site) enrol(ctx context.Context, people int, amount tokenomics.Amount) error {
	if err := s.endow(ctx, people, amount); err != nil {
		return err
	}
	return s.post(ctx, people, crowding, func(n int) tokenomics.Request {
		return tokenomics.Request{Stake: &tokenomics.Stake{Key: s.key(), Account: person(n), Operator: "node", Amount: amount}}
	})
}
