package server

import (
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// proposalReply is one proposal. Its first fields are those that older clients know.
type proposalReply struct {
	ID           string            `json:"id" doc:"Identifier of the proposal."`
	Title        string            `json:"title" doc:"What it is about, in a line."`
	Description  string            `json:"description" doc:"What it is about, and why."`
	Proposer     string            `json:"proposer" doc:"Account that has made it."`
	Status       string            `json:"status" enum:"draft,deposit,voting,succeeded,defeated,vetoed,queued,executed,expired,cancelled" doc:"draft: nothing was deposited yet; deposit: some of its deposit is missing, or the vote has not begun; voting; succeeded: it can be queued, if it has actions; defeated; vetoed; queued: it can be executed when its timelock is over; executed; expired: what it waited for has not come in time; cancelled."`
	VotesFor     tokenomics.Amount `json:"votesFor" doc:"What counts for it, FOG."`
	VotesAgainst tokenomics.Amount `json:"votesAgainst" doc:"What counts against it, FOG."`
	CreatedAt    time.Time         `json:"createdAt" doc:"When it was made."`

	Kind     string              `json:"kind" enum:"parameter_change,treasury_allocation,protocol_upgrade,agent_deployment,emergency_action,general_governance" doc:"What it may do."`
	Actions  []tokenomics.Action `json:"actions" doc:"What executing it does, in one step; each is exactly one of set and pay."`
	Counting string              `json:"counting" enum:"linear,quadratic" doc:"How votes count: by power, or by the square root of the power of each person."`
	Steps    []stepReply         `json:"steps" doc:"What can be done to it, now or when its time has come; empty once it has ended."`
	NextAt   *time.Time          `json:"nextAt" doc:"When the time alone changes its status; null for never."`
	EndedAt  *time.Time          `json:"endedAt" doc:"When it came to its last status; null before."`

	VotesAbstain tokenomics.Amount `json:"votesAbstain" doc:"What counts for the quorum alone, FOG."`
	VotesVeto    tokenomics.Amount `json:"votesVeto" doc:"What counts for a veto, FOG."`
	Turnout      tokenomics.Amount `json:"turnout" doc:"Power that has voted, FOG."`
	Voters       int64             `json:"voters" doc:"Accounts that have voted."`
	Quorum       tokenomics.Amount `json:"quorum" doc:"Turnout that it needs, FOG; 0 before its vote."`
	Quorate      bool              `json:"quorate" doc:"Whether the quorum is reached."`
	Power        tokenomics.Amount `json:"power" doc:"Power of all accounts when its vote began, FOG; 0 before."`
	Snapshot     int64             `json:"snapshot" doc:"Movement of the ledger at which powers count; 0 before its vote."`
	Threshold    float64           `json:"threshold" doc:"Part of for among for, against and veto that it needs, percent; 0 before its vote."`
	VetoFrom     float64           `json:"vetoFrom" doc:"Part of veto among the same from which on it falls, percent; 0: a veto is a vote against, or its vote has not begun."`
	VoterCap     tokenomics.Amount `json:"voterCap" doc:"Most that counts of one account, FOG; 0: no limit."`
	OpenedAt     *time.Time        `json:"openedAt" doc:"When its vote began; null before."`
	EndsAt       *time.Time        `json:"endsAt" doc:"When its vote ends; null before it began."`
	Extended     bool              `json:"extended" doc:"Whether its vote was made longer because the quorum was reached late."`

	Deposit      tokenomics.Amount `json:"deposit" doc:"Deposit that it needs, FOG."`
	Deposited    tokenomics.Amount `json:"deposited" doc:"What is deposited now, FOG; it is given back when it ends, unless it was vetoed."`
	ExecutableAt *time.Time        `json:"executableAt" doc:"When its timelock is over; null before it was queued."`
	BasedOn      int64             `json:"basedOn" doc:"Version of the parameters that it was made for."`
	Version      int64             `json:"version" doc:"Version of the parameters that executing it has made; 0: none."`
}

// stepReply is something that can be done.
type stepReply struct {
	Action string     `json:"action" enum:"deposit,vote,queue,execute,cancel" doc:"What can be done."`
	By     []string   `json:"by" doc:"Accounts that may; empty: any."`
	From   *time.Time `json:"from" doc:"Not before; null: at once."`
	Until  *time.Time `json:"until" doc:"Only before; null: that is not known yet."`
}

func (s *Server) encodeProposal(p tokenomics.Proposal) proposalReply {
	return proposalReply{
		ID: p.ID.String(), Title: p.Title, Description: p.Description, Proposer: string(p.Proposer), Status: string(p.State),
		VotesFor: p.Tally.For, VotesAgainst: p.Tally.Against, CreatedAt: p.Created.UTC(),
		Kind: string(p.Kind), Actions: list(p.Actions), Counting: string(p.Counting), Steps: each(s.fog.Tokenomics.Steps(p), encodeStep),
		NextAt: when(p.Next), EndedAt: when(p.Ended),
		VotesAbstain: p.Tally.Abstain, VotesVeto: p.Tally.Veto, Turnout: p.Tally.Turnout, Voters: p.Tally.Voters,
		Quorum: p.Quorum, Quorate: p.Quorate, Power: p.Power, Snapshot: p.Snapshot, Threshold: points(p.Threshold), VetoFrom: points(p.VetoFrom),
		VoterCap: p.VoterCap, OpenedAt: when(p.Opened), EndsAt: when(p.Ends), Extended: p.Extended,
		Deposit: p.Deposit, Deposited: p.Deposited, ExecutableAt: when(p.ETA), BasedOn: p.Based, Version: p.Version,
	}
}

func encodeStep(step tokenomics.Step) stepReply {
	return stepReply{
		Action: string(step.Op), From: when(step.From), Until: when(step.Until),
		By: each(step.By, func(a tokenomics.Account) string { return string(a) }),
	}
}

// points turns basis points into percent.
func points(n int) float64 { return float64(n) / 100 }
