package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountProposals() {
	path := "/api/tokenomics/proposals"
	route(s, "tokenomics", huma.Operation{
		OperationID: "proposals", Method: http.MethodGet, Path: path, Summary: "Proposals, newest first",
	}, s.proposals)
	move(s, huma.Operation{
		OperationID: "propose", Path: path, Summary: "Make a proposal",
		Description: "Its actions are what happens when it is executed: all of them in one step, or none. They are checked now, by the " +
			"engines whose parameters they set, and again then. Proposers need power, see the parameter governance.min_power.",
	}, s.propose)
	route(s, "tokenomics", huma.Operation{
		OperationID: "proposal", Method: http.MethodGet, Path: path + "/{id}", Summary: "One proposal, its tally, and what can be done to it",
	}, s.proposal)
	s.mountProposalSteps(path + "/{id}")
}

type proposalsInput struct {
	Status string `query:"status" doc:"Only proposals with this status, as in the answer, in any letter case; active means voting, all and absent mean any."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most proposals in the answer."`
	Cursor string `query:"cursor" doc:"Value of next in the answer before; absent for the first page."`
}

type proposalsReply struct {
	Proposals []proposalReply `json:"proposals" doc:"One page of proposals, newest first."`
	Next      string          `json:"next" doc:"Cursor of the next page; empty at the end."`
}

func (s *Server) proposals(ctx context.Context, in *proposalsInput) (*proposalsReply, error) {
	page, err := s.fog.Tokenomics.Proposals(ctx, tokenomics.ProposalQuery{State: proposalState(in.Status), Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return &proposalsReply{Proposals: each(page.Proposals, s.encodeProposal), Next: page.Next}, nil
}

// proposalState is the state that a filter means.
func proposalState(status string) tokenomics.ProposalState {
	switch word := strings.ToLower(status); word {
	case "all":
		return ""
	case "active":
		return tokenomics.ProposalVoting
	default:
		return tokenomics.ProposalState(word)
	}
}

type proposalPath struct {
	ID string `path:"id" maxLength:"64" doc:"Identifier of the proposal."`
}

func (s *Server) proposal(ctx context.Context, in *proposalPath) (*proposalReply, error) {
	id, err := proposalOf(in.ID)
	if err != nil {
		return nil, err
	}
	p, err := s.fog.Tokenomics.Proposal(ctx, id)
	if err != nil {
		return nil, err
	}
	reply := s.encodeProposal(p)
	return &reply, nil
}

// proposalOf reads an identifier. Nothing has one of another form.
func proposalOf(id string) (tokenomics.ProposalID, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 1 || strconv.FormatInt(n, 10) != id {
		return 0, newProblem(http.StatusNotFound, "there is no such proposal")
	}
	return tokenomics.ProposalID(n), nil
}

type proposeRequest struct {
	Title       string          `json:"title" minLength:"10" maxLength:"200" doc:"What it is about, in a line."`
	Description string          `json:"description" minLength:"50" maxLength:"5000" doc:"What it is about, and why; may have several lines."`
	Proposer    string          `json:"proposer,omitempty" maxLength:"128" doc:"Account that makes it; absent: the caller's own."`
	Kind        string          `json:"kind,omitempty" enum:"parameter_change,treasury_allocation,protocol_upgrade,agent_deployment,emergency_action,general_governance" doc:"What it may do: set parameters; pay out of the treasury; set protocol.version; set agents.deployment; set parameters for a while, by the guardian alone; nothing. Absent: general_governance."`
	Actions     []actionRequest `json:"actions,omitempty" maxItems:"16" doc:"What executing it does; none for general_governance, at least one for the others."`
	Counting    string          `json:"counting,omitempty" enum:"linear,quadratic" doc:"How votes count: by power, or by the square root of the power of each person, where somebody verifies persons. Absent: linear."`
	Deposit     amountInput     `json:"deposit,omitempty" doc:"What the proposer deposits at once, FOG; absent: nothing yet."`
}

// actionRequest is exactly one of its fields.
type actionRequest struct {
	Set *setRequest `json:"set,omitempty" doc:"Give a parameter another value."`
	Pay *payRequest `json:"pay,omitempty" doc:"Pay out of the treasury."`
}

type setRequest struct {
	Key   string          `json:"key" maxLength:"100" doc:"Key of the parameter, see /api/tokenomics/parameters."`
	Value json.RawMessage `json:"value" doc:"Its value in JSON; null: its default."`
}

type payRequest struct {
	To     string        `json:"to" minLength:"1" maxLength:"128" doc:"Account that is paid."`
	Amount positiveInput `json:"amount" doc:"FOG, more than 0."`
}

type proposeReply struct {
	Success    bool   `json:"success" doc:"Always true."`
	ProposalID string `json:"proposalId" doc:"Identifier of the proposal."`
}

func (s *Server) propose(ctx context.Context, in *moveInput[proposeRequest]) (*proposeReply, error) {
	r := tokenomics.Propose{
		Key: in.Key, Proposer: accountOr(ctx, in.Body.Proposer), Title: in.Body.Title, Description: in.Body.Description,
		Kind: tokenomics.ProposalKind(in.Body.Kind), Counting: tokenomics.Counting(in.Body.Counting), Deposit: in.Body.Deposit.value,
		Actions: some(in.Body.Actions, actionRequest.action),
	}
	ids, verdicts, err := s.fog.Tokenomics.Propose(ctx, []tokenomics.Propose{r})
	if err := sole(verdicts, err); err != nil {
		return nil, err
	}
	return &proposeReply{Success: true, ProposalID: ids[0].String()}, nil
}

// action decodes an action. The ledger judges it.
func (r actionRequest) action() tokenomics.Action {
	var a tokenomics.Action
	if r.Set != nil {
		a.Set = &tokenomics.SetParameter{Key: r.Set.Key, Value: r.Set.Value}
	}
	if r.Pay != nil {
		a.Pay = &tokenomics.Payment{To: tokenomics.Account(r.Pay.To), Amount: r.Pay.Amount.value}
	}
	return a
}
