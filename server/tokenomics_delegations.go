package server

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountDelegations() {
	move(s, huma.Operation{
		OperationID: "delegate", Path: "/api/tokenomics/delegate", Summary: "Let others vote with one's stake",
		Description: "From now on and in place of what was delegated before; an empty list takes everything back. Tokens stay where they " +
			"are, and what is delegated to an account is not delegated on.",
	}, s.delegate)
	move(s, huma.Operation{
		OperationID: "redelegate", Path: "/api/tokenomics/redelegate", Summary: "Move stake from one operator to another",
		Description: "Without a wait. Until the unbonding time is over slashes of the operator that was left reach it for faults from before.",
	}, s.redelegate)
}

type delegateRequest struct {
	Address   string         `json:"address,omitempty" maxLength:"128" doc:"Account that stakes; absent: the caller's own."`
	Delegates []delegateBody `json:"delegates" maxItems:"8" doc:"Accounts that vote with parts of its stake, together at most 100 percent."`
}

type delegateBody struct {
	Address string `json:"address" minLength:"1" maxLength:"128" doc:"Account that votes."`
	Points  int    `json:"points" minimum:"1" maximum:"10000" doc:"Part of the stake in hundredths of a percent."`
}

type delegateReply struct {
	Success   bool           `json:"success" doc:"Always true."`
	Address   string         `json:"address" doc:"Account that stakes."`
	Delegates []delegateBody `json:"delegates" doc:"Accounts that vote with parts of its stake."`
}

func (s *Server) delegate(ctx context.Context, in *moveInput[delegateRequest]) (*delegateReply, error) {
	r := tokenomics.Delegate{Key: in.Key, Account: accountOr(ctx, in.Body.Address), To: each(in.Body.Delegates, delegateBody.delegation)}
	if err := sole(s.fog.Tokenomics.Delegate(ctx, []tokenomics.Delegate{r})); err != nil {
		return nil, err
	}
	return &delegateReply{Success: true, Address: string(r.Account), Delegates: list(in.Body.Delegates)}, nil
}

func (d delegateBody) delegation() tokenomics.Delegation {
	return tokenomics.Delegation{To: tokenomics.Account(d.Address), Part: d.Points}
}

func encodeDelegate(d tokenomics.Delegation) delegateBody {
	return delegateBody{Address: string(d.To), Points: d.Part}
}

type redelegateRequest struct {
	Address string        `json:"address,omitempty" maxLength:"128" doc:"Account that stakes; absent: the caller's own."`
	From    string        `json:"from,omitempty" maxLength:"128" doc:"Operator that is left; absent: the address itself."`
	To      string        `json:"to,omitempty" maxLength:"128" doc:"Another operator; absent: the address itself."`
	Amount  positiveInput `json:"amount" doc:"FOG, more than 0."`
}

type redelegateReply struct {
	Success bool              `json:"success" doc:"Always true."`
	Address string            `json:"address" doc:"Account that stakes."`
	From    string            `json:"from" doc:"Operator that was left."`
	To      string            `json:"to" doc:"Operator that it stands behind now."`
	Amount  tokenomics.Amount `json:"amount" doc:"What was moved, FOG."`
}

func (s *Server) redelegate(ctx context.Context, in *moveInput[redelegateRequest]) (*redelegateReply, error) {
	account := accountOr(ctx, in.Body.Address)
	r := tokenomics.Redelegate{
		Key: in.Key, Account: account, Amount: in.Body.Amount.value,
		From: or(tokenomics.Account(in.Body.From), account), To: or(tokenomics.Account(in.Body.To), account),
	}
	if err := sole(s.fog.Tokenomics.Redelegate(ctx, []tokenomics.Redelegate{r})); err != nil {
		return nil, err
	}
	return &redelegateReply{Success: true, Address: string(account), From: string(r.From), To: string(r.To), Amount: r.Amount}, nil
}
