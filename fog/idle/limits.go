package idle

import (
	"fmt"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Limits say how much of a device its guests may use while it may be harvested. The zero value does not limit them.
type Limits struct {
	CPUShare    float64 `json:"cpu_share,omitempty"`    // of all cores together, on average, 0 to 1; 0: no limit
	MemoryShare float64 `json:"memory_share,omitempty"` // of the memory, 0 to 1; 0: no limit
	Tiers       []Tier  `json:"tiers,omitempty"`        // from cool to hot
}

// Tier lowers the CPU share of a device that grows warm, before its Thermal band stops it. An unknown temperature is in none.
type Tier struct {
	Above    float64 `json:"above"`     // degrees Celsius above which it begins
	Below    float64 `json:"below"`     // and below which it ends; not more than Above
	CPUShare float64 `json:"cpu_share"` // while it lasts; above 0 and less than that of the tier before
}

const maxTiers = 16

// Tier returns how many tiers a device is in, given its temperature and how many it was in before: one enters a tier above its
// Above and leaves it below its Below, so a temperature between them changes nothing.
func (l *Limits) Tier(tempC Opt[float64], was int) int {
	if !tempC.Known {
		return 0
	}
	now := min(max(was, 0), len(l.Tiers))
	for now < len(l.Tiers) && tempC.Value > l.Tiers[now].Above {
		now++
	}
	for now > 0 && tempC.Value < l.Tiers[now-1].Below {
		now--
	}
	return now
}

// Share returns the CPU share that guests may use in a tier, 0 to 1.
func (l *Limits) Share(tier int) float64 {
	share := 1.0
	if l.CPUShare > 0 {
		share = l.CPUShare
	}
	if tier > 0 && tier <= len(l.Tiers) {
		share = min(share, l.Tiers[tier-1].CPUShare)
	}
	return share
}

// validate refuses limits that leave nothing, and tiers that do nothing.
func (l *Limits) validate(op string, thermal *Band) error {
	const field = "policy.limits"
	switch {
	case !within(l.CPUShare, 0, 1):
		return fault.Field(op, field+".cpu_share", "must be between 0 and 1")
	case !within(l.MemoryShare, 0, 1):
		return fault.Field(op, field+".memory_share", "must be between 0 and 1")
	case len(l.Tiers) > maxTiers:
		return fault.Field(op, field+".tiers", "must be at most %d", maxTiers)
	}
	share := l.Share(0)
	for i := range l.Tiers {
		tier, name := &l.Tiers[i], fmt.Sprintf("%s.tiers[%d]", field, i)
		switch {
		case !within(tier.Above, 0, 150):
			return fault.Field(op, name+".above", "must be between 0 and 150")
		case thermal.Unknown != RuleOff && tier.Above >= thermal.Stop:
			return fault.Field(op, name+".above", "must be below policy.thermal.stop, %g: a device stops before it gets there", thermal.Stop)
		case !within(tier.Below, 0, tier.Above):
			return fault.Field(op, name+".below", "must be between 0 and above")
		case !(tier.CPUShare > 0 && tier.CPUShare < share):
			return fault.Field(op, name+".cpu_share", "must be above 0 and less than %g, which a cooler device may use", share)
		case i > 0 && (tier.Above <= l.Tiers[i-1].Above || tier.Below < l.Tiers[i-1].Below):
			return fault.Field(op, name+".above", "must be above that of the tier before, and below not less than there")
		}
		share = tier.CPUShare
	}
	return nil
}
