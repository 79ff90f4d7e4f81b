package tokenomics

import (
	"cmp"
	"context"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// OpVote votes on a proposal.
const OpVote Op = "vote"

// maxReason is how many characters the reason of a vote may have.
const maxReason = maxMemo

// Vote votes on a proposal with all the power that an account had when voting began: what it staked itself, also where it had delegated
// it, and what was delegated to it by those who do not vote themselves. So an own vote overrides that of a delegate, whoever
// votes first. A later vote of the same account replaces the earlier one. It is idempotent by Key.
type Vote struct {
	Key      string           `json:"key"`    // 1 to 200 characters
	Tenant   principal.Tenant `json:"tenant"` // empty: the caller's
	Proposal ProposalID       `json:"proposal"`
	Voter    Account          `json:"voter"`
	Choice   Choice           `json:"choice"`
	Reason   string           `json:"reason,omitempty"` // at most 256 characters
}

var _ order = (*Vote)(nil)

func (v *Vote) reference() Reference { return Reference{v.Tenant, OpVote, v.Key} }

func (v *Vote) owner() Account { return v.Voter }

func (v *Vote) within(tenant principal.Tenant) Request {
	c := *v
	c.Tenant = cmp.Or(c.Tenant, tenant)
	return Request{Vote: &c}
}

func (v *Vote) validate(op string) error {
	return first(
		checkMember(op, v.Tenant, v.Key, v.Proposal),
		checkName(op, "voter", string(v.Voter), maxName),
		validChoice(op, v.Choice),
		checkText(op, "reason", v.Reason, maxReason))
}

func (v *Vote) body(b *body) {
	b.number(int64(v.Proposal))
	b.text(string(v.Voter))
	b.text(string(v.Choice))
	b.text(v.Reason)
}

func (v *Vote) decide(e *evaluation, it *item) error {
	d, err := e.docket(it, v.Tenant, v.Proposal)
	switch {
	case err != nil:
		return err
	case d.state != ProposalVoting:
		return d.refuse()
	}
	before, ref, err := d.ballot(v.Voter)
	if err != nil {
		return err
	}
	box := &box{docket: d}
	after, creator := ballot{Choice: v.Choice, Reason: v.Reason}, it.creator
	if before == nil {
		before = &ballot{}
		if after.Power, err = box.gather(v.Voter); err != nil {
			return err
		}
		if after.Person, err = d.person(v.Voter); err != nil {
			return err
		}
		d.Tally.Voters++
	} else {
		after.Power, after.Person, creator = before.Power, before.Person, e.state.records.rows[ref].Creator
	}
	if after.Power == 0 {
		return fault.Newf(fault.Insufficient, it.op(), "account %q has no power of its own in proposal %s: it counts what was staked at movement %d", v.Voter, d.id, d.Snapshot)
	}
	box.votes = append(box.votes, cast{Record{RecordRef: ref, Owner: v.Voter, Creator: creator}, *before, after, true})
	d.minutes.Choice = v.Choice
	return d.settle(Movement{Owner: v.Voter, Memo: v.Reason}, box.write)
}

// ballot returns the vote of an account, nil if it has none. Errors: errMissing.
func (d *docket) ballot(account Account) (*ballot, RecordRef, error) {
	ref := RecordRef{d.tenant, ClassVote, d.id.member(string(account))}
	b, _, known, err := fetch[ballot](d.e, ref)
	if err == nil && !known {
		err = errMissing
	}
	return b, ref, err
}

// person returns who is behind an account, where votes count by persons.
func (d *docket) person(account Account) (string, error) {
	if d.Counting != CountQuadratic {
		return "", nil
	}
	if d.e.rules.identities == nil {
		return "", fault.New(fault.Unavailable, d.it.op(), "there is no verifier of identities now")
	}
	name := d.e.rules.identities.Identity(d.tenant, account, d.Snapshot)
	if name == "" {
		return "", fault.Newf(fault.Denied, d.it.op(), "no person was verified behind account %q when voting began", account)
	}
	return name, checkText(d.it.op(), "identity", name, maxKey)
}

// cast is a vote with what it was before.
type cast struct {
	record        Record
	before, after ballot
	own           bool // the account votes; else a delegator of it does
}

// taken is what a delegate does not vote with any more.
type taken struct {
	record Record
	override
}

// box is what one vote changes: votes of the voter and of its delegates. Nothing of it is in the state before write.
type box struct {
	*docket
	votes  []cast
	takes  []taken
	newest *Record // the voter has never voted before
}

// gather returns the power that an account votes with for the first time, and takes from its delegates what they have of it. Errors:
// errMissing.
func (b *box) gather(account Account) (Amount, error) {
	e := b.e
	power, err1 := e.powerAt(b.tenant, account, b.Snapshot)
	own, err2 := e.ownAt(b.tenant, account, b.Snapshot)
	to, err3 := e.delegationsAt(b.tenant, account, b.Snapshot)
	less, _, err4 := b.override(account)
	err5 := b.voter(account)
	if err := first(err1, err2, err3, err4, err5); err != nil {
		return 0, err
	}
	parts, _ := split(int64(own), to)
	var missing error
	for i, delegation := range to {
		amount := Amount(parts[i])
		power += amount
		if err := b.take(delegation.To, amount); err != nil {
			missing = err // the others are asked for at once
		}
	}
	return power - less.Taken, missing
}

// override returns what an account does not vote with because its delegators do. Errors: errMissing.
func (b *box) override(account Account) (override, Record, error) {
	ref := RecordRef{b.tenant, ClassOverride, b.id.member(string(account))}
	body, record, known, err := fetch[override](b.e, ref)
	switch {
	case err != nil:
		return override{}, record, err
	case !known:
		return override{}, record, errMissing
	case body == nil:
		return override{}, Record{RecordRef: ref, Owner: account, Creator: b.it.creator}, nil
	}
	return *body, record, nil
}

// voter notes that an account votes for the first time in its life. Errors: errMissing.
func (b *box) voter(account Account) error {
	record, known := b.e.state.records.get(RecordRef{b.tenant, ClassVoter, string(account)})
	switch {
	case !known:
		return errMissing
	case !record.exists():
		record.RecordRef = RecordRef{b.tenant, ClassVoter, string(account)}
		record.Owner, record.Creator = account, b.it.creator
		b.newest = &record
	}
	return nil
}

// take takes power from a delegate, whether it has voted or will. Errors: errMissing.
func (b *box) take(delegate Account, amount Amount) error {
	less, record, err1 := b.override(delegate)
	vote, ref, err2 := b.ballot(delegate)
	if err := first(err1, err2); err != nil || amount == 0 {
		return err
	}
	less.Taken += amount
	b.takes = append(b.takes, taken{record, less})
	if vote == nil {
		return nil
	}
	after := *vote
	after.Power -= amount
	old := b.e.state.records.rows[ref]
	b.votes = append(b.votes, cast{Record{RecordRef: ref, Owner: delegate, Creator: old.Creator}, *vote, after, false})
	return nil
}

// write moves the tally along and writes what was voted.
func (b *box) write() error {
	for _, v := range b.votes {
		if err := b.count(v.before, v.after, v.own); err != nil {
			return err
		}
		v.record.State = string(v.after.Choice)
		if err := b.e.put(b.it, v.record, v.after); err != nil {
			return err
		}
	}
	b.reach()
	for _, t := range b.takes {
		if err := b.e.put(b.it, t.record, t.override); err != nil {
			return err
		}
	}
	if b.newest != nil {
		b.e.state.count(b.tenant, countVoters, 1, 0)
		return b.e.put(b.it, *b.newest, struct{}{})
	}
	return nil
}

// Vote votes in one commit and answers each vote by itself: nil (voted, now or before), Insufficient (the account had no power when voting
// began, or those who gave it all of its power vote themselves), Conflict (another vote has this key, or the proposal is
// not open for votes: the error says until or from when), Invalid, NotFound, or Denied: accounts vote in their own name, and where votes count by
// persons only those of verified persons. An error for all of them leaves the outcome open when it is Unavailable: ask again with the
// same keys.
func (t *Tokenomics) Vote(ctx context.Context, votes []Vote) ([]error, error) {
	requests := make([]Request, len(votes))
	for i := range votes {
		requests[i].Vote = &votes[i]
	}
	return t.Post(ctx, requests)
}
