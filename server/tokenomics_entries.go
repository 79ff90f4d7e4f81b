package server

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountEntries() {
	route(s, "tokenomics", huma.Operation{
		OperationID: "entries", Method: http.MethodGet, Path: "/api/tokenomics/entries", Summary: "History of an account, newest first",
		Description: "Each entry is one line of a movement of the ledger. A movement inside the account, as a hold is, has one for each " +
			"compartment. What is added meanwhile never shifts the pages.",
	}, s.entries)
}

type entriesInput struct {
	Address string `query:"address" maxLength:"128" doc:"Account; absent: the caller's own."`
	Limit   int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most entries in the answer."`
	Cursor  string `query:"cursor" doc:"Value of next in the answer before; absent for the first page."`
}

type entriesReply struct {
	Entries []entryReply `json:"entries" doc:"One page of entries, newest first."`
	Next    string       `json:"next" doc:"Cursor of the next page; empty at the end."`
}

type entryReply struct {
	Movement int64             `json:"movement" doc:"Number of the movement."`
	At       time.Time         `json:"at" doc:"When it happened."`
	Op       string            `json:"op" doc:"What it has done: transfer, hold, capture, void, stake, claim and so on."`
	Key      string            `json:"key" doc:"Idempotency-Key of the request; with op it names the movement, see /api/tokenomics/receipt."`
	Kind     string            `json:"kind" enum:"available,held,mint,staked,unbonding,reward,deposit" doc:"Compartment of the account."`
	Amount   tokenomics.Amount `json:"amount" doc:"What came in, FOG; negative: went out."`
	Balance  tokenomics.Amount `json:"balance" doc:"What the compartment had then, FOG."`
	Hold     string            `json:"hold" doc:"Hold that it is about, as a job's; empty for none."`
	Memo     string            `json:"memo" doc:"What it was for; empty where nobody said."`
}

func (s *Server) entries(ctx context.Context, in *entriesInput) (*entriesReply, error) {
	page, err := s.fog.Tokenomics.Entries(ctx, tokenomics.Account(in.Address), in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &entriesReply{Entries: each(page.Entries, encodeEntry), Next: page.Next}, nil
}

func encodeEntry(e tokenomics.Entry) entryReply {
	return entryReply{
		Movement: e.Seq, At: e.At.UTC(), Op: string(e.Op), Key: e.Key, Kind: string(e.Kind), Amount: e.Amount, Balance: e.After,
		Hold: string(e.Hold), Memo: e.Memo,
	}
}
