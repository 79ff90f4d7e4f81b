package model

import (
	"maps"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// stakes is who stakes how much, and who delegates it to whom, at some moment.
type stakes struct {
	own map[tokenomics.Account]tokenomics.Amount
	to  map[tokenomics.Account][]tokenomics.Delegation
}

// stakes of now, as positions were worth when they were touched last.
func (m *Model) stakes() stakes {
	s := stakes{own: map[tokenomics.Account]tokenomics.Amount{}, to: maps.Clone(m.delegations)}
	for at, pos := range m.positions {
		s.own[at.account] += tokenomics.Amount(pos.value)
	}
	return s
}

// total is all power.
func (s stakes) total() (sum tokenomics.Amount) {
	for _, own := range s.own {
		sum += own
	}
	return sum
}

// parts divides what an account stakes among its delegates, each rounded down but the last, who gets the rest of what is delegated.
func (s stakes) parts(from tokenomics.Account) (parts map[tokenomics.Account]tokenomics.Amount, given tokenomics.Amount) {
	points := 0
	parts = map[tokenomics.Account]tokenomics.Amount{}
	for i, d := range s.to[from] {
		points += d.Part
		parts[d.To] = part(s.own[from], d.Part)
		if i == len(s.to[from])-1 {
			parts[d.To] = part(s.own[from], points) - given
		}
		given += parts[d.To]
	}
	return parts, given
}

// power is what an account votes with in general: what it stakes and has not delegated, and what others have delegated to it.
func (s stakes) power(account tokenomics.Account) tokenomics.Amount {
	_, given := s.parts(account)
	return s.own[account] - given + s.delegated(account, nil)
}

// weight is what an account votes with when those have voted whom voted names: all that it stakes itself, and what was delegated to it by
// others that have not voted.
func (s stakes) weight(account tokenomics.Account, voted map[tokenomics.Account]tokenomics.Choice) tokenomics.Amount {
	return s.own[account] + s.delegated(account, voted)
}

// delegated is what was delegated to an account by those who have not voted.
func (s stakes) delegated(account tokenomics.Account, voted map[tokenomics.Account]tokenomics.Choice) (sum tokenomics.Amount) {
	for from := range s.to {
		if _, himself := voted[from]; !himself {
			parts, _ := s.parts(from)
			sum += parts[account]
		}
	}
	return sum
}
