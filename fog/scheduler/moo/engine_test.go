package moo_test

import (
	"context"
	"math"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
)

// run searches to the end.
func run[G any](t testing.TB, p moo.Problem[G], c moo.Config, warm ...G) moo.Front[G] {
	t.Helper()
	e, err := moo.New(p, c, warm...)
	require.NoError(t, err)
	front, err := e.Run(t.Context())
	require.NoError(t, err)
	return front
}

// sameForAnyWorkers checks that the whole population is the same, bit for bit, whoever evaluates.
func sameForAnyWorkers[G any](t *testing.T, p moo.Problem[G], c moo.Config) {
	t.Helper()
	var first []moo.Individual[G]
	for workers := range 5 {
		c.Workers = workers
		e, err := moo.New(p, c)
		require.NoError(t, err)
		_, err = e.Run(t.Context())
		require.NoError(t, err)
		require.Len(t, e.Population(), c.Population)
		if workers == 0 {
			first = e.Population()
		}
		require.Equal(t, first, e.Population(), "%d workers", workers)
	}
}

func TestWorkersDoNotMatter(t *testing.T) {
	for _, population := range []int{4, 7, 40, 101} {
		c := moo.Config{Population: population, Seed: 7, Generations: 12}
		sameForAnyWorkers(t, zdt(4), c)
		sameForAnyWorkers(t, tnk(), c)
		sameForAnyWorkers(t, drawnWorks(1).problem(), c)
		sameForAnyWorkers(t, knapsack(1).problem(), c)
		sameForAnyWorkers(t, drawnTour(1).problem(), c)
		sameForAnyWorkers(t, machine().problem(), c)
		c.Survival.References = moo.DasDennis(3, 5)
		sameForAnyWorkers(t, c2dtlz2(), c)
		sameForAnyWorkers(t, dtlz2(3), c)
	}
}

func TestSeedMatters(t *testing.T) {
	a := run(t, zdt(1), moo.Config{Population: 20, Seed: 1, Generations: 5})
	b := run(t, zdt(1), moo.Config{Population: 20, Seed: 2, Generations: 5})
	require.NotEqual(t, a.Members, b.Members)
}

// TestNotANumber: the error names the objective and the individual, for every number of workers the same.
func TestNotANumber(t *testing.T) {
	for workers := range 4 {
		p := zdt(1)
		evaluate := p.Evaluate
		p.Evaluate = func(x, out []float64) float64 {
			v := evaluate(x, out)
			if x[3] > 0.9 {
				out[1] = math.NaN()
			}
			return v
		}
		e, err := moo.New(p, moo.Config{Population: 50, Generations: 3, Workers: workers})
		require.NoError(t, err)
		front, err := e.Run(t.Context())
		require.ErrorIs(t, err, &fault.Error{Kind: fault.Invalid})
		require.EqualError(t, err, "moo.run: objectives: objective 1 is NaN for individual 31 of generation 0")
		require.Empty(t, front.Members)
		require.Equal(t, moo.ByError, front.Stop)
	}
}

// TestPanic: what ends a worker comes out of Run, with its value, instead of leaving children unevaluated.
func TestPanic(t *testing.T) {
	thrown := func(evaluate func([]float64, []float64) float64) (thrown *moo.Panic) {
		p := zdt(1)
		p.Evaluate = evaluate
		e, err := moo.New(p, moo.Config{Generations: 1, Workers: 3})
		require.NoError(t, err)
		defer func() { thrown, _ = recover().(*moo.Panic) }()
		_, err = e.Run(t.Context())
		t.Fatal("returned", err)
		return nil
	}
	boom := thrown(func([]float64, []float64) float64 { panic("boom") })
	require.Equal(t, "boom", boom.Value)
	require.Contains(t, boom.Error(), "engine_test.go")
	gone := thrown(func([]float64, []float64) float64 { runtime.Goexit(); return 0 })
	require.Contains(t, gone.Value, "Goexit")
}

// TestBudgets: each bound ends the search where it says.
func TestBudgets(t *testing.T) {
	front := run(t, zdt(1), moo.Config{Population: 10, Generations: 7})
	require.Equal(t, 7, front.Generations)
	require.Equal(t, int64(80), front.Evaluations)
	require.Equal(t, moo.ByGenerations, front.Stop)

	calls := 0
	p := zdt(1)
	evaluate := p.Evaluate
	p.Evaluate = func(x, out []float64) float64 { calls++; return evaluate(x, out) }
	front = run(t, p, moo.Config{Population: 10, Evaluations: 33})
	require.Equal(t, int64(33), front.Evaluations)
	require.Equal(t, 33, calls)
	require.Equal(t, moo.ByEvaluations, front.Stop)

	now := time.Unix(0, 0)
	p.Evaluate = func(x, out []float64) float64 { now = now.Add(time.Millisecond); return evaluate(x, out) }
	front = run(t, p, moo.Config{Population: 10, Time: 35 * time.Millisecond, Now: func() time.Time { return now }})
	require.Equal(t, int64(30), front.Evaluations)
	require.Equal(t, moo.ByTime, front.Stop)
	require.Equal(t, "time", front.Stop.String())
}

// TestCancelled: the front so far comes with the error.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e, err := moo.New(zdt(1), moo.Config{Population: 10})
	require.NoError(t, err)
	for g, err := range e.Generations(ctx) {
		require.NoError(t, err)
		if g.Number == 3 {
			cancel()
			break
		}
	}
	front, err := e.Run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, fault.Unavailable, fault.KindOf(err))
	require.Equal(t, 3, front.Generations)
	require.NotEmpty(t, front.Members)
}

// rows returns the objectives of a front, one after another.
func rows[G any](front moo.Front[G]) []float64 {
	var out []float64
	for _, member := range front.Members {
		out = append(out, member.Objectives...)
	}
	return out
}

// volume is the hypervolume of a front.
func volume[G any](front moo.Front[G], ref ...float64) float64 {
	return new(hv.Workspace).Volume(rows(front), len(ref), ref)
}
