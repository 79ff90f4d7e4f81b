package model

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// value is a parameter that was ever set.
type value struct {
	value     string                // empty: the default
	version   int64                 // of all parameters, since which it has this value
	emergency tokenomics.ProposalID // that has given it, while that has effect; 0: none
	before    string                // without any emergency
}

// effect is an emergency action that has effect.
type effect struct {
	id   tokenomics.ProposalID
	ends time.Time
}

// rules are those of governance as they are now.
func (m *Model) rules() tokenomics.Governance {
	rules := m.Governance
	tokenomics.GovernanceKnobs().Overlay(m.parameters())(&rules)
	return rules
}

// parameters are all values that were set.
func (m *Model) parameters() tokenomics.Snapshot {
	values := map[string]json.RawMessage{}
	for key, v := range m.values {
		if v.value != "" {
			values[key] = json.RawMessage(v.value)
		}
	}
	s, err := tokenomics.NewSnapshot(m.version[0], values)
	if err != nil {
		panic(err) // what is not JSON was not valid
	}
	return s
}

// sets are the values that a proposal gives to parameters.
func (o *motion) sets() map[string]json.RawMessage {
	values := map[string]json.RawMessage{}
	for _, action := range o.Actions {
		if action.Set != nil {
			values[action.Set.Key] = action.Set.Value
		}
	}
	return values
}

// valid reports whether the values of now can be joined by others.
func (m *Model) valid(values map[string]json.RawMessage) bool {
	if len(values) == 0 {
		return true
	}
	good, _ := m.Parameters.Accept(tokenomics.Snapshot{}, m.parameters())
	next, err := good.With(m.version[0]+1, values)
	return err == nil && m.Parameters.Validate(next) == nil
}

// amend gives parameters the values of a proposal.
func (m *Model) amend(o *motion) {
	version := m.version[0] + 1
	m.endEra(slices.Collect(maps.Keys(o.sets())))
	for _, action := range o.Actions {
		if action.Set == nil {
			continue
		}
		old, next := m.values[action.Set.Key], value{value: string(action.Set.Value), version: version}
		if next.value == "null" {
			next.value = ""
		}
		if o.Kind == tokenomics.EmergencyAction {
			next.emergency, next.before = o.id, old.value
			if old.emergency > 0 { // of an emergency on an emergency nothing stays
				next.before = old.before
			}
			set(m, m.effects, o.id, &effect{o.id, m.Now.Add(o.rules.EmergencyEffect)})
		}
		m.assign(action.Set.Key, next)
		o.made = version
	}
}

// assign gives a parameter a value.
func (m *Model) assign(key string, v value) {
	set(m, m.values, key, &v)
	set(m, m.version, 0, &v.version)
}

// lapse ends the effect of an emergency action. What was changed since stays.
func (m *Model) lapse(id tokenomics.ProposalID) {
	version, keys := m.version[0]+1, []string(nil)
	for key, v := range m.values {
		if v.emergency == id {
			keys = append(keys, key)
		}
	}
	m.endEra(keys)
	for key, v := range m.values {
		if v.emergency == id {
			m.assign(key, value{value: v.before, version: version})
		}
	}
	set(m, m.effects, id, nil)
	m.moved()
}
