package model

import (
	"maps"
	"slices"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

func (m *Model) vote(o *motion, v tokenomics.Vote) string {
	_, again := o.choices[v.Voter]
	switch {
	case o.state != tokenomics.ProposalVoting:
		return conflict
	case !again && o.Counting == tokenomics.CountQuadratic && m.Identities[v.Voter] == "":
		return denied
	case o.stakes.weight(v.Voter, o.choices) == 0:
		return insufficient
	}
	o.order = append(slices.DeleteFunc(slices.Clone(o.order), func(a tokenomics.Account) bool { return a == v.Voter }), v.Voter)
	o.choices = maps.Clone(o.choices)
	o.choices[v.Voter] = v.Choice
	ever := true
	set(m, m.voters, v.Voter, &ever)
	quorum := max(partUp(o.stakes.total(), o.rules.Quorum), 1)
	if !o.quorate && m.tally(o).Turnout >= quorum {
		o.quorate = true
		if late := m.Now.Add(o.rules.LateQuorum); late.After(o.ends) {
			o.ends, o.extended = late, true
		}
	}
	return Yes
}

// tally counts all votes. Where persons count, a person says what the account says that has voted last.
func (m *Model) tally(o *motion) (t tokenomics.Tally) {
	most := tokenomics.MaxSupply
	if o.rules.VoterCap > 0 {
		most = max(part(o.stakes.total(), o.rules.VoterCap), 1)
	}
	powers, says := map[string]tokenomics.Amount{}, map[string]tokenomics.Choice{}
	for _, account := range o.order {
		weight := o.stakes.weight(account, o.choices)
		t.Turnout += weight
		t.Voters++
		if person := m.Identities[account]; o.Counting == tokenomics.CountQuadratic {
			powers[person] += weight
			says[person] = o.choices[account]
			continue
		}
		count(&t, o.choices[account], min(weight, most))
	}
	for person, power := range powers {
		count(&t, says[person], root(power))
	}
	return t
}

// count adds a weight to a choice.
func count(t *tokenomics.Tally, choice tokenomics.Choice, weight tokenomics.Amount) {
	*map[tokenomics.Choice]*tokenomics.Amount{
		tokenomics.ChoiceFor: &t.For, tokenomics.ChoiceAgainst: &t.Against, tokenomics.ChoiceAbstain: &t.Abstain, tokenomics.ChoiceVeto: &t.Veto,
	}[choice] += weight
}

// root is the greatest amount of FOG whose square is not more than another, found one decimal after the other.
func root(amount tokenomics.Amount) tokenomics.Amount {
	r, square := tokenomics.Amount(0), func(x tokenomics.Amount) bool { return x <= 0 || x <= amount*tokenomics.FOG/x }
	for step := tokenomics.Amount(1_000_000_000); step > 0; step /= 10 {
		for square(r + step) {
			r += step
		}
	}
	return r
}

// count ends a vote.
func (m *Model) count(o *motion) {
	t := m.tally(o)
	decided := t.For + t.Against + t.Veto
	reaches := func(weight tokenomics.Amount, points int) bool {
		return weight > 0 && weight*10_000 >= decided*tokenomics.Amount(points)
	}
	state := tokenomics.ProposalDefeated
	switch {
	case !o.quorate:
	case o.rules.Veto > 0 && reaches(t.Veto, o.rules.Veto):
		state = tokenomics.ProposalVetoed
		for account, amount := range o.deposits {
			m.move(amount, Place{account, tokenomics.KindDeposit}, available(tokenomics.Treasury))
		}
		o.deposits = nil
	case reaches(t.For, o.rules.Threshold):
		state = tokenomics.ProposalSucceeded
	}
	m.refund(o)
	o.until = o.ends.Add(o.rules.Grace)
	m.become(o, state)
}
