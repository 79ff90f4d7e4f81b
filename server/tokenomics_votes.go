package server

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (s *Server) mountVotes() {
	move(s, huma.Operation{
		OperationID: "vote", Path: "/api/tokenomics/vote", Summary: "Vote on a proposal",
		Description: "With the power that the account had when the vote began. A later vote of the same account replaces the earlier one; " +
			"it overrides what a delegate votes with its stake, whoever votes first.",
	}, s.vote)
	route(s, "tokenomics", huma.Operation{
		OperationID: "votes", Method: http.MethodGet, Path: "/api/tokenomics/proposals/{id}/votes", Summary: "Votes on a proposal, by the voters' names",
		Description: "Of a proposal that ended long ago only the tally is kept.",
	}, s.votes)
}

type votesInput struct {
	ID     string `path:"id" maxLength:"64" doc:"Identifier of the proposal."`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"Most votes in the answer."`
	Cursor string `query:"cursor" maxLength:"128" doc:"Value of next in the answer before; absent for the first page."`
}

type votesReply struct {
	Votes []ballotReply `json:"votes" doc:"One page of votes, each account's latest."`
	Next  string        `json:"next" doc:"Cursor of the next page; empty at the end."`
}

type ballotReply struct {
	Voter    string            `json:"voter" doc:"Account that has voted."`
	Vote     string            `json:"vote" enum:"for,against,abstain,veto" doc:"What it has voted."`
	Power    tokenomics.Amount `json:"power" doc:"Its power, without what those have voted with who had delegated to it, FOG."`
	Person   string            `json:"person" doc:"Who is behind the account, where votes count by persons; else empty."`
	Reason   string            `json:"reason" doc:"Why, in the voter's words; empty for none."`
	Movement int64             `json:"movement" doc:"Movement of the ledger that has changed it last."`
}

func (s *Server) votes(ctx context.Context, in *votesInput) (*votesReply, error) {
	id, err := proposalOf(in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.fog.Tokenomics.Proposal(ctx, id); err != nil {
		return nil, err // one that does not exist has no votes, but its page is not found
	}
	page, err := s.fog.Tokenomics.Votes(ctx, id, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	return &votesReply{Votes: each(page.Votes, encodeBallot), Next: page.Next}, nil
}

func encodeBallot(b tokenomics.Ballot) ballotReply {
	return ballotReply{
		Voter: string(b.Voter), Vote: string(b.Choice), Power: b.Power, Person: b.Person, Reason: b.Reason, Movement: b.Seq,
	}
}

type voteRequest struct {
	Proposal proposalInput `json:"proposal_id" doc:"Identifier of the proposal."`
	Voter    string        `json:"voter,omitempty" maxLength:"128" doc:"Account that votes; absent: the caller's own."`
	Vote     choiceInput   `json:"vote" doc:"true or \"for\", false or \"against\", \"abstain\" or \"veto\"."`
	Reason   string        `json:"reason,omitempty" maxLength:"256" doc:"Why; everybody can read it."`
}

type voteReply struct {
	Success    bool   `json:"success" doc:"Always true."`
	ProposalID string `json:"proposalId" doc:"Identifier of the proposal."`
	Vote       string `json:"vote" enum:"for,against,abstain,veto" doc:"What the account has voted."`
}

func (s *Server) vote(ctx context.Context, in *moveInput[voteRequest]) (*voteReply, error) {
	id, err := proposalOf(string(in.Body.Proposal))
	if err != nil {
		return nil, err
	}
	r := tokenomics.Vote{
		Key: in.Key, Proposal: id, Voter: accountOr(ctx, in.Body.Voter), Choice: tokenomics.Choice(in.Body.Vote), Reason: in.Body.Reason,
	}
	if err := sole(s.fog.Tokenomics.Vote(ctx, []tokenomics.Vote{r})); err != nil {
		return nil, err
	}
	return &voteReply{Success: true, ProposalID: id.String(), Vote: string(r.Choice)}, nil
}

// choiceInput is a tokenomics.Choice that older clients send as a boolean.
type choiceInput tokenomics.Choice

// UnmarshalJSON implements json.Unmarshaler; the schema has been checked.
func (c *choiceInput) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case "true":
		*c = choiceInput(tokenomics.ChoiceFor)
	case "false":
		*c = choiceInput(tokenomics.ChoiceAgainst)
	default:
		return json.Unmarshal(data, (*string)(c))
	}
	return nil
}

// Schema implements huma.SchemaProvider.
func (choiceInput) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "A boolean or a word.",
		OneOf:       []*huma.Schema{{Type: huma.TypeBoolean}, {Type: huma.TypeString, Enum: []any{"for", "against", "abstain", "veto"}}},
	}
}

// proposalInput is the identifier of a proposal, which some clients take for a number.
type proposalInput string

// UnmarshalJSON implements json.Unmarshaler; the schema has been checked.
func (p *proposalInput) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		return json.Unmarshal(data, (*string)(p))
	}
	*p = proposalInput(data)
	return nil
}

// Schema implements huma.SchemaProvider.
func (proposalInput) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Description: "A text or a number.",
		OneOf:       []*huma.Schema{{Type: huma.TypeString, MinLength: new(1), MaxLength: new(64)}, {Type: huma.TypeInteger}},
	}
}
