package tokenomicstest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// many is more rows than any store writes with one statement, and no round number.
const many = 203

// testStoreMoment shows that a moment stays as it is while the ledger goes on, and that its pages are its rows.
func testStoreMoment(t *testing.T, b *bench) {
	ctx, now := t.Context(), b.clock.Now()
	changes := manyLines(now)
	for i := range many {
		changes.Holds = append(changes.Holds, tokenomics.HoldRecord{
			ID: tokenomics.HoldID(fmt.Sprintf("h%03d", i)), Tenant: tenant, Payer: "alice", Creator: "x", Amount: 1,
			State: tokenomics.HoldOpen, Created: now,
		})
	}
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, changes))
	oops := errors.New("oops")
	err := b.Store.Snapshot(ctx, func(m tokenomics.Moment) error {
		head, err := m.Head(ctx)
		require.NoError(t, err)
		require.Equal(t, changes.Head, head)
		later := change("later", now, load(t, b, tokenomics.Wanted{Lines: []tokenomics.SubAccount{mint, free}}), line(mint, -1), line(free, 1))
		require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, later))

		lines := paged(t, func(after tokenomics.LineChange) ([]tokenomics.LineChange, error) {
			return m.Lines(ctx, after.Number, 20)
		})
		require.Equal(t, changes.Fresh, lines)
		require.Equal(t, changes.Holds, paged(t, func(after tokenomics.HoldRecord) ([]tokenomics.HoldRecord, error) {
			return m.Holds(ctx, tokenomics.HoldRef{Tenant: after.Tenant, ID: after.ID}, 20)
		}))
		trails := map[int64]tokenomics.Trail{}
		require.NoError(t, m.Index(ctx, func(number int64, trail tokenomics.Trail) { trails[number] = trail }))
		for _, trace := range changes.Movements[0].Traces(nil) {
			var want tokenomics.Trail
			want.Add(trace.Seq)
			require.Equal(t, want, trails[trace.Number])
			delete(trails, trace.Number)
		}
		require.Empty(t, trails)
		movements := 0
		require.ErrorIs(t, m.Movements(ctx, 0, 20, func(m *tokenomics.Movement, body []byte) error {
			movements++
			require.NoError(t, m.Decode(body))
			require.Equal(t, changes.Movements[0].Data(), m.Data())
			return oops
		}), oops)
		require.Equal(t, 1, movements, "what came later is not in it")
		blocks, err := m.Blocks(ctx, 0, 20)
		require.NoError(t, err)
		require.Equal(t, []tokenomics.Block{changes.Block}, blocks)
		tally, err := m.Tally(ctx)
		require.NoError(t, err)
		require.ElementsMatch(t, changes.Tally, tally)
		return oops
	})
	require.ErrorIs(t, err, oops)
	require.Equal(t, int64(2), load(t, b, tokenomics.Wanted{}).Head.Last)
}

// manyLines pays many accounts in one movement.
func manyLines(now time.Time) tokenomics.Changes {
	postings := []tokenomics.Posting{line(mint, -many-1), line(free, 1)}
	for i := range many {
		sub := free
		sub.Account = tokenomics.Account(fmt.Sprintf("a%03d", i))
		postings = append(postings, line(sub, 1))
	}
	changes := change("many", now, tokenomics.Loaded{}, postings...)
	changes.Tally = []tokenomics.TallyChange{
		{Tenant: tenant, Count: tokenomics.Count{Name: "movements"}, Add: 1},
		{Tenant: tenant, Count: tokenomics.Count{Name: "captures", Hour: 7}, Add: 2},
	}
	return changes
}

// paged reads a list to its end.
func paged[T any](t *testing.T, read func(after T) ([]T, error)) (all []T) {
	t.Helper()
	var after T
	for {
		page, err := read(after)
		require.NoError(t, err)
		if len(page) == 0 {
			return all
		}
		all, after = append(all, page...), page[len(page)-1]
	}
}

// testStoreMany shows that no number of rows is too many for one commit, or for one question.
func testStoreMany(t *testing.T, b *bench) {
	ctx, now := t.Context(), b.clock.Now()
	first := manyLines(now)
	wanted := tokenomics.Wanted{References: []tokenomics.Reference{first.Movements[0].Reference}}
	for _, l := range first.Fresh {
		wanted.Lines = append(wanted.Lines, l.SubAccount)
	}
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, first))
	before := load(t, b, wanted)
	require.Len(t, before.Lines, many+2)
	postings := first.Movements[0].Postings
	second := change("again", now.Add(time.Second), before, slices.Clone(postings)...)
	second.Tally = first.Tally
	for i := range many {
		ref := tokenomics.RecordRef{Tenant: tenant, Class: "c", Key: fmt.Sprintf("r%03d", i)}
		series := tokenomics.SeriesRef{Tenant: tenant, Series: "s", Key: ref.Key}
		second.Records = append(second.Records, tokenomics.Record{RecordRef: ref, Seq: 2, Body: []byte("{}")})
		second.Points = append(second.Points, tokenomics.Point{PointRef: tokenomics.PointRef{SeriesRef: series, Seq: 2}, Body: []byte("1")})
		wanted.Records = append(wanted.Records, ref)
		wanted.Points = append(wanted.Points, tokenomics.PointRef{SeriesRef: series, Seq: 9})
	}
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, second))
	after := load(t, b, wanted)
	require.Len(t, after.Records, many)
	require.Len(t, after.Points, many)
	for _, p := range second.Movements[0].Postings {
		line := after.Lines[p.SubAccount]
		require.Equal(t, p.After, line.Balance)
		require.Equal(t, int64(2), line.Seq)
	}
	gone := change("gone", now, after, line(mint, -1), line(free, 1))
	for _, r := range second.Records {
		r.Body = nil
		gone.Records = append(gone.Records, r)
	}
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, gone))
	require.Empty(t, load(t, b, wanted).Records)
}

// testStoreOrder shows that lists are in the order of bytes, or of times, and end at their limits, in every store alike.
func testStoreOrder(t *testing.T, b *bench) {
	ctx, now := t.Context(), b.clock.Now()
	keys := []string{"A", "Z", "_", "a", "a\U0010ffff", "a\U0010ffffz", "aZ", "az", "b", "\ud7ff", "\ud7ffx", "\ue000", "é", "ü", "\U0010ffff", "\U0010ffffx"}
	slices.Sort(keys)
	changes := manyLines(now)
	for i, key := range keys {
		changes.Records = append(changes.Records, tokenomics.Record{
			RecordRef: tokenomics.RecordRef{Tenant: tenant, Class: "c", Key: key}, Seq: 1, Body: []byte("{}"),
			Due: now.Add(-time.Duration(i/2) * time.Second), // two at a time
		})
		changes.Holds = append(changes.Holds, tokenomics.HoldRecord{
			ID: tokenomics.HoldID(key), Tenant: tenant, Payer: "alice", State: tokenomics.HoldOpen, Created: now,
			Expires: now.Add(-time.Duration(i/2) * time.Second),
		})
	}
	require.NoError(t, b.Store.Commit(ctx, tokenomics.Fence{}, changes))
	list := func(q tokenomics.RecordQuery) (found []string) {
		q.Tenant, q.Class = tenant, "c"
		records, err := b.Store.Records(ctx, q)
		require.NoError(t, err)
		for _, r := range records {
			found = append(found, r.Key)
		}
		return found
	}
	require.Equal(t, keys, list(tokenomics.RecordQuery{Limit: 99}))
	require.Equal(t, keys[4:7], list(tokenomics.RecordQuery{After: keys[3], Limit: 3}))
	for prefix, want := range map[string][]string{
		"a": {"a", "aZ", "az", "a\U0010ffff", "a\U0010ffffz"}, "a\U0010ffff": {"a\U0010ffff", "a\U0010ffffz"},
		"\ud7ff": {"\ud7ff", "\ud7ffx"}, "\U0010ffff": {"\U0010ffff", "\U0010ffffx"}, "%": nil, "_": {"_"},
	} {
		require.Equal(t, want, list(tokenomics.RecordQuery{Prefix: prefix, Limit: 99}), "%q", prefix)
		slices.Reverse(want)
		require.Equal(t, want, list(tokenomics.RecordQuery{Prefix: prefix, Newest: true, Limit: 99}), "%q", prefix)
	}
	due, err := b.Store.Due(ctx, now, 3)
	require.NoError(t, err)
	n := len(keys)
	var ids, refs []string
	for i := range due.Holds {
		ids, refs = append(ids, string(due.Holds[i].ID)), append(refs, due.Records[i].Key)
	}
	require.Equal(t, []string{keys[n-2], keys[n-1], keys[n-4]}, ids, "the longest waiting first")
	require.Equal(t, ids, refs)

	for _, step := range [][2]int64{{7, 0}, {8, 1}, {8, 0}} { // the hour up to which, and how many rows go
		purged, err := b.Store.Purge(ctx, tokenomics.Horizon{Hours: time.Unix(step[0]*3600, 0)}, 10)
		require.NoError(t, err)
		require.Equal(t, int(step[1]), purged)
	}
	tally, err := b.Store.Tally(ctx, tenant)
	require.NoError(t, err)
	require.NotContains(t, tally, tokenomics.Count{Name: "captures", Hour: 7})
	require.Equal(t, int64(1), tally[tokenomics.Count{Name: "movements"}])
}
