package tokenomics

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

// Parameters that the ledger itself declares beside those of Governance. Nothing but proposals of their own kinds changes them.
const (
	// ParamProtocol is the version of the protocol that was voted for last, a text. The ledger only records it: whoever rolls programs
	// out reads it.
	ParamProtocol = "protocol.version"
	// ParamAgents is what agents are to run: Deployments. Servers hand it to agents, which fetch the digests.
	ParamAgents = "agents.deployment"
)

// Governance are the rules by which proposals are decided. They are parameters themselves, "governance.*", and so under their own
// rule: what was voted for goes before this value. A proposal is held to the rules of the moment at which its voting began. The zero
// value works; durations are whole microseconds.
type Governance struct {
	// MinPower is the power to vote that a proposer needs. 0: 1,000 FOG; negative: none.
	MinPower Amount
	// Deposit is what has to be deposited before a vote. 0: nothing.
	Deposit Amount
	// DepositPeriod is how long a proposal waits for its deposit. 0: 7 days.
	DepositPeriod time.Duration
	// Vetoed says what becomes of the deposits of a proposal that was vetoed. 0: the treasury gets them; positive: they are burned;
	// negative: they are given back. All other deposits are given back.
	Vetoed int

	// VotingDelay is the time between a complete deposit and the vote. 0: none.
	VotingDelay time.Duration
	// VotingPeriod is how long a vote is open. 0: 7 days.
	VotingPeriod time.Duration
	// LateQuorum is how long a vote stays open, at least and once, after the quorum was reached. 0: one day; negative: it ends when
	// it ends.
	LateQuorum time.Duration
	// Timelock is the time between queueing and execution. 0: one day; negative: none.
	Timelock time.Duration
	// Grace is how long a proposal waits to be queued, and then how long after the timelock it can be executed. 0: 14 days.
	Grace time.Duration

	// Quorum is the part of all power that has to vote, in whatever way, in basis points. 0: 1,000.
	Quorum int
	// Threshold is the part of for among for, against and veto that a proposal needs, in basis points. 0: 6,000.
	Threshold int
	// Veto is the part of veto among for, against and veto from which on a proposal is vetoed, in basis points. 0: 3,334; negative: a
	// veto is a vote against.
	Veto int
	// VoterCap is the most of all power that counts of one account, in basis points, where votes count by power. 0: no limit.
	VoterCap int
	// Quadratic says which proposals may count votes by the square root of each person's power; Config.Identities says who is who.
	// 0: those that execute nothing; positive: all kinds; negative: none.
	Quadratic int

	// EmergencyPeriod is how long the vote about an emergency action is open, never longer than the VotingPeriod. 0: one day. After a late
	// quorum it stays open no longer than that again.
	EmergencyPeriod time.Duration
	// EmergencyThreshold is the Threshold of an emergency action, never lower than the Threshold. 0: 8,000.
	EmergencyThreshold int
	// EmergencyTimelock is the Timelock of an emergency action. 0: none.
	EmergencyTimelock time.Duration
	// EmergencyEffect is how long an emergency action has effect. 0: 7 days.
	EmergencyEffect time.Duration
}

// longest bounds the durations of Governance.
const longest = 366 * 24 * time.Hour

// Validate names the first field that cannot work and its limit.
func (g Governance) Validate() error {
	const op = "tokenomics.governance"
	for _, d := range []struct {
		field string
		value time.Duration
		off   bool // negative values mean something
	}{
		{"DepositPeriod", g.DepositPeriod, false}, {"VotingDelay", g.VotingDelay, false}, {"VotingPeriod", g.VotingPeriod, false},
		{"LateQuorum", g.LateQuorum, true}, {"Timelock", g.Timelock, true}, {"Grace", g.Grace, false},
		{"EmergencyPeriod", g.EmergencyPeriod, false}, {"EmergencyTimelock", g.EmergencyTimelock, false},
		{"EmergencyEffect", g.EmergencyEffect, false},
	} {
		if d.value > longest || d.value < 0 && !d.off || d.value > 0 && d.value%time.Microsecond != 0 {
			return fault.Field(op, d.field, "must be at most %s, in whole microseconds", longest)
		}
	}
	for _, p := range []struct {
		field string
		value int
		off   bool
	}{
		{"Quorum", g.Quorum, false}, {"Threshold", g.Threshold, false}, {"Veto", g.Veto, true},
		{"VoterCap", g.VoterCap, false}, {"EmergencyThreshold", g.EmergencyThreshold, false},
	} {
		if p.value > whole || p.value < 0 && !p.off {
			return fault.Field(op, p.field, "must be at most %d basis points", whole)
		}
	}
	return first(
		checkAmount(op, "MinPower", g.MinPower, -MaxSupply),
		checkAmount(op, "Deposit", g.Deposit, 0))
}

// filled returns the rules with every default in its place, and 0 where something is off.
func (g Governance) filled() Governance {
	const day = 24 * time.Hour
	if g.MinPower == 0 {
		g.MinPower = 1000 * FOG
	}
	g.MinPower = max(g.MinPower, 0)
	g.DepositPeriod = orDefault(g.DepositPeriod, 7*day)
	g.VotingPeriod = orDefault(g.VotingPeriod, 7*day)
	g.LateQuorum = max(orDefault(g.LateQuorum, day), 0)
	g.Timelock = max(orDefault(g.Timelock, day), 0)
	g.Grace = orDefault(g.Grace, 14*day)
	g.Quorum = orPoints(g.Quorum, 1000)
	g.Threshold = orPoints(g.Threshold, 6000)
	g.Veto = max(orPoints(g.Veto, 3334), 0)
	g.EmergencyPeriod = min(orDefault(g.EmergencyPeriod, day), g.VotingPeriod)
	g.EmergencyThreshold = max(orPoints(g.EmergencyThreshold, 8000), g.Threshold)
	g.EmergencyEffect = orDefault(g.EmergencyEffect, 7*day)
	return g
}

func orPoints(points, otherwise int) int {
	if points == 0 {
		return otherwise
	}
	return points
}

// knob declares a parameter of Governance.
func knob[T any](name, unit, doc string, set func(*Governance, T)) Knob[Governance] {
	var zero T
	return NewKnob("governance."+name, unit, doc, zero, set)
}

// GovernanceKnobs are the parameters of Governance. What 0 and negative values do is what Governance documents.
func GovernanceKnobs() Knobs[Governance] {
	const fog, duration, points = "FOG", "duration", "basis points"
	return Knobs[Governance]{
		knob("min_power", fog, "Power that a proposer needs; 0: 1000, negative: none.", func(g *Governance, v Amount) { g.MinPower = v }),
		knob("deposit", fog, "Deposit that a vote needs; 0: none.", func(g *Governance, v Amount) { g.Deposit = v }),
		knob("deposit_period", duration, "How long a proposal waits for its deposit; 0s: 168h.", func(g *Governance, v Span) { g.DepositPeriod = time.Duration(v) }),
		knob("vetoed", "", "Deposits of what was vetoed go, 0: to the treasury, positive: up in smoke, negative: back.", func(g *Governance, v int) { g.Vetoed = v }),
		knob("voting_delay", duration, "Time between deposit and vote; 0s: none.", func(g *Governance, v Span) { g.VotingDelay = time.Duration(v) }),
		knob("voting_period", duration, "How long a vote is open; 0s: 168h.", func(g *Governance, v Span) { g.VotingPeriod = time.Duration(v) }),
		knob("late_quorum", duration, "How long a vote stays open at least after the quorum; 0s: 24h, negative: no longer.", func(g *Governance, v Span) { g.LateQuorum = time.Duration(v) }),
		knob("timelock", duration, "Time between queueing and execution; 0s: 24h, negative: none.", func(g *Governance, v Span) { g.Timelock = time.Duration(v) }),
		knob("grace", duration, "How long a proposal waits for queueing, and for execution; 0s: 336h.", func(g *Governance, v Span) { g.Grace = time.Duration(v) }),
		knob("quorum", points, "Part of all power that has to vote; 0: 1000.", func(g *Governance, v int) { g.Quorum = v }),
		knob("threshold", points, "Part of for that a proposal needs; 0: 6000.", func(g *Governance, v int) { g.Threshold = v }),
		knob("veto", points, "Part of veto by which a proposal falls; 0: 3334, negative: a veto is a vote against.", func(g *Governance, v int) { g.Veto = v }),
		knob("voter_cap", points, "Most of all power that counts of one account; 0: no limit.", func(g *Governance, v int) { g.VoterCap = v }),
		knob("quadratic", "", "Kinds that may count by square roots, 0: those that execute nothing, positive: all, negative: none.", func(g *Governance, v int) { g.Quadratic = v }),
		knob("emergency_period", duration, "How long the vote about an emergency is open; 0s: 24h.", func(g *Governance, v Span) { g.EmergencyPeriod = time.Duration(v) }),
		knob("emergency_threshold", points, "Part of for that an emergency needs; 0: 8000.", func(g *Governance, v int) { g.EmergencyThreshold = v }),
		knob("emergency_timelock", duration, "Time between queueing and execution of an emergency; 0s: none.", func(g *Governance, v Span) { g.EmergencyTimelock = time.Duration(v) }),
		knob("emergency_effect", duration, "How long an emergency has effect; 0s: 168h.", func(g *Governance, v Span) { g.EmergencyEffect = time.Duration(v) }),
	}
}

// GovernanceSet declares the parameters that the ledger itself reads or keeps: those of Governance over base, ParamProtocol and
// ParamAgents. A Registry without it gets it from New; one that also publishes them names it itself, with Config.Governance as base.
func GovernanceSet(base Governance) Set {
	set := GovernanceKnobs().Set(func() Governance { return base })
	set.Parameters = append(set.Parameters,
		Parameter{
			Key: ParamProtocol, Unit: "version", Doc: "Version of the protocol that was accepted by vote; empty: none.",
			Default: json.RawMessage(`""`), Validate: func(value json.RawMessage) error { return validVersion(value) },
		},
		Parameter{
			Key: ParamAgents, Unit: "deployments by agent", Doc: "What agents are to run, by name of the agent.",
			Default: json.RawMessage(`{}`), Validate: validDeployments,
		})
	return set
}

// Deployment is one version of a program for agents.
type Deployment struct {
	Version string `json:"version"` // 1 to 64 letters, digits, '.', '_', '+', '-'
	Digest  string `json:"digest"`  // SHA-256 of its WebAssembly module, in 64 hexadecimal digits: what the blob store finds it by
}

// Deployments is what agents are to run, by the agent's name: 1 to 64 of the characters of a version.
type Deployments map[string]Deployment

const (
	digits  = "0123456789"
	letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	hex     = digits + "abcdef"
)

// isVersion reports whether a text can be a version or the name of an agent.
func isVersion(text string) bool {
	return len(text) >= 1 && len(text) <= 64 && strings.Trim(text, digits+letters+"._+-") == ""
}

func validVersion(value json.RawMessage) error {
	version, err := decode[string](value)
	if err == nil && version != "" && !isVersion(version) {
		err = invalidValue("%q must have 1 to 64 letters, digits, '.', '_', '+' and '-'", clip(version))
	}
	return err
}

func validDeployments(value json.RawMessage) error {
	deployments, err := decode[Deployments](value)
	if err != nil {
		return err
	}
	for agent, d := range deployments {
		if !isVersion(agent) || !isVersion(d.Version) || len(d.Digest) != 64 || strings.Trim(d.Digest, hex) != "" {
			return invalidValue("agent %q needs a name and a version of 1 to 64 letters, digits, '.', '_', '+' and '-', and a digest of 64 hexadecimal digits", clip(agent))
		}
	}
	return nil
}

// Identities says which person is behind an account. It is asked while a batch is decided, so it answers from memory, and the same question
// always has the same answer: what a person is called when the ledger stood at movement seq; empty if nobody has verified the account
// by then. It must be safe for concurrent use.
type Identities interface {
	Identity(tenant principal.Tenant, account Account, seq int64) string
}

// rules are what decides beside the state: values and pure functions.
type rules struct {
	registry   *Registry
	governance Governance
	guardian   Account
	identities Identities    // nil: none
	retention  time.Duration // of resolved holds; negative: for ever

	knobs     Knobs[Governance]
	economics Knobs[Economics]
}

// outlived reports whether what was resolved at some time is past its retention: then only its movements count, whether its record is
// still there or was purged.
func (r rules) outlived(resolved, now time.Time) bool {
	return r.retention > 0 && resolved.Before(now.Add(-r.retention))
}

// newRules completes a configuration that is valid.
func newRules(c Config) (rules, error) {
	r := rules{
		registry: c.Parameters, governance: c.Governance, guardian: c.Guardian, identities: c.Identities, retention: c.Retention,
		knobs: GovernanceKnobs(), economics: EconomicsKnobs(),
	}
	var sets []Set
	if r.registry != nil {
		sets = slices.Clone(r.registry.sets)
	}
	for _, own := range []Set{GovernanceSet(c.Governance), r.economics.Set(c.Economics)} {
		if _, declared := r.registry.Lookup(own.Parameters[0].Key); !declared {
			sets = append(sets, own)
		}
	}
	registry, err := NewRegistry(sets...)
	r.registry = registry
	return r, err
}
