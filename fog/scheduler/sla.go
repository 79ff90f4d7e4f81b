package scheduler

import (
	"slices"
	"strconv"
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
	// Trust is the default of a submission that names none.
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

// Trust says how a job's result becomes believed.
type Trust struct {
	// Replicas is the number of slots, on nodes of as many different owners.
	Replicas int `json:"replicas"`
	// Quorum is the number of equal results that are believed.
	Quorum int `json:"quorum"`
	// Compare says which results are equal.
	Compare Comparator `json:"compare,omitzero"`
}

// MaxReplicas is the greatest number of slots that a submission may ask for.
const MaxReplicas = 9

// ParseTrust reads "none", "quorum:k" (k replicas, all equal) or "quorum:k/n" (k equal ones of n), the latter two with how results
// are compared, as ",exact", ",json" or ",tolerance:x"; without, byte for byte. Anything else is fault Invalid, field "trust".
func ParseTrust(s string) (Trust, error) {
	const op, field = "scheduler.trust", "trust"
	if s == "none" {
		return Trust{Replicas: 1, Quorum: 1}, nil
	}
	rest, ok := strings.CutPrefix(s, "quorum:")
	if !ok {
		return Trust{}, fault.Field(op, field, "unknown rule %q: want none, quorum:k or quorum:k/n", s)
	}
	var compare Comparator
	if votes, how, named := strings.Cut(rest, ","); named {
		var err error
		if compare, err = parseComparator(how); err != nil {
			return Trust{}, err
		}
		rest = votes
	}
	k, n, both := strings.Cut(rest, "/")
	if !both {
		n = k
	}
	quorum, err := strconv.Atoi(k)
	if err != nil {
		return Trust{}, fault.Field(op, field, "quorum %q is not a number", k)
	}
	replicas, err := strconv.Atoi(n)
	if err != nil {
		return Trust{}, fault.Field(op, field, "replicas %q is not a number", n)
	}
	t := Trust{Replicas: replicas, Quorum: quorum, Compare: compare}
	if err := t.Validate(); err != nil {
		return Trust{}, err
	}
	return t, nil
}

// Validate checks 1 <= Quorum <= Replicas <= MaxReplicas, and the comparator, which needs a quorum of two or more to have something to
// compare; else fault Invalid, field "trust".
func (t Trust) Validate() error {
	if t.Quorum < 1 || t.Quorum > t.Replicas || t.Replicas > MaxReplicas {
		return fault.Field("scheduler.trust", "trust", "quorum %d of %d: want 1 <= quorum <= replicas <= %d", t.Quorum, t.Replicas, MaxReplicas)
	}
	if t.Quorum < 2 && t.Compare != (Comparator{}) {
		return fault.Field("scheduler.trust", "trust", "a quorum of %d compares nothing: want no comparison, or a quorum of 2 or more", t.Quorum)
	}
	return t.Compare.Validate()
}

// String writes what ParseTrust reads.
func (t Trust) String() string {
	if t.Replicas <= 1 {
		return "none"
	}
	text := "quorum:" + strconv.Itoa(t.Quorum)
	if t.Replicas != t.Quorum {
		text += "/" + strconv.Itoa(t.Replicas)
	}
	if t.Compare.By != ByBytes {
		text += "," + t.Compare.String()
	}
	return text
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
