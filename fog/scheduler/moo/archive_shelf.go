package moo

import (
	"math"
	"slices"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
)

// nobody is no entry.
const nobody = -1

// shelf is an archive without its genomes: n entries with m objectives each.
type shelf struct {
	m        int
	size     int
	epsilon  []float64   // box widths, nil: no boxes
	fixed    []float64   // the given reference, nil: it follows the entries
	profiles [][]float64 // weights over scale

	f      []float64 // n rows
	boxes  []float64 // n rows of box numbers, with epsilon
	shares []float64 // what the exclusive hypervolume of each entry is at least
	exact  []bool    // whether it is just that
	elites []int     // the entry of each profile, nobody when empty
	scores []float64 // what it scores there
	ref    []float64 // the reference in use, nil before one is needed

	offered, kept uint64

	gone     []bool // by the last offer that was kept: which of the earlier entries left
	won      []int  // profiles for which the offer is the best so far
	former   []int  // their elites before
	box      []float64
	corner   []float64
	last     int // the entry that refused the last dominated offer: the next one is often behind it too
	touched  []touched
	thirds   []int
	open     []int32
	measured []float64
	hv       hv.Workspace
}

// touched is an entry whose share the newcomer has lowered, and what was known of the share before.
type touched struct {
	entry int
	share float64
	exact bool
}

// reset empties the shelf.
func (s *shelf) reset() {
	s.f, s.boxes, s.ref = s.f[:0], s.boxes[:0], s.ref[:0]
	s.shares, s.exact = s.shares[:0], s.exact[:0]
	s.elites, s.scores = s.elites[:0], s.scores[:0]
	for range s.profiles {
		s.elites = append(s.elites, nobody)
		s.scores = append(s.scores, math.Inf(1))
	}
	s.offered, s.kept, s.last = 0, 0, 0
}

func (s *shelf) len() int { return len(s.shares) }

func (s *shelf) row(i int) []float64 { return s.f[i*s.m : (i+1)*s.m] }

func (s *shelf) boxOf(i int) []float64 { return s.boxes[i*s.m : (i+1)*s.m] }

// offer decides on f; when it is kept it is the last entry, and gone says which of the others left.
func (s *shelf) offer(f []float64) bool {
	s.offered++
	if !allFinite(f) || s.beaten(f) {
		return false
	}
	s.won = s.won[:0]
	for k, w := range s.profiles {
		if e := s.elites[k]; e == nobody || weigh(w, f) < s.scores[k] || noWorse(f, s.row(e)) {
			s.won = append(s.won, k)
		}
	}
	if !s.fits(f) && len(s.won) == 0 {
		return false
	}
	s.push(f)
	s.evict()
	if !s.trim() {
		s.pop()
		return false
	}
	s.compact()
	s.kept++
	return true
}

// beaten reports whether an entry is at least as good as f in every objective.
func (s *shelf) beaten(f []float64) bool {
	n := s.len()
	if s.last < n && noWorse(s.row(s.last), f) {
		return true
	}
	for i := range n {
		if noWorse(s.row(i), f) {
			s.last = i
			return true
		}
	}
	return false
}

// fits computes the box of f and reports whether an entry may live there: no box dominates it, and nobody is in it but
// what f dominates.
func (s *shelf) fits(f []float64) bool {
	if len(s.epsilon) == 0 {
		return true
	}
	s.box = s.box[:0]
	for j, v := range f {
		s.box = append(s.box, math.Floor(v/s.epsilon[j]))
	}
	for i := range s.len() {
		if b := s.boxOf(i); noWorse(b, s.box) && !(slices.Equal(b, s.box) && noWorse(f, s.row(i))) {
			return false
		}
	}
	return true
}

// push appends f, with the box that fits has computed.
func (s *shelf) push(f []float64) {
	s.gone = s.gone[:0]
	for range s.len() + 1 {
		s.gone = append(s.gone, false)
	}
	s.f = append(s.f, f...)
	if len(s.epsilon) > 0 {
		s.boxes = append(s.boxes, s.box...)
	}
	s.shares, s.exact = append(s.shares, 0), append(s.exact, false)
	s.lower(s.len() - 1)
}

// pop takes the newcomer back; the shelf is then as it was before push.
func (s *shelf) pop() {
	n := s.len() - 1
	s.f, s.shares, s.exact = s.f[:n*s.m], s.shares[:n], s.exact[:n]
	if len(s.epsilon) > 0 {
		s.boxes = s.boxes[:n*s.m]
	}
}

// evict makes the newcomer the elite of what it has won, and marks as gone what it dominates and what has no place among the
// boxes any more: entries in boxes that its box covers, and former elites that were there only as such.
func (s *shelf) evict() {
	at := s.len() - 1
	for i := range at {
		s.gone[i] = noWorse(s.row(at), s.row(i))
	}
	s.former = s.former[:0]
	for _, k := range s.won {
		if e := s.elites[k]; e != nobody {
			s.former = append(s.former, e)
		}
		s.elites[k], s.scores[k] = at, weigh(s.profiles[k], s.row(at))
	}
	if len(s.epsilon) == 0 {
		return
	}
	for i := range at {
		if !s.gone[i] && !s.protected(i) && noWorse(s.boxOf(at), s.boxOf(i)) {
			s.leave(i)
		}
	}
	for _, i := range s.former {
		if !s.gone[i] && !s.protected(i) && s.boxed(i) {
			s.leave(i)
		}
	}
}

// boxed reports whether another entry's box is nowhere worse than that of entry i.
func (s *shelf) boxed(i int) bool {
	for k := range s.len() {
		if k != i && !s.gone[k] && noWorse(s.boxOf(k), s.boxOf(i)) {
			return true
		}
	}
	return false
}

// protected reports whether entry i is an elite.
func (s *shelf) protected(i int) bool { return slices.Contains(s.elites, i) }

// leave marks entry i, which the newcomer does not dominate, as gone.
func (s *shelf) leave(i int) {
	s.raise(i)
	s.gone[i] = true
}

// compact closes the gaps that the entries marked as gone leave.
func (s *shelf) compact() {
	end := 0
	for i := range s.len() {
		if s.gone[i] {
			continue
		}
		if end < i {
			copy(s.row(end), s.row(i))
			s.shares[end], s.exact[end] = s.shares[i], s.exact[i]
			if len(s.epsilon) > 0 {
				copy(s.boxOf(end), s.boxOf(i))
			}
			for k, e := range s.elites {
				if e == i {
					s.elites[k] = end
				}
			}
		}
		end++
	}
	s.f, s.shares, s.exact = s.f[:end*s.m], s.shares[:end], s.exact[:end]
	if len(s.epsilon) > 0 {
		s.boxes = s.boxes[:end*s.m]
	}
}

// noWorse reports whether a is at least as good as b in every objective.
func noWorse(a, b []float64) bool {
	for j, v := range a {
		if v > b[j] {
			return false
		}
	}
	return true
}

// weigh is the weighted sum of f. The conversions keep it from being fused, so that all machines agree on ties; every step is
// monotone, so nothing scores worse than what it dominates.
func weigh(weights, f []float64) float64 {
	sum := 0.0
	for j, w := range weights {
		sum += float64(w * f[j])
	}
	return sum
}

func allFinite(f []float64) bool {
	for _, v := range f {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}
