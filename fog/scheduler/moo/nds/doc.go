// Package nds sorts rows of objectives into non-dominated fronts: the ranking step of NSGA-II, NSGA-III and their kin, useful
// to whoever must layer points by Pareto dominance. All objectives are minimised.
//
//	var w nds.Workspace
//	ranks := w.Sort(f, m) // f holds n rows of m objectives, one after another
//	for _, front := range w.Fronts() {
//		...
//	}
//
// # Which algorithm
//
// The number of objectives m chooses; the ranks are those of the classic sort (Deb et al. 2002, section III.A) in each case.
//
//   - m = 1: a sort. O(n log n).
//   - m = 2: a sweep with binary search over the fronts. O(n log n).
//   - m = 3: intersection of bitsets up to 4,000 distinct rows, O(n²/64) with small constants; beyond, a sweep with binary
//     search over the fronts, each kept as a staircase, O(n log² n) comparisons.
//   - m >= 4: intersection of bitsets up to 100,000 distinct rows, O(m n²/64); beyond, divide and conquer, O(n log^(m-1) n).
//
// Workspace.Bitset moves the two limits.
//
// Sorting by one objective is linear for values that spread about evenly, and O(n log n) for any values.
//
// # Memory
//
// A Workspace grows to what the largest sort needs and keeps it: about 40 bytes a row for m = 2, 130 for m = 3, and for
// m >= 4 about 56 + 6*m bytes a row and 33,000*m bytes besides. No bit matrix of n*n is ever held. Sorting a set of any
// content allocates nothing once a set of as many rows and objectives has been sorted; divide and conquer alone may grow
// its stack a few times, for its depth depends on the values.
//
// # Values
//
// Equal rows share a front. Infinities are ordinary values, so a row may be at +Inf in one objective and best in another.
// NaN counts as +Inf, the worst. -0 equals 0. The ranks depend on the rows alone, not on their order: permuting the rows
// permutes the ranks.
//
// # Literature
//
//   - K. Deb, A. Pratap, S. Agarwal, T. Meyarivan: A fast and elitist multiobjective genetic algorithm: NSGA-II. IEEE
//     Transactions on Evolutionary Computation 6(2), 2002.
//   - M. T. Jensen: Reducing the run-time complexity of multiobjective EAs: the NSGA-II and other algorithms. IEEE
//     Transactions on Evolutionary Computation 7(5), 2003.
//   - H. T. Kung, F. Luccio, F. P. Preparata: On finding the maxima of a set of vectors. Journal of the ACM 22(4), 1975.
//   - X. Zhang, Y. Tian, R. Cheng, Y. Jin: An efficient approach to nondominated sorting for evolutionary multiobjective
//     optimization (ENS). IEEE Transactions on Evolutionary Computation 19(2), 2015.
//   - J. Moreno, D. Rodriguez, A. J. Nebro, J. A. Lozano: Merge nondominated sorting algorithm for many-objective
//     optimization (MNDS). IEEE Transactions on Cybernetics 51(12), 2021; arXiv 1809.06106.
//   - F.-A. Fortin, S. Grenier, M. Parizeau: Generalizing the improved run-time complexity algorithm for non-dominated
//     sorting. GECCO 2013.
//   - M. Buzdalov, A. Shalyto: A provably asymptotically fast version of the generalized Jensen algorithm for
//     non-dominated sorting. PPSN XIII, 2014.
package nds
