// Package blobtest is the conformance suite of blob.Index: every implementation runs it.
package blobtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/principal"
)

const plenty = 1 << 40

// Run runs the suite. Each call of open returns an empty index that ends with its test.
func Run(t *testing.T, open func(t *testing.T) blob.Index) {
	for name, test := range map[string]func(*testing.T, blob.Index){
		"an owner is charged once":                   chargedOnce,
		"a copy is shared by all owners and tenants": sharedCopy,
		"a quota holds":                              quotaHolds,
		"concurrent owners never exceed a quota":     quotaUnderLoad,
		"another tenant's blob is not found":         tenantsApart,
		"use never goes back in time":                useGrows,
		"a reference keeps a blob":                   refKeeps,
		"references are all or none":                 refsAllOrNone,
		"unused blobs go, the longest unused first":  doomOrder,
		"bytes go with their last holder only":       lastHolder,
		"doomed copies are remembered until buried":  remembered,
		"a digest that comes back gets a new copy":   newCopy,
		"adding and collecting at once lose nothing": addAgainstDoom,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

// at returns a moment, so many seconds after a fixed one.
func at(seconds int) time.Time { return time.Unix(1_800_000_000+int64(seconds), 0).UTC() }

// info describes a blob of 10 bytes.
func info(owner principal.Account, name string, used int) blob.Info {
	return blob.Info{
		Digest: blob.DigestOf([]byte(name)), Bytes: 10, Tenant: "t", Owner: owner, Creator: owner,
		Created: at(used), Used: at(used), Copy: fmt.Sprintf("%s%d", name, used),
	}
}

func add(t *testing.T, x blob.Index, i blob.Info) blob.Info {
	t.Helper()
	got, err := x.Add(context.Background(), i, plenty)
	require.NoError(t, err)
	return got
}

func find(t *testing.T, x blob.Index, i blob.Info) (blob.Info, bool) {
	t.Helper()
	got, ok, err := x.Find(context.Background(), i.Tenant, i.Digest)
	require.NoError(t, err)
	return got, ok
}

func doom(t *testing.T, x blob.Index, before, limit int) (int, []blob.Copy) {
	t.Helper()
	n, copies, err := x.Doom(context.Background(), at(before), limit)
	require.NoError(t, err)
	return n, copies
}

func usage(t *testing.T, x blob.Index, owner principal.Account) blob.Usage {
	t.Helper()
	u, err := x.Usage(context.Background(), "t", owner)
	require.NoError(t, err)
	return u
}

func stats(t *testing.T, x blob.Index) blob.Stats {
	t.Helper()
	s, err := x.Stats(context.Background())
	require.NoError(t, err)
	return s
}

func ref(i blob.Info, by string) []blob.Ref {
	return []blob.Ref{{Tenant: i.Tenant, Digest: i.Digest, By: by}}
}

func chargedOnce(t *testing.T, x blob.Index) {
	first := info("ann", "a", 1)
	require.Equal(t, first, add(t, x, first))
	again := info("ann", "a", 5)
	got := add(t, x, again)
	require.Equal(t, first.Created, got.Created)
	require.Equal(t, again.Used, got.Used)
	require.Equal(t, first.Copy, got.Copy)
	require.Equal(t, blob.Usage{Bytes: 10, Blobs: 1}, usage(t, x, "ann"))
	require.Equal(t, blob.Stats{Bytes: 10, Blobs: 1}, stats(t, x))
}

func sharedCopy(t *testing.T, x blob.Index) {
	first := add(t, x, info("ann", "a", 1))
	second := add(t, x, info("bob", "a", 2))
	other := info("ann", "a", 3)
	other.Tenant = "u"
	third := add(t, x, other)
	require.Equal(t, first.Copy, second.Copy)
	require.Equal(t, first.Copy, third.Copy)
	require.Equal(t, blob.Usage{Bytes: 10, Blobs: 1}, usage(t, x, "ann"))
	require.Equal(t, blob.Usage{Bytes: 10, Blobs: 1}, usage(t, x, "bob"))
	require.Equal(t, blob.Stats{Bytes: 10, Blobs: 1}, stats(t, x))
	got, ok := find(t, x, second)
	require.True(t, ok)
	require.Equal(t, first, got, "the oldest row answers")
}

func quotaHolds(t *testing.T, x blob.Index) {
	ctx := context.Background()
	_, err := x.Add(ctx, info("ann", "a", 1), 9)
	require.ErrorIs(t, err, blob.ErrQuota)
	_, ok := find(t, x, info("ann", "a", 1))
	require.False(t, ok, "a refused blob leaves nothing")
	_, err = x.Add(ctx, info("ann", "a", 1), 20)
	require.NoError(t, err)
	_, err = x.Add(ctx, info("ann", "b", 1), 20)
	require.NoError(t, err)
	_, err = x.Add(ctx, info("ann", "c", 1), 20)
	require.ErrorIs(t, err, blob.ErrQuota)
	_, err = x.Add(ctx, info("ann", "b", 2), 20)
	require.NoError(t, err, "what is stored already needs no room")
	_, err = x.Add(ctx, info("bob", "c", 1), 20)
	require.NoError(t, err, "quotas are per owner")
	require.Equal(t, blob.Usage{Bytes: 20, Blobs: 2}, usage(t, x, "ann"))
	require.Equal(t, blob.Stats{Bytes: 30, Blobs: 3}, stats(t, x))
}

func quotaUnderLoad(t *testing.T, x blob.Index) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	stored := 0
	for i := range 20 {
		wg.Go(func() {
			_, err := x.Add(context.Background(), info("ann", fmt.Sprint("n", i), 1), 70)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				stored++
			} else if !errors.Is(err, blob.ErrQuota) {
				t.Errorf("add: %v", err)
			}
		})
	}
	wg.Wait()
	require.Equal(t, 7, stored)
	require.Equal(t, blob.Usage{Bytes: 70, Blobs: 7}, usage(t, x, "ann"))
}

func tenantsApart(t *testing.T, x blob.Index) {
	mine := add(t, x, info("ann", "a", 1))
	_, ok, err := x.Find(context.Background(), "u", mine.Digest)
	require.NoError(t, err)
	require.False(t, ok)
	ok, err = x.Touch(context.Background(), "u", mine.Digest, at(9))
	require.NoError(t, err)
	require.False(t, ok)
	err = x.Ref(context.Background(), []blob.Ref{{Tenant: "u", Digest: mine.Digest, By: "job:1"}}, at(9))
	require.ErrorIs(t, err, blob.ErrNotFound)
}

func useGrows(t *testing.T, x blob.Index) {
	mine := add(t, x, info("ann", "a", 5))
	for _, step := range []struct{ touch, want int }{{3, 5}, {8, 8}, {7, 8}} {
		ok, err := x.Touch(context.Background(), "t", mine.Digest, at(step.touch))
		require.NoError(t, err)
		require.True(t, ok)
		got, _ := find(t, x, mine)
		require.Equal(t, at(step.want), got.Used)
	}
	require.Equal(t, at(8), add(t, x, info("ann", "a", 2)).Used)
}

func refKeeps(t *testing.T, x blob.Index) {
	ctx := context.Background()
	mine := add(t, x, info("ann", "a", 1))
	require.NoError(t, x.Ref(ctx, ref(mine, "job:1"), at(2)))
	require.NoError(t, x.Ref(ctx, ref(mine, "job:1"), at(3)))
	require.NoError(t, x.Ref(ctx, ref(mine, "job:2"), at(4)))
	got, _ := find(t, x, mine)
	require.Equal(t, at(4), got.Used)
	n, _ := doom(t, x, 100, 10)
	require.Zero(t, n)
	require.NoError(t, x.Unref(ctx, ref(mine, "job:1")))
	require.NoError(t, x.Unref(ctx, ref(mine, "job:1")))
	n, _ = doom(t, x, 100, 10)
	require.Zero(t, n)
	require.NoError(t, x.Unref(ctx, ref(mine, "job:2")))
	n, copies := doom(t, x, 100, 10)
	require.Equal(t, 1, n)
	require.Equal(t, []blob.Copy{{Digest: mine.Digest, Name: mine.Copy}}, copies)
}

func refsAllOrNone(t *testing.T, x blob.Index) {
	mine := add(t, x, info("ann", "a", 1))
	refs := append(ref(mine, "job:1"), ref(info("ann", "missing", 1), "job:1")...)
	require.ErrorIs(t, x.Ref(context.Background(), refs, at(2)), blob.ErrNotFound)
	n, _ := doom(t, x, 100, 10)
	require.Equal(t, 1, n)
}

func doomOrder(t *testing.T, x blob.Index) {
	for i, name := range []string{"c", "a", "d", "b"} {
		add(t, x, info("ann", name, 10*i))
	}
	n, copies := doom(t, x, 25, 2)
	require.Equal(t, 2, n)
	require.ElementsMatch(t, []blob.Copy{
		{Digest: blob.DigestOf([]byte("c")), Name: "c0"}, {Digest: blob.DigestOf([]byte("a")), Name: "a10"},
	}, copies)
	require.NoError(t, x.Bury(context.Background(), copies))
	n, copies = doom(t, x, 25, 2)
	require.Equal(t, 1, n, "the one used at 30 stays")
	require.Len(t, copies, 1)
	require.Equal(t, blob.Usage{Bytes: 10, Blobs: 1}, usage(t, x, "ann"))
	n, _ = doom(t, x, 100, 0)
	require.Zero(t, n)
}

func lastHolder(t *testing.T, x blob.Index) {
	add(t, x, info("ann", "a", 1))
	second := add(t, x, info("bob", "a", 50))
	n, copies := doom(t, x, 25, 10)
	require.Equal(t, 1, n)
	require.Empty(t, copies)
	require.Equal(t, blob.Usage{}, usage(t, x, "ann"))
	got, ok := find(t, x, second)
	require.True(t, ok)
	require.Equal(t, second, got)
	n, copies = doom(t, x, 75, 10)
	require.Equal(t, 1, n)
	require.Len(t, copies, 1)
	require.Equal(t, blob.Stats{}, stats(t, x))
}

func remembered(t *testing.T, x blob.Index) {
	add(t, x, info("ann", "a", 1))
	_, first := doom(t, x, 25, 10)
	require.Len(t, first, 1)
	n, second := doom(t, x, 25, 10)
	require.Zero(t, n)
	require.Equal(t, first, second)
	require.NoError(t, x.Bury(context.Background(), second))
	_, third := doom(t, x, 25, 10)
	require.Empty(t, third)
	require.NoError(t, x.Bury(context.Background(), second))
}

func newCopy(t *testing.T, x blob.Index) {
	old := add(t, x, info("ann", "a", 1))
	_, copies := doom(t, x, 25, 10)
	fresh := add(t, x, info("ann", "a", 60))
	require.NotEqual(t, old.Copy, fresh.Copy)
	require.NoError(t, x.Bury(context.Background(), copies))
	got, ok := find(t, x, fresh)
	require.True(t, ok)
	require.Equal(t, fresh, got)
}

// addAgainstDoom adds, refers to and collects few digests from many goroutines. What is found afterwards must have a copy
// that was never given up, and the sums must agree with the rows.
func addAgainstDoom(t *testing.T, x blob.Index) {
	ctx := context.Background()
	var wg sync.WaitGroup
	var mu sync.Mutex
	gone := map[blob.Copy]bool{}
	names := []string{"a", "b", "c"}
	for worker := range 4 {
		wg.Go(func() {
			for round := range 25 {
				mine := info(principal.Account(fmt.Sprint("w", worker)), names[(round+worker)%3], round)
				mine.Copy = fmt.Sprintf("w%dr%d", worker, round)
				if _, err := x.Add(ctx, mine, plenty); err != nil {
					t.Errorf("add: %v", err)
				}
				err := x.Ref(ctx, ref(mine, mine.Copy), at(round))
				if err != nil && !errors.Is(err, blob.ErrNotFound) {
					t.Errorf("ref: %v", err)
				}
				if err := x.Unref(ctx, ref(mine, mine.Copy)); err != nil {
					t.Errorf("unref: %v", err)
				}
				_, copies, err := x.Doom(ctx, at(round+1), 2)
				if err != nil {
					t.Errorf("doom: %v", err)
				}
				mu.Lock()
				for _, c := range copies {
					gone[c] = true
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	held := blob.Stats{}
	for _, name := range names {
		if got, ok := find(t, x, info("", name, 0)); ok {
			require.False(t, gone[blob.Copy{Digest: got.Digest, Name: got.Copy}], "a blob without its bytes")
			held = blob.Stats{Bytes: held.Bytes + 10, Blobs: held.Blobs + 1}
		}
	}
	require.Equal(t, held, stats(t, x))
	doom(t, x, 1000, 1000)
	for worker := range 4 {
		require.Equal(t, blob.Usage{}, usage(t, x, principal.Account(fmt.Sprint("w", worker))))
	}
}
