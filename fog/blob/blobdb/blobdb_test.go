package blobdb_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/blob/blobdb"
	"github.com/fogcompute/fogcompute/fog/blob/blobtest"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

func open(t *testing.T, d *db.DB) *blobdb.Store {
	t.Helper()
	s := blobdb.New(d.Write.DB, d.Dialect).WithReader(d.Read.DB)
	require.NoError(t, s.Migrate(context.Background()))
	return s
}

func TestConformance(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := open(t, d)
		blobtest.Run(t, func(t *testing.T) blob.Index {
			for _, table := range []string{"fog_blobs", "fog_blob_files", "fog_blob_refs", "fog_blob_usage", "fog_blob_doomed"} {
				_, err := d.Write.ExecContext(context.Background(), "DELETE FROM "+table)
				require.NoError(t, err)
			}
			return s
		})
	})
}

func TestReady(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := context.Background()
		s := blobdb.New(d.Write.DB, d.Dialect)
		require.Equal(t, fault.Unavailable, fault.KindOf(s.Ready(ctx)))
		require.NoError(t, s.Migrate(ctx))
		require.NoError(t, s.Migrate(ctx), "again changes nothing")
		require.NoError(t, s.Ready(ctx))
	})
}

func TestCancelledCallsAreUnavailable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := open(t, d)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, err := s.Stats(ctx)
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
		_, _, err = s.Find(ctx, "t", blob.DigestOf(nil))
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
		_, _, err = s.Doom(ctx, time.Unix(1, 0), 1)
		require.Equal(t, fault.Unavailable, fault.KindOf(err))
	})
}
