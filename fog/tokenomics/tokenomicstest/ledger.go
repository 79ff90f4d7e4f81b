package tokenomicstest

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

const fog = tokenomics.FOG

// Errors of a kind, for ErrorIs.
var (
	invalid      = &fault.Error{Kind: fault.Invalid}
	notFound     = &fault.Error{Kind: fault.NotFound}
	conflict     = &fault.Error{Kind: fault.Conflict}
	insufficient = &fault.Error{Kind: fault.Insufficient}
	unavailable  = &fault.Error{Kind: fault.Unavailable}
	denied       = &fault.Error{Kind: fault.Denied}
	internal     = &fault.Error{Kind: fault.Internal}
)

func testGenesis(t *testing.T, b *bench) {
	first := b.ledger(t)
	available, held := balance(t, first, "operator")
	require.Equal(t, 1_000_000*fog, available)
	require.Zero(t, held)

	again := b.ledger(t, func(c *tokenomics.Config) { c.Genesis = 5 * fog })
	available, _ = balance(t, again, "")
	require.Equal(t, 1_000_000*fog, available, "a ledger is minted once in its life")
	stats, err := again.Stats(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1_000_000*fog, stats.TotalSupply)
	require.Equal(t, int64(1), stats.Movements)
	sound(t, again)
}

func testHoldCaptureVoid(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t), t.Context()
	pay(t, ledger, 10*fog, "alice")
	one(t)(ledger.Hold(ctx, []tokenomics.Hold{{ID: "job", Payer: "alice", Amount: 8 * fog}}))
	available, held := balance(t, ledger, "alice")
	require.Equal(t, 2*fog, available, "the balance is without what is held")
	require.Equal(t, 8*fog, held)

	b.clock.Advance(100 * 365 * 24 * time.Hour) // a hold does not expire
	one(t)(ledger.Capture(ctx, []tokenomics.Capture{{
		Key: "job/0", Hold: "job", To: []tokenomics.Share{{Account: "dev1", Amount: 3 * fog}, {Account: "dev2", Amount: fog}},
	}}))
	refused(t, insufficient)(ledger.Capture(ctx, []tokenomics.Capture{{
		Key: "job/1", Hold: "job", To: []tokenomics.Share{{Account: "dev1", Amount: 4*fog + 1}},
	}}))
	record, err := ledger.Held(ctx, "job")
	require.NoError(t, err)
	require.Equal(t, tokenomics.HoldOpen, record.State)
	require.Equal(t, 4*fog, record.Remaining())
	one(t)(ledger.Void(ctx, []tokenomics.Void{{Hold: "job"}}))
	one(t)(ledger.Void(ctx, []tokenomics.Void{{Hold: "job"}}))

	for account, want := range map[tokenomics.Account]tokenomics.Amount{"alice": 6 * fog, "dev1": 3 * fog, "dev2": fog} {
		available, held := balance(t, ledger, account)
		require.Equal(t, want, available, account)
		require.Zero(t, held)
	}
	record, err = ledger.Held(ctx, "job")
	require.NoError(t, err)
	require.Equal(t, tokenomics.HoldVoided, record.State)
	require.Equal(t, 4*fog, record.Returned)
	require.Equal(t, b.clock.Now(), record.Resolved)
	refused(t, conflict)(ledger.Capture(ctx, []tokenomics.Capture{{
		Key: "job/2", Hold: "job", To: []tokenomics.Share{{Account: "dev1", Amount: 1}},
	}}))
	refused(t, conflict)(ledger.Hold(ctx, []tokenomics.Hold{{ID: "job", Payer: "alice", Amount: 8 * fog}}))
	sound(t, ledger)
}

func testFinalCapture(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t), t.Context()
	pay(t, ledger, 10*fog, "alice")
	one(t)(ledger.Hold(ctx, []tokenomics.Hold{{ID: "job", Payer: "alice", Amount: 8 * fog}}))
	final := tokenomics.Capture{
		Key: "pay job", Hold: "job", Final: true,
		To: []tokenomics.Share{{Account: "dev", Amount: 2 * fog}, {Account: "alice", Amount: fog}, {Account: "nobody"}},
	}
	one(t)(ledger.Capture(ctx, []tokenomics.Capture{final}))
	one(t)(ledger.Capture(ctx, []tokenomics.Capture{final}))
	available, held := balance(t, ledger, "alice")
	require.Equal(t, 8*fog, available)
	require.Zero(t, held)
	final.Final = false
	refused(t, conflict)(ledger.Capture(ctx, []tokenomics.Capture{final}))
	one(t)(ledger.Void(ctx, []tokenomics.Void{{Hold: "job"}})) // nothing is left
	record, err := ledger.Held(ctx, "job")
	require.NoError(t, err)
	require.Equal(t, tokenomics.HoldSettled, record.State)

	one(t)(ledger.Hold(ctx, []tokenomics.Hold{{ID: "free", Payer: "pauper"}}))
	one(t)(ledger.Capture(ctx, []tokenomics.Capture{{Key: "free/0", Hold: "free", To: []tokenomics.Share{{Account: "dev"}}}}))
	one(t)(ledger.Void(ctx, []tokenomics.Void{{Hold: "free"}}))
	sound(t, ledger)
}

func testTombstone(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t), t.Context()
	one(t)(ledger.Void(ctx, []tokenomics.Void{{Hold: "job"}}))
	record, err := ledger.Held(ctx, "job")
	require.NoError(t, err)
	require.Equal(t, tokenomics.HoldVoided, record.State)
	late := []tokenomics.Hold{{ID: "job", Payer: "operator", Amount: fog}}
	refused(t, conflict)(ledger.Hold(ctx, late))
	one(t)(ledger.Void(ctx, []tokenomics.Void{{Hold: "job"}}))
	refused(t, conflict)(ledger.Capture(ctx, []tokenomics.Capture{
		{Key: "job/0", Hold: "job", To: []tokenomics.Share{{Account: "dev", Amount: 1}}},
	}))
	available, held := balance(t, ledger, "operator")
	require.Equal(t, 1_000_000*fog, available)
	require.Zero(t, held)

	b.clock.Advance(365 * 24 * time.Hour)
	_, err = b.Store.Purge(ctx, tokenomics.Horizon{Holds: b.clock.Now()}, 100)
	require.NoError(t, err)
	refused(t, conflict)(b.ledger(t).Hold(ctx, late)) // the grave may be levelled, the dead stay dead
	sound(t, ledger)
}

func testKeys(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t), t.Context()
	hold := tokenomics.Hold{ID: "k", Payer: "operator", Amount: 5 * fog}
	capture := tokenomics.Capture{Key: "k", Hold: "k", To: []tokenomics.Share{{Account: "dev", Amount: fog}}}
	transfer := tokenomics.Transfer{Key: "k", From: "operator", To: "dev", Amount: fog, Memo: "thanks"}
	for range 3 { // the same again, also by another server, does nothing and says the same
		one(t)(ledger.Hold(ctx, []tokenomics.Hold{hold}))
		one(t)(ledger.Capture(ctx, []tokenomics.Capture{capture}))
		one(t)(ledger.Transfer(ctx, []tokenomics.Transfer{transfer}))
		ledger = b.ledger(t)
	}
	available, held := balance(t, ledger, "dev")
	require.Equal(t, 2*fog, available, "each operation has keys of its own")
	require.Zero(t, held)

	for _, change := range []func(){
		func() { hold.Amount++ },
		func() { hold.Amount--; hold.Payer = "dev" },
	} {
		change()
		refused(t, conflict)(ledger.Hold(ctx, []tokenomics.Hold{hold}))
	}
	for _, change := range []func(){
		func() { capture.To = []tokenomics.Share{{Account: "dev", Amount: fog + 1}} },
		func() { capture.To = []tokenomics.Share{{Account: "dev", Amount: fog}, {Account: "dev"}} },
		func() { capture.To, capture.Hold = capture.To[:1], "other" },
	} {
		change()
		refused(t, conflict)(ledger.Capture(ctx, []tokenomics.Capture{capture}))
	}
	transfer.Memo = "no thanks"
	refused(t, conflict)(ledger.Transfer(ctx, []tokenomics.Transfer{transfer}))

	verdicts, err := ledger.Transfer(ctx, []tokenomics.Transfer{
		{Key: "twice", From: "dev", To: "eve", Amount: fog}, {Key: "twice", From: "dev", To: "eve", Amount: fog},
		{Key: "twice", From: "dev", To: "eve", Amount: 2 * fog}, {Key: "chain", From: "eve", To: "joe", Amount: fog},
	})
	require.NoError(t, err, "a batch sees its own effects, in order")
	require.NoError(t, verdicts[0])
	require.NoError(t, verdicts[1])
	require.ErrorIs(t, verdicts[2], conflict)
	require.NoError(t, verdicts[3])

	poor := []tokenomics.Transfer{{Key: "poor", From: "pauper", To: "dev", Amount: fog}}
	refused(t, insufficient)(ledger.Transfer(ctx, poor))
	pay(t, ledger, fog, "pauper")
	one(t)(ledger.Transfer(ctx, poor)) // a refusal does not use the key up
	sound(t, ledger)
}

func testRefusals(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t), t.Context()
	long := strings.Repeat("ü", 201)
	share := []tokenomics.Share{{Account: "dev", Amount: 1}}
	requests := []tokenomics.Request{
		{},
		{Hold: &tokenomics.Hold{ID: "x", Payer: "operator", Amount: 1}, Void: &tokenomics.Void{Hold: "x"}},
		{Hold: &tokenomics.Hold{Payer: "operator", Amount: 1}},
		{Hold: &tokenomics.Hold{ID: "x", Amount: 1}},
		{Hold: &tokenomics.Hold{ID: "x", Payer: "operator", Amount: -1}},
		{Hold: &tokenomics.Hold{ID: "x", Payer: "operator", Amount: tokenomics.MaxSupply + 1}},
		{Hold: &tokenomics.Hold{ID: "x", Payer: "operator", Amount: math.MinInt64}},
		{Hold: &tokenomics.Hold{ID: tokenomics.HoldID(long), Payer: "operator", Amount: 1}},
		{Hold: &tokenomics.Hold{ID: "x", Payer: tokenomics.Account(long[:258]), Amount: 1}},
		{Hold: &tokenomics.Hold{ID: "x", Payer: "nul\x00", Amount: 1}},
		{Hold: &tokenomics.Hold{ID: "x", Payer: "\xff", Amount: 1}},
		{Capture: &tokenomics.Capture{Hold: "x", To: share}},
		{Capture: &tokenomics.Capture{Key: "x", To: share}},
		{Capture: &tokenomics.Capture{Key: "x", Hold: "x"}},
		{Capture: &tokenomics.Capture{Key: "x", Hold: "x", To: make([]tokenomics.Share, 65)}},
		{Capture: &tokenomics.Capture{Key: "x", Hold: "x", To: []tokenomics.Share{{Account: "dev", Amount: -1}}}},
		{Capture: &tokenomics.Capture{Key: "x", Hold: "x", To: []tokenomics.Share{
			{Account: "dev", Amount: tokenomics.MaxSupply}, {Account: "dev", Amount: tokenomics.MaxSupply}}}},
		{Void: &tokenomics.Void{}},
		{Transfer: &tokenomics.Transfer{Key: "x", From: "operator", To: "dev"}},
		{Transfer: &tokenomics.Transfer{Key: "x", From: "operator", To: "operator", Amount: 1}},
		{Transfer: &tokenomics.Transfer{Key: "x", From: "operator", To: "dev", Amount: -5}},
		{Transfer: &tokenomics.Transfer{Key: "x\n", From: "operator", To: "dev", Amount: 1}},
		{Transfer: &tokenomics.Transfer{Key: "x", From: "operator", To: "dev", Amount: 1, Memo: strings.Repeat("m", 257)}},
		{Transfer: &tokenomics.Transfer{Key: "good", From: "operator", To: "dev", Amount: 1}},
	}
	verdicts, err := ledger.Post(ctx, requests)
	require.NoError(t, err)
	for i, verdict := range verdicts[:len(verdicts)-1] {
		require.ErrorIs(t, verdict, invalid, "request %d", i)
	}
	require.NoError(t, verdicts[len(verdicts)-1], "a bad request does not fail its neighbours")

	refused(t, insufficient)(ledger.Hold(ctx, []tokenomics.Hold{{ID: "x", Payer: "dev", Amount: 2}}))
	refused(t, notFound)(ledger.Capture(ctx, []tokenomics.Capture{{Key: "x", Hold: "x", To: share}}))
	_, err = ledger.Held(ctx, "x")
	require.ErrorIs(t, err, notFound)
	none, err := ledger.Post(ctx, nil)
	require.NoError(t, err)
	require.Empty(t, none)
	sound(t, ledger)
}

func testRights(t *testing.T, b *bench) {
	ledger := b.ledger(t)
	pay(t, ledger, 10*fog, "alice")
	alice := principal.Principal{Tenant: principal.DefaultTenant, Account: "alice", Scopes: []principal.Scope{principal.ScopeUser}}
	ctx := principal.With(t.Context(), alice)
	one(t)(ledger.Hold(ctx, []tokenomics.Hold{{ID: "hers", Payer: "alice", Amount: fog}}))
	refused(t, denied)(ledger.Hold(ctx, []tokenomics.Hold{{ID: "his", Payer: "operator", Amount: fog}}))
	refused(t, denied)(ledger.Void(ctx, []tokenomics.Void{{Hold: "hers"}}))
	refused(t, denied)(ledger.Capture(ctx, []tokenomics.Capture{
		{Key: "k", Hold: "hers", To: []tokenomics.Share{{Account: "alice", Amount: fog}}},
	}))
	refused(t, denied)(ledger.Transfer(ctx, []tokenomics.Transfer{{Key: "k", From: "operator", To: "alice", Amount: fog}}))
	_, err := ledger.Balance(ctx, "operator")
	require.ErrorIs(t, err, denied)
	own, err := ledger.Balance(ctx, "")
	require.NoError(t, err)
	require.Equal(t, tokenomics.Account("alice"), own.Account)
	require.Equal(t, 9*fog, own.Available)
	record, err := ledger.Held(ctx, "hers")
	require.NoError(t, err)
	require.Equal(t, principal.Account("alice"), record.Creator)
	require.ErrorIs(t, ledger.Verify(ctx), denied)

	stranger := principal.With(t.Context(), principal.Principal{
		Tenant: "other", Account: principal.Operator, Scopes: []principal.Scope{principal.ScopeOperator},
	})
	elsewhere, err := ledger.Balance(stranger, "alice")
	require.NoError(t, err)
	require.Zero(t, elsewhere.Available, "another tenant has accounts of its own")
	refused(t, notFound)(ledger.Hold(stranger, []tokenomics.Hold{
		{ID: "x", Tenant: principal.DefaultTenant, Payer: "alice", Amount: fog},
	}))
	refused(t, insufficient)(ledger.Hold(stranger, []tokenomics.Hold{{ID: "x", Payer: "alice", Amount: fog}}))
	_, err = ledger.Held(stranger, "hers")
	require.ErrorIs(t, err, notFound)
	sound(t, ledger)
}

func testEntries(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t), t.Context()
	pay(t, ledger, 100*fog, "alice")
	for i := range 5 {
		id := tokenomics.HoldID(fmt.Sprintf("job%d", i))
		one(t)(ledger.Hold(ctx, []tokenomics.Hold{{ID: id, Payer: "alice", Amount: 10 * fog}}))
		one(t)(ledger.Capture(ctx, []tokenomics.Capture{
			{Key: string(id), Hold: id, Final: true, To: []tokenomics.Share{{Account: "dev", Amount: 3 * fog}}},
		}))
	}
	var all []tokenomics.Entry
	cursor, pages := "", 0
	for {
		page, err := ledger.Entries(ctx, "alice", cursor, 4)
		require.NoError(t, err)
		all = append(all, page.Entries...)
		pages++
		if cursor = page.Next; cursor == "" {
			break
		}
		pay(t, ledger, fog, "alice-neighbour") // what is added meanwhile shifts nothing
	}
	require.Len(t, all, 1+5*4)
	require.Equal(t, 6, pages)
	sums := map[tokenomics.Kind]tokenomics.Amount{}
	for i := len(all) - 1; i >= 0; i-- {
		sums[all[i].Kind] += all[i].Amount
		require.Equal(t, sums[all[i].Kind], all[i].After)
	}
	available, held := balance(t, ledger, "alice")
	require.Equal(t, map[tokenomics.Kind]tokenomics.Amount{"available": available, "held": held}, sums)
	oldest := all[len(all)-1]
	require.Equal(t, tokenomics.OpTransfer, oldest.Op)
	require.Equal(t, "fund alice", oldest.Key)
	require.Equal(t, tokenomics.HoldID("job4"), all[0].Hold)
	require.Equal(t, b.clock.Now(), all[0].At)

	empty, err := ledger.Entries(ctx, "nobody", "", 0)
	require.NoError(t, err)
	require.Empty(t, empty.Entries)
	for _, bad := range []string{"x", "1", "-1.0", "1.0.0", "01.0", "1.999", "9223372036854775808.0", "'; --"} {
		_, err = ledger.Entries(ctx, "alice", bad, 0)
		require.ErrorIs(t, err, invalid, bad)
	}
	_, err = ledger.Entries(ctx, "alice", "", -1)
	require.ErrorIs(t, err, invalid)
}

func testStats(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t), t.Context()
	one(t)(ledger.Hold(ctx, []tokenomics.Hold{{ID: "a", Payer: "operator", Amount: 10 * fog}}))
	one(t)(ledger.Hold(ctx, []tokenomics.Hold{{ID: "b", Payer: "operator", Amount: 20 * fog}}))
	one(t)(ledger.Capture(ctx, []tokenomics.Capture{
		{Key: "a", Hold: "a", To: []tokenomics.Share{{Account: "dev", Amount: 4 * fog}}},
	}))
	stats, err := ledger.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, tokenomics.Stats{
		TotalSupply: 1_000_000 * fog, Circulating: 999_974 * fog, Held: 26 * fog, Accounts: 2, OpenHolds: 2, Movements: 4,
		Captures: 1, Volume: 4 * fog, CapturesDay: 1, VolumeDay: 4 * fog, Writer: true, Prices: ledger.Market().Posted(principal.DefaultTenant),
	}, stats)
	b.clock.Advance(24 * time.Hour)
	one(t)(ledger.Void(ctx, []tokenomics.Void{{Hold: "a"}}))
	stats, err = ledger.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, int64(1), stats.OpenHolds)
	require.Equal(t, 4*fog, stats.Volume)
	require.Zero(t, stats.VolumeDay)
	require.Equal(t, "4", stats.View().Marketplace.TotalVolume.String())
	sound(t, ledger)
}

func testPurge(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t), t.Context()
	hold := []tokenomics.Hold{{ID: "old", Payer: "operator", Amount: fog}, {ID: "open", Payer: "operator", Amount: fog}}
	verdicts, err := ledger.Hold(ctx, hold)
	require.NoError(t, err)
	require.Equal(t, []error{nil, nil}, verdicts)
	capture := []tokenomics.Capture{{Key: "old", Hold: "old", To: []tokenomics.Share{{Account: "dev", Amount: fog}}}}
	one(t)(ledger.Capture(ctx, capture))
	n, err := b.Store.Purge(ctx, tokenomics.Horizon{}, 100)
	require.NoError(t, err)
	require.Zero(t, n, "a zero horizon lies before everything")

	b.clock.Advance(200 * 24 * time.Hour)
	early := []tokenomics.Capture{{Key: "early", Hold: "old", To: capture[0].To}}
	refused(t, conflict)(ledger.Capture(ctx, early)) // it is past, whether its record is there or not
	_, err = ledger.Held(ctx, "old")
	require.ErrorIs(t, err, notFound)
	ref := tokenomics.HoldRef{Tenant: principal.DefaultTenant, ID: "old"}
	stored := func() bool {
		loaded, err := b.Store.Load(ctx, tokenomics.Wanted{Holds: []tokenomics.HoldRef{ref}})
		require.NoError(t, err)
		_, ok := loaded.Holds[ref]
		return ok
	}
	require.True(t, stored())
	running(t, ledger) // purges on its own
	require.Eventually(t, func() bool { return !stored() }, 10*time.Second, time.Millisecond)
	one(t)(ledger.Hold(ctx, hold[:1])) // the ledger remembers what it did
	one(t)(ledger.Hold(ctx, hold[1:]))
	one(t)(ledger.Capture(ctx, capture))
	one(t)(ledger.Void(ctx, []tokenomics.Void{{Hold: "old"}}))
	capture[0].Key = "new"
	refused(t, conflict)(ledger.Capture(ctx, capture))
	available, _ := balance(t, ledger, "dev")
	require.Equal(t, fog, available)
	sound(t, ledger)
}

func testConcurrency(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t, func(c *tokenomics.Config) { c.Batch = 16 }), t.Context()
	running(t, ledger)
	const callers, jobs = 16, 12
	one(t)(ledger.Hold(ctx, []tokenomics.Hold{{ID: "shared", Payer: "operator", Amount: jobs * fog}}))
	var all sync.WaitGroup
	for range callers {
		all.Go(func() { // every caller asks for the same things
			for j := range jobs {
				id := tokenomics.HoldID(fmt.Sprintf("job%d", j))
				verdicts, err := ledger.Hold(ctx, []tokenomics.Hold{{ID: id, Payer: "operator", Amount: 2 * fog}})
				if err != nil || verdicts[0] != nil {
					t.Errorf("hold: %v %v", verdicts, err)
				}
				verdicts, err = ledger.Post(ctx, []tokenomics.Request{
					{Capture: &tokenomics.Capture{Key: string(id), Hold: id, To: []tokenomics.Share{{Account: "dev", Amount: fog}}}},
					{Capture: &tokenomics.Capture{
						Key: "shared" + string(id), Hold: "shared", To: []tokenomics.Share{{Account: "dev", Amount: fog}}}},
				})
				if err != nil || verdicts[0] != nil || verdicts[1] != nil {
					t.Errorf("capture: %v %v", verdicts, err)
				}
			}
		})
	}
	all.Wait()
	available, _ := balance(t, ledger, "dev")
	require.Equal(t, tokenomics.Amount(2*jobs)*fog, available, "each slot is paid once")
	sound(t, ledger)
}
