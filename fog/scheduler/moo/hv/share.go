package hv

import "math"

// none is no index.
const none = -1

// few is how many rows of two or three objectives are measured one by one for less than the sweep that measures all costs.
const few = 6

// Contributions appends to dst[:0] the exclusive volume of each row of f: by how much Volume would fall if that row alone were
// taken away. It is 0 for a row that does not count, that another dominates, or that has a duplicate, and +Inf for a row that
// is infinitely better than ref and not dominated. Where Volume has no answer every row's is NaN (none for m < 1).
//
// Two and three objectives cost one sweep, O(n log n), when the rows are a front; a row that alone dominates another is
// measured again by itself. Four and five cost a limit set and its volume for each row.
func (w *Workspace) Contributions(dst, f []float64, m int, ref []float64) []float64 {
	n := 0
	if m > 0 {
		n = len(f) / m
	}
	w.which = grow(w.which, n)
	for i := range w.which {
		w.which[i] = int32(i)
	}
	return w.ContributionsOf(dst, f, m, ref, w.which)
}

// ContributionsOf is Contributions for the rows with the given indexes alone, one result for each. It costs no more than
// those rows where that is less than all of them; the two ways may differ in the last digits. An index outside f panics.
func (w *Workspace) ContributionsOf(dst, f []float64, m int, ref []float64, rows []int32) []float64 {
	dst = dst[:0]
	if !w.count(f, m, ref) {
		for range rows {
			dst = append(dst, math.NaN())
		}
		return dst
	}
	w.shares(len(f)/m, m, rows)
	for _, r := range rows {
		dst = append(dst, w.share(f, m, ref, int(r)))
	}
	return dst
}

// Least returns the index of the row that contributes least, the first of equals; -1 when there is no row or no answer.
func (w *Workspace) Least(f []float64, m int, ref []float64) int {
	w.each = w.Contributions(w.each, f, m, ref)
	least := none
	for i, v := range w.each {
		if least == none || v < w.each[least] {
			least = i
		}
	}
	if least != none && math.IsNaN(w.each[least]) {
		return none
	}
	return least
}

// share returns the contribution of row r of f after shares.
func (w *Workspace) share(f []float64, m int, ref []float64, r int) float64 {
	at := w.place[r]
	if at == none {
		return 0
	}
	if !w.bound && endless(f[r*m:][:m], ref) {
		for i, p := range w.place {
			if p != none && i != r && weaklyDominates(f[i*m:][:m], f[r*m:][:m]) {
				return 0
			}
		}
		return math.Inf(1)
	}
	return math.Ldexp(w.value[at], w.spread)
}

// endless reports whether p is infinitely better than ref in an objective.
func endless(p, ref []float64) bool {
	for j, r := range ref {
		if math.IsInf(r-p[j], 1) {
			return true
		}
	}
	return false
}

// weaklyDominates reports whether a is nowhere worse than b.
func weaklyDominates(a, b []float64) bool {
	for j := range a {
		if a[j] > b[j] {
			return false
		}
	}
	return true
}

// shares fills value with the contributions of the counted rows, at least of those with the given indexes among the n rows of
// the input, and place with where in value each row's stands: none for one that does not count.
func (w *Workspace) shares(n, m int, rows []int32) {
	s := w.rows
	w.place = grow(w.place, n)
	for i := range w.place {
		w.place[i] = none
	}
	for k := range s {
		w.place[w.source[k]] = int32(k)
	}
	switch {
	case m == 2 && len(rows) > few:
		w.shares2(s)
		w.unshade(s, m)
	case m == 3 && len(rows) > few:
		w.shares3(s)
		w.unshade(s, m)
	default:
		w.value = grow(w.value, len(s))
		for _, r := range rows {
			if k := w.place[r]; k != none {
				w.value[k] = w.alone(s, int(k), m)
			}
		}
	}
}

// unshade measures again the rows of which a row outside the front hides a part.
func (w *Workspace) unshade(s []row, m int) {
	for _, i := range w.front {
		if w.shaded[i] {
			w.value[i] = w.alone(s, int(i), m)
		}
	}
}

// alone returns the volume that row k of s alone dominates: its box without the volume of its limit set, "exclhv" of WFG.
func (w *Workspace) alone(s []row, k, m int) float64 {
	p := &s[k]
	var covered bool
	w.limit5, covered = clip(w.limit5[:0], s, p, k)
	if covered {
		return 0
	}
	volume := p[0] * p[1] * p[2] * p[3] * p[4]
	return max(volume-w.volume(w.arrange(w.limit5, m), m), 0)
}
