package tokenomics

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Proposal is a proposal as it stands. Times that have not come, and rules before voting began, are zero.
type Proposal struct {
	ID          ProposalID
	Title       string
	Description string
	Kind        ProposalKind
	Counting    Counting
	Actions     []Action
	Proposer    Account
	State       ProposalState
	Created     time.Time
	Based       int64     // version of the parameters that it was found valid with
	Next        time.Time // when the time alone takes the next step; zero: never

	Deposit   Amount    // needed
	Deposited Amount    // locked now
	Deadline  time.Time // of the deposit
	Opens     time.Time // zero while some of the deposit is missing

	Snapshot  int64     // movement whose powers count
	Power     Amount    // of all accounts then
	Opened    time.Time // when voting began
	Ends      time.Time // when voting ends
	Extended  bool      // because the quorum was reached late
	Quorum    Amount    // turnout that it needs
	Quorate   bool      // the quorum is reached
	Threshold int       // basis points of For among For, Against and Veto
	VetoFrom  int       // basis points of Veto from which on it is vetoed; 0: never
	VoterCap  Amount    // the most that counts of one account; 0: no limit
	Tally     Tally

	Until   time.Time // it has to be queued, or executed, before
	ETA     time.Time // it cannot be executed before
	Ended   time.Time // when it came to its last state
	Version int64     // of the parameters, that it has made
}

// Progress returns how much of the quorum is reached, in basis points; at most 10,000, and 0 before voting began.
func (p Proposal) Progress() int {
	if p.Quorum == 0 {
		return 0
	}
	return int(uint64(min(p.Tally.Turnout, p.Quorum)) * whole / uint64(p.Quorum))
}

// view makes a proposal of its records.
func view(record, text Record) (Proposal, error) {
	var body proposal
	var said motion
	if err := first(decodeRecord(record, &body), decodeIf(text, &said)); err != nil {
		return Proposal{}, err
	}
	d := docket{proposal: body, state: ProposalState(record.State)}
	p := Proposal{
		ID: idOf(record.Key), Title: said.Title, Description: said.Description, Kind: body.Kind, Counting: body.Counting,
		Actions: said.Actions, Proposer: body.Proposer, State: d.state, Created: body.Created, Based: body.Based, Next: d.due(),
		Deposit: body.Terms.Deposit, Deposited: body.deposited(), Deadline: body.Deadline, Opens: body.Opens,
		Snapshot: body.Snapshot, Power: body.Power, Opened: body.Opened, Ends: body.Ends, Extended: body.Extended,
		Quorate: body.Quorate, Threshold: body.Terms.Threshold, VetoFrom: body.Terms.Veto, VoterCap: body.Terms.Cap,
		Tally: body.Tally, Until: body.Until, ETA: body.ETA, Ended: body.Ended, Version: body.Version,
	}
	if body.Snapshot > 0 {
		p.Quorum = quorum(body.Power, body.Terms.Quorum)
	}
	return p, nil
}

// ProposalQuery selects proposals, newest first.
type ProposalQuery struct {
	State  ProposalState // empty: any
	Cursor string        // of an earlier page; empty: from the newest
	Limit  int           // 0: 100; more than 1000: 1000
}

// ProposalPage is a part of the list of proposals.
type ProposalPage struct {
	Proposals []Proposal
	Next      string // cursor of the next page; empty: this was the last
}

// Proposals lists proposals of the caller's tenant, newest first. The state is that of the latest step: Run takes steps that depend on the
// time alone within a second. Errors: Invalid, Denied, Unavailable.
func (t *Tokenomics) Proposals(ctx context.Context, q ProposalQuery) (ProposalPage, error) {
	const op = "tokenomics.proposals"
	if q.State != "" && !slices.Contains(states(), q.State) {
		return ProposalPage{}, fault.Field(op, "status", "%q is not the state of a proposal", clip(string(q.State)))
	}
	query := RecordQuery{Class: ClassProposal, State: string(q.State), Newest: true}
	if q.Cursor != "" {
		id, err := strconv.ParseInt(q.Cursor, 10, 64)
		if err != nil || id < 1 || ProposalID(id).String() != q.Cursor {
			return ProposalPage{}, fault.Field(op, "cursor", "%q is not a cursor of this list", clip(q.Cursor))
		}
		query.After = ProposalID(id).key()
	}
	records, more, err := t.members(ctx, op, query, q.Limit)
	if err != nil {
		return ProposalPage{}, err
	}
	var texts Wanted
	for _, r := range records {
		texts.Records = append(texts.Records, RecordRef{r.Tenant, ClassMotion, r.Key})
	}
	loaded, err := t.store.Load(ctx, texts)
	if err != nil {
		return ProposalPage{}, fault.Wrap(op, err)
	}
	page := ProposalPage{Proposals: make([]Proposal, len(records))}
	for i, r := range records {
		if page.Proposals[i], err = view(r, loaded.Records[texts.Records[i]]); err != nil {
			return ProposalPage{}, fault.Wrap(op, err)
		}
	}
	if more {
		page.Next = page.Proposals[len(records)-1].ID.String()
	}
	return page, nil
}

// members lists records of the caller's tenant that everybody in it may read, and reports whether there are more.
func (t *Tokenomics) members(ctx context.Context, op string, query RecordQuery, limit int) ([]Record, bool, error) {
	limit, err := pageLimit(op, limit)
	if err != nil {
		return nil, false, err
	}
	if query.Tenant, err = t.citizen(ctx, op); err != nil {
		return nil, false, err
	}
	if err := t.open(ctx); err != nil {
		return nil, false, fault.Wrap(op, err)
	}
	query.Limit = limit + 1
	records, err := t.store.Records(ctx, query)
	if err != nil {
		return nil, false, fault.Wrap(op, err)
	}
	return records[:min(len(records), limit)], len(records) > limit, nil
}

// Proposal reads one proposal of the caller's tenant. Errors: NotFound, Denied, Unavailable.
func (t *Tokenomics) Proposal(ctx context.Context, id ProposalID) (Proposal, error) {
	const op = "tokenomics.proposal"
	tenant, err := t.citizen(ctx, op)
	if err != nil {
		return Proposal{}, err
	}
	record, text := RecordRef{tenant, ClassProposal, id.key()}, RecordRef{tenant, ClassMotion, id.key()}
	loaded, err := t.store.Load(ctx, Wanted{Records: []RecordRef{record, text}})
	if err != nil {
		return Proposal{}, fault.Wrap(op, err)
	}
	if !loaded.Records[record].exists() {
		return Proposal{}, fault.Newf(fault.NotFound, op, "proposal %s not found", id)
	}
	p, err := view(loaded.Records[record], loaded.Records[text])
	return p, fault.Wrap(op, err)
}

// Ballot is the vote of an account that counts.
type Ballot struct {
	Voter  Account
	Choice Choice
	Power  Amount // without what its delegators have voted with themselves
	Person string // who is behind the account, where votes count by persons
	Reason string
	Seq    int64 // of the movement that has changed it last
}

// VotePage is a part of the list of votes on a proposal, in the order of the voters' names.
type VotePage struct {
	Votes []Ballot
	Next  string // cursor of the next page; empty: this was the last
}

// Votes lists the votes on a proposal of the caller's tenant, each account's latest. A limit of 0 means 100, more than 1000 means 1000. A
// proposal that does not exist has none, and neither has one that ended longer than Config.Retention ago; its tally stays. Errors: Invalid, Denied, Unavailable.
func (t *Tokenomics) Votes(ctx context.Context, id ProposalID, cursor string, limit int) (VotePage, error) {
	const op = "tokenomics.votes"
	if err := checkText(op, "cursor", cursor, maxName); err != nil {
		return VotePage{}, err
	}
	query := RecordQuery{Class: ClassVote, Prefix: id.member("")}
	if cursor != "" {
		query.After = id.member(cursor)
	}
	records, more, err := t.members(ctx, op, query, limit)
	if err != nil {
		return VotePage{}, err
	}
	page := VotePage{Votes: make([]Ballot, len(records))}
	for i, r := range records {
		var b ballot
		if err := decodeRecord(r, &b); err != nil {
			return VotePage{}, fault.Wrap(op, err)
		}
		voter := strings.TrimPrefix(r.Key, query.Prefix)
		page.Votes[i] = Ballot{Account(voter), b.Choice, b.Power, b.Person, b.Reason, r.Seq}
		if more {
			page.Next = voter
		}
	}
	return page, nil
}

// citizen asks whether the caller may read what everybody in a tenant may.
func (t *Tokenomics) citizen(ctx context.Context, op string) (principal.Tenant, error) {
	who := principal.From(ctx)
	resource := principal.Resource{Kind: "governance", Tenant: who.Tenant, Owner: who.Account}
	err := t.config.Authorize.Authorize(ctx, who, principal.Action(op), resource)
	return who.Tenant, fault.Wrap(op, err)
}
