package tokenomics_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// council stakes a FOG with itself, and decides alone what the parameters are.
const council tokenomics.Account = "council"

// about is a step's request with the number of the proposal that it is about.
func (f *farm) about(t *testing.T, s step) tokenomics.Request {
	t.Helper()
	if s.about == "" {
		return s.Request
	}
	ref := tokenomics.Reference{Tenant: "default", Op: tokenomics.OpPropose, Key: s.about}
	loaded, err := f.store.Load(t.Context(), tokenomics.Wanted{References: []tokenomics.Reference{ref}})
	require.NoError(t, err)
	id := tokenomics.ProposalID(loaded.Used[ref].Seq)
	if id == 0 { // it was refused
		id = 1 << 40
	}
	r := s.Request
	switch {
	case r.Vote != nil:
		c := *r.Vote
		r.Vote, c.Proposal = &c, id
	case r.Queue != nil:
		c := *r.Queue
		r.Queue, c.Proposal = &c, id
	case r.Execute != nil:
		c := *r.Execute
		r.Execute, c.Proposal = &c, id
	}
	return r
}

// governed are the steps by which the council gives a parameter another value.
func governed(key string, set tokenomics.SetParameter) []step {
	propose := tokenomics.Propose{
		Key: key, Proposer: council, Title: "Another value", Description: strings.Repeat("The council knows why. ", 3),
		Kind: tokenomics.ParameterChange, Actions: []tokenomics.Action{{Set: &set}},
	}
	return []step{
		{Request: tokenomics.Request{Propose: &propose}},
		{about: key, Request: tokenomics.Request{Vote: &tokenomics.Vote{Key: key, Voter: council, Choice: tokenomics.ChoiceFor}}},
		{passes: time.Second},
		{about: key, Request: tokenomics.Request{Queue: &tokenomics.Enqueue{Key: key, Account: council}}},
		{about: key, Request: tokenomics.Request{Execute: &tokenomics.Execute{Key: key, Account: council}}},
	}
}

// change draws the steps of a change, and of a hold that is placed after it.
func (s *script) change(t *rapid.T, now time.Time) []step {
	s.n++
	key := "k" + strconv.Itoa(s.n)
	points := func(most int) string { return strconv.Itoa(rapid.IntRange(0, most).Draw(t, "basis points")) }
	one := func(values ...string) string { return rapid.SampledFrom(values).Draw(t, "value") }
	name := rapid.SampledFrom([]string{
		"unbonding", "min_stake", "fee", "fee_to_stakers", "emission", "emission", "emission_every", "emission_to_stakers", "compute_reward",
		"appeal_window", "slash_cap", "slash_window", "compensation", "insurance_part",
	}).Draw(t, "parameter")
	value := one(points(10_000), "10001") // the second cannot work
	switch name {
	case "unbonding":
		value = one(`"10h"`, `"24h"`, `"100h"`, "null", `"-1s"`)
	case "appeal_window":
		value = one(`"5h30m"`, `"30h30m"`, "null")
	case "slash_window":
		value = one(`"3h10m"`, `"30h10m"`, "null")
	case "emission_every":
		value = one(`"3m"`, `"17h"`)
	case "min_stake", "compensation":
		value = one(`"0"`, `"0.5"`, `"20"`)
	case "emission":
		start := now.Add(time.Duration(rapid.IntRange(-50, 50).Draw(t, "hours")) * time.Hour).Format(time.RFC3339)
		value = one("null", "{}", fmt.Sprintf(`{"start":%q,"period":"200h","first":"%s.000007","cap":"%s"}`, start, points(3), points(4)))
	}
	hold := tokenomics.Hold{ID: tokenomics.HoldID(key), Payer: "operator", Amount: 1000 * fog}
	s.holds = append(s.holds, hold.ID)
	set := tokenomics.SetParameter{Key: "economics." + name, Value: json.RawMessage(value)}
	return append(governed(key, set), step{Request: tokenomics.Request{Hold: &hold}})
}

// govern answers a request about a change, and lets the model do it.
func (m *machine) govern(r tokenomics.Request) string {
	if r.Propose != nil {
		m.motion = r.Propose.Actions[0].Set
		if value := string(m.motion.Value); value == "10001" || value == `"-1s"` {
			m.motion = nil
			return invalid
		}
	}
	if m.motion == nil {
		return notFound
	}
	if r.Execute != nil {
		m.set = maps.Clone(m.set)
		m.set[m.motion.Key] = m.motion.Value
		s, err := tokenomics.NewSnapshot(1, m.set)
		require.NoError(m.rt, err)
		next := livelyEconomics()
		tokenomics.EconomicsKnobs().Overlay(s)(&next)
		m.m.change(filled(next))
	}
	return "yes"
}

// filled puts the defaults in their places that the model looks at.
func filled(e tokenomics.Economics) tokenomics.Economics {
	if e.SlashCap == 0 {
		e.SlashCap = 10_000
	}
	return e
}
