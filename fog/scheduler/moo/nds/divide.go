package nds

import "slices"

const (
	pairs   = 4096 // comparisons up to which two sets are compared pair by pair
	samples = 15   // of a set, for its pivot
)

// divider holds what divide and conquer needs besides the ranks.
type divider struct {
	n      int
	column []int32 // per objective but the first: dense rank of each position in it, equal values alike
	level  []int32 // ranks of the positions
	stack  []int32 // parts of the sets being divided
	best   []int32 // Fenwick tree of maxima, see sweep; all 0 between uses
}

// conquer ranks positions by divide and conquer over the objectives (Jensen 2003; with equal values as Fortin et al. 2013;
// bounded by O(n log^(m-1) n) in Buzdalov and Shalyto 2014). It departs from them in that the pivot is the median of a
// sample, so that the bound is an expectation, that small sets are compared pair by pair, and that the two-dimensional
// sweep keeps its maxima in a Fenwick tree.
func (w *Workspace) conquer(f []float64, m int) {
	n := len(w.at)
	w.dense(f, m)
	clear(w.level)
	d := &w.divide
	d.n, d.column, d.level = n, w.columns, w.level
	d.best = sized(d.best, w.room+1)[:n+1]
	clear(d.best)
	d.stack = grown(d.stack, (m+2)*w.room)[:0]
	for p := range n {
		d.stack = append(d.stack, int32(p))
	}
	d.rank(d.stack[:n:n], m-2)
}

// dense fills the columns with the dense ranks of the positions in each objective but the first.
func (w *Workspace) dense(f []float64, m int) {
	n := len(w.at)
	w.columns = sized(w.columns, (m-1)*w.room)[:(m-1)*n]
	for j := 1; j < m; j++ {
		column := w.columns[(j-1)*n : j*n]
		items := w.order(w.loadAt(f, m, j))
		value := int32(0)
		for k, it := range items {
			if k > 0 && it.key != items[k-1].key {
				value++
			}
			column[it.id] = value
		}
	}
}

// rank lifts the members of set above those members that dominate them, given that they are equal in the columns above k
// or that these do not matter, and that what they owe to others is in their ranks. Sets ascend by position.
func (d *divider) rank(set []int32, k int) {
	switch {
	case len(set) < 2:
		return
	case len(set)*len(set) <= pairs:
		for i := 1; i < len(set); i++ {
			d.lift(set[:i], set[i], k)
		}
		return
	case k == 0:
		d.sweep(nil, set)
		return
	}
	low, equal, high, top := d.part(set, k)
	if len(equal) == len(set) {
		d.rank(set, k-1)
	} else {
		d.rank(low, k)
		d.raise(low, equal, k-1)
		d.rank(equal, k-1)
		d.raise(low, high, k-1)
		d.raise(equal, high, k-1)
		d.rank(high, k)
	}
	d.stack = d.stack[:top]
}

// raise lifts the members of below above the members of above, whose ranks are final, that are not worse in columns 0 to
// k; in the columns over k none of above is worse than any of below, and every member of above that is not worse anywhere
// differs from the one below.
func (d *divider) raise(above, below []int32, k int) {
	switch {
	case len(above) == 0 || len(below) == 0 || above[0] > below[len(below)-1]:
		return // who stands behind all of below dominates none
	case len(above)*len(below) <= pairs || len(above) == 1 || len(below) == 1:
		for _, p := range below {
			d.lift(above, p, k)
		}
		return
	case k == 0:
		d.sweep(above, below)
		return
	}
	column := d.column[k*d.n : (k+1)*d.n]
	least, most := extent(column, above)
	low, high := extent(column, below)
	switch {
	case most <= low:
		d.raise(above, below, k-1)
		return
	case least > high:
		return
	}
	top := len(d.stack)
	pivot := d.pivot(column, above)
	if len(below) > len(above) {
		pivot = d.pivot(column, below)
	}
	a1, a2, a3 := d.split(above, column, pivot)
	b1, b2, b3 := d.split(below, column, pivot)
	d.raise(a1, b1, k)
	d.raise(a1, b2, k-1)
	d.raise(a2, b2, k-1)
	d.raise(a1, b3, k-1)
	d.raise(a2, b3, k-1)
	d.raise(a3, b3, k)
	d.stack = d.stack[:top]
}

// lift puts p above those of the set that are before it and not worse in columns 0 to k.
func (d *divider) lift(set []int32, p int32, k int) {
	r := d.level[p]
next:
	for _, q := range set {
		if q >= p {
			break
		}
		if d.level[q] < r {
			continue
		}
		for j := 0; j <= k; j++ {
			if d.column[j*d.n+int(q)] > d.column[j*d.n+int(p)] {
				continue next
			}
		}
		r = d.level[q] + 1
	}
	d.level[p] = r
}

// sweep goes over two sets in ascending order of the first objective and lifts each member of below above those met before
// that are not worse in the second: all of above, or of below itself when there is no above. The greatest rank among those
// met, by second objective, is a prefix maximum.
func (d *divider) sweep(above, below []int32) {
	own := len(above) == 0
	met := 0
	for _, p := range below {
		for ; met < len(above) && above[met] < p; met++ {
			d.meet(above[met])
		}
		best := int32(0) // 1 more than the greatest rank
		for y := d.column[p] + 1; y > 0; y &= y - 1 {
			best = max(best, d.best[y])
		}
		d.level[p] = max(d.level[p], best)
		if own {
			d.meet(p)
		}
	}
	if own {
		above, met = below, len(below)
	}
	for _, q := range above[:met] {
		for y := int(d.column[q]) + 1; y <= d.n && d.best[y] != 0; y += y & -y {
			d.best[y] = 0
		}
	}
}

// meet enters a position into the tree.
func (d *divider) meet(q int32) {
	value := d.level[q] + 1
	for y := int(d.column[q]) + 1; y <= d.n && d.best[y] < value; y += y & -y {
		d.best[y] = value
	}
}

// part splits a set by the pivot of a column and returns the stack's length before that.
func (d *divider) part(set []int32, k int) (low, equal, high []int32, top int) {
	top = len(d.stack)
	column := d.column[k*d.n : (k+1)*d.n]
	low, equal, high = d.split(set, column, d.pivot(column, set))
	return low, equal, high, top
}

// split copies a set to the stack: those below the pivot, equal to it, and above it, each in the order of the set.
func (d *divider) split(set, column []int32, pivot int32) (low, equal, high []int32) {
	var size [3]int
	for _, p := range set {
		size[side(column[p], pivot)]++
	}
	from := len(d.stack)
	d.stack = grown(d.stack, from+len(set))[:from+len(set)]
	next := [3]int{from, from + size[0], from + size[0] + size[1]}
	for _, p := range set {
		s := side(column[p], pivot)
		d.stack[next[s]] = p
		next[s]++
	}
	return d.stack[from:next[0]:next[0]], d.stack[next[0]:next[1]:next[1]], d.stack[next[1]:next[2]:next[2]]
}

// side returns 0, 1 or 2 for a value below, equal to or above the pivot.
func side(value, pivot int32) int {
	return one(value >= pivot) + one(value > pivot)
}

// pivot returns the median of a sample of the set's values.
func (d *divider) pivot(column, set []int32) int32 {
	var sample [samples]int32
	for i := range sample {
		sample[i] = column[set[i*(len(set)-1)/(samples-1)]]
	}
	slices.Sort(sample[:])
	return sample[samples/2]
}

// extent returns the least and the greatest value of a set.
func extent(column, set []int32) (least, most int32) {
	least, most = column[set[0]], column[set[0]]
	for _, p := range set[1:] {
		least, most = min(least, column[p]), max(most, column[p])
	}
	return least, most
}
