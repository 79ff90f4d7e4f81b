package server

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountTransfers() {
	move(s, huma.Operation{
		OperationID: "transfer", Path: "/api/tokenomics/transfer", Summary: "Pay from one account to another",
		Description: "An account needs no opening: any name is one. Whoever is paid can prove it, see /api/tokenomics/receipt.",
	}, s.transfer)
}

type transferRequest struct {
	From   string        `json:"from,omitempty" maxLength:"128" doc:"Account that pays; absent: the caller's own."`
	To     string        `json:"to" minLength:"1" maxLength:"128" doc:"Account that is paid, another one."`
	Amount positiveInput `json:"amount" doc:"FOG, more than 0."`
	Memo   string        `json:"memo,omitempty" maxLength:"256" doc:"What it is for; kept in the ledger for ever."`
}

type transferReply struct {
	Success bool              `json:"success" doc:"Always true."`
	From    string            `json:"from" doc:"Account that has paid."`
	To      string            `json:"to" doc:"Account that was paid."`
	Amount  tokenomics.Amount `json:"amount" doc:"What was paid, FOG."`
}

func (s *Server) transfer(ctx context.Context, in *moveInput[transferRequest]) (*transferReply, error) {
	t := tokenomics.Transfer{
		Key: in.Key, From: accountOr(ctx, in.Body.From), To: tokenomics.Account(in.Body.To), Amount: in.Body.Amount.value, Memo: in.Body.Memo,
	}
	if err := sole(s.fog.Tokenomics.Transfer(ctx, []tokenomics.Transfer{t})); err != nil {
		return nil, err
	}
	return &transferReply{Success: true, From: string(t.From), To: string(t.To), Amount: t.Amount}, nil
}
