package scheduler_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/internal/duty"
	"github.com/fogcompute/fogcompute/fog/internal/journal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// TestTiersAreNeverInverted keeps a small fleet short of room: whatever ends, comes, is paused, drained or lost, no attempt is placed on
// room that a better tier's job could have. What that means exactly is auditor.inverts.
func TestTiersAreNeverInverted(t *testing.T) {
	met := 0
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(struct{ rapid.TB }{t}, func(rt *rapid.T) {
			facts, duties := journal.NewMemory(nil), duty.NewMemory(nil)
			w := newBatchWorld(t, rt, scheduler.NewMemory(facts, duties), duties, facts)
			defer func() { met += w.rows.met }()
			defer w.close()
			for _, id := range []string{"a", "b", "g"}[:rapid.IntRange(1, 3).Draw(rt, "nodes")] {
				w.fleet[scheduler.NodeID(id)] = batchNode(id)
				w.sync(batchNode(id))
			}
			w.hunger(rt)
			rt.Repeat(map[string]func(*rapid.T){
				"": w.fair, "submit": w.hunger, "batch": w.submitSome, "claim": w.claimAll, "report": w.reportOne, "report2": w.reportOne, "time": w.pass,
				"time2": w.pass, "beat": w.beatAll, "command": w.command, "node": w.changeNode, "mark": w.markNode, "usurp": w.usurp, "pause": w.interfere,
			})
		})
	})
	require.Positive(t, met, "jobs were placed while better ones waited, so there was something to look at")
}

// interfere lets somebody pause the next job that is placed, before its plan is written.
func (w *batchWorld) interfere(*rapid.T) {
	w.rows.mu.Lock()
	defer w.rows.mu.Unlock()
	w.rows.pause = func(id scheduler.JobID) { _, _ = w.Pause(context.WithoutCancel(w.t.Context()), id) } // it may be over
}

// hunger submits more than there is room for, of two sizes and all tiers.
func (w *batchWorld) hunger(rt *rapid.T) {
	for i := range rapid.IntRange(2, 8).Draw(rt, "jobs") {
		b := scheduler.Submission{
			Name: fmt.Sprint("hungry ", i), Tier: rapid.SampledFrom(scheduler.Tiers()).Draw(rt, "tier"), Trust: quorum(1, 1),
			Demand:   scheduler.Demand{MilliCPU: rapid.SampledFrom([]int64{2000, 4000}).Draw(rt, "cpu"), MemoryMB: 64},
			Estimate: time.Minute, Priority: rapid.IntRange(-2, 2).Draw(rt, "priority"), Count: rapid.SampledFrom([]int{0, 0, 2}).Draw(rt, "count"),
			Gang: rapid.IntRange(0, 4).Draw(rt, "gang") == 0,
		}
		out, err := w.Submit(as(w.t.Context(), "ann"), []scheduler.Submission{b})
		require.NoError(rt, err)
		if len(out) == 1 && out[0].Err != nil {
			break // the quota
		}
	}
	w.wait(0)
}

// fair checks what the store has seen.
func (w *batchWorld) fair(rt *rapid.T) {
	w.census()
	_, wrong := w.rows.finding()
	require.NoError(rt, wrong)
}
