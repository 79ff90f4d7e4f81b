package moo

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// drawnFront returns a cohort that is one front, of random points of the simplex, and its slots.
func drawnFront(t *rapid.T, m int, s Survival) (*cohort, []int32, *rand.Rand) {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	c := newCohort(m, Config{Population: rapid.IntRange(2, 30).Draw(t, "size"), Survival: s})
	front := slices.Clone(c.free)
	for _, slot := range front {
		row, sum := c.row(slot), 0.0
		for k := range row {
			row[k] = r.ExpFloat64()
			sum += row[k]
		}
		for k := range row {
			row[k] /= sum
		}
	}
	return c, front, r
}

// crowdingOf is the definition of crowding distance among some of a front, whose ranges are those of the whole.
func crowdingOf(c *cohort, some, whole []int32) []float64 {
	gaps := make([]float64, len(some))
	for k := range c.objectives {
		low, high := math.Inf(1), math.Inf(-1)
		for _, slot := range whole {
			low, high = min(low, c.row(slot)[k]), max(high, c.row(slot)[k])
		}
		for i, slot := range some {
			below, above, v := math.Inf(-1), math.Inf(1), c.row(slot)[k]
			for _, other := range some {
				if w := c.row(other)[k]; w < v {
					below = max(below, w)
				} else if w > v {
					above = min(above, w)
				}
			}
			gaps[i] += (above - below) / (high - low)
		}
	}
	return gaps
}

// TestPruneIsOneByOne: pruning with axes and a heap keeps what measuring everything anew after each removal keeps.
func TestPruneIsOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, front, _ := drawnFront(t, rapid.IntRange(2, 4).Draw(t, "objectives"), Survival{})
		keep := rapid.IntRange(1, len(front)).Draw(t, "keep")
		pruned, naive := slices.Clone(front), slices.Clone(front)
		c.crowding.prune(c, pruned, keep)
		for len(naive) > keep {
			gaps, worst := crowdingOf(c, naive, front), 0
			for i := range naive {
				if gaps[i] <= gaps[worst] { // the last of equals
					worst = i
				}
			}
			naive = slices.Delete(naive, worst, worst+1)
		}
		require.Equal(t, naive, pruned[:keep])
		for i, gap := range crowdingOf(c, naive, front) {
			require.InDelta(t, min(gap, 9), min(c.crowd[naive[i]], 9), 1e-9)
		}
	})
}

// TestNiching: directions with fewer members are served first, and one without any gets its nearest individual.
func TestNiching(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, slots, r := drawnFront(t, 3, Survival{References: DasDennis(3, rapid.IntRange(1, 5).Draw(t, "divisions"))})
		split := rapid.IntRange(0, len(slots)-1).Draw(t, "taken")
		taken, tail := slots[:split], slots[split:]
		keep := rapid.IntRange(1, len(tail)).Draw(t, "keep")
		c.reference.choose(c, r, taken, tail, keep)

		w := c.reference
		before, after := make([]int, w.count), make([]int, w.count)
		for _, slot := range taken {
			before[w.niche[slot]]++
		}
		copy(after, before)
		nearest := slices.Repeat([]float64{math.Inf(1)}, w.count) // of those chosen
		for _, slot := range tail[:keep] {
			d := w.niche[slot]
			after[d]++
			nearest[d] = min(nearest[d], w.distance[slot])
		}
		chosen := slices.Sorted(slices.Values(tail[:keep]))
		require.Len(t, slices.Compact(slices.Clone(chosen)), keep)
		for slot := range int32(len(slots)) {
			if slices.Contains(taken, slot) || slices.Contains(chosen, slot) {
				continue
			}
			d := w.niche[slot]
			if before[d] == 0 && after[d] > 0 {
				require.LessOrEqual(t, nearest[d], w.distance[slot])
			}
			for other := range w.count {
				if after[other] > before[other] {
					require.LessOrEqual(t, after[other]-1, after[d], "direction %d was served before %d", other, d)
				}
			}
		}
	})
}

// TestAssociation: the direction of an individual is the one whose ray it is nearest to.
func TestAssociation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.IntRange(2, 5).Draw(t, "objectives")
		points := TwoLayers(m, 3, 2)
		c, slots, r := drawnFront(t, m, Survival{References: points})
		c.reference.choose(c, r, nil, slots, len(slots))
		w := c.reference
		for _, slot := range slots {
			best := math.Inf(1)
			for d := range points {
				along, square := 0.0, 0.0
				for k, v := range c.row(slot) {
					along += (v - w.ideal[k]) * w.scale[k] * w.directions[d*m+k]
				}
				for k, v := range c.row(slot) {
					off := (v-w.ideal[k])*w.scale[k] - along*w.directions[d*m+k]
					square += off * off
				}
				best = min(best, math.Sqrt(square))
			}
			require.InDelta(t, best, w.distance[slot], 1e-6)
		}
	})
}

// TestNormalisation: the plane through the extremes gives the intercepts; where there is none the worst values do.
func TestNormalisation(t *testing.T) {
	scaleOf := func(rows ...float64) []float64 {
		c := newCohort(3, Config{Population: len(rows) / 3, Survival: Survival{References: DasDennis(3, 1)}})
		copy(c.value, rows)
		c.reference.normalise(c, nil, c.free[:len(rows)/3])
		return c.reference.scale
	}
	require.InDeltaSlice(t, []float64{1.0 / 2, 1.0 / 40, 1.0 / 600}, scaleOf(3, 10, 100, 1, 50, 100, 1, 10, 700, 1.6, 22, 280), 1e-9)
	require.Equal(t, []float64{1.0 / 2, 1.0 / 4, 1}, scaleOf(1, 5, 7, 3, 1, 7), "one objective is all equal")
	require.Equal(t, []float64{1, 1, 1}, scaleOf(4, 4, 4, 4, 4, 4), "one point")
	require.Equal(t, []float64{1.0 / 2, 1.0 / 5, 1}, scaleOf(1, 5, 7, 3, 1, 7, math.Inf(1), 0, 7), "worst in one objective")
}
