package tokenomics

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Classes of the records of governance.
const (
	// ClassProposal has a record for each proposal: where it stands, and its running tally. Its owner is the proposer.
	ClassProposal Class = "proposal"
	// ClassMotion has a record for each proposal: what it says. It never changes.
	ClassMotion Class = "motion"
	// ClassVote has a record for each account that votes on a proposal.
	ClassVote Class = "vote"
	// ClassOverride has a record for each delegate, on each proposal, whose delegators have voted themselves.
	ClassOverride Class = "override"
	// ClassPerson has a record for each person, on each proposal that counts by persons.
	ClassPerson Class = "person"
	// ClassVoter has a record for each account that ever voted.
	ClassVoter Class = "voter"
	// ClassParameter has a record for each parameter that was ever set, and one, "version", for the version of all of them.
	ClassParameter Class = "parameter"
	// ClassEffect has a record for each emergency action that has effect.
	ClassEffect Class = "effect"
)

// OpTurn is a proposal's step from one state to the next because of the time alone.
const OpTurn Op = "turn"

// ProposalID is a proposal's number: that of the movement that proposed it. 0 is no proposal.
type ProposalID int64

// key writes the number so that keys are in the order of the numbers.
func (id ProposalID) key() string { return fmt.Sprintf("%019d", int64(id)) }

// member is the key of what an account has to do with a proposal.
func (id ProposalID) member(account string) string { return id.key() + "/" + account }

// String returns the number.
func (id ProposalID) String() string { return strconv.FormatInt(int64(id), 10) }

// idOf reads the key of a proposal.
func idOf(key string) ProposalID {
	id, err := strconv.ParseInt(key, 10, 64)
	if err != nil {
		return 0
	}
	return ProposalID(id)
}

// ProposalState is where a proposal is in its life.
//
//	Propose
//	   |
//	   v     Deposit            all of it, and the delay over           the period over                  Queue                Execute
//	 draft ---------> deposit ---------------------------> voting ---------------------> succeeded ---------> queued ----------------> executed
//	   |                 |                                    |                              |                   |
//	   | period over     | period over, some is missing       +--> defeated                  | grace over        | grace over
//	   +--> expired <----+                                    +--> vetoed                    +---> expired <-----+
//
// The proposer may Cancel in draft and deposit, the guardian in every state that has a way on: cancelled. A proposal that needs no
// deposit is never a draft, one that needs no delay either is open at once. One that has nothing to execute ends as succeeded.
type ProposalState string

const (
	// ProposalDraft means that nobody has deposited anything yet.
	ProposalDraft ProposalState = "draft"
	// ProposalDeposit means that some of the deposit is missing, or that the voting delay is not over.
	ProposalDeposit ProposalState = "deposit"
	// ProposalVoting means that votes are taken.
	ProposalVoting ProposalState = "voting"
	// ProposalSucceeded means that it was accepted. If it has actions, anybody may queue it.
	ProposalSucceeded ProposalState = "succeeded"
	// ProposalDefeated means that it had no quorum, or too few votes for it.
	ProposalDefeated ProposalState = "defeated"
	// ProposalVetoed means that there were too many vetoes.
	ProposalVetoed ProposalState = "vetoed"
	// ProposalQueued means that it can be executed after the timelock.
	ProposalQueued ProposalState = "queued"
	// ProposalExecuted means that its actions have taken effect, all in one movement.
	ProposalExecuted ProposalState = "executed"
	// ProposalExpired means that what it waited for has not come in time.
	ProposalExpired ProposalState = "expired"
	// ProposalCancelled means that its proposer or the guardian has cancelled it.
	ProposalCancelled ProposalState = "cancelled"
)

// next lists the states that may follow.
func (s ProposalState) next() []ProposalState {
	switch s {
	case "":
		return []ProposalState{ProposalDraft}
	case ProposalDraft:
		return []ProposalState{ProposalDeposit, ProposalExpired, ProposalCancelled}
	case ProposalDeposit:
		return []ProposalState{ProposalVoting, ProposalExpired, ProposalCancelled}
	case ProposalVoting:
		return []ProposalState{ProposalSucceeded, ProposalDefeated, ProposalVetoed, ProposalCancelled}
	case ProposalSucceeded:
		return []ProposalState{ProposalQueued, ProposalExpired, ProposalCancelled}
	case ProposalQueued:
		return []ProposalState{ProposalExecuted, ProposalExpired, ProposalCancelled}
	}
	return nil
}

// states lists all states in the order of a life.
func states() []ProposalState {
	return []ProposalState{
		ProposalDraft, ProposalDeposit, ProposalVoting, ProposalSucceeded, ProposalDefeated, ProposalVetoed,
		ProposalQueued, ProposalExecuted, ProposalExpired, ProposalCancelled,
	}
}

// terms are the rules that a proposal is held to.
type terms struct {
	Deposit Amount        `json:"deposit,omitzero"`
	Delay   time.Duration `json:"delay,omitzero"`

	// from the version of the parameters at the snapshot
	Vetoed    int           `json:"vetoed,omitzero"`
	Quorum    int           `json:"quorum,omitzero"`
	Threshold int           `json:"threshold,omitzero"`
	Veto      int           `json:"veto,omitzero"`
	Cap       Amount        `json:"cap,omitzero"` // 0: no limit
	Late      time.Duration `json:"late,omitzero"`
	Timelock  time.Duration `json:"timelock,omitzero"`
	Grace     time.Duration `json:"grace,omitzero"`
	Effect    time.Duration `json:"effect,omitzero"`
}

// proposal is the body of a proposal's record. It is read and written with every vote, so what it says stands elsewhere.
type proposal struct {
	Kind     ProposalKind `json:"kind"`
	Counting Counting     `json:"counting"`
	Proposer Account      `json:"proposer"`
	Created  time.Time    `json:"created"`
	Idle     bool         `json:"idle,omitempty"` // it has nothing to execute
	Based    int64        `json:"based"`          // version of the parameters that it was found valid with
	Terms    terms        `json:"terms"`

	Deposits []Share   `json:"deposits,omitempty"` // that are locked, oldest first
	Deadline time.Time `json:"deadline,omitzero"`  // of the deposit
	Opens    time.Time `json:"opens,omitzero"`     // zero: some of the deposit is missing

	Snapshot int64     `json:"snapshot,omitempty"` // movement whose powers count
	Power    Amount    `json:"power,omitzero"`     // of all accounts then
	Opened   time.Time `json:"opened,omitzero"`
	Ends     time.Time `json:"ends,omitzero"`
	Quorate  bool      `json:"quorate,omitempty"`
	Extended bool      `json:"extended,omitempty"`
	Tally    Tally     `json:"tally"`

	Until   time.Time `json:"until,omitzero"` // it has to be queued, or executed
	ETA     time.Time `json:"eta,omitzero"`   // not executed before
	Ended   time.Time `json:"ended,omitzero"` // when it came to its last state
	Version int64     `json:"version,omitempty"`
}

func (p *proposal) twin() any {
	q := *p
	q.Deposits = slices.Clone(p.Deposits)
	return &q
}

// deposited returns what is locked.
func (p *proposal) deposited() (sum Amount) {
	for _, share := range p.Deposits {
		sum += share.Amount
	}
	return sum
}

// docket is what one request does to a proposal: the proposal as it leaves it, and its postings. Nothing of it is in the state before settle.
type docket struct {
	proposal
	e        *evaluation
	it       *item
	tenant   principal.Tenant
	id       ProposalID
	creator  principal.Account
	was      ProposalState
	state    ProposalState
	minutes  minutes
	postings []Posting
}

// minutes is what a movement says of governance, its Detail.
type minutes struct {
	Proposal ProposalID      `json:"proposal"`
	States   []ProposalState `json:"states,omitempty"` // that it has come to
	Motion   *motion         `json:"motion,omitempty"`
	Choice   Choice          `json:"choice,omitempty"`
	Version  int64           `json:"version,omitempty"` // of the parameters, after the changes
	Changes  []Amendment     `json:"changes,omitempty"`
	Effect   time.Time       `json:"effect,omitzero"` // until then, if it is an emergency
}

// docket reads a proposal and brings it up to now: what the time alone has decided does not depend on when the ledger was swept.
// Errors: errMissing, NotFound.
func (e *evaluation) docket(it *item, tenant principal.Tenant, id ProposalID) (*docket, error) {
	body, record, known, err := fetch[proposal](e, RecordRef{tenant, ClassProposal, id.key()})
	switch {
	case err != nil:
		return nil, err
	case !known:
		return nil, errMissing
	case body == nil:
		return nil, fault.Newf(fault.NotFound, it.op(), "proposal %s not found", id)
	}
	state := ProposalState(record.State)
	d := &docket{
		proposal: *body, e: e, it: it, tenant: tenant, id: id, creator: record.Creator, was: state, state: state,
		minutes: minutes{Proposal: id},
	}
	return d, d.advance()
}

// become takes the step into another state.
func (d *docket) become(state ProposalState) error {
	if !slices.Contains(d.state.next(), state) {
		return fault.Newf(fault.Internal, d.it.op(), "proposal %s cannot go from %s to %s", d.id, d.state, state)
	}
	d.state = state
	d.minutes.States = append(d.minutes.States, state)
	if d.due().IsZero() {
		d.Ended = d.e.now
	}
	return nil
}

// due is when the time alone takes the next step; zero in a last state.
func (d *docket) due() time.Time {
	switch {
	case d.lacking():
		return d.Deadline
	case d.state == ProposalDeposit:
		return d.Opens
	case d.state == ProposalVoting:
		return d.Ends
	case d.state == ProposalQueued, d.state == ProposalSucceeded && !d.Idle:
		return d.Until
	}
	return time.Time{}
}

// lacking reports whether some of the deposit is missing.
func (d *docket) lacking() bool {
	return d.Opens.IsZero() && (d.state == ProposalDraft || d.state == ProposalDeposit)
}

// advance takes the steps whose time has come.
func (d *docket) advance() error {
	for due := d.due(); !due.IsZero() && !d.e.now.Before(due); due = d.due() {
		var err error
		switch {
		case d.state == ProposalDeposit && !d.Opens.IsZero():
			err = d.open()
		case d.state == ProposalVoting:
			err = d.close()
		default:
			d.refund()
			err = d.become(ProposalExpired)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// open begins the vote. Powers are those of now, and stay, whatever is staked or unstaked from now on; the rules too.
func (d *docket) open() error {
	rules, _, err := d.e.governance(d.tenant)
	if err != nil {
		return err
	}
	d.Snapshot = d.e.state.head.Last
	if d.Power, err = d.e.totalAt(d.tenant, d.Snapshot); err != nil {
		return err
	}
	t := &d.Terms
	t.Vetoed, t.Quorum, t.Threshold, t.Veto = rules.Vetoed, rules.Quorum, rules.Threshold, rules.Veto
	t.Late, t.Timelock, t.Grace, t.Effect = rules.LateQuorum, rules.Timelock, rules.Grace, rules.EmergencyEffect
	t.Cap = part(d.Power, rules.VoterCap)
	if rules.VoterCap > 0 {
		t.Cap = max(t.Cap, 1)
	}
	period := rules.VotingPeriod
	if d.Kind == EmergencyAction {
		period, t.Threshold, t.Timelock = rules.EmergencyPeriod, rules.EmergencyThreshold, rules.EmergencyTimelock
		t.Late = min(t.Late, period)
	}
	d.Opened, d.Ends = d.e.now, d.e.now.Add(period)
	return d.become(ProposalVoting)
}

// close ends the vote. It reads nothing but the running tally, however many have voted.
func (d *docket) close() error {
	state := d.Tally.result(d.Terms, d.Quorate)
	if state == ProposalVetoed {
		d.forfeit()
	}
	d.refund()
	d.Until = d.Ends.Add(d.Terms.Grace)
	return d.become(state)
}

// refund gives the deposits back that are locked.
func (d *docket) refund() {
	for _, share := range d.Deposits {
		d.move(share.Amount, share.Account, KindDeposit, share.Account, KindAvailable)
	}
	d.Deposits = nil
}

// forfeit does to the deposits of a vetoed proposal what the rules say.
func (d *docket) forfeit() {
	to, kind := Treasury, KindAvailable
	switch {
	case d.Terms.Vetoed < 0:
		return
	case d.Terms.Vetoed > 0:
		to, kind = Mint, KindMint
	}
	for _, share := range d.Deposits {
		d.move(share.Amount, share.Account, KindDeposit, to, kind)
	}
	d.Deposits = nil
}

// move adds two postings.
func (d *docket) move(amount Amount, from Account, out Kind, to Account, in Kind) {
	d.postings = append(d.postings, line(d.tenant, from, out, -amount), line(d.tenant, to, in, amount))
}

// settle posts the request's movement, then writes what goes with it, and the proposal.
func (d *docket) settle(m Movement, with ...func() error) error {
	if err := d.audit(m); err != nil {
		return err
	}
	for _, write := range with {
		if err := write(); err != nil {
			return err
		}
	}
	if open, was := d.state == ProposalVoting, d.was == ProposalVoting; open && !was {
		d.e.state.count(d.tenant, countVoting, 1, 0)
	} else if was && !open {
		d.e.state.count(d.tenant, countVoting, -1, 0)
	}
	if err := d.poll(); err != nil {
		return err
	}
	return d.e.put(d.it, Record{
		RecordRef: RecordRef{d.tenant, ClassProposal, d.id.key()},
		Owner:     d.Proposer, Creator: d.creator, State: string(d.state), Due: d.due(),
	}, &d.proposal)
}

// audit posts a movement that says what happens.
func (d *docket) audit(m Movement) (err error) {
	if m.Detail, err = json.Marshal(d.minutes); err != nil {
		return fault.Newf(fault.Internal, d.it.op(), "%v", err)
	}
	return d.e.post(d.it, m, merge(d.postings)...)
}

// put writes a record, as of the latest movement.
func (e *evaluation) put(it *item, r Record, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fault.Newf(fault.Internal, it.op(), "%s %q cannot be written: %v", r.Class, r.Key, err)
	}
	r.Seq, r.Body = e.state.head.Last, text
	r.heat(body)
	e.state.records.set(r.RecordRef, r)
	return nil
}

// refuse says why something cannot be done to a proposal now, and what can.
func (d *docket) refuse() error {
	at := func(t time.Time) string { return t.Format(time.RFC3339) }
	can := ""
	switch d.state {
	case ProposalDraft, ProposalDeposit:
		can = fmt.Sprintf("lacks %s FOG of its deposit: deposit them before %s", d.Terms.Deposit-d.deposited(), at(d.Deadline))
		if !d.Opens.IsZero() {
			can = "has its deposit: it can be voted on from " + at(d.Opens)
		}
	case ProposalVoting:
		can = "is being voted on until " + at(d.Ends)
	case ProposalSucceeded:
		can = "has succeeded: queue it before " + at(d.Until)
		if d.Idle {
			can = "has succeeded and has nothing to execute"
		}
	case ProposalQueued:
		can = "is queued: it can be executed from " + at(d.ETA) + " and before " + at(d.Until)
	case ProposalExecuted:
		can = "was executed at " + at(d.Ended)
	default:
		can = fmt.Sprintf("is %s since %s: propose it again", d.state, at(d.Ended))
	}
	return fault.Newf(fault.Conflict, d.it.op(), "proposal %s %s", d.id, can)
}

// turn takes the steps of a proposal whose time has come. The ledger posts it by itself.
type turn struct {
	ref RecordRef
	now time.Time
}

var _ order = (*turn)(nil)

func (s *turn) reference() Reference {
	return Reference{s.ref.Tenant, OpTurn, s.ref.Key + "@" + strconv.FormatInt(s.now.UnixMicro(), 10)}
}

func (s *turn) owner() Account { return Account(principal.Operator) }

func (s *turn) within(principal.Tenant) Request { return Request{own: s} }

func (s *turn) validate(string) error { return nil }

func (s *turn) body(*body) {}

func (s *turn) decide(e *evaluation, it *item) error {
	d, err := e.docket(it, s.ref.Tenant, idOf(s.ref.Key))
	if err != nil || d.state == d.was {
		return err
	}
	return d.settle(Movement{Owner: d.Proposer})
}
