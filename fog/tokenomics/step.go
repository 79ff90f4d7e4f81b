package tokenomics

import "time"

// Step is something that can be done to a proposal as it stands.
type Step struct {
	Op    Op        // OpDeposit, OpVote, OpQueue, OpExecute or OpCancel
	By    []Account // who may; none: anybody
	From  time.Time // not before; zero: at once
	Until time.Time // only before; zero: that is not known yet
}

// Steps lists what can be done to a proposal, now or when its time has come, and by whom; nothing in a last state. What it takes beside
// the time, as a power or tokens, it does not say.
func (t *Tokenomics) Steps(p Proposal) []Step {
	guardian := t.rules.guardian
	cancel := Step{Op: OpCancel, By: []Account{guardian}, Until: p.Next}
	switch {
	case p.Next.IsZero():
		return nil
	case p.State == ProposalVoting:
		return []Step{{Op: OpVote, Until: p.Ends}, cancel}
	case p.State == ProposalSucceeded:
		return []Step{{Op: OpQueue, Until: p.Until}, cancel}
	case p.State == ProposalQueued:
		return []Step{{Op: OpExecute, From: p.ETA, Until: p.Until}, cancel}
	}
	if p.Proposer != guardian {
		cancel.By = append(cancel.By, p.Proposer)
	}
	if p.Opens.IsZero() {
		return []Step{{Op: OpDeposit, Until: p.Deadline}, cancel}
	}
	return []Step{{Op: OpVote, From: p.Opens}, cancel}
}
