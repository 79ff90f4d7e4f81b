// Package place is the placement optimiser: which job runs on which node, when several objectives pull apart and no node may be
// overfilled in any dimension.
//
// A [Problem] is plain arrays: what each job demands, what each node has free, what each pair of job and node costs in each
// objective, and what a node costs once it is in use. [Greedy] places every job at once, in milliseconds. [Solve] spends
// a budget, of moves or of time, on a local search that is chained over weight vectors and keeps what it finds in an archive, and
// returns the front of the trade-offs and the best plan of each profile (a profile is one weight for each objective). [Choose]
// takes the one plan to apply, tier before tier.
//
// Everything is pure: no clock but the one handed in, no goroutine that outlives a call, no randomness but the seed. For a seed
// and a budget in moves the answer is the same for any number of workers, and a larger budget never gives a worse plan in any
// profile. Objectives are minimised. Quantities (demand, free room) are integers in the caller's own units.
package place
