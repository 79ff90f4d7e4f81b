package fog

import (
	"context"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// proofs lists the attempts of a job that is over which prove that their device's
// owner has done wrong: those whose result its replicas have outvoted, and, if
// the job has missed its deadline, those that were leased and let go.
func proofs(fact int, record scheduler.Record) (proven []slotted) {
	for _, attempt := range record.Attempts {
		if _, kind := faultOf(record.Job.State, attempt.State); kind != "" {
			proven = append(proven, slotted{fact: fact, job: record.Job, attempt: attempt})
		}
	}
	return proven
}

// faultOf says what an attempt proves of its device's owner: nothing is "".
func faultOf(job scheduler.State, attempt scheduler.AttemptState) (detail string, kind tokenomics.FaultKind) {
	switch {
	case attempt == scheduler.AttemptInvalid:
		return "its result is not the one that the other replicas agree on", tokenomics.FaultBadResult
	case attempt == scheduler.AttemptLost && job == scheduler.Expired:
		return "it was dropped, and the job has missed its deadline", tokenomics.FaultSLA
	}
	return "", ""
}

// slash gives the ledger the evidence against those who have staked, as much as
// its parameters say. They may appeal. What the ledger refuses is nothing to
// take: nobody stakes with the owner, the parameters take nothing for such a
// fault, it was too long ago, or as much as possible is under way already.
func (f *Fog) slash(ctx context.Context, proven []slotted, results []error) {
	var told []slotted
	var evidence []tokenomics.SlashEvidence
	for _, s := range proven {
		if results[s.fact] != nil {
			continue
		}
		detail, kind := faultOf(s.job.State, s.attempt.State)
		e := tokenomics.SlashEvidence{
			ID: "attempt:" + string(s.attempt.ID), Tenant: s.job.Tenant, Operator: tokenomics.Account(s.attempt.NodeOwner),
			Kind: kind, At: s.attempt.Ended.Truncate(time.Microsecond), Detail: "job " + string(s.job.ID) + ": " + detail,
		}
		if kind == tokenomics.FaultSLA {
			e.Harmed, e.Loss = tokenomics.Account(s.job.Owner), tokenomics.Amount(s.attempt.Price)
		}
		told, evidence = append(told, s), append(evidence, e)
	}
	if len(told) == 0 {
		return
	}
	verdicts, err := f.Tokenomics.SlashEvidence(ctx, evidence)
	for i, s := range told {
		if err != nil {
			results[s.fact] = err
			continue
		}
		switch fault.KindOf(verdicts[i]) {
		case fault.NotFound, fault.Conflict, fault.Invalid:
		default: // nil as well
			results[s.fact] = verdicts[i]
		}
	}
}
