package moo

import (
	"math"
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
	scaled     []float64 // normalised objectives of one slot
	niche      []int32   // of slot: its direction
	distance   []float64 // of slot: perpendicular distance from it
	members    []int32   // of direction: how many have been taken
	waiting    []int32   // of direction: how many of the last front are left
	start      []int32   // of direction: where those begin in grouped
	grouped    []int32   // slots of the last front, direction after direction
	open       []int32   // directions that tie for the fewest members
	chosen     []int32
}

// newReference returns nil where crowding distance decides.
func newReference(s Survival, size, m int) *reference {
	if s.References == nil {
		return nil
	}
	w := &reference{
		count: len(s.References), ideal: make([]float64, m), scale: make([]float64, m), extreme: make([]int32, m),
		plane: make([]float64, m*(m+1)), niche: make([]int32, 2*size), distance: make([]float64, 2*size),
		members: make([]int32, len(s.References)), waiting: make([]int32, len(s.References)), start: make([]int32, len(s.References)),
		scaled: make([]float64, m),
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
