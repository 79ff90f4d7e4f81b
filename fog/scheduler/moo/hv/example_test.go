package hv_test

import (
	"fmt"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
)

// Three plans, each with a latency and a cost; everything below the reference (5, 5) is worth having.
func ExampleWorkspace_Volume() {
	var w hv.Workspace
	plans := []float64{
		1, 4,
		2, 2,
		4, 1,
	}
	fmt.Println(w.Volume(plans, 2, []float64{5, 5}))
	// Output: 11
}

func ExampleWorkspace_Contributions() {
	var w hv.Workspace
	plans := []float64{
		1, 4,
		2, 2,
		4, 1,
		3, 3, // dominated by the second
	}
	fmt.Println(w.Contributions(nil, plans, 2, []float64{5, 5}))
	// Output: [1 3 1 0]
}

func ExampleWorkspace_ContributionsOf() {
	var w hv.Workspace
	plans := []float64{1, 4, 2, 2, 4, 1}
	fmt.Println(w.ContributionsOf(nil, plans, 2, []float64{5, 5}, []int32{2}))
	// Output: [1]
}

// The row to drop when a set has become too large.
func ExampleWorkspace_Least() {
	var w hv.Workspace
	fmt.Println(w.Least([]float64{0, 4, 2, 2, 3, 1.5, 4, 0}, 2, []float64{5, 5}))
	// Output: 2
}

func ExampleIGD() {
	front := []float64{0, 2, 1, 1, 2, 0}
	fmt.Printf("%.3f\n", hv.IGD([]float64{1, 1}, front, 2))
	// Output: 0.943
}

func ExampleIGDPlus() {
	front := []float64{0, 2, 1, 1, 2, 0}
	fmt.Printf("%.3f\n", hv.IGDPlus([]float64{1, 1}, front, 2))
	// Output: 0.667
}

// The second plan costs a little more time than the fastest and saves most of the money.
func ExampleKnee() {
	plans := []float64{
		10, 900, // milliseconds, euros
		12, 300,
		40, 200,
		90, 150,
	}
	fmt.Println(hv.Knee(plans, 2))
	// Output: 1
}
