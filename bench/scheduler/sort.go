package scheduler

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/fogcompute/fogcompute/bench/sample"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo/nds"
)

// sortFigures are the figures of the non-dominated sort.
func sortFigures(s *Setting) []Figure {
	var figures []Figure
	for m, goal := range map[int]float64{2: 60, 3: 50, 4: 35} {
		contest := func(n int) func(context.Context) (Result, error) {
			return func(ctx context.Context) (Result, error) { return sortContest(ctx, s, n, m) }
		}
		figures = append(figures,
			Figure{fmt.Sprintf("nds/m%d_n200", m), ">", 4, contest(200)},
			Figure{fmt.Sprintf("nds/m%d_n2000", m), ">", goal, contest(2000)},
			Figure{Name: fmt.Sprintf("nds/m%d_n20000", m), Measure: func(ctx context.Context) (Result, error) { return sortLarge(ctx, s, 20_000, m) }},
		)
	}
	slices.SortStableFunc(figures, func(a, b Figure) int { return strings.Compare(a.Name[:6], b.Name[:6]) })
	return figures
}

// kinds are the two sorts of points.
func kinds() map[string]func(func() float64, int, int) []float64 {
	return map[string]func(func() float64, int, int) []float64{"shells": shells, "clouds": cloud}
}

// drawn are five sets of points of a kind.
func drawn(kind string, n, m int) [][]float64 {
	sets := make([][]float64, 5)
	for i := range sets {
		sets[i] = kinds()[kind](rand.New(rand.NewPCG(uint64(n), uint64(m*100+i))).Float64, n, m)
	}
	return sets
}

// sortContest compares with the classic sort. The figure is that of the kind of points on which the ratio is smaller.
func sortContest(ctx context.Context, s *Setting, n, m int) (Result, error) {
	var worst Result
	note := ""
	for _, kind := range []string{"shells", "clouds"} {
		r, err := sortKind(ctx, s, drawn(kind, n, m), m)
		if err != nil {
			return r, fmt.Errorf("%s: %w", kind, err)
		}
		note += fmt.Sprintf("%s: %s us, ratio %s; ", kind, sample.Number(r.Value), sample.Number(r.Ratio))
		if worst.Peer == "" || r.Ratio < worst.Ratio {
			worst = r
		}
	}
	worst.Note = note + "no allocations"
	return worst, nil
}

// sortKind measures microseconds of CPU time of one sort, on both sides.
func sortKind(ctx context.Context, s *Setting, sets [][]float64, m int) (Result, error) {
	var ours nds.Workspace
	var peer classic
	for _, set := range sets {
		if err := ranked(set, m, ours.Sort(set, m)); err != nil {
			return Result{}, fmt.Errorf("our ranks: %w", err)
		}
		if !slices.Equal(ours.Sort(set, m), peer.sort(set, m)) {
			return Result{}, fmt.Errorf("the two sorts do not agree")
		}
	}
	if n := testing.AllocsPerRun(10, func() { ours.Sort(sets[0], m) }); n != 0 {
		return Result{}, fmt.Errorf("%v allocations in a sort", n)
	}
	n := len(sets[0]) / m
	sort := func(side func([]float64, int) []int32, times int) func() {
		return func() {
			for i := range times {
				side(sets[i%len(sets)], m)
			}
		}
	}
	const least = 5 // of a round, so that each set is sorted as often as the others
	our, their, ratios, err := interleave(ctx, s.rounds(11),
		costOf(sort(ours.Sort, least*max(1, 20_000/n)), least*max(1, 20_000/n)),
		costOf(sort(peer.sort, least*max(1, 2000/n)), least*max(1, 2000/n)),
		func() {})
	if err != nil {
		return Result{}, err
	}
	return Result{Value: sample.Median(our), Unit: "us", Peer: "classic", PeerValue: sample.Median(their), Ratio: sample.Median(ratios)}, nil
}

// sortLarge prints the median of our sort alone.
func sortLarge(ctx context.Context, s *Setting, n, m int) (Result, error) {
	r := Result{Unit: "us"}
	for _, kind := range []string{"shells", "clouds"} {
		var ours nds.Workspace
		sets := drawn(kind, n, m)[:2]
		var took []float64
		for round := -1; round < s.rounds(11); round++ {
			cost, _ := costOf(func() { ours.Sort(sets[(round+1)%2], m) }, 1)() // it has no error of its own
			if err := ctx.Err(); err != nil {
				return r, err
			}
			if round >= 0 {
				took = append(took, cost)
			}
		}
		if err := ranked(sets[0], m, ours.Sort(sets[0], m)); err != nil {
			return r, fmt.Errorf("our ranks on %s: %w", kind, err)
		}
		r.Value = max(r.Value, sample.Median(took))
		r.Note += fmt.Sprintf("%s: %s us; ", kind, sample.Number(sample.Median(took)))
	}
	r.Note += "the figure is the greater"
	return r, nil
}

// ranked checks ranks by their meaning: one more than the greatest rank of those that dominate, 0 where none does.
func ranked(f []float64, m int, rank []int32) error {
	n := len(f) / m
	if len(rank) != n {
		return fmt.Errorf("%d ranks of %d points", len(rank), n)
	}
	for i := range n {
		want := int32(0)
		for j := range n {
			if rank[j] >= want && compare(f[j*m:(j+1)*m], f[i*m:(i+1)*m]) < 0 {
				want = rank[j] + 1
			}
		}
		if rank[i] != want {
			return fmt.Errorf("point %d has rank %d instead of %d", i, rank[i], want)
		}
	}
	return nil
}
