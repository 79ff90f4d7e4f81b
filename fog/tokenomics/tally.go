package tokenomics

import (
	"math/bits"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Choice is what a vote says.
type Choice string

const (
	// ChoiceFor is for the proposal.
	ChoiceFor Choice = "for"
	// ChoiceAgainst is against it.
	ChoiceAgainst Choice = "against"
	// ChoiceAbstain counts for the quorum and for nothing else.
	ChoiceAbstain Choice = "abstain"
	// ChoiceVeto is against it, and lets it fall if enough others say so: then its deposits are forfeit.
	ChoiceVeto Choice = "veto"
)

// Tally is the running sum of the votes on a proposal. It is moved along with each vote, so that closing counts nothing.
type Tally struct {
	For     Amount `json:"for"`
	Against Amount `json:"against"`
	Abstain Amount `json:"abstain"`
	Veto    Amount `json:"veto"`
	Turnout Amount `json:"turnout"` // power of those who have voted, however it counts: what the quorum is about
	Voters  int64  `json:"voters"`  // accounts that have voted
}

// add counts weight for a choice, or takes it away if it is negative.
func (t *Tally) add(choice Choice, weight Amount) {
	switch choice {
	case ChoiceFor:
		t.For += weight
	case ChoiceAgainst:
		t.Against += weight
	case ChoiceAbstain:
		t.Abstain += weight
	case ChoiceVeto:
		t.Veto += weight
	}
}

// result says how the vote ends: without a quorum it is lost, then a veto counts, then the majority. Weights are at most 10^15 and
// a whole is 10^4, so products fit 64 bits.
func (t *Tally) result(rules terms, quorate bool) ProposalState {
	decided := uint64(t.For + t.Against + t.Veto)
	reaches := func(weight Amount, points int) bool {
		return weight > 0 && uint64(weight)*whole >= uint64(points)*decided
	}
	switch {
	case !quorate:
		return ProposalDefeated
	case rules.Veto > 0 && reaches(t.Veto, rules.Veto):
		return ProposalVetoed
	case reaches(t.For, rules.Threshold):
		return ProposalSucceeded
	}
	return ProposalDefeated
}

// quorum returns the least turnout that is a quorum: part of all power, rounded up, and never nothing.
func quorum(power Amount, points int) Amount { return max(partUp(power, points), 1) }

// root returns the square root of an amount of FOG as an amount of FOG, rounded down: 100 FOG count as 10. In base units it is the square
// root of 10^6 times as many, which takes 128 bits; the root itself fits 64.
func root(amount Amount) Amount {
	hi, lo := bits.Mul64(uint64(amount), uint64(FOG))
	found := uint64(0)
	for bit := uint64(1) << 35; bit > 0; bit >>= 1 { // the root of MaxSupply is below 2^35
		try := found | bit
		if h, l := bits.Mul64(try, try); h < hi || h == hi && l <= lo {
			found = try
		}
	}
	return Amount(found)
}

// ballot is the body of the record of a vote.
type ballot struct {
	Choice Choice `json:"choice"`
	Power  Amount `json:"power"`            // without what delegators of the account have voted with themselves
	Person string `json:"person,omitempty"` // empty: votes do not count by persons
	Reason string `json:"reason,omitempty"`
}

// override is the body of the record of what a delegate does not vote with, because its delegators do.
type override struct {
	Taken Amount `json:"taken"`
}

// person is the body of the record of a person's vote.
type person struct {
	Choice Choice `json:"choice"` // of the account that has voted last
	Power  Amount `json:"power"`  // of all accounts of the person that have voted
}

// count replaces what a vote counted for by what it counts for now. A delegate that is overridden votes as before with less power.
func (d *docket) count(before, after ballot, votes bool) error {
	d.Tally.Turnout += after.Power - before.Power
	if d.Counting != CountQuadratic {
		d.Tally.add(before.Choice, -d.weight(before.Power))
		d.Tally.add(after.Choice, d.weight(after.Power))
		return nil
	}
	ref := RecordRef{d.tenant, ClassPerson, d.id.member(after.Person)}
	p, record, known, err := fetch[person](d.e, ref)
	switch {
	case err != nil:
		return err
	case !known:
		return errMissing
	case p == nil:
		p = &person{}
	}
	d.Tally.add(p.Choice, -root(p.Power))
	p.Power += after.Power - before.Power
	if votes {
		p.Choice = after.Choice
	}
	d.Tally.add(p.Choice, root(p.Power))
	if record.Creator == "" {
		record.Creator = d.it.creator
	}
	return d.e.put(d.it, Record{RecordRef: ref, Creator: record.Creator, State: string(p.Choice)}, p)
}

// weight is what power counts for in a linear vote.
func (d *docket) weight(power Amount) Amount {
	if d.Terms.Cap > 0 {
		return min(power, d.Terms.Cap)
	}
	return power
}

// reach notes that the quorum is reached, and gives the others time to answer if that is late.
func (d *docket) reach() {
	if d.Quorate || d.Tally.Turnout < quorum(d.Power, d.Terms.Quorum) {
		return
	}
	d.Quorate = true
	if until := d.e.now.Add(d.Terms.Late); until.After(d.Ends) {
		d.Ends, d.Extended = until, true
	}
}

// validChoice checks a choice.
func validChoice(op string, choice Choice) error {
	switch choice {
	case ChoiceFor, ChoiceAgainst, ChoiceAbstain, ChoiceVeto:
		return nil
	}
	return fault.Field(op, "choice", "must be %s, %s, %s or %s", ChoiceFor, ChoiceAgainst, ChoiceAbstain, ChoiceVeto)
}
