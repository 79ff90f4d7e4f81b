package idle

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// reader is a guest that nobody here wrote, with something to do.
type reader struct {
	file   string // as the tests of fog/idle/worker keep it
	args   []string
	stdin  string
	script string // at /in/script.php
}

func php() reader {
	return reader{file: "php-cgi-8.2.0.wasm", args: []string{"-q", "/in/script.php"}, script: `<?php
$s = 0; for ($i = 0; $i < 20000; $i++) { $s = ($s * 31 + $i) % 1000003; }
echo $s, " ", hash("sha256", str_repeat("fog", 1000)), " ", date("Y-m-d H:i:s"), "\n";
`}
}

func sqlite() reader {
	return reader{file: "sqlite.wasm", args: []string{"-batch"}, stdin: `CREATE TABLE t(a INTEGER, b TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 2000) INSERT INTO t SELECT i * 7919 % 1009, hex(i) FROM n;
SELECT count(*), sum(a), max(b), random() FROM t;
`}
}

// load reads the guest's module from where the tests have put it.
func (g reader) load() ([]byte, error) {
	dir := os.Getenv("FOG_NPM_CACHE")
	if dir == "" {
		caches, err := os.UserCacheDir()
		if err != nil {
			return nil, err
		}
		dir = filepath.Join(caches, "fogcompute", "npm")
	}
	data, err := os.ReadFile(filepath.Join(dir, g.file))
	if err != nil {
		return nil, fmt.Errorf("%s is not in %s: go test -run Runno ./fog/idle/worker fetches it", g.file, dir)
	}
	return data, nil
}

// job is the guest's job in a pool.
func (g reader) job(pool hired, wasm []byte) worker.Job {
	job := worker.Job{Module: pool.put(wasm), Args: g.args, Seed: 7, Limits: worker.Limits{MemoryBytes: 1 << 30}}
	if g.stdin != "" {
		job.Stdin = pool.put([]byte(g.stdin))
	}
	if g.script != "" {
		job.Inputs = []worker.Input{{Path: "script.php", SHA256: pool.put([]byte(g.script))}}
	}
	return job
}

// repeated compares the time of a job whose module the device had before with that of one for which it compiles, as whoever keeps no compiled
// code does for each: PHP, from the order to the result.
func (s *Setting) repeated(ctx context.Context) (r Result, err error) {
	g := php()
	wasm, err := g.load()
	if err != nil {
		return r, err
	}
	dir, err := tempDir()
	if err != nil {
		return r, err
	}
	defer remove(dir)
	if err := os.WriteFile(filepath.Join(dir, "script.php"), []byte(g.script), 0o600); err != nil {
		return r, err
	}
	pool, err := hire(nil)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	job := g.job(pool, wasm)
	if _, err := pool.do(ctx, job); err != nil { // the device has it now
		return r, err
	}
	var ours, theirs []float64
	for range s.rounds(5) {
		began := time.Now()
		if _, err := pool.do(ctx, job); err != nil {
			return r, err
		}
		ours = append(ours, sample.Millis(time.Since(began)))
		began = time.Now()
		here, err := embed(ctx, wasm, true)
		if err != nil {
			return r, err
		}
		_, _, err = here.run(ctx, g.args, nil, map[string]string{"/in": dir})
		theirs = append(theirs, sample.Millis(time.Since(began)))
		if err = errors.Join(err, here.close(ctx)); err != nil {
			return r, err
		}
	}
	a, b := sample.Median(ours), sample.Median(theirs)
	return Result{Value: a, Unit: "ms", Peer: "compile-per-job", PeerValue: b, Ratio: b / a, Note: spread(ours)}, nil
}

// identical is the share of runs of real guests, compiled and interpreted, whose every byte is that of the first one.
func (s *Setting) identical(ctx context.Context) (r Result, err error) {
	runs, same := 0, 0
	for _, g := range []reader{sqlite(), php()} {
		wasm, err := g.load()
		if err != nil {
			return r, err
		}
		var first *worker.Outcome
		for _, interpret := range []bool{false, true} {
			pool, err := hire(func(c *worker.Config) { c.Interpret, c.Max = interpret, 2 })
			if err != nil {
				return r, err
			}
			outs, err := pool.often(ctx, g.job(pool, wasm), s.rounds(25))
			if err = errors.Join(err, pool.Close()); err != nil {
				return r, err
			}
			for i := range outs {
				if first == nil {
					first = &outs[i]
				}
				runs++
				if string(outs[i].Stdout) == string(first.Stdout) && string(outs[i].Stderr) == string(first.Stderr) && outs[i].ExitCode == first.ExitCode {
					same++
				}
			}
		}
	}
	return Result{Value: float64(same) / float64(runs), Unit: "share", Note: fmt.Sprintf("%d runs of SQLite and PHP, half of them interpreted", runs)}, nil
}

// often runs a job several times, in two workers at once.
func (h hired) often(ctx context.Context, job worker.Job, times int) ([]worker.Outcome, error) {
	outs, errs := make([]worker.Outcome, times), make([]error, times)
	next, done := make(chan int), make(chan struct{})
	for range 2 {
		go func() {
			for i := range next {
				outs[i], errs[i] = h.do(ctx, job)
			}
			done <- struct{}{}
		}()
	}
	for i := range times {
		next <- i
	}
	close(next)
	<-done
	<-done
	return outs, errors.Join(errs...)
}
