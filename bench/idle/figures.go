// Package idle is the suite of fog/idle: guests in killable worker processes, beside the same runtime in this process, bare or with its own
// stop switch, and beside compiling anew for each job.
package idle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

// Setting is what all figures share.
type Setting struct {
	Echo   []byte // the smallest guest whose result says that it ran: it prints its arguments, each with a zero behind it
	Rounds int    // of each figure; 0 is the usual number
}

// rounds is how many rounds a figure takes.
func (s *Setting) rounds(usual int) int {
	if s.Rounds > 0 {
		return s.Rounds
	}
	return usual
}

// Figure is one thing measured. Name has no suite; an empty Op is no goal.
type Figure struct {
	Name    string
	Op      string // "<", "<=", ">" or ">="
	Goal    float64
	Measure func(context.Context) (Result, error)
}

// Result is what was measured. With a peer, Value and PeerValue share a unit and the goal speaks of Ratio.
type Result struct {
	Value     float64
	Unit      string
	Peer      string
	PeerValue float64
	Ratio     float64
	Note      string
}

// Figures lists the figures.
func Figures(s Setting) []Figure {
	return []Figure{
		{"worker/kernels_vs_close_on_done", ">", 8, s.stoppable},
		{"worker/kernels_vs_bare", ">", 0.95, s.bare},
		{"worker/repeat_real_module", ">", 10, s.repeated},
		{"worker/short_jobs_share", ">", 0.7, s.short},
		{"pause_p99_ms", "<", 50, s.pause},
		{"kill_p99_ms", "<", 200, s.kill},
		{"determinism/identical", ">=", 1, s.identical},
		{"registry/beats_per_s", ">", 1e6, s.beats},
	}
}

// shelf is where a pool finds its files.
type shelf map[string][]byte

// put stores data under its digest.
func (s shelf) put(data []byte) string {
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	s[digest] = data
	return digest
}

// Open implements worker.Blobs.
func (s shelf) Open(_ context.Context, digest string) (io.ReadCloser, int64, error) {
	data, ok := s[digest]
	if !ok {
		return nil, 0, fmt.Errorf("no file %s", digest)
	}
	return io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
}

// hired is a pool with its files.
type hired struct {
	*worker.Pool
	shelf
}

// hire opens a pool as an agent does, at this process's own priority, so that both sides of a comparison have the same.
func hire(change func(*worker.Config)) (hired, error) {
	s := shelf{}
	config := worker.Config{Blobs: s, Max: 1, Foreground: true}
	if change != nil {
		change(&config)
	}
	pool, err := worker.New(config)
	return hired{pool, s}, err
}

// do runs a job, which must succeed.
func (h hired) do(ctx context.Context, job worker.Job) (worker.Outcome, error) {
	out, err := h.Do(ctx, job)
	if err == nil && !out.OK() {
		err = fmt.Errorf("the guest failed: %s %s", out.Reason, out.Stderr)
	}
	return out, err
}

// cpu is the CPU time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// tempDir makes a folder for a figure.
func tempDir() (string, error) { return os.MkdirTemp("", "fogbench-") }

// remove deletes a folder that a figure has made; what stays behind is in the temporary folder.
func remove(dir string) { _ = os.RemoveAll(dir) }

// spread says from where to where values go.
func spread(values []float64) string {
	return fmt.Sprintf("from %s to %s in %d rounds", sample.Number(sample.Least(values)), sample.Number(sample.Most(values)), len(values))
}
