package scheduler

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/fogcompute/fogcompute/bench/peers"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// puzzle is a problem that ours and the peers solve.
type puzzle struct {
	name      string
	reference []float64 // of the hypervolume
	limit     float64   // hypervolume of the true front, normalised; no front has more
	begin     func(c moo.Config) (search, error)
}

// search is one run of our engine, whatever its genome.
type search interface {
	Step(ctx context.Context) (moo.Generation, error)
	finish(ctx context.Context) error // runs up to the configured bound
	points() []float64                // objectives of the population, row by row
}

// engine adapts the engine for one kind of genome.
type engine[G any] struct{ *moo.Engine[G] }

func (e engine[G]) finish(ctx context.Context) error {
	_, err := e.Run(ctx)
	return err
}

func (e engine[G]) points() []float64 {
	var out []float64
	for _, i := range e.Population() {
		out = append(out, i.Objectives...)
	}
	return out
}

// begin starts a search for a problem.
func begin[G any](p moo.Problem[G], c moo.Config) (search, error) {
	e, err := moo.New(p, c)
	return engine[G]{e}, err
}

// realPuzzle is a problem on real vectors, under the operators that all sides use.
func realPuzzle(name string, limit float64, lower, upper, reference []float64, f func(x, out []float64) float64) puzzle {
	space := moo.Real{
		Lower: lower, Upper: upper,
		Crossover: moo.SBX{Probability: 0.9, Eta: 15}, Mutation: moo.Polynomial{Probability: 1 / float64(len(lower)), Eta: 20},
	}
	return puzzle{name, reference, limit, func(c moo.Config) (search, error) { return begin(space.Problem(len(reference), f), c) }}
}

// puzzles are the problems on which engines are compared: ZDT1 and ZDT4 (Zitzler, Deb and Thiele 2000), DTLZ2 (Deb et al. 2002) with
// three objectives, and the assignment of works to nodes of the data folder.
func puzzles(s *Setting) []puzzle {
	low, high := slices.Repeat([]float64{-5}, 10), slices.Repeat([]float64{5}, 10)
	low[0], high[0] = 0, 1
	zeros, ones := make([]float64, 30), slices.Repeat([]float64{1}, 30)
	corner := []float64{1.1, 1.1, 1.1}
	return []puzzle{
		realPuzzle("zdt1", 1.21-1./3, zeros, ones, corner[:2], zdt1),
		realPuzzle("zdt4", 1.21-1./3, low, high, corner[:2], zdt4),
		realPuzzle("dtlz2", 1.331-math.Pi/6, zeros[:12], ones[:12], corner, dtlz2),
		{"assign", []float64{2000, 12000}, 1, func(c moo.Config) (search, error) { return beginAssign(s, c) }},
	}
}

func zdt1(x, out []float64) float64 {
	sum := 0.0
	for _, v := range x[1:] {
		sum += v
	}
	g := 1 + 9*sum/float64(len(x)-1)
	out[0], out[1] = x[0], g*(1-math.Sqrt(x[0]/g))
	return 0
}

func zdt4(x, out []float64) float64 {
	g := 1 + 10*float64(len(x)-1)
	for _, v := range x[1:] {
		g += v*v - 10*math.Cos(4*math.Pi*v)
	}
	out[0], out[1] = x[0], g*(1-math.Sqrt(x[0]/g))
	return 0
}

func dtlz2(x, out []float64) float64 {
	g := 1.0
	for _, v := range x[2:] {
		g += (v - 0.5) * (v - 0.5)
	}
	a, b := x[0]*math.Pi/2, x[1]*math.Pi/2
	out[0], out[1], out[2] = g*math.Cos(a)*math.Cos(b), g*math.Cos(a)*math.Sin(b), g*math.Sin(a)
	return 0
}

// works are to be done on nodes: makespan and cost.
type works struct{ work, speed, price []float64 }

// assignFile is where the works are.
func assignFile(s *Setting) (string, error) {
	folder, err := s.data()
	return filepath.Join(folder, "assign", "assign.csv"), err
}

func readWorks(file string) (w works, err error) {
	f, err := os.Open(file)
	if err != nil {
		return w, err
	}
	defer f.Close()
	rows := map[string]*[]float64{"work": &w.work, "speed": &w.speed, "price": &w.price}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		fields := strings.Split(lines.Text(), ",")
		row := rows[fields[0]]
		if row == nil {
			return w, fmt.Errorf("%s has a row %q", file, fields[0])
		}
		for _, field := range fields[1:] {
			v, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return w, fmt.Errorf("%s: %w", file, err)
			}
			*row = append(*row, v)
		}
	}
	if len(w.work) == 0 || len(w.speed) == 0 || len(w.speed) != len(w.price) {
		return w, fmt.Errorf("%s is not an assignment", file)
	}
	return w, nil
}

// task is what the peers are asked to do for a puzzle.
func (p *puzzle) task(s *Setting, population, generations, seed int) (peers.Task, error) {
	t := peers.Task{Problem: p.name, Population: population, Generations: generations, Seed: seed, File: "-"}
	if p.name != "assign" {
		return t, nil
	}
	var err error
	t.File, err = assignFile(s)
	return t, err
}

// evaluate writes the makespan and the cost of an assignment.
func (w *works) evaluate(node []uint16, out []float64) float64 {
	var spans [64]float64
	busy := spans[:len(w.speed)]
	clear(busy)
	out[0], out[1] = 0, 0
	for j, n := range node {
		took := w.work[j] / w.speed[n]
		busy[n] += took
		out[1] += took * w.price[n]
	}
	for _, b := range busy {
		out[0] = max(out[0], b)
	}
	return 0
}

func beginAssign(s *Setting, c moo.Config) (search, error) {
	file, err := assignFile(s)
	if err != nil {
		return nil, err
	}
	w, err := readWorks(file)
	if err != nil {
		return nil, err
	}
	space := moo.Assignment{Jobs: len(w.work), Nodes: len(w.speed), Crossover: moo.Exchange{Probability: 0.9}}
	return begin(space.Problem(2, w.evaluate), c)
}
