package model

import (
	"maps"
	"slices"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// View is everything that can be seen of a ledger through its door.
type View struct {
	Movements  int64
	Lines      map[Place]tokenomics.Amount // of all compartments that were ever touched
	Accounts   map[tokenomics.Account]Account
	Holds      map[tokenomics.HoldID]tokenomics.HoldRecord
	Slashes    map[string]tokenomics.Slash
	Proposals  []tokenomics.Proposal // newest first
	Parameters tokenomics.Snapshot
	Stats      tokenomics.Stats // without the rate, an average over time, and without who writes
}

// Account is what can be seen of an account.
type Account struct {
	Balance   tokenomics.Balance // without the time
	Power     tokenomics.Power
	Positions []tokenomics.Position
}

// View returns what can be seen, of accounts those that are named.
func (m *Model) View(accounts []tokenomics.Account) View {
	v := View{
		Movements: m.Seq, Lines: maps.Clone(m.lines), Accounts: map[tokenomics.Account]Account{},
		Holds: map[tokenomics.HoldID]tokenomics.HoldRecord{}, Slashes: map[string]tokenomics.Slash{}, Parameters: m.parameters(), Stats: m.stats(),
	}
	stakes := m.stakes()
	for _, account := range accounts {
		v.Accounts[account] = m.account(stakes, account)
	}
	for id, h := range m.holds {
		if !h.gone {
			v.Holds[id] = h.HoldRecord
		}
	}
	for id, c := range m.slashes {
		v.Slashes[id] = c.Slash
	}
	for _, id := range slices.Backward(slices.Sorted(maps.Keys(m.motions))) {
		o := m.motions[id]
		v.Proposals = append(v.Proposals, m.proposal(&o))
	}
	return v
}

// account is what an account has.
func (m *Model) account(stakes stakes, account tokenomics.Account) Account {
	a := Account{
		Balance: tokenomics.Balance{
			Account: account, Available: m.lines[available(account)], Held: m.lines[held(account)],
			Rewards: m.lines[Place{account, tokenomics.KindReward}],
		},
		Power: tokenomics.Power{
			Account: account, Seq: m.Seq, Own: stakes.own[account], Power: stakes.power(account), Total: stakes.total(),
			To: m.delegations[account],
		},
	}
	for at, pos := range m.positions {
		p := m.pools[at.operator]
		if at.account != account || pos.shares == 0 && pos.earned == nil && len(pos.unbonding)+len(pos.arrived) == 0 {
			continue
		}
		has := tokenomics.Position{
			Operator: at.operator, Account: account, Staked: tokenomics.Amount(p.worth(pos.shares)), Pending: wholeOf(pos.earned),
		}
		for _, key := range pos.unbonding {
			u := m.entries[key]
			has.Unbonding = append(has.Unbonding, tokenomics.Unbonding{
				Unstake: key[len(keyOf(at.operator, "")):], Amount: u.amount, Created: u.created, Matures: u.matures,
			})
		}
		a.Balance.Staked += has.Staked
		a.Balance.Rewards += has.Pending
		a.Positions = append(a.Positions, has)
	}
	slices.SortFunc(a.Positions, func(p, q tokenomics.Position) int {
		return compare(m.Now, string(p.Operator), m.Now, string(q.Operator))
	})
	return a
}

// proposal is a proposal as it stands.
func (m *Model) proposal(o *motion) tokenomics.Proposal {
	p := tokenomics.Proposal{
		ID: o.id, Title: o.Title, Description: o.Description, Kind: o.Kind, Counting: o.Counting, Actions: o.Actions, Proposer: o.Proposer,
		State: o.state, Created: o.created, Based: o.based, Next: o.due(), Deposit: o.deposit, Deadline: o.deadline, Opens: o.opens,
		Snapshot: o.snapshot, Opened: o.opened, Ends: o.ends, Extended: o.extended, Quorate: o.quorate, Tally: m.tally(o),
		Until: o.until, ETA: o.eta, Ended: o.ended, Version: o.made,
	}
	for _, amount := range o.deposits {
		p.Deposited += amount
	}
	if p.Snapshot > 0 {
		p.Power = o.stakes.total()
		p.Quorum, p.Threshold, p.VetoFrom = max(partUp(p.Power, o.rules.Quorum), 1), o.rules.Threshold, o.rules.Veto
		p.VoterCap = max(part(p.Power, o.rules.VoterCap), 1)
	}
	return p
}

// stats counts everything.
func (m *Model) stats() tokenomics.Stats {
	s := tokenomics.Stats{
		Movements: m.Seq, StakingRewards: m.common[0].rewarded, ComputeRewards: m.common[0].computed,
		Proposals: int64(len(m.motions)), Voters: int64(len(m.voters)), Treasury: m.lines[available(tokenomics.Treasury)],
	}
	for place, amount := range m.lines {
		switch s.Sum += amount; place.Kind {
		case tokenomics.KindMint:
			s.TotalSupply -= amount
		case tokenomics.KindAvailable:
			s.Circulating += amount
			s.Accounts++
		case tokenomics.KindHeld:
			s.Held += amount
		case tokenomics.KindStaked:
			s.Staked += amount
		case tokenomics.KindUnbonding:
			s.Unbonding += amount
		case tokenomics.KindReward:
			s.Rewards += amount
		case tokenomics.KindDeposit:
			s.Deposits += amount
		}
	}
	for _, h := range m.holds {
		if h.State == tokenomics.HoldOpen {
			s.OpenHolds++
		}
	}
	for hour, paid := range m.captures {
		s.Captures, s.Volume = s.Captures+paid.n, s.Volume+paid.total
		if now := m.Now.Unix() / 3600; hour > now-24 {
			s.CapturesDay, s.VolumeDay = s.CapturesDay+paid.n, s.VolumeDay+paid.total
		}
	}
	for _, own := range m.stakes().own {
		if own > 0 {
			s.Stakers++
		}
	}
	for _, o := range m.motions {
		if o.state == tokenomics.ProposalVoting {
			s.Voting++
		}
	}
	return s
}

// Numbers are the numbers of all proposals, by the keys under which they were proposed.
func (m *Model) Numbers() map[string]tokenomics.ProposalID {
	numbers := map[string]tokenomics.ProposalID{}
	for id, o := range m.motions {
		numbers[o.Key] = id
	}
	return numbers
}
