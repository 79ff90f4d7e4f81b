package tokenomics_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

// ctx is that of the operator.
var ctx = context.Background()

// town is a ledger with governance, a clock and a model beside it.
type town struct {
	*tokenomics.Tokenomics
	clock *tokenomicstest.Clock
	store *tokenomics.Memory
}

func newTown(t require.TestingT, config tokenomics.Config, accounts ...tokenomics.Account) *town {
	w := &town{clock: tokenomicstest.NewClock(), store: tokenomics.NewMemory(nil)}
	registry, err := tokenomics.NewRegistry(lampKnobs().Set(nil))
	require.NoError(t, err)
	config.Store, config.Now, config.Parameters = w.store, w.clock.Now, registry
	w.Tokenomics, err = tokenomics.New(config)
	require.NoError(t, err)
	for _, account := range append(accounts, tokenomics.Treasury) {
		amount := 50_000 * tokenomics.FOG
		if account == tokenomics.Treasury {
			amount /= 10
		}
		w.post(t, tokenomics.Request{Transfer: &tokenomics.Transfer{Key: "fund " + string(account), From: "operator", To: account, Amount: amount}})
	}
	return w
}

// post requires that requests are carried out.
func (w *town) post(t require.TestingT, requests ...tokenomics.Request) {
	verdicts, err := w.Post(ctx, requests)
	require.NoError(t, err)
	for _, verdict := range verdicts {
		require.NoError(t, verdict)
	}
}

// refuse requires that a request is refused, and that nothing has changed.
func (w *town) refuse(t require.TestingT, kind fault.Kind, part string, request tokenomics.Request) {
	before, err := tokenomics.Derive(ctx, w.store)
	require.NoError(t, err)
	verdicts, err := w.Post(ctx, []tokenomics.Request{request})
	require.NoError(t, err)
	require.Error(t, verdicts[0])
	require.Equal(t, kind, fault.KindOf(verdicts[0]), verdicts[0])
	require.Contains(t, verdicts[0].Error(), part)
	after, err := tokenomics.Derive(ctx, w.store)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// stake stakes FOG of an account with itself.
func (w *town) stake(t require.TestingT, account tokenomics.Account, amount tokenomics.Amount) {
	w.post(t, tokenomics.Request{Stake: &tokenomics.Stake{
		Key: fmt.Sprintf("stake %s %s", account, w.clock.Now()), Account: account, Amount: amount * tokenomics.FOG,
	}})
}

// propose makes a proposal and returns its number.
func (w *town) propose(t require.TestingT, p tokenomics.Propose) tokenomics.ProposalID {
	if p.Key == "" {
		p.Key = fmt.Sprint("propose ", p.Kind, p.Actions, w.clock.Now())
	}
	p.Title, p.Description = "A proposal of the tests", strings.Repeat("It says what it is about. ", 3)
	ids, verdicts, err := w.Propose(ctx, []tokenomics.Propose{p})
	require.NoError(t, err)
	require.NoError(t, verdicts[0])
	return ids[0]
}

func (w *town) vote(t require.TestingT, id tokenomics.ProposalID, voter tokenomics.Account, choice tokenomics.Choice) {
	w.post(t, ballotOf(id, voter, choice, fmt.Sprintf("%d %s %s %s", id, voter, choice, w.clock.Now())))
}

func ballotOf(id tokenomics.ProposalID, voter tokenomics.Account, choice tokenomics.Choice, key string) tokenomics.Request {
	return tokenomics.Request{Vote: &tokenomics.Vote{Key: key, Proposal: id, Voter: voter, Choice: choice}}
}

func (w *town) queue(t require.TestingT, id tokenomics.ProposalID) {
	require.NoError(t, w.Queue(ctx, tokenomics.Enqueue{Key: "queue " + id.String(), Proposal: id, Account: "operator"}))
}

func execution(id tokenomics.ProposalID, key string) tokenomics.Request {
	return tokenomics.Request{Execute: &tokenomics.Execute{Key: key, Proposal: id, Account: "operator"}}
}

// sweep moves the clock and takes every step that is due.
func (w *town) sweep(t require.TestingT, after time.Duration) {
	w.clock.Advance(after)
	_, err := w.Sweep(ctx, w.clock.Now())
	require.NoError(t, err)
}

func (w *town) proposal(t require.TestingT, id tokenomics.ProposalID) tokenomics.Proposal {
	p, err := w.Proposal(ctx, id)
	require.NoError(t, err)
	return p
}

// value returns a parameter's value, "" if it is the default, and the version of all of them.
func (w *town) value(t require.TestingT, key string) (string, int64) {
	s, err := w.Parameters(ctx)
	require.NoError(t, err)
	v, _ := s.Value(key)
	return string(v), s.Version()
}

func set(key, value string) []tokenomics.Action {
	return []tokenomics.Action{{Set: &tokenomics.SetParameter{Key: key, Value: json.RawMessage(value)}}}
}

func pays(to tokenomics.Account, amount tokenomics.Amount) []tokenomics.Action {
	return []tokenomics.Action{{Pay: &tokenomics.Payment{To: to, Amount: amount}}}
}

// Invariants 8, 9 and 10: whatever happens in whatever order, votes are what a recount says, at most all power of the snapshot, one an account, and
// not moved by what happens to stakes later; states follow the automaton; what is executed is executed once, in its time and as a
// whole; versions of parameters only rise. Invariant 12: in whatever batches requests come, everything is the same.
func TestGovernanceIsItsModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		config := tokenomics.Config{Governance: modelGovernance(), Identities: everybody}
		accounts := []tokenomics.Account{"a", "b", "c", "d"}
		lone, w := newTown(rt, config, accounts...), newTown(rt, config, accounts...)
		model := &assembly{
			now: w.clock.Now(), own: map[tokenomics.Account]tokenomics.Amount{}, to: map[tokenomics.Account][]tokenomics.Delegation{},
			treasury: 5000 * tokenomics.FOG, values: map[string]modelValue{}, judge: w.Registry(),
		}
		d := &townDrawer{model: model, accounts: accounts, left: map[tokenomics.Account]int{}}
		d.early = true
		for range rapid.IntRange(8, 30).Draw(rt, "phases") {
			phase := rapid.SliceOfN(rapid.Custom(d.request), 1, 8).Draw(rt, "phase")
			d.early = false
			want := make([]string, len(phase))
			for i, r := range phase {
				want[i] = model.post(r)
			}
			require.Equal(rt, want, lone.kinds(rt, phase, 1), "one by one")
			require.Equal(rt, want, w.kinds(rt, phase, rapid.IntRange(2, 6).Draw(rt, "batch")), "in batches")
			w.number(rt, model)
			w.compare(rt, model)
			after := rapid.SampledFrom([]time.Duration{0, time.Hour, 2 * time.Hour, 2 * time.Hour, 3 * time.Hour, 5 * time.Hour}).Draw(rt, "later")
			for _, town := range []*town{lone, w} {
				town.clock.Advance(after)
			}
			if model.now = w.clock.Now(); rapid.Bool().Draw(rt, "sweep") {
				lone.sweep(rt, 0)
				w.sweep(rt, 0)
				model.sweep()
				w.compare(rt, model)
			}
		}
		one, err := tokenomics.Derive(ctx, lone.store)
		require.NoError(rt, err)
		many, err := tokenomics.Derive(ctx, w.store)
		require.NoError(rt, err)
		require.Equal(rt, one, many)
		require.NoError(rt, w.Verify(ctx))
	})
}

// kinds posts requests in batches and returns the kinds of the refusals.
func (w *town) kinds(t require.TestingT, requests []tokenomics.Request, batch int) (kinds []string) {
	for len(requests) > 0 {
		n := min(batch, len(requests))
		verdicts, err := w.Post(ctx, requests[:n])
		require.NoError(t, err)
		for _, verdict := range verdicts {
			kind := ""
			if verdict != nil {
				kind = fault.KindOf(verdict).String()
			}
			kinds = append(kinds, kind)
		}
		requests = requests[n:]
	}
	return kinds
}

// number asks for the numbers of the proposals that were just made: proposing again returns them.
func (w *town) number(t require.TestingT, model *assembly) {
	for _, m := range model.motions {
		if m.id == 0 {
			ids, verdicts, err := w.Propose(ctx, []tokenomics.Propose{m.p})
			require.NoError(t, err)
			require.NoError(t, verdicts[0])
			m.id = ids[0]
		}
	}
}

// compare compares everything that can be seen with the model. What the time alone has decided, and nobody has looked at, is not decided in
// either.
func (w *town) compare(t require.TestingT, model *assembly) {
	page, err := w.Proposals(ctx, tokenomics.ProposalQuery{})
	require.NoError(t, err)
	require.Len(t, page.Proposals, len(model.motions))
	locked, voting := tokenomics.Amount(0), int64(0)
	for i, m := range model.motions {
		p := page.Proposals[len(page.Proposals)-1-i]
		require.Equal(t, m.id, p.ID)
		require.Equal(t, m.state, p.State)
		require.Equal(t, m.tally(), p.Tally, "running tally = recount")
		require.Equal(t, model.total(m), p.Power)
		require.LessOrEqual(t, p.Tally.Turnout, p.Power)
		require.Equal(t, m.quorate, p.Quorate)
		require.Equal(t, m.extended, p.Extended)
		if !m.ends.IsZero() {
			require.Equal(t, m.ends, p.Ends)
		}
		sum := tokenomics.Amount(0)
		for _, amount := range m.deposits {
			sum += amount
		}
		require.Equal(t, sum, p.Deposited)
		locked += sum
		if m.state == tokenomics.ProposalVoting {
			voting++
		}
	}
	stats, err := w.Stats(ctx)
	require.NoError(t, err)
	require.Zero(t, stats.Sum)
	require.Equal(t, locked, stats.Deposits)
	require.Equal(t, model.treasury, stats.Treasury)
	require.EqualValues(t, len(model.motions), stats.Proposals)
	require.Equal(t, voting, stats.Voting)
	now, err := tokenomics.NewSnapshot(model.version, model.set())
	require.NoError(t, err)
	got, err := w.Parameters(ctx)
	require.NoError(t, err)
	require.Equal(t, now, got)
}

// townDrawer draws requests that meet each other.
type townDrawer struct {
	model    *assembly
	accounts []tokenomics.Account
	left     map[tokenomics.Account]int // how often an account has unstaked
	n        int
	early    bool // stake first
}

func (d *townDrawer) request(t *rapid.T) tokenomics.Request {
	d.n++
	key := fmt.Sprint("key ", d.n)
	account := rapid.SampledFrom(d.accounts).Draw(t, "account")
	amount := tokenomics.Amount(rapid.SampledFrom([]int64{7_000_001, 20_000_000, 33_333_333, 100_000_000}).Draw(t, "amount"))
	kind := rapid.IntRange(0, 23).Draw(t, "request")
	if d.early {
		kind = 0
	}
	switch {
	case kind == 0:
		return tokenomics.Request{Stake: &tokenomics.Stake{Key: key, Account: account, Amount: amount}}
	case kind == 1 && d.left[account] < 6:
		d.left[account]++
		return tokenomics.Request{Unstake: &tokenomics.Unstake{Key: key, Account: account, Operator: account, Amount: amount}}
	case kind == 2:
		return tokenomics.Request{Delegate: &tokenomics.Delegate{Key: key, Account: account, To: d.delegations(t, account)}}
	case len(d.model.motions) == 0, kind <= 6 && len(d.waiting()) < 4:
		return tokenomics.Request{Propose: d.propose(t, key, account)}
	}
	return d.step(t, key, account)
}

// step is what a proposal needs now, mostly.
func (d *townDrawer) step(t *rapid.T, key string, account tokenomics.Account) tokenomics.Request {
	m := rapid.SampledFrom(d.waiting()).Draw(t, "proposal")
	state := m.state
	if rapid.IntRange(0, 7).Draw(t, "astray") == 0 {
		state = rapid.SampledFrom([]tokenomics.ProposalState{"deposit", "voting", "succeeded", "queued", "cancelled"}).Draw(t, "as if")
	} else if m.opens.IsZero() && state == tokenomics.ProposalDeposit {
		state = tokenomics.ProposalDraft
	}
	switch id := m.id; state {
	case tokenomics.ProposalDraft:
		part := rapid.SampledFrom([]tokenomics.Amount{1, tokenomics.FOG, modelDeposit / 2, modelDeposit}).Draw(t, "deposit")
		return tokenomics.Request{Deposit: &tokenomics.Deposit{Key: key, Proposal: id, Depositor: account, Amount: part}}
	case tokenomics.ProposalSucceeded:
		return tokenomics.Request{Queue: &tokenomics.Enqueue{Key: key, Proposal: id, Account: account}}
	case tokenomics.ProposalQueued:
		return tokenomics.Request{Execute: &tokenomics.Execute{Key: key, Proposal: id, Account: account}}
	case tokenomics.ProposalCancelled:
		who := rapid.SampledFrom([]tokenomics.Account{account, "operator", m.p.Proposer}).Draw(t, "who")
		return tokenomics.Request{Cancel: &tokenomics.Cancel{Key: key, Proposal: id, Account: who}}
	}
	choice := rapid.SampledFrom([]tokenomics.Choice{"for", "for", "for", "for", "for", "for", "against", "abstain", "veto"}).Draw(t, "choice")
	return ballotOf(m.id, account, choice, key)
}

// waiting lists the proposals that wait for a request, those that are furthest twice; all if there are none.
func (d *townDrawer) waiting() (some []*modelMotion) {
	for _, m := range d.model.motions {
		switch {
		case m.state == tokenomics.ProposalQueued, m.state == tokenomics.ProposalSucceeded && len(m.p.Actions) > 0:
			some = append(some, m, m)
		case m.state == tokenomics.ProposalVoting, m.state == tokenomics.ProposalDraft, m.state == tokenomics.ProposalDeposit:
			some = append(some, m)
		}
	}
	if len(some) == 0 {
		return d.model.motions
	}
	return some
}

func (d *townDrawer) delegations(t *rapid.T, from tokenomics.Account) (to []tokenomics.Delegation) {
	for _, account := range d.accounts {
		if part := rapid.SampledFrom([]int{0, 0, 1, 3333}).Draw(t, "part"); part > 0 && account != from {
			to = append(to, tokenomics.Delegation{To: account, Part: part})
		}
	}
	return to
}

func (d *townDrawer) propose(t *rapid.T, key string, account tokenomics.Account) *tokenomics.Propose {
	p := &tokenomics.Propose{
		Key: key, Proposer: account, Title: "A proposal of the model", Description: strings.Repeat("It says what it is about. ", 3),
		Kind: tokenomics.ParameterChange, Counting: tokenomics.CountLinear,
		Deposit: rapid.SampledFrom([]tokenomics.Amount{0, modelDeposit / 2, modelDeposit, modelDeposit, modelDeposit}).Draw(t, "deposit"),
	}
	if rapid.IntRange(0, 3).Draw(t, "counting") == 0 {
		p.Counting = tokenomics.CountQuadratic
	}
	value := func(of ...string) string { return rapid.SampledFrom(of).Draw(t, "value") }
	switch rapid.IntRange(0, 7).Draw(t, "kind") {
	case 0:
		p.Kind = tokenomics.GeneralGovernance
	case 1:
		p.Kind, p.Actions = tokenomics.TreasuryAllocation, pays(account, tokenomics.Amount(rapid.SampledFrom([]int64{1, 3000, 6000}).Draw(t, "pay"))*tokenomics.FOG)
	case 2, 3:
		p.Kind, p.Proposer, p.Deposit = tokenomics.EmergencyAction, "operator", 0
		p.Actions = set("lamp.watts", value("1", "60", "101"))
	case 4:
		p.Actions = set("governance.quorum", value("500", "4000", "null"))
	case 5:
		p.Actions = append(set("lamp.fade", value(`"2m0s"`, `"1s"`)), set("governance.threshold", value("5000", "10000"))...)
	case 6:
		p.Actions = set("lamp.fade", value(`"2m0s"`, `"1s"`))
	default:
		p.Actions = set("lamp.watts", value("1", "60", "null"))
	}
	return p
}
