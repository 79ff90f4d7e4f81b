package tokenomicstest

import (
	"fmt"
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
func change(key string, at time.Time, before tokenomics.Loaded, postings ...tokenomics.Posting) tokenomics.Changes {
	seq, last := before.Head.Last+1, before.Last
	changes := tokenomics.Changes{
		Was: before.Head, At: at,
		Tally: []tokenomics.TallyChange{{Tenant: tenant, Count: tokenomics.Count{Name: "movements"}, Add: 1}},
	}
	for i, p := range postings {
		line, known := before.Lines[p.SubAccount]
		if !known {
			last++
			line.Number, line.Creator = last, "operator"
		}
		line.Balance, line.Seq, line.Updated = line.Balance+p.Amount, seq, at
		postings[i].After, postings[i].Number = line.Balance, line.Number
		if !known {
			changes.Fresh = append(changes.Fresh, tokenomics.LineChange{SubAccount: p.SubAccount, Line: line})
		}
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
		Seq: seq, Reference: tokenomics.Reference{Tenant: tenant, Op: tokenomics.OpTransfer, Key: key},
		Digest: tokenomics.Digest{1, 2, 3}, Owner: "mint", Creator: "operator", At: at, Postings: postings,
	}}
	changes.Seal()
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
	hold := tokenomics.HoldRef{Tenant: tenant, ID: "h"}
	empty := load(t, b, tokenomics.Wanted{
		Lines: []tokenomics.SubAccount{free}, Holds: []tokenomics.HoldRef{hold},
		References: []tokenomics.Reference{{Tenant: tenant, Op: tokenomics.OpHold, Key: "h"}}, Requests: []tokenomics.RequestID{1},
		Records: []tokenomics.RecordRef{{Tenant: tenant, Class: "c", Key: "k"}},
	})
	require.Zero(t, empty.Head)
	require.Zero(t, empty.Last)
	require.Empty(t, empty.Lines)
	require.Empty(t, empty.Holds)
	require.Empty(t, empty.Used)
	require.Empty(t, empty.Records)
	require.Empty(t, empty.Waiting)

	now := b.clock.Now()
	changes := change("k'\\\"?;", now, empty, line(mint, -50), line(free, 30), line(held, 20))
	record := tokenomics.HoldRecord{
		ID: "h", Tenant: tenant, Payer: "alice", Creator: "operator", Amount: 30, Captured: 10, State: tokenomics.HoldOpen, Created: now,
		Expires: now.Add(time.Hour),
	}
	changes.Holds = []tokenomics.HoldRecord{record}
	require.NoError(t, b.Store.Commit(t.Context(), tokenomics.Fence{}, changes))

	ref := changes.Movements[0].Reference
	loaded := load(t, b, tokenomics.Wanted{
		Lines: []tokenomics.SubAccount{mint, free}, Holds: []tokenomics.HoldRef{hold},
		References: []tokenomics.Reference{ref, {Tenant: "other", Op: ref.Op, Key: ref.Key}},
	})
	require.Equal(t, changes.Head, loaded.Head)
	require.Equal(t, int64(3), loaded.Last)
	require.Equal(t, map[tokenomics.SubAccount]tokenomics.Line{
		mint: {Number: 1, Balance: -50, Seq: 1, Creator: "operator", Updated: now},
		free: {Number: 2, Balance: 30, Seq: 1, Creator: "operator", Updated: now},
	}, loaded.Lines)
	require.Equal(t, record, loaded.Holds[hold])
	require.Equal(t, map[tokenomics.Reference]tokenomics.Use{ref: {Seq: 1, Digest: tokenomics.Digest{1, 2, 3}}}, loaded.Used)
}

func testStoreLog(t *testing.T, b *bench) {
	ctx, now := t.Context(), b.clock.Now()
	wanted := tokenomics.Wanted{Lines: []tokenomics.SubAccount{mint, free, held}}
	var made []tokenomics.Movement
	var blocks []tokenomics.Block
	for i, postings := range [][]tokenomics.Posting{
		{line(mint, -50), line(free, 50)}, {line(free, -20), line(held, 20)}, {}, {line(held, -5), line(free, 5)},
	} {
		changes := change(fmt.Sprint("k", i), now.Add(time.Duration(i)*time.Second), load(t, b, wanted), postings...)
		require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, changes))
		made, blocks = append(made, changes.Movements...), append(blocks, changes.Block)
	}
	read, err := b.Store.Movements(ctx, 0, 100)
	require.NoError(t, err)
	require.Len(t, read, len(made))
	for i := range made {
		require.Equal(t, made[i].Leaf(), read[i].Leaf())
		require.Equal(t, made[i].Body(), read[i].Body())
		require.Len(t, read[i].Postings, len(made[i].Postings))
	}
	read, err = b.Store.Movements(ctx, 1, 2)
	require.NoError(t, err)
	require.Len(t, read, 2)
	require.Equal(t, int64(2), read[0].Seq)
	found, err := b.Store.Blocks(ctx, 0, 100)
	require.NoError(t, err)
	require.Equal(t, blocks, found)
	found, err = b.Store.Blocks(ctx, 2, 1)
	require.NoError(t, err)
	require.Equal(t, blocks[2:3], found)

	query := tokenomics.EntryQuery{Tenant: tenant, Account: "alice", Limit: 10}
	entries, err := b.Store.Entries(ctx, query)
	require.NoError(t, err)
	require.Len(t, entries, 5)
	require.Equal(t, tokenomics.Entry{
		Place: tokenomics.Place{Seq: 4, N: 1}, Kind: tokenomics.KindAvailable, Amount: 5, After: 35, Op: tokenomics.OpTransfer, Key: "k3",
		At: now.Add(3 * time.Second),
	}, entries[0])
	for i := range entries { // any page is a part of the whole
		query.Before, query.Limit = entries[i].Place, 2
		page, err := b.Store.Entries(ctx, query)
		require.NoError(t, err)
		require.Equal(t, entries[i+1:min(i+3, len(entries))], append([]tokenomics.Entry{}, page...))
	}
	query = tokenomics.EntryQuery{Tenant: tenant, Account: "alice", Kind: tokenomics.KindHeld, Before: tokenomics.Place{Seq: 4}, Limit: 1}
	entries, err = b.Store.Entries(ctx, query)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	require.Equal(t, tokenomics.Amount(20), entries[0].After)
	query.Tenant = "other"
	entries, err = b.Store.Entries(ctx, query)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func testStoreRecords(t *testing.T, b *bench) {
	ctx, now := t.Context(), b.clock.Now()
	wanted := tokenomics.Wanted{Lines: []tokenomics.SubAccount{mint, free}}
	record := func(key, state string, due time.Duration) tokenomics.Record {
		r := tokenomics.Record{
			RecordRef: tokenomics.RecordRef{Tenant: tenant, Class: "c", Key: key}, Owner: "alice", Creator: "bob", State: state,
			Seq: 1, Body: []byte(`{"a": "'?"}`),
		}
		if due != 0 {
			r.Due = now.Add(due)
		}
		return r
	}
	point := func(seq int64, body string) tokenomics.Point {
		series := tokenomics.SeriesRef{Tenant: tenant, Series: "s", Key: "k"}
		return tokenomics.Point{PointRef: tokenomics.PointRef{SeriesRef: series, Seq: seq}, Body: []byte(body)}
	}
	rows := []tokenomics.Record{record("a/1", "new", time.Second), record("a/2", "old", 0), record("b/1", "new", 0)}
	changes := change("1", now, tokenomics.Loaded{}, line(mint, -50), line(free, 50))
	changes.Records, changes.Points = rows, []tokenomics.Point{point(1, `1`)}
	changes.Holds = []tokenomics.HoldRecord{
		{ID: "h", Tenant: tenant, Payer: "alice", Creator: "x", State: tokenomics.HoldOpen, Created: now, Expires: now.Add(time.Second)},
		{ID: "i", Tenant: tenant, Payer: "alice", Creator: "x", State: tokenomics.HoldOpen, Created: now},
	}
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, changes))
	for query, want := range map[tokenomics.RecordQuery][]tokenomics.Record{
		{Limit: 9}:                             rows,
		{Limit: 2}:                             rows[:2],
		{Limit: 9, After: "a/1"}:               rows[1:],
		{Limit: 9, Newest: true}:               {rows[2], rows[1], rows[0]},
		{Limit: 9, Newest: true, After: "b/1"}: {rows[1], rows[0]},
		{Limit: 9, Prefix: "a/"}:               rows[:2],
		{Limit: 9, State: "new"}:               {rows[0], rows[2]},
		{Limit: 9, Owner: "bob"}:               nil,
	} {
		query.Tenant, query.Class = tenant, "c"
		found, err := b.Store.Records(ctx, query)
		require.NoError(t, err)
		require.Equal(t, want, append([]tokenomics.Record(nil), found...), "%+v", query)
	}
	due, err := b.Store.Due(ctx, now, 9)
	require.NoError(t, err)
	require.Empty(t, due.Holds)
	require.Empty(t, due.Records)
	due, err = b.Store.Due(ctx, now.Add(time.Second), 9)
	require.NoError(t, err)
	require.Equal(t, []tokenomics.HoldRef{{Tenant: tenant, ID: "h"}}, due.Holds)
	require.Equal(t, []tokenomics.RecordRef{rows[0].RecordRef}, due.Records)

	changes = change("2", now, load(t, b, wanted), line(mint, -1), line(free, 1))
	changed, gone := rows[1], rows[0]
	changed.State, changed.Seq, gone.Body = "older", 2, nil
	changes.Records, changes.Points = []tokenomics.Record{changed, gone}, []tokenomics.Point{point(2, `2`)}
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, changes))
	loaded := load(t, b, tokenomics.Wanted{
		Records: []tokenomics.RecordRef{changed.RecordRef, gone.RecordRef},
		Points:  []tokenomics.PointRef{point(1, "").PointRef, point(5, "").PointRef, point(0, "").PointRef},
	})
	require.Equal(t, map[tokenomics.RecordRef]tokenomics.Record{changed.RecordRef: changed}, loaded.Records)
	require.Equal(t, map[tokenomics.PointRef]tokenomics.Point{
		point(1, "").PointRef: point(1, `1`), point(5, "").PointRef: point(2, `2`),
	}, loaded.Points)
}

func testStoreCommit(t *testing.T, b *bench) {
	ctx, now := t.Context(), b.clock.Now()
	wanted := tokenomics.Wanted{Lines: []tokenomics.SubAccount{mint, free}}
	fence, ok, err := b.Duties.Take(ctx, tokenomics.Duty, "one", now.Add(time.Minute))
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, b.Store.Commit(ctx, fence, change("a", now, tokenomics.Loaded{}, line(mint, -50), line(free, 50))))

	first := load(t, b, wanted)
	again := change("a", now, first, line(mint, -5), line(free, 5))
	require.ErrorIs(t, b.Store.Commit(ctx, fence, again), tokenomics.ErrUsed, "a key is used once")
	stale := change("b", now, first, line(mint, -5), line(free, 5))
	stale.Was.Hash[0]++
	require.ErrorIs(t, b.Store.Commit(ctx, fence, stale), tokenomics.ErrStale, "another history")
	stale = change("b", now, tokenomics.Loaded{}, line(mint, -5), line(free, 5))
	require.ErrorIs(t, b.Store.Commit(ctx, fence, stale), tokenomics.ErrStale)

	nothing := tokenomics.Changes{Was: first.Head, Head: first.Head}
	require.NoError(t, b.Store.Commit(ctx, fence, nothing))
	require.ErrorIs(t, b.Store.Commit(ctx, fence, tokenomics.Changes{}), tokenomics.ErrStale, "nothing is decided on an old state")
	b.clock.Advance(2 * time.Minute)
	newer, ok, err := b.Duties.Take(ctx, tokenomics.Duty, "two", b.clock.Now().Add(time.Minute))
	require.NoError(t, err)
	require.True(t, ok)
	good := change("b", now, first, line(mint, -5), line(free, 5))
	require.ErrorIs(t, b.Store.Commit(ctx, fence, good), tokenomics.ErrFenced)
	require.ErrorIs(t, b.Store.Commit(ctx, fence, nothing), tokenomics.ErrFenced)
	require.NoError(t, b.Store.Commit(ctx, newer, nothing))
	require.Equal(t, first, load(t, b, wanted), "what was refused has left no trace")
	require.NoError(t, b.Store.Commit(ctx, newer, good))
	require.Equal(t, tokenomics.Amount(55), load(t, b, wanted).Lines[free].Balance)
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
	ledger := b.ledger(t, func(c *tokenomics.Config) { c.Genesis = -1 })
	require.NoError(t, ledger.Verify(ctx))
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, change("a", now, tokenomics.Loaded{}, line(mint, -50), line(free, 50))))
	require.NoError(t, ledger.Verify(ctx))

	before := load(t, b, tokenomics.Wanted{Lines: []tokenomics.SubAccount{mint, free}})
	forged := before.Lines[free]
	forged.Balance++ // a balance that its postings do not explain
	before.Lines[free] = forged
	crooked := change("b", now, before, line(mint, -5), line(free, 6)) // and a token out of nothing
	crooked.Holds = []tokenomics.HoldRecord{
		{ID: "h", Tenant: tenant, Payer: "alice", Creator: "x", Amount: 3, State: tokenomics.HoldOpen, Created: now},
	}
	crooked.Block.Hash[0]++ // in a block that is not linked
	crooked.Head.Hash = crooked.Block.Hash
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, crooked))
	err := ledger.Verify(ctx)
	require.ErrorIs(t, err, internal)
	for _, finding := range []string{
		"does not have its hash", "postings of movement 2 add up to 0.000001", `account "alice" has 0.000057 FOG available`,
		"running sum holds.open", "nothing held",
	} {
		require.ErrorContains(t, err, finding)
	}
}
