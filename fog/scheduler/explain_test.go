package scheduler_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

func codes(e scheduler.Explanation) map[scheduler.Code]int {
	out := make(map[scheduler.Code]int)
	for _, reason := range e.Reasons {
		out[reason.Code] = reason.Nodes
	}
	return out
}

func (r *rig) explain(id scheduler.JobID) map[scheduler.Code]int {
	r.t.Helper()
	e, err := r.Explain(r.t.Context(), id)
	require.NoError(r.t, err)
	require.Equal(r.t, r.state(id), e.State)
	for _, reason := range e.Reasons {
		require.NotEmpty(r.t, reason.Text)
	}
	return codes(e)
}

type reasons = map[scheduler.Code]int

func TestExplainCountsEveryNode(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		job := r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 2000, MemoryMB: 1000}})
		require.Equal(t, reasons{scheduler.CodeNoNodes: 0}, r.explain(job))

		edit := func(id string, change func(n *scheduler.Node)) {
			n := node(id)
			change(&n)
			r.sync(n)
		}
		edit("down", func(n *scheduler.Node) { n.State = scheduler.NodeDown })
		require.Equal(t, reasons{scheduler.CodeAllDown: 1, scheduler.CodeNodeDown: 1}, r.explain(job))
		edit("hot", func(n *scheduler.Node) { n.State, n.Reasons = scheduler.NodeClosed, []string{"too hot"} })
		edit("bare", func(n *scheduler.Node) { n.Executors = nil })
		edit("small", func(n *scheduler.Node) { n.Capacity.MilliCPU = 1999 })
		edit("lean", func(n *scheduler.Node) { n.Capacity.MemoryMB = 999 })
		edit("own", func(n *scheduler.Node) { n.Owner = "operator" })
		edit("drained", func(n *scheduler.Node) { n.State = scheduler.NodeClosed })
		require.NoError(t, r.Drain(t.Context(), "drained", true))
		require.Equal(t, reasons{
			scheduler.CodeNodeDown: 1, scheduler.CodeIneligible: 1, scheduler.CodeNoExecutor: 1, scheduler.CodeCPUNever: 1,
			scheduler.CodeMemoryNever: 1, scheduler.CodeOwnDevice: 1, scheduler.CodeDrained: 1,
		}, r.explain(job))
		e, err := r.Explain(t.Context(), job)
		require.NoError(t, err)
		require.Contains(t, e.Reasons, scheduler.Reason{Code: scheduler.CodeIneligible, Text: "1 device not to be harvested now (too hot)", Nodes: 1})
	})
}

func TestExplainBusyAndNever(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a")
		running := r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 3000}})
		require.Equal(t, reasons{scheduler.CodeAwaitingPickUp: 0}, r.explain(running))
		o := r.fetch("a")
		require.Equal(t, reasons{scheduler.CodeWorking: 0}, r.explain(running))
		waiting := r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 2000}})
		require.Contains(t, r.explain(waiting), scheduler.CodeCPUBusy)
		fat := r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliCPU: 1, MemoryMB: 8190}})
		require.Contains(t, r.explain(fat), scheduler.CodeMemoryBusy)
		require.NotContains(t, r.explain(fat), scheduler.CodeCPUBusy)
		gpu := r.submit(scheduler.Submission{Demand: scheduler.Demand{MilliGPU: 1000}})
		require.Equal(t, reasons{scheduler.CodeNeverHere: 1, scheduler.CodeNoExecutor: 1}, r.explain(gpu))
		e, err := r.Explain(t.Context(), gpu)
		require.NoError(t, err)
		require.Contains(t, e.Reasons[1].Text, "wasm, gpu")
		platinum := r.submit(scheduler.Submission{Tier: scheduler.Platinum})
		require.Contains(t, r.explain(platinum), scheduler.CodeDistinctOwners)
		require.NoError(t, r.report(done(o, "")).Err)
		require.Equal(t, reasons{}, r.explain(running))

		paused := r.submit(scheduler.Submission{})
		_, err = r.Pause(t.Context(), paused)
		require.NoError(t, err)
		require.Equal(t, reasons{scheduler.CodePaused: 0}, r.explain(paused))
	})
}

func TestExplainFailuresAndFunds(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		r.nodes("a", "b")
		job := r.submit(scheduler.Submission{})
		first := r.on(job)
		r.report(exit(r.fetch(first), 1))
		got := r.explain(job)
		require.Equal(t, reasons{scheduler.CodeBackOff: 0, scheduler.CodeFailedThere: 1}, got)
		r.wait(time.Second)
		require.Equal(t, scheduler.Placed, r.state(job))
	})
	inBubble(t, scheduler.Config{Escrow: away()}, func(t *testing.T, r *rig) {
		require.Equal(t, reasons{scheduler.CodeAwaitingFunds: 0}, r.explain(r.submit(scheduler.Submission{})))
	})
}

func TestExplainReplicas(t *testing.T) {
	inBubble(t, scheduler.Config{}, func(t *testing.T, r *rig) {
		twin := node("a2")
		twin.Owner = "device:a"
		r.sync(twin)
		r.nodes("a", "b")
		full := r.submit(scheduler.Submission{Trust: quorum(2, 2), Demand: scheduler.Demand{MilliCPU: 4000}})
		r.report(failed(r.fetch("b"), scheduler.ClassDevice))
		down := node("b")
		down.State = scheduler.NodeDown
		r.sync(down)
		r.wait(time.Second)
		require.Equal(t, reasons{scheduler.CodeReplicaThere: 2, scheduler.CodeNodeDown: 1}, r.explain(full))
	})
}
