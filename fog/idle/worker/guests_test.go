package worker_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/guest"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// TestRebuild holds the promise that the committed guests are what their sources say.
func TestRebuild(t *testing.T) {
	t.Parallel()
	version, err := exec.CommandContext(t.Context(), "clang", "--version").Output()
	if _, sysroot := os.Stat("/usr/include/wasm32-wasi"); err != nil || sysroot != nil {
		t.Skip("install clang, lld, wasi-libc and libclang-rt-dev-wasm32 to rebuild the guests")
	}
	if !strings.Contains(string(version), "clang version 14.") {
		t.Skipf("the guests were built by clang 14, this is %.40s", version)
	}
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("testdata")))
	out, err := exec.CommandContext(t.Context(), "make", "-B", "-C", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, name := range []string{"paths.wasm", "world.wasm", "files.wasm"} {
		built, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		require.True(t, bytes.Equal(built, testdata(t, name)), "run `make -B -C fog/idle/worker/testdata` and commit %s", name)
	}
}

func TestPathsDoNotLead(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	file := b.shelf.put([]byte("input"))
	out := b.do(t, testdata(t, "paths.wasm"), worker.Job{
		Inputs: []worker.Input{{Path: "file.txt", SHA256: file}, {Path: "dir/other.txt", SHA256: file}},
		Output: true,
	})
	require.Empty(t, out.Reason, "%s%s", out.Stdout, out.Stderr)
	require.NotContains(t, string(out.Stdout), "LEAK")
	require.Greater(t, strings.Count(string(out.Stdout), "errno"), 35, "%s", out.Stdout)
	require.Len(t, out.Outputs, 1, "%s", out.Stdout)
	require.Equal(t, "fine.txt", out.Outputs[0].Path)
	require.Equal(t, "fine\n", string(out.Outputs[0].Data))
}

func TestFiles(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	module := testdata(t, "files.wasm")
	out := b.do(t, module, worker.Job{Output: true})
	require.Empty(t, out.Reason, "%s", out.Stderr)
	got := map[string]string{}
	for _, f := range out.Outputs {
		got[f.Path] = string(f.Data)
	}
	require.Equal(t, map[string]string{"dir/sub/moved": "hello\x00\x00\x00", "over": "one\ntwo\n"}, got)

	for what, limits := range map[string]worker.Limits{
		"bytes":  {OutputBytes: 1 << 20},
		"sparse": {},
		"count":  {},
		"open":   {},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			out := b.do(t, module, worker.Job{Args: []string{what}, Output: true, Limits: limits})
			require.Equal(t, worker.ClassJob, out.Class)
			require.Equal(t, worker.LimitOutput, out.Limit)
			require.True(t, strings.HasPrefix(out.Reason, "output: the guest "), out.Reason)
			require.Empty(t, out.Outputs, "a job that failed gives nothing back")
		})
	}
	t.Run("shrink", func(t *testing.T) {
		t.Parallel()
		out := b.do(t, module, worker.Job{Args: []string{"shrink"}, Limits: worker.Limits{OutputBytes: 128 << 10}})
		require.Empty(t, out.Reason, "%s", out.Stderr)
	})
}

// TestDeterminism runs a guest that prints everything it can see, twenty times, in new and in warm workers, compiled and interpreted.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	module := testdata(t, "world.wasm")
	var first worker.Outcome
	for i := range 4 {
		b := open(t, func(c *worker.Config) { c.Interpret = i == 3 })
		job := worker.Job{
			Args:  []string{"a b", "", "ü"},
			Stdin: b.shelf.put([]byte("one\ntwo\n")),
			Inputs: []worker.Input{
				{Path: "b/c", SHA256: b.shelf.put([]byte("bc"))}, {Path: "a", SHA256: b.shelf.put([]byte("a"))},
			},
			Output: true,
			Seed:   42,
		}
		for j := range 5 {
			out := b.do(t, module, job)
			require.Empty(t, out.Reason, "%s%s", out.Stdout, out.Stderr)
			if i == 0 && j == 0 {
				first = out
			}
			require.Equal(t, string(first.Stdout), string(out.Stdout))
			require.Equal(t, first.Outputs, out.Outputs)
		}
		job.Seed++
		other := b.do(t, module, job)
		require.NotEqual(t, string(first.Stdout), string(other.Stdout), "the seed matters")
	}
	text := string(first.Stdout)
	require.Contains(t, text, "arg guest\narg a b\narg \narg ü\ntime 946684800.")
	require.NotContains(t, text, "env ")
	require.Contains(t, text, "after an hour 946688400\n")
	require.Contains(t, text, "stdin one\nstdin two\n")
	require.Contains(t, text, "mtime 946684800.0\n")
}

// TestMandelbrot compares the guest that this repository ships with its native twin, tile by tile.
func TestMandelbrot(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	whole := guest.Whole(96, 64)
	whole.CX, whole.CY, whole.Scale, whole.MaxIter = -0.743643887, 0.131825904, 0.00125, 300
	for _, tile := range append(whole.Split(3, 2), whole) {
		out := b.do(t, guest.Mandelbrot(), worker.Job{Args: tile.Args(), Output: true})
		require.Empty(t, out.Reason, "%s", out.Stderr)
		pgm, summary := tile.Render()
		require.Equal(t, summary, string(out.Stdout))
		require.Len(t, out.Outputs, 1)
		require.Equal(t, guest.Output, out.Outputs[0].Path)
		require.Equal(t, pgm, out.Outputs[0].Data)
	}
	out := b.do(t, guest.Mandelbrot(), worker.Job{Output: true})
	pgm, _ := guest.Whole(256, 256).Render()
	require.Equal(t, pgm, out.Outputs[0].Data, "without arguments: a whole picture")
	for _, args := range [][]string{{"1"}, {"8", "8", "0", "0", "9", "8", "10", "0", "0", "3"}, {"8", "8", "0", "0", "8", "8", "10", "nan", "0", "3"}} {
		out := b.do(t, guest.Mandelbrot(), worker.Job{Args: args})
		require.Equal(t, 2, out.ExitCode, "%v", args)
		require.NotEmpty(t, out.Stderr)
	}
}
