package server

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

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
}

type proposalsInput struct {
	Status string `query:"status" doc:"Only proposals with this status, as in the answer, in any letter case; active means voting, all and absent mean any."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most proposals in the answer."`
	Cursor string `query:"cursor" doc:"Value of next in the answer before; absent for the first page."`
}

type proposalsReply struct {
	Proposals []proposalRow `json:"proposals" doc:"One page of proposals, newest first."`
	Next      string        `json:"next" doc:"Cursor of the next page; empty at the end."`
}

// proposalRow is a proposal in a list.
type proposalRow struct {
	ID           string            `json:"id" doc:"Identifier of the proposal."`
	Title        string            `json:"title" doc:"What it is about, in a line."`
	Description  string            `json:"description" doc:"What it is about, and why."`
	Proposer     string            `json:"proposer" doc:"Account that has made it."`
	Status       string            `json:"status" enum:"draft,deposit,voting,succeeded,defeated,vetoed,queued,executed,expired,cancelled" doc:"draft: nothing was deposited yet; deposit: some of its deposit is missing, or the vote has not begun; voting; succeeded: it can be queued, if it has actions; defeated; vetoed; queued: it can be executed when its timelock is over; executed; expired: what it waited for has not come in time; cancelled."`
	VotesFor     tokenomics.Amount `json:"votesFor" doc:"Power for it, FOG."`
	VotesAgainst tokenomics.Amount `json:"votesAgainst" doc:"Power against it, FOG."`
	CreatedAt    time.Time         `json:"createdAt" doc:"When it was made."`

	Kind         string            `json:"kind" enum:"parameter_change,treasury_allocation,protocol_upgrade,agent_deployment,emergency_action,general_governance" doc:"What it may do."`
	VotesAbstain tokenomics.Amount `json:"votesAbstain" doc:"Power that counts for the quorum alone, FOG."`
	VotesVeto    tokenomics.Amount `json:"votesVeto" doc:"Power for a veto, FOG."`
	Turnout      tokenomics.Amount `json:"turnout" doc:"Power that has voted, FOG."`
	Quorum       tokenomics.Amount `json:"quorum" doc:"Turnout that it needs, FOG; 0 before its vote."`
	Voters       int64             `json:"voters" doc:"Accounts that have voted."`
	NextAt       *time.Time        `json:"nextAt" doc:"When the time alone changes its status; null for never."`
}

func (s *Server) proposals(ctx context.Context, in *proposalsInput) (*proposalsReply, error) {
	page, err := s.fog.Tokenomics.Proposals(ctx, tokenomics.ProposalQuery{State: proposalState(in.Status), Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return &proposalsReply{Proposals: each(page.Proposals, encodeProposalRow), Next: page.Next}, nil
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

func encodeProposalRow(p tokenomics.Proposal) proposalRow {
	return proposalRow{
		ID: p.ID.String(), Title: p.Title, Description: p.Description, Proposer: string(p.Proposer), Status: string(p.State),
		VotesFor: p.Tally.For, VotesAgainst: p.Tally.Against, CreatedAt: p.Created.UTC(),
		Kind: string(p.Kind), VotesAbstain: p.Tally.Abstain, VotesVeto: p.Tally.Veto, Turnout: p.Tally.Turnout, Quorum: p.Quorum,
		Voters: p.Tally.Voters, NextAt: when(p.Next),
	}
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
