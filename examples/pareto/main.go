// Pareto rents machines for a night of jobs: done sooner, or cheaper? A local
// search that must take the bill for a sum over jobs (fog/scheduler/place/gap)
// is asked for the cheapest plan of each deadline. NSGA-II (fog/scheduler/moo)
// searches the bill as it is, once from random plans and once from those. It
// exits 0 only if all that it says holds.
//
//	go run ./examples/pareto -out pareto.svg
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"slices"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo/nds"
	"github.com/fogcompute/fogcompute/fog/scheduler/place/gap"
)

func main() {
	out := flag.String("out", "pareto.svg", "file for the picture")
	flag.Parse()
	t := tonight(60)
	problem := moo.Assignment{Jobs: len(t.jobs), Nodes: machines}.Problem(2, t.bill)
	fmt.Printf("%d jobs, %.1f h of work at speed 1, on %d machines\n\n", len(t.jobs), t.corner[0], machines)
	seeds := newArchive(problem)
	for minutes := int64(120); minutes <= t.work; minutes += 15 {
		s, err := gap.Solve(context.Background(), t.by(minutes), gap.Config{Seed: 1, Moves: 20_000})
		check(err)
		if s.Unplaced > 0 {
			continue // nothing was found for this deadline
		}
		p, f := planOf(s.Assign), make([]float64, 2)
		t.bill(p, f) // the true one
		seeds.Add(p, f)
	}
	local := curve{name: "place/gap for each deadline", colour: "#1f77b4"}
	for p, f := range seeds.All() {
		local.add(slices.Clone(p), f)
	}
	cold := search(t, problem, curve{name: "moo from random plans", colour: "#2ca02c"})
	warm := search(t, problem, curve{name: "moo from the plans of gap", colour: "#d62728"}, local.plans...)
	fmt.Printf("%-28s plans  hypervolume, as a share of the box\n", "search")
	for _, c := range []curve{local, cold, warm} {
		fmt.Printf("%-28s %5d  %.4f\n", c.name, len(c.plans), t.volume(c.points))
	}
	knee := hv.Knee(warm.points, 2)
	fmt.Printf("\n%-10s %6s %8s   [small medium large]\n", "plan", "hours", "dollars")
	for at, i := range []int{0, knee, len(warm.plans) - 1} {
		fmt.Printf("%-10s %6.2f %8.2f   %v\n", []string{"soonest", "knee", "cheapest"}[at], warm.points[2*i], warm.points[2*i+1], rented(warm.plans[i]))
	}
	verify(t, local, cold, warm)
	check(draw(*out, knee, local, cold, warm))
	fmt.Println("\nall checks hold; the picture is in", *out)
}

// search lets NSGA-II work on the problem and prints how it gets on. The archive keeps what the population would lose.
func search(t *night, problem moo.Problem[plan], c curve, warm ...plan) curve {
	engine, err := moo.New(problem, moo.Config{Seed: 1, Generations: 1500, Workers: 2, Population: 200}, warm...)
	check(err)
	check(engine.Attach(newArchive(problem)))
	fmt.Println(c.name)
	last := 0.0
	for g, err := range engine.Generations(context.Background()) {
		check(err)
		if g.Number%250 > 0 {
			continue
		}
		c.points, c.plans = nil, nil
		for _, m := range engine.Front().Members {
			c.add(m.Genome, m.Objectives)
		}
		volume := t.volume(c.points)
		fmt.Printf("  generation %4d: %2d plans, %.2f h to %.2f h, hypervolume %.4f\n", g.Number, len(c.plans), g.Ideal[0], g.Nadir[0], volume)
		require(volume >= last-1e-12, "the archive lost a plan")
		last = volume
	}
	fmt.Println()
	return c
}

// verify holds the curves to what is said of them.
func verify(t *night, local, cold, warm curve) {
	var layers nds.Workspace
	for _, c := range []curve{local, cold, warm} {
		require(slices.Max(layers.Sort(c.points, 2)) == 0, "%s: a plan beats another of the same front", c.name)
		for i, p := range c.plans {
			f := make([]float64, 2)
			t.bill(p, f)
			require(slices.Equal(f, c.points[2*i:2*i+2]), "%s: plan %d does not cost what it says", c.name, i)
		}
	}
	for i := range len(warm.plans) * len(local.plans) {
		w, l := 2*(i%len(warm.plans)), 2*(i/len(warm.plans))
		require(!nds.Dominates(local.points[l:l+2], warm.points[w:w+2]), "a plan that the search began with beats one of its front")
	}
	require(t.volume(warm.points) > max(t.volume(local.points), t.volume(cold.points)), "the two together are not better than each alone")
}

// require ends the program unless something holds.
func require(holds bool, format string, a ...any) {
	if !holds {
		log.Fatalf(format, a...)
	}
}
