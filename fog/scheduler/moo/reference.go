package moo

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// DasDennis returns the points of the unit simplex whose coordinates are multiples of 1/divisions (Das and Dennis 1998):
// binomial(divisions+objectives-1, divisions) of them, in lexicographic order. It returns nil if either number is below 1.
func DasDennis(objectives, divisions int) [][]float64 {
	if objectives < 1 || divisions < 1 {
		return nil
	}
	var points [][]float64
	point := make([]float64, objectives)
	var fill func(k, left int)
	fill = func(k, left int) {
		if k == objectives-1 {
			point[k] = float64(left) / float64(divisions)
			points = append(points, slices.Clone(point))
			return
		}
		for share := range left + 1 {
			point[k] = float64(share) / float64(divisions)
			fill(k+1, left-share)
		}
	}
	fill(0, divisions)
	return points
}

// TwoLayers returns an outer Das-Dennis layer and an inner one that is drawn half-way to the centre (Deb and Jain 2014,
// section V-A): for many objectives, where one layer with points in its inside would need too many.
func TwoLayers(objectives, outer, inner int) [][]float64 {
	points := DasDennis(objectives, outer)
	for _, point := range DasDennis(objectives, inner) {
		for k := range point {
			point[k] = (point[k] + 1/float64(objectives)) / 2
		}
		points = append(points, point)
	}
	return points
}

// validate returns what is wrong with the reference points.
func (s Survival) validate(objectives int) error {
	for i, point := range s.References {
		sum := 0.0
		for _, v := range point {
			if !(v >= 0) || math.IsInf(v, 1) {
				return fault.Field("moo.new", "Config.Survival.References", "point %d has the coordinate %v", i, v)
			}
			sum += v
		}
		if len(point) != objectives || sum == 0 {
			return fault.Field("moo.new", "Config.Survival.References", "point %d is no direction in %d objectives", i, objectives)
		}
	}
	return nil
}

// reference is the survival of NSGA-III (Deb and Jain 2014, section IV): the front that does not fit is chosen from so
// that every reference direction gets its share.
type reference struct {
	directions []float64 // unit vectors, one after another
	count      int
	ideal      []float64 // least value of each objective ever seen among feasible individuals: part of a snapshot
	scale      []float64 // 1 / intercept of each objective
	extreme    []int32   // slot that is extreme along each axis
	plane      []float64 // equations of the hyperplane through the extremes, m rows of m+1
	niche      []int32   // of slot: its direction
	distance   []float64 // of slot: perpendicular distance from it
	members    []int32   // of direction: how many have been taken
	waiting    []int32   // of direction: how many of the last front are left
	open       []int32   // directions that tie for the fewest members
}

// newReference returns nil where crowding distance decides.
func newReference(s Survival, size, m int) *reference {
	if s.References == nil {
		return nil
	}
	w := &reference{
		count: len(s.References), ideal: make([]float64, m), scale: make([]float64, m), extreme: make([]int32, m),
		plane: make([]float64, m*(m+1)), niche: make([]int32, 2*size), distance: make([]float64, 2*size),
		members: make([]int32, len(s.References)), waiting: make([]int32, len(s.References)),
	}
	for _, point := range s.References {
		norm := 0.0
		for _, v := range point {
			norm += v * v
		}
		for _, v := range point {
			w.directions = append(w.directions, v/math.Sqrt(norm))
		}
	}
	for k := range w.ideal {
		w.ideal[k] = math.Inf(1)
	}
	return w
}

// choose moves `keep` slots of tail to its beginning; taken are those that live on anyway.
func (w *reference) choose(c *cohort, r *rand.Rand, taken, tail []int32, keep int) {
	for _, slot := range taken {
		c.crowd[slot] = 0
	}
	for _, slot := range tail {
		c.crowd[slot] = 0
	}
	if c.violation[tail[0]] > 0 {
		return // as bad as each other: the first ones stay
	}
	w.normalise(c, taken, tail)
	clear(w.members)
	clear(w.waiting)
	for _, slot := range taken {
		if c.violation[slot] <= 0 {
			w.associate(c, slot)
			w.members[w.niche[slot]]++
		}
	}
	for _, slot := range tail {
		w.associate(c, slot)
		w.waiting[w.niche[slot]]++
	}
	for kept := range keep {
		pick := kept + w.pick(r, tail[kept:])
		tail[kept], tail[pick] = tail[pick], tail[kept]
	}
}

// pick is one round of niching (Algorithm 4): of a direction with the fewest members, the nearest waiting individual if
// the direction has none yet, else a random one. It returns the place in tail.
func (w *reference) pick(r *rand.Rand, tail []int32) int {
	least := int32(math.MaxInt32)
	for d, members := range w.members {
		if w.waiting[d] == 0 || members > least {
			continue
		}
		if members < least {
			least, w.open = members, w.open[:0]
		}
		w.open = append(w.open, int32(d))
	}
	d := w.open[r.IntN(len(w.open))]
	best, seen := -1, uint32(0)
	for i, slot := range tail {
		if w.niche[slot] != d {
			continue
		}
		seen++
		if best < 0 || least == 0 && w.distance[slot] < w.distance[tail[best]] || least > 0 && r.Uint32N(seen) == 0 {
			best = i
		}
	}
	w.members[d]++
	w.waiting[d]--
	return best
}

// associate finds the direction that is nearest to a slot's normalised objectives (Algorithm 3).
func (w *reference) associate(c *cohort, slot int32) {
	row, m := c.row(slot), c.objectives
	square := 0.0
	for k, v := range row {
		scaled := (v - w.ideal[k]) * w.scale[k]
		square += scaled * scaled
	}
	w.niche[slot], w.distance[slot] = 0, math.Inf(1)
	if math.IsInf(square, 1) || math.IsNaN(square) {
		return // worst in some objective: it has no direction
	}
	best := math.Inf(-1)
	for d := range w.count {
		along := 0.0
		for k, u := range w.directions[d*m : d*m+m] {
			along += (row[k] - w.ideal[k]) * w.scale[k] * u
		}
		if along > best {
			best, w.niche[slot] = along, int32(d)
		}
	}
	w.distance[slot] = math.Sqrt(max(0, square-best*best))
}
