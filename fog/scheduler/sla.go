package scheduler

import (
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Tier is the service level that a job asks for.
type Tier string

// The tiers, best first.
const (
	Platinum Tier = "platinum"
	Gold     Tier = "gold"
	Silver   Tier = "silver"
	Bronze   Tier = "bronze"
)

// Tiers lists the tiers, best first.
func Tiers() []Tier { return []Tier{Platinum, Gold, Silver, Bronze} }

// raised is the tier that stands some tiers above, the best at most.
func (t Tier) raised(by int) Tier {
	tiers := Tiers()
	at := slices.Index(tiers, t)
	if at < 0 {
		at = len(tiers) - 1
	}
	return tiers[max(0, at-by)]
}

// ParseTier reads a tier in any letter case. Anything else is fault Invalid, field "sla_tier".
func ParseTier(s string) (Tier, error) {
	t := Tier(strings.ToLower(strings.TrimSpace(s)))
	switch t {
	case Platinum, Gold, Silver, Bronze:
		return t, nil
	}
	return "", fault.Field("scheduler.tier", "sla_tier", "unknown tier %q: want platinum, gold, silver or bronze", s)
}

// Terms is what a tier stands for.
type Terms struct {
	Tier Tier
	// Weight orders the queue: jobs of a greater weight are placed first.
	Weight int
	// DeadlineFactor times the estimate is the time in which a job is to finish to have met its tier.
	DeadlineFactor int
	// Trust is the default of a submission that names none; none adapts where there are strangers, see Auditor.
	Trust Trust
	// Limits are the numbers of failures at which a job fails.
	Limits Limits
	// PriceMilli is the price factor in thousandths.
	PriceMilli int64
}

// TermsOf is the table of the tiers. An unknown tier has bronze's terms.
func TermsOf(t Tier) Terms {
	switch t {
	case Platinum:
		return Terms{t, 8, 2, Trust{Replicas: 2, Quorum: 2}, Limits{16, 3, 10, 2}, 4000}
	case Gold:
		return Terms{t, 4, 4, Trust{Replicas: 1, Quorum: 1}, Limits{12, 3, 8, 2}, 2500}
	case Silver:
		return Terms{t, 2, 8, Trust{Replicas: 1, Quorum: 1}, Limits{8, 2, 6, 1}, 1500}
	}
	return Terms{Bronze, 1, 16, Trust{Replicas: 1, Quorum: 1}, Limits{6, 2, 5, 1}, 1000}
}

// Limits are numbers of failures, by class.
type Limits struct{ Device, Job, Infra, Policy int }

// Of is the limit of a class; zero for an unknown one.
func (l Limits) Of(c Class) int {
	switch c {
	case ClassDevice:
		return l.Device
	case ClassJob:
		return l.Job
	case ClassInfra:
		return l.Infra
	case ClassPolicy:
		return l.Policy
	}
	return 0
}

// Target is when the job is to be finished to have met its tier: its deadline, or else the tier's factor times its
// estimate (its maximum run time where it has none) after it was submitted.
func (j *Job) Target() time.Time {
	if !j.Deadline.IsZero() {
		return j.Deadline
	}
	span := j.Estimate
	if span <= 0 {
		span = j.MaxRuntime
	}
	return j.Submitted.Add(time.Duration(TermsOf(j.Tier).DeadlineFactor) * span)
}
