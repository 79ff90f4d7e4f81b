package tokenomicstest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

const tenant = "default"

var (
	mint = tokenomics.SubAccount{Tenant: tenant, Account: tokenomics.Mint, Kind: tokenomics.KindMint}
	free = tokenomics.SubAccount{Tenant: tenant, Account: "alice", Kind: tokenomics.KindAvailable}
	held = tokenomics.SubAccount{Tenant: tenant, Account: "alice", Kind: tokenomics.KindHeld}
)

// change builds the changes of one movement from a head on, with balances and running sums that fit.
func change(was int64, key string, at time.Time, before tokenomics.Loaded, postings ...tokenomics.Posting) tokenomics.Changes {
	changes := tokenomics.Changes{
		Was: was, Head: was + 1, At: at,
		Tally: []tokenomics.TallyChange{{Tenant: tenant, Count: tokenomics.Count{Name: "movements"}, Add: 1}},
	}
	for i, p := range postings {
		line, known := before.Lines[p.SubAccount]
		postings[i].After = line.Balance + p.Amount
		changes.Lines = append(changes.Lines, tokenomics.LineChange{
			SubAccount: p.SubAccount, Creator: "operator", Fresh: !known,
			Line: tokenomics.Line{Balance: postings[i].After, Updated: at},
		})
		changes.Tally = append(changes.Tally, tokenomics.TallyChange{
			Tenant: tenant, Count: tokenomics.Count{Name: "sum." + string(p.Kind)}, Add: int64(p.Amount),
		})
		if !known && p.Kind == tokenomics.KindAvailable {
			changes.Tally = append(changes.Tally, tokenomics.TallyChange{
				Tenant: tenant, Count: tokenomics.Count{Name: "accounts"}, Add: 1,
			})
		}
	}
	changes.Movements = []tokenomics.Movement{{
		Seq: was + 1, Reference: tokenomics.Reference{Tenant: tenant, Op: tokenomics.OpTransfer, Key: key},
		Digest: tokenomics.Digest{1, 2, 3}, Owner: "mint", Creator: "operator", At: at, Postings: postings,
	}}
	return changes
}

func line(sub tokenomics.SubAccount, amount tokenomics.Amount) tokenomics.Posting {
	return tokenomics.Posting{SubAccount: sub, Amount: amount}
}

func load(t *testing.T, b *bench, wanted tokenomics.Wanted) tokenomics.Loaded {
	t.Helper()
	loaded, err := b.Store.Load(t.Context(), wanted)
	require.NoError(t, err)
	return loaded
}

func testStoreLoad(t *testing.T, b *bench) {
	empty := load(t, b, tokenomics.Wanted{
		SubAccounts: []tokenomics.SubAccount{free}, Holds: []tokenomics.HoldRef{{Tenant: tenant, ID: "h"}},
		References: []tokenomics.Reference{{Tenant: tenant, Op: tokenomics.OpHold, Key: "h"}}, Requests: []tokenomics.RequestID{1},
	})
	require.Zero(t, empty.Head)
	require.Empty(t, empty.Lines)
	require.Empty(t, empty.Holds)
	require.Empty(t, empty.Digests)
	require.Empty(t, empty.Waiting)

	now := b.clock.Now()
	changes := change(0, "k'\\\"?;", now, empty, line(mint, -50), line(free, 30), line(held, 20))
	record := tokenomics.HoldRecord{
		ID: "h", Tenant: tenant, Payer: "alice", Creator: "operator", Amount: 30, Captured: 10, State: tokenomics.HoldOpen, Created: now,
	}
	changes.Holds = []tokenomics.HoldRecord{record}
	require.NoError(t, b.Store.Commit(t.Context(), tokenomics.Fence{}, changes))

	ref := changes.Movements[0].Reference
	loaded := load(t, b, tokenomics.Wanted{
		SubAccounts: []tokenomics.SubAccount{mint}, Holds: []tokenomics.HoldRef{{Tenant: tenant, ID: "h"}},
		References: []tokenomics.Reference{ref, {Tenant: "other", Op: ref.Op, Key: ref.Key}},
	})
	require.Equal(t, int64(1), loaded.Head)
	require.Equal(t, map[tokenomics.SubAccount]tokenomics.Line{
		mint: {Balance: -50, Updated: now}, free: {Balance: 30, Updated: now}, held: {Balance: 20, Updated: now},
	}, loaded.Lines, "a hold brings the lines of its payer")
	require.Equal(t, record, loaded.Holds[tokenomics.HoldRef{Tenant: tenant, ID: "h"}])
	require.Equal(t, map[tokenomics.Reference]tokenomics.Digest{ref: {1, 2, 3}}, loaded.Digests)
}

func testStoreCommit(t *testing.T, b *bench) {
	ctx, now := t.Context(), b.clock.Now()
	wanted := tokenomics.Wanted{SubAccounts: []tokenomics.SubAccount{mint, free}}
	fence, ok, err := b.Duties.Take(ctx, tokenomics.Duty, "one", now.Add(time.Minute))
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, b.Store.Commit(ctx, fence, change(0, "a", now, tokenomics.Loaded{}, line(mint, -50), line(free, 50))))

	first := load(t, b, wanted)
	again := change(first.Head, "a", now, first, line(mint, -5), line(free, 5))
	require.Equal(t, fault.Internal, fault.KindOf(b.commitOnDatabase(t, fence, again)), "a key is used once")
	stale := change(0, "b", now, first, line(mint, -5), line(free, 5))
	require.ErrorIs(t, b.Store.Commit(ctx, fence, stale), tokenomics.ErrStale)

	b.clock.Advance(2 * time.Minute)
	newer, ok, err := b.Duties.Take(ctx, tokenomics.Duty, "two", b.clock.Now().Add(time.Minute))
	require.NoError(t, err)
	require.True(t, ok)
	good := change(first.Head, "b", now, first, line(mint, -5), line(free, 5))
	require.ErrorIs(t, b.Store.Commit(ctx, fence, good), tokenomics.ErrFenced)
	require.Equal(t, first, load(t, b, wanted), "what was refused has left no trace")
	require.NoError(t, b.Store.Commit(ctx, newer, good))
	require.Equal(t, tokenomics.Amount(55), load(t, b, wanted).Lines[free].Balance)
}

// commitOnDatabase commits changes that only a constraint of a database can refuse; the memory twin trusts its ledger.
func (b *bench) commitOnDatabase(t *testing.T, fence tokenomics.Fence, changes tokenomics.Changes) error {
	t.Helper()
	if _, memory := b.Store.(*tokenomics.Memory); memory {
		return nil
	}
	err := b.Store.Commit(t.Context(), fence, changes)
	require.Error(t, err)
	return err
}

func testStoreQueue(t *testing.T, b *bench) {
	ctx, now := t.Context(), b.clock.Now()
	requests := []tokenomics.Request{
		{Hold: &tokenomics.Hold{ID: "h", Tenant: tenant, Payer: "alice", Amount: 1_500_001}, Creator: "bob"},
		{Capture: &tokenomics.Capture{
			Key: "c", Tenant: tenant, Hold: "h", Final: true, To: []tokenomics.Share{{Account: "dev'?", Amount: 7}},
		}},
		{Void: &tokenomics.Void{Hold: "h", Tenant: tenant}},
		{Transfer: &tokenomics.Transfer{Key: "t", Tenant: tenant, From: "a", To: "b", Amount: 3, Memo: "ü\\ \" ?"}},
	}
	ids, err := b.Store.Put(ctx, requests, now)
	require.NoError(t, err)
	pending, err := b.Store.Pending(ctx, 3)
	require.NoError(t, err)
	require.Len(t, pending, 3)
	for i, asked := range pending {
		require.Equal(t, ids[i], asked.ID)
		require.Equal(t, requests[i], asked.Request, "oldest first, and nothing lost")
	}
	waiting := load(t, b, tokenomics.Wanted{Requests: append(ids, 999)}).Waiting
	require.Len(t, waiting, 4)
	verdicts, err := b.Store.Verdicts(ctx, ids)
	require.NoError(t, err)
	require.Empty(t, verdicts)

	decided := []tokenomics.Verdict{
		{ID: ids[0], At: now, OK: true},
		{ID: ids[1], At: now, Kind: fault.Insufficient, Op: "tokenomics.capture", Field: "to", Detail: "hold \"h\" has 0 FOG left"},
	}
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, tokenomics.Changes{At: now, Verdicts: decided}))
	verdicts, err = b.Store.Verdicts(ctx, ids)
	require.NoError(t, err)
	require.ElementsMatch(t, decided, verdicts)
	pending, err = b.Store.Pending(ctx, 9)
	require.NoError(t, err)
	require.Len(t, pending, 2)
	for _, bad := range []tokenomics.RequestID{ids[0], 999} { // decided before, never asked
		changes := tokenomics.Changes{At: now, Verdicts: []tokenomics.Verdict{{ID: ids[2], At: now, OK: true}, {ID: bad, At: now}}}
		require.ErrorIs(t, b.Store.Commit(ctx, tokenomics.Fence{}, changes), tokenomics.ErrStale)
	}
	pending, err = b.Store.Pending(ctx, 9)
	require.NoError(t, err)
	require.Len(t, pending, 2, "a commit is whole or not at all")

	n, err := b.Store.Purge(ctx, tokenomics.Horizon{Requests: now.Add(time.Second)}, 1)
	require.NoError(t, err)
	require.Equal(t, 1, n, "purging is bounded")
	n, err = b.Store.Purge(ctx, tokenomics.Horizon{Requests: now.Add(time.Second)}, 100)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	pending, err = b.Store.Pending(ctx, 9)
	require.NoError(t, err)
	require.Len(t, pending, 2, "what is undecided stays")
}

func testStoreAudit(t *testing.T, b *bench) {
	ctx, now := t.Context(), b.clock.Now()
	clean, err := b.Store.Audit(ctx, 10)
	require.NoError(t, err)
	require.Empty(t, clean)
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, change(0, "a", now, tokenomics.Loaded{}, line(mint, -50), line(free, 50))))
	clean, err = b.Store.Audit(ctx, 10)
	require.NoError(t, err)
	require.Empty(t, clean)

	before := load(t, b, tokenomics.Wanted{SubAccounts: []tokenomics.SubAccount{mint, free}})
	crooked := change(1, "b", now, before, line(mint, -5), line(free, 6)) // a token out of nothing
	crooked.Holds = []tokenomics.HoldRecord{
		{ID: "h", Tenant: tenant, Payer: "alice", Creator: "x", Amount: 3, State: tokenomics.HoldOpen, Created: now},
	}
	crooked.Lines[1].Balance++ // and a balance that its postings do not explain
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, crooked))
	found, err := b.Store.Audit(ctx, 100)
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(found), 4, "the movement, the balance, the hold, the running sums: %q", found)
	bounded, err := b.Store.Audit(ctx, 2)
	require.NoError(t, err)
	require.Len(t, bounded, 2)
	require.ErrorIs(t, b.ledger(t, func(c *tokenomics.Config) { c.Genesis = -1 }).Verify(ctx), internal)
}
