package scheduler

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
	"github.com/fogcompute/fogcompute/fog/scheduler/place"
)

// trial is the two sides on one study with one seed and one budget of CPU time.
type trial struct {
	scores        []float64 // of the plan chosen for each profile
	ours, theirs  []vector  // fronts
	volume, their float64   // their hypervolumes, once normalised
}

// contested is a study with its trials.
type contested struct {
	study  *study
	known  bool      // it comes from the data folder
	greedy []float64 // score of the weighted greedy for each profile
	trials []trial
}

// placing gives both sides the same CPU time on every study.
type placing struct {
	setting *Setting
	budget  time.Duration
	seeds   int
	genetic float64 // share of our time that goes to NSGA-II

	runs shared[[]*contested]
}

// all runs everything.
func (p *placing) all(ctx context.Context) ([]*contested, error) {
	return p.runs.get(func() ([]*contested, error) {
		folder, err := p.setting.data()
		if err != nil {
			return nil, err
		}
		studies, err := readStudies(folder)
		if err != nil {
			return nil, err
		}
		known := len(studies)
		for seed := range known {
			s, err := unseen(uint64(seed + 1))
			if err != nil {
				return nil, err
			}
			studies = append(studies, s)
		}
		var out []*contested
		for i, s := range studies {
			c, err := p.contest(ctx, s)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.name, err)
			}
			c.known = i < known
			out = append(out, c)
		}
		return out, nil
	})
}

// contest holds the trials on one study. Ours comes first in each, since theirs gets as much CPU time as it took.
func (p *placing) contest(ctx context.Context, s *study) (*contested, error) {
	c := &contested{study: s, trials: make([]trial, p.seeds)}
	for _, w := range profiles() {
		f, err := s.objectives(newGreedy(s).place(w.weights, s.scale))
		if err != nil {
			return nil, err
		}
		c.greedy = append(c.greedy, s.score(f, w.weights))
	}
	problem := s.problem()
	for seed := range p.seeds {
		ours, err := p.solve(ctx, s, problem, uint64(seed))
		if err != nil {
			return nil, err
		}
		if ours.took > p.budget*11/10+5*time.Millisecond {
			return nil, fmt.Errorf("%v of CPU time instead of %v", ours.took, p.budget)
		}
		theirs, err := s.multiGreedy(ours.took, uint64(seed))
		if err != nil {
			return nil, err
		}
		c.trials[seed] = trial{scores: ours.scores, ours: ours.front, theirs: theirs.front}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	c.measure()
	return c, nil
}

// effort is what one side has reached and the CPU time that it took.
type effort struct {
	front  []vector
	scores []float64 // ours: of the plan chosen for each profile
	took   time.Duration
}

// solve runs what is measured and judges every plan of its front. It has the greedy plans in any case: on some machines these alone take
// longer than a budget of 10 ms.
func (p *placing) solve(ctx context.Context, s *study, problem *place.Problem, seed uint64) (e effort, err error) {
	config := place.Config{Seed: seed, Time: p.budget, Now: cpuClock, Scale: s.scale[:], Genetic: p.genetic}
	for _, w := range profiles() {
		config.Profiles = append(config.Profiles, w.weights[:])
	}
	before := cpu()
	r, err := place.Solve(ctx, problem, config)
	if err != nil {
		return e, err
	}
	e.took = cpu() - before
	for _, plan := range r.Front {
		f, err := s.objectives(plan.Assign)
		if err != nil {
			return e, err
		}
		for o := range f {
			if math.Abs(f[o]-plan.Objectives[o]) > 1e-6*math.Abs(f[o]) {
				return e, fmt.Errorf("objective %d of a plan is %v, not %v", o, f[o], plan.Objectives[o])
			}
		}
		e.front = append(e.front, f)
	}
	for i, w := range profiles() {
		e.scores = append(e.scores, s.score(e.front[r.Best[i]], w.weights))
	}
	return e, nil
}

// measure computes the hypervolumes, normalised over all fronts of the study, those of both sides and of all seeds: the best and the
// worst value of each objective are 0 and 1, and the worst is the reference.
func (c *contested) measure() {
	var all []vector
	for i := range c.trials {
		all = append(append(all, c.trials[i].ours...), c.trials[i].theirs...)
	}
	low, high := all[0], all[0]
	for _, f := range all {
		for o, v := range f {
			low[o], high[o] = min(low[o], v), max(high[o], v)
		}
	}
	for i := range c.trials {
		t := &c.trials[i]
		t.volume, t.their = volume(t.ours, low, high), volume(t.theirs, low, high)
	}
}

// volume is the hypervolume of a front within a box, as a share of the box.
func volume(front []vector, low, high vector) float64 {
	var w hv.Workspace
	var points []float64
	for _, f := range front {
		for o, v := range f {
			points = append(points, (v-low[o])/(high[o]-low[o]))
		}
	}
	return w.Volume(points, aims, []float64{1, 1, 1, 1})
}

// problem is the same instance for the package that is measured. Room is counted in 2^-20 of a core and of a gigabyte, demands
// rounded up and capacities down.
func (s *study) problem() *place.Problem {
	const unit = 1 << 20
	p := &place.Problem{Jobs: len(s.jobs), Nodes: len(s.nodes), Dims: 2, Objectives: aims}
	p.Pair = make([]float64, aims*len(s.pair))
	for k := range s.pair {
		for o, v := range s.pair[k] {
			p.Pair[o*len(s.pair)+k] = v
		}
	}
	p.Fixed = make([]float64, aims*p.Nodes)
	for n := range s.nodes {
		m := &s.nodes[n]
		p.Free = append(p.Free, int64(m.cpu*unit), int64(m.mem*unit))
		p.Fixed[2*p.Nodes+n] = m.idleEnergy()
	}
	for j := range s.jobs {
		p.Demand = append(p.Demand, int64(math.Ceil(s.jobs[j].cpu*unit)), int64(math.Ceil(s.jobs[j].mem*unit)))
		p.Tier = append(p.Tier, map[float64]uint8{10: 0, 3: 1, 1: 2}[s.jobs[j].weight])
	}
	return p
}
