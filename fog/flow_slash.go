package fog

import (
	"context"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// accusation is evidence against a device's owner, with the fact that speaks of the job.
type accusation struct {
	fact     int
	evidence tokenomics.SlashEvidence
}

// proofs lists what the attempts of a job that is over prove against the owners of
// their devices: a result that its replicas have outvoted, and, if the job has
// missed its deadline, a lease that was let go.
func proofs(fact int, record scheduler.Record) (proven []accusation) {
	job := record.Job
	for _, attempt := range record.Attempts {
		e := tokenomics.SlashEvidence{
			ID: "attempt:" + string(attempt.ID), Tenant: job.Tenant, Operator: tokenomics.Account(attempt.NodeOwner),
			At: attempt.Ended.Truncate(time.Microsecond), Detail: "job " + string(job.ID) + ": ",
		}
		switch {
		case attempt.State == scheduler.AttemptInvalid:
			e.Kind = tokenomics.FaultBadResult
			e.Detail += "its result is not the one that the other replicas agree on"
		case attempt.State == scheduler.AttemptLost && job.State == scheduler.Expired:
			e.Kind = tokenomics.FaultSLA
			e.Detail += "it was dropped, and the job has missed its deadline"
			e.Harmed, e.Loss = tokenomics.Account(job.Owner), tokenomics.Amount(attempt.Price)
		default:
			continue
		}
		proven = append(proven, accusation{fact, e})
	}
	return proven
}

// slash gives the ledger the evidence against those who have staked, as much as
// its parameters say. They may appeal. What the ledger refuses is nothing to
// take: nobody stakes with the owner, the parameters take nothing for such a
// fault, it was too long ago, or as much as possible is under way already.
func (f *Fog) slash(ctx context.Context, proven []accusation, results []error) {
	proven = slices.DeleteFunc(proven, func(a accusation) bool { return results[a.fact] != nil })
	if len(proven) == 0 {
		return
	}
	evidence := make([]tokenomics.SlashEvidence, len(proven))
	for i, a := range proven {
		evidence[i] = a.evidence
	}
	verdicts, err := f.Tokenomics.SlashEvidence(ctx, evidence)
	for i, a := range proven {
		failed := err
		if err == nil {
			switch fault.KindOf(verdicts[i]) {
			case fault.NotFound, fault.Conflict, fault.Invalid:
			default: // nil as well
				failed = verdicts[i]
			}
		}
		if failed != nil { // else another attempt of the job may have failed
			results[a.fact] = failed
		}
	}
}
