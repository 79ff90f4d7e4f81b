package server

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

type stakesReply struct {
	Address   string            `json:"address" doc:"Account."`
	Positions []positionReply   `json:"positions" doc:"What it has with each operator, in the order of their names."`
	Staked    tokenomics.Amount `json:"staked" doc:"What it stakes itself, as it counts in votes, FOG."`
	Power     tokenomics.Amount `json:"power" doc:"Power to vote: what it stakes and has not delegated, and what is delegated to it, FOG."`
	Total     tokenomics.Amount `json:"totalPower" doc:"Power of all accounts together, FOG."`
	Delegates []delegateBody    `json:"delegates" doc:"Accounts that vote with parts of its stake."`
}

type positionReply struct {
	Operator  string            `json:"operator" doc:"Account that the tokens stand behind."`
	Staked    tokenomics.Amount `json:"staked" doc:"What its part of the operator's pool is worth, FOG."`
	Pending   tokenomics.Amount `json:"pending" doc:"Rewards that it has earned with it and not claimed, FOG."`
	Unbonding []unbondingReply  `json:"unbonding" doc:"What has left the pool and is not paid back, oldest first."`
}

type unbondingReply struct {
	ID      string            `json:"unstakeId" doc:"Its name, to cancel it."`
	Amount  tokenomics.Amount `json:"amount" doc:"What is paid back, FOG; slashes may still lower it."`
	Created time.Time         `json:"created" doc:"When it has left."`
	Matures time.Time         `json:"matures" doc:"When it is paid back."`
}

func (s *Server) stakes(ctx context.Context, in *balanceInput) (*stakesReply, error) {
	positions, err := s.fog.Tokenomics.Positions(ctx, tokenomics.Account(in.Address))
	if err != nil {
		return nil, err
	}
	power, err := s.fog.Tokenomics.Power(ctx, tokenomics.Account(in.Address))
	if err != nil {
		return nil, err
	}
	return &stakesReply{
		Address: string(power.Account), Positions: each(positions, encodePosition), Staked: power.Own, Power: power.Power,
		Total: power.Total, Delegates: each(power.To, encodeDelegate),
	}, nil
}

func encodePosition(p tokenomics.Position) positionReply {
	return positionReply{
		Operator: string(p.Operator), Staked: p.Staked, Pending: p.Pending,
		Unbonding: each(p.Unbonding, func(u tokenomics.Unbonding) unbondingReply {
			return unbondingReply{ID: u.Unstake, Amount: u.Amount, Created: u.Created.UTC(), Matures: u.Matures.UTC()}
		}),
	}
}
