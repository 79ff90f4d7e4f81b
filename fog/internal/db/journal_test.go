package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
)

func TestSmoke(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		require.NoError(t, db.MigrateGround(ctx, d))
		require.NoError(t, db.MigrateGround(ctx, d))
		require.NoError(t, db.CheckGround(ctx, d))
		j := db.NewJournal(d, nil)
		require.NoError(t, db.Tx(ctx, d, func(ctx context.Context, tx bun.Tx) error {
			return db.AppendFacts(ctx, tx, d.Dialect, time.Now(), []journal.Fact{{Topic: "a", ID: "1", Version: 1}, {Topic: "a", ID: "2", Version: 1}})
		}))
		c, err := j.Claim(ctx, "a", 10, time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.Len(t, c, 2)
		require.NoError(t, j.Done(ctx, c[:1]))
		require.NoError(t, j.Fail(ctx, c[1:], "x", time.Now(), 1))
		p, err := j.Parked(ctx, 10)
		require.NoError(t, err)
		require.Len(t, p, 1)
		require.NoError(t, j.Retry(ctx, []int64{p[0].Seq}))
		n, err := j.Purge(ctx, time.Now().Add(time.Minute), 10)
		require.NoError(t, err)
		require.Equal(t, 1, n)
		du := db.NewDuties(d, nil)
		f, ok, err := du.Take(ctx, "p", "me", time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.True(t, ok)
		_, ok, err = du.Take(ctx, "p", "you", time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.False(t, ok)
		require.NoError(t, du.Release(ctx, f, "me"))
		f, ok, err = du.Take(ctx, "p", "you", time.Now().Add(time.Minute))
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, duty.Fence{Name: "p", Number: 2}, f)
		require.NoError(t, db.Tx(ctx, d, func(ctx context.Context, tx bun.Tx) error {
			return db.CheckFence(ctx, tx, d.Dialect, f)
		}))
	})
}
