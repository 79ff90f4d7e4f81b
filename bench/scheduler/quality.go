package scheduler

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/fogcompute/fogcompute/bench/plot"
	"github.com/fogcompute/fogcompute/bench/sample"
)

// placeFigures are the figures of placement.
func placeFigures(s *Setting) []Figure {
	brief := &placing{setting: s, budget: 100 * time.Millisecond, seeds: s.rounds(5)}
	long := &placing{setting: s, budget: time.Second, seeds: s.rounds(5)}
	mixed := &placing{setting: s, budget: time.Second, seeds: s.rounds(5), genetic: 0.25}
	var figures []Figure
	for i, w := range profiles() {
		figures = append(figures, Figure{"place/" + w.name + "_100ms", ">", w.goal, func(ctx context.Context) (Result, error) { return brief.gain(ctx, i) }})
	}
	for i, w := range profiles() {
		figures = append(figures, Figure{"place/" + w.name + "_1s", "<=", 1, func(ctx context.Context) (Result, error) { return monotone(ctx, brief, long, i) }})
	}
	return append(figures,
		Figure{"place/hv_100ms", ">", 1.5, brief.volume},
		Figure{"place/hv_1s", ">", 1.5, func(ctx context.Context) (Result, error) {
			r, err := long.volume(ctx)
			if err != nil {
				return r, err
			}
			return r, overTime(ctx, s)
		}},
		Figure{"place/nsga_vs_search", ">", 1, func(ctx context.Context) (Result, error) { return versus(ctx, mixed, long) }},
	)
}

// groups hands the median of a value over the trials of the data folder's instances, and of those that no file has.
func groups(all []*contested, value func(c *contested, t *trial) float64) (known, unseen float64) {
	var values [2][]float64
	for _, c := range all {
		group := 1
		if c.known {
			group = 0
		}
		for i := range c.trials {
			values[group] = append(values[group], value(c, &c.trials[i]))
		}
	}
	return sample.Median(values[0]), sample.Median(values[1])
}

// gain is by how many percent the chosen plan lies below the weighted greedy, in the group of instances where that is less.
func (p *placing) gain(ctx context.Context, profile int) (Result, error) {
	all, err := p.all(ctx)
	if err != nil {
		return Result{}, err
	}
	known, unseen := groups(all, func(c *contested, t *trial) float64 { return 100 * (1 - t.scores[profile]/c.greedy[profile]) })
	score, _ := groups(all, func(_ *contested, t *trial) float64 { return t.scores[profile] })
	return Result{Value: min(known, unseen), Unit: "%", Note: fmt.Sprintf("%s %% on the data's instances, score %s; %s %% on others",
		sample.Number(known), sample.Number(score), sample.Number(unseen))}, nil
}

// volume compares the hypervolume with that of the greedy of many weights, in the group of instances where the ratio is less.
func (p *placing) volume(ctx context.Context) (Result, error) {
	all, err := p.all(ctx)
	if err != nil {
		return Result{}, err
	}
	ours, _ := groups(all, func(_ *contested, t *trial) float64 { return t.volume })
	theirs, _ := groups(all, func(_ *contested, t *trial) float64 { return t.their })
	known, unseen := groups(all, func(_ *contested, t *trial) float64 { return t.volume / t.their })
	return Result{Value: ours, Unit: "hv", Peer: "multi-greedy", PeerValue: theirs, Ratio: min(known, unseen),
		Note: fmt.Sprintf("ratio %s on the data's instances, %s on others", sample.Number(known), sample.Number(unseen))}, nil
}

// monotone compares the scores of a profile after more time with those after less, seed by seed. The ratio is the worst.
func monotone(ctx context.Context, brief, long *placing, profile int) (Result, error) {
	less, err := brief.all(ctx)
	if err != nil {
		return Result{}, err
	}
	more, err := long.all(ctx)
	if err != nil {
		return Result{}, err
	}
	r := Result{Unit: "score", Peer: "100ms"}
	r.Value, _ = groups(more, func(_ *contested, t *trial) float64 { return t.scores[profile] })
	r.PeerValue, _ = groups(less, func(_ *contested, t *trial) float64 { return t.scores[profile] })
	for i, c := range more {
		for k := range c.trials {
			r.Ratio = max(r.Ratio, c.trials[k].scores[profile]/less[i].trials[k].scores[profile])
		}
	}
	known, unseen := groups(more, func(c *contested, t *trial) float64 { return 100 * (1 - t.scores[profile]/c.greedy[profile]) })
	r.Note = fmt.Sprintf("the ratio is the worst of all; %s %% below the weighted greedy on the data's instances, %s %% on others",
		sample.Number(known), sample.Number(unseen))
	return r, nil
}

// versus compares the hypervolume of the search with NSGA-II on top with that of the search alone.
func versus(ctx context.Context, mixed, alone *placing) (Result, error) {
	with, err := mixed.all(ctx)
	if err != nil {
		return Result{}, err
	}
	without, err := alone.all(ctx)
	if err != nil {
		return Result{}, err
	}
	var our, their, ratios []float64
	for i := range with {
		both := &contested{study: with[i].study}
		for k := range with[i].trials {
			both.trials = append(both.trials, trial{ours: with[i].trials[k].ours, theirs: without[i].trials[k].ours})
		}
		both.measure()
		for _, t := range both.trials {
			our, their, ratios = append(our, t.volume), append(their, t.their), append(ratios, t.volume/t.their)
		}
	}
	return Result{Value: sample.Median(our), Unit: "hv", Peer: "search", PeerValue: sample.Median(their), Ratio: sample.Median(ratios),
		Note: fmt.Sprintf("ratios from %s to %s", sample.Number(sample.Least(ratios)), sample.Number(sample.Most(ratios)))}, nil
}

// overTime plots what more time brings on the first instance, and the two fronts after 100 ms.
func overTime(ctx context.Context, s *Setting) error {
	folder, err := s.data()
	if err != nil {
		return err
	}
	studies, err := readStudies(folder)
	if err != nil {
		return err
	}
	first, balanced := studies[0], profiles()[0].weights
	quality := plot.Chart{Title: "Placement of 1,000 jobs on 200 nodes: quality over time", X: "CPU time, ms", Y: "balanced score (weighted greedy: about 1)"}
	front := plot.Chart{Title: "Placement of 1,000 jobs on 200 nodes: fronts after 100 ms", X: "response, weighted by tier", Y: "cost"}
	ours, theirs := plot.Series{Name: "fog/scheduler/place", Line: true}, plot.Series{Name: "greedy, many weights", Line: true}
	problem := first.problem()
	for _, ms := range []int{10, 20, 50, 100, 200, 400, 700, 1000} {
		p := &placing{setting: s, budget: time.Duration(ms) * time.Millisecond}
		plans, err := p.solve(ctx, first, problem, 1)
		if err != nil {
			return err
		}
		greedy, err := first.multiGreedy(plans.took, 1)
		if err != nil {
			return err
		}
		ours.Points = append(ours.Points, [2]float64{sample.Millis(plans.took), first.best(plans.front, balanced)})
		theirs.Points = append(theirs.Points, [2]float64{sample.Millis(greedy.took), first.best(greedy.front, balanced)})
		if ms == 100 {
			front.Series = []plot.Series{{Name: ours.Name, Points: flat(plans.front)}, {Name: theirs.Name, Points: flat(greedy.front)}}
		}
	}
	quality.Series = []plot.Series{ours, theirs}
	if err := quality.Save(filepath.Join(s.Out, "place_quality.svg")); err != nil {
		return err
	}
	return front.Save(filepath.Join(s.Out, "place_fronts.svg"))
}

// best is the least score of a front.
func (s *study) best(front []vector, weights vector) float64 {
	least := s.score(front[0], weights)
	for _, f := range front {
		least = min(least, s.score(f, weights))
	}
	return least
}

// flat are the first two objectives.
func flat(front []vector) (points [][2]float64) {
	for _, f := range front {
		points = append(points, [2]float64{f[0], f[1]})
	}
	return points
}
