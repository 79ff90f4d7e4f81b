package model

import (
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// mostEras is how many changes of the economics are remembered.
const mostEras = 32

// era is a time in which the economics stayed the same.
type era struct {
	economics tokenomics.Economics
	until     time.Time
}

// registry declares all parameters.
func (m *Model) registry() *tokenomics.Registry {
	registry, err := tokenomics.NewRegistry(lampKnobs().Set(nil), tokenomics.GovernanceSet(m.Governance),
		tokenomics.EconomicsKnobs().Set(func() tokenomics.Economics { return m.Economics }))
	if err != nil {
		panic(err) // they are the same in every test
	}
	return registry
}

// economics are those of now: what was voted for, over those that the ledger was told.
func (m *Model) economics() tokenomics.Economics {
	economics := m.Economics
	tokenomics.EconomicsKnobs().Overlay(m.parameters())(&economics)
	return economics
}

// at is the economics that were in force at a time.
func (m *Model) at(t time.Time) tokenomics.Economics {
	for _, e := range m.past[0] {
		if t.Before(e.until) {
			return e.economics
		}
	}
	return m.economics()
}

// endEra brings rewards up to now and notes that the economics have been in force until now, if some of the keys are theirs.
func (m *Model) endEra(keys []string) {
	if !slices.ContainsFunc(keys, func(key string) bool { return strings.HasPrefix(key, "economics.") }) {
		return
	}
	m.accrue()
	past := append(slices.Clone(m.past[0]), era{m.economics(), m.Now})
	past = past[max(len(past)-mostEras, 0):]
	set(m, m.past, 0, &past)
}
