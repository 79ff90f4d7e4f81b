package main

import (
	"strconv"
	"time"

	"github.com/fogcompute/fogcompute/fog/principal"
	"github.com/fogcompute/fogcompute/fog/scheduler"
)

// fleet is four nodes in each of three zones: a4 is a laboratory's, b4 is slow, and c4 has two GPUs and a fast disk.
func fleet() []scheduler.Node {
	var nodes []scheduler.Node
	for _, zone := range []string{"a", "b", "c"} {
		for _, number := range []string{"1", "2", "3", "4"} {
			name := zone + number
			nodes = append(nodes, scheduler.Node{
				ID: scheduler.NodeID(name), Owner: principal.Account("device:" + name), State: scheduler.NodeUp, Trust: 1, Speed: 1,
				Capacity:  scheduler.Capacity{MilliCPU: 4000, MemoryMB: 8192},
				Executors: []string{scheduler.ExecutorWASM},
				Labels:    map[string]string{scheduler.LabelZone: zone, "disk": "hdd"},
			})
		}
	}
	nodes[3].Labels["site"] = "lab"
	nodes[3].Taints = []scheduler.Taint{{Key: "lab", Effect: scheduler.Refuse}}
	nodes[7].Speed = 0.5
	nodes[11].Capacity.MilliGPU, nodes[11].Labels["disk"] = 2000, "ssd"
	nodes[11].Executors = append(nodes[11].Executors, scheduler.ExecutorGPU)
	return nodes
}

// film is the workflow. The arguments of a program are how long it takes on a node of speed 1, and its exit code.
//
//	cut ──▶ render[24] ──▶ grade ─┐            index[60], urgent[8]: for the archive, when there is room
//	    ├─▶ sound ────────────────┴─▶ publish  probe: on the laboratory's node
//	    └─▶ crowd[6], all at once or not       dream: more GPUs than there are
//	subtitles ──▶ translate, on success
//	          └─▶ apologise, on failure
func film() []scheduler.Submission {
	after := func(steps ...string) (out []scheduler.Dependency) {
		for _, step := range steps {
			out = append(out, scheduler.Dependency{Job: scheduler.JobID("@" + step)})
		}
		return out
	}
	needs := func(key, value string) []scheduler.Term {
		return []scheduler.Term{{Key: key, Op: scheduler.In, Values: []string{value}}}
	}
	apart := scheduler.Constraints{Spread: []scheduler.Spread{{Key: scheduler.LabelZone, Max: 4}}}
	lab := scheduler.Constraints{Require: needs("site", "lab"), Tolerate: []scheduler.Toleration{{Key: "lab"}}}
	exits := map[string]int{"subtitles": 1} // 0 of the others
	steps := []scheduler.Submission{
		{Key: "cut", Tier: scheduler.Gold, Estimate: 120 * time.Millisecond},
		{Key: "render", Tier: scheduler.Silver, Estimate: 150 * time.Millisecond, Count: 24, After: after("cut"), Constraints: apart},
		{Key: "sound", Tier: scheduler.Silver, Estimate: 300 * time.Millisecond, After: after("cut")},
		{Key: "grade", Tier: scheduler.Silver, Estimate: 150 * time.Millisecond, After: after("render"),
			Demand: scheduler.Demand{MilliGPU: 1000}, Constraints: scheduler.Constraints{Require: needs("disk", "ssd")}},
		{Key: "publish", Tier: scheduler.Platinum, Estimate: 100 * time.Millisecond, After: after("grade", "sound")}, // two replicas agree
		{Key: "subtitles", Tier: scheduler.Silver, Estimate: 100 * time.Millisecond},
		{Key: "translate", Estimate: 100 * time.Millisecond, After: after("subtitles")},
		{Key: "apologise", Estimate: 100 * time.Millisecond, After: []scheduler.Dependency{{Job: "@subtitles", When: scheduler.OnFailure}}},
		{Key: "crowd", Tier: scheduler.Gold, Estimate: 250 * time.Millisecond, Count: 6, Gang: true, After: after("cut"), Demand: scheduler.Demand{MilliCPU: 3000}},
		{Key: "index", Estimate: 100 * time.Millisecond, Count: 60, Demand: scheduler.Demand{MilliCPU: 2000}},
		{Key: "urgent", Estimate: 100 * time.Millisecond, Count: 8, Demand: scheduler.Demand{MilliCPU: 2000}, Priority: 10},
		{Key: "probe", Tier: scheduler.Gold, Estimate: 200 * time.Millisecond, Demand: scheduler.Demand{MilliCPU: 4000}, Constraints: lab},
		{Key: "dream", Demand: scheduler.Demand{MilliGPU: 8000}},
	}
	for i := range steps {
		steps[i].Name = steps[i].Key
		steps[i].Task.Args = []string{steps[i].Estimate.String(), strconv.Itoa(exits[steps[i].Key])}
	}
	return steps
}
