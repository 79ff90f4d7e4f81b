package place

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// scored is the weighted sum of the search's assignment, in double precision and from the problem alone.
func scored(s *search, weights []float64) float64 {
	f := make([]float64, s.m.p.Objectives)
	newEvaluator(s.m.p).objectives(s.assignment(), f)
	return Score(f, weights, s.m.scale)
}

// small makes a problem with every term in its objectives: forbidden pairs, fixed charges, balance, migration.
func small(seed uint64) *Problem {
	r := rand.New(rand.NewPCG(seed, 0))
	p := &Problem{Jobs: 12, Nodes: 5, Dims: 2, Objectives: 3, Balance: Balance{Objective: 1, Weight: 5}}
	fill := func(n int, scale float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = scale * r.Float64()
		}
		return out
	}
	p.Pair, p.Fixed, p.Migration = fill(3*12*5, 5), fill(3*5, 4), fill(3*12, 1)
	for j := range p.Jobs {
		p.Demand = append(p.Demand, r.Int64N(5), 1+r.Int64N(4))
		p.Start = append(p.Start, int32(j%6-1))
	}
	for range p.Nodes {
		p.Free = append(p.Free, 9, 10)
		p.Balance.Size = append(p.Balance.Size, 12, 11)
	}
	p.Pair[7] = math.Inf(1)
	return p
}

func TestDeltasEqualFullEvaluation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := small(rapid.Uint64().Draw(t, "seed"))
		m := newModel(p, Scale(p))
		s := newSearch(m)
		weights := []float64{.2, .3, .5}
		s.reach = 4
		s.late = func() bool { return false }
		s.r = rand.New(rand.NewPCG(1, 1))
		s.weigh(weights, nil)
		s.set(Greedy(p, weights, m.scale).Assign)
		s.house()
		for range rapid.IntRange(1, 60).Draw(t, "moves") {
			before := scored(s, weights)
			j := int32(rapid.IntRange(0, p.Jobs-1).Draw(t, "job"))
			value := s.value
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0: // a random insertion costs what price says
				if s.at[j] >= 0 {
					k := s.remove(j)
					without := scored(s, weights)
					require.InDelta(t, before-without, s.price(j, k), 1e-5)
					s.insert(j, k)
				}
			case 1:
				placed := s.at[j] >= 0
				if s.improve(j) && placed {
					require.Less(t, scored(s, weights), before)
				}
			case 2:
				if n := int32(rapid.IntRange(0, p.Nodes-1).Draw(t, "node")); s.vacate(n) && s.head[n] < 0 {
					require.LessOrEqual(t, scored(s, weights), before+1e-5)
				}
			case 4:
				if s.kick() {
					require.Less(t, scored(s, weights), before)
				} else {
					require.InDelta(t, before, scored(s, weights), 1e-9, "a kick that does not gain leaves all as it was")
				}
			case 5:
				s.opening()
				require.LessOrEqual(t, scored(s, weights), before)
			case 3: // a random move, so that there is something to improve
				if s.at[j] >= 0 {
					k := s.remove(j)
					to := m.row[j] + int32(rapid.IntRange(0, int(m.row[j+1]-m.row[j])-1).Draw(t, "to"))
					if fits(s.room(m.node[to]), s.demand(j)) {
						k = to
					}
					s.insert(j, k)
				}
			}
			require.InDelta(t, scored(s, weights)-before, s.value-value, 1e-5)
			require.NoError(t, consistent(s))
		}
	})
}

// consistent compares what the search keeps in step with what follows from its assignment.
func consistent(s *search) error {
	_, err := Evaluate(s.m.p, s.assignment())
	if err != nil {
		return err
	}
	fresh := newSearch(s.m)
	copy(fresh.fix, s.fix)
	copy(fresh.cost, s.cost)
	fresh.set(s.assignment())
	for _, same := range []bool{
		slices.Equal(fresh.free, s.free), slices.Equal(fresh.count, s.count), slices.Equal(fresh.at, s.at),
		slices.Equal(fresh.pen[0], s.pen[0]), slices.Equal(fresh.pen[classes-1], s.pen[classes-1]),
	} {
		if !same {
			return errors.New("the search's state has drifted")
		}
	}
	return nil
}

func TestModelFindsPairsInEveryForm(t *testing.T) {
	dense := small(1)
	dense.Pair[7] = 1
	for _, p := range []*Problem{dense, small(1)} {
		m := newModel(p, []float64{1, 2, 3})
		for j := range int32(p.Jobs) {
			for k := m.row[j]; k < m.row[j+1]; k++ {
				require.Equal(t, k, m.pair(j, m.node[k]))
				require.InDelta(t, p.Pair[p.Jobs*p.Nodes+p.pair(int(j), m.node[k])]/2+p.charge(1, int(j), m.node[k])/2, m.cost[1][k], 1e-5)
			}
		}
		for n := range int32(p.Nodes) {
			for i := range m.column(n) {
				j, k := m.visitor(n, i)
				require.Equal(t, k, m.pair(j, n))
			}
		}
		if m.table != nil {
			require.Len(t, m.there, int(m.row[p.Jobs]))
			require.Equal(t, int32(-1), m.pair(1, 2), "forbidden")
			m.table = nil
			require.Equal(t, int32(-1), m.pair(1, 2), "forbidden")
			for k := m.row[3]; k < m.row[4]; k++ {
				require.Equal(t, k, m.pair(3, m.node[k]))
			}
		}
	}
}

func TestThinDropsTheCrowdedAndKeepsElites(t *testing.T) {
	var plans []Plan
	for _, x := range []float64{0, 1, 1.1, 1.2, 2, 3} {
		plans = append(plans, Plan{Objectives: []float64{x, 3 - x}})
	}
	a := &archive{plans: plans, limit: 4, elites: []elite{{plan: plans[2]}}}
	a.thin()
	var kept []float64
	for _, q := range a.plans {
		kept = append(kept, q.Objectives[0])
	}
	require.Equal(t, []float64{0, 1.1, 2, 3}, kept)
}

func TestTierWeightsAreStrict(t *testing.T) {
	require.Equal(t, []int64{24, 4, 1}, tierWeights([]int64{2, 5, 3}))
	long := tierWeights([]int64{1 << 10, 1 << 20, 1 << 30, 1 << 30, 5})
	sum := int64(0)
	for t2, w := range long {
		require.Positive(t, w)
		sum += w * []int64{1 << 10, 1 << 20, 1 << 30, 1 << 30, 5}[t2]
	}
	require.Less(t, sum, int64(1)<<53)
}
