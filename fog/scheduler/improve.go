package scheduler

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	placement "github.com/fogcompute/fogcompute/fog/scheduler/place"
)

// puzzle is a part of the fleet's work that may be put elsewhere: the attempts that can move, the nodes that could take them, and
// the room that is left when all of them are lifted. It is a copy: a search on it disturbs nobody.
type puzzle struct {
	items   []item
	problem placement.Problem
	nodes   []int32 // index into the fleet of each node of the problem
	names   []NodeID
	version []int64 // of the nodes, as the search saw them
	running bool    // some of the items run
	shard   []int32 // of each node, for fleets so large that a search looks at some regions; nil for others
}

// item is one attempt that can move.
type item struct {
	record  *Record
	attempt *Attempt
	from    int // index into the fleet
	choice  choice
	request request
}

// choice is what items have in common that have the same candidates.
type choice struct {
	shape shape
	shard int32
}

// Bounds of a puzzle, so that making it is a matter of a millisecond or two.
const (
	maxItems      = 512
	maxCandidates = 16
	maxAbroad     = 8       // in the whole window, beside those in the item's shard
	maxChoices    = 200_000 // nodes that are looked at to find the candidates of all shapes
)

// movable reports whether an attempt may be put on another node without asking anybody else: it is the only one of its job, needs no
// GPU, and nothing that its group does depends on where it is.
func (r *Record) movable(a *Attempt) bool {
	j := &r.Job
	c := &j.Constraints
	return (a.State == AttemptPlaced || a.State == AttemptRunning) && a.EvictAt.IsZero() && !j.Gang &&
		j.Trust.Replicas == 1 && j.Slots == 1 && a.Demand.MilliGPU == 0 && len(c.Spread) == 0 && c.Together == ""
}

// puzzle makes a puzzle of the records' movable attempts in the window; nil where there is nothing to choose.
func (p *planner) puzzle(records []Record, w *window, now time.Time, rules *rules) *puzzle {
	f := p.fleet
	z := &puzzle{}
	choices := map[choice][]int32{}
	items, each := map[int32]int{}, w.share()
	for i := range records {
		r := &records[i]
		for k := range r.Attempts {
			a := &r.Attempts[k]
			from, ok := f.index[a.Node]
			if !ok || !r.movable(a) || w.of(from) < 0 || items[w.of(from)] == each {
				continue
			}
			q := rules.request(r, now)
			c := choice{q.shape(), w.of(from)}
			if _, known := choices[c]; !known && (len(choices)+1)*w.size(f) > maxChoices {
				continue
			}
			choices[c] = nil
			items[c.shard]++
			z.items = append(z.items, item{record: r, attempt: a, from: from, choice: c, request: q})
			z.running = z.running || a.State == AttemptRunning
		}
	}
	if len(z.items) < 2 {
		return nil
	}
	z.lift(f, true)
	defer z.lift(f, false)
	for i := range z.items {
		if c := z.items[i].choice; choices[c] == nil {
			q := rules.request(z.items[i].record, now)
			choices[c] = q.candidates(f, maxCandidates, func(n int) bool { return w.of(n) == c.shard })
			if w != nil {
				for _, n := range q.candidates(f, maxAbroad, func(n int) bool { return w.of(n) >= 0 }) {
					choices[c] = withNode(choices[c], n)
				}
			}
		}
	}
	z.pose(f, choices, now)
	if w != nil {
		for _, n := range z.nodes {
			z.shard = append(z.shard, w.of(int(n)))
		}
	}
	return z
}

// lift takes the items off the fleet, or puts them back.
func (z *puzzle) lift(f *fleet, up bool) {
	for _, it := range z.items {
		a := it.attempt
		k := groupOf(a.Tenant, a.Owner, a.Group)
		if up {
			f.release(it.from, &a.Demand, a.GPUs, k)
		} else {
			f.hold(it.from, &a.Demand, a.GPUs, k)
		}
	}
}

// candidates are the cheapest nodes with room among those that are looked at, most of them, ascending.
func (q *request) candidates(f *fleet, most int, looks func(node int) bool) []int32 {
	type offer struct {
		node int32
		cost float64
	}
	b := f.board(q)
	best := make([]offer, 0, most+1)
	for i := range f.nodes {
		if !looks(i) || math.IsInf(b.cost[i], 1) || b.want[i] != willing {
			continue
		}
		cost := b.price(f, i, &q.demand)
		if math.IsInf(cost, 1) || len(best) == most && cost >= best[most-1].cost {
			continue
		}
		at, _ := slices.BinarySearchFunc(best, cost, func(o offer, c float64) int {
			if o.cost <= c {
				return -1
			}
			return 1
		})
		best = slices.Insert(best, at, offer{int32(i), cost}) //nolint:gosec // a fleet has fewer nodes than 2^31
		best = best[:min(len(best), most)]
	}
	nodes := make([]int32, len(best))
	for i, o := range best {
		nodes[i] = o.node
	}
	slices.Sort(nodes)
	return nodes
}

// pose writes the problem. Costs of a job count by its tier's weight.
func (z *puzzle) pose(f *fleet, choices map[choice][]int32, now time.Time) {
	at := map[int32]int32{}
	for _, nodes := range choices {
		for _, n := range nodes {
			at[n] = 0
		}
	}
	for _, it := range z.items {
		at[int32(it.from)] = 0 //nolint:gosec // a fleet has fewer nodes than 2^31
	}
	for n := range at {
		z.nodes = append(z.nodes, n)
	}
	slices.Sort(z.nodes)
	for i, n := range z.nodes {
		at[n] = int32(i) //nolint:gosec // as above
	}
	pr := &z.problem
	pr.Jobs, pr.Nodes, pr.Dims, pr.Objectives = len(z.items), len(z.nodes), 4, len(f.aims)
	for _, n := range z.nodes {
		z.names, z.version = append(z.names, f.nodes[n].ID), append(z.version, f.nodes[n].Version)
		pr.Free = append(pr.Free, dims(&f.free[n])...)
		pr.Balance.Size = append(pr.Balance.Size, dims(&f.nodes[n].Capacity)...)
	}
	pr.Row = []int{0}
	for i := range z.items {
		it := &z.items[i]
		need := it.attempt.Demand.capacity()
		pr.Demand = append(pr.Demand, dims(&need)...)
		pr.Tier = append(pr.Tier, uint8(slices.Index(Tiers(), it.record.Job.Tier))) //nolint:gosec // four tiers
		pr.Start = append(pr.Start, at[int32(it.from)])                             //nolint:gosec // as above
		for _, n := range withNode(choices[it.choice], int32(it.from)) {            //nolint:gosec // as above
			if int(n) == it.from || !it.request.shuns(&f.nodes[n]) {
				pr.Node = append(pr.Node, at[n])
			}
		}
		pr.Row = append(pr.Row, len(pr.Node))
	}
	z.costs(f, now)
}

// withNode is a sorted list with one node more.
func withNode(nodes []int32, n int32) []int32 {
	at, found := slices.BinarySearch(nodes, n)
	if found {
		return nodes
	}
	return slices.Insert(slices.Clone(nodes), at, n)
}

// dims is a capacity as a row of the problem. Devices are left out: what needs one does not move.
func dims(c *Capacity) []int64 { return []int64{c.MilliCPU, c.MemoryMB, c.DiskMB, c.MbitPS} }

// costs fills the objectives in.
func (z *puzzle) costs(f *fleet, now time.Time) {
	pr := &z.problem
	pairs := len(pr.Node)
	pr.Pair = make([]float64, pr.Objectives*pairs)
	pr.Fixed = make([]float64, pr.Objectives*pr.Nodes)
	pr.Migration = make([]float64, pr.Objectives*pr.Jobs)
	for o := range f.aims {
		aim := &f.aims[o]
		if aim.Balance {
			pr.Balance.Objective, pr.Balance.Weight = o, 1
			continue
		}
		for i, n := range z.nodes {
			if aim.Fixed != nil && f.live[n] == 0 {
				pr.Fixed[o*pr.Nodes+i] = cost(aim.Fixed(&f.nodes[n]))
			}
		}
		if aim.Pair == nil {
			continue
		}
		for i := range z.items {
			it := &z.items[i]
			j := &it.record.Job
			weight := float64(TermsOf(j.Tier).Weight)
			for k := pr.Row[i]; k < pr.Row[i+1]; k++ {
				pr.Pair[o*pairs+k] = weight * cost(aim.Pair(j, &f.nodes[z.nodes[pr.Node[k]]]))
			}
			pr.Migration[o*pr.Jobs+i] = weight * cost(aim.Pair(j, &f.nodes[it.from])) * it.attempt.done(now)
		}
	}
}

// cost is what an objective says, where it says something that can be summed up.
func cost(c float64) float64 {
	if !(c > 0) { // NaN as well
		return 0
	}
	return min(c, 1e15)
}

// done is which share of a running attempt's work would be lost if it began anew, 0..1, going by the time.
func (a *Attempt) done(now time.Time) float64 {
	if a.State != AttemptRunning || a.Span <= 0 {
		return 0
	}
	return min(1, max(a.Progress, now.Sub(a.Started).Seconds()/a.Span.Seconds()))
}

// solution is what a search found.
type solution struct {
	puzzle *puzzle
	plan   placement.Plan
	gain   float64 // share of the score that the plan saves
	stats  placement.Stats
	front  int
	err    error
}

// minGain is the least gain for which placed attempts are moved: each move is a write.
const minGain = 0.01

// search looks for a better plan, by the weights of the tiers that have a part in it, and takes one by the tiers: the best
// tier's jobs first, a tolerance of two parts in a hundred left to the tiers below.
func (z *puzzle) search(ctx context.Context, aims []Objective, params *Params, now func() time.Time, seed uint64, workers int) solution {
	profiles, mean := z.profiles(aims)
	c := placement.Config{
		Seed: seed, Moves: min(1<<22, 256*int64(len(z.problem.Node))), Time: params.RoundBudget, Now: now, Profiles: profiles,
		Genetic: max(0, params.Genetic), Workers: workers,
	}
	var result placement.Result
	var err error
	if z.shard != nil {
		result, err = placement.Shards(ctx, &z.problem, z.shard, c)
	} else {
		result, err = placement.Solve(ctx, &z.problem, c)
	}
	if err != nil {
		return solution{puzzle: z, err: err}
	}
	gain := minGain
	if z.running {
		gain = max(gain, params.MoveGain)
	}
	plan, err := placement.Choose(&z.problem, result, placement.Choice{Weights: mean, Tolerance: 0.02, Gain: gain})
	s := solution{puzzle: z, plan: plan, stats: result.Stats, front: len(result.Front), err: err}
	if err == nil && result.Stay.Assign != nil {
		before := placement.Score(result.Stay.Objectives, mean, result.Scale)
		if after := placement.Score(plan.Objectives, mean, result.Scale); before > 0 {
			s.gain = max(0, (before-after)/before)
		}
	}
	return s
}

// profiles are the tiers' weights, for each tier that has a part, and the mean of all items' weights.
func (z *puzzle) profiles(aims []Objective) (profiles [][]float64, mean []float64) {
	count := map[Tier]int{}
	for i := range z.items {
		count[z.items[i].record.Job.Tier]++
	}
	mean = make([]float64, len(aims))
	for _, t := range Tiers() {
		if count[t] == 0 {
			continue
		}
		weights := make([]float64, len(aims))
		for o := range aims {
			weights[o] = aims[o].Weight(t)
			mean[o] += weights[o] * float64(count[t]) / float64(len(z.items))
		}
		profiles = append(profiles, weights)
	}
	return profiles, mean
}

// moves are the items that the plan puts elsewhere, in bundles that need each other's room: the moves of a bundle are done together
// or not at all. Bundles come in the order of their first item.
func (s *solution) moves() [][]int {
	z := s.puzzle
	root := make([]int32, len(z.nodes))
	for i := range root {
		root[i] = int32(i) //nolint:gosec // a fleet has fewer nodes than 2^31
	}
	find := func(i int32) int32 {
		for root[i] != i {
			root[i] = root[root[i]]
			i = root[i]
		}
		return i
	}
	var moved []int
	for i, to := range s.plan.Assign {
		if from := z.problem.Start[i]; to >= 0 && to != from {
			moved = append(moved, i)
			root[find(to)] = find(from)
		}
	}
	bundles := map[int32][]int{}
	for _, i := range moved {
		r := find(z.problem.Start[i])
		bundles[r] = append(bundles[r], i)
	}
	out := make([][]int, 0, len(bundles))
	for _, b := range bundles {
		out = append(out, b)
	}
	sortBy(out, func(a, b *[]int) int { return cmp.Compare((*a)[0], (*b)[0]) })
	return out
}
