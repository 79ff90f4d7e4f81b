package gap

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

// tightProblem returns an instance whose nodes cannot quite hold all jobs.
func tightProblem(jobs, nodes, dims int, uniform bool) *Problem {
	rng := rand.New(rand.NewPCG(3, 5))
	pairs := nodes
	if uniform {
		pairs = 1
	}
	p := &Problem{Jobs: jobs, Nodes: nodes, Dims: dims, Uniform: uniform}
	for range jobs * nodes {
		p.Cost = append(p.Cost, float64(rng.IntN(40)))
	}
	for range jobs * pairs * dims {
		p.Demand = append(p.Demand, 1+rng.Int64N(20))
	}
	for range nodes * dims {
		p.Capacity = append(p.Capacity, int64(9*jobs/nodes))
	}
	return p
}

// tightAnnealer returns an annealer at work: priced, ranked, with a plan.
func tightAnnealer(jobs, nodes, dims int, uniform bool) *annealer {
	m := newModel(tightProblem(jobs, nodes, dims, uniform))
	x := newRelaxation(m)
	x.climb(0, 60, func() bool { return false })
	a := newAnnealer(newState(m), 1)
	a.reprice(x)
	a.rank()
	a.construct()
	return a
}

// Every predicted change of cost is the one that recounting the whole plan finds, also for jobs left out.
func TestDeltasAreExact(t *testing.T) {
	for _, uniform := range []bool{false, true} {
		a := tightAnnealer(40, 6, 3, uniform)
		a.absence = 1000
		rng := rand.New(rand.NewPCG(1, 2))
		value := func() float64 {
			a.recount()
			return a.sum + a.absence*float64(a.outs)
		}
		for range 2000 {
			job, to := int32(rng.IntN(40)), int32(rng.IntN(7))
			from := a.node[job]
			if from == to {
				continue
			}
			before := value()
			delta := a.pay(job, to) - a.pay(job, from) - a.toll[from] - a.toll[to]
			if list := a.jobs[to]; len(list) > 0 && rng.IntN(2) == 0 {
				other := list[rng.IntN(len(list))]
				delta += a.pay(other, from) - a.pay(other, to) + a.traded(from, other, job) + a.traded(to, job, other)
				a.move(job, to)
				a.move(other, from)
			} else {
				delta += a.left(from, job) + a.entered(to, job)
				a.move(job, to)
			}
			kept, overs := a.sum+a.absence*float64(a.outs), a.overs
			require.InDelta(t, value(), before+delta, 1e-6)
			require.InDelta(t, value(), kept, 1e-6)
			require.Equal(t, a.overs, overs)
		}
	}
}

// The sum differs from the cost by a constant wherever no node holds too much: what the record relies on.
func TestSumFollowsCost(t *testing.T) {
	a := tightAnnealer(60, 8, 2, false)
	a.absence = 1000
	a.loose = true
	a.heat = 20 * a.scale
	offset, seen := math.NaN(), 0
	for range 20000 {
		a.propose()
		if a.overs > 0 {
			a.adapt()
			continue
		}
		if seen++; seen == 1 {
			offset = a.actual() - a.sum
		}
		require.InDelta(t, offset, a.actual()-a.sum, 1e-6)
	}
	require.Greater(t, seen, 100)
}

// Proposals allocate nothing.
func TestProposalsAllocateNothing(t *testing.T) {
	a := tightAnnealer(200, 10, 2, false)
	a.complete()
	a.heat = a.scale
	for node := range a.jobs {
		a.jobs[node] = append(make([]int32, 0, a.Jobs), a.jobs[node]...)
	}
	require.Zero(t, testing.AllocsPerRun(100, func() {
		for range 100 {
			a.propose()
			a.note()
		}
		a.adapt()
	}))
}

// Every price gives a bound: none passes the cost of a plan.
func TestEveryPriceIsABound(t *testing.T) {
	a := tightAnnealer(30, 5, 2, true)
	x := newRelaxation(a.model)
	cost := math.Inf(1)
	if len(a.jobs[a.Nodes]) == 0 {
		cost = a.actual()
	}
	rng := rand.New(rand.NewPCG(9, 9))
	for range 200 {
		for at := range x.at {
			x.at[at] = 100 * rng.Float64()
		}
		require.LessOrEqual(t, x.evaluate(), cost)
	}
}
