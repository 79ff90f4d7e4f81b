package blobdb_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/uptrace/bun"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/internal/db"
	"github.com/fogcompute/fogcompute/fog/internal/db/dbtest"
)

// slowUpload yields its bytes, and stops half way until the test lets it go on.
type slowUpload struct {
	*bytes.Reader
	halfway chan struct{}
	goOn    chan struct{}
}

func (u *slowUpload) Read(p []byte) (int, error) {
	if u.Len() <= int(u.Size()/2) && u.halfway != nil {
		close(u.halfway)
		<-u.goOn
		u.halfway = nil
	}
	return u.Reader.Read(p)
}

// While 32 MiB come in, everybody else commits: an upload takes the database's writer for one small row at its end.
func TestAnUploadDelaysNobody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		index := open(t, d)
		s, err := blob.New(blob.Config{Dir: t.TempDir(), Index: index})
		require.NoError(t, err)
		ctx := context.Background()
		data := bytes.Repeat([]byte("32 MiB.."), 4<<20)
		upload := &slowUpload{Reader: bytes.NewReader(data), halfway: make(chan struct{}), goOn: make(chan struct{})}
		done := make(chan error)
		halfway := upload.halfway
		go func() {
			_, err := s.Put(ctx, blob.DigestOf(data), upload, int64(len(data)))
			done <- err
		}()
		<-halfway
		soon, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		require.NoError(t, db.Tx(soon, d, func(ctx context.Context, tx bun.Tx) error {
			_, err := tx.ExecContext(ctx, "CREATE TABLE renewal (x INTEGER)")
			return err
		}))
		_, err = s.Stat(ctx, blob.DigestOf(data))
		require.ErrorIs(t, err, blob.ErrNotFound, "not before its last byte")
		close(upload.goOn)
		require.NoError(t, <-done)
		r, info, err := s.Get(ctx, blob.DigestOf(data))
		require.NoError(t, err)
		defer func() { require.NoError(t, r.Close()) }()
		require.Equal(t, int64(len(data)), info.Bytes)
		back, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, back))
	})
}

// The whole store on a database: what a restart finds is what was put.
func TestRestart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, dir := context.Background(), t.TempDir()
		digest := blob.DigestOf([]byte("kept"))
		for i := range 3 {
			s, err := blob.New(blob.Config{Dir: dir, Index: open(t, d)})
			require.NoError(t, err)
			if i == 0 {
				_, err = s.Put(ctx, digest, bytes.NewReader([]byte("kept")), 4)
				require.NoError(t, err)
				require.NoError(t, s.Ref(ctx, digest, "job:1"))
			}
			r, info, err := s.Get(ctx, digest)
			require.NoError(t, err)
			require.Equal(t, int64(4), info.Bytes)
			require.NoError(t, r.Close())
			n, err := s.Collect(ctx, time.Now().Add(time.Hour), 10)
			require.NoError(t, err)
			require.Zero(t, n, "referred to")
			require.NoError(t, s.Close())
		}
	})
}
