package tokenomicstest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
	"github.com/fogcompute/fogcompute/fog/tokenomics/chain"
)

func testExpiry(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t), t.Context()
	pay(t, ledger, 10*fog, "alice")
	expires := b.clock.Now().Add(time.Minute)
	hold := tokenomics.Hold{ID: "h", Payer: "alice", Amount: 8 * fog, Expires: expires}
	late := tokenomics.Hold{ID: "late", Payer: "alice", Amount: 1, Expires: b.clock.Now()}
	refused(t, invalid)(ledger.Hold(ctx, []tokenomics.Hold{late}))
	one(t)(ledger.Hold(ctx, []tokenomics.Hold{hold}))
	hold.Expires = expires.Add(time.Second)
	refused(t, conflict)(ledger.Hold(ctx, []tokenomics.Hold{hold}))
	hold.Expires = expires
	capture := func(key string) []tokenomics.Capture {
		return []tokenomics.Capture{{Key: key, Hold: "h", To: []tokenomics.Share{{Account: "dev", Amount: fog}}}}
	}
	one(t)(ledger.Capture(ctx, capture("in time")))
	b.clock.Advance(time.Minute)
	refused(t, conflict)(ledger.Capture(ctx, capture("too late"))) // though nothing has gone back yet
	one(t)(ledger.Capture(ctx, capture("in time")))
	_, held := balance(t, ledger, "alice")
	require.Equal(t, 7*fog, held)

	running(t, ledger)
	require.Eventually(t, func() bool {
		record, err := ledger.Held(ctx, "h")
		require.NoError(t, err)
		return record.State == tokenomics.HoldExpired
	}, 10*time.Second, time.Millisecond)
	available, held := balance(t, ledger, "alice")
	require.Equal(t, 9*fog, available)
	require.Zero(t, held)
	one(t)(ledger.Void(ctx, []tokenomics.Void{{Hold: "h"}})) // nothing is left
	one(t)(ledger.Hold(ctx, []tokenomics.Hold{hold}))        // it was placed
	sound(t, ledger)
}

func testBurn(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t), t.Context()
	pay(t, ledger, 10*fog, "alice")
	burn := []tokenomics.Burn{{Key: "b", Account: "alice", Amount: 3 * fog, Memo: "ash"}}
	one(t)(ledger.Burn(ctx, burn))
	one(t)(ledger.Burn(ctx, burn))
	refused(t, insufficient)(ledger.Burn(ctx, []tokenomics.Burn{{Key: "c", Account: "alice", Amount: 8 * fog}}))
	stats, err := ledger.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, 999_997*fog, stats.TotalSupply)
	bob := principal.With(ctx, principal.Principal{Tenant: tenant, Account: "bob"})
	refused(t, denied)(ledger.Burn(bob, []tokenomics.Burn{{Key: "d", Account: "alice", Amount: 1}}))
	sound(t, ledger)
}

func testWatch(t *testing.T, b *bench) {
	ledger, other := b.ledger(t), b.ledger(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := []tokenomics.Movement{}
	for i := range 5 {
		one(t)(ledger.Transfer(ctx, []tokenomics.Transfer{{
			Key: fmt.Sprint(i), From: "operator", To: tokenomics.Account(fmt.Sprint("a", i%2)), Amount: fog,
		}}))
	}
	for m, err := range ledger.Watch(ctx, "", 0) {
		require.NoError(t, err)
		if seen = append(seen, m); len(seen) == 6 {
			break
		}
	}
	require.Equal(t, tokenomics.OpGenesis, seen[0].Op)
	for i, m := range seen {
		require.Equal(t, int64(i+1), m.Seq)
	}
	mine, last := []int64{}, seen[2].Seq
	for m, err := range other.Watch(ctx, "a1", last) { // what is paid later, by another server, comes too
		require.NoError(t, err)
		if mine = append(mine, m.Seq); len(mine) == 1 {
			pay(t, ledger, fog, "a0", "a1")
		}
		if len(mine) == 2 {
			break
		}
	}
	require.Equal(t, []int64{5, 8}, mine)
	page, next, err := other.Movements(ctx, "a1", 1, 4, time.Hour)
	require.NoError(t, err)
	require.EqualValues(t, 5, next)
	require.Equal(t, []int64{3, 5}, []int64{page[0].Seq, page[1].Seq})
	page, next, err = other.Movements(ctx, "nobody", 2, 3, time.Hour)
	require.NoError(t, err)
	require.Empty(t, page)
	require.EqualValues(t, 5, next, "it has moved on")
	page, next, err = other.Movements(ctx, "", 8, 0, 0)
	require.NoError(t, err)
	require.Empty(t, page)
	require.EqualValues(t, 8, next)
	go func() {
		_, _ = ledger.Transfer(ctx, []tokenomics.Transfer{{Key: "late", From: "operator", To: "a0", Amount: fog}})
	}()
	page, _, err = other.Movements(ctx, "", 8, 0, time.Hour)
	require.NoError(t, err)
	require.Equal(t, "late", page[0].Key)
	_, _, err = ledger.Movements(ctx, "", 0, -1, 0)
	require.ErrorIs(t, err, invalid)
	for _, err := range ledger.Watch(ctx, "", -1) {
		require.ErrorIs(t, err, invalid)
	}
	bob := principal.With(ctx, principal.Principal{Tenant: tenant, Account: "bob"})
	for _, err := range ledger.Watch(bob, "", 0) {
		require.ErrorIs(t, err, denied)
	}
	_, _, err = ledger.Movements(bob, "", 0, 0, 0)
	require.ErrorIs(t, err, denied)
	cancel()
	for _, err := range ledger.Watch(ctx, "nobody", 0) {
		require.ErrorIs(t, err, context.Canceled)
	}
}

func testReceipt(t *testing.T, b *bench) {
	ledger, ctx := b.ledger(t), t.Context()
	pay(t, ledger, 10*fog, "alice")
	requests := make([]tokenomics.Request, 9)
	for i := range requests {
		requests[i].Transfer = &tokenomics.Transfer{
			Key: fmt.Sprint("k", i), From: "alice", To: "bob", Amount: tokenomics.Amount(i + 1), Memo: "für",
		}
	}
	_, err := ledger.Post(ctx, requests)
	require.NoError(t, err)
	pay(t, ledger, fog, "carol")
	head, err := ledger.Head(ctx)
	require.NoError(t, err)
	for i := range requests {
		receipt, err := ledger.Receipt(ctx, tokenomics.OpTransfer, fmt.Sprint("k", i))
		require.NoError(t, err)
		text, err := json.Marshal(receipt)
		require.NoError(t, err)
		var read tokenomics.Receipt
		require.NoError(t, json.Unmarshal(text, &read))
		m, err := read.Verify()
		require.NoError(t, err)
		require.Equal(t, tokenomics.Amount(i+1), m.Postings[1].Amount)
		require.Equal(t, "für", m.Memo)
		blocks, err := b.Store.Blocks(ctx, receipt.Proof.Header.Last, 100)
		require.NoError(t, err)
		var later []chain.Header
		for _, block := range blocks {
			later = append(later, block.Header)
		}
		require.NoError(t, read.Proof.Anchor(later, head), "it lies in the ledger that has this head")
		read.Data[len(read.Data)-1] ^= 1
		_, err = read.Verify()
		require.Error(t, err)
	}
	m, err := ledger.Movement(ctx, tokenomics.OpTransfer, "k4")
	require.NoError(t, err)
	require.Equal(t, []any{"k4", tokenomics.Amount(5)}, []any{m.Key, m.Postings[1].Amount})
	_, err = ledger.Movement(ctx, tokenomics.OpHold, "k4")
	require.ErrorIs(t, err, notFound)
	_, err = ledger.Receipt(ctx, tokenomics.OpTransfer, "unknown")
	require.ErrorIs(t, err, notFound)
	as := func(account principal.Account) context.Context {
		return principal.With(ctx, principal.Principal{Tenant: tenant, Account: account})
	}
	_, err = ledger.Receipt(as("carol"), tokenomics.OpTransfer, "k1")
	require.ErrorIs(t, err, denied)
	_, err = ledger.Movement(as("carol"), tokenomics.OpTransfer, "k1")
	require.ErrorIs(t, err, denied)
	_, err = ledger.Receipt(as("bob"), tokenomics.OpTransfer, "k1")
	require.NoError(t, err, "who is paid may have the receipt as well")
}
