package place

import (
	"context"
	"math"
	"math/rand/v2"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler/place/gap"
)

const (
	mending   = 2       // while jobs are unplaced, one task in so many looks for room
	eager     = 16      // after so many tasks only one in so many: there may be no room
	mendShare = 4       // of the time that is left, one part in so many is the most that such a task takes
	mendPair  = 1 << 20 // job-node pairs that such a task takes in at most
	mendMove  = 400     // moves of the assignment search for each job in it
	mendCost  = 64      // what one of them counts for in a budget: it takes about as long
)

// mend looks for room for the unplaced jobs with the assignment search of package gap, which knows prices of room and chains of
// ejections: it takes in as many nodes as the limit of pairs allows, the jobs on them and the unplaced ones, and counts a job of a
// tier for more than all those of the lower tiers.
func (s *search) mend(ctx context.Context, t task, left time.Duration, now func() time.Time) []step {
	s.weigh(t.weights, nil)
	s.set(t.start)
	s.moves = outset + int64(len(s.cost))/4
	nodes, jobs := s.region(rand.New(rand.NewPCG(t.seed, 1)))
	q := s.excerpt(nodes, jobs)
	c := gap.Config{Seed: t.seed, Moves: mendMove * int64(len(jobs)), Time: left, Now: now, Start: make([]int32, len(jobs))}
	index := make(map[int32]int32, len(nodes))
	for i, n := range nodes {
		index[n] = int32(i)
	}
	for i, j := range jobs {
		c.Start[i] = -1
		if s.at[j] >= 0 {
			c.Start[i] = index[s.m.node[s.at[j]]]
		}
	}
	found, err := gap.Solve(ctx, q, c)
	if err != nil {
		return nil // the excerpt of a valid problem is valid unless its costs overflow: then there is nothing to gain here
	}
	s.moves += mendCost * found.Moves
	for _, j := range jobs {
		if s.at[j] >= 0 {
			s.remove(j)
		}
	}
	for i, j := range jobs {
		if n := found.Assign[i]; n >= 0 {
			s.insert(j, s.m.pair(j, nodes[n]))
		}
	}
	return []step{{assign: s.assignment(), moves: s.moves}}
}

// region picks nodes, those where an unplaced job may go before others, and the jobs on them and the unplaced ones.
func (s *search) region(r *rand.Rand) (nodes, jobs []int32) {
	m, p := s.m, s.m.p
	wanted := make([]bool, p.Nodes)
	for j, k := range s.at {
		if k < 0 {
			jobs = append(jobs, int32(j))
			for k := m.row[j]; k < m.row[j+1]; k++ {
				wanted[m.node[k]] = true
			}
		}
	}
	for _, first := range []bool{true, false} {
		for _, n := range r.Perm(p.Nodes) {
			if wanted[n] != first {
				continue
			}
			if len(nodes) > 0 && (len(nodes)+1)*(len(jobs)+int(s.count[n])) > mendPair {
				return nodes, jobs
			}
			nodes = append(nodes, int32(n))
			for j := s.head[n]; j >= 0; j = s.next[j] {
				jobs = append(jobs, j)
			}
		}
	}
	return nodes, jobs
}

// excerpt is the assignment problem of some nodes, with room as if the jobs were not there, and some jobs.
func (s *search) excerpt(nodes, jobs []int32) gap.Problem {
	p := s.m.p
	q := gap.Problem{Jobs: len(jobs), Nodes: len(nodes), Dims: p.Dims, Uniform: true}
	for _, n := range nodes {
		for _, x := range p.room(n) {
			q.Capacity = append(q.Capacity, max(x, 0))
		}
	}
	counts := make([]int64, p.tiers())
	for _, j := range jobs {
		q.Demand = append(q.Demand, s.demand(j)...)
		counts[p.tier(int(j))]++
		for _, n := range nodes {
			c := math.Inf(1)
			if k := s.m.pair(j, n); k >= 0 {
				c = float64(s.cost[k])
			}
			q.Cost = append(q.Cost, c)
		}
	}
	weight := tierWeights(counts)
	for _, j := range jobs {
		q.Weight = append(q.Weight, weight[p.tier(int(j))])
	}
	return q
}

// tierWeights weighs a job of a tier more than all jobs of the lower tiers, as far as 2^50 for all of them allows.
func tierWeights(counts []int64) []int64 {
	const most = 1 << 50
	weight := make([]int64, len(counts))
	sum := int64(0)
	for t := len(counts) - 1; t >= 0; t-- {
		weight[t] = sum + 1
		if counts[t] > 0 && weight[t] > (most-sum)/counts[t] {
			weight[t] = max(1, min(sum, (most-sum)/counts[t]))
		}
		sum += counts[t] * weight[t]
	}
	return weight
}
