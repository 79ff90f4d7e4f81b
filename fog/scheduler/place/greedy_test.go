package place_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/fogcompute/fogcompute/fog/scheduler/place"
)

func TestGreedyNeverOverfillsAndCountsRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawn(t)
		require.NoError(t, p.Validate())
		g := place.Greedy(p, drawnWeights(t, p), place.Scale(p))
		require.Len(t, g.Assign, p.Jobs)
		again, err := place.Evaluate(p, g.Assign)
		require.NoError(t, err)
		require.Equal(t, again, g)
		sum, unplaced := slow(p, g.Assign)
		require.Equal(t, unplaced, g.Unplaced)
		require.InDeltaSlice(t, sum, g.Objectives, 1e-9*(1+slices.Max(sum)))
	})
}

// slow evaluates an assignment straight from the definition.
func slow(p *place.Problem, assign []int32) (sum []float64, unplaced []int32) {
	sum = make([]float64, p.Objectives)
	used := make([]int64, p.Nodes*p.Dims)
	open := make([]bool, p.Nodes)
	pairs := len(p.Pair) / p.Objectives
	for j, n := range assign {
		if n < 0 {
			unplaced = append(unplaced, int32(j))
			continue
		}
		k := j*p.Nodes + int(n)
		if p.Row != nil {
			k = p.Row[j] + slices.Index(p.Node[p.Row[j]:p.Row[j+1]], n)
		}
		for o := range sum {
			sum[o] += p.Pair[o*pairs+k]
			if p.Migration != nil && p.Start[j] >= 0 && p.Start[j] != n {
				sum[o] += p.Migration[o*p.Jobs+j]
			}
		}
		for d := range p.Dims {
			used[int(n)*p.Dims+d] += p.Demand[j*p.Dims+d]
		}
		open[n] = true
	}
	for n := range p.Nodes {
		for o := range sum {
			if open[n] && p.Fixed != nil {
				sum[o] += p.Fixed[o*p.Nodes+n]
			}
		}
		for d := range p.Dims {
			i := n*p.Dims + d
			size := p.Free[i]
			if p.Balance.Size != nil {
				size = p.Balance.Size[i]
			}
			if size > 0 {
				before := float64(size-p.Free[i]) / float64(size)
				after := float64(size-p.Free[i]+used[i]) / float64(size)
				sum[p.Balance.Objective] += p.Balance.Weight * (after*after - before*before)
			}
		}
	}
	return sum, unplaced
}

// drawn draws a small problem with every feature.
func drawn(t *rapid.T) *place.Problem { return drawnUpTo(t, 14, 6) }

// drawnUpTo draws one of so many jobs and nodes at most.
func drawnUpTo(t *rapid.T, jobs, nodes int) *place.Problem {
	p := &place.Problem{
		Jobs: rapid.IntRange(0, jobs).Draw(t, "jobs"), Nodes: rapid.IntRange(1, nodes).Draw(t, "nodes"),
		Dims: rapid.IntRange(1, 3).Draw(t, "dims"), Objectives: rapid.IntRange(1, 4).Draw(t, "objectives"),
	}
	whole := func(n, most int, name string) []int64 {
		return rapid.SliceOfN(rapid.Int64Range(0, int64(most)), n, n).Draw(t, name)
	}
	charges := func(n int, name string) []float64 {
		return rapid.SliceOfN(rapid.Float64Range(0, 9), n, n).Draw(t, name)
	}
	p.Demand, p.Free = whole(p.Jobs*p.Dims, 5, "demand"), whole(p.Nodes*p.Dims, 16, "free")
	if rapid.Bool().Draw(t, "candidates") {
		p.Row = []int{0}
		for range p.Jobs {
			for n := range p.Nodes {
				if rapid.IntRange(0, 3).Draw(t, "candidate") > 0 {
					p.Node = append(p.Node, int32(n))
				}
			}
			p.Row = append(p.Row, len(p.Node))
		}
	}
	pairs := p.Jobs * p.Nodes
	if p.Row != nil {
		pairs = len(p.Node)
	}
	p.Pair = charges(p.Objectives*pairs, "pair")
	for range rapid.IntRange(0, 3).Draw(t, "forbidden") {
		if pairs > 0 {
			p.Pair[rapid.IntRange(0, len(p.Pair)-1).Draw(t, "where")] = math.Inf(1)
		}
	}
	if rapid.Bool().Draw(t, "fixed") {
		p.Fixed = charges(p.Objectives*p.Nodes, "fixed")
	}
	if rapid.Bool().Draw(t, "balance") {
		p.Balance = place.Balance{Objective: rapid.IntRange(0, p.Objectives-1).Draw(t, "bearer"), Weight: 3, Size: slices.Clone(p.Free)}
		for i := range p.Balance.Size {
			p.Balance.Size[i] += int64(i % 3)
		}
	}
	if rapid.Bool().Draw(t, "tiers") {
		p.Tier = rapid.SliceOfN(rapid.Uint8Range(0, 2), p.Jobs, p.Jobs).Draw(t, "tier")
	}
	if rapid.Bool().Draw(t, "running") {
		p.Start = rapid.SliceOfN(rapid.Int32Range(-1, int32(p.Nodes-1)), p.Jobs, p.Jobs).Draw(t, "start")
		p.Migration = charges(p.Objectives*p.Jobs, "migration")
		p.Pinned = make([]bool, p.Jobs)
		for j, n := range p.Start {
			ok := n >= 0 && (p.Row == nil || slices.Contains(p.Node[p.Row[j]:p.Row[j+1]], n))
			p.Pinned[j] = ok && j%4 == 0
		}
	}
	return p
}

// drawnWeights draws weights of which some may be 0.
func drawnWeights(t *rapid.T, p *place.Problem) []float64 {
	w := rapid.SliceOfN(rapid.Float64Range(0, 1), p.Objectives, p.Objectives).Draw(t, "weights")
	w[0] += 0.1
	return w
}

func TestGreedyKeepsTheStudysOrder(t *testing.T) {
	p := &place.Problem{
		Jobs: 4, Nodes: 2, Dims: 1, Objectives: 1, Demand: []int64{1, 2, 2, 1}, Free: []int64{2, 9},
		Pair: []float64{0, 5, 0, 5, 0, 5, 0, 5}, Tier: []uint8{1, 1, 0, 0},
	}
	// The larger job of the better tier takes the cheap node.
	require.Equal(t, []int32{1, 1, 0, 1}, place.Greedy(p, []float64{1}, []float64{1}).Assign)
}

func TestEvaluateRefusesWhatBreaksTheProblem(t *testing.T) {
	p := &place.Problem{
		Jobs: 2, Nodes: 2, Dims: 1, Objectives: 1, Demand: []int64{1, 1}, Free: []int64{1, 2}, Pair: []float64{1, 2, math.Inf(1), 2},
		Start: []int32{1, -1}, Pinned: []bool{true, false},
	}
	for _, assign := range [][]int32{{1, 0}, {0, 1}, {1, 2}, {1}} {
		_, err := place.Evaluate(p, assign)
		require.ErrorContains(t, err, "assign")
	}
	plan, err := place.Evaluate(p, []int32{1, -1})
	require.NoError(t, err)
	require.Equal(t, []int32{1}, plan.Unplaced)
	require.Equal(t, []float64{2}, plan.Objectives)
}

func TestValidateNamesTheField(t *testing.T) {
	good := func() *place.Problem {
		return &place.Problem{Jobs: 1, Nodes: 2, Dims: 1, Objectives: 1, Demand: []int64{1}, Free: []int64{1, 2}, Pair: []float64{1, 2}}
	}
	require.NoError(t, good().Validate())
	for name, spoil := range map[string]func(p *place.Problem){
		"Jobs":         func(p *place.Problem) { p.Jobs = -1 },
		"Nodes":        func(p *place.Problem) { p.Nodes = 0 },
		"Dims":         func(p *place.Problem) { p.Dims = 0 },
		"Objectives":   func(p *place.Problem) { p.Objectives = 0 },
		"Demand":       func(p *place.Problem) { p.Demand[0] = -1 },
		"Free":         func(p *place.Problem) { p.Free = p.Free[:1] },
		"Pair":         func(p *place.Problem) { p.Pair[1] = math.NaN() },
		"Row":          func(p *place.Problem) { p.Row = []int{0, 3} },
		"Node":         func(p *place.Problem) { p.Row, p.Node = []int{0, 2}, []int32{1, 0} },
		"Fixed":        func(p *place.Problem) { p.Fixed = []float64{1, -1} },
		"Balance":      func(p *place.Problem) { p.Balance.Objective = 1 },
		"Balance.Size": func(p *place.Problem) { p.Balance.Size = []int64{1, 1} },
		"Tier":         func(p *place.Problem) { p.Tier = make([]uint8, 3) },
		"Start":        func(p *place.Problem) { p.Start = []int32{2} },
		"Migration":    func(p *place.Problem) { p.Migration = []float64{math.Inf(1)} },
		"Pinned":       func(p *place.Problem) { p.Pinned = []bool{true} },
	} {
		p := good()
		spoil(p)
		require.ErrorContains(t, p.Validate(), "place.validate: "+name+":")
	}
}

func ExampleGreedy() {
	// Two jobs, two nodes, two objectives: node 0 is quick and dear, node 1 slow and cheap.
	p := &place.Problem{
		Jobs: 2, Nodes: 2, Dims: 1, Objectives: 2,
		Demand: []int64{4, 2},
		Free:   []int64{8, 8},
		Pair: []float64{
			1, 3 /* seconds of job 0 on each node */, 1, 3, // and of job 1
			9, 2 /* price of job 0 on each node */, 5, 1, // and of job 1
		},
	}
	scale := place.Scale(p)
	fmt.Println(place.Greedy(p, []float64{1, 0}, scale).Assign)
	fmt.Println(place.Greedy(p, []float64{0, 1}, scale).Assign)
	// Output:
	// [0 0]
	// [1 1]
}

func TestGreedyBeatsFirstFitOnTheStudy(t *testing.T) {
	p := random(1, 300, 60)
	require.NoError(t, p.Validate())
	scale := place.Scale(p)
	for _, w := range profiles() {
		g := place.Greedy(p, w, scale)
		require.Empty(t, g.Unplaced)
		require.Less(t, place.Score(g.Objectives, w, scale), 0.8*place.Score(place.FirstFit(p).Objectives, w, scale))
	}
}

func TestStudyFilesAreValid(t *testing.T) {
	files, err := studyFiles()
	require.NoError(t, err)
	if files == nil {
		t.Skip("FOG_DATA is not set")
	}
	for name, p := range files {
		require.NoError(t, p.Validate(), name)
		require.Empty(t, place.Greedy(p, profiles()[0], place.Scale(p)).Unplaced, name)
	}
}

func BenchmarkGreedy(b *testing.B) {
	p := random(1, 1000, 200)
	scale := place.Scale(p)
	for b.Loop() {
		place.Greedy(p, profiles()[0], scale)
	}
}
