package nds

import (
	"fmt"
	"math"
	"slices"
)

// Distinct rows up to which bitsets are faster than the alternative, measured on shells and clouds: see Workspace.Bitset.
const (
	bitsetOf3 = 4_000   // three objectives, against staircases
	bitsetOf4 = 100_000 // four objectives and more, against divide and conquer
)

// Workspace sorts rows into fronts and keeps the memory that it needs for that. The zero value is ready. Once it
// has sorted so many rows of so many objectives, it sorts as many again without allocating, but for what the package
// comment says of divide and conquer. A Workspace serves one goroutine at a time.
type Workspace struct {
	// Bitset is the most distinct rows that are sorted with bitsets when there are three objectives or more. Beyond it
	// three objectives climb staircases, O(n log² n), and more are divided and conquered, O(n log^(m-1) n), instead of
	// O(m n²/64). 0 means 4,000 rows of three objectives and 100,000 of more, where the two cost about the same with four
	// to six objectives; a negative value turns bitsets off. The ranks do not depend on it. Neither does memory grow with
	// its square: the n*n bits are made and used in strips of 512 columns.
	Bitset int

	ranks []int32 // of each row, the result
	count int     // fronts of the last sort
	room  int     // rows of the set being sorted, which all memory is sized by, be they distinct and feasible or not

	fronts  [][]int32 // see Fronts
	members []int32   // rows by front

	items, spare []item  // rows or positions with the key that they are sorted by
	buckets      []int32 // of the bucket sort
	tails        []float64
	stairs       staircases
	at           []int32 // row of each position in lexicographic order, duplicates left out
	position     []int32 // position of each row
	level        []int32 // rank of each position
	columns      []int32 // per objective but the first: positions in its order, or the dense rank of each position
	strip        *strip  // of the bitset sort, nil until it is needed
	divide       divider
	subset       []float64 // rows without violation, together
	feasible     []int32   // and where they came from
}

// Sort returns the rank of each row of f: 0 for the rows that no other row dominates, 1 for those that only rows of rank 0
// dominate, and so on. Row i is f[i*m : (i+1)*m], its m objectives are minimised. Equal rows have equal ranks. Infinities
// are values like others; NaN counts as +Inf, the worst. The result belongs to w until its next use.
//
// Sort panics when m is below 1, len(f) is not a multiple of m, or there are more than 2^29 rows.
func (w *Workspace) Sort(f []float64, m int) []int32 {
	w.prepare(rows(f, m))
	w.count = w.sort(w.ranks, f, m)
	return w.ranks
}

// SortConstrained is Sort under the constrained domination of Deb et al. 2002, section VI.A: a row without violation
// dominates each row with one, of two rows with a violation the smaller violation dominates, and rows without violation are
// compared by their objectives. The violation of row i is violation[i]; 0 and less mean none, NaN counts as +Inf. Rows of
// equal violation share a front.
//
// SortConstrained panics where Sort does, and when violation has not one value per row.
func (w *Workspace) SortConstrained(f, violation []float64, m int) []int32 {
	n := rows(f, m)
	if len(violation) != n {
		panic(fmt.Sprintf("nds: %d violations for %d rows", len(violation), n))
	}
	w.feasible = grown(w.feasible, n)[:0]
	for i, v := range violation {
		if v <= 0 {
			w.feasible = append(w.feasible, int32(i))
		}
	}
	if len(w.feasible) == n {
		return w.Sort(f, m)
	}
	w.prepare(n)
	w.subset = grown(w.subset, n*m)[:0]
	for _, i := range w.feasible {
		w.subset = append(w.subset, f[int(i)*m:int(i+1)*m]...)
	}
	front := w.sort(w.ranks[:len(w.feasible)], w.subset, m)
	for k := len(w.feasible) - 1; k >= 0; k-- { // from the end, for feasible[k] >= k
		w.ranks[w.feasible[k]] = w.ranks[k]
	}
	items := w.load(violation, 1, 0)
	items = w.order(items)[len(w.feasible):] // violations above 0 come last
	for k, it := range items {
		if k > 0 && it.key != items[k-1].key {
			front++
		}
		w.ranks[it.id] = int32(front)
	}
	w.count = front + 1
	return w.ranks
}

// Fronts returns the rows of each front of the last sort, the best front first, the rows of each in ascending order. The
// slices belong to w until its next use.
func (w *Workspace) Fronts() [][]int32 {
	n := len(w.ranks)
	w.fronts = grown(w.fronts, n)[:w.count]
	w.members = sized(w.members, n)
	w.buckets = sized(w.buckets, w.count+1)
	clear(w.buckets)
	for _, r := range w.ranks {
		w.buckets[r+1]++
	}
	for k := range w.count {
		w.buckets[k+1] += w.buckets[k]
		w.fronts[k] = w.members[w.buckets[k]:w.buckets[k+1]:w.buckets[k+1]]
	}
	for i, r := range w.ranks {
		w.members[w.buckets[r]] = int32(i)
		w.buckets[r]++
	}
	return w.fronts
}

// Dominates reports whether row a dominates row b: no objective of a is worse (larger), and one is better. NaN counts as
// +Inf. Rows of unequal length are compared over the shorter one.
func Dominates(a, b []float64) bool {
	better := false
	for j := range min(len(a), len(b)) {
		x, y := worst(a[j]), worst(b[j])
		if x > y {
			return false
		}
		better = better || x < y
	}
	return better
}

// sort writes the ranks of the rows of f and returns the number of fronts.
func (w *Workspace) sort(ranks []int32, f []float64, m int) int {
	switch {
	case len(ranks) == 0:
		return 0
	case m == 1:
		return w.line(ranks, f)
	case m == 2:
		return w.sweep(ranks, f)
	}
	n := w.lexicographic(f, m)
	w.level = sized(w.level, w.room)[:n]
	switch {
	case n <= w.limit(m):
		w.intersect(f, m)
	case m == 3:
		w.climb(f)
	default:
		w.conquer(f, m)
	}
	for i := range ranks {
		ranks[i] = w.level[w.position[i]]
	}
	return int(slices.Max(w.level)) + 1
}

// limit returns the most distinct rows of m objectives that bitsets sort.
func (w *Workspace) limit(m int) int {
	switch {
	case w.Bitset != 0:
		return w.Bitset
	case m == 3:
		return bitsetOf3
	}
	return bitsetOf4
}

// prepare sizes the result and what every sort needs.
func (w *Workspace) prepare(n int) {
	w.ranks = sized(w.ranks, n)
	w.count, w.room = 0, n
	w.items, w.spare, w.buckets = sized(w.items, n), sized(w.spare, n), sized(w.buckets, n+1)
}

// rows returns the number of rows of f, or panics.
func rows(f []float64, m int) int {
	if m < 1 || len(f)%m != 0 || len(f)/m > 1<<29 {
		panic(fmt.Sprintf("nds: %d values are not rows of %d objectives", len(f), m))
	}
	return len(f) / m
}

// worst returns +Inf for NaN and x otherwise.
func worst(x float64) float64 {
	if x != x {
		return math.Inf(1)
	}
	return x
}

// grown returns s with room for n elements; its contents are kept only as far as its length.
func grown[T any](s []T, n int) []T {
	if cap(s) >= n {
		return s
	}
	return slices.Grow(s, n-len(s))
}

// sized returns a slice of length n, s where it has the room, never nil; its contents are any.
func sized[T any](s []T, n int) []T {
	if cap(s) >= n && s != nil {
		return s[:n]
	}
	return make([]T, n)
}
