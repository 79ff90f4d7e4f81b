package moo

import (
	"context"
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Problem is what is to be minimised and how its genomes are varied, as a struct of functions: a nil function is an
// ability that the problem does not offer. Real, Integer, Binary, Permutation, Mixed and Assignment fill in everything
// but Evaluate; a caller may replace any single function of theirs.
//
// A genome is written in place, so G is a slice, a pointer or a struct of slices. All functions but EvaluateBatch are
// called from several goroutines at once when Config.Workers is above 1, on different genomes. A function must depend
// on its arguments alone (the random source is one of them): that is what makes a run repeatable.
type Problem[G any] struct {
	// Objectives is the number of values to minimise, at least 1.
	Objectives int

	// Make returns n fresh genomes whose content does not matter yet. Required.
	Make func(n int) []G

	// Copy overwrites dst with src. Required.
	Copy func(dst, src G)

	// Sample overwrites g with a random genome. Required unless the warm start fills the whole population.
	Sample func(r *rand.Rand, g G)

	// Cross overwrites c and d with children of a and b, which it must not change; it decides by itself how often a child
	// is a plain copy. c and d are neither a nor b, but a and b may be one genome. Nil means that children begin as copies.
	Cross func(r *rand.Rand, a, b, c, d G)

	// Mutate changes g in place, or leaves it, by its own probability. Nil means no mutation. One of Cross and Mutate
	// is required.
	Mutate func(r *rand.Rand, g G)

	// Repair brings g back to where it may be evaluated, after Sample and after Mutate and on warm starts. Nil means
	// that every genome is fit for Evaluate.
	Repair func(r *rand.Rand, g G)

	// Evaluate writes the objectives of g into out and returns by how much g violates the constraints, summed up in
	// whatever unit makes two violations comparable; 0 or less is feasible. +Inf as objective or violation is the worst
	// value there is; NaN and an objective of -Inf end the run with an error. Required unless EvaluateBatch is set.
	Evaluate func(g G, out []float64) (violation float64)

	// EvaluateBatch evaluates many genomes in one call, from the caller's goroutine: for evaluators that live elsewhere.
	// The objectives of g[i] go to out[i*Objectives:], its violation to violation[i]. An error ends the run. When set,
	// Evaluate is not called.
	EvaluateBatch func(ctx context.Context, g []G, out, violation []float64) error

	// Delta evaluates a child by what it differs in from a parent whose objectives and violation are known. It reports
	// false, having written anything or nothing, where a full evaluation is cheaper. Nil means that every child is
	// evaluated in full. It must agree with Evaluate; it is not used beside EvaluateBatch.
	Delta func(parent G, known []float64, knownViolation float64, child G, out []float64) (violation float64, ok bool)

	// Equal reports whether two genomes are the same. It lets the engine mutate a child again that came out as a copy of
	// one of its parents, instead of evaluating what is known. Nil means that copies are evaluated.
	Equal func(a, b G) bool

	// Check refuses a genome from outside (warm start, snapshot) that does not belong to this problem. Nil accepts all.
	Check func(g G) error

	flaw error // what a genome constructor found wrong; New returns it
}

// evaluated returns the space p as a problem.
func (p Problem[G]) evaluated(objectives int, evaluate func(g G, out []float64) float64) Problem[G] {
	p.Objectives, p.Evaluate = objectives, evaluate
	return p
}

// validate returns the first thing that makes the problem unusable.
func (p *Problem[G]) validate(warm, population int) error {
	const op = "moo.new"
	switch {
	case p.flaw != nil:
		return fault.Wrap(op, p.flaw)
	case p.Objectives < 1:
		return fault.Field(op, "Problem.Objectives", "is %d, must be at least 1", p.Objectives)
	case p.Make == nil:
		return fault.Field(op, "Problem.Make", "is missing")
	case p.Copy == nil:
		return fault.Field(op, "Problem.Copy", "is missing")
	case p.Evaluate == nil && p.EvaluateBatch == nil:
		return fault.Field(op, "Problem.Evaluate", "is missing, and so is EvaluateBatch")
	case p.Cross == nil && p.Mutate == nil:
		return fault.Field(op, "Problem.Mutate", "is missing, and so is Cross: nothing would ever change")
	case p.Sample == nil && warm < population:
		return fault.Field(op, "Problem.Sample", "is missing, and the warm start has %d of %d individuals", warm, population)
	}
	return nil
}

// check applies Check to a genome from outside.
func (p *Problem[G]) check(g G) error {
	if p.Check == nil {
		return nil
	}
	return p.Check(g)
}
