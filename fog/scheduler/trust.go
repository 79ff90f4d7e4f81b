package scheduler

import (
	"strconv"
	"strings"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Trust says how a job's result becomes believed.
type Trust struct {
	// Replicas is the number of slots, on nodes of as many different owners.
	Replicas int `json:"replicas"`
	// Quorum is the number of equal results that are believed.
	Quorum int `json:"quorum"`
	// Adaptive asks the Auditor about the result of the one replica: it is believed alone, or compared with that of another owner's
	// node, and a third one's where the two differ. Replicas and Quorum are 1.
	Adaptive bool `json:"adaptive,omitempty"`
	// Compare says which results are equal.
	Compare Comparator `json:"compare,omitzero"`
}

// MaxReplicas is the greatest number of slots that a submission may ask for.
const MaxReplicas = 9

// extraSlots is how many slots a job may have beyond its replicas, to settle a disagreement.
const extraSlots = 2

// ParseTrust reads "none", "adaptive", "quorum:k" (k replicas, all equal) or "quorum:k/n" (k equal ones of n), all but the first with how
// results are compared, as ",exact", ",json" or ",tolerance:x"; without, byte for byte. Anything else is fault Invalid, field "trust".
func ParseTrust(s string) (Trust, error) {
	const op, field = "scheduler.trust", "trust"
	if s == "none" {
		return Trust{Replicas: 1, Quorum: 1}, nil
	}
	rule, how, named := strings.Cut(s, ",")
	votes, counted := strings.CutPrefix(rule, "quorum:")
	if !counted && rule != "adaptive" {
		return Trust{}, fault.Field(op, field, "unknown rule %q: want none, adaptive, quorum:k or quorum:k/n", s)
	}
	t := Trust{Replicas: 1, Quorum: 1, Adaptive: !counted}
	var err error
	if named {
		if t.Compare, err = parseComparator(how); err != nil {
			return Trust{}, err
		}
	}
	if t.Adaptive {
		return t, nil
	}
	k, n, both := strings.Cut(votes, "/")
	if !both {
		n = k
	}
	if t.Quorum, err = strconv.Atoi(k); err != nil {
		return Trust{}, fault.Field(op, field, "quorum %q is not a number", k)
	}
	if t.Replicas, err = strconv.Atoi(n); err != nil {
		return Trust{}, fault.Field(op, field, "replicas %q is not a number", n)
	}
	if err := t.Validate(); err != nil {
		return Trust{}, err
	}
	return t, nil
}

// Validate checks 1 <= Quorum <= Replicas <= MaxReplicas, that what is adaptive has one replica, and the comparator, which needs
// another result to compare with; else fault Invalid, field "trust".
func (t Trust) Validate() error {
	const op, field = "scheduler.trust", "trust"
	switch {
	case t.Quorum < 1 || t.Quorum > t.Replicas || t.Replicas > MaxReplicas:
		return fault.Field(op, field, "quorum %d of %d: want 1 <= quorum <= replicas <= %d", t.Quorum, t.Replicas, MaxReplicas)
	case t.Adaptive && t.Replicas > 1:
		return fault.Field(op, field, "an adaptive job has 1 replica, not %d: others are added where they are needed", t.Replicas)
	case !t.Adaptive && t.Quorum < 2 && t.Compare != (Comparator{}):
		return fault.Field(op, field, "a quorum of %d compares nothing: want no comparison, or a quorum of 2 or more", t.Quorum)
	}
	return t.Compare.Validate()
}

// String writes what ParseTrust reads.
func (t Trust) String() string {
	var text string
	switch {
	case t.Adaptive:
		text = "adaptive"
	case t.Replicas <= 1:
		return "none"
	case t.Replicas == t.Quorum:
		text = "quorum:" + strconv.Itoa(t.Quorum)
	default:
		text = "quorum:" + strconv.Itoa(t.Quorum) + "/" + strconv.Itoa(t.Replicas)
	}
	if t.Compare.By != ByBytes {
		text += "," + t.Compare.String()
	}
	return text
}

// paid is how many slots may earn the price: those that a quorum is sought among, and of an adaptive job the one that it has and one
// that it is compared with.
func (t Trust) paid() int {
	if t.Adaptive {
		return t.Replicas + 1
	}
	return t.Replicas
}

// quorum is the number of equal results that are believed, as the job has come to: an adaptive job's result that is compared needs
// another one like it.
func (j *Job) quorum() int {
	if j.Trust.Adaptive && j.Slots > 1 {
		return 2
	}
	return j.Trust.Quorum
}

// alone reports whether the job has one result that is compared with no other: not yet, or not at all.
func (j *Job) alone() bool { return j.Trust.Adaptive && j.Slots == 1 }

// audited reports whether the job's result was believed before and is being compared after all.
func (j *Job) audited() bool { return !j.Finished.IsZero() && j.State.aggregated() }
