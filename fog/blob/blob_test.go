package blob_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/blob"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/principal"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock is a clock that the test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// open returns a store in a folder of the test's, its folder and its clock.
func open(t testing.TB, cfg blob.Config) (*blob.Store, string, *clock) {
	t.Helper()
	c := &clock{at: time.Now()}
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	if cfg.Now == nil {
		cfg.Now = c.now
	}
	s, err := blob.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s, cfg.Dir, c
}

func as(tenant principal.Tenant, account principal.Account) context.Context {
	return principal.With(context.Background(), principal.Principal{Tenant: tenant, Account: account})
}

func put(t testing.TB, ctx context.Context, s *blob.Store, data string) blob.Info { //nolint:revive // t first, as everywhere in tests
	t.Helper()
	info, err := s.Put(ctx, blob.DigestOf([]byte(data)), strings.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	return info
}

func get(t testing.TB, ctx context.Context, s *blob.Store, d blob.Digest) string { //nolint:revive // as above
	t.Helper()
	r, info, err := s.Get(ctx, d)
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	require.Len(t, data, int(info.Bytes))
	return string(data)
}

// files returns the names of all files in a folder and below.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			names = append(names, path)
		}
		return err
	}))
	return names
}

func TestPutAndGet(t *testing.T) {
	s, dir, c := open(t, blob.Config{})
	ctx := as("t", "ann")
	for _, data := range []string{"", "hello", strings.Repeat("x", 3<<20)} {
		info := put(t, ctx, s, data)
		now := c.now().UTC()
		require.Equal(t, blob.Info{
			Digest: blob.DigestOf([]byte(data)), Bytes: int64(len(data)), Tenant: "t", Owner: "ann", Creator: "ann",
			Created: now, Used: now, Copy: info.Copy,
		}, info)
		require.Equal(t, data, get(t, ctx, s, info.Digest))
		stat, err := s.Stat(ctx, info.Digest)
		require.NoError(t, err)
		require.Equal(t, info, stat)
	}
	for _, path := range files(t, dir) {
		mode, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), mode.Mode().Perm())
		require.NotEqual(t, filepath.Join(dir, "tmp"), filepath.Dir(path))
	}
	stats, err := s.Stats(ctx)
	require.NoError(t, err)
	require.Equal(t, blob.Stats{Bytes: 3<<20 + 5, Blobs: 3}, stats)
}

func TestGetSeeks(t *testing.T) {
	s, _, _ := open(t, blob.Config{})
	ctx := context.Background()
	info := put(t, ctx, s, "0123456789")
	r, _, err := s.Get(ctx, info.Digest)
	require.NoError(t, err)
	defer func() { require.NoError(t, r.Close()) }()
	_, err = r.Seek(7, io.SeekStart)
	require.NoError(t, err)
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "789", string(rest))
}

func TestUnknownSize(t *testing.T) {
	s, _, _ := open(t, blob.Config{MaxBytes: 5, Quota: 8})
	ctx := context.Background()
	for data, kind := range map[string]fault.Kind{"12345": fault.Internal, "123456": fault.TooLarge, "abcd": fault.TooLarge} {
		if data == "abcd" {
			put(t, ctx, s, "12345")
		}
		_, err := s.Put(ctx, blob.DigestOf([]byte(data)), strings.NewReader(data), -1)
		require.Equal(t, kind, fault.KindOf(err), data)
	}
}

// An owner cannot fill the disk with blobs that its quota of bytes hardly notices.
func TestManySmallBlobs(t *testing.T) {
	index := blob.NewMemory()
	s, _, c := open(t, blob.Config{Index: index})
	ctx := as("t", "ann")
	const most = 1 << 30 / 4096
	for n := range most - 1 {
		_, err := index.Add(ctx, blob.Info{Digest: blob.Digest(fmt.Sprintf("%064x", n)), Bytes: 1, Tenant: "t", Owner: "ann", Used: c.now()}, 1<<30)
		require.NoError(t, err)
	}
	put(t, ctx, s, "the last")
	_, err := s.Put(ctx, blob.DigestOf([]byte("x")), strings.NewReader("x"), 1)
	require.ErrorIs(t, err, blob.ErrQuota)
	put(t, as("t", "bob"), s, "x")
	put(t, ctx, s, "the last")
}

// A failed upload leaves nothing: no file, no row, no charge.
func TestFailedUploadsLeaveNothing(t *testing.T) {
	s, dir, _ := open(t, blob.Config{MaxBytes: 10, Quota: 15})
	put(t, as("t", "ann"), s, "1234567890")
	full := as("t", "ann")
	ctx, cancel := context.WithCancel(as("t", "bob"))
	good := blob.DigestOf([]byte("hello"))
	for name, c := range map[string]struct {
		ctx    context.Context
		digest blob.Digest
		r      io.Reader
		size   int64
		kind   fault.Kind
	}{
		"other bytes":        {ctx, good, strings.NewReader("jello"), 5, fault.Invalid},
		"too few bytes":      {ctx, good, strings.NewReader("hell"), 5, fault.Invalid},
		"too many bytes":     {ctx, good, strings.NewReader("hello!"), 5, fault.Invalid},
		"announced too many": {ctx, good, strings.NewReader("hello"), 11, fault.TooLarge},
		"over the limit":     {ctx, good, strings.NewReader("hello, world"), -1, fault.TooLarge},
		"over the quota":     {full, blob.DigestOf([]byte("hello!")), strings.NewReader("hello!"), 6, fault.TooLarge},
		"over it, unknown":   {full, blob.DigestOf([]byte("hello!")), strings.NewReader("hello!"), -1, fault.TooLarge},
		"broken connection":  {ctx, good, io.MultiReader(strings.NewReader("he"), iotest.ErrReader(io.ErrUnexpectedEOF)), 5, fault.Unavailable},
		"a reader's own kind": {
			ctx, good, iotest.ErrReader(fault.New(fault.Limited, "test", "slower")), 5, fault.Limited,
		},
		"cancelled half way": {ctx, good, io.MultiReader(strings.NewReader("he"), readerFunc(func([]byte) (int, error) {
			cancel()
			return 0, nil
		})), 5, fault.Unavailable},
		"no digest":    {ctx, "", strings.NewReader("hello"), 5, fault.Invalid},
		"upper case":   {ctx, blob.Digest(strings.ToUpper(string(good))), strings.NewReader("hello"), 5, fault.Invalid},
		"a path":       {ctx, "../../../../etc/passwd", strings.NewReader("hello"), 5, fault.Invalid},
		"a long path":  {ctx, blob.Digest("../" + strings.Repeat("a", 61)), strings.NewReader("hello"), 5, fault.Invalid},
		"a NUL at end": {ctx, good[:63] + "\x00", strings.NewReader("hello"), 5, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "cancelled half way" && c.ctx == ctx {
				c.ctx = as("t", "bob")
			}
			_, err := s.Put(c.ctx, c.digest, c.r, c.size)
			require.Error(t, err)
			require.Equal(t, c.kind, fault.KindOf(err), "%v", err)
			_, err = s.Stat(c.ctx, c.digest)
			require.Error(t, err)
			require.Len(t, files(t, dir), 1)
			used, _, err := s.Usage(as("t", "bob"))
			require.NoError(t, err)
			require.Zero(t, used)
		})
	}
}

// readerFunc makes a reader of a function.
type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestReadersThatDribble(t *testing.T) {
	s, _, _ := open(t, blob.Config{})
	ctx := context.Background()
	data := strings.Repeat("dribble", 100)
	for name, r := range map[string]io.Reader{
		"one byte":        iotest.OneByteReader(strings.NewReader(data)),
		"data with error": iotest.DataErrReader(strings.NewReader(data)),
		"half":            iotest.HalfReader(strings.NewReader(data)),
	} {
		_, err := s.Put(ctx, blob.DigestOf([]byte(data)), r, -1)
		require.NoError(t, err, name)
	}
}

// Putting again checks the bytes, but neither writes nor charges again.
func TestPutAgain(t *testing.T) {
	s, dir, c := open(t, blob.Config{Quota: 5})
	ctx := as("t", "ann")
	first := put(t, ctx, s, "hello")
	before, err := os.Stat(files(t, dir)[0])
	require.NoError(t, err)
	c.move(time.Hour)
	again := put(t, ctx, s, "hello")
	require.Equal(t, first.Created, again.Created)
	require.Equal(t, c.now().UTC(), again.Used)
	after, err := os.Stat(files(t, dir)[0])
	require.NoError(t, err)
	require.True(t, os.SameFile(before, after))
	_, err = s.Put(ctx, first.Digest, strings.NewReader("jello"), 5)
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	used, quota, err := s.Usage(ctx)
	require.NoError(t, err)
	require.Equal(t, blob.Usage{Bytes: 5, Blobs: 1}, used)
	require.Equal(t, int64(5), quota)
}

func TestTenantsAndOwners(t *testing.T) {
	s, dir, _ := open(t, blob.Config{})
	info := put(t, as("t", "ann"), s, "secret")
	require.Equal(t, "secret", get(t, as("t", "bob"), s, info.Digest), "knowing the digest is enough inside the tenant")
	_, _, err := s.Get(as("u", "ann"), info.Digest)
	require.ErrorIs(t, err, blob.ErrNotFound)
	_, err = s.Stat(as("u", "ann"), info.Digest)
	require.ErrorIs(t, err, blob.ErrNotFound)
	require.ErrorIs(t, s.Ref(as("u", "ann"), info.Digest, "job:1"), blob.ErrNotFound)
	put(t, as("u", "eve"), s, "secret")
	require.Equal(t, "secret", get(t, as("u", "ann"), s, info.Digest))
	require.Len(t, files(t, dir), 1, "the bytes are stored once")
}

func TestConcurrentPutsOfOneDigest(t *testing.T) {
	s, dir, _ := open(t, blob.Config{})
	data := strings.Repeat("same", 50_000)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			_, err := s.Put(as("t", principal.Account(fmt.Sprint(i%3))), blob.DigestOf([]byte(data)), strings.NewReader(data), -1)
			if err != nil {
				t.Errorf("put: %v", err)
			}
		})
	}
	all.Wait()
	require.Len(t, files(t, dir), 1)
	require.Equal(t, data, get(t, as("t", "x"), s, blob.DigestOf([]byte(data))))
	stats, err := s.Stats(context.Background())
	require.NoError(t, err)
	require.Equal(t, blob.Stats{Bytes: 200_000, Blobs: 1}, stats)
}

func TestDamagedBytesAreNotServed(t *testing.T) {
	s, dir, _ := open(t, blob.Config{})
	ctx := context.Background()
	info := put(t, ctx, s, "hello")
	require.NoError(t, os.Truncate(files(t, dir)[0], 2))
	_, _, err := s.Get(ctx, info.Digest)
	require.ErrorIs(t, err, blob.ErrNotFound)
	put(t, ctx, s, "hello")
	require.Equal(t, "hello", get(t, ctx, s, info.Digest), "mended")
}

func TestDiskTrouble(t *testing.T) {
	s, dir, _ := open(t, blob.Config{})
	require.NoError(t, os.RemoveAll(dir))
	_, err := s.Put(context.Background(), blob.DigestOf(nil), strings.NewReader(""), 0)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.NotContains(t, fault.Detail(err), dir)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err = blob.New(blob.Config{Dir: file})
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	_, err = blob.New(blob.Config{CollectEvery: -1})
	require.Equal(t, "CollectEvery", fault.FieldOf(err))
}

func TestZeroConfig(t *testing.T) {
	s, err := blob.New(blob.Config{})
	require.NoError(t, err)
	info := put(t, context.Background(), s, "hello")
	require.Equal(t, "hello", get(t, context.Background(), s, info.Digest))
	require.Equal(t, int64(32<<20), s.MaxBytes())
	require.NoError(t, s.Close())
	require.NoError(t, s.Close())
	_, _, err = s.Get(context.Background(), info.Digest)
	require.ErrorIs(t, err, blob.ErrNotFound, "its folder is gone")
}

func TestReferencesNeedAName(t *testing.T) {
	s, _, _ := open(t, blob.Config{})
	info := put(t, context.Background(), s, "hello")
	for _, by := range []string{"", strings.Repeat("x", 201)} {
		require.Equal(t, "by", fault.FieldOf(s.Ref(context.Background(), info.Digest, by)))
		require.Equal(t, "by", fault.FieldOf(s.Unref(context.Background(), info.Digest, by)))
	}
}

// denied refuses everything.
type denied struct{}

func (denied) Authorize(context.Context, principal.Principal, principal.Action, principal.Resource) error {
	return fault.New(fault.Denied, "test", "no")
}

func TestEveryDoorAsks(t *testing.T) {
	s, _, c := open(t, blob.Config{Authorize: denied{}})
	ctx, d := context.Background(), blob.DigestOf(nil)
	_, put := s.Put(ctx, d, strings.NewReader(""), 0)
	_, _, get := s.Get(ctx, d)
	_, stat := s.Stat(ctx, d)
	_, collect := s.Collect(ctx, c.now(), 1)
	for i, err := range []error{put, get, stat, collect, s.Ref(ctx, d, "x"), s.Unref(ctx, d, "x")} {
		require.Equal(t, fault.Denied, fault.KindOf(err), i)
	}
}

func TestParseDigest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		d, err := blob.ParseDigest(string(blob.DigestOf(data)))
		if err != nil || d != blob.DigestOf(data) {
			t.Fatalf("a true digest is refused: %v", err)
		}
		text := rapid.String().Draw(t, "text")
		if _, err := blob.ParseDigest(text); err == nil && strings.Trim(text, "0123456789abcdef") != "" {
			t.Fatalf("%q is accepted", text)
		}
	})
	_, err := blob.ParseDigest("")
	require.Equal(t, "sha256", fault.FieldOf(err))
}

func BenchmarkPut32MiB(b *testing.B) {
	s, _, _ := open(b, blob.Config{Quota: -1, Grace: -1})
	data := bytes.Repeat([]byte{1}, 32<<20)
	b.SetBytes(int64(len(data)))
	for i := range b.N {
		data[0], data[1] = byte(i), byte(i>>8)
		if _, err := s.Put(context.Background(), blob.DigestOf(data), bytes.NewReader(data), -1); err != nil {
			b.Fatal(err)
		}
	}
}
