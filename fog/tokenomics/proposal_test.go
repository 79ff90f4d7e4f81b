package tokenomics_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

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
