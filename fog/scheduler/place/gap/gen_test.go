package gap_test

import (
	"bufio"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler/place/gap"
)

// class returns an instance by the published rules of the classes c, d and e (Chu, Beasley 1997; Laguna et al. 1995).
func class(kind byte, nodes, jobs int, seed uint64) gap.Problem {
	rng := rand.New(rand.NewPCG(seed, uint64(kind)))
	p := gap.Problem{
		Jobs: jobs, Nodes: nodes, Dims: 1, Cost: make([]float64, jobs*nodes), Demand: make([]int64, jobs*nodes),
		Capacity: make([]int64, nodes),
	}
	for at := range p.Cost {
		switch kind {
		case 'c':
			p.Demand[at], p.Cost[at] = 5+rng.Int64N(21), float64(10+rng.IntN(41))
		case 'd':
			p.Demand[at] = 1 + rng.Int64N(100)
			p.Cost[at] = float64(111 - p.Demand[at] - 10 + rng.Int64N(21))
		case 'e':
			p.Demand[at] = 1 - int64(10*math.Log(1-rng.Float64()))
			p.Cost[at] = math.Trunc(1000/float64(p.Demand[at]) - 10*rng.Float64())
		}
		p.Capacity[at%nodes] += p.Demand[at]
	}
	for node := range p.Capacity {
		p.Capacity[node] = p.Capacity[node] * 8 / 10 / int64(nodes)
	}
	return p
}

// planted returns an instance whose nodes are filled to a share by a plan that is drawn with it, and that plan.
func planted(nodes, jobs, dims int, share float64, uniform bool, seed uint64) (gap.Problem, []int32) {
	rng := rand.New(rand.NewPCG(seed, 7))
	pairs := nodes
	if uniform {
		pairs = 1
	}
	p := gap.Problem{
		Jobs: jobs, Nodes: nodes, Dims: dims, Uniform: uniform, Cost: make([]float64, jobs*nodes),
		Demand: make([]int64, jobs*pairs*dims), Capacity: make([]int64, nodes*dims),
	}
	for at := range p.Cost {
		p.Cost[at] = float64(10 + rng.IntN(41))
	}
	for at := range p.Demand {
		p.Demand[at] = 5 + rng.Int64N(21)
	}
	plan := make([]int32, jobs)
	for job := range plan {
		node := rng.IntN(nodes)
		plan[job] = int32(node)
		for d := range dims {
			need := job*dims + d
			if !uniform {
				need = (job*nodes+node)*dims + d
			}
			p.Capacity[node*dims+d] += p.Demand[need]
		}
	}
	for at := range p.Capacity {
		p.Capacity[at] = int64(math.Ceil(float64(p.Capacity[at]) / share))
	}
	return p, plan
}

// library reads the OR-Library instances and their proven lower bounds from FOG_DATA.
func library(tb testing.TB) (names []string, problems map[string]gap.Problem, bounds map[string]float64) {
	tb.Helper()
	root := os.Getenv("FOG_DATA")
	if root == "" {
		tb.Skip("FOG_DATA is not set")
	}
	problems, bounds = map[string]gap.Problem{}, map[string]float64{}
	text, err := os.ReadFile(filepath.Join(root, "gap", "bounds.txt"))
	require.NoError(tb, err)
	for line := range strings.Lines(string(text)) {
		var name string
		var lower, upper float64
		if _, err := fmt.Sscan(line, &name, &lower, &upper); err != nil {
			continue
		}
		name = strings.TrimSuffix(name, "_Min")
		names, bounds[name] = append(names, name), lower
		problems[name] = readInstance(tb, filepath.Join(root, "gap", name))
	}
	return names, problems, bounds
}

// readInstance reads one file of OR-Library form.
func readInstance(tb testing.TB, path string) gap.Problem {
	tb.Helper()
	file, err := os.Open(path)
	require.NoError(tb, err)
	defer file.Close()
	in := bufio.NewReader(file)
	next := func() int64 {
		var n int64
		_, err := fmt.Fscan(in, &n)
		require.NoError(tb, err)
		return n
	}
	nodes, jobs := int(next()), int(next())
	p := gap.Problem{
		Jobs: jobs, Nodes: nodes, Dims: 1, Cost: make([]float64, jobs*nodes), Demand: make([]int64, jobs*nodes),
		Capacity: make([]int64, nodes),
	}
	for node := range nodes {
		for job := range jobs {
			p.Cost[job*nodes+node] = float64(next())
		}
	}
	for node := range nodes {
		for job := range jobs {
			p.Demand[job*nodes+node] = next()
		}
	}
	for node := range nodes {
		p.Capacity[node] = next()
	}
	return p
}
