package place

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// shardWeights is how many weight vectors, beside the profiles, join the fronts of shards.
const shardWeights = 64

// Shards is Solve for problems so large that one search would not get round: it splits the nodes by their shard, region by region for
// instance, gives each job to the shard where Greedy by the first profile puts it, solves the shards side by side in Config.Workers
// goroutines, and joins their plans. Jobs change shards only where theirs has no room for them, so use it where one search cannot pass over all jobs within its
// budget, above about 5,000 nodes; the next round splits anew.
//
// Shards share neither jobs nor nodes, so for any weights the best plans of the shards are together the best plan: the front has one
// plan for each profile and for 64 random weight vectors, as far as no other beats it. Each shard gets an equal part of Moves or, with
// Time, of the time that its processor has left. Warm starts are cut to the shards. As with Solve, the answer for a seed and a
// number of moves is the same for any number of workers, and is never worse than Greedy for any profile. Errors are of kind Invalid.
func Shards(ctx context.Context, p *Problem, shard []int32, c Config) (Result, error) {
	const op = "place.shards"
	if err := p.Validate(); err != nil {
		return Result{}, err
	}
	if len(shard) != p.Nodes {
		return Result{}, fault.Field(op, "shard", "has %d nodes, not %d", len(shard), p.Nodes)
	}
	c, err := c.complete(p)
	if err != nil {
		return Result{}, err
	}
	s := sharding{p: p, c: c}
	if c.Time > 0 {
		s.end = c.Now().Add(c.Time)
	}
	s.split(shard, Greedy(p, c.Profiles[0], c.Scale).Assign)
	if err := s.solve(ctx); err != nil {
		return Result{}, err
	}
	return s.join(), nil
}

// sharding is one call of Shards.
type sharding struct {
	p     *Problem
	c     Config
	end   time.Time
	parts []*part
	local []int32 // [node] index in its part
}

// part is one shard as a problem of its own.
type part struct {
	p      Problem
	jobs   []int32 // of the whole problem
	nodes  []int32
	result Result
}

// split makes the parts.
func (s *sharding) split(shard, assign []int32) {
	index := make(map[int32]int32)
	of := make([]int32, s.p.Nodes)
	s.local = make([]int32, s.p.Nodes)
	for n, id := range shard {
		i, ok := index[id]
		if !ok {
			i = int32(len(s.parts))
			index[id] = i
			s.parts = append(s.parts, &part{})
		}
		of[n] = i
		s.local[n] = int32(len(s.parts[i].nodes))
		s.parts[i].nodes = append(s.parts[i].nodes, int32(n))
	}
	for j, n := range assign {
		if n < 0 {
			n = s.home(j, of)
		}
		q := s.parts[of[n]]
		q.jobs = append(q.jobs, int32(j))
	}
	for i, q := range s.parts {
		s.excerpt(q, int32(i), of)
	}
}

// home is a node of the shard that a job without a place goes to: its start's, or that of most of its candidates.
func (s *sharding) home(j int, of []int32) int32 {
	if n := s.p.start(j); n >= 0 {
		return n
	}
	count := make([]int, len(s.parts))
	best := int32(0)
	lo, hi := s.p.row(j)
	for k := lo; k < hi; k++ {
		n := s.p.at(lo, k)
		if count[of[n]]++; count[of[n]] > count[of[best]] {
			best = n
		}
	}
	return best
}

// excerpt fills a part's problem from its jobs and nodes.
func (s *sharding) excerpt(q *part, id int32, of []int32) {
	p, t := s.p, &q.p
	*t = Problem{Jobs: len(q.jobs), Nodes: len(q.nodes), Dims: p.Dims, Objectives: p.Objectives, Balance: p.Balance, Row: []int{0}}
	t.Balance.Size = nil
	for _, n := range q.nodes {
		t.Free = append(t.Free, p.room(n)...)
		if p.Balance.Size != nil {
			t.Balance.Size = append(t.Balance.Size, p.Balance.Size[int(n)*p.Dims:(int(n)+1)*p.Dims]...)
		}
	}
	var source []int
	for _, j := range q.jobs {
		t.Demand = append(t.Demand, p.demand(int(j))...)
		t.Tier = append(t.Tier, uint8(p.tier(int(j))))
		start := p.start(int(j))
		if start >= 0 && of[start] != id {
			start = -1 // every place here is a move
		} else if start >= 0 {
			start = s.local[start]
		}
		t.Start = append(t.Start, start)
		t.Pinned = append(t.Pinned, p.pinned(int(j)))
		lo, hi := p.row(int(j))
		for k := lo; k < hi; k++ {
			if n := p.at(lo, k); of[n] == id {
				t.Node = append(t.Node, s.local[n])
				source = append(source, k)
			}
		}
		t.Row = append(t.Row, len(t.Node))
	}
	s.columns(q, source)
}

// columns copies the costs of a part's pairs, nodes and jobs.
func (s *sharding) columns(q *part, source []int) {
	p, t := s.p, &q.p
	for o := range p.Objectives {
		for _, k := range source {
			t.Pair = append(t.Pair, p.Pair[o*p.pairs()+k])
		}
		for _, n := range q.nodes {
			t.Fixed = append(t.Fixed, p.fixed(o, int(n)))
		}
		if p.Migration == nil {
			continue
		}
		for _, j := range q.jobs {
			t.Migration = append(t.Migration, p.Migration[o*p.Jobs+int(j)])
		}
	}
}

// solve runs the parts, each in one worker.
func (s *sharding) solve(ctx context.Context) error {
	var lock sync.Mutex
	next := 0
	errs := make([]error, len(s.parts))
	var wait sync.WaitGroup
	for range min(s.c.Workers, len(s.parts)) {
		wait.Go(func() {
			for {
				lock.Lock()
				i := next
				next++
				lock.Unlock()
				if i >= len(s.parts) {
					return
				}
				q := s.parts[i]
				q.result, errs[i] = Solve(ctx, &q.p, s.config(i))
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// config is the configuration of a part.
func (s *sharding) config(i int) Config {
	c := s.c
	c.Workers, c.Seed, c.Warm = 1, c.Seed+uint64(i), nil
	if c.Moves > 0 {
		c.Moves = max(1, c.Moves/int64(len(s.parts)))
	}
	if c.Time > 0 {
		turns := (len(s.parts) - i + s.c.Workers - 1) / s.c.Workers
		c.Time = max(1, s.end.Sub(c.Now())/time.Duration(turns))
	}
	for _, assign := range s.c.Warm {
		c.Warm = append(c.Warm, s.cut(s.parts[i], assign))
	}
	return c
}

// cut is a warm start as far as it concerns a part.
func (s *sharding) cut(q *part, assign []int32) []int32 {
	out := make([]int32, len(q.jobs))
	for i, j := range q.jobs {
		out[i] = -1
		if n := assign[j]; n >= 0 && int(n) < s.p.Nodes && q.nodes[min(int(s.local[n]), len(q.nodes)-1)] == n {
			out[i] = s.local[n]
		}
	}
	return out
}

// join puts the plans of the parts together.
func (s *sharding) join() Result {
	a := newArchive(&model{p: s.p, scale: s.c.Scale}, s.c.Profiles, s.c.Front)
	for _, w := range s.c.Profiles {
		a.offer(Greedy(s.p, w, s.c.Scale).Assign)
	}
	stay := stay(s.p, s.c)
	if stay.Assign != nil {
		a.offer(stay.Assign)
	}
	r := rand.New(rand.NewPCG(s.c.Seed, 0))
	for i := range len(s.c.Profiles) + shardWeights {
		if i < len(s.c.Profiles) {
			a.offer(s.whole(func(q Result) []int32 { return q.Front[q.Best[i]].Assign }))
			continue
		}
		w := simplex(r, s.p.Objectives)
		a.offer(s.whole(func(q Result) []int32 { return pick(q.Front, w, s.c.Scale).Assign }))
	}
	for t := range s.p.tiers() - 1 {
		a.offer(s.whole(func(q Result) []int32 {
			if t < len(q.Tiers) {
				return q.Tiers[t].Assign
			}
			return q.Front[q.Best[0]].Assign
		}))
	}
	if a.incomplete() {
		w := newSearch(newModel(s.p, s.c.Scale))
		w.weigh(s.c.Profiles[0], nil)
		for i := range s.c.Profiles {
			w.set(s.whole(func(q Result) []int32 { return q.Front[q.Best[i]].Assign }))
			w.house()
			a.offer(w.assignment())
		}
	}
	out := a.result(s.c.Scale)
	out.Stay = stay
	for _, q := range s.parts {
		out.Stats.Moves += q.result.Stats.Moves
		out.Stats.Searches += q.result.Stats.Searches
		out.Stats.Generations += q.result.Stats.Generations
	}
	return out
}

// whole joins one plan of each part.
func (s *sharding) whole(plan func(Result) []int32) []int32 {
	assign := make([]int32, s.p.Jobs)
	for _, q := range s.parts {
		for i, n := range plan(q.result) {
			if assign[q.jobs[i]] = -1; n >= 0 {
				assign[q.jobs[i]] = q.nodes[n]
			}
		}
	}
	return assign
}
