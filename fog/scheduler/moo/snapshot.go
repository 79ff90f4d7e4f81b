package moo

import (
	"math"
	"slices"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Snapshot is the whole state of a search between two generations as plain data: encoding/gob writes it for any genome
// that consists of slices of basic types, as all genomes of this package do. An engine of the same problem and
// configuration that restores it goes on exactly as the one that it was taken from. The randomness needs no state of its
// own: each of its streams is made from the seed and the numbers of the generation and of the pair.
type Snapshot[G any] struct {
	Seed        uint64
	Generation  int
	Evaluations int64

	// Of the living individuals, the best front first; empty before the first step.
	Genomes    []G
	Objectives []float64 // row by row
	Violations []float64
	Ranks      []int32
	Crowding   []float64
	Slots      []int32 // where the engine keeps them, which decides ties

	Ideal []float64 // with NSGA-III: least value of each objective so far

	Watched []float64 // with Tolerance: the front of the last look,
	Since   int       // its generation,
	Still   bool      // and whether the front had stopped moving

	Archive *ArchiveState[G] // of the attached archive; nil without one
}

// Snapshot returns a copy of the state, genomes included.
func (e *Engine[G]) Snapshot() Snapshot[G] {
	c := e.cohort
	s := Snapshot[G]{
		Seed: e.config.Seed, Generation: e.generation, Evaluations: e.evaluations,
		Watched: slices.Clone(e.tolerance.front), Since: e.tolerance.since, Still: e.tolerance.still,
	}
	if c.reference != nil {
		s.Ideal = slices.Clone(c.reference.ideal)
	}
	if e.archive != nil {
		state := e.archive.Snapshot()
		s.Archive = &state
	}
	if !e.begun {
		return s
	}
	s.Slots = slices.Clone(c.alive)
	s.Genomes = e.problem.Make(len(c.alive))
	for i, slot := range c.alive {
		e.problem.Copy(s.Genomes[i], e.genomes[slot])
		s.Objectives = append(s.Objectives, c.row(slot)...)
		s.Violations = append(s.Violations, c.violation[slot])
		s.Ranks = append(s.Ranks, c.rank[slot])
		s.Crowding = append(s.Crowding, c.crowd[slot])
	}
	return s
}

// Restore replaces the state of the engine by a copy of a snapshot, whose seed it takes over. A snapshot that no engine of
// this problem, population and survival can have made is an error of kind Invalid that names the field, and the engine
// stays as it was. An archive must be attached exactly if the snapshot has one.
func (e *Engine[G]) Restore(s Snapshot[G]) error {
	if err := e.checkSnapshot(s); err != nil {
		return err
	}
	if s.Archive != nil {
		if err := e.archive.Restore(*s.Archive); err != nil {
			return fault.Field("moo.restore", "Archive", "%w", err)
		}
	}
	c := e.cohort
	c.reset()
	e.begun = len(s.Slots) > 0
	for i, slot := range s.Slots {
		e.problem.Copy(e.genomes[slot], s.Genomes[i])
		copy(c.row(slot), s.Objectives[i*c.objectives:])
		c.violation[slot], c.rank[slot], c.crowd[slot] = s.Violations[i], s.Ranks[i], s.Crowding[i]
	}
	if e.begun {
		c.settle(s.Slots)
	}
	if c.reference != nil {
		copy(c.reference.ideal, s.Ideal)
	}
	e.config.Seed, e.generation, e.evaluations, e.stop = s.Seed, s.Generation, s.Evaluations, Running
	e.tolerance = tolerance{front: slices.Clone(s.Watched), since: s.Since, still: s.Still}
	return nil
}

// checkSnapshot checks that this engine can hold a state.
func (e *Engine[G]) checkSnapshot(s Snapshot[G]) error {
	const op = "moo.restore"
	n, m := len(s.Slots), e.problem.Objectives
	ideal := 0
	if e.cohort.reference != nil {
		ideal = m
	}
	switch {
	case n != 0 && n != e.config.Population:
		return fault.Field(op, "Slots", "has %d individuals, the engine %d", n, e.config.Population)
	case len(s.Genomes) != n:
		return fault.Field(op, "Genomes", "has %d of %d genomes", len(s.Genomes), n)
	case len(s.Objectives) != n*m:
		return fault.Field(op, "Objectives", "has %d values for %d individuals with %d objectives", len(s.Objectives), n, m)
	case len(s.Violations) != n:
		return fault.Field(op, "Violations", "has %d of %d values", len(s.Violations), n)
	case len(s.Ranks) != n:
		return fault.Field(op, "Ranks", "has %d of %d values", len(s.Ranks), n)
	case len(s.Crowding) != n:
		return fault.Field(op, "Crowding", "has %d of %d values", len(s.Crowding), n)
	case len(s.Ideal) != ideal:
		return fault.Field(op, "Ideal", "has %d values, the survival needs %d", len(s.Ideal), ideal)
	case s.Generation < 0 || s.Evaluations < int64(n):
		return fault.Field(op, "Generation", "is %d with %d evaluations", s.Generation, s.Evaluations)
	case len(s.Watched)%m != 0 || !allFinite(s.Watched) || s.Since < 0 || s.Since > s.Generation:
		return fault.Field(op, "Watched", "is no front of generation %d", s.Since)
	case (s.Archive == nil) != (e.archive == nil):
		return fault.Field(op, "Archive", "must be there exactly if one is attached")
	}
	return e.checkIndividuals(s)
}

// checkIndividuals checks each individual of a snapshot whose lengths are right.
func (e *Engine[G]) checkIndividuals(s Snapshot[G]) error {
	const op = "moo.restore"
	m := e.problem.Objectives
	seen := make([]bool, 2*e.config.Population)
	for i, slot := range s.Slots {
		if slot < 0 || int(slot) >= len(seen) || seen[slot] {
			return fault.Field(op, "Slots", "is %d for individual %d, out of range or there twice", slot, i)
		}
		seen[slot] = true
		if v := s.Violations[i]; !(v >= 0) {
			return fault.Field(op, "Violations", "is %v for individual %d", v, i)
		}
		if r := s.Ranks[i]; r < 0 || int(r) >= 2*len(seen) || i > 0 && r < s.Ranks[i-1] {
			return fault.Field(op, "Ranks", "is %d for individual %d", r, i)
		}
		if v := s.Crowding[i]; !(v >= 0) {
			return fault.Field(op, "Crowding", "is %v for individual %d", v, i)
		}
		for k, v := range s.Objectives[i*m : i*m+m] {
			if math.IsNaN(v) || math.IsInf(v, -1) {
				return fault.Field(op, "Objectives", "is %v in objective %d of individual %d", v, k, i)
			}
		}
		if err := e.problem.check(s.Genomes[i]); err != nil {
			return fault.Field(op, "Genomes", "individual %d: %w", i, err)
		}
	}
	return nil
}
