package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountRewards() {
	route(s, "tokenomics", huma.Operation{
		OperationID: "rewards", Method: http.MethodGet, Path: "/api/tokenomics/rewards", Summary: "Rewards that are not claimed yet",
	}, s.rewards)
	move(s, huma.Operation{
		OperationID: "claim", Path: "/api/tokenomics/claim", Summary: "Have earned rewards paid out",
		Description: "All of them, for stakes and for compute, in whole millionths of a FOG: fractions stay earned.",
	}, s.claim)
	move(s, huma.Operation{
		OperationID: "compound", Path: "/api/tokenomics/compound", Summary: "Stake earned rewards",
	}, s.compound)
}

func (s *Server) rewards(ctx context.Context, in *balanceInput) (*tokenomics.EarningsView, error) {
	earnings, err := s.fog.Tokenomics.Rewards(ctx, tokenomics.Account(in.Address))
	if err != nil {
		return nil, err
	}
	view := earnings.View()
	return &view, nil
}

type claimRequest struct {
	Address string `json:"address,omitempty" maxLength:"128" doc:"Account that has earned them; absent: the caller's own."`
}

type claimReply struct {
	Success bool              `json:"success" doc:"Always true."`
	Address string            `json:"address" doc:"Account that has earned them."`
	Amount  tokenomics.Amount `json:"claimedAmount" doc:"What was paid out, FOG; 0 if nothing was earned."`
}

func (s *Server) claim(ctx context.Context, in *moveInput[*claimRequest]) (*claimReply, error) {
	r := tokenomics.Claim{Key: in.Key, Account: accountOr(ctx, orZero(in.Body).Address)}
	if err := sole(s.fog.Tokenomics.Claim(ctx, []tokenomics.Claim{r})); err != nil {
		return nil, err
	}
	paid, err := s.moved(ctx, tokenomics.OpClaim, in.Key, r.Account, tokenomics.KindAvailable)
	return &claimReply{Success: true, Address: string(r.Account), Amount: paid}, err
}

type compoundRequest struct {
	Address  string `json:"address,omitempty" maxLength:"128" doc:"Account that has earned them; absent: the caller's own."`
	Operator string `json:"operator,omitempty" maxLength:"128" doc:"Account that they will stand behind; absent: the address itself."`
}

func (s *Server) compound(ctx context.Context, in *moveInput[*compoundRequest]) (*stakeReply, error) {
	account := accountOr(ctx, orZero(in.Body).Address)
	r := tokenomics.Compound{Key: in.Key, Account: account, Operator: or(tokenomics.Account(orZero(in.Body).Operator), account)}
	if err := sole(s.fog.Tokenomics.Compound(ctx, []tokenomics.Compound{r})); err != nil {
		return nil, err
	}
	return s.staked(ctx, tokenomics.OpCompound, in.Key, account, r.Operator)
}

// moved is what a request has put into a compartment of an account.
func (s *Server) moved(ctx context.Context, op tokenomics.Op, key string, to tokenomics.Account, in tokenomics.Kind) (tokenomics.Amount, error) {
	m, err := s.fog.Tokenomics.Movement(ctx, op, key)
	var sum tokenomics.Amount
	for _, p := range m.Postings {
		if p.Account == to && p.Kind == in {
			sum += p.Amount
		}
	}
	return sum, err
}
