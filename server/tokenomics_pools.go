package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountPools() {
	route(s, "tokenomics", huma.Operation{
		OperationID: "pools", Method: http.MethodGet, Path: "/api/tokenomics/pools", Summary: "What is staked with each operator, by their names",
	}, s.pools)
}

type poolsInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most pools in the answer."`
	Cursor string `query:"cursor" maxLength:"128" doc:"Value of next in the answer before; absent for the first page."`
}

type poolsReply struct {
	Pools []poolReply `json:"pools" doc:"One page of pools; one that everybody has left stays."`
	Next  string      `json:"next" doc:"Cursor of the next page; empty at the end."`
}

type poolReply struct {
	Operator string            `json:"operator" doc:"Account that the tokens stand behind."`
	Staked   tokenomics.Amount `json:"staked" doc:"What is staked with it, whoever staked it, FOG."`
	Slashes  []string          `json:"slashes" doc:"Slashes of it that are not finished, oldest first."`
}

func (s *Server) pools(ctx context.Context, in *poolsInput) (*poolsReply, error) {
	page, err := s.fog.Tokenomics.Pools(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &poolsReply{Pools: each(page.Pools, encodePool), Next: page.Next}, nil
}

func encodePool(p tokenomics.Pool) poolReply {
	return poolReply{Operator: string(p.Operator), Staked: p.Staked, Slashes: list(p.Slashes)}
}
