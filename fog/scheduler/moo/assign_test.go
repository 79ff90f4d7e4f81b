package moo_test

import (
	"encoding/csv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// works is the bi-objective assignment of works to nodes: makespan and sum of time times price.
type works struct {
	work, speed, price []float64
	time               []float64 // work after work: time on each node
}

// evaluate sums in one pass.
func (w *works) evaluate(node []uint16, out []float64) float64 {
	var load [64]float64
	cost := 0.0
	n := len(w.speed)
	for j, at := range node {
		t := w.time[j*n+int(at)]
		load[at&63] += t
		cost += t * w.price[at]
	}
	longest := 0.0
	for _, l := range load[:n] {
		longest = max(longest, l)
	}
	out[0], out[1] = longest, cost
	return 0
}

func (w *works) problem() moo.Problem[[]uint16] {
	return moo.Assignment{Jobs: len(w.work), Nodes: len(w.speed)}.Problem(2, w.evaluate)
}

func (w *works) finish() *works {
	for _, work := range w.work {
		for _, speed := range w.speed {
			w.time = append(w.time, work/speed)
		}
	}
	return w
}

// drawnWorks returns works of the same kind as the study's.
func drawnWorks(seed uint64) *works {
	r := rand.New(rand.NewPCG(seed, 0))
	w := &works{}
	for range 200 {
		w.work = append(w.work, float64(1+r.IntN(100)))
	}
	for range 20 {
		speed := float64(1 + r.IntN(10))
		w.speed = append(w.speed, speed)
		w.price = append(w.price, speed*(0.6+0.9*r.Float64()))
	}
	return w.finish()
}

// studiedWorks reads the study's instance, or skips.
func studiedWorks(t testing.TB) *works {
	t.Helper()
	dir := os.Getenv("FOG_DATA")
	if dir == "" {
		t.Skip("FOG_DATA is not set")
	}
	file, err := os.Open(filepath.Join(dir, "assign", "assign.csv"))
	require.NoError(t, err)
	defer file.Close()
	reader := csv.NewReader(file)
	reader.FieldsPerRecord = -1
	lines, err := reader.ReadAll()
	require.NoError(t, err)
	w := &works{}
	for i, into := range []*[]float64{&w.work, &w.speed, &w.price} {
		for _, text := range lines[i][1:] {
			v, err := strconv.ParseFloat(text, 64)
			require.NoError(t, err)
			*into = append(*into, v)
		}
	}
	return w.finish()
}

// TestStudiedAssignment: on the study's instance every run ends above 0.4616, the median that DEAP reaches with as many
// evaluations; with tournaments by dominance it does so by more.
func TestStudiedAssignment(t *testing.T) {
	w := studiedWorks(t)
	mean := map[moo.Tournament]float64{}
	for _, rule := range []moo.Tournament{moo.RankTournament, moo.DominanceTournament} {
		for seed := range uint64(5) {
			front := run(t, w.problem(), moo.Config{Seed: seed, Generations: 250, Tournament: rule})
			share := volume(front, 2000, 12000) / 2000 / 12000
			require.Greater(t, share, 0.4616)
			mean[rule] += share / 5
		}
	}
	require.Greater(t, mean[moo.DominanceTournament], mean[moo.RankTournament])
}
