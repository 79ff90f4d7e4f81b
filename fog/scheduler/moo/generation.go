package moo

import (
	"math"
	"slices"
)

// Generation is what a search looks like after a generation.
type Generation struct {
	Number      int       // 0 is the initial population
	Evaluations int64     // so far
	Feasible    int       // individuals without violation
	Front       int       // individuals in the first front
	Violation   float64   // least violation of the population; 0 as soon as anything is feasible
	Ideal       []float64 // least value of each objective in the first front
	Nadir       []float64 // greatest value of each objective in the first front
}

// observe describes the population of now.
func (e *Engine[G]) observe() Generation {
	c, g := e.cohort, &e.seen
	g.Number, g.Evaluations, g.Feasible = e.generation, e.evaluations, 0
	for _, slot := range c.alive {
		if c.violation[slot] == 0 {
			g.Feasible++
		}
	}
	front := c.front()
	g.Front, g.Violation = len(front), c.violation[front[0]]
	for k := range g.Ideal {
		g.Ideal[k], g.Nadir[k] = math.Inf(1), math.Inf(-1)
	}
	for _, slot := range front {
		for k, v := range c.row(slot) {
			g.Ideal[k], g.Nadir[k] = min(g.Ideal[k], v), max(g.Nadir[k], v)
		}
	}
	e.tolerance.look(e.config.Tolerance, c, e.generation)
	return *g
}

// Individual is one solution.
type Individual[G any] struct {
	Genome     G
	Objectives []float64
	Violation  float64 // 0 is feasible
}

// Front is the outcome of a search.
type Front[G any] struct {
	// Members are the individuals of the first front, each objective vector once, sorted by objectives. No feasible member
	// dominates another one. If nothing is feasible they are those with the least violation.
	Members []Individual[G]

	Feasible    bool // whether the members are
	Generations int  // made
	Evaluations int64
	Stop        Stop // why the last loop ended; Running if it was left by its caller
}

// Front returns a copy of the first front of now, or of the attached archive once that holds anything; it has no members
// before the first step.
func (e *Engine[G]) Front() Front[G] {
	out := Front[G]{Generations: e.generation, Evaluations: e.evaluations, Stop: e.stop}
	if !e.begun {
		return out
	}
	if e.archive != nil && e.archive.Len() > 0 {
		out.Members = e.archived()
	} else {
		out.Members = e.individuals(e.cohort.front())
	}
	slices.SortStableFunc(out.Members, func(a, b Individual[G]) int { return slices.Compare(a.Objectives, b.Objectives) })
	out.Members = slices.CompactFunc(out.Members, func(a, b Individual[G]) bool { return slices.Equal(a.Objectives, b.Objectives) })
	out.Feasible = out.Members[0].Violation == 0
	return out
}

// Population returns a copy of all living individuals, the best front first; nil before the first step.
func (e *Engine[G]) Population() []Individual[G] {
	if !e.begun {
		return nil
	}
	return e.individuals(e.cohort.alive)
}

// individuals copies slots out.
func (e *Engine[G]) individuals(slots []int32) []Individual[G] {
	out := make([]Individual[G], len(slots))
	for i, g := range e.problem.Make(len(slots)) {
		e.problem.Copy(g, e.genomes[slots[i]])
		out[i] = Individual[G]{Genome: g, Objectives: slices.Clone(e.cohort.row(slots[i])), Violation: e.cohort.violation[slots[i]]}
	}
	return out
}
