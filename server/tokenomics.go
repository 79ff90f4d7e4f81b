package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

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
	s.mountStakes()
	s.mountRewards()
	s.mountProposals()
	s.mountVotes()
	s.mountDelegations()
	s.mountPools()
	s.mountSlashes()
	s.mountParameters()
	s.mountEntries()
	s.mountMovements()
	s.mountReceipts()
	s.mountVerify()
}

type balanceInput struct {
	Address string `query:"address" maxLength:"128" doc:"Account; absent: the caller's own."`
}

func (s *Server) balance(ctx context.Context, in *balanceInput) (*tokenomics.BalanceView, error) {
	b, err := s.fog.Tokenomics.Balance(ctx, tokenomics.Account(in.Address))
	if err != nil {
		return nil, err
	}
	view := b.View()
	return &view, nil
}

func (s *Server) tokenomicsStats(ctx context.Context, _ *struct{}) (*tokenomics.StatsView, error) {
	stats, err := s.fog.Tokenomics.Stats(ctx)
	if err != nil {
		return nil, err
	}
	view := stats.View()
	return &view, nil
}
