package moo

import (
	"math"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// ArchiveState is all that an Archive knows besides its configuration, as plain data that can be encoded: an archive of the
// same configuration that restores it behaves from then on exactly as the one that it was taken from.
type ArchiveState[G any] struct {
	Genomes    []G       // the entries, oldest first
	Objectives []float64 // their objectives, row by row
	Shares     []float64 // what their exclusive hypervolumes are at least
	Measured   []bool    // whether they are just that
	Elites     []int     // the entry of each profile; -1: none
	Reference  []float64 // the reference point in use; empty: none yet
	Offered    uint64    // offers so far
	Kept       uint64    // of these, kept
}

// Snapshot returns a copy of the state, genomes included.
func (a *Archive[G]) Snapshot() ArchiveState[G] {
	s := &a.shelf
	state := ArchiveState[G]{
		Genomes:    a.make(len(a.genomes)),
		Objectives: append([]float64(nil), s.f...),
		Shares:     append([]float64(nil), s.shares...),
		Measured:   append([]bool(nil), s.exact...),
		Elites:     append([]int(nil), s.elites...),
		Reference:  append([]float64(nil), s.ref...),
		Offered:    s.offered,
		Kept:       s.kept,
	}
	for i, g := range a.genomes {
		a.copy(state.Genomes[i], g)
	}
	return state
}

// Restore replaces the archive's entries by copies of those of a state. A state that no archive of this configuration can have is
// an error of kind Invalid that names the field, and the archive stays as it was; what G means is the caller's to check.
func (a *Archive[G]) Restore(state ArchiveState[G]) error {
	if err := checkArchive(&a.shelf, state); err != nil {
		return err
	}
	a.Reset()
	s := &a.shelf
	s.f = append(s.f, state.Objectives...)
	s.shares, s.exact = append(s.shares, state.Shares...), append(s.exact, state.Measured...)
	s.ref = append(s.ref, state.Reference...)
	s.offered, s.kept = state.Offered, state.Kept
	copy(s.elites, state.Elites)
	for k, e := range s.elites {
		if e != nobody {
			s.scores[k] = weigh(s.profiles[k], s.row(e))
		}
	}
	if len(s.epsilon) > 0 {
		for i, v := range s.f {
			s.boxes = append(s.boxes, math.Floor(v/s.epsilon[i%s.m]))
		}
	}
	for _, g := range state.Genomes {
		own := a.fresh()
		a.copy(own, g)
		a.genomes = append(a.genomes, own)
	}
	return nil
}

// checkArchive checks that a shelf can hold a state.
func checkArchive[G any](s *shelf, state ArchiveState[G]) error {
	const op = "moo.archive.restore"
	n, f, ref := len(state.Genomes), state.Objectives, state.Reference
	switch {
	case s.size > 0 && n > s.size:
		return fault.Field(op, "Genomes", "has %d entries, more than the archive's size of %d", n, s.size)
	case len(f) != n*s.m:
		return fault.Field(op, "Objectives", "has %d values for %d entries with %d objectives", len(f), n, s.m)
	case len(state.Shares) != n:
		return fault.Field(op, "Shares", "has %d values for %d entries", len(state.Shares), n)
	case len(state.Measured) != n:
		return fault.Field(op, "Measured", "has %d values for %d entries", len(state.Measured), n)
	case len(state.Elites) != len(s.profiles):
		return fault.Field(op, "Elites", "has %d values for %d profiles", len(state.Elites), len(s.profiles))
	case len(ref) != 0 && len(ref) != s.m || !allFinite(ref):
		return fault.Field(op, "Reference", "is %v", ref)
	}
	for i, v := range state.Shares {
		if !(v >= 0) || len(ref) == 0 && (v > 0 || state.Measured[i]) {
			return fault.Field(op, "Shares", "is %v for entry %d", v, i)
		}
	}
	if err := s.checkFront(op, n, f); err != nil {
		return err
	}
	return s.checkElites(op, n, f, state.Elites)
}

// checkFront checks that the rows of f are finite and that none is as good as another.
func (s *shelf) checkFront(op string, n int, f []float64) error {
	for i := range n {
		p := f[i*s.m : (i+1)*s.m]
		if !allFinite(p) {
			return fault.Field(op, "Objectives", "of entry %d are %v", i, p)
		}
		for k := range n {
			if k != i && noWorse(f[k*s.m:(k+1)*s.m], p) {
				return fault.Field(op, "Objectives", "of entry %d are no better than those of entry %d", i, k)
			}
		}
	}
	return nil
}

// checkElites checks that each elite is the best of its profile, and that there is one when there are entries.
func (s *shelf) checkElites(op string, n int, f []float64, elites []int) error {
	for k, e := range elites {
		if e < nobody || e >= n || (e == nobody) != (n == 0) {
			return fault.Field(op, "Elites", "is entry %d of %d for profile %d", e, n, k)
		}
		for i := range n {
			if w := s.profiles[k]; weigh(w, f[i*s.m:(i+1)*s.m]) < weigh(w, f[e*s.m:(e+1)*s.m]) {
				return fault.Field(op, "Elites", "is entry %d for profile %d, for which entry %d is better", e, k, i)
			}
		}
	}
	return nil
}
