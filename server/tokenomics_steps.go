package server

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountProposalSteps(path string) {
	move(s, huma.Operation{
		OperationID: "deposit", Path: path + "/deposit", Summary: "Deposit for a proposal",
		Description: "When all of its deposit is there its vote begins, after the voting delay. Deposits are given back when it ends, " +
			"unless it was vetoed.",
	}, s.deposit)
	move(s, huma.Operation{
		OperationID: "queue", Path: path + "/queue", Summary: "Start the timelock of a proposal that has succeeded",
		Description: "Anybody may, in their own name.",
	}, s.queue)
	move(s, huma.Operation{
		OperationID: "execute", Path: path + "/execute", Summary: "Carry out a proposal whose timelock is over",
		Description: "All of its actions, or none, in one step. Anybody may, in their own name. Where it is refused it can be tried again " +
			"until it expires.",
	}, s.execute)
	move(s, huma.Operation{
		OperationID: "cancel-proposal", Path: path + "/cancel", Summary: "End a proposal without an outcome",
		Description: "The proposer may before its vote begins, the guardian at any time before it has ended. Deposits are given back.",
	}, s.cancelProposal)
}

// proposalMove is a request that does something to a proposal.
type proposalMove[B any] struct {
	ID   string `path:"id" maxLength:"64" doc:"Identifier of the proposal."`
	Key  string `header:"Idempotency-Key" maxLength:"200" doc:"Makes the request repeatable: with the same key and body nothing is done twice and the answer is the first one's, with another body it is refused with 409. Absent: a fresh one, which the answer's header Idempotency-Key names."`
	Body B
}

type depositRequest struct {
	Depositor string        `json:"depositor,omitempty" maxLength:"128" doc:"Account that deposits; absent: the caller's own."`
	Amount    positiveInput `json:"amount" doc:"FOG: at most what is missing; at least that, or a sixteenth of the whole deposit."`
}

type depositReply struct {
	Success    bool              `json:"success" doc:"Always true."`
	ProposalID string            `json:"proposalId" doc:"Identifier of the proposal."`
	Depositor  string            `json:"depositor" doc:"Account that has deposited."`
	Amount     tokenomics.Amount `json:"amount" doc:"What was deposited, FOG."`
}

func (s *Server) deposit(ctx context.Context, in *proposalMove[depositRequest]) (*depositReply, error) {
	id, err := proposalOf(in.ID)
	if err != nil {
		return nil, err
	}
	r := tokenomics.Deposit{Key: in.Key, Proposal: id, Depositor: accountOr(ctx, in.Body.Depositor), Amount: in.Body.Amount.value}
	if err := sole(s.fog.Tokenomics.Deposit(ctx, []tokenomics.Deposit{r})); err != nil {
		return nil, err
	}
	return &depositReply{Success: true, ProposalID: id.String(), Depositor: string(r.Depositor), Amount: r.Amount}, nil
}

type stepRequest struct {
	Account string `json:"account,omitempty" maxLength:"128" doc:"Account that asks; absent: the caller's own."`
}

type stepDone struct {
	Success    bool   `json:"success" doc:"Always true."`
	ProposalID string `json:"proposalId" doc:"Identifier of the proposal."`
	Status     string `json:"status" enum:"queued,executed,cancelled" doc:"What the request has made of it."`
}

func (s *Server) queue(ctx context.Context, in *proposalMove[*stepRequest]) (*stepDone, error) {
	id, err := proposalOf(in.ID)
	if err != nil {
		return nil, err
	}
	r := tokenomics.Enqueue{Key: in.Key, Proposal: id, Account: accountOr(ctx, orZero(in.Body).Account)}
	return stepTo(id, tokenomics.ProposalQueued, s.fog.Tokenomics.Queue(ctx, r))
}

func (s *Server) execute(ctx context.Context, in *proposalMove[*stepRequest]) (*stepDone, error) {
	id, err := proposalOf(in.ID)
	if err != nil {
		return nil, err
	}
	r := tokenomics.Execute{Key: in.Key, Proposal: id, Account: accountOr(ctx, orZero(in.Body).Account)}
	return stepTo(id, tokenomics.ProposalExecuted, s.fog.Tokenomics.Execute(ctx, r))
}

type cancelRequest struct {
	Account string `json:"account,omitempty" maxLength:"128" doc:"Account that asks, the proposer or the guardian; absent: the caller's own."`
	Reason  string `json:"reason,omitempty" maxLength:"256" doc:"Why; kept in the ledger for ever."`
}

func (s *Server) cancelProposal(ctx context.Context, in *proposalMove[*cancelRequest]) (*stepDone, error) {
	id, err := proposalOf(in.ID)
	if err != nil {
		return nil, err
	}
	r := tokenomics.Cancel{Key: in.Key, Proposal: id, Account: accountOr(ctx, orZero(in.Body).Account), Reason: orZero(in.Body).Reason}
	return stepTo(id, tokenomics.ProposalCancelled, s.fog.Tokenomics.Cancel(ctx, r))
}

// stepTo answers a request that takes a proposal to a state.
func stepTo(id tokenomics.ProposalID, state tokenomics.ProposalState, err error) (*stepDone, error) {
	if err != nil {
		return nil, err
	}
	return &stepDone{Success: true, ProposalID: id.String(), Status: string(state)}, nil
}
