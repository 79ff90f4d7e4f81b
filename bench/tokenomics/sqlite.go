package tokenomics

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
)

func sqliteFigures(s *Setting) []Figure {
	var both shared[grouping]
	measured := func(pick func(grouping) Result) func(context.Context) (Result, error) {
		return func(ctx context.Context) (Result, error) {
			g, err := both.get(func() (grouping, error) { return group(ctx, s) })
			if err != nil {
				return Result{}, err
			}
			return pick(g), nil
		}
	}
	return []Figure{
		{"sqlite/group_vs_single", ">", 10, measured(grouping.ratio)},
		{"sqlite/fdatasync_us", "", 0, measured(grouping.disk)},
		{"sqlite/pure_vs_cgo", ">", 0.7, func(ctx context.Context) (Result, error) { return drivers(ctx, s) }},
	}
}

// grouping is the ledger on SQLite under 512 callers beside one transaction a transfer, and the disk beside both.
type grouping struct {
	group  steps
	single []float64
	sync   []float64 // microseconds of one fdatasync
}

func group(ctx context.Context, s *Setting) (g grouping, err error) {
	stage := s.stage()
	defer stage.clear()
	dir, ledger, err := stage.sqlite(ctx)
	if err != nil {
		return g, err
	}
	peer, err := newSingle(ctx, dir)
	if err != nil {
		return g, err
	}
	stage.undo = append(stage.undo, peer.db.Close)
	for round := -1; round < s.rounds(7); round++ {
		var batches batched
		var rate, flush float64
		err := inTurns(round,
			func() error {
				batches, err = ledger.run(ctx, nil, load{callers: 512, lasts: stretch, one: ledger.spread, around: s.profiled("sqlite-512")})
				return err
			},
			func() error { rate, err = peer.run(ctx, ledger.key); return err },
			func() error { flush, err = flushTime(dir); return err })
		if err != nil {
			return g, err
		}
		if round >= 0 {
			g.group.add(batches)
			g.single, g.sync = append(g.single, rate), append(g.sync, flush)
		}
	}
	return g, nil
}

// run is the number of single transactions a second. More callers than one would only wait for each other.
func (s *single) run(ctx context.Context, key func() string) (float64, error) {
	seed := uint64(s.done)
	o, err := load{callers: 1, lasts: stretch, one: func(ctx context.Context, n uint64) error {
		from, to := pair(seed + n)
		return s.transfer(ctx, key(), string(from), string(to))
	}}.run(ctx)
	if err != nil {
		return 0, err
	}
	return o.rate(), s.check(ctx)
}

func (g grouping) ratio() Result {
	return versus("transfers/s", g.group.rates, "single", g.single, g.group.note())
}

func (g grouping) disk() Result {
	return Result{Value: sample.Median(g.sync), Unit: "us", Note: fmt.Sprintf("from %s to %s", sample.Number(sample.Least(g.sync)), sample.Number(sample.Most(g.sync)))}
}

// flushTime is the median time, in microseconds, that the disk takes to keep one more page of a file.
func flushTime(dir folder) (float64, error) {
	f, err := os.CreateTemp(string(dir), "flush-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	page := make([]byte, 4096)
	var took []time.Duration
	for range 300 {
		began := time.Now()
		if _, err := f.Write(page); err != nil {
			return 0, err
		}
		if err := syscall.Fdatasync(int(f.Fd())); err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	return sample.Micros(sample.Percentile(took, 0.5)), nil
}

// drivers compares the driver without cgo with the one that is SQLite itself, in a program of its own: the platform and this bench have no cgo.
func drivers(ctx context.Context, s *Setting) (r Result, err error) {
	if _, err := exec.LookPath("gcc"); err != nil {
		return r, errors.New("the other driver is built with gcc, which is not installed")
	}
	g := s.stage()
	defer g.clear()
	dir, err := g.folder()
	if err != nil {
		return r, err
	}
	program, err := s.Build(ctx, string(dir), "./tokenomics/drivers", "CGO_ENABLED=1")
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, program, string(dir), strconv.Itoa(s.rounds(21)))
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("drivers: %w", err)
	}
	var found struct{ Pure, Cgo, PureCPU, CgoCPU []float64 }
	if err := json.Unmarshal(text, &found); err != nil {
		return r, err
	}
	return versus("transfers/s", found.Pure, "mattn/go-sqlite3", found.Cgo, fmt.Sprintf("CPU time of a transfer %s and %s us",
		sample.Number(sample.Median(found.PureCPU)), sample.Number(sample.Median(found.CgoCPU)))), nil
}
