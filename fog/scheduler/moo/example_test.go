package moo_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"fmt"
	"math"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// A can of a given volume: less metal against less height.
func ExampleReal() {
	can := moo.Real{Lower: []float64{2, 4}, Upper: []float64{10, 30}} // radius and height in cm
	p := can.Problem(2, func(x, out []float64) float64 {
		radius, height := x[0], x[1]
		out[0] = 2 * math.Pi * radius * (radius + height) // metal
		out[1] = height
		return 330 - math.Pi*radius*radius*height // must hold 330 ml
	})
	engine, err := moo.New(p, moo.Config{Seed: 1, Generations: 200})
	if err != nil {
		panic(err)
	}
	front, err := engine.Run(context.Background())
	if err != nil {
		panic(err)
	}
	least := front.Members[0]
	fmt.Printf("the least metal is about %.1f dm², the flattest can %.0f cm high\n", least.Objectives[0]/100, front.Members[len(front.Members)-1].Genome[1])
	// Output: the least metal is about 2.6 dm², the flattest can 4 cm high
}

// How many machines of each kind: little money against little time.
func ExampleInteger() {
	p := moo.Integer{Lower: []int{0, 0, 0}, Upper: []int{9, 9, 9}}.Problem(2, func(x []int, out []float64) float64 {
		speed := float64(1*x[0] + 3*x[1] + 8*x[2])
		out[0] = float64(2*x[0] + 5*x[1] + 15*x[2]) // money
		out[1] = 120 / speed                        // hours; +Inf without a machine is the worst there is
		return 0
	})
	engine, _ := moo.New(p, moo.Config{Population: 40, Seed: 1, Generations: 50})
	front, _ := engine.Run(context.Background())
	for _, plan := range front.Members[1:6] {
		fmt.Printf("%v costs %2.0f, takes %.0f h\n", plan.Genome, plan.Objectives[0], plan.Objectives[1])
	}
	// Output:
	// [1 0 0] costs  2, takes 120 h
	// [2 0 0] costs  4, takes 60 h
	// [0 1 0] costs  5, takes 40 h
	// [1 1 0] costs  7, takes 30 h
	// [2 1 0] costs  9, takes 24 h
}

// Which files to keep in a small cache: hits against bytes.
func ExampleBinary() {
	hits := []float64{90, 70, 50, 30, 20, 10, 5, 2}
	size := []float64{40, 10, 30, 5, 20, 1, 10, 1}
	p := moo.Binary{Length: len(hits)}.Problem(2, func(b moo.Bits, out []float64) float64 {
		out[0], out[1] = 0, 0
		for i := range b.All {
			out[0] -= hits[i] // maximised
			out[1] += size[i]
		}
		return out[1] - 50 // the cache holds 50
	})
	engine, _ := moo.New(p, moo.Config{Population: 40, Seed: 1, Generations: 50})
	front, _ := engine.Run(context.Background())
	best := front.Members[0]
	fmt.Printf("%.0f hits with %.0f bytes: files", -best.Objectives[0], best.Objectives[1])
	for i := range best.Genome.All {
		fmt.Print(" ", i)
	}
	// Output: 162 hits with 47 bytes: files 1 2 3 5 7
}

// A round trip that is short and does not climb much.
func ExamplePermutation() {
	x := []float64{0, 1, 2, 2, 2, 1, 0, 0}
	y := []float64{0, 0, 0, 1, 2, 2, 2, 1}
	height := []float64{0, 5, 0, 5, 0, 5, 0, 5}
	p := moo.Permutation{Length: 8}.Problem(2, func(order []int, out []float64) float64 {
		out[0], out[1] = 0, 0
		from := order[7]
		for _, to := range order {
			out[0] += math.Hypot(x[to]-x[from], y[to]-y[from])
			out[1] += max(0, height[to]-height[from])
			from = to
		}
		return 0
	})
	engine, _ := moo.New(p, moo.Config{Population: 40, Seed: 1, Generations: 60})
	front, _ := engine.Run(context.Background())
	for _, trip := range front.Members {
		fmt.Printf("length %.2f, climbs %.0f\n", trip.Objectives[0], trip.Objectives[1])
	}
	// Output:
	// length 8.00, climbs 20
	// length 9.41, climbs 15
	// length 10.83, climbs 10
	// length 12.24, climbs 5
}

// A recipe: the order of the steps, how many batches, how hot, and which extras.
func ExampleMixed() {
	p := moo.Mixed{
		Order:   moo.Permutation{Length: 4},
		Integer: moo.Integer{Lower: []int{1}, Upper: []int{5}},
		Real:    moo.Real{Lower: []float64{150}, Upper: []float64{250}},
		Binary:  moo.Binary{Length: 3},
	}.Problem(2, func(g moo.Mix, out []float64) float64 {
		wrong := 0.0
		for i, step := range g.Order {
			wrong += math.Abs(float64(step - i))
		}
		out[0] = float64(g.Integer[0]) * (60 - (g.Real[0]-150)/5)                                       // minutes
		out[1] = wrong + math.Abs(g.Real[0]-200)/10 + float64(3-g.Bits.Count()) + float64(g.Integer[0]) // effort
		return float64(3 - g.Integer[0])                                                                // at least three batches
	})
	engine, _ := moo.New(p, moo.Config{Population: 60, Seed: 1, Generations: 150})
	front, _ := engine.Run(context.Background())
	best := front.Members[len(front.Members)-1]
	fmt.Printf("%v %v at about %.0f0 °C, %d extras\n", best.Genome.Order, best.Genome.Integer, best.Genome.Real[0]/10, best.Genome.Bits.Count())
	// Output: [0 1 2 3] [3] at about 200 °C, 3 extras
}

// Jobs on nodes: the time until all are done against energy.
func ExampleAssignment() {
	work := []float64{8, 7, 6, 5, 4, 3, 2, 1}
	speed := []float64{4, 2, 1}
	power := []float64{9, 3, 1}
	p := moo.Assignment{Jobs: len(work), Nodes: len(speed)}.Problem(2, func(node []uint16, out []float64) float64 {
		var busy [3]float64
		out[0], out[1] = 0, 0
		for j, n := range node {
			busy[n] += work[j] / speed[n]
			out[0] = max(out[0], busy[n])
			out[1] += work[j] / speed[n] * power[n]
		}
		return 0
	})
	engine, _ := moo.New(p, moo.Config{Population: 40, Seed: 1, Generations: 60})
	front, _ := engine.Run(context.Background())
	quick, frugal := front.Members[0], front.Members[len(front.Members)-1]
	fmt.Printf("quickest: %v in %.2f with %.2f\n", quick.Genome, quick.Objectives[0], quick.Objectives[1])
	fmt.Printf("most frugal: %v in %.2f with %.2f\n", frugal.Genome, frugal.Objectives[0], frugal.Objectives[1])
	// Output:
	// quickest: [0 0 0 2 1 1 1 1] in 5.25 with 67.25
	// most frugal: [2 2 2 2 2 2 2 2] in 36.00 with 36.00
}

// A loop over generations can watch, stop and go on.
func ExampleEngine_Generations() {
	p := moo.Real{Lower: []float64{-5}, Upper: []float64{5}}.Problem(2, func(x, out []float64) float64 {
		out[0], out[1] = x[0]*x[0], (x[0]-2)*(x[0]-2)
		return 0
	})
	engine, _ := moo.New(p, moo.Config{Population: 20, Seed: 3})
	for g, err := range engine.Generations(context.Background()) {
		if err != nil {
			panic(err)
		}
		if g.Number%5 == 0 {
			fmt.Printf("generation %2d: %2d of 20 in the front\n", g.Number, g.Front)
		}
		if g.Number == 10 {
			break
		}
	}
	// Output:
	// generation  0:  5 of 20 in the front
	// generation  5: 20 of 20 in the front
	// generation 10: 20 of 20 in the front
}

// A search goes on where another process left it.
func ExampleEngine_Restore() {
	p := moo.Real{Lower: []float64{-5}, Upper: []float64{5}}.Problem(2, func(x, out []float64) float64 {
		out[0], out[1] = x[0]*x[0], (x[0]-2)*(x[0]-2)
		return 0
	})
	first, _ := moo.New(p, moo.Config{Seed: 3, Generations: 10})
	_, _ = first.Run(context.Background())
	var file bytes.Buffer
	_ = gob.NewEncoder(&file).Encode(first.Snapshot())

	var snapshot moo.Snapshot[[]float64]
	_ = gob.NewDecoder(&file).Decode(&snapshot)
	second, _ := moo.New(p, moo.Config{Generations: 20})
	if err := second.Restore(snapshot); err != nil {
		panic(err)
	}
	front, _ := second.Run(context.Background())
	fmt.Println(front.Generations, "generations,", front.Evaluations, "evaluations")
	// Output: 20 generations, 2100 evaluations
}

// NSGA-III spreads a front of many objectives along given directions.
func ExampleDasDennis() {
	for _, point := range moo.DasDennis(3, 2) {
		fmt.Println(point)
	}
	// Output:
	// [0 0 1]
	// [0 0.5 0.5]
	// [0 1 0]
	// [0.5 0 0.5]
	// [0.5 0.5 0]
	// [1 0 0]
}
