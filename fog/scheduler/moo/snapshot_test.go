package moo_test

import (
	"bytes"
	"encoding/gob"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// continues checks that a search that goes through a snapshot, written and read, ends where an unbroken one does, bit for bit.
func continues[G any](t *testing.T, p moo.Problem[G], c moo.Config, archived bool) {
	t.Helper()
	engine := func(seed uint64, generations int) *moo.Engine[G] {
		c := c
		c.Seed, c.Generations = seed, generations
		e, err := moo.New(p, c)
		require.NoError(t, err)
		if archived {
			a, err := moo.NewArchive(moo.ArchiveConfig[G]{Objectives: p.Objectives, Size: 30, Make: p.Make, Copy: p.Copy})
			require.NoError(t, err)
			require.NoError(t, e.Attach(a))
		}
		return e
	}
	whole := engine(5, 24)
	unbroken, err := whole.Run(t.Context())
	require.NoError(t, err)
	for _, at := range []int{0, 1, 11} {
		first := engine(5, at)
		if at == 0 {
			_, err = first.Step(t.Context())
		} else {
			_, err = first.Run(t.Context())
		}
		require.NoError(t, err)
		var text bytes.Buffer
		require.NoError(t, gob.NewEncoder(&text).Encode(first.Snapshot()))
		var read moo.Snapshot[G]
		require.NoError(t, gob.NewDecoder(&text).Decode(&read))
		second := engine(99, 24)
		require.NoError(t, second.Restore(read))
		require.Equal(t, first.Population(), second.Population())
		front, err := second.Run(t.Context())
		require.NoError(t, err)
		require.Equal(t, unbroken, front, "from generation %d", at)
		require.Equal(t, whole.Snapshot(), second.Snapshot())
	}
}

func TestSnapshotContinues(t *testing.T) {
	config := moo.Config{Population: 21, Workers: 2, Tolerance: moo.Tolerance{Window: 9}}
	continues(t, zdt(4), config, true)
	continues(t, zdt(4), config, false)
	continues(t, drawnWorks(1).problem(), config, false)
	continues(t, knapsack(1).problem(), config, false)
	continues(t, drawnTour(1).problem(), config, false)
	continues(t, machine().problem(), config, true)
	continues(t, tnk(), config, false)
	config.Survival = moo.Survival{References: moo.DasDennis(3, 4)}
	continues(t, dtlz2(3), config, false)
}

// TestSnapshotIsACopy: neither the engine nor its snapshot notices what happens to the other.
func TestSnapshotIsACopy(t *testing.T) {
	e, err := moo.New(zdt(1), moo.Config{Population: 8, Generations: 3})
	require.NoError(t, err)
	_, err = e.Run(t.Context())
	require.NoError(t, err)
	before, touched := e.Snapshot(), e.Snapshot()
	for i := range touched.Genomes {
		touched.Genomes[i][0], touched.Objectives[i], touched.Ranks[i], touched.Slots[i] = 7, 7, 7, 7
	}
	require.Equal(t, before, e.Snapshot())
	_, err = e.Step(t.Context())
	require.NoError(t, err)
	require.NotEqual(t, before, e.Snapshot())
}

// TestRestoreRefuses: what no engine can have made is refused with the field's name, and the engine stays as it was.
func TestRestoreRefuses(t *testing.T) {
	e, err := moo.New(zdt(1), moo.Config{Population: 8, Generations: 3})
	require.NoError(t, err)
	_, err = e.Run(t.Context())
	require.NoError(t, err)
	good := e.Snapshot()
	for field, spoil := range map[string]func(s *moo.Snapshot[[]float64]){
		"Slots":      func(s *moo.Snapshot[[]float64]) { s.Slots[1] = s.Slots[0] },
		"Genomes":    func(s *moo.Snapshot[[]float64]) { s.Genomes[2][0] = 2 },
		"Objectives": func(s *moo.Snapshot[[]float64]) { s.Objectives[3] = math.NaN() },
		"Violations": func(s *moo.Snapshot[[]float64]) { s.Violations[3] = -1 },
		"Ranks":      func(s *moo.Snapshot[[]float64]) { s.Ranks[0] = 1000 },
		"Crowding":   func(s *moo.Snapshot[[]float64]) { s.Crowding = s.Crowding[1:] },
		"Ideal":      func(s *moo.Snapshot[[]float64]) { s.Ideal = []float64{1, 2} },
		"Generation": func(s *moo.Snapshot[[]float64]) { s.Evaluations = 3 },
		"Watched":    func(s *moo.Snapshot[[]float64]) { s.Watched = []float64{1} },
		"Archive":    func(s *moo.Snapshot[[]float64]) { s.Archive = &moo.ArchiveState[[]float64]{} },
	} {
		bad := e.Snapshot()
		spoil(&bad)
		err := e.Restore(bad)
		var f *fault.Error
		require.ErrorAs(t, err, &f, field)
		require.Equal(t, fault.Invalid, f.Kind)
		require.Equal(t, field, f.Field)
		require.Equal(t, good, e.Snapshot(), field)
	}
	require.NoError(t, e.Restore(good))
	other, err := moo.New(zdt(1), moo.Config{Population: 9})
	require.NoError(t, err)
	require.Error(t, other.Restore(good), "another population")
}
