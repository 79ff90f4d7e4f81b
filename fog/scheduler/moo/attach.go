package moo

import "github.com/fogcompute/fogcompute/fog/internal/fault"

// Attach makes the engine offer every feasible individual that it evaluates to an archive, in the order of the children
// whatever the number of workers, and take its fronts from there: selection may then lose a good solution, the search
// does not. The archive must be for as many objectives; it is not to be used otherwise while the engine works. Once the
// search has begun it is an error of kind Invalid.
func (e *Engine[G]) Attach(a *Archive[G]) error {
	switch {
	case e.begun:
		return fault.Field("moo.attach", "archive", "comes too late: the search has begun")
	case a.shelf.m != e.problem.Objectives:
		return fault.Field("moo.attach", "archive", "is for %d objectives, the problem has %d", a.shelf.m, e.problem.Objectives)
	}
	e.archive = a
	return nil
}

// offer shows the first `children` free slots to the archive.
func (e *Engine[G]) offer(children int) {
	if e.archive == nil {
		return
	}
	for _, slot := range e.cohort.free[:children] {
		if e.cohort.violation[slot] == 0 {
			e.archive.Add(e.genomes[slot], e.cohort.row(slot))
		}
	}
}

// archived returns copies of the archive's entries.
func (e *Engine[G]) archived() []Individual[G] {
	out := make([]Individual[G], e.archive.Len())
	for i, own := range e.problem.Make(len(out)) {
		g, f := e.archive.At(i)
		e.problem.Copy(own, g)
		out[i] = Individual[G]{Genome: own, Objectives: append([]float64(nil), f...)}
	}
	return out
}
