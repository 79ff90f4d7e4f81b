package server

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountStakes() {
	route(s, "tokenomics", huma.Operation{
		OperationID: "stakes", Method: http.MethodGet, Path: "/api/tokenomics/stakes", Summary: "What an account stakes, with whom, and its part in votes",
	}, s.stakes)
	move(s, huma.Operation{
		OperationID: "stake", Path: "/api/tokenomics/stake", Summary: "Stake tokens",
		Description: "They stand behind an operator, who answers with them for its work: they earn a part of the rewards, vote, and " +
			"are slashed with the operator's pool.",
	}, s.stake)
	move(s, huma.Operation{
		OperationID: "unstake", Path: "/api/tokenomics/unstake", Summary: "Take staked tokens back",
		Description: "They earn and vote no more at once, and are paid back by themselves when the unbonding time is over. Until then " +
			"slashes for faults from before reach them.",
	}, s.unstake)
	move(s, huma.Operation{
		OperationID: "cancel-unstake", Path: "/api/tokenomics/cancel-unstake", Summary: "Stake again what is leaving",
	}, s.cancelUnstake)
}

type stakeRequest struct {
	Address  string        `json:"address,omitempty" maxLength:"128" doc:"Account that stakes; absent: the caller's own."`
	Operator string        `json:"operator,omitempty" maxLength:"128" doc:"Account that the tokens stand behind; absent: the address itself."`
	Amount   positiveInput `json:"amount" doc:"FOG, more than 0."`
}

type stakeReply struct {
	Success  bool              `json:"success" doc:"Always true."`
	Address  string            `json:"address" doc:"Account that stakes."`
	Operator string            `json:"operator" doc:"Account that the tokens stand behind."`
	Amount   tokenomics.Amount `json:"stakedAmount" doc:"What was staked, FOG."`
	Total    tokenomics.Amount `json:"totalStaked" doc:"What the address has staked then, with all operators, as it counts in votes, FOG."`
}

func (s *Server) stake(ctx context.Context, in *moveInput[stakeRequest]) (*stakeReply, error) {
	account := accountOr(ctx, in.Body.Address)
	r := tokenomics.Stake{
		Key: in.Key, Account: account, Operator: or(tokenomics.Account(in.Body.Operator), account), Amount: in.Body.Amount.value,
	}
	if err := sole(s.fog.Tokenomics.Stake(ctx, []tokenomics.Stake{r})); err != nil {
		return nil, err
	}
	total, err := s.stakedThen(ctx, tokenomics.OpStake, in.Key, account)
	return &stakeReply{Success: true, Address: string(account), Operator: string(r.Operator), Amount: r.Amount, Total: total}, err
}

type unstakeReply struct {
	Success  bool              `json:"success" doc:"Always true."`
	Address  string            `json:"address" doc:"Account that staked."`
	Operator string            `json:"operator" doc:"Account that the tokens stood behind."`
	ID       string            `json:"unstakeId" doc:"Name of what is leaving, to cancel it: the request's Idempotency-Key."`
	Amount   tokenomics.Amount `json:"unstakedAmount" doc:"What is leaving, FOG."`
	Total    tokenomics.Amount `json:"totalStaked" doc:"What the address has staked then, with all operators, as it counts in votes, FOG."`
}

func (s *Server) unstake(ctx context.Context, in *moveInput[stakeRequest]) (*unstakeReply, error) {
	account := accountOr(ctx, in.Body.Address)
	r := tokenomics.Unstake{
		Key: in.Key, Account: account, Operator: or(tokenomics.Account(in.Body.Operator), account), Amount: in.Body.Amount.value,
	}
	if err := sole(s.fog.Tokenomics.Unstake(ctx, []tokenomics.Unstake{r})); err != nil {
		return nil, err
	}
	total, err := s.stakedThen(ctx, tokenomics.OpUnstake, in.Key, account)
	return &unstakeReply{
		Success: true, Address: string(account), Operator: string(r.Operator), ID: in.Key, Amount: r.Amount, Total: total,
	}, err
}

type cancelUnstakeRequest struct {
	Address  string `json:"address,omitempty" maxLength:"128" doc:"Account that staked; absent: the caller's own."`
	Operator string `json:"operator,omitempty" maxLength:"128" doc:"Account that the tokens stood behind; absent: the address itself."`
	ID       string `json:"unstake_id" minLength:"1" maxLength:"200" doc:"Name of what is leaving: the Idempotency-Key of the request that took it back."`
}

func (s *Server) cancelUnstake(ctx context.Context, in *moveInput[cancelUnstakeRequest]) (*stakeReply, error) {
	account := accountOr(ctx, in.Body.Address)
	r := tokenomics.CancelUnstake{
		Key: in.Key, Account: account, Operator: or(tokenomics.Account(in.Body.Operator), account), Unstake: in.Body.ID,
	}
	if err := sole(s.fog.Tokenomics.CancelUnstake(ctx, []tokenomics.CancelUnstake{r})); err != nil {
		return nil, err
	}
	return s.staked(ctx, tokenomics.OpCancelUnstake, in.Key, account, r.Operator)
}

// staked answers a request that has staked what is not known beforehand.
func (s *Server) staked(ctx context.Context, op tokenomics.Op, key string, account, operator tokenomics.Account) (*stakeReply, error) {
	amount, err := s.moved(ctx, op, key, operator, tokenomics.KindStaked)
	if err != nil {
		return nil, err
	}
	total, err := s.stakedThen(ctx, op, key, account)
	return &stakeReply{Success: true, Address: string(account), Operator: string(operator), Amount: amount, Total: total}, err
}

// stakedThen is what an account had staked when a request was carried out: the same however often and late it is asked for.
func (s *Server) stakedThen(ctx context.Context, op tokenomics.Op, key string, account tokenomics.Account) (tokenomics.Amount, error) {
	m, err := s.fog.Tokenomics.Movement(ctx, op, key)
	if err != nil {
		return 0, err
	}
	power, err := s.fog.Tokenomics.PowerAt(ctx, account, m.Seq)
	return power.Own, err
}
