//go:build linux

package main

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle/worker/workertest"
)

// TestStrangers submits programs that nobody here wrote as jobs: an interpreter with a script and an input file, a database with a
// report, and one that wants the network, which is refused.
func TestStrangers(t *testing.T) {
	t.Parallel()
	php, sqlite, quickjs := workertest.Load(t, workertest.PHP()), workertest.Load(t, workertest.SQLite()), workertest.Load(t, workertest.QuickJS())
	f := serveFogd(t, "FOG_LEASE=10s", "FOG_PRESENCE=10s")
	a := lend(t, f, "device")
	script := f.put(t, []byte(`<?php
$words = explode("\n", trim(file_get_contents("/in/data/words.txt")));
sort($words);
file_put_contents("/out/sorted.txt", implode("\n", $words) . "\n");
echo count($words), " words, sha256 ", hash("sha256", implode(",", $words)), "\n";
`))
	words := f.put(t, []byte("pear\napple\nfig\n"))
	sorting := f.submit(t, task(fields{
		"module": f.put(t, php), "args": []string{"-q", "/in/sort.php"}, "output": true, "duration_estimate": 600, "memory_required": 0.5,
		"inputs": []fields{{"path": "sort.php", "sha256": script}, {"path": "data/words.txt", "sha256": words}},
	}))
	report := f.submit(t, task(fields{
		"module": f.put(t, sqlite), "args": []string{"-batch"}, "output": true, "duration_estimate": 600,
		"stdin": f.put(t, []byte(`
CREATE TABLE sales(region TEXT, amount INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000)
INSERT INTO sales SELECT CASE i % 3 WHEN 0 THEN 'north' WHEN 1 THEN 'south' ELSE 'west' END, i FROM n;
.output /out/report.txt
SELECT region, count(*), sum(amount) FROM sales GROUP BY region ORDER BY region;
.output stdout
SELECT 'done', count(*) FROM sales;
`)),
	}))
	refused := f.submit(t, task(fields{"module": f.put(t, quickjs), "sla_tier": "bronze"}))

	j := f.end(t, sorting)
	require.Equal(t, "completed", j.Status, "%+v", j)
	assert.Equal(t, fmt.Sprintf("3 words, sha256 %x\n", sha256.Sum256([]byte("apple,fig,pear"))), string(j.Result.Stdout))
	assert.Equal(t, map[string]string{"sorted.txt": "apple\nfig\npear\n"}, outputs(t, f, j))
	j = f.end(t, report)
	require.Equal(t, "completed", j.Status, "%+v", j)
	assert.Contains(t, string(j.Result.Stdout), "done|2000\n")
	assert.Equal(t, map[string]string{"report.txt": "north|666|666333\nsouth|667|667000\nwest|667|667667\n"}, outputs(t, f, j))

	j = f.end(t, refused)
	assert.Equal(t, "failed", j.Status, "%+v", j)
	assert.Contains(t, j.Reason, "module: imports wasi_snapshot_preview1.sock_")
	assert.Contains(t, j.Reason, "guests have no network")
	compiled, err := filepath.Glob(filepath.Join(a.dir, "worker", "code", workertest.QuickJS().SHA256+"*"))
	require.NoError(t, err)
	assert.Empty(t, compiled, "it was refused before it was compiled")
	compiled, err = filepath.Glob(filepath.Join(a.dir, "worker", "code", workertest.SQLite().SHA256+"*"))
	require.NoError(t, err)
	assert.NotEmpty(t, compiled, "unlike the others")
	f.audit(t, sorting, report, refused)
}

// outputs fetches the files that a job has left.
func outputs(t *testing.T, f *fogd, j jobView) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, o := range j.Result.Outputs {
		data := f.fetch(t, "/api/blobs/"+o.SHA256)
		assert.Len(t, data, int(o.Bytes))
		files[o.Path] = string(data)
	}
	return files
}
