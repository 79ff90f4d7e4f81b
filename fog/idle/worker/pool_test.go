package worker_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

func TestWarm(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *worker.Config) { c.Max = 1 })
	require.Positive(t, b.do(t, empty(), worker.Job{}).Compile)
	for range 20 {
		require.Zero(t, b.do(t, empty(), worker.Job{}).Compile)
	}
	require.Equal(t, worker.ClassJob, b.do(t, exit(1), worker.Job{}).Class) // another module: the only worker must go
	require.Equal(t, worker.ClassJob, b.do(t, exit(1), worker.Job{}).Class, "a guest that failed leaves its worker usable")
	require.Equal(t, worker.Stats{Idle: 1, Started: 2, Runs: 23, Warm: 21, Compiled: 2}, b.Stats())
	b.Trim()
	require.Zero(t, b.Stats().Idle)
}

func TestBusy(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *worker.Config) { c.Max = 1 })
	run := b.busy(t, worker.Limits{})
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	_, err := b.Start(ctx, worker.Job{Module: b.shelf.put(empty())})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	started := make(chan worker.Outcome)
	go func() {
		out, _ := b.Do(t.Context(), worker.Job{Module: b.shelf.put(empty())})
		started <- out
	}()
	run.Kill(worker.ClassDevice, "room")
	require.True(t, new(<-started).OK())
}

func TestIdle(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *worker.Config) { c.Idle = 10 * time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()
	require.True(t, new(b.do(t, empty(), worker.Job{})).OK())
	require.Eventually(t, func() bool { return b.Stats().Idle == 0 }, 30*time.Second, time.Millisecond)
	require.True(t, new(b.do(t, empty(), worker.Job{})).OK())
	cancel()
	require.NoError(t, <-ended)
}

// codeFiles returns the files of the compile cache, seals included.
func codeFiles(t *testing.T, dir string) (names []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(filepath.Join(dir, "code"), func(name string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			names = append(names, name)
		}
		return err
	}))
	return names
}

func TestCache(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// once runs the guest in a new pool and says whether its code came from the cache.
	once := func(t *testing.T) bool {
		b := open(t, func(c *worker.Config) { c.Dir = dir })
		out := b.do(t, guest.Mandelbrot(), worker.Job{})
		require.True(t, out.OK(), out.Reason)
		require.NoError(t, b.Close())
		require.Equal(t, int64(1), b.Stats().Cached+b.Stats().Compiled)
		return b.Stats().Cached == 1
	}
	require.False(t, once(t))
	require.True(t, once(t))
	names := codeFiles(t, dir)
	require.Len(t, names, 2)
	info, err := os.Stat(filepath.Join(dir, "code"))
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o700), info.Mode().Perm())

	for _, name := range names {
		data, err := os.ReadFile(name)
		require.NoError(t, err)
		data[len(data)/2] ^= 1
		require.NoError(t, os.WriteFile(name, data, 0o600))
		require.False(t, once(t), "damaged code was used: %s", name)
		require.True(t, once(t), "the cache heals")
		require.NoError(t, os.Truncate(name, 3))
		require.False(t, once(t), "cut off: %s", name)
	}
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(names[0]), "more"), []byte("code"), 0o600))
	require.False(t, once(t), "somebody added a file")
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(filepath.Dir(names[0]), "link")))
	require.False(t, once(t), "somebody added a link")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "key"), []byte(strings.Repeat("k", 32)), 0o600))
	require.False(t, once(t), "sealed with another key")
	require.True(t, once(t))

	require.NoError(t, os.Chmod(filepath.Join(dir, "code"), 0o755))
	_, err = worker.New(worker.Config{Blobs: &shelf{}, Dir: dir})
	require.ErrorContains(t, err, "must be a folder of this user")
}

// TestCacheBounded: what has not been used for longest goes.
func TestCacheBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start, ticks := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), atomic.Int64{}
	b := open(t, func(c *worker.Config) {
		c.Dir, c.CacheBytes, c.Max = dir, 1, 1
		c.Now = func() time.Time { return start.Add(time.Duration(ticks.Add(1)) * time.Second) }
	})
	for i := range 4 {
		require.Equal(t, i, b.do(t, exit(i), worker.Job{}).ExitCode)
		require.Len(t, codeFiles(t, dir), 2, "one module and its seal")
	}
}

func TestSourcesFail(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	sum := sha256.Sum256([]byte("what it should be"))
	lie := hex.EncodeToString(sum[:])
	b.shelf.blobs[lie] = []byte("what it is")
	missing := strings.Repeat("0", 64)
	module := b.shelf.put(empty())
	for name, job := range map[string]worker.Job{
		"module missing":   {Module: missing},
		"module false":     {Module: lie},
		"stdin missing":    {Module: module, Stdin: missing},
		"stdin false":      {Module: module, Stdin: lie},
		"an input missing": {Module: module, Inputs: []worker.Input{{Path: "a", SHA256: missing}}},
		"an input false":   {Module: module, Inputs: []worker.Input{{Path: "a", SHA256: lie}}},
	} {
		out, err := b.Do(t.Context(), job)
		require.NoError(t, err, name)
		require.Equal(t, worker.ClassInfra, out.Class, "%s: %s", name, out.Reason)
		require.NotEmpty(t, out.Reason)
	}
	require.True(t, new(b.do(t, empty(), worker.Job{})).OK())
}

func TestValidate(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("ab", 32)
	file := func(paths ...string) worker.Job {
		job := worker.Job{Module: digest}
		for _, p := range paths {
			job.Inputs = append(job.Inputs, worker.Input{Path: p, SHA256: digest})
		}
		return job
	}
	for field, jobs := range map[string][]worker.Job{
		"module": {{}, {Module: strings.Repeat("AB", 32)}, {Module: digest[1:]}, {Module: "../" + digest[3:]}},
		"stdin":  {{Module: digest, Stdin: "x"}},
		"args":   {{Module: digest, Args: make([]string, 2000)}, {Module: digest, Args: []string{"a\x00b"}}, {Module: digest, Args: []string{strings.Repeat("a", 1<<20)}}},
		"inputs.path": {
			file(""), file("."), file(".."), file("../a"), file("/a"), file("a/../b"), file("a//b"), file("a/"), file("./a"), file(`a\b`), file("a\nb"),
			file("c:a"), file("\xff"), file(strings.Repeat("a", 256)), file(strings.Repeat("a/", 600) + "a"), file("a", "a"), file("a", "a/b"), file("a/b/c", "a/b"),
		},
		"inputs.sha256": {{Module: digest, Inputs: []worker.Input{{Path: "a"}}}},
		"limits.memory": {{Module: digest, Limits: worker.Limits{MemoryBytes: -1}}, {Module: digest, Limits: worker.Limits{MemoryBytes: 1 << 40}}},
		"limits.output": {{Module: digest, Limits: worker.Limits{OutputBytes: -1}}},
		"limits.stdout": {{Module: digest, Limits: worker.Limits{StdoutBytes: 1 << 30}}},
		"limits.time":   {{Module: digest, Limits: worker.Limits{CPU: -1}}},
	} {
		for i, job := range jobs {
			err := job.Validate()
			require.Equal(t, fault.Invalid, fault.KindOf(err), "%s %d", field, i)
			require.Equal(t, field, fault.FieldOf(err), "%d", i)
		}
	}
	require.NoError(t, new(file("a", "b/c", "b/d", "ü/Ω")).Validate())
}

func TestNew(t *testing.T) {
	t.Parallel()
	_, err := worker.New(worker.Config{})
	require.Equal(t, "Blobs", fault.FieldOf(err))
	_, err = worker.New(worker.Config{Blobs: &shelf{}, Max: -1})
	require.Equal(t, fault.Invalid, fault.KindOf(err))
	b := open(t, func(c *worker.Config) { c.Program = "/nowhere" })
	_, err = b.Start(t.Context(), worker.Job{Module: b.shelf.put(empty())})
	require.ErrorContains(t, err, "/nowhere")
	require.Zero(t, b.Stats().Busy)
}

// BenchmarkShortJobs measures jobs that do nothing, through one resident worker.
func BenchmarkShortJobs(b *testing.B) {
	pool := open(b, func(c *worker.Config) { c.Max = 1 })
	job := worker.Job{Module: pool.shelf.put(empty())}
	for b.Loop() {
		if out, err := pool.Do(b.Context(), job); err != nil || !out.OK() {
			b.Fatal(out, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

// BenchmarkTiles measures jobs with arguments and an output.
func BenchmarkTiles(b *testing.B) {
	pool := open(b, func(c *worker.Config) { c.Max = 1 })
	job := worker.Job{Module: pool.shelf.put(guest.Mandelbrot()), Args: guest.Whole(32, 32).Args(), Output: true}
	for b.Loop() {
		if out, err := pool.Do(b.Context(), job); err != nil || !out.OK() {
			b.Fatal(out, err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

func ExamplePool() {
	// The main function of the program has called worker.Main first.
	blobs := &shelf{blobs: map[string][]byte{}}
	pool, err := worker.New(worker.Config{Blobs: blobs, Foreground: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer pool.Close()
	out, err := pool.Do(context.Background(), worker.Job{
		Module: blobs.put(guest.Mandelbrot()),
		Args:   guest.Whole(8, 8).Args(),
		Output: true,
		Limits: worker.Limits{MemoryBytes: 16 << 20, CPU: time.Minute},
	})
	fmt.Printf("%v %q %s", err, out.Reason, out.Stdout)
	for _, f := range out.Outputs {
		fmt.Println(f.Path, len(f.Data), "bytes")
	}
	// Output:
	// <nil> "" tile 0 0 8 8 iterations 7672
	// tile.pgm 75 bytes
}
