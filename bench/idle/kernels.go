package idle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// kernels are the arguments of the four kernels of FOG_DATA, with the sizes at which they were studied.
func kernels() [][]string {
	return [][]string{{"int", "10000000"}, {"sha", "100000"}, {"sieve", "10000000"}, {"mat", "384"}}
}

// compileKernels builds the kernels' guest with clang.
func compileKernels(ctx context.Context, dir string) ([]byte, error) {
	data := os.Getenv("FOG_DATA")
	if data == "" {
		return nil, errors.New("FOG_DATA does not name a folder with kernels/cpu.c")
	}
	clang, err := exec.LookPath("clang")
	if err != nil {
		return nil, errors.New("clang is missing: install clang, lld, wasi-libc and libclang-rt-dev-wasm32")
	}
	out := filepath.Join(dir, "cpu.wasm")
	cmd := exec.CommandContext(ctx, clang, "--target=wasm32-wasi", "--sysroot=/usr", "-O2", "-o", out, filepath.Join(data, "kernels", "cpu.c"))
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("clang: %w: %s", err, text)
	}
	return os.ReadFile(out)
}

// stoppable compares the CPU time of the kernels in a worker, which can be killed, with that in this process under the runtime's own stop
// switch.
func (s *Setting) stoppable(ctx context.Context) (Result, error) {
	return s.kernels(ctx, "close-on-done", true, 5)
}

// bare compares it with that in this process, where nothing could stop them.
func (s *Setting) bare(ctx context.Context) (Result, error) {
	return s.kernels(ctx, "bare-wazero", false, 21)
}

// kernels returns the geometric mean, over the kernels, of the ratios of median CPU times, and as values the geometric means of both.
func (s *Setting) kernels(ctx context.Context, peer string, switched bool, rounds int) (r Result, err error) {
	dir, err := tempDir()
	if err != nil {
		return r, err
	}
	defer remove(dir)
	wasm, err := compileKernels(ctx, dir)
	if err != nil {
		return r, err
	}
	pool, err := hire(nil)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	here, err := embed(ctx, wasm, switched)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, here.close(ctx)) }()
	module := pool.put(wasm)
	r = Result{Value: 1, PeerValue: 1, Ratio: 1, Unit: "ms", Peer: peer}
	root := 1 / float64(len(kernels()))
	for _, args := range kernels() {
		var ours, theirs []float64
		for round := -1; round < s.rounds(rounds); round++ {
			out, err := pool.do(ctx, worker.Job{Module: module, Args: args})
			if err != nil {
				return r, err
			}
			said, spent, err := here.run(ctx, args, nil, nil)
			switch {
			case err != nil:
				return r, err
			case said != string(out.Stdout):
				return r, fmt.Errorf("%s: %q and %q", args[0], out.Stdout, said)
			case round >= 0:
				ours, theirs = append(ours, sample.Millis(out.CPU)), append(theirs, sample.Millis(spent))
			}
		}
		a, b := sample.Median(ours), sample.Median(theirs)
		r.Value, r.PeerValue = r.Value*math.Pow(a, root), r.PeerValue*math.Pow(b, root)
		r.Ratio *= math.Pow(b/a, root)
		r.Note += fmt.Sprintf("%s %s and %s ms, ", args[0], sample.Number(a), sample.Number(b))
	}
	r.Note = strings.TrimSuffix(r.Note, ", ")
	return r, nil
}

// short is how much of the jobs a core runs that a bare loop of instantiations runs on it: the CPU time of a job that does next to nothing
// there, by its time here, on both ends of the pipe.
func (s *Setting) short(ctx context.Context) (r Result, err error) {
	const jobs = 4000
	pool, err := hire(func(c *worker.Config) { c.Max = shortWorkers })
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	here, err := embed(ctx, s.Echo, false)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, here.close(ctx)) }()
	module := pool.put(s.Echo)
	var ours, theirs, ratios []float64
	for round := -1; round < s.rounds(21); round++ {
		size := jobs
		if round < 0 {
			size = 100
		}
		began := cpu() + pool.CPU()
		if err := pool.crowd(ctx, module, size); err != nil {
			return r, err
		}
		mine := cpu() + pool.CPU() - began
		began = cpu()
		for i := range size {
			word := fmt.Sprint(i)
			said, _, err := here.run(ctx, []string{word}, nil, nil)
			if err != nil {
				return r, err
			}
			if said != "guest\x00"+word+"\x00" {
				return r, fmt.Errorf("job %d says %q", i, said)
			}
		}
		bare := cpu() - began
		if round >= 0 {
			ours, theirs = append(ours, perJob(mine, size)), append(theirs, perJob(bare, size))
			ratios = append(ratios, float64(bare)/float64(mine))
		}
	}
	return Result{
		Value: sample.Median(ours), Unit: "us", Peer: "bare-loop", PeerValue: sample.Median(theirs), Ratio: sample.Median(ratios), Note: "share " + spread(ratios),
	}, nil
}

// shortWorkers is how many workers run short jobs at once, each with two callers: one whose job runs, one that waits.
const shortWorkers = 4

// crowd has many callers run jobs that print their numbers.
func (h hired) crowd(ctx context.Context, module string, jobs int) error {
	var next atomic.Int64
	errs := make([]error, 2*shortWorkers)
	var all sync.WaitGroup
	for c := range errs {
		all.Go(func() {
			for i := next.Add(1); i <= int64(jobs) && errs[c] == nil; i = next.Add(1) {
				word := fmt.Sprint(i)
				out, err := h.do(ctx, worker.Job{Module: module, Args: []string{word}})
				if err == nil && string(out.Stdout) != "guest\x00"+word+"\x00" {
					err = fmt.Errorf("job %d says %q", i, out.Stdout)
				}
				errs[c] = err
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func perJob(d time.Duration, jobs int) float64 { return sample.Micros(d) / float64(jobs) }
