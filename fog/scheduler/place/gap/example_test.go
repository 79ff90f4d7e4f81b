package gap_test

import (
	"context"
	"fmt"
	"math"

	"github.com/fogcompute/fogcompute/fog/scheduler/place/gap"
)

// Three jobs on two nodes: the cheap node has room for two of them.
func ExampleSolve() {
	p := gap.Problem{
		Jobs: 3, Nodes: 2, Dims: 1,
		Cost:     []float64{1, 5, 2, 4, 3, 9},
		Demand:   []int64{2, 2, 2},
		Uniform:  true,
		Capacity: []int64{4, 4},
	}
	s, err := gap.Solve(context.Background(), p, gap.Config{Seed: 1, Moves: 1000})
	fmt.Println(s.Assign, s.Cost, s.Unplaced, err)
	// Output: [0 1 0] 8 0 <nil>
}

// Where not all jobs find room, those of little weight stay out.
func ExampleSolve_weight() {
	p := gap.Problem{
		Jobs: 3, Nodes: 1, Dims: 1,
		Cost:     []float64{1, 1, 1},
		Demand:   []int64{3, 3, 2},
		Uniform:  true,
		Capacity: []int64{5},
		Weight:   []int64{1, 10, 1},
	}
	s, err := gap.Solve(context.Background(), p, gap.Config{Moves: 1000})
	fmt.Println(s.Assign, s.Unplaced, s.Weight, err)
	// Output: [-1 0 0] 1 1 <nil>
}

// A forbidden pair costs +Inf. Here the bound shows that no plan can do better than 8, or place all jobs at all.
func ExampleLowerBound() {
	p := gap.Problem{
		Jobs: 3, Nodes: 2, Dims: 1,
		Cost:     []float64{1, 5, 2, 4, 3, math.Inf(1)},
		Demand:   []int64{2, 2, 2},
		Uniform:  true,
		Capacity: []int64{4, 4},
	}
	bound, err := gap.LowerBound(context.Background(), p, 200)
	fmt.Println(bound, err)
	p.Capacity = []int64{2, 2}
	bound, err = gap.LowerBound(context.Background(), p, 200)
	fmt.Println(bound, err)
	// Output:
	// 8 <nil>
	// +Inf <nil>
}
