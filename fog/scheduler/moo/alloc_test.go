//go:build !race

package moo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// allocations returns how many objects a generation allocates once the engine has warmed up.
func allocations[G any](t *testing.T, p moo.Problem[G], c moo.Config) float64 {
	t.Helper()
	e, err := moo.New(p, c)
	require.NoError(t, err)
	step := func() {
		_, err := e.Step(t.Context())
		require.NoError(t, err)
	}
	for range 60 {
		step()
	}
	return testing.AllocsPerRun(50, step)
}

// TestGenerationsAllocateNothing for any genome, survival and kind of constraint.
func TestGenerationsAllocateNothing(t *testing.T) {
	c := moo.Config{Population: 60}
	require.Zero(t, allocations(t, zdt(1), c))
	require.Zero(t, allocations(t, dtlz2(3), c))
	require.Zero(t, allocations(t, dtlz2(5), c))
	require.Zero(t, allocations(t, tnk(), c))
	require.Zero(t, allocations(t, drawnWorks(1).problem(), c))
	require.Zero(t, allocations(t, knapsack(1).problem(), c))
	require.Zero(t, allocations(t, drawnTour(1).problem(), c))
	require.Zero(t, allocations(t, machine().problem(), c))
	c.Population = 61
	require.Zero(t, allocations(t, zdt(1), c))
	c.Survival.References = moo.DasDennis(3, 8)
	require.Zero(t, allocations(t, dtlz2(3), c))
	require.Zero(t, allocations(t, c2dtlz2(), c))
}
