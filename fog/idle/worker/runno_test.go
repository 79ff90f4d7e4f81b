package worker_test

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/idle/worker/workertest"
)

// TestRunnoPHP runs PHP 8.2 on a script and an input file; it leaves an output.
func TestRunnoPHP(t *testing.T) {
	t.Parallel()
	b := open(t, func(c *worker.Config) { c.Dir = filepath.Join(workertest.CacheDir(t), "worker") }) // compiling takes long
	php := workertest.Load(t, workertest.PHP())
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
	b := open(t, func(c *worker.Config) { c.Dir = filepath.Join(workertest.CacheDir(t), "worker") }) // compiling takes long
	script := b.shelf.put([]byte(`
CREATE TABLE sales(region TEXT, amount INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000)
INSERT INTO sales SELECT CASE i % 3 WHEN 0 THEN 'north' WHEN 1 THEN 'south' ELSE 'west' END, i FROM n;
.output /out/report.txt
SELECT region, count(*), sum(amount) FROM sales GROUP BY region ORDER BY region;
.output stdout
SELECT 'done', count(*) FROM sales;
`))
	out := b.do(t, workertest.Load(t, workertest.SQLite()), worker.Job{Args: []string{"-batch"}, Stdin: script, Output: true})
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
	out := b.do(t, workertest.Load(t, workertest.QuickJS()), worker.Job{})
	require.Equal(t, worker.ClassPolicy, out.Class)
	require.Contains(t, out.Reason, "module: imports wasi_snapshot_preview1.sock_")
	require.Contains(t, out.Reason, "guests have no network")
	require.Zero(t, b.Stats().Compiled)
}
