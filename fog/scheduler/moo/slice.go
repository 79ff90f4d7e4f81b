package moo

import "slices"

// sliceProblem returns the functions that all genomes of n equal elements share. A set of genomes lies in one array.
func sliceProblem[E comparable](n int) Problem[[]E] {
	return Problem[[]E]{
		Make:  func(count int) [][]E { return makeSlices[E](count, n) },
		Copy:  func(dst, src []E) { copy(dst, src) },
		Equal: slices.Equal[[]E],
	}
}

// makeSlices returns count slices of n elements of one array, none of which can grow into its neighbour.
func makeSlices[E any](count, n int) [][]E {
	all := make([]E, count*n)
	out := make([][]E, count)
	for i := range out {
		out[i] = all[i*n : i*n+n : i*n+n]
	}
	return out
}
