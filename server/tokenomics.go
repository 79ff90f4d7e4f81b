package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountTokenomics() {
	route(s, "tokenomics", huma.Operation{
		OperationID: "tokenomics-stats", Method: http.MethodGet, Path: "/api/tokenomics/stats", Summary: "The ledger in numbers",
	}, s.tokenomicsStats)
	route(s, "tokenomics", huma.Operation{
		OperationID: "balance", Method: http.MethodGet, Path: "/api/tokenomics/balance", Summary: "What an account has",
		Description: "An account that was never paid has nothing; any non-empty id is one.",
	}, s.balance)
	s.mountTransfers()
	s.absent("staking", http.MethodPost, "/api/tokenomics/stake", "Stake tokens")
	s.absent("staking", http.MethodPost, "/api/tokenomics/unstake", "Take staked tokens back")
	s.absent("governance", http.MethodGet, "/api/tokenomics/proposals", "Proposals")
	s.absent("governance", http.MethodPost, "/api/tokenomics/proposals", "Make a proposal")
	s.absent("governance", http.MethodPost, "/api/tokenomics/vote", "Vote on a proposal")
	s.absent("rewards", http.MethodGet, "/api/tokenomics/rewards", "Rewards that are not claimed yet")
}

type balanceInput struct {
	Address string `query:"address" maxLength:"128" doc:"Account; absent: the caller's own."`
}

type balanceReply struct {
	Address   string            `json:"address" doc:"Account."`
	Balance   tokenomics.Amount `json:"balance" doc:"What it can spend, FOG; what is held for its jobs is not in it."`
	Held      tokenomics.Amount `json:"held" doc:"What is set aside for its jobs that are not settled, FOG."`
	Staked    tokenomics.Amount `json:"staked" doc:"What it has staked, FOG."`
	Rewards   tokenomics.Amount `json:"rewards" doc:"Rewards that it has not claimed, FOG."`
	Total     tokenomics.Amount `json:"total" doc:"balance plus staked, FOG."`
	UpdatedAt *time.Time        `json:"updated_at" doc:"When it last changed; null where it never did."`
}

func (s *Server) balance(ctx context.Context, in *balanceInput) (*balanceReply, error) {
	b, err := s.fog.Tokenomics.Balance(ctx, tokenomics.Account(in.Address))
	if err != nil {
		return nil, err
	}
	return &balanceReply{
		Address: string(b.Account), Balance: b.Available, Held: b.Held, Staked: b.Staked, Rewards: b.Rewards,
		Total: b.Available + b.Staked, UpdatedAt: when(b.Updated),
	}, nil
}

type tokenomicsReply struct {
	TotalSupply       tokenomics.Amount `json:"totalSupply" doc:"Tokens minted so far, FOG."`
	CirculatingSupply tokenomics.Amount `json:"circulatingSupply" doc:"Tokens that accounts can spend: the supply without what is held for jobs, FOG."`
	StakedTokens      tokenomics.Amount `json:"stakedTokens" doc:"Tokens staked, FOG; 0 while there is no staking."`
	ActiveStakers     int64             `json:"activeStakers" doc:"Accounts with a stake; 0 while there is no staking."`
	ProposalsActive   int64             `json:"proposalsActive" doc:"Proposals that can be voted on; 0 while there is no governance."`
	ProposalsTotal    int64             `json:"proposalsTotal" doc:"Proposals ever made; 0 while there is no governance."`
	MarketCap         tokenomics.Amount `json:"marketCap" doc:"Circulating supply times price, in the operator's currency; 0 where the operator quotes no price."`
	StakingAPR        float64           `json:"stakingAPR" doc:"Yearly reward of a stake, percent; 0 while there is no staking."`
	Tokens            tokensReply       `json:"tokens" doc:"Supply."`
	DAO               daoReply          `json:"dao" doc:"Governance; every figure is 0 while there is none."`
	Marketplace       marketReply       `json:"marketplace" doc:"Compute that was bought."`
	Rewards           rewardsReply      `json:"rewards" doc:"What accounts have earned."`
}

type tokensReply struct {
	TotalSupply       tokenomics.Amount `json:"totalSupply" doc:"Tokens minted so far, FOG."`
	CirculatingSupply tokenomics.Amount `json:"circulatingSupply" doc:"Tokens that accounts can spend, FOG."`
	MarketCap         tokenomics.Amount `json:"marketCap" doc:"Circulating supply times price, in the operator's currency; 0 where the operator quotes no price."`
	Price             tokenomics.Amount `json:"price" doc:"Price of one FOG in the operator's currency; 0 where the operator quotes none."`
	Currency          string            `json:"currency" doc:"The operator's currency; empty without a quote."`
}

type daoReply struct {
	Proposals       int64             `json:"proposals" doc:"Proposals ever made."`
	ActiveVotes     int64             `json:"activeVotes" doc:"Votes on open proposals."`
	TotalVoters     int64             `json:"totalVoters" doc:"Accounts that ever voted."`
	TreasuryBalance tokenomics.Amount `json:"treasuryBalance" doc:"What the treasury has, FOG."`
}

type marketReply struct {
	ActiveListings int64             `json:"activeListings" doc:"Nodes that offer room now."`
	TotalVolume    tokenomics.Amount `json:"totalVolume" doc:"Paid for compute so far, FOG."`
	AvgPrice       tokenomics.Amount `json:"avgPrice" doc:"Mean payment for one replica of a job, FOG; 0 before the first."`
	Trades24h      int64             `json:"trades24h" doc:"Payments in this hour and the 23 before it."`
	Prices         tokenomics.Posted `json:"prices" doc:"What the market asks for now, before the service level's factor."`
}

type rewardsReply struct {
	TotalEarned       tokenomics.Amount `json:"totalEarned" doc:"Sum of the others, FOG."`
	ComputeRewards    tokenomics.Amount `json:"computeRewards" doc:"Paid for compute so far, FOG."`
	StakingRewards    tokenomics.Amount `json:"stakingRewards" doc:"Paid for stakes so far, FOG; 0 while there is no staking."`
	GovernanceRewards tokenomics.Amount `json:"governanceRewards" doc:"Paid for votes so far, FOG; 0 while there is no governance."`
}

func (s *Server) tokenomicsStats(ctx context.Context, _ *struct{}) (*tokenomicsReply, error) {
	stats, err := s.fog.Tokenomics.Stats(ctx)
	if err != nil {
		return nil, err
	}
	view := stats.View()
	return &tokenomicsReply{
		TotalSupply: view.TotalSupply, CirculatingSupply: view.CirculatingSupply, MarketCap: view.MarketCap,
		Tokens: tokensReply(view.Tokens),
		Marketplace: marketReply{
			ActiveListings: view.Marketplace.ActiveListings, TotalVolume: view.Marketplace.TotalVolume,
			AvgPrice: view.Marketplace.AvgPrice, Trades24h: view.Marketplace.Trades24h,
			Prices: s.fog.Tokenomics.Market().Posted(principal.From(ctx).Tenant),
		},
		Rewards: rewardsReply{TotalEarned: stats.Volume, ComputeRewards: stats.Volume},
	}, nil
}
