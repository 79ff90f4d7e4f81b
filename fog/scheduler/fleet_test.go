package scheduler

import (
	"fmt"
	"math/bits"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/principal"
)

// richFleet is a random fleet with labels, taints, GPUs, marks and reservations.
func richFleet(t *rapid.T) *fleet {
	nodes := make([]Node, rapid.IntRange(1, 10).Draw(t, "nodes"))
	for i := range nodes {
		nodes[i] = Node{
			ID: NodeID(fmt.Sprint("n", i)), Tenant: "t", Owner: principal.Account(fmt.Sprint("o", i%4)), State: NodeUp,
			Capacity: Capacity{
				MilliCPU: rapid.Int64Range(1, 16).Draw(t, "cpu") * 1000, MemoryMB: 1 << 14, DiskMB: rapid.Int64Range(0, 9).Draw(t, "disk"),
				MilliGPU: rapid.Int64Range(0, 9).Draw(t, "gpu") * 500, MbitPS: rapid.Int64Range(0, 3).Draw(t, "net") * 100,
			},
			Executors: []string{"wasm", "gpu"}, Trust: rapid.Float64Range(0, 1).Draw(t, "trust"), Speed: rapid.Float64Range(0.5, 4).Draw(t, "speed"),
			IdleWatts: rapid.Float64Range(0, 100).Draw(t, "idle"), Ask: Price(rapid.Int64Range(0, 2000).Draw(t, "ask")),
			Labels: map[string]string{LabelZone: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "zone"), LabelRegion: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "region")},
		}
		if rapid.IntRange(0, 4).Draw(t, "tainted") == 0 {
			nodes[i].Marks.Taints = []Taint{{Key: "k", Effect: rapid.SampledFrom([]TaintEffect{Refuse, Avoid, Evict}).Draw(t, "effect")}}
		}
	}
	f := newFleet(nodes, nil, nil)
	if rapid.IntRange(0, 3).Draw(t, "reserved") == 0 {
		f.booked = []Reservation{{ID: "r", Tenant: "t", Owner: "p0", Nodes: []NodeID{"n0"}, Until: time.Unix(1000, 0)}}
	}
	return f
}

// richJobs are random jobs of few shapes.
func richJobs(t *rapid.T) []Record {
	var shapes []Job
	for i := range rapid.IntRange(1, 4).Draw(t, "shapes") {
		j := Job{
			Tenant: "t", Owner: principal.Account(fmt.Sprint("p", i%3)), Tier: rapid.SampledFrom(Tiers()).Draw(t, "tier"), MaxRuntime: time.Minute,
			Demand: Demand{
				MilliCPU: rapid.Int64Range(1, 30).Draw(t, "needs") * 100, MemoryMB: 64, Executor: "wasm",
				MilliGPU: rapid.SampledFrom([]int64{0, 0, 200, 500, 1000, 2000}).Draw(t, "needs gpu"),
				DiskMB:   rapid.Int64Range(0, 2).Draw(t, "needs disk"), MbitPS: rapid.SampledFrom([]int64{0, 0, 50}).Draw(t, "needs net"),
			},
			Trust: Trust{Replicas: 1, Quorum: 1}, Slots: 1, State: Queued, NextToken: 1, Group: rapid.SampledFrom([]string{"", "g", "h"}).Draw(t, "group"),
			DataMB: 10, DataAt: "x",
		}
		if rapid.IntRange(0, 3).Draw(t, "replicated") == 0 {
			j.Trust, j.Slots = Trust{Replicas: 2, Quorum: 2}, 2
		}
		c := &j.Constraints
		if rapid.IntRange(0, 3).Draw(t, "requires") == 0 {
			c.Require = []Term{{Key: LabelZone, Op: NotIn, Values: []string{"c"}}}
		}
		if rapid.IntRange(0, 3).Draw(t, "tolerates") == 0 {
			c.Tolerate = []Toleration{{Key: "k"}}
		}
		if rapid.IntRange(0, 3).Draw(t, "spreads") == 0 {
			c.Spread = []Spread{{Key: rapid.SampledFrom([]string{keyNode, keyOwner, LabelZone}).Draw(t, "by"), Max: 2}}
		}
		if rapid.IntRange(0, 4).Draw(t, "together") == 0 {
			c.Together = LabelZone
		}
		shapes = append(shapes, j)
	}
	jobs := make([]Record, rapid.IntRange(1, 40).Draw(t, "jobs"))
	for i := range jobs {
		jobs[i].Job = shapes[rapid.IntRange(0, len(shapes)-1).Draw(t, "shape")]
		jobs[i].Job.ID = JobID(fmt.Sprintf("j%03d", i))
	}
	return jobs
}

func TestFleetLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, jobs := richFleet(t), richJobs(t)
		now := time.Unix(500, 0)
		var live []Attempt
		for i := range jobs {
			j := &jobs[i].Job
			before := explain(&jobs[i], f, now)
			plan, fates := place(f, jobs[i:i+1], now)
			says := slices.ContainsFunc(before, func(x Reason) bool { return x.Code == CodeNextRound })
			if j.Slots == 1 {
				require.Equal(t, says, fates[0] == placed, "%v", before)
			}
			for k, a := range plan[0] {
				n := &f.nodes[a.node]
				live = append(live, Attempt{
					ID: NewAttemptID(j.ID, k, 1), Node: n.ID, Tenant: "t", Owner: j.Owner, Group: j.Group, Demand: j.Demand, GPUs: a.gpus,
				})
				require.True(t, j.Constraints.admits(n))
				require.False(t, j.Constraints.tainted(n, Refuse, Evict))
				require.False(t, f.bookedFor(n, &request{job: j, owner: j.Owner, now: now}))
				wide := min(1, j.Demand.MilliGPU) * max(1, j.Demand.MilliGPU/oneGPU)
				require.EqualValues(t, wide, bits.OnesCount64(a.gpus))
			}
		}
		checkRoom(t, f)
		checkGroups(t, f, jobs, live)
		again := newFleet(f.nodes, live, nil)
		require.Equal(t, again.free, f.free, "what is stored says the same as what was planned")
		require.Equal(t, again.gpus, f.gpus)
		require.Equal(t, again.member, f.member)
		next, fresh := f.renew(f.nodes)
		require.Empty(t, fresh)
		require.Equal(t, again.gpus, next.gpus)
		require.Equal(t, again.member, next.member)
	})
}

// checkRoom holds that nothing is used twice, in any dimension and on any device.
func checkRoom(t *rapid.T, f *fleet) {
	for i := range f.nodes {
		require.Equal(t, dimNone, f.free[i].lacks(&Demand{}), "%+v", f.free[i])
		for _, free := range f.gpus[i] {
			require.GreaterOrEqual(t, free, int16(0))
		}
	}
}

// checkGroups holds spreads and togetherness, for the groups whose jobs all ask for them.
func checkGroups(t *rapid.T, f *fleet, jobs []Record, live []Attempt) {
	for i := range jobs {
		j := &jobs[i].Job
		k := groupOf(j.Tenant, j.Owner, j.Group)
		for _, s := range j.Constraints.Spread {
			same := true
			for _, o := range jobs {
				same = same && (groupOf(o.Job.Tenant, o.Job.Owner, o.Job.Group) != k || len(o.Job.Constraints.Spread) > 0 && o.Job.Constraints.Spread[0] == s)
			}
			for _, n := range f.counts(k, s.Key) {
				require.True(t, k.name == "" || !same || n <= s.Max, "%d of %v", n, s)
			}
		}
	}
	counted := map[groupKey]int{}
	for i := range live {
		counted[groupOf(live[i].Tenant, live[i].Owner, live[i].Group)]++
	}
	for k, g := range f.groups {
		sum := 0
		for _, n := range g.nodes {
			sum += n
		}
		require.Equal(t, counted[k], sum)
	}
}

// TestBoardAgreesWithLookingAtEachNode compares the heap with a scan of the same fleet.
func TestBoardAgreesWithLookingAtEachNode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, jobs := richFleet(t), richJobs(t)
		now := time.Unix(500, 0)
		for i := range jobs {
			q := requestOf(&jobs[i], now)
			if len(q.slots) == 1 {
				b := f.board(&q)
				b.uses = 2
				wanted, possible := q.scan(f, b)
				node, can := q.best(f)
				require.Equal(t, wanted, node)
				require.Equal(t, possible, can)
			}
			q.place(f)
			if victim := i % len(f.nodes); i%5 == 4 {
				f.recount([]NodeID{f.nodes[victim].ID}, nil)
			}
		}
	})
}

func TestPickGPUs(t *testing.T) {
	for _, c := range []struct {
		free []int16
		need int64
		mask uint64
		ok   bool
	}{
		{nil, 0, 0, true},
		{nil, 100, 0, false},
		{[]int16{1000, 400, 500}, 400, 2, true},
		{[]int16{1000, 400, 500}, 450, 4, true},
		{[]int16{1000, 400, 500}, 600, 1, true},
		{[]int16{900, 900}, 1000, 0, false},
		{[]int16{900, 1000, 1000, 1000}, 2000, 6, true},
		{[]int16{900, 1000}, 2000, 0, false},
	} {
		mask, ok := pickGPUs(c.free, c.need)
		require.Equal(t, c.ok, ok, "%v", c)
		if ok {
			require.Equal(t, c.mask, mask, "%v", c)
			before := slices.Clone(c.free)
			useGPUs(c.free, mask, c.need)
			useGPUs(c.free, mask, -c.need)
			require.Equal(t, before, c.free)
		}
	}
}

func TestTermsHold(t *testing.T) {
	labels := map[string]string{"zone": "a", "mem": "32"}
	for _, c := range []struct {
		term Term
		want bool
	}{
		{Term{"zone", In, []string{"b", "a"}}, true}, {Term{"zone", In, []string{"b"}}, false}, {Term{"none", In, []string{""}}, false},
		{Term{"zone", NotIn, []string{"b"}}, true}, {Term{"zone", NotIn, []string{"a"}}, false}, {Term{"none", NotIn, []string{"a"}}, true},
		{Term{"zone", Exists, nil}, true}, {Term{"none", Exists, nil}, false}, {Term{"zone", Absent, nil}, false}, {Term{"none", Absent, nil}, true},
		{Term{"mem", More, []string{"16"}}, true}, {Term{"mem", More, []string{"32"}}, false}, {Term{"mem", Less, []string{"33"}}, true},
		{Term{"zone", Less, []string{"33"}}, false}, {Term{"none", Less, []string{"33"}}, false}, {Term{"zone", "like", []string{"a"}}, false},
	} {
		require.Equal(t, c.want, c.term.holds(labels), "%+v", c.term)
	}
}

func TestLocalityAndPreference(t *testing.T) {
	at := func(id, region string) Node {
		return Node{
			ID: NodeID(id), Owner: principal.Account(id), State: NodeUp, Capacity: Capacity{MilliCPU: 4000, MemoryMB: 4000},
			Executors: []string{"wasm"}, Trust: 1, Labels: map[string]string{LabelRegion: region},
		}
	}
	nodes := []Node{at("far", "x"), at("near", "y")}
	job := Record{Job: Job{
		ID: "j", Tier: Bronze, Demand: Demand{MilliCPU: 1000, MemoryMB: 1, Executor: "wasm"}, MaxRuntime: time.Second,
		Slots: 1, Trust: Trust{Replicas: 1, Quorum: 1}, State: Queued, DataMB: 100, DataAt: "y",
	}}
	plan, _ := place(newFleet(nodes, nil, nil), []Record{job}, time.Time{})
	require.Equal(t, 1, plan[0][0].node, "the data's region is near")
	job.Job.Constraints.Prefer = []Preference{{Term: Term{LabelRegion, In, []string{"x"}}, Weight: 100}}
	plan, _ = place(newFleet(nodes, nil, nil), []Record{job}, time.Time{})
	require.Equal(t, 0, plan[0][0].node, "a wish goes before the objectives")
}

// BenchmarkPlaceArray places jobs of one shape, BenchmarkPlaceMixed jobs of a shape each, on 200 nodes and 6,100.
func BenchmarkPlaceArray(b *testing.B) { benchPlace(b, func(int) int64 { return 10 }) }

func BenchmarkPlaceMixed(b *testing.B) {
	benchPlace(b, func(i int) int64 { return 10 + int64(i%1000) })
}

func benchPlace(b *testing.B, need func(i int) int64) {
	for _, n := range []int{200, 6100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			nodes := make([]Node, n)
			for i := range nodes {
				nodes[i] = Node{
					ID: NodeID(fmt.Sprintf("n%05d", i)), Tenant: "t", Owner: principal.Account(fmt.Sprint("o", i)), State: NodeUp,
					Capacity: Capacity{MilliCPU: 1 << 40, MemoryMB: 1 << 40}, Executors: []string{"wasm"}, Trust: 0.5 + float64(i%7)/14, Speed: 1 + float64(i%5)/5,
				}
			}
			f := newFleet(nodes, nil, nil)
			r := Record{Job: Job{ID: "j", Tenant: "t", Owner: "p", Tier: Gold, MaxRuntime: time.Minute, Slots: 1, Trust: Trust{Replicas: 1, Quorum: 1}, State: Queued}}
			for i := 0; b.Loop(); i++ {
				r.Job.Demand = Demand{MilliCPU: need(i), MemoryMB: 1, Executor: "wasm"}
				q := requestOf(&r, time.Time{})
				q.place(f)
			}
		})
	}
}
