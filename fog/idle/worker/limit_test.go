package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/idle/worker"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	b := open(t, nil)
	for _, c := range []struct {
		name   string
		module []byte
		limits worker.Limits
		class  worker.Class
		limit  worker.Limit
		reason string
	}{
		{"nothing at all", empty(), worker.Limits{}, "", "", ""},
		{"exit 0", exit(0), worker.Limits{}, "", "", ""},
		{"exit 1", exit(1), worker.Limits{}, worker.ClassJob, "", "exit code 1"},
		{"trap", trap(), worker.Limits{}, worker.ClassJob, "", "trap: unreachable"},
		{"endless recursion", recurse(), worker.Limits{}, worker.ClassJob, "", "trap: stack overflow"},
		{"spin against CPU time", spin(), worker.Limits{CPU: 100 * time.Millisecond}, worker.ClassJob, worker.LimitCPU, "cpu: more than 100ms used"},
		{"spin against the clock", spin(), worker.Limits{Wall: 100 * time.Millisecond}, "", worker.LimitWall, "wall: "},
		{"grow without end", hungry(), worker.Limits{MemoryBytes: 16 << 20}, worker.ClassJob, worker.LimitMemory, "memory: the guest asked for more than its limit; then trap: unreachable"},
		{"grow too much and not mind", modest(), worker.Limits{}, "", "", ""},
		{"grow a table", crowded(), worker.Limits{MemoryBytes: 1 << 20}, "", "", ""},
		{"start with too much", (&wasm{memory: []byte{0, 0x80, 0x20}}).bytes(), worker.Limits{MemoryBytes: 16 << 20}, worker.ClassJob, worker.LimitMemory, "memory: the guest starts with 256 MiB, its limit is 16 MiB"},
		{"endless output", chatty(1), worker.Limits{StdoutBytes: 100}, worker.ClassJob, worker.LimitStdout, "stdout: the guest wrote more than its limit to standard output"},
		{"endless errors", chatty(2), worker.Limits{CPU: 100 * time.Millisecond}, worker.ClassJob, worker.LimitCPU, "cpu: more than 100ms used"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out := b.do(t, c.module, worker.Job{Limits: c.limits})
			if c.limit == worker.LimitWall { // whose fault it is depends on how busy this machine is
				require.Contains(t, []worker.Class{worker.ClassJob, worker.ClassDevice}, out.Class)
			} else {
				require.Equal(t, c.class, out.Class, out.Reason)
			}
			require.Equal(t, c.limit, out.Limit)
			require.Contains(t, out.Reason, c.reason)
			require.Equal(t, c.name == "exit 1", out.ExitCode == 1)
			if c.limit == worker.LimitStdout {
				require.Len(t, out.Stdout, 100)
			}
			if c.limit == worker.LimitCPU {
				require.GreaterOrEqual(t, out.CPU, c.limits.CPU)
			}
		})
	}
}
