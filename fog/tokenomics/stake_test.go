package tokenomics_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/tokenomicstest"
)

// farm is a ledger with stakers, a clock, and parameters that a test changes.
type farm struct {
	*tokenomics.Tokenomics
	clock     *tokenomicstest.Clock
	store     tokenomics.Store
	economics tokenomics.Economics
}

func newFarm(t *testing.T, accounts ...tokenomics.Account) *farm {
	t.Helper()
	f := &farm{clock: tokenomicstest.NewClock(), store: tokenomics.NewMemory(nil)}
	f.Tokenomics = newLedger(t, tokenomics.Config{
		Store: f.store, Now: f.clock.Now, Economics: func() tokenomics.Economics { return f.economics }, Poll: time.Millisecond,
	})
	for _, account := range accounts {
		f.post(t, tokenomics.Request{Transfer: &tokenomics.Transfer{
			Key: "fund " + string(account), From: "operator", To: account, Amount: 1000 * tokenomics.FOG,
		}})
	}
	return f
}

// post requires that requests are carried out.
func (f *farm) post(t *testing.T, requests ...tokenomics.Request) {
	t.Helper()
	verdicts, err := f.Post(t.Context(), requests)
	require.NoError(t, err)
	for _, verdict := range verdicts {
		require.NoError(t, verdict)
	}
}

// balance returns what an account has.
func (f *farm) balance(t *testing.T, account tokenomics.Account) tokenomics.Balance {
	t.Helper()
	b, err := f.Balance(t.Context(), account)
	require.NoError(t, err)
	return b
}

// power returns an account's power now.
func (f *farm) power(t *testing.T, account tokenomics.Account) tokenomics.Power {
	t.Helper()
	head, err := f.Head(t.Context())
	require.NoError(t, err)
	p, err := f.PowerAt(t.Context(), account, head.Last)
	require.NoError(t, err)
	return p
}

func TestStakeGivesPower(t *testing.T) {
	f := newFarm(t, "ann", "bob")
	f.post(t,
		tokenomics.Request{Stake: &tokenomics.Stake{Key: "a", Account: "ann", Operator: "op", Amount: 100 * tokenomics.FOG}},
		tokenomics.Request{Stake: &tokenomics.Stake{Key: "b", Account: "bob", Amount: 50 * tokenomics.FOG}},
		tokenomics.Request{Delegate: &tokenomics.Delegate{Key: "d", Account: "ann", To: []tokenomics.Delegation{{To: "bob", Part: 2500}}}})
	before := f.power(t, "bob")
	require.Equal(t, tokenomics.Power{
		Account: "bob", Seq: before.Seq, Own: 50 * tokenomics.FOG, Power: 75 * tokenomics.FOG, Total: 150 * tokenomics.FOG,
	}, before)
	f.post(t, tokenomics.Request{Unstake: &tokenomics.Unstake{Key: "u", Account: "ann", Operator: "op", Amount: 40 * tokenomics.FOG}})
	require.Equal(t, 45*tokenomics.FOG, f.power(t, "ann").Power)
	require.Equal(t, 65*tokenomics.FOG, f.power(t, "bob").Power)
	again, err := f.PowerAt(t.Context(), "bob", before.Seq)
	require.NoError(t, err)
	require.Equal(t, before, again)
	require.NoError(t, f.Verify(t.Context()))
}
