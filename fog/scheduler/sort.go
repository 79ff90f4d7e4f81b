package scheduler

import "sort"

// sortBy sorts by a comparison, as slices.SortFunc does, but by one implementation for all types: slices.SortFunc adds some
// 15 kB to every program for each large type that it sorts, and copies what it compares.
func sortBy[T any](x []T, compare func(a, b *T) int) {
	sort.Slice(x, func(i, k int) bool { return compare(&x[i], &x[k]) < 0 })
}
