// Package gap solves the generalised assignment problem: every job goes to one node, each node's capacity is kept in every
// dimension, the sum of the costs is least. Demands may depend on the node, pairs may be forbidden, costs may be negative.
//
// The problem is NP-hard, and so is finding any plan for all jobs where capacity is tight. Solve is a heuristic with a bound: it
// returns a plan that keeps capacity, and a figure that no plan for all jobs can undercut, so that the distance between them
// says how good the plan is at worst. If it finds no plan for all jobs, it leaves out as little weight as it can and says so.
//
// How it works, and where that is published:
//
//   - Prices of capacity from the Lagrangian dual (Fisher: The Lagrangian relaxation method for solving integer programming
//     problems, Management Science 27, 1981), found by a subgradient method with a level target (see relaxation). Its top is
//     the bound of the linear relaxation, so no linear program is solved.
//   - Reduced costs under these prices guide everything after it (Yagiura, Ibaraki, Glover: An ejection chain approach for the
//     generalized assignment problem, INFORMS Journal on Computing 16, 2004, section 3.2): each job has a short list of
//     candidate nodes, and a change is judged by reduced costs and by the price of capacity left empty.
//   - A first plan by regret (Martello, Toth: Knapsack Problems, 1990, section 7.4), mended by ejection chains of two.
//   - A search through plans that may exceed capacity, at a penalty for each node and dimension that rises while it is exceeded
//     and falls while it is not (the same paper, section 3.3), by shifts, swaps and ejection chains. Departure: instead of a
//     tabu list, changes are accepted as in simulated annealing (Osman: Heuristics for the generalised assignment problem,
//     OR Spektrum 17, 1995), in epochs that double in length, each from the best plan so far. So what happens in the first
//     moves does not depend on how many follow: more moves never give a worse plan.
//
// A search is pure: no goroutine, no clock but the one handed in, no state but its own. It keeps about 16 bytes for each pair of a
// job and a node beside the problem, and allocates nothing while it moves, but for a node that holds more jobs than ever.
package gap
