// Package hv measures sets of objective vectors: exact hypervolume and exclusive contributions for up to five
// objectives, the distances IGD and IGD+ to a reference set, and the knee of a front.
//
// Every objective is minimised. Sets are flat: row i of an n-by-m set is f[i*m : (i+1)*m]. Nothing here needs the rows to
// be a front: dominated rows and duplicates are counted correctly.
//
// The hypervolume of a set is the volume of the region that at least one row dominates and that is bounded by a reference
// point. A row counts when it is better than the reference in every objective; a row that is not, or that holds a NaN, is
// ignored. A counted row that is infinitely better makes the volume +Inf.
//
// The algorithms: a sweep for two objectives; the sweep over a staircase of Beume, Fonseca, López-Ibáñez, Paquete and
// Vahrenhold, "On the complexity of computing the hypervolume indicator" (2009, section IV) for three; for four a sweep over
// the three-dimensional exclusive volumes of Guerreiro and Fonseca, "Computing and updating hypervolume contributions in up
// to four dimensions" (2018, section IV); for five the slicing and limit sets of While, Bradstreet and Barone, "A fast way of
// calculating exact hypervolumes" (WFG, 2012, section III) down to the four-dimensional sweep. All contributions in three
// dimensions come from one sweep, Emmerich and Fonseca, "Computing hypervolume contributions in low dimensions" (2011).
package hv

import "math"

// MaxObjectives is the greatest number of objectives whose volume is computed exactly. Cost grows so quickly with the number of
// objectives that a call beyond it could seem to hang; it answers NaN instead.
const MaxObjectives = 5

// row is one counted vector as its extents: how much better than the reference it is in each objective, scaled by a
// power of two to at most 1, so that no product overflows. Objectives beyond m have extent 1, so a volume over m objectives
// is also one over all five.
type row [MaxObjectives]float64

// Workspace computes hypervolumes and keeps what it needs for the next call: once grown to the largest set it allocates
// nothing. The zero value is ready. It must not be used by two goroutines at once.
type Workspace struct {
	rows   []row   // counted rows
	source []int32 // their indexes in the input
	spread int     // binary exponent that turns a scaled volume back into a true one
	top    row     // greatest finite extent of each objective
	bound  bool    // false when a counted row is infinitely better than the reference

	keys   []key        // sorting
	sorted []row        // rows in the order of their last objective
	value  []float64    // contribution of each row
	limit5 []row        // limit set of one row among five objectives
	limit4 []row        // limit set of one row among four objectives, inside a volume of five
	live   []row        // sweep over the fifth objective: rows not dominated in the first four
	active [][3]float64 // sweep over the fourth objective: rows not dominated in the first three
	steps  []step       // staircase inside one row's box
	stairs stairs       // staircase of the sweep over the third objective
	boxes  []box        // what each step of that staircase dominates alone
	spans  []span       // first and last box of each step
	front  []int32      // rows that no other dominates, in two and three dimensions
	hidden []int32      // the other rows
	shaded []bool       // rows of which a dominated row hides a part
	place  []int32      // index in value of each row of the input
	which  []int32      // all indexes, for Contributions
	each   []float64    // all contributions, for Least
}

// Volume returns the hypervolume of the rows of f, which has m objectives, against the reference point ref: 0 when no row
// counts, +Inf when a counted row is infinitely better (or by more than a float64 holds), NaN when the question has no answer
// here: m outside 1 to MaxObjectives, len(f) no multiple of m, len(ref) other than m, or a ref that is not finite.
func (w *Workspace) Volume(f []float64, m int, ref []float64) float64 {
	if !w.count(f, m, ref) {
		return math.NaN()
	}
	if !w.bound {
		return math.Inf(1)
	}
	return math.Ldexp(w.volume(w.arrange(w.rows, m), m), w.spread)
}

// volume measures rows, which must be in descending order of objective m-1 when m is 4 or 5.
func (w *Workspace) volume(s []row, m int) float64 {
	switch m {
	case 1:
		most := 0.0
		for i := range s {
			most = max(most, s[i][0])
		}
		return most
	case 2:
		return w.volume2(s)
	case 3:
		return w.volume3(s)
	case 4:
		return w.volume4(s)
	}
	return w.volume5(s)
}

// count fills rows with the scaled extents of the rows of f that are better than ref, and says whether the arguments fit.
func (w *Workspace) count(f []float64, m int, ref []float64) bool {
	if m < 1 || m > MaxObjectives || len(f)%m != 0 || len(ref) != m {
		return false
	}
	for _, r := range ref {
		if math.IsNaN(r) || math.IsInf(r, 0) {
			return false
		}
	}
	w.rows, w.source, w.top, w.bound = w.rows[:0], w.source[:0], row{}, true
	for i := 0; i < len(f); i += m {
		var p row
		counts := true
		for j, r := range ref {
			p[j] = r - f[i+j]
			counts = counts && p[j] > 0
		}
		if !counts {
			continue
		}
		for j := range ref {
			if math.IsInf(p[j], 1) {
				w.bound = false
			} else {
				w.top[j] = max(w.top[j], p[j])
			}
		}
		w.rows = append(w.rows, p)
		w.source = append(w.source, int32(i/m))
	}
	w.scale(m)
	return true
}

// maxExponent keeps a scale factor within what a float64 holds.
const maxExponent = 1000

// scale brings every extent to at most 1 by a power of two for each objective, which changes no digit. Infinite extents
// become the greatest finite one: between finite rows that makes no difference.
func (w *Workspace) scale(m int) {
	w.spread = 0
	var factor row
	for j := range m {
		if w.top[j] == 0 {
			w.top[j] = 1
		}
		_, e := math.Frexp(w.top[j])
		e = min(max(e, -maxExponent), maxExponent)
		factor[j] = math.Ldexp(1, -e)
		w.spread += e
	}
	for i := range w.rows {
		p := &w.rows[i]
		for j := range m {
			p[j] = min(p[j], w.top[j]) * factor[j]
		}
		for j := m; j < MaxObjectives; j++ {
			p[j] = 1
		}
	}
}
