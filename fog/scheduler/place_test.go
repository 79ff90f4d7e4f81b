package scheduler

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// drawFleet is a random fleet with random load.
func drawFleet(t *rapid.T) ([]Node, []Attempt) {
	nodes := make([]Node, rapid.IntRange(0, 8).Draw(t, "nodes"))
	var live []Attempt
	for i := range nodes {
		nodes[i] = Node{
			ID: NodeID(fmt.Sprint("n", i)), Tenant: "t", Owner: principal.Account(fmt.Sprint("o", rapid.IntRange(0, 4).Draw(t, "owner"))),
			State:     rapid.SampledFrom([]NodeState{NodeUp, NodeUp, NodeUp, NodeClosed, NodeDown}).Draw(t, "state"),
			Drained:   rapid.IntRange(0, 9).Draw(t, "drained") == 0,
			Capacity:  Capacity{MilliCPU: rapid.Int64Range(0, 8000).Draw(t, "cpu"), MemoryMB: rapid.Int64Range(0, 8000).Draw(t, "memory"), MilliGPU: rapid.Int64Range(0, 1).Draw(t, "gpu") * 1000},
			Executors: rapid.SampledFrom([][]string{{"wasm"}, {"wasm", "gpu"}, nil}).Draw(t, "executors"),
			Trust:     rapid.Float64Range(0, 1).Draw(t, "trust"), Speed: rapid.Float64Range(0, 4).Draw(t, "speed"),
		}
		if rapid.Bool().Draw(t, "loaded") {
			live = append(live, Attempt{Node: nodes[i].ID, Demand: Demand{MilliCPU: rapid.Int64Range(0, 9000).Draw(t, "load")}, State: AttemptRunning})
		}
	}
	return nodes, live
}

// drawJobs are random queued jobs.
func drawJobs(t *rapid.T) []Record {
	jobs := make([]Record, rapid.IntRange(0, 20).Draw(t, "jobs"))
	for i := range jobs {
		replicas := rapid.IntRange(1, 3).Draw(t, "replicas")
		jobs[i] = Record{Job: Job{
			ID: JobID(fmt.Sprint("j", i)), Tenant: rapid.SampledFrom([]principal.Tenant{"t", "t", "t", "u"}).Draw(t, "tenant"),
			Owner:  principal.Account(fmt.Sprint("o", rapid.IntRange(0, 6).Draw(t, "payer"))),
			Tier:   rapid.SampledFrom(Tiers()).Draw(t, "tier"),
			Demand: Demand{MilliCPU: rapid.Int64Range(0, 4000).Draw(t, "needs"), MemoryMB: rapid.Int64Range(0, 4000).Draw(t, "needs memory"), MilliGPU: rapid.Int64Range(0, 1).Draw(t, "needs gpu") * 500, Executor: "wasm"},
			Trust:  Trust{Replicas: replicas, Quorum: 1}, Slots: replicas, State: Queued, NextToken: 1, Version: 1,
		}}
		if rapid.IntRange(0, 3).Draw(t, "failed") == 0 {
			jobs[i].Attempts = []Attempt{{ID: "x", Node: "n0", NodeOwner: "o0", Slot: 0, State: AttemptFailed, Class: ClassJob}}
		}
	}
	return jobs
}

func TestPlacementLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, live := drawFleet(t)
		jobs := drawJobs(t)
		f := newFleet(nodes, live, nil)
		before := slices.Clone(f.free)
		plan, fates := place(f, jobs, time.Time{})
		again, _ := place(newFleet(nodes, live, nil), jobs, time.Time{})
		require.Equal(t, plan, again, "the same fleet and jobs give the same plan")
		for i := range jobs {
			checkPlan(t, f, &jobs[i], plan[i], fates[i], before)
		}
		require.Equal(t, before, f.free, "what was taken is what was planned")
	})
}

// checkPlan checks one job's plan and takes its room from the free capacities given.
func checkPlan(t *rapid.T, f *fleet, r *Record, plan []assignment, fate fate, free []Capacity) {
	require.Equal(t, fate == placed, len(plan) > 0)
	if len(plan) == 0 {
		if fate == busy {
			return
		}
		q := requestOf(r, time.Time{})
		if len(q.slots) == 1 {
			for i := range f.nodes {
				require.True(t, f.nodes[i].Tenant != q.tenant || q.closed(f, &f.nodes[i]) != "", "a hopeless job had an open node")
			}
		}
		return
	}
	owners := map[principal.Account]bool{}
	slots := map[int]bool{}
	for _, a := range plan {
		n := &f.nodes[a.node]
		require.Equal(t, r.Job.Tenant, n.Tenant)
		require.Equal(t, NodeUp, n.State)
		require.False(t, n.Drained)
		require.NotEqual(t, r.Job.Owner, n.Owner)
		require.Contains(t, n.Executors, "wasm")
		if r.Job.Demand.MilliGPU > 0 {
			require.Contains(t, n.Executors, "gpu")
		}
		require.False(t, owners[n.Owner], "replicas on distinct owners")
		require.False(t, slots[a.slot])
		owners[n.Owner], slots[a.slot] = true, true
		free[a.node].sub(r.Job.Demand.capacity())
		require.GreaterOrEqual(t, free[a.node].MilliCPU, int64(0))
		require.GreaterOrEqual(t, free[a.node].MemoryMB, int64(0))
		require.GreaterOrEqual(t, free[a.node].MilliGPU, int64(0))
	}
}

func TestExplanationAgreesWithPlacement(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes, live := drawFleet(t)
		own := slices.DeleteFunc(slices.Clone(nodes), func(n Node) bool { return n.Tenant != "t" })
		for _, r := range drawJobs(t) {
			if r.Job.Tenant != "t" || r.Job.Slots != 1 {
				continue
			}
			_, fates := place(newFleet(nodes, live, nil), []Record{r}, time.Time{})
			reasons := explain(&r, newFleet(own, live, nil), time.Time{})
			says := slices.ContainsFunc(reasons, func(x Reason) bool { return x.Code == CodeNextRound })
			require.Equal(t, fates[0] == placed, says, "%v", reasons)
			ruled := 0
			for _, x := range reasons {
				switch x.Code {
				case CodeNeverHere, CodeAllDown:
				default:
					ruled += x.Nodes
				}
			}
			if !says {
				require.Equal(t, len(own), ruled, "each node has its reason: %v", reasons)
			}
		}
	})
}

func TestScoreSpreadsAndPrefersBetterNodes(t *testing.T) {
	mk := func(id string, edit func(n *Node)) Node {
		n := Node{ID: NodeID(id), Owner: principal.Account(id), State: NodeUp, Capacity: Capacity{MilliCPU: 4000, MemoryMB: 4000}, Executors: []string{"wasm"}, Trust: 0.5, Speed: 1}
		edit(&n)
		return n
	}
	job := func(tier Tier) Record {
		return Record{Job: Job{ID: "j", Tier: tier, Demand: Demand{MilliCPU: 1000, MemoryMB: 100, Executor: "wasm"}, MaxRuntime: time.Minute, Slots: 1, Trust: Trust{Replicas: 1, Quorum: 1}, State: Queued}}
	}
	on := func(r Record, live []Attempt, nodes ...Node) NodeID {
		plan, _ := place(newFleet(nodes, live, nil), []Record{r}, time.Time{})
		return nodes[plan[0][0].node].ID
	}
	plain := mk("plain", func(*Node) {})
	require.Equal(t, NodeID("idle"), on(job(Gold), []Attempt{{Node: "plain", Demand: Demand{MilliCPU: 2000}}}, plain, mk("idle", func(*Node) {})))
	require.Equal(t, NodeID("fast"), on(job(Gold), nil, plain, mk("fast", func(n *Node) { n.Speed = 2 })))
	require.Equal(t, NodeID("trusted"), on(job(Gold), nil, plain, mk("trusted", func(n *Node) { n.Trust = 1 })))
	require.Equal(t, NodeID("plain"), on(job(Gold), nil, mk("gpu", func(n *Node) { n.Capacity.MilliGPU = 1000 }), plain), "GPUs are kept")
	half := []Attempt{{Node: "fast", Demand: Demand{MilliCPU: 2750}}}
	fast := mk("fast", func(n *Node) { n.Speed = 2 })
	require.Equal(t, NodeID("fast"), on(job(Platinum), half, plain, fast), "the better tier waits for no slow node")
	require.Equal(t, NodeID("plain"), on(job(Bronze), half, plain, fast))
}

func TestFleetFollowsNodesAndLoad(t *testing.T) {
	nodes := []Node{{ID: "a", Capacity: Capacity{MilliCPU: 4000}}, {ID: "b", Capacity: Capacity{MilliCPU: 2000}}}
	f := newFleet(nodes, []Attempt{{Node: "a", Demand: Demand{MilliCPU: 1000}}, {Node: "gone", Demand: Demand{MilliCPU: 9}}}, nil)
	require.Equal(t, []Capacity{{MilliCPU: 3000}, {MilliCPU: 2000}}, f.free)
	next, fresh := f.renew([]Node{{ID: "a", Capacity: Capacity{MilliCPU: 8000}}, {ID: "c", Capacity: Capacity{MilliCPU: 1}}})
	require.Equal(t, []NodeID{"c"}, fresh)
	require.Equal(t, []Capacity{{MilliCPU: 7000}, {MilliCPU: 1}}, next.free)
	require.Equal(t, []int{1, 0}, next.live)
	next.recount([]NodeID{"a", "nobody"}, nil)
	require.Equal(t, []Capacity{{MilliCPU: 8000}, {MilliCPU: 1}}, next.free)
	held := Demand{MilliCPU: 5}
	next.load(&Attempt{Node: "a", Demand: held}, 0)
	require.Equal(t, int64(7995), next.free[0].MilliCPU)
	next.release(0, &held, 0, groupKey{})
	require.Equal(t, int64(8000), next.free[0].MilliCPU)
}

// Devices that are noted are those that an attempt runs on; who has none noted is counted on what is left, in whatever order they are read.
func TestLoadDoesNotDependOnItsOrder(t *testing.T) {
	nodes := []Node{{ID: "a", Capacity: Capacity{MilliCPU: 9000, MilliGPU: 3000}}}
	live := []Attempt{
		{ID: "x", Node: "a", Demand: Demand{MilliGPU: 600}}, {ID: "y", Node: "a", Demand: Demand{MilliGPU: 700}},
		{ID: "z", Node: "a", Demand: Demand{MilliGPU: 1000}, GPUs: 1}, {ID: "gone", Node: "b", Demand: Demand{MilliGPU: 1000}},
	}
	want := []int16{0, 400, 300}
	require.Equal(t, want, newFleet(nodes, live, nil).gpus[0])
	slices.Reverse(live)
	f := newFleet(nodes, live, nil)
	require.Equal(t, want, f.gpus[0])
	f.recount([]NodeID{"a"}, live)
	require.Equal(t, want, f.gpus[0])
}

func TestBackOffGrowsAndIsJittered(t *testing.T) {
	j := &Job{ID: "x"}
	seen := map[time.Duration]bool{}
	for token := range int64(50) {
		j.NextToken = token
		w := backOff(ClassInfra, 1, j)
		require.GreaterOrEqual(t, w, 500*time.Millisecond)
		require.Less(t, w, 1500*time.Millisecond)
		require.Equal(t, w, backOff(ClassInfra, 1, j), "the same decision again is the same")
		seen[w] = true
	}
	require.Greater(t, len(seen), 40)
	for n := 1; n < 100; n++ {
		require.LessOrEqual(t, backOff(ClassInfra, n, j), 3*time.Minute)
		require.Positive(t, backOff(ClassDevice, n, j))
	}
}

func TestOrderedIsASortedSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var o ordered
		model := map[orderKey]bool{}
		dense := rapid.Bool().Draw(t, "dense")
		for i := range rapid.IntRange(0, 3000).Draw(t, "n") {
			k := orderKey{a: int64(i / 7), b: int64(i % 3), id: fmt.Sprint(i)}
			if !dense {
				k = orderKey{a: int64(i*7919) % 1000, id: fmt.Sprint(i % 100)}
			}
			o.add(k)
			model[k] = true
			if i%5 == 4 {
				o.remove(k)
				delete(model, k)
			}
		}
		var want []orderKey
		for k := range model {
			want = append(want, k)
		}
		slices.SortFunc(want, compareKeys)
		served := rapid.IntRange(0, len(want)).Draw(t, "served") // from the front, as queues are
		for _, k := range want[:served] {
			o.remove(k)
		}
		for _, k := range want[served/2 : served] {
			o.add(k)
		}
		want = append([]orderKey(nil), want[served/2:]...)
		require.Equal(t, len(want), o.size)
		require.Equal(t, want, slices.Collect(o.from(orderKey{a: math.MinInt64})))
		pivot := orderKey{a: rapid.Int64Range(-1, 1001).Draw(t, "pivot"), id: "5"}
		at, _ := slices.BinarySearchFunc(want, pivot, compareKeys)
		require.Equal(t, append([]orderKey(nil), want[at:]...), slices.Collect(o.from(pivot)))
		below := slices.Clone(want[:at])
		slices.Reverse(below)
		require.Equal(t, append([]orderKey(nil), below...), slices.Collect(o.before(pivot)))
		for _, b := range o.blocks {
			require.NotEmpty(t, b)
			require.Less(t, len(b), blockSize)
		}
	})
}

func TestLogIsBounded(t *testing.T) {
	d := newDraft(&Record{Job: Job{State: Queued}}, time.Unix(0, 0).UTC(), rules{})
	for i := range 3 * MaxLog {
		before := d.Job.Log
		var last LogLine
		if len(before) > 0 {
			last = before[len(before)-1]
		}
		d.note("line %d", i)
		if len(before) > 0 {
			require.Equal(t, last, before[len(before)-1], "a log that was handed out is not written to")
		}
	}
	require.Len(t, d.Job.Log, MaxLog)
	require.Equal(t, "line 191", d.Job.Log[MaxLog-1].Text)
}

// place places jobs in their order.
func place(f *fleet, jobs []Record, now time.Time) ([][]assignment, []fate) {
	plan := make([][]assignment, len(jobs))
	fates := make([]fate, len(jobs))
	for i := range jobs {
		q := requestOf(&jobs[i], now)
		plan[i], fates[i] = q.place(f)
	}
	return plan, fates
}
