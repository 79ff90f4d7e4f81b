package worker_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"maps"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/fogcompute/fogcompute/fog/idle/worker"
	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

func TestMain(m *testing.M) {
	worker.Main()
	agentMain()
	goleak.VerifyTestMain(m)
}

// shelf is a Blobs in memory.
type shelf struct {
	mu    sync.Mutex // guards blobs
	blobs map[string][]byte
}

func (s *shelf) Open(_ context.Context, digest string) (io.ReadCloser, int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, ok := s.blobs[digest]
	if !ok {
		return nil, 0, fault.New(fault.NotFound, "shelf.open", "no such blob")
	}
	return io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
}

// put stores data under its digest.
func (s *shelf) put(data []byte) string {
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.blobs[digest] = data
	return digest
}

// bench is a pool with its blobs.
type bench struct {
	*worker.Pool
	shelf *shelf
}

// open returns a pool that is closed with the test. Workers run in the foreground: a loaded machine would starve them.
func open(t testing.TB, change func(*worker.Config)) *bench {
	t.Helper()
	s := &shelf{blobs: maps.Clone(map[string][]byte{})}
	cfg := worker.Config{Blobs: s, Max: 2, Foreground: true}
	if change != nil {
		change(&cfg)
	}
	pool, err := worker.New(cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, pool.Close()) })
	return &bench{pool, s}
}

// do runs a module with the job's other fields as they are.
func (b *bench) do(t testing.TB, module []byte, job worker.Job) worker.Outcome {
	t.Helper()
	job.Module = b.shelf.put(module)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := b.Do(ctx, job)
	require.NoError(t, err)
	return out
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	return data
}

// busy starts a guest that spins and returns when it does.
func (b *bench) busy(t *testing.T, limits worker.Limits) *worker.Run {
	t.Helper()
	run, err := b.Start(t.Context(), worker.Job{Module: b.shelf.put(spin()), Limits: limits})
	require.NoError(t, err)
	working(t, run)
	return run
}

// working waits until a run uses CPU time.
func working(t *testing.T, run *worker.Run) {
	t.Helper()
	before := run.Usage()
	require.Eventually(t, func() bool { return run.Usage() > before }, 30*time.Second, time.Millisecond)
}
