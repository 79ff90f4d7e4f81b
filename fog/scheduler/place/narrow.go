package place

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Narrowing says which nodes become the candidates of each job.
type Narrowing struct {
	// Cost writes the cost of a job on every node, [objective][node]; +Inf forbids a node. It is called once for each job, in order.
	Cost func(job int, out []float64)
	// Keep is how many candidates a job gets at most, its start not counted; 0: 64.
	Keep int
	// Profiles and Scale are those of Config: each profile chooses as many candidates as any other. Both are needed, and Scale may be a
	// rough one.
	Profiles [][]float64
	Scale    []float64
	// Seed draws the nodes of the sample.
	Seed uint64
}

// sampled is the share of the candidates that a job takes from a random sample of the nodes, and sample the size of that sample for each
// of them. If all jobs want the same few nodes, the samples spread those that find no room there.
const (
	sampled = 4
	sample  = 4
)

// Narrow fills Row, Node and Pair of a problem whose other fields are set, with a bounded number of candidates for each job: those of the
// least weighted cost, fixed charges spread over the node's room, for each profile; the best of a random sample of nodes; and the node
// where the job runs. Nodes that could not hold the job if they were empty are left out. So 10,000 nodes need no more memory than their
// candidates: about 100 bytes for each with four objectives. Errors are of kind Invalid.
func Narrow(p *Problem, c Narrowing) error {
	const op = "place.narrow"
	if c.Keep == 0 {
		c.Keep = 64
	}
	switch {
	case c.Cost == nil:
		return fault.Field(op, "Cost", "is missing")
	case c.Keep < 1:
		return fault.Field(op, "Keep", "is %d, below 1", c.Keep)
	case len(c.Profiles) == 0 || len(c.Profiles[0]) != p.Objectives:
		return fault.Field(op, "Profiles", "is %v", c.Profiles)
	case len(c.Scale) != p.Objectives || badScale(c.Scale):
		return fault.Field(op, "Scale", "is %v", c.Scale)
	case len(p.Demand) != p.Jobs*p.Dims || len(p.Free) != p.Nodes*p.Dims:
		return fault.Field(op, "Demand", "or Free does not match the numbers of jobs, nodes and dimensions")
	}
	w := newNarrower(p, c)
	for j := range p.Jobs {
		w.job(j)
	}
	p.Row, p.Node = w.row, w.node
	p.Pair = p.Pair[:0]
	for _, column := range w.pair {
		p.Pair = append(p.Pair, column...)
	}
	return nil
}

// narrower is the working memory of Narrow.
type narrower struct {
	p      *Problem
	c      Narrowing
	r      *rand.Rand
	cost   []float64 // [objective][node] of the job
	fixed  []float64 // [profile][node] charge of a node per unit of its room in the first dimension
	score  []float64 // [node]
	fit    []int32   // nodes that may take the job
	chosen []int32
	taken  []bool
	row    []int
	node   []int32
	pair   [][]float64 // [objective]
}

func newNarrower(p *Problem, c Narrowing) *narrower {
	w := &narrower{
		p: p, c: c, r: rand.New(rand.NewPCG(c.Seed, 0)), cost: make([]float64, p.Objectives*p.Nodes), score: make([]float64, p.Nodes),
		fixed: make([]float64, len(c.Profiles)*p.Nodes), taken: make([]bool, p.Nodes), row: make([]int, 1, p.Jobs+1),
		pair: make([][]float64, p.Objectives),
	}
	for i, weights := range c.Profiles {
		for n := range p.Nodes {
			for o, x := range weights {
				w.fixed[i*p.Nodes+n] += x / c.Scale[o] * p.fixed(o, n) / math.Max(1, float64(p.Free[n*p.Dims]))
			}
		}
	}
	return w
}

// job chooses the candidates of a job and appends its row.
func (w *narrower) job(j int) {
	p := w.p
	w.c.Cost(j, w.cost)
	w.fit, w.chosen = w.fit[:0], w.chosen[:0]
	for n := range int32(p.Nodes) {
		if !w.forbidden(n) && fits(p.room(n), p.demand(j)) {
			w.fit = append(w.fit, n)
		}
	}
	if n := p.start(j); n >= 0 && !w.forbidden(n) {
		w.choose(n)
	}
	keep := w.c.Keep + len(w.chosen)
	spread := w.c.Keep / sampled
	for i := range w.c.Profiles {
		w.rate(i, float64(p.demand(j)[0]))
		w.cheapest(w.fit, (w.c.Keep-spread)/len(w.c.Profiles))
	}
	if len(w.fit) > 0 {
		w.rate(j%len(w.c.Profiles), float64(p.demand(j)[0]))
		var some []int32
		for range spread * sample {
			some = append(some, w.fit[w.r.IntN(len(w.fit))])
		}
		slices.Sort(some)
		w.cheapest(slices.Compact(some), spread)
		w.cheapest(w.fit, keep-len(w.chosen)) // where profiles agreed there is room for more
	}
	slices.Sort(w.chosen)
	for _, n := range w.chosen {
		w.taken[n] = false
		for o := range w.pair {
			w.pair[o] = append(w.pair[o], w.cost[o*p.Nodes+int(n)])
		}
	}
	w.node = append(w.node, w.chosen...)
	w.row = append(w.row, len(w.node))
}

// forbidden reports that the job may not go to a node.
func (w *narrower) forbidden(n int32) bool {
	for i := int(n); i < len(w.cost); i += w.p.Nodes {
		if math.IsInf(w.cost[i], 1) {
			return true
		}
	}
	return false
}

// rate scores the nodes for a profile.
func (w *narrower) rate(profile int, demand float64) {
	for _, n := range w.fit {
		s := demand * w.fixed[profile*w.p.Nodes+int(n)]
		for o, x := range w.c.Profiles[profile] {
			s += x / w.c.Scale[o] * w.cost[o*w.p.Nodes+int(n)]
		}
		w.score[n] = s
	}
}

// choose makes a node a candidate.
func (w *narrower) choose(n int32) {
	w.taken[n] = true
	w.chosen = append(w.chosen, n)
}

// cheapest chooses the most of the nodes with the lowest scores that are not chosen yet, by a heap of the ones kept so far.
func (w *narrower) cheapest(nodes []int32, most int) {
	if most <= 0 {
		return
	}
	heap := make([]int32, 0, most)
	for _, n := range nodes {
		switch {
		case w.taken[n]:
		case len(heap) < most:
			heap = append(heap, n)
			if len(heap) == most {
				slices.SortFunc(heap, func(a, b int32) int { return cmp.Compare(w.score[b], w.score[a]) }) // dearest first is a heap
			}
		case w.score[n] < w.score[heap[0]]:
			heap[0] = n
			w.sink(heap)
		}
	}
	for _, n := range heap {
		w.choose(n)
	}
}

// sink restores the order of a heap whose root has changed.
func (w *narrower) sink(heap []int32) {
	for i := 0; ; {
		k := 2*i + 1
		if k >= len(heap) {
			return
		}
		if k+1 < len(heap) && w.score[heap[k+1]] > w.score[heap[k]] {
			k++
		}
		if w.score[heap[i]] >= w.score[heap[k]] {
			return
		}
		heap[i], heap[k] = heap[k], heap[i]
		i = k
	}
}
