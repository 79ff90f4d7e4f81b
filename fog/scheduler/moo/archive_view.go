package moo

import "iter"

// Len returns the number of entries.
func (a *Archive[G]) Len() int { return a.shelf.len() }

// At returns entry i, 0 being the oldest, and its objectives. Both belong to the archive: they must not be changed and are valid
// until the next Add that returns true, Restore or Reset.
func (a *Archive[G]) At(i int) (G, []float64) { return a.genomes[i], a.shelf.row(i) }

// All yields the entries from the oldest to the youngest, as At does. The archive must not change meanwhile.
func (a *Archive[G]) All() iter.Seq2[G, []float64] {
	return func(yield func(G, []float64) bool) {
		for i, g := range a.genomes {
			if !yield(g, a.shelf.row(i)) {
				return
			}
		}
	}
}

// Objectives returns the objectives of all entries, row by row, as packages nds and hv take them; it belongs to the archive as
// with At.
func (a *Archive[G]) Objectives() []float64 { return a.shelf.f }

// Best returns the entry with the least weighted sum of objectives, each divided by its scale (nil means 1), the oldest of
// equals; -1 when the archive is empty. Weights must not be negative.
func (a *Archive[G]) Best(weights, scale []float64) int {
	s := &a.shelf
	best, least := nobody, 0.0
	for i := range s.len() {
		sum := 0.0
		for j, v := range s.row(i) {
			w := weights[j]
			if scale != nil {
				w /= scale[j]
			}
			sum += float64(w * v)
		}
		if best == nobody || sum < least {
			best, least = i, sum
		}
	}
	return best
}

// Elite returns the protected entry of a profile: the first that was offered of the best for it, or what dominated that. It is
// -1 when the archive is empty.
func (a *Archive[G]) Elite(profile int) int { return a.shelf.elites[profile] }

// Extreme returns the entry that is best in one objective; among equals the next objectives decide, in turn from the first.
// It is -1 when the archive is empty.
func (a *Archive[G]) Extreme(objective int) int {
	s := &a.shelf
	best := nobody
	for i := range s.len() {
		if best == nobody || before(s.row(i), s.row(best), objective) {
			best = i
		}
	}
	return best
}

// before reports whether a is better than b in objective j, or equal there and better in the first of the others that differs.
func before(a, b []float64, j int) bool {
	if a[j] != b[j] {
		return a[j] < b[j]
	}
	for k, v := range a {
		if v != b[k] {
			return v < b[k]
		}
	}
	return false
}

// Reference returns the reference point that the bound Size measures from, nil before it was needed; it belongs to the archive
// as with At.
func (a *Archive[G]) Reference() []float64 {
	if len(a.shelf.ref) == 0 {
		return nil
	}
	return a.shelf.ref
}

// Offered returns how many solutions were offered, and Kept how many of them Add has kept, since the beginning or Reset.
func (a *Archive[G]) Offered() uint64 { return a.shelf.offered }

// Kept returns how many offers were kept; see Offered.
func (a *Archive[G]) Kept() uint64 { return a.shelf.kept }
