package tokenomics_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// What cannot be proposed is refused with the field that is wrong.
func TestProposalsThatAreRefused(t *testing.T) {
	w := newTown(t, tokenomics.Config{}, "ann", "poor")
	w.stake(t, "ann", 1000)
	good := tokenomics.Propose{
		Key: "p", Proposer: "ann", Title: "A good title", Description: strings.Repeat("Good reasons.\n", 4),
		Kind: tokenomics.ParameterChange, Actions: set("lamp.watts", "60"),
	}
	with := func(change func(*tokenomics.Propose)) tokenomics.Propose {
		p := good
		change(&p)
		return p
	}
	kind := func(k tokenomics.ProposalKind, actions ...tokenomics.Action) tokenomics.Propose {
		return with(func(p *tokenomics.Propose) { p.Kind, p.Actions = k, actions })
	}
	for _, c := range []struct {
		p     tokenomics.Propose
		kind  fault.Kind
		field string
		part  string
	}{
		{with(func(p *tokenomics.Propose) { p.Title = "Too short" }), fault.Invalid, "title", "at least 10"},
		{with(func(p *tokenomics.Propose) { p.Title = strings.Repeat("x", 201) }), fault.Invalid, "title", "at most 200"},
		{with(func(p *tokenomics.Propose) { p.Title = "A title\nof lines" }), fault.Invalid, "title", "control"},
		{with(func(p *tokenomics.Propose) { p.Description = "Too short" }), fault.Invalid, "description", "at least 50"},
		{with(func(p *tokenomics.Propose) { p.Description = strings.Repeat("x", 5001) }), fault.Invalid, "description", "at most 5000"},
		{with(func(p *tokenomics.Propose) { p.Description += "\x00" }), fault.Invalid, "description", "control"},
		{with(func(p *tokenomics.Propose) { p.Deposit = -1 }), fault.Invalid, "deposit", "at least 0"},
		{with(func(p *tokenomics.Propose) { p.Counting = "show of hands" }), fault.Invalid, "counting", "must be linear or quadratic"},
		{with(func(p *tokenomics.Propose) { p.Counting = tokenomics.CountQuadratic }), fault.Invalid, "counting", "needs a verifier"},
		{with(func(p *tokenomics.Propose) { p.Proposer = "poor" }), fault.Insufficient, "", "a proposer needs 1000"},
		{kind("coup", set("lamp.watts", "1")...), fault.Invalid, "kind", "not a kind"},
		{kind(tokenomics.GeneralGovernance, set("lamp.watts", "1")...), fault.Invalid, "actions", "from 0 to 0"},
		{kind(tokenomics.ParameterChange), fault.Invalid, "actions", "from 1 to 16"},
		{kind(tokenomics.ParameterChange, pays("bob", 1)...), fault.Invalid, "actions", "takes payments: false"},
		{kind(tokenomics.ParameterChange, tokenomics.Action{}), fault.Invalid, "actions", "exactly one"},
		{kind(tokenomics.ParameterChange, append(set("lamp.watts", "1"), set("lamp.watts", "2")...)...), fault.Invalid, "actions.set.key", "twice"},
		{kind(tokenomics.ParameterChange, set("lamp", "1")...), fault.Invalid, "actions.set.key", "not the key"},
		{kind(tokenomics.ParameterChange, set("lamp.watts", "{")...), fault.Invalid, "actions.set.value", "not JSON"},
		{kind(tokenomics.ParameterChange, set("lamp.watts", "101")...), fault.Invalid, "lamp.watts", "more than 100"},
		{kind(tokenomics.ParameterChange, set("lamp.sound", "1")...), fault.Invalid, "lamp.sound", "no engine"},
		{kind(tokenomics.ParameterChange, append(set("lamp.watts", "60"), set("lamp.fade", `"2m"`)...)...), fault.Invalid, "", "too bright"},
		{kind(tokenomics.ParameterChange, set("governance.quorum", "10001")...), fault.Invalid, "governance.quorum", "basis points"},
		{kind(tokenomics.ParameterChange, set(tokenomics.ParamProtocol, `"2"`)...), fault.Invalid, "actions.set.key", "kind protocol_upgrade"},
		{kind(tokenomics.ProtocolUpgrade, set("lamp.watts", "1")...), fault.Invalid, "actions.set.key", "does not set"},
		{kind(tokenomics.ProtocolUpgrade, set(tokenomics.ParamProtocol, `"2 beta"`)...), fault.Invalid, tokenomics.ParamProtocol, "letters, digits"},
		{kind(tokenomics.AgentDeployment, set(tokenomics.ParamAgents, `{"idle":{"version":"1","digest":"ab"}}`)...), fault.Invalid, tokenomics.ParamAgents, "64 hexadecimal"},
		{kind(tokenomics.EmergencyAction, set("lamp.watts", "1")...), fault.Denied, "", "only the guardian"},
		{kind(tokenomics.EmergencyAction, set("governance.quorum", "1")...), fault.Invalid, "actions.set.key", "rules of governance"},
		{kind(tokenomics.TreasuryAllocation, set("lamp.watts", "1")...), fault.Invalid, "actions", "takes payments: true"},
		{kind(tokenomics.TreasuryAllocation, pays(tokenomics.Treasury, 1)...), fault.Invalid, "actions.pay.to", "another account"},
		{kind(tokenomics.TreasuryAllocation, pays("bob", 0)...), fault.Invalid, "actions.pay.amount", "at least"},
		{kind(tokenomics.TreasuryAllocation, append(pays("a", tokenomics.MaxSupply), pays("b", 1)...)...), fault.Invalid, "actions.pay.amount", "add up"},
		{with(func(p *tokenomics.Propose) { p.Tenant, p.Kind, p.Actions = "other", "", nil }), fault.NotFound, "", "not found"},
	} {
		_, verdicts, err := w.Propose(principal.With(ctx, principal.Principal{Tenant: "default", Account: principal.Account(c.p.Proposer)}), []tokenomics.Propose{c.p})
		require.NoError(t, err)
		require.Equal(t, c.kind, fault.KindOf(verdicts[0]), "%+v: %v", c.p, verdicts[0])
		require.Contains(t, verdicts[0].Error(), c.part)
		if c.field != "" {
			require.Equal(t, c.field, fault.FieldOf(verdicts[0]))
		}
	}
	other := principal.With(ctx, principal.Principal{Tenant: "other", Account: "operator", Scopes: []principal.Scope{principal.ScopeOperator}})
	_, verdicts, err := w.Propose(other, []tokenomics.Propose{good})
	require.NoError(t, err)
	require.ErrorContains(t, verdicts[0], "parameters of engines are those of the tenant default")

	id := w.propose(t, good)
	spaced := good
	spaced.Actions = set("lamp.watts", " 6e1 ")
	spaced.Title, spaced.Description = "A proposal of the tests", strings.Repeat("It says what it is about. ", 3)
	ids, verdicts, err := w.Propose(ctx, []tokenomics.Propose{spaced})
	require.NoError(t, err)
	require.NoError(t, verdicts[0], "the same request: equal values are equal")
	require.Equal(t, id, ids[0])
	w.refuse(t, fault.NotFound, "proposal 9999 not found", ballotOf(9999, "ann", tokenomics.ChoiceFor, "v"))
}

// Every request in every state is either what the automaton allows or a conflict that says what can be done.
func TestTheAutomaton(t *testing.T) {
	config := tokenomics.Config{Guardian: "guard", Governance: tokenomics.Governance{Deposit: 32 * tokenomics.FOG, VotingDelay: time.Hour}}
	type step struct {
		state tokenomics.ProposalState
		to    func(*town, tokenomics.ProposalID)
		can   string // what refusals say
		takes string // requests that are taken
	}
	full := func(w *town, id tokenomics.ProposalID) {
		w.post(t, tokenomics.Request{Deposit: &tokenomics.Deposit{Key: "full", Proposal: id, Depositor: "ann", Amount: 32 * tokenomics.FOG}})
	}
	voting := func(w *town, id tokenomics.ProposalID) { full(w, id); w.sweep(t, time.Hour) }
	voted := func(choice tokenomics.Choice) func(*town, tokenomics.ProposalID) {
		return func(w *town, id tokenomics.ProposalID) {
			voting(w, id)
			w.vote(t, id, "ann", choice)
			w.sweep(t, 7*24*time.Hour)
		}
	}
	queued := func(w *town, id tokenomics.ProposalID) {
		voted(tokenomics.ChoiceFor)(w, id)
		w.queue(t, id)
		w.sweep(t, 24*time.Hour)
	}
	for _, s := range []step{
		{"draft", func(*town, tokenomics.ProposalID) {}, "lacks 32 FOG of its deposit: deposit them before", "deposit cancel guard"},
		{"deposit", full, "has its deposit: it can be voted on from", "cancel guard"},
		{"voting", voting, "is being voted on until", "vote guard"},
		{"succeeded", voted(tokenomics.ChoiceFor), "has succeeded: queue it before", "queue guard"},
		{"defeated", voted(tokenomics.ChoiceAgainst), "is defeated since", ""},
		{"vetoed", voted(tokenomics.ChoiceVeto), "is vetoed since", ""},
		{"queued", queued, "is queued: it can be executed from", "execute guard"},
		{"executed", func(w *town, id tokenomics.ProposalID) { queued(w, id); w.post(t, execution(id, "e")) }, "was executed at", ""},
		{"expired", func(w *town, _ tokenomics.ProposalID) { w.sweep(t, 7*24*time.Hour) }, "is expired since", ""},
		{"cancelled", func(w *town, id tokenomics.ProposalID) {
			require.NoError(t, w.Cancel(ctx, tokenomics.Cancel{Key: "c", Proposal: id, Account: "ann"}))
		}, "is cancelled since", ""},
	} {
		for name, request := range map[string]func(tokenomics.ProposalID) tokenomics.Request{
			"deposit": func(id tokenomics.ProposalID) tokenomics.Request {
				return tokenomics.Request{Deposit: &tokenomics.Deposit{Key: "try", Proposal: id, Depositor: "ann", Amount: 2 * tokenomics.FOG}}
			},
			"vote": func(id tokenomics.ProposalID) tokenomics.Request {
				return ballotOf(id, "ann", tokenomics.ChoiceFor, "try")
			},
			"queue": func(id tokenomics.ProposalID) tokenomics.Request {
				return tokenomics.Request{Queue: &tokenomics.Enqueue{Key: "try", Proposal: id, Account: "ann"}}
			},
			"execute": func(id tokenomics.ProposalID) tokenomics.Request { return execution(id, "try") },
			"cancel": func(id tokenomics.ProposalID) tokenomics.Request {
				return tokenomics.Request{Cancel: &tokenomics.Cancel{Key: "try", Proposal: id, Account: "ann"}}
			},
			"guard": func(id tokenomics.ProposalID) tokenomics.Request {
				return tokenomics.Request{Cancel: &tokenomics.Cancel{Key: "try", Proposal: id, Account: "guard"}}
			},
		} {
			w := newTown(t, config, "ann")
			w.stake(t, "ann", 1000)
			id := w.propose(t, change("ann", set("lamp.watts", "60")))
			s.to(w, id)
			require.Equal(t, s.state, w.proposal(t, id).State)
			switch {
			case strings.Contains(" "+s.takes+" ", " "+name+" "):
				w.post(t, request(id))
			case name == "cancel" && s.takes != "":
				w.refuse(t, fault.Conflict, `only the guardian, account "guard", may cancel it`, request(id))
			default:
				w.refuse(t, fault.Conflict, s.can, request(id))
			}
			require.NoError(t, w.Verify(ctx), "%s in %s", name, s.state)
		}
	}
}

// Accounts act in their own name, and lists are read by everybody in the tenant.
func TestRightsOfGovernance(t *testing.T) {
	w := newTown(t, tokenomics.Config{Guardian: "guard"}, "ann")
	w.stake(t, "ann", 1000)
	id := w.propose(t, change("ann", set("lamp.watts", "60")))
	bob := principal.With(ctx, principal.Principal{Tenant: "default", Account: "bob"})
	for _, r := range []tokenomics.Request{
		ballotOf(id, "ann", tokenomics.ChoiceFor, "v"), execution(id, "e"),
		{Cancel: &tokenomics.Cancel{Key: "c", Proposal: id, Account: "guard"}},
		{Cancel: &tokenomics.Cancel{Key: "c", Proposal: id, Account: "bob"}},
		{Queue: &tokenomics.Enqueue{Key: "q", Proposal: id, Account: "ann"}},
		{Deposit: &tokenomics.Deposit{Key: "d", Proposal: id, Depositor: "ann", Amount: 1}},
		{Propose: &tokenomics.Propose{Key: "p", Proposer: "ann", Title: "Good title", Description: strings.Repeat("x", 50)}},
	} {
		verdicts, err := w.Post(bob, []tokenomics.Request{r})
		require.NoError(t, err)
		require.Equal(t, fault.Denied, fault.KindOf(verdicts[0]), "%v", verdicts[0])
	}
	p, err := w.Proposal(bob, id)
	require.NoError(t, err)
	require.Equal(t, "A proposal of the tests", p.Title)
	page, err := w.Proposals(bob, tokenomics.ProposalQuery{State: tokenomics.ProposalVoting, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, []tokenomics.Proposal{p}, page.Proposals)
	nobody := principal.With(ctx, principal.Principal{})
	_, err = w.Proposal(nobody, id)
	require.Equal(t, fault.Denied, fault.KindOf(err))
	foreign := principal.With(ctx, principal.Principal{Tenant: "other", Account: "bob"})
	_, err = w.Proposal(foreign, id)
	require.Equal(t, fault.NotFound, fault.KindOf(err))
}

// Pages hold every proposal once, newest first, while more are made.
func TestPagesOfProposals(t *testing.T) {
	w := newTown(t, tokenomics.Config{}, "ann")
	w.stake(t, "ann", 1000)
	var want, got []tokenomics.ProposalID
	for i := range 5 {
		id := w.propose(t, tokenomics.Propose{Key: fmt.Sprint(i), Proposer: "ann"})
		want = append([]tokenomics.ProposalID{id}, want...)
	}
	query := tokenomics.ProposalQuery{Limit: 2}
	for {
		page, err := w.Proposals(ctx, query)
		require.NoError(t, err)
		for _, p := range page.Proposals {
			got = append(got, p.ID)
		}
		if query.Cursor = page.Next; page.Next == "" {
			break
		}
		w.propose(t, tokenomics.Propose{Key: "new " + page.Next, Proposer: "ann"})
	}
	require.Equal(t, want, got)
	for _, q := range []tokenomics.ProposalQuery{{Cursor: "x"}, {Cursor: "007"}, {Cursor: "-1"}, {State: "asleep"}, {Limit: -1}} {
		_, err := w.Proposals(ctx, q)
		require.Equal(t, fault.Invalid, fault.KindOf(err), "%+v", q)
	}
	_, err := w.Votes(ctx, want[0], "a\n", 0)
	require.Equal(t, fault.Invalid, fault.KindOf(err))
}

// A quorum that is reached late gives the others time, once.
func TestLateQuorum(t *testing.T) {
	w := newTown(t, tokenomics.Config{Governance: tokenomics.Governance{Quorum: 5000}}, "ann", "bob")
	w.stake(t, "ann", 1000)
	w.stake(t, "bob", 900)
	id := w.propose(t, tokenomics.Propose{Proposer: "ann"})
	ends := w.proposal(t, id).Ends
	w.clock.Advance(7*24*time.Hour - time.Minute)
	w.vote(t, id, "bob", tokenomics.ChoiceAgainst)
	require.Equal(t, ends, w.proposal(t, id).Ends)
	w.vote(t, id, "ann", tokenomics.ChoiceFor)
	p := w.proposal(t, id)
	require.True(t, p.Extended)
	require.Equal(t, w.clock.Now().Add(24*time.Hour), p.Ends)
	w.clock.Advance(24*time.Hour - time.Minute)
	w.vote(t, id, "bob", tokenomics.ChoiceVeto)
	require.Equal(t, p.Ends, w.proposal(t, id).Ends, "once")
	w.sweep(t, time.Minute)
	require.Equal(t, tokenomics.ProposalVetoed, w.proposal(t, id).State)
}

// An emergency is decided in hours: a late quorum makes its vote longer by its own period at most.
func TestLateQuorumOfAnEmergency(t *testing.T) {
	for late, longer := range map[time.Duration]time.Duration{0: 6 * time.Hour, 2 * time.Hour: 2 * time.Hour} {
		w := newTown(t, tokenomics.Config{Governance: tokenomics.Governance{EmergencyPeriod: 6 * time.Hour, LateQuorum: late}}, "ann")
		w.stake(t, "ann", 1000)
		id := w.propose(t, tokenomics.Propose{Proposer: "operator", Kind: tokenomics.EmergencyAction, Actions: set("lamp.watts", "1")})
		w.clock.Advance(6*time.Hour - time.Minute)
		w.vote(t, id, "ann", tokenomics.ChoiceFor)
		p := w.proposal(t, id)
		require.True(t, p.Extended)
		require.Equal(t, w.clock.Now().Add(longer), p.Ends)
	}
}

// What was voted for as the protocol's version, or for agents to run, is read as a parameter.
func TestUpgradesAndDeployments(t *testing.T) {
	w := newTown(t, tokenomics.Config{}, "ann")
	w.stake(t, "ann", 1000)
	digest := strings.Repeat("0123456789abcdef", 4)
	for kind, actions := range map[tokenomics.ProposalKind][]tokenomics.Action{
		tokenomics.ProtocolUpgrade: set(tokenomics.ParamProtocol, `"2.1.0-rc1"`),
		tokenomics.AgentDeployment: set(tokenomics.ParamAgents, `{"idle": {"version": "3", "digest": "`+digest+`"}}`),
	} {
		id := w.accepted(t, tokenomics.Propose{Proposer: "ann", Kind: kind, Actions: actions}, "ann")
		w.post(t, execution(id, id.String()))
	}
	s, err := w.Parameters(ctx)
	require.NoError(t, err)
	version, _ := tokenomics.Get[string](s, tokenomics.ParamProtocol)
	require.Equal(t, "2.1.0-rc1", version)
	agents, _ := tokenomics.Get[tokenomics.Deployments](s, tokenomics.ParamAgents)
	require.Equal(t, tokenomics.Deployments{"idle": {Version: "3", Digest: digest}}, agents)
}

func TestGovernanceConfig(t *testing.T) {
	for field, g := range map[string]tokenomics.Governance{
		"VotingPeriod": {VotingPeriod: -1}, "Grace": {Grace: 400 * 24 * time.Hour}, "Timelock": {Timelock: 1}, "Quorum": {Quorum: 10_001},
		"Threshold": {Threshold: -1}, "MinPower": {MinPower: tokenomics.MaxSupply + 1}, "Deposit": {Deposit: -1},
	} {
		_, err := tokenomics.New(tokenomics.Config{Governance: g})
		require.Equal(t, fault.Invalid, fault.KindOf(err), field)
		require.Equal(t, field, fault.FieldOf(err))
	}
	_, err := tokenomics.New(tokenomics.Config{Guardian: "\n"})
	require.Equal(t, "Guardian", fault.FieldOf(err))
	registry, err := tokenomics.NewRegistry(tokenomics.GovernanceSet(tokenomics.Governance{}))
	require.NoError(t, err)
	_, err = tokenomics.New(tokenomics.Config{Parameters: registry})
	require.NoError(t, err, "declared by the house already")
}
