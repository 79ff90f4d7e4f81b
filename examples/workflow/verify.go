package main

import (
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler"
)

type (
	// run is an attempt that began on a node.
	run struct {
		scheduler.Attempt
		step string
		node scheduler.Node
	}

	// history is what happened, by the scheduler's own records: the jobs of each step, and the runs of each.
	history struct {
		jobs map[string][]scheduler.Job
		runs map[string][]run
		all  []run
	}
)

// historyOf sorts the records of all jobs.
func historyOf(records []scheduler.Record, nodes []scheduler.Node) history {
	h := history{jobs: make(map[string][]scheduler.Job), runs: make(map[string][]run)}
	for _, r := range records {
		step := r.Job.Name
		h.jobs[step] = append(h.jobs[step], r.Job)
		for _, a := range r.Attempts {
			if !a.Started.IsZero() {
				at := slices.IndexFunc(nodes, func(n scheduler.Node) bool { return n.ID == a.Node })
				h.runs[step] = append(h.runs[step], run{a, step, nodes[at]})
			}
		}
		slices.SortFunc(h.runs[step], func(a, b run) int { return a.Started.Compare(b.Started) })
	}
	for _, runs := range h.runs {
		h.all = append(h.all, runs...)
	}
	return h
}

// over is when the last job of a step was.
func (h *history) over(step string) (last time.Time) {
	for _, j := range h.jobs[step] {
		if j.Finished.After(last) {
			last = j.Finished
		}
	}
	return last
}

// verify holds the history to the rules of the workflow.
func verify(h history, steps []scheduler.Submission) {
	endings := map[string]scheduler.State{"subtitles": scheduler.Failed, "translate": scheduler.Cancelled, "dream": scheduler.Cancelled}
	for _, s := range steps {
		require(len(h.jobs[s.Key]) == max(1, s.Count), "%s has %d jobs", s.Key, len(h.jobs[s.Key]))
		for _, j := range h.jobs[s.Key] {
			ending, special := endings[s.Key]
			require(j.State == ending || !special && j.State == scheduler.Vested, "a job of %s is %s: %s", s.Key, j.State, j.Reason)
		}
		for _, r := range h.runs[s.Key] {
			for _, d := range s.After {
				require(!r.Started.Before(h.over(string(d.Job[1:]))), "%s began before %s was over", s.Key, d.Job[1:])
			}
			for _, t := range s.Constraints.Require {
				require(r.node.Labels[t.Key] == t.Values[0], "%s ran on %s, whose %s is not %s", s.Key, r.Node, t.Key, t.Values[0])
			}
			require(len(r.node.Taints) == 0 || len(s.Constraints.Tolerate) > 0, "%s ran on %s, which is tainted", s.Key, r.Node)
			for _, spread := range s.Constraints.Spread {
				require(h.beside(r, s.Key, spread.Key) <= spread.Max, "too many of %s ran in one %s", s.Key, spread.Key)
			}
			h.fits(r)
		}
	}
	for _, r := range h.runs["crowd"] {
		require(r.Placed.Equal(h.runs["crowd"][0].Placed), "the gang was not placed as one")
	}
	for _, later := range h.runs["index"] {
		for _, first := range h.runs["urgent"] {
			require(!later.Placed.Before(first.Placed), "priority did not count")
		}
	}
	replicas := h.runs["publish"]
	require(len(replicas) == 2 && replicas[0].NodeOwner != replicas[1].NodeOwner, "publish did not run on nodes of two owners")
}

// meets reports whether a run was under way when another began.
func (r *run) meets(other run) bool {
	return !other.Started.Before(r.Started) && other.Started.Before(r.Ended)
}

// beside counts the runs of a step that were under way in the same place when a run of it began, itself included.
func (h *history) beside(r run, step, label string) (n int) {
	for _, other := range h.runs[step] {
		if other.meets(r) && other.node.Labels[label] == r.node.Labels[label] {
			n++
		}
	}
	return n
}

// fits holds a node to its capacity at the moment when a run began on it.
func (h *history) fits(r run) {
	var cpu, gpu int64
	for _, other := range h.all {
		if other.Node == r.Node && other.meets(r) {
			cpu, gpu = cpu+other.Demand.MilliCPU, gpu+other.Demand.MilliGPU
		}
	}
	require(cpu <= r.node.Capacity.MilliCPU && gpu <= r.node.Capacity.MilliGPU, "%s was too full when %s began", r.Node, r.step)
}

// table prints what became of each step.
func table(h history, steps []scheduler.Submission, began time.Time) {
	fmt.Printf("\n%-10s %-9s %4s  %-10s %8s %8s  nodes\n", "step", "tier", "jobs", "ended", "from ms", "to ms")
	for _, s := range steps {
		first, j := "-", h.jobs[s.Key][0]
		nodes := make(map[scheduler.NodeID]bool)
		for i, r := range h.runs[s.Key] {
			nodes[r.Node] = true
			if i == 0 {
				first = fmt.Sprint(r.Started.Sub(began).Milliseconds())
			}
		}
		fmt.Printf("%-10s %-9s %4d  %-10s %8s %8d  %d\n", s.Key, j.Tier, len(h.jobs[s.Key]), j.State, first, h.over(s.Key).Sub(began).Milliseconds(), len(nodes))
	}
}

// require ends the program unless something holds.
func require(holds bool, format string, a ...any) {
	if !holds {
		log.Fatalf(format, a...)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
