package tokenomicstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/tokenomics"
)

// testOverlap lets a batch be decided while the one before is written, and then fails that one: by losing it, or by writing it
// and losing the reply. What was decided on top of it must not survive as it was decided.
func testOverlap(t *testing.T, b *bench) {
	for name, written := range map[string]bool{"lost": false, "reply lost": true} {
		t.Run(name, func(t *testing.T) {
			b.overlap(t, name, written)
		})
	}
}

func (b *bench) overlap(t *testing.T, name string, written bool) {
	const crowd = 80 // more than a batch needs to let the next one begin
	entered, leave := make(chan int), make(chan struct{})
	stopped := false
	store := faulty{b.Store, nil}
	store.commit = func(ctx context.Context, fence tokenomics.Fence, changes tokenomics.Changes) error {
		if len(changes.Movements) < crowd || stopped {
			return b.Store.Commit(ctx, fence, changes)
		}
		stopped = true
		entered <- len(changes.Movements)
		<-leave
		if written {
			require.NoError(t, b.Store.Commit(ctx, fence, changes))
		}
		return fault.Wrap("test", &fault.Error{Kind: fault.Unavailable, Err: errors.New("the line is dead")})
	}
	ledger := b.ledger(t, func(c *tokenomics.Config) { c.Store = store })
	rich := tokenomics.Account(name + " rich")
	pay(t, ledger, crowd*fog, rich)
	transfers := make([]tokenomics.Transfer, crowd)
	for i := range transfers {
		transfers[i] = tokenomics.Transfer{Key: fmt.Sprint(name, i), From: rich, To: "poor " + rich, Amount: fog}
	}
	var all sync.WaitGroup
	var lost, spent error
	all.Go(func() { _, lost = ledger.Transfer(t.Context(), transfers) })
	require.Equal(t, crowd, <-entered)
	all.Go(func() { // decided on a state in which rich has nothing left
		verdicts, err := ledger.Transfer(t.Context(), []tokenomics.Transfer{{Key: name, From: rich, To: "late " + rich, Amount: fog}})
		spent = errors.Join(append(verdicts, err)...)
	})
	close(leave)
	all.Wait()
	require.ErrorIs(t, lost, unavailable)
	if written {
		require.ErrorIs(t, spent, insufficient)
	} else {
		require.NoError(t, spent, "rich was not robbed by a batch that came to nothing")
	}
	verdicts, err := ledger.Transfer(t.Context(), transfers)
	require.NoError(t, err)
	for i, v := range verdicts { // asking again has one outcome, and pays once
		if !written && i == crowd-1 {
			require.ErrorIs(t, v, insufficient)
		} else {
			require.NoError(t, v)
		}
	}
	available, _ := balance(t, ledger, rich)
	require.Zero(t, available)
	sound(t, ledger)
}
