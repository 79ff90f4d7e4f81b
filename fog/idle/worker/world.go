package worker

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"math"
	"math/rand/v2"
)

// epoch is the time at which every guest starts: 2000-01-01T00:00:00Z.
const epoch = 946_684_800

// world is the time and the randomness that a guest sees. Both depend on nothing but the job. Time advances by a
// microsecond with each look at a clock, so that loops that wait for it end, and by its whole length with each sleep, which takes no
// time.
type world struct {
	elapsed int64 // nanoseconds
}

func (w *world) tick() int64 {
	w.sleep(1000)
	return w.elapsed
}

func (w *world) wallclock() (sec int64, nsec int32) {
	ns := w.tick()
	return epoch + ns/1e9, int32(ns % 1e9)
}

func (w *world) sleep(ns int64) {
	if ns > 0 {
		w.elapsed = min(w.elapsed, math.MaxInt64-ns) + ns
	}
}

// randomness is the stream of bytes of a seed: ChaCha8 keyed with its hash.
func randomness(seed uint64) io.Reader {
	text := binary.LittleEndian.AppendUint64([]byte("fogcompute guest randomness 1\x00"), seed)
	return rand.NewChaCha8(sha256.Sum256(text))
}

// exceeded stops a guest that has exceeded a limit: it is thrown through the guest's stack and caught where the run was started.
type exceeded struct {
	limit  Limit
	reason string
}

func (e *exceeded) Error() string { return string(e.limit) + ": " + e.reason }

// sink collects what a guest writes to one of its two streams.
type sink struct {
	data []byte
	most int64
	stop bool // exceeding the bound stops the guest, else the rest is dropped
	cut  bool
}

// Write implements io.Writer.
func (s *sink) Write(p []byte) (int, error) {
	room := s.most - int64(len(s.data))
	if int64(len(p)) <= room {
		s.data = append(s.data, p...)
		return len(p), nil
	}
	s.data = append(s.data, p[:room]...)
	s.cut = true
	if s.stop {
		panic(&exceeded{LimitStdout, "the guest wrote more than its limit to standard output"})
	}
	return len(p), nil
}
