package blob_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

func TestCollect(t *testing.T) {
	s, dir, c := open(t, blob.Config{Grace: time.Hour})
	ctx := context.Background()
	old, kept := put(t, ctx, s, "old"), put(t, ctx, s, "kept")
	require.NoError(t, s.Ref(ctx, kept.Digest, "job:1"))
	require.NoError(t, s.Ref(ctx, kept.Digest, "job:1"))
	read := put(t, ctx, s, "read")
	c.move(2 * time.Hour)
	require.Equal(t, "read", get(t, ctx, s, read.Digest), "reading is using")
	young := put(t, ctx, s, "young")

	n, err := s.Collect(ctx, c.now().Add(-time.Hour), 100)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = s.Stat(ctx, old.Digest)
	require.ErrorIs(t, err, blob.ErrNotFound)
	for _, info := range []blob.Info{kept, read, young} {
		_, err = s.Stat(ctx, info.Digest)
		require.NoError(t, err)
	}
	require.Len(t, files(t, dir), 3)

	require.NoError(t, s.Unref(ctx, kept.Digest, "job:1"))
	require.NoError(t, s.Unref(ctx, kept.Digest, "job:1"))
	n, err = s.Collect(ctx, c.now().Add(-time.Hour), 100)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.Len(t, files(t, dir), 2)
	_, err = s.Collect(as("default", "ann"), c.now(), 100)
	require.Equal(t, fault.Denied, fault.KindOf(err))
}

func TestAnOpenBlobSurvivesItsCollection(t *testing.T) {
	s, _, c := open(t, blob.Config{})
	ctx := context.Background()
	info := put(t, ctx, s, "read slowly")
	r, _, err := s.Get(ctx, info.Digest)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	c.move(time.Hour)
	_, err = s.Collect(ctx, c.now(), 100)
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "read slowly", string(data))
}

// stoppingIndex stops between the steps of an upload or a collection, as a crash would.
type stoppingIndex struct {
	blob.Index
	addStops, buryStops bool
}

var errStopped = errors.New("the process has ended here")

func (x *stoppingIndex) Add(ctx context.Context, info blob.Info, quota int64) (blob.Info, error) {
	if x.addStops {
		_, _ = x.Index.Add(ctx, info, quota)
		return blob.Info{}, errStopped
	}
	return x.Index.Add(ctx, info, quota)
}

func (x *stoppingIndex) Bury(ctx context.Context, copies []blob.Copy) error {
	if x.buryStops {
		return errStopped
	}
	return x.Index.Bury(ctx, copies)
}

// A crash after the row and before the file: the blob reads as not found, and the next upload mends it.
func TestCrashBeforeTheFileIsInPlace(t *testing.T) {
	x := &stoppingIndex{Index: blob.NewMemory(), addStops: true}
	s, dir, _ := open(t, blob.Config{Index: x})
	ctx := context.Background()
	digest := blob.DigestOf([]byte("hello"))
	_, err := s.Put(ctx, digest, strings.NewReader("hello"), 5)
	require.ErrorIs(t, err, errStopped)
	_, err = s.Stat(ctx, digest)
	require.ErrorIs(t, err, blob.ErrNotFound)
	_, _, err = s.Get(ctx, digest)
	require.ErrorIs(t, err, blob.ErrNotFound)
	x.addStops = false
	put(t, ctx, s, "hello")
	require.Equal(t, "hello", get(t, ctx, s, digest))
	require.Len(t, files(t, dir), 1)
	stats, err := s.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, blob.Stats{Bytes: 5, Blobs: 1}, stats)
}

// A crash between removing the bytes and forgetting them: the next collection does it again, and a later upload of the
// same digest, which has a copy of its own, is left alone.
func TestCrashInsideACollection(t *testing.T) {
	x := &stoppingIndex{Index: blob.NewMemory(), buryStops: true}
	s, dir, c := open(t, blob.Config{Index: x})
	ctx := context.Background()
	put(t, ctx, s, "hello")
	c.move(time.Hour)
	_, err := s.Collect(ctx, c.now(), 100)
	require.ErrorIs(t, err, errStopped)
	require.Empty(t, files(t, dir))
	again := put(t, ctx, s, "hello")
	x.buryStops = false
	_, err = s.Collect(ctx, c.now().Add(-time.Minute), 100)
	require.NoError(t, err)
	require.Equal(t, "hello", get(t, ctx, s, again.Digest))
	require.Len(t, files(t, dir), 1)
}

func TestRunTidiesUp(t *testing.T) {
	s, dir, c := open(t, blob.Config{Grace: time.Hour, CollectEvery: time.Hour})
	ctx := context.Background()
	put(t, ctx, s, "old")
	leftover, underway := filepath.Join(dir, "tmp", "leftover"), filepath.Join(dir, "tmp", "underway")
	for _, path := range []string{leftover, underway} {
		require.NoError(t, os.WriteFile(path, []byte("half"), 0o600))
	}
	long := c.now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(leftover, long, long))
	ended, cancel := context.WithCancel(ctx)
	cancel()
	require.NoError(t, s.Run(ended), "at once, and then it ends with its context")
	require.NoFileExists(t, leftover)
	require.FileExists(t, underway, "somebody may still be writing")
	c.move(2 * time.Hour)
	running, cancel := context.WithCancel(ctx)
	done := make(chan error)
	go func() { done <- s.Run(running) }()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for len(files(t, dir)) > 0 {
		<-ticker.C
	}
	cancel()
	require.NoError(t, <-done)
}

func TestNothingIsCollectedWithoutAGrace(t *testing.T) {
	s, dir, c := open(t, blob.Config{Grace: -1})
	ctx, cancel := context.WithCancel(context.Background())
	put(t, ctx, s, "for ever")
	c.move(1000 * time.Hour)
	cancel()
	require.NoError(t, s.Run(ctx))
	require.Len(t, files(t, dir), 1)
}
