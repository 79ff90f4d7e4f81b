package tokenomics_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
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
	f.Tokenomics = newLedger(t, f.config())
	for _, account := range accounts {
		f.post(t, tokenomics.Request{Transfer: &tokenomics.Transfer{
			Key: "fund " + string(account), From: "operator", To: account, Amount: 1000 * tokenomics.FOG,
		}})
	}
	return f
}

// config has parameters that the test changes, and governance that takes a second.
func (f *farm) config() tokenomics.Config {
	return tokenomics.Config{
		Store: f.store, Now: f.clock.Now, Economics: func() tokenomics.Economics { return f.economics }, Poll: time.Millisecond,
		Governance: tokenomics.Governance{MinPower: -1, VotingPeriod: time.Second, LateQuorum: -1, Timelock: -1, Quorum: 1},
	}
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

// Unstaking waits, can be cancelled until then, and has 7 places.
func TestUnstake(t *testing.T) {
	f := newFarm(t, "ann", "bob")
	f.post(t, stake("1", "ann", "x", 100*fog))
	f.refuse(t, fault.Insufficient, unstake("much", "ann", "x", 101*fog))
	f.refuse(t, fault.Insufficient, unstake("none", "bob", "x", 0))
	for _, key := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		f.post(t, unstake(key, "ann", "x", 10*fog))
	}
	f.refuse(t, fault.Conflict, unstake("h", "ann", "x", fog))
	cancel := func(account tokenomics.Account, unstake string) tokenomics.Request {
		return tokenomics.Request{CancelUnstake: &tokenomics.CancelUnstake{Key: unstake, Account: account, Operator: "x", Unstake: unstake}}
	}
	f.refuse(t, fault.NotFound, cancel("bob", "c"))
	f.post(t, cancel("ann", "c"), cancel("ann", "c"))
	require.Equal(t, 40*fog, f.balance(t, "ann").Staked)
	positions, err := f.Positions(t.Context(), "ann")
	require.NoError(t, err)
	require.Len(t, positions, 1)
	require.Len(t, positions[0].Unbonding, 6)
	require.Equal(t, tokenomics.Unbonding{
		Unstake: "d", Amount: 10 * fog, Created: f.clock.Now(), Matures: f.clock.Now().Add(7 * day),
	}, positions[0].Unbonding[2])

	f.clock.Advance(7 * day)
	f.refuse(t, fault.Conflict, cancel("ann", "d")) // nobody has swept yet: the time alone decides
	f.post(t, unstake("i", "ann", "x", 0))
	require.Equal(t, 900*fog, f.balance(t, "ann").Available)
	f.sweep(t)
	require.Equal(t, 960*fog, f.balance(t, "ann").Available)
	f.pass(t, 7*day)
	require.Equal(t, 1000*fog, f.balance(t, "ann").Available)
	positions, err = f.Positions(t.Context(), "ann")
	require.NoError(t, err)
	require.Empty(t, positions)
	stats, err := f.Stats(t.Context())
	require.NoError(t, err)
	require.Zero(t, stats.Stakers)
	require.NoError(t, f.Verify(t.Context()))
}

// Stake that has moved does not move on before it has matured, and does not leave the new operator earlier either.
func TestRedelegate(t *testing.T) {
	f := newFarm(t, "ann")
	move := func(key string, from, to tokenomics.Account, amount tokenomics.Amount) tokenomics.Request {
		return tokenomics.Request{Redelegate: &tokenomics.Redelegate{Key: key, Account: "ann", From: from, To: to, Amount: amount}}
	}
	f.post(t, stake("1", "ann", "x", 100*fog), stake("2", "ann", "y", 5*fog), move("a", "x", "y", 10*fog))
	f.refuse(t, fault.Conflict, move("on", "y", "z", fog))
	f.refuse(t, fault.Insufficient, move("much", "x", "y", 91*fog))
	f.refuse(t, fault.Invalid, move("same", "x", "x", fog))
	for _, key := range []string{"b", "c", "d", "e", "f", "g"} {
		f.post(t, move(key, "x", "y", 10*fog))
	}
	f.refuse(t, fault.Conflict, move("h", "x", "y", fog))
	require.Equal(t, 105*fog, f.power(t, "ann").Power)
	f.clock.Advance(day)
	f.economics.Unbonding = time.Hour
	f.post(t, unstake("u", "ann", "y", 0))
	f.pass(t, 2*time.Hour)
	require.Equal(t, 895*fog, f.balance(t, "ann").Available, "not before what has come matures")
	f.pass(t, 6*day)
	require.Equal(t, 970*fog, f.balance(t, "ann").Available)
	f.post(t, move("i", "x", "z", 0))
	require.Equal(t, 30*fog, f.balance(t, "ann").Staked)
	require.NoError(t, f.Verify(t.Context()))
}

func TestManyOperators(t *testing.T) {
	f := newFarm(t, "ann")
	for i := range 32 {
		f.post(t, stake(fmt.Sprint(i), "ann", tokenomics.Account(fmt.Sprint("operator ", i)), fog))
	}
	f.refuse(t, fault.Conflict, stake("33", "ann", "one more", fog))
	f.post(t, stake("34", "ann", "operator 7", fog), claim("all", "ann"))
	require.Equal(t, 33*fog, f.balance(t, "ann").Staked)
	past, err := f.BalanceAt(t.Context(), "ann", 4)
	require.NoError(t, err)
	require.Equal(t, 2*fog, past.Staked)
}

func TestDelegateRefuses(t *testing.T) {
	f := newFarm(t)
	delegate := func(to ...tokenomics.Delegation) tokenomics.Request {
		return tokenomics.Request{Delegate: &tokenomics.Delegate{Key: "d", Account: "ann", To: to}}
	}
	for _, to := range [][]tokenomics.Delegation{
		{{To: "ann", Part: 1}}, {{To: "bob", Part: 0}}, {{To: "bob", Part: 10_001}}, {{To: "bob", Part: 1}, {To: "bob", Part: 1}},
		{{To: "bob", Part: 6000}, {To: "cid", Part: 4001}}, {{To: "", Part: 1}}, make([]tokenomics.Delegation, 9),
	} {
		f.refuse(t, fault.Invalid, delegate(to...))
	}
}

// Verify finds every row of stakes that was changed behind the ledger's back.
func TestVerifyFindsTampering(t *testing.T) {
	f := newFarm(t, "ann", "bob")
	f.economics = livelyEconomics()
	f.post(t, stake("1", "ann", "x", 100*fog), stake("2", "bob", "x", 50*fog), unstake("u", "bob", "x", 20*fog),
		tokenomics.Request{Delegate: &tokenomics.Delegate{Key: "d", Account: "ann", To: []tokenomics.Delegation{{To: "bob", Part: 5000}}}})
	f.clock.Advance(day)
	f.pays(t, "job", "lamp", 70*fog)
	require.NoError(t, f.Verify(t.Context()))
	derived, err := tokenomics.Derive(t.Context(), f.store)
	require.NoError(t, err)
	number := regexp.MustCompile(`"(tokens|shares|value|weight|own|power|owed|amount|compute|total|bp)":"?(\d+)`)
	changed := 0
	for _, record := range derived.Records {
		for _, at := range number.FindAllSubmatchIndex(record.Body, -1) {
			body := slices.Clone(record.Body)
			digit := &body[at[5]-1] // the last one
			*digit = '0' + (*digit-'0'+1)%10
			bad := record
			bad.Body = body
			err := f.verifyWith(t, bad)
			require.Error(t, err, "%s %q: %s", record.Class, record.Key, body)
			changed++
		}
	}
	require.GreaterOrEqual(t, changed, 20)
}

// altered is a store in which one record differs.
type altered struct {
	tokenomics.Store
	record tokenomics.Record
}

type alteredMoment struct {
	tokenomics.Moment
	record tokenomics.Record
}

func (s altered) Snapshot(ctx context.Context, f func(tokenomics.Moment) error) error {
	return s.Store.Snapshot(ctx, func(m tokenomics.Moment) error { return f(alteredMoment{m, s.record}) })
}

func (m alteredMoment) Records(ctx context.Context, after tokenomics.RecordRef, limit int) ([]tokenomics.Record, error) {
	rows, err := m.Moment.Records(ctx, after, limit)
	for i := range rows {
		if rows[i].RecordRef == m.record.RecordRef {
			rows[i] = m.record
		}
	}
	return rows, err
}

// verifyWith verifies the ledger as if one record were another.
func (f *farm) verifyWith(t *testing.T, record tokenomics.Record) error {
	t.Helper()
	return newLedger(t, tokenomics.Config{Store: altered{f.store, record}, Now: f.clock.Now}).Verify(t.Context())
}

// BenchmarkRewardAndClaim rewards all stakers and pays one: it must not depend on how many there are.
func BenchmarkRewardAndClaim(b *testing.B) {
	for _, stakers := range []int{10, 50_000} {
		b.Run(fmt.Sprint(stakers), func(b *testing.B) {
			ledger, err := tokenomics.New(tokenomics.Config{
				Economics: func() tokenomics.Economics { return tokenomics.Economics{Fee: 1000, FeeToStakers: 10_000} },
			})
			require.NoError(b, err)
			post := func(requests ...tokenomics.Request) {
				verdicts, err := ledger.Post(b.Context(), requests)
				require.NoError(b, err)
				for _, verdict := range verdicts {
					require.NoError(b, verdict)
				}
			}
			requests := []tokenomics.Request{{Hold: &tokenomics.Hold{ID: "bank", Payer: "operator", Amount: 800_000 * fog}}}
			for i := range stakers {
				account := tokenomics.Account(fmt.Sprint("staker ", i))
				requests = append(requests, tokenomics.Request{
					Transfer: &tokenomics.Transfer{Key: string(account), From: "operator", To: account, Amount: fog},
				}, stake(string(account), account, "x", fog))
			}
			post(requests...)
			n := 0
			for b.Loop() {
				n++
				post(tokenomics.Request{Capture: &tokenomics.Capture{
					Key: fmt.Sprint(n), Hold: "bank", To: []tokenomics.Share{{Account: "lamp", Amount: 100}},
				}}, claim(fmt.Sprint(n), "staker 7"))
			}
		})
	}
}
