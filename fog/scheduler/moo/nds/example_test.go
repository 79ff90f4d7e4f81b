package nds_test

import (
	"fmt"
	"math"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/nds"
)

// Five machines by price and by hours that they take: three are sensible choices, two are not.
func ExampleWorkspace_Sort() {
	f := []float64{
		1, 9,
		4, 4,
		5, 5, // dearer and slower than the one before
		9, 1,
		9, math.NaN(), // never measured: counts as the slowest
	}
	var w nds.Workspace
	fmt.Println(w.Sort(f, 2))
	// Output: [0 0 1 0 2]
}

func ExampleWorkspace_Fronts() {
	f := []float64{
		3, 3, 3,
		1, 2, 3,
		3, 2, 1,
		4, 4, 4,
	}
	var w nds.Workspace
	w.Sort(f, 3)
	for rank, front := range w.Fronts() {
		fmt.Println(rank, front)
	}
	// Output:
	// 0 [1 2]
	// 1 [0]
	// 2 [3]
}

// The best row by its objectives overloads a node by 2, so every row that overloads none comes before it.
func ExampleWorkspace_SortConstrained() {
	f := []float64{
		1, 1,
		2, 5,
		5, 2,
		6, 6,
	}
	violation := []float64{2, 0, 0, 0}
	var w nds.Workspace
	fmt.Println(w.SortConstrained(f, violation, 2))
	// Output: [2 0 0 1]
}

// Above the limit rows are divided and conquered; the ranks are the same.
func ExampleWorkspace_bitset() {
	f := []float64{
		1, 2, 3, 4,
		2, 3, 4, 5,
		4, 3, 2, 1,
	}
	w := nds.Workspace{Bitset: 2}
	fmt.Println(w.Sort(f, 4))
	// Output: [0 1 0]
}

func ExampleDominates() {
	fmt.Println(nds.Dominates([]float64{1, 2}, []float64{1, 3}))
	fmt.Println(nds.Dominates([]float64{1, 2}, []float64{1, 2}))
	// Output:
	// true
	// false
}
