package moo

import (
	"math"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
	"github.com/fogcompute/fogcompute/fog/scheduler/moo/hv"
)

// ArchiveConfig says what an Archive keeps. Objectives, Make and Copy are required; the zero of everything else is a set of
// all non-dominated solutions ever offered, without bound.
type ArchiveConfig[G any] struct {
	// Objectives is the number of values of a solution, all minimised, at least 1.
	Objectives int

	// Size is the greatest number of entries; 0 means no bound. When one more comes, the entry without protection whose
	// exclusive hypervolume is least leaves, the youngest of equals. It needs at most hv.MaxObjectives objectives and at least
	// as many entries as there are profiles.
	Size int

	// Epsilon is the width of the boxes of each objective, above 0; nil means no boxes. With boxes the archive keeps one entry
	// in a box and none whose box another box dominates, so it stays small by itself, and whatever was offered is within
	// Epsilon of an entry as long as Size has not cut.
	Epsilon []float64

	// Reference is the point that hypervolume is measured from. Entries that are not better than it everywhere are the first to
	// leave. Nil follows the entries: a tenth of their range beyond the worst, moved when an entry passes it or when the range has
	// fallen below half.
	Reference []float64

	// Profiles are weight vectors, none negative. The best entry for each, its elite, is never cut, so no solution ever offered was
	// better for a profile than its elite is. Nil means no protection.
	Profiles [][]float64

	// Scale divides each objective before a profile weighs it, above 0; nil means 1 for each.
	Scale []float64

	// Make returns n fresh genomes whose content does not matter, and Copy overwrites dst with src, as in Problem: the archive
	// keeps copies.
	Make func(n int) []G
	Copy func(dst, src G)
}

// Archive keeps the non-dominated solutions that it is offered, outside any population, so that selection cannot lose them. With
// Epsilon it follows Laumanns, Thiele, Deb and Zitzler, "Combining convergence and diversity in evolutionary multiobjective
// optimization" (2002, section 3.2), with boxes of equal width instead of logarithmic ones, as in ε-MOEA (Deb, Mohan and Mishra
// 2003), so that objectives may be 0 or negative; the elites of profiles stay beside the boxes. With Size it drops the least
// exclusive hypervolume, as SMS-EMOA does (Beume, Naujoks and Emmerich 2007).
//
// The same offers in the same order keep the same entries. An archive must not be used by two goroutines at once.
type Archive[G any] struct {
	shelf   shelf
	genomes []G
	spare   []G // genomes of entries that left
	make    func(n int) []G
	copy    func(dst, src G)
}

// NewArchive returns an empty archive, or an error of kind Invalid that names the wrong field.
func NewArchive[G any](c ArchiveConfig[G]) (*Archive[G], error) {
	const op = "moo.archive"
	m := c.Objectives
	switch {
	case m < 1:
		return nil, fault.Field(op, "Objectives", "is %d, must be at least 1", m)
	case c.Size < 0:
		return nil, fault.Field(op, "Size", "is %d, must not be negative", c.Size)
	case c.Size > 0 && m > hv.MaxObjectives:
		return nil, fault.Field(op, "Size", "needs the hypervolume, which is exact up to %d objectives, not %d: leave it 0 and set Epsilon",
			hv.MaxObjectives, m)
	case c.Size > 0 && c.Size < len(c.Profiles):
		return nil, fault.Field(op, "Size", "is %d, less than the %d profiles", c.Size, len(c.Profiles))
	case c.Make == nil:
		return nil, fault.Field(op, "Make", "is missing")
	case c.Copy == nil:
		return nil, fault.Field(op, "Copy", "is missing")
	}
	if err := checkVectors(op, m, c.Epsilon, c.Scale, c.Reference); err != nil {
		return nil, err
	}
	a := &Archive[G]{make: c.Make, copy: c.Copy}
	a.shelf = shelf{m: m, size: c.Size, epsilon: append([]float64(nil), c.Epsilon...), fixed: append([]float64(nil), c.Reference...)}
	for i, p := range c.Profiles {
		w, ok := factors(p, c.Scale, m)
		if !ok {
			return nil, fault.Field(op, "Profiles", "has entry %d = %v, which is not %d weights from 0, one of them positive", i, p, m)
		}
		a.shelf.profiles = append(a.shelf.profiles, w)
	}
	a.shelf.reset()
	return a, nil
}

// checkVectors checks the lengths and ranges of the vectors of a configuration; nil ones are fine.
func checkVectors(op string, m int, epsilon, scale, reference []float64) error {
	for _, v := range []struct {
		name string
		v    []float64
		low  float64
	}{{"Epsilon", epsilon, 0}, {"Scale", scale, 0}, {"Reference", reference, math.Inf(-1)}} {
		if v.v == nil {
			continue
		}
		if len(v.v) != m {
			return fault.Field(op, v.name, "has %d values for %d objectives", len(v.v), m)
		}
		for j, x := range v.v {
			if !(x > v.low) || math.IsInf(x, 0) {
				return fault.Field(op, v.name, "is %v for objective %d", x, j)
			}
		}
	}
	return nil
}

// factors returns weights divided by scale, and false if they are no profile of m objectives.
func factors(weights, scale []float64, m int) ([]float64, bool) {
	if len(weights) != m {
		return nil, false
	}
	k := make([]float64, m)
	positive := false
	for j, w := range weights {
		if scale != nil {
			w /= scale[j]
		}
		if !(w >= 0) || math.IsInf(w, 1) {
			return nil, false
		}
		positive = positive || w > 0
		k[j] = w
	}
	return k, positive
}

// Add offers a solution with its objective values and reports whether it was kept, as a copy. It is kept unless a value is not
// finite, an entry is at least as good in every objective, its box is taken or dominated and it is no elite, or it is itself what
// the bound Size drops at once; an archive that refuses stays as it was. Entries that it makes superfluous leave. Indexes of
// entries change when Add returns true, and only then. A refusal costs one scan and no allocation. It panics if f has fewer
// values than Objectives.
func (a *Archive[G]) Add(g G, f []float64) bool {
	if !a.shelf.offer(f[:a.shelf.m]) {
		return false
	}
	end := 0
	for i, old := range a.genomes {
		if a.shelf.gone[i] {
			a.spare = append(a.spare, old)
		} else {
			a.genomes[end] = old
			end++
		}
	}
	clear(a.genomes[end:])
	a.genomes = append(a.genomes[:end], a.fresh())
	a.copy(a.genomes[end], g)
	return true
}

// fresh returns a genome to write to.
func (a *Archive[G]) fresh() G {
	n := len(a.spare)
	if n == 0 {
		return a.make(1)[0]
	}
	g := a.spare[n-1]
	a.spare = a.spare[:n-1]
	return g
}

// Reset empties the archive and its counters; memory is kept for the next solutions.
func (a *Archive[G]) Reset() {
	a.shelf.reset()
	a.spare = append(a.spare, a.genomes...)
	clear(a.genomes)
	a.genomes = a.genomes[:0]
}
