package scheduler

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"runtime"

	"github.com/fogcompute/fogcompute/bench/peers"
	"github.com/fogcompute/fogcompute/bench/plot"
	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
)

// engineFigures are the figures of the multi-objective engine.
func engineFigures(s *Setting) []Figure {
	var figures []Figure
	others := peers.New(s.Out)
	for _, p := range puzzles(s) {
		small := &evolution{setting: s, peers: others, puzzle: p, population: 100, generations: 250, rounds: s.rounds(11)}
		large := &evolution{setting: s, peers: others, puzzle: p, population: 1000, generations: 150, rounds: s.rounds(5)}
		fast, good := 3., Figure{Op: ">", Goal: 0.995}
		switch p.name {
		case "zdt1":
			fast = 2.5
		case "dtlz2":
			good.Goal = 0.985
		case "assign":
			good = Figure{Op: ">=", Goal: 1}
		}
		figures = append(figures,
			Figure{"moo/" + p.name + "_pop100", ">", fast, small.speed},
			Figure{"moo/" + p.name + "_hv", good.Op, good.Goal, small.quality},
			Figure{"moo/" + p.name + "_pop1000", ">", 15, large.speed},
		)
	}
	return append(figures, Figure{"moo/generation_allocs", "<=", 0, func(ctx context.Context) (Result, error) { return generationAllocs(ctx, s) }})
}

// evolution runs one puzzle on both sides, round by round, with one seed a round.
type evolution struct {
	setting                         *Setting
	peers                           *peers.Peers
	puzzle                          puzzle
	population, generations, rounds int

	runs shared[*runs]
}

// runs is what the rounds came to: CPU time of a generation in microseconds, and the last populations.
type runs struct {
	our, their, ratios []float64
	ours, pagmo        [][]float64
	seeds              []int // of the rounds
}

// both runs our engine and pagmo2.
func (e *evolution) both(ctx context.Context) (*runs, error) {
	return e.runs.get(func() (*runs, error) {
		r := &runs{}
		seed := 0 // of the round that warms up
		var fronts [2][]float64
		our, their, ratios, err := interleave(ctx, e.rounds, func() (cost float64, err error) {
			cost, fronts[0], err = e.ours(ctx, seed)
			return cost, err
		}, func() (cost float64, err error) {
			cost, fronts[1], err = e.peer(ctx, e.peers.Pagmo, seed)
			return cost, err
		}, func() {
			if seed > 0 {
				r.ours, r.pagmo, r.seeds = append(r.ours, fronts[0]), append(r.pagmo, fronts[1]), append(r.seeds, seed)
			}
			seed++
		})
		r.our, r.their, r.ratios = our, their, ratios
		return r, err
	})
}

// ours is the CPU time of one generation in microseconds, the initial population set apart, and the last population.
func (e *evolution) ours(ctx context.Context, seed int) (float64, []float64, error) {
	s, err := e.puzzle.begin(moo.Config{Population: e.population, Generations: e.generations, Seed: uint64(seed)})
	if err != nil {
		return 0, nil, err
	}
	if _, err := s.Step(ctx); err != nil {
		return 0, nil, err
	}
	runtime.GC()
	before := cpu()
	if err := s.finish(ctx); err != nil {
		return 0, nil, err
	}
	cost := sample.Micros(cpu()-before) / float64(e.generations)
	points := s.points()
	if len(points) != e.population*len(e.puzzle.reference) {
		return 0, nil, fmt.Errorf("our population has %d numbers", len(points))
	}
	return cost, points, nil
}

// peer is the same of a peer.
func (e *evolution) peer(ctx context.Context, run func(context.Context, peers.Task) (peers.Outcome, error), seed int) (float64, []float64, error) {
	t, err := e.puzzle.task(e.setting, e.population, e.generations, seed)
	if err != nil {
		return 0, nil, err
	}
	o, err := run(ctx, t)
	return sample.Micros(o.CPU) / float64(e.generations), o.Points, err
}

// speed compares the CPU time of a generation.
func (e *evolution) speed(ctx context.Context) (Result, error) {
	r, err := e.both(ctx)
	if err != nil {
		return Result{}, err
	}
	ours, err := e.volumes(ctx, r.ours)
	if err != nil {
		return Result{}, fmt.Errorf("ours: %w", err)
	}
	theirs, err := e.volumes(ctx, r.pagmo)
	if err != nil {
		return Result{}, fmt.Errorf("pagmo2: %w", err)
	}
	return Result{
		Value: sample.Median(r.our), Unit: "us", Peer: "pagmo2", PeerValue: sample.Median(r.their), Ratio: sample.Median(r.ratios),
		Note: fmt.Sprintf("ratios from %s to %s in %d rounds of %d generations; hypervolume %s, pagmo2's %s",
			sample.Number(sample.Least(r.ratios)), sample.Number(sample.Most(r.ratios)), e.rounds, e.generations,
			sample.Number(sample.Median(ours)), sample.Number(sample.Median(theirs))),
	}, nil
}

// quality compares the median hypervolume of the last populations with that of the better peer.
func (e *evolution) quality(ctx context.Context) (Result, error) {
	r, err := e.both(ctx)
	if err != nil {
		return Result{}, err
	}
	fronts := map[string][][]float64{"ours": r.ours, "pagmo2": r.pagmo}
	note := ""
	for _, seed := range r.seeds {
		_, points, err := e.peer(ctx, e.peers.DEAP, seed)
		if err != nil {
			note = "without DEAP: " + err.Error() + "; "
			delete(fronts, "DEAP")
			break
		}
		fronts["DEAP"] = append(fronts["DEAP"], points)
	}
	best := Result{Unit: "hv"}
	for _, side := range []string{"ours", "pagmo2", "DEAP"} {
		volumes, err := e.volumes(ctx, fronts[side])
		if err != nil {
			return Result{}, fmt.Errorf("%s: %w", side, err)
		}
		if len(volumes) == 0 {
			continue
		}
		median := sample.Median(volumes)
		note += fmt.Sprintf("%s %s (%s to %s); ", side, sample.Number(median), sample.Number(sample.Least(volumes)), sample.Number(sample.Most(volumes)))
		if side == "ours" {
			best.Value = median
		} else if median > best.PeerValue {
			best.Peer, best.PeerValue = side, median
		}
	}
	best.Ratio, best.Note = best.Value/best.PeerValue, note+fmt.Sprintf("%d seeds", len(r.seeds))
	return best, e.draw(fronts)
}

// volumes are the hypervolumes of fronts, normalised by the reference point. Each is computed by our tool and, where it is there,
// by pagmo2 as well: they must agree, and none may be more than the true front's.
func (e *evolution) volumes(ctx context.Context, fronts [][]float64) ([]float64, error) {
	var w hv.Workspace
	var out []float64
	reference, scale := e.puzzle.reference, 1.0
	if e.puzzle.name == "assign" {
		scale = reference[0] * reference[1]
	}
	for _, points := range fronts {
		v := w.Volume(points, len(reference), reference)
		theirs, err := e.peers.Volume(ctx, inside(points, reference), reference)
		if err != nil {
			return nil, err
		}
		if math.Abs(v-theirs) > 1e-9*math.Abs(theirs) {
			return nil, fmt.Errorf("hypervolume %v by our tool and %v by pagmo2's", v, theirs)
		}
		if v/scale > e.puzzle.limit {
			return nil, fmt.Errorf("hypervolume %v is more than that of the true front, %v", v/scale, e.puzzle.limit)
		}
		out = append(out, v/scale)
	}
	return out, nil
}

// inside are the points that are better than the reference in each objective: pagmo2 refuses others.
func inside(points, reference []float64) []float64 {
	var kept []float64
	for m := len(reference); len(points) > 0; points = points[m:] {
		better := true
		for o, v := range points[:m] {
			better = better && v < reference[o]
		}
		if better {
			kept = append(kept, points[:m]...)
		}
	}
	return kept
}

// draw plots the fronts of the first seed.
func (e *evolution) draw(fronts map[string][][]float64) error {
	c := plot.Chart{Title: fmt.Sprintf("%s after %d generations of %d", e.puzzle.name, e.generations, e.population), X: "first objective", Y: "second objective"}
	for _, side := range []string{"DEAP", "pagmo2", "ours"} {
		if len(fronts[side]) == 0 {
			continue
		}
		s := plot.Series{Name: side}
		for points, m := fronts[side][0], len(e.puzzle.reference); len(points) > 0; points = points[m:] {
			s.Points = append(s.Points, [2]float64{points[0], points[1]})
		}
		c.Series = append(c.Series, s)
	}
	return c.Save(filepath.Join(e.setting.Out, "moo_"+e.puzzle.name+".svg"))
}

// generationAllocs is the greatest number of allocations in a generation of any puzzle, once 100 have gone by.
func generationAllocs(ctx context.Context, s *Setting) (Result, error) {
	const generations = 50
	r := Result{Unit: "allocs"}
	for _, p := range puzzles(s) {
		for _, population := range []int{100, 1000} {
			search, err := p.begin(moo.Config{Population: population, Seed: 1})
			if err != nil {
				return r, fmt.Errorf("%s: %w", p.name, err)
			}
			made, err := allocations(ctx, search, 100, generations)
			if err != nil {
				return r, fmt.Errorf("%s: %w", p.name, err)
			}
			r.Note += fmt.Sprintf("%s of %d: %d in %d; ", p.name, population, made, generations)
			r.Value = max(r.Value, float64(made)/generations)
		}
	}
	return r, nil
}

// allocations counts the allocations of some steps, after others: the least of three counts, as the runtime now and then makes
// some of its own.
func allocations(ctx context.Context, s search, before, steps int) (uint64, error) {
	least := uint64(math.MaxUint64)
	var from, to runtime.MemStats
	for i := range before + 3*steps {
		if i >= before && (i-before)%steps == 0 {
			runtime.ReadMemStats(&from)
		}
		if _, err := s.Step(ctx); err != nil {
			return 0, err
		}
		if i >= before && (i-before)%steps == steps-1 {
			runtime.ReadMemStats(&to)
			least = min(least, to.Mallocs-from.Mallocs)
		}
	}
	return least, nil
}
