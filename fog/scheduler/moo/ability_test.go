package moo_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// TestWarmStart: warm genomes are in the initial population, are copied, and the best of too many live on.
func TestWarmStart(t *testing.T) {
	p := zdt(1)
	best := make([]float64, 30)
	for _, extra := range []int{0, 7, 12, 95} {
		var warm [][]float64
		for range extra {
			g := slices.Repeat([]float64{1}, 30)
			g[0] = float64(len(warm)) / 100
			warm = append(warm, g)
		}
		warm = append(warm, best)
		e, err := moo.New(p, moo.Config{Population: 10, Generations: 1}, warm...)
		require.NoError(t, err)
		g, err := e.Step(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(max(10, extra+1)), g.Evaluations)
		require.Zero(t, g.Number)
		require.Equal(t, best, e.Population()[0].Genome)
		e.Population()[0].Genome[0] = 9
		_, err = e.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, make([]float64, 30), best)
	}
	_, err := moo.New(p, moo.Config{}, best, best[1:])
	require.EqualError(t, err, "moo.new: warm: genome 1: moo.real: genome: has 29 of 30 variables")
	e, err := moo.New(p, moo.Config{Population: 10, Evaluations: 15, Workers: 2}, slices.Repeat([][]float64{best}, 40)...)
	require.NoError(t, err)
	front, err := e.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(15), front.Evaluations, "a warm start keeps to the budget")
}

// TestBatch: evaluating in batches changes nothing, and its error ends the run.
func TestBatch(t *testing.T) {
	c := moo.Config{Population: 15, Generations: 9, Evaluations: 144}
	want := run(t, tnk(), c)
	p := tnk()
	evaluate := p.Evaluate
	p.Evaluate = nil
	sizes := map[int]int{}
	p.EvaluateBatch = func(_ context.Context, g [][]float64, out, violation []float64) error {
		sizes[len(g)]++
		for i := range g {
			violation[i] = evaluate(g[i], out[2*i:2*i+2])
		}
		return nil
	}
	c.Workers = 3
	require.Equal(t, want, run(t, p, c))
	require.Equal(t, map[int]int{15: 9, 9: 1}, sizes)

	lost := errors.New("lost")
	p.EvaluateBatch = func(context.Context, [][]float64, []float64, []float64) error { return lost }
	e, err := moo.New(p, c)
	require.NoError(t, err)
	_, err = e.Run(t.Context())
	require.ErrorIs(t, err, lost)
	p.EvaluateBatch = func(_ context.Context, _ [][]float64, out, _ []float64) error { out[5] = math.NaN(); return nil }
	e, err = moo.New(p, c)
	require.NoError(t, err)
	_, err = e.Run(t.Context())
	require.EqualError(t, err, "moo.run: objectives: objective 1 is NaN for individual 2 of generation 0")
}

// TestDelta: children are evaluated by difference where the problem wants that, with the parent's true values.
func TestDelta(t *testing.T) {
	c := moo.Config{Population: 20, Generations: 10}
	p := drawnWorks(1).problem()
	want := run(t, p, c)
	evaluate := p.Evaluate
	var full, delta atomic.Int64
	p.Evaluate = func(g []uint16, out []float64) float64 { full.Add(1); return evaluate(g, out) }
	p.Delta = func(parent []uint16, known []float64, violation float64, child []uint16, out []float64) (float64, bool) {
		again := make([]float64, 2)
		require.Equal(t, violation, evaluate(parent, again))
		require.Equal(t, known, again)
		if child[0]%2 == 0 {
			return 0, false
		}
		delta.Add(1)
		return evaluate(child, out), true
	}
	c.Workers = 2
	require.Equal(t, want, run(t, p, c))
	require.Positive(t, delta.Load())
	require.Equal(t, int64(220), full.Load()+delta.Load())
	require.Greater(t, full.Load(), int64(20))
}

// TestRepair: nothing is evaluated that was not repaired, and the repair has a stream of its own for each pair.
func TestRepair(t *testing.T) {
	w := drawnWorks(1)
	p := moo.Assignment{Jobs: 200, Nodes: 20}.Problem(2, func(g []uint16, out []float64) float64 {
		require.NotContains(t, g, uint16(7))
		return w.evaluate(g, out)
	})
	p.Repair = func(r *rand.Rand, g []uint16) {
		for j := range g {
			if g[j] == 7 {
				g[j] = uint16(8 + r.IntN(12))
			}
		}
	}
	sameForAnyWorkers(t, p, moo.Config{Population: 20, Generations: 10})
	front := run(t, p, moo.Config{Population: 20, Generations: 2}, slices.Repeat([]uint16{7}, 200))
	require.NotEmpty(t, front.Members)
}

// TestInfinity: +Inf is worst and never silent: such an individual lives on only for want of better ones. -Inf is an error.
func TestInfinity(t *testing.T) {
	p := zdt(1)
	evaluate := p.Evaluate
	p.Evaluate = func(x, out []float64) float64 {
		v := evaluate(x, out)
		if x[1] > 0.3 {
			out[0], out[1] = math.Inf(1), math.Inf(1)
		}
		return v
	}
	for _, survival := range []moo.Survival{{}, {References: moo.DasDennis(2, 29)}} {
		e, err := moo.New(p, moo.Config{Population: 30, Generations: 20, Survival: survival})
		require.NoError(t, err)
		g, err := e.Step(t.Context())
		require.NoError(t, err)
		require.False(t, math.IsInf(g.Nadir[0], 1), "the first front is finite at once")
		front, err := e.Run(t.Context())
		require.NoError(t, err)
		for _, member := range e.Population() {
			require.Less(t, member.Objectives[0], 2.0)
		}
		require.Greater(t, volume(front, 1.1, 5), 1.5)
	}
	p.Evaluate = func(x, out []float64) float64 { out[0], out[1] = 1, math.Inf(-1); return 0 }
	e, err := moo.New(p, moo.Config{Generations: 1})
	require.NoError(t, err)
	_, err = e.Run(t.Context())
	require.EqualError(t, err, "moo.run: objectives: objective 1 is -Inf for individual 0 of generation 0")
	p.Evaluate = func(x, out []float64) float64 { return math.NaN() }
	e, err = moo.New(p, moo.Config{Generations: 1})
	require.NoError(t, err)
	_, err = e.Run(t.Context())
	require.EqualError(t, err, "moo.run: violation: is NaN for individual 0 of generation 0")
}

// TestNothingFeasible: the search goes towards the least violation and says that nothing is feasible.
func TestNothingFeasible(t *testing.T) {
	p := box(5, 0, 1).Problem(2, func(x, out []float64) float64 {
		out[0], out[1] = x[0], 1-x[0]
		return 1 + sum(x)
	})
	e, err := moo.New(p, moo.Config{Population: 20, Generations: 60})
	require.NoError(t, err)
	before := math.Inf(1)
	for g, err := range e.Generations(t.Context()) {
		require.NoError(t, err)
		require.Zero(t, g.Feasible)
		require.LessOrEqual(t, g.Violation, before)
		before = g.Violation
	}
	front := e.Front()
	require.False(t, front.Feasible)
	require.Less(t, front.Members[0].Violation, 1.01)
}

// TestTolerance: a search that has arrived stops, one that moves does not.
func TestTolerance(t *testing.T) {
	c := moo.Config{Population: 40, Generations: 2000, Tolerance: moo.Tolerance{Window: 20, Change: 1e-4}}
	front := run(t, bnh(), c)
	require.Equal(t, moo.ByTolerance, front.Stop)
	require.Less(t, front.Generations, 500)
	require.Greater(t, volume(front, 150, 60), 0.99*volume(run(t, bnh(), moo.Config{Population: 40, Generations: 300}), 150, 60))

	calls := 0.0
	moving := box(2, 0, 1).Problem(2, func(x, out []float64) float64 {
		calls++
		out[0], out[1] = x[0]-calls, 1-x[0]-calls
		return 0
	})
	c.Generations = 200
	require.Equal(t, moo.ByGenerations, run(t, moving, c).Stop)
}

// TestAttachedArchive: the front is what the archive kept of everything evaluated, so it covers all that was ever found.
func TestAttachedArchive(t *testing.T) {
	p := dtlz2(4)
	var all []float64
	evaluate := p.Evaluate
	p.Evaluate = func(x, out []float64) float64 {
		v := evaluate(x, out)
		all = append(all, out...)
		return v
	}
	a, err := moo.NewArchive(moo.ArchiveConfig[[]float64]{Objectives: 4, Make: p.Make, Copy: p.Copy})
	require.NoError(t, err)
	e, err := moo.New(p, moo.Config{Population: 20, Generations: 15})
	require.NoError(t, err)
	require.NoError(t, e.Attach(a))
	front, err := e.Run(t.Context())
	require.NoError(t, err)
	want := slices.Collect(slices.Chunk(firstOf(all, 4), 4))
	slices.SortFunc(want, slices.Compare[[]float64])
	require.Equal(t, slices.Concat(slices.CompactFunc(want, slices.Equal[[]float64])...), rows(front))

	require.ErrorIs(t, e.Attach(a), &fault.Error{Kind: fault.Invalid}, "too late")
	other, err := moo.New(zdt(1), moo.Config{})
	require.NoError(t, err)
	require.EqualError(t, other.Attach(a), "moo.attach: archive: is for 4 objectives, the problem has 2")
}

// TestNewNamesTheField: what is wrong is named.
func TestNewNamesTheField(t *testing.T) {
	good := zdt(1)
	for field, try := range map[string]func() error{
		"Config.Population":          func() error { return made(good, moo.Config{Population: 3}) },
		"Config.Generations":         func() error { return made(good, moo.Config{Generations: -1}) },
		"Config.Evaluations":         func() error { return made(good, moo.Config{Evaluations: 99}) },
		"Config.Time":                func() error { return made(good, moo.Config{Time: -1}) },
		"Config.Workers":             func() error { return made(good, moo.Config{Workers: -1}) },
		"Config.Tolerance.Window":    func() error { return made(good, moo.Config{Tolerance: moo.Tolerance{Window: -1}}) },
		"Config.Tolerance.Change":    func() error { return made(good, moo.Config{Tolerance: moo.Tolerance{Change: math.NaN()}}) },
		"Config.Tournament":          func() error { return made(good, moo.Config{Tournament: 2}) },
		"Config.Duplicates":          func() error { return made(good, moo.Config{Duplicates: 9}) },
		"Config.Survival.References": func() error { return made(good, moo.Config{Survival: moo.Survival{References: moo.DasDennis(3, 2)}}) },
		"Problem.Objectives":         func() error { p := good; p.Objectives = 0; return made(p, moo.Config{}) },
		"Problem.Make":               func() error { p := good; p.Make = nil; return made(p, moo.Config{}) },
		"Problem.Copy":               func() error { p := good; p.Copy = nil; return made(p, moo.Config{}) },
		"Problem.Evaluate":           func() error { p := good; p.Evaluate = nil; return made(p, moo.Config{}) },
		"Problem.Sample":             func() error { p := good; p.Sample = nil; return made(p, moo.Config{}) },
		"Problem.Mutate":             func() error { p := good; p.Cross, p.Mutate = nil, nil; return made(p, moo.Config{}) },
		"Real.Lower":                 func() error { return made(box(3, 1, 0).Problem(2, never), moo.Config{}) },
		"SBX.Eta": func() error {
			return made(moo.Real{Lower: []float64{0}, Upper: []float64{1}, Crossover: moo.SBX{Eta: -1}}.Problem(2, never), moo.Config{})
		},
		"Polynomial.Probability": func() error {
			return made(moo.Real{Lower: []float64{0}, Upper: []float64{1}, Mutation: moo.Polynomial{Probability: 2}}.Problem(2, never), moo.Config{})
		},
		"Integer.Lower": func() error {
			return made(moo.Integer{Lower: []int{1}, Upper: []int{0}}.Problem(2, never), moo.Config{})
		},
		"Reset.Creep": func() error {
			return made(moo.Integer{Lower: []int{1}, Upper: []int{2}, Mutation: moo.Reset{Creep: 2}}.Problem(2, never), moo.Config{})
		},
		"Exchange.Share": func() error {
			return made(moo.Binary{Length: 4, Crossover: moo.Exchange{Share: 2}}.Problem(2, never), moo.Config{})
		},
		"Binary.Length":      func() error { return made(moo.Binary{}.Problem(2, never), moo.Config{}) },
		"Permutation.Length": func() error { return made(moo.Permutation{}.Problem(2, never), moo.Config{}) },
		"Rearrange": func() error {
			return made(moo.Permutation{Length: 3, Mutation: moo.Rearrange{Swap: -1}}.Problem(2, never), moo.Config{})
		},
		"Assignment.Jobs":  func() error { return made(moo.Assignment{Nodes: 3}.Problem(2, never), moo.Config{}) },
		"Assignment.Nodes": func() error { return made(moo.Assignment{Jobs: 3, Nodes: 65537}.Problem(2, never), moo.Config{}) },
		"Reassign.Follow": func() error {
			return made(moo.Assignment{Jobs: 3, Nodes: 2, Mutation: moo.Reassign{Follow: 2}}.Problem(2, never), moo.Config{})
		},
		"Mixed": func() error { return made(moo.Mixed{}.Problem(2, never), moo.Config{}) },
	} {
		err := try()
		require.Equal(t, fault.Invalid, fault.KindOf(err), field)
		require.ErrorContains(t, err, field+": ")
	}
	e, err := moo.New(good, moo.Config{})
	require.NoError(t, err)
	_, err = e.Run(context.Background())
	require.ErrorContains(t, err, "moo.run: Config: bounds neither")
}

func made[G any](p moo.Problem[G], c moo.Config) error {
	_, err := moo.New(p, c)
	return err
}
