// Package moo searches for the best trade-offs between several objectives: NSGA-II (Deb et al. 2002) and NSGA-III (Deb and
// Jain 2014) over any genome.
//
//	p := moo.Real{Lower: low, Upper: high}.Problem(2, func(x, out []float64) float64 {
//		out[0], out[1] = cost(x), delay(x) // both minimised
//		return excess(x)                   // by how much x breaks its constraints; 0 or less: not at all
//	})
//	engine, err := moo.New(p, moo.Config{Seed: 1, Generations: 200})
//	front, err := engine.Run(ctx)
//
// A Problem is a struct of functions. Real, Integer, Binary, Permutation, Mixed and Assignment fill it in for the common
// genomes; any one of the functions may be replaced, and any other genome works that can be copied and varied.
//
// # Words
//
// All objectives are minimised. One individual dominates another if it is no worse in any objective and better in one; a
// front is a set none of whose members dominates another. An individual with a violation above 0 is infeasible: any feasible
// one dominates it, and of two infeasible ones the lesser violation does.
//
// # Same seed, same front
//
// The seed decides everything but time budgets. A pair of children is one piece of work with a random stream of its own,
// made from the seed, the number of the generation and the number of the pair: so neither the number of workers nor chance
// among them matters, and a Snapshot needs no more of the randomness than those numbers. Across processor architectures the
// last bits of floating-point sums may differ, and with them the course of a search.
//
// # What departs from the papers
//
//   - The front that does not fit is thinned one individual at a time (Kukkonen and Deb 2006), not cut at once.
//   - Individuals whose objectives equal another's live on only for want of different ones (Config.Duplicates).
//   - A child that came out as a copy of a parent is mutated again, up to four times.
//   - Where NSGA-III's hyperplane does not exist or is absurd, the worst values of the fronts give the scale.
//
// Packages nds (sorting into fronts) and hv (hypervolume and other indicators) stand alone; Archive keeps what a population
// would lose.
package moo
