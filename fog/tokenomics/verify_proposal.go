package tokenomics

import (
	"context"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// parliament is what the records of a tenant say about proposals.
type parliament struct {
	proposals map[string]*auditedProposal // by their keys
	polls     map[string]string           // their states, by the keys of proposals
	deposits  map[Account]Amount
	version   int64 // of all parameters
	newest    int64 // version of a parameter
}

// auditedProposal is a proposal with what its votes add up to.
type auditedProposal struct {
	proposal
	state ProposalState
	tally Tally
}

// proposals recounts votes, and checks deposits and versions. Proposals are read first, since their votes are counted by their rules.
func (a *auditor) proposals(ctx context.Context, s Moment) error {
	parliaments := map[principal.Tenant]*parliament{}
	records := func(ctx context.Context, after Record, limit int) ([]Record, error) {
		return s.Records(ctx, after.RecordRef, limit)
	}
	read := func(each func(*parliament, Record)) error {
		return pages(ctx, records, Record{}, func(r Record) {
			if parliaments[r.Tenant] == nil {
				parliaments[r.Tenant] = &parliament{
					proposals: map[string]*auditedProposal{}, polls: map[string]string{}, deposits: map[Account]Amount{},
				}
			}
			each(parliaments[r.Tenant], r)
		})
	}
	if err := first(read(a.proposal), read(a.ballots)); err != nil {
		return err
	}
	for tenant, p := range parliaments {
		a.recount(tenant, p)
	}
	for sub, account := range a.accounts {
		if sub.Kind == KindDeposit && account.balance != 0 && (parliaments[sub.Tenant] == nil || parliaments[sub.Tenant].deposits[sub.Account] == 0) {
			a.find("account %q has %s FOG deposited, no proposal has them", sub.Account, account.balance)
		}
	}
	return nil
}

// proposal carries one proposal, voter or parameter forward.
func (a *auditor) proposal(p *parliament, r Record) {
	switch r.Class {
	case ClassProposal:
		q := &auditedProposal{state: ProposalState(r.State)}
		if !a.decode(r, &q.proposal) {
			return
		}
		p.proposals[r.Key] = q
		for _, share := range q.Deposits {
			p.deposits[share.Account] += share.Amount
		}
		a.tally[tallyKey{r.Tenant, Count{Name: countProposals}}]++
		if q.state == ProposalVoting {
			a.tally[tallyKey{r.Tenant, Count{Name: countVoting}}]++
		}
		if due := (&docket{proposal: q.proposal, state: q.state}).due(); !due.Equal(r.Due) {
			a.find("proposal %s is due at %s instead of %s", idOf(r.Key), r.Due, due)
		}
	case ClassPoll:
		p.polls[r.Key] = r.State
	case ClassVoter:
		a.tally[tallyKey{r.Tenant, Count{Name: countVoters}}]++
	case ClassParameter:
		var row parameterRow
		if a.decode(r, &row); r.Key == versionKey {
			p.version = row.Version
		} else {
			p.newest = max(p.newest, row.Version)
		}
	}
}

// ballots carries one vote or person forward.
func (a *auditor) ballots(p *parliament, r Record) {
	if r.Class != ClassVote && r.Class != ClassPerson {
		return
	}
	q := p.proposals[r.Key[:min(len(r.Key), len(ProposalID(0).key()))]]
	if q == nil {
		a.find("%s %q is about no proposal", r.Class, r.Key)
		return
	}
	if r.Class == ClassPerson {
		var who person
		if a.decode(r, &who) {
			q.tally.add(who.Choice, root(who.Power))
		}
		return
	}
	var b ballot
	if !a.decode(r, &b) {
		return
	}
	q.tally.Voters++
	q.tally.Turnout += b.Power
	if q.Counting != CountQuadratic {
		q.tally.add(b.Choice, (&docket{proposal: q.proposal}).weight(b.Power))
	}
}

// recount compares running tallies with their votes.
func (a *auditor) recount(tenant principal.Tenant, p *parliament) {
	for key, q := range p.proposals {
		if !p.counted(key, q) {
			a.find("the tally of proposal %s is %+v, its votes add up to %+v", idOf(key), q.Tally, q.tally)
		}
		if q.Tally.Turnout > q.Power {
			a.find("proposal %s has votes with a power of %s FOG, there were %s", idOf(key), q.Tally.Turnout, q.Power)
		}
	}
	for key, state := range p.polls {
		if q := p.proposals[key]; q == nil || q.Ended.IsZero() || state != PollPurged && state != pollState(q.Ended) {
			a.find("proposal %s has not ended as its poll says", idOf(key))
		}
	}
	for account, amount := range p.deposits {
		kept := a.accounts[SubAccount{tenant, account, KindDeposit}]
		if kept == nil || kept.balance != amount {
			a.find("account %q has not deposited the %s FOG that proposals have", account, amount)
		}
	}
	if p.newest > p.version {
		a.find("a parameter has version %d, all have %d", p.newest, p.version)
	}
}
