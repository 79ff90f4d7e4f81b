package server

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountMovements() {
	route(s, "tokenomics", huma.Operation{
		OperationID: "movements", Method: http.MethodGet, Path: "/api/tokenomics/movements", Summary: "Movements of the ledger, in order",
		Description: "To follow the ledger and miss nothing: ask without after, which answers at once where it stands; then ask again and " +
			"again with after, the next of the answer before. With wait_seconds the server holds the request open until something " +
			"happens. The ledger keeps everything, so one can begin at 0 as well. All accounts at once are for operators.",
		Errors: []int{http.StatusForbidden},
	}, s.movements)
}

type movementsInput struct {
	After       optional[int64] `query:"after" minimum:"0" doc:"Value of next in the answer before; absent: no movements are wanted, only the number from which to go on."`
	Address     string          `query:"address" maxLength:"128" doc:"Only movements of this account; absent: all. A page may then have none, and next moves on all the same."`
	Limit       int             `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most movements in the answer."`
	WaitSeconds float64         `query:"wait_seconds" minimum:"0" doc:"How long the server may hold the request open until something happens, in seconds; it may hold it for less."`
}

type movementsReply struct {
	Movements []movementReply `json:"movements" doc:"Movements in the order of their numbers."`
	Next      int64           `json:"next" doc:"Number to go on from."`
}

type movementReply struct {
	Movement int64           `json:"movement" doc:"Its number: 1, 2, 3 and so on, over all tenants."`
	At       time.Time       `json:"at" doc:"When it happened."`
	Op       string          `json:"op" doc:"What it has done: transfer, hold, capture, void, stake, vote and so on."`
	Key      string          `json:"key" doc:"Idempotency-Key of the request."`
	Owner    string          `json:"owner" doc:"Account that pays, or whose right it was."`
	Creator  string          `json:"creator" doc:"Account that has asked for it."`
	Hold     string          `json:"hold" doc:"Hold that it is about, as a job's; empty for none."`
	Memo     string          `json:"memo" doc:"What it was for; empty where nobody said."`
	Detail   json.RawMessage `json:"detail" doc:"What the postings do not say, as of a vote; null for nothing."`
	Postings []postingReply  `json:"postings" doc:"Its lines; their amounts add up to zero."`
}

type postingReply struct {
	Account string            `json:"account" doc:"Account."`
	Kind    string            `json:"kind" enum:"available,held,mint,staked,unbonding,reward,deposit" doc:"Compartment of the account."`
	Amount  tokenomics.Amount `json:"amount" doc:"What came in, FOG; negative: went out."`
	Balance tokenomics.Amount `json:"balance" doc:"What the compartment had then, FOG."`
}

func (s *Server) movements(ctx context.Context, in *movementsInput) (*movementsReply, error) {
	after := in.After.pointer()
	if after == nil {
		head, err := s.fog.Tokenomics.Head(ctx)
		return &movementsReply{Movements: []movementReply{}, Next: head.Last}, err
	}
	ctx, release := s.held(ctx)
	defer release()
	movements, next, err := s.fog.Tokenomics.Movements(
		ctx, tokenomics.Account(in.Address), *after, in.Limit, min(seconds(in.WaitSeconds), s.config.MaxWait))
	if err != nil {
		return nil, err
	}
	return &movementsReply{Movements: each(movements, encodeMovement), Next: next}, nil
}

func encodeMovement(m tokenomics.Movement) movementReply {
	reply := movementReply{
		Movement: m.Seq, At: m.At.UTC(), Op: string(m.Op), Key: m.Key, Owner: string(m.Owner), Creator: string(m.Creator),
		Hold: string(m.Hold), Memo: m.Memo, Detail: m.Detail, Postings: each(m.Postings, encodePosting),
	}
	if len(m.Detail) == 0 {
		reply.Detail = json.RawMessage("null")
	}
	return reply
}

func encodePosting(p tokenomics.Posting) postingReply {
	return postingReply{Account: string(p.Account), Kind: string(p.Kind), Amount: p.Amount, Balance: p.After}
}
