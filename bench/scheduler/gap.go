package scheduler

import (
	"context"
	"fmt"
	"time"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/scheduler/place/gap"
)

// gapFigures are the figures of the generalised assignment problem: the data folder's instances, all of class c, and others that are
// drawn here, of classes c, d and e.
func gapFigures(s *Setting) []Figure {
	var figures []Figure
	for _, name := range []string{"c05100", "c05200", "c10100", "c10200", "c10400", "c20100", "c20200", "c20400"} {
		figures = append(figures, Figure{"gap/" + name + "_gap_1s", "<", 0.5, func(ctx context.Context) (Result, error) {
			folder, err := s.data()
			if err != nil {
				return Result{}, err
			}
			a, err := readAssignment(folder, name)
			if err != nil {
				return Result{}, err
			}
			return a.gap(ctx, s)
		}})
	}
	for _, class := range []byte("cde") {
		for _, agents := range []int{10, 20} {
			goal := map[byte]float64{'c': 0.5, 'd': 1.5, 'e': 5}[class]
			figures = append(figures, Figure{fmt.Sprintf("gap/unseen_%c%d400_gap_1s", class, agents), "<", goal, func(ctx context.Context) (Result, error) {
				return makeAssignment(class, agents, 400, 1).gap(ctx, s)
			}})
		}
	}
	return figures
}

// problem is the instance for the package that is measured.
func (a *assignment) problem() gap.Problem {
	p := gap.Problem{Jobs: a.jobs, Nodes: a.agents, Dims: 1, Capacity: a.capacity}
	for j := range a.jobs {
		for i := range a.agents {
			k := i*a.jobs + j
			p.Cost, p.Demand = append(p.Cost, float64(a.cost[k])), append(p.Demand, a.demand[k])
		}
	}
	return p
}

// gap is by how many percent the plan after a second of CPU time costs more than the bound: the median of the seeds, each of
// which must place every job.
func (a *assignment) gap(ctx context.Context, s *Setting) (Result, error) {
	var gaps []float64
	problem := a.problem()
	for seed := range s.rounds(5) {
		before := cpu()
		plan, err := gap.Solve(ctx, problem, gap.Config{Seed: uint64(seed), Time: time.Second, Now: cpuClock})
		if err != nil {
			return Result{}, err
		}
		if took := cpu() - before; took > 1100*time.Millisecond {
			return Result{}, fmt.Errorf("%v of CPU time instead of a second", took)
		}
		cost, err := a.judge(plan.Assign)
		if err != nil {
			return Result{}, err
		}
		if cost != plan.Cost {
			return Result{}, fmt.Errorf("a plan costs %v, not %v", cost, plan.Cost)
		}
		if cost < a.bound {
			return Result{}, fmt.Errorf("a plan costs %v, less than the bound %v", cost, a.bound)
		}
		gaps = append(gaps, 100*(cost/a.bound-1))
		if err := ctx.Err(); err != nil {
			return Result{}, err
		}
	}
	return Result{Value: sample.Median(gaps), Unit: "%", Note: fmt.Sprintf("from %s to %s %% in %d seeds, every job placed",
		sample.Number(sample.Least(gaps)), sample.Number(sample.Most(gaps)), len(gaps))}, nil
}
