package nds

import (
	"cmp"
	"math"
	"slices"
)

// item is a row, or a position, with the value that it is sorted by. Sorting values with their owners beside them, rather
// than owners whose values lie elsewhere, is what makes the comparison cheap.
type item struct {
	key float64
	id  int32
}

// crowded is the size from which a bucket is sorted by itself.
const crowded = 24

// load fills the items with objective j of each row of f, NaN as +Inf.
func (w *Workspace) load(f []float64, m, j int) []item {
	items := w.items[:len(f)/m]
	for i := range items {
		items[i] = item{worst(f[j]), int32(i)}
		j += m
	}
	return items
}

// loadAt fills the items with objective j of each position's row.
func (w *Workspace) loadAt(f []float64, m, j int) []item {
	items := w.items[:len(w.at)]
	for k, row := range w.at {
		items[k] = item{worst(f[int(row)*m+j]), int32(k)}
	}
	return items
}

// order sorts items by key, ties by id, given that the ids ascend. It is a bucket sort with one bucket per item over equal
// intervals between the least and the greatest finite key, and insertion at the end: linear for keys that spread about
// evenly. A bucket that gets many is sorted by comparison first, so the worst case is n log n. The result lies in memory
// of w, in the place of items or beside it.
func (w *Workspace) order(items []item) []item {
	low, scale := spread(items)
	if scale == 0 || len(items) <= crowded {
		tidy(items)
		return items
	}
	n := len(items)
	starts := w.buckets[:n+1]
	clear(starts)
	last := float64(n - 1)
	for i := range items {
		starts[bucket(items[i].key, low, scale, last)+1]++
	}
	busiest := int32(0)
	for b := 1; b < len(starts); b++ {
		busiest = max(busiest, starts[b])
		starts[b] += starts[b-1]
	}
	sorted := w.spare[:n]
	for _, it := range items {
		b := bucket(it.key, low, scale, last)
		sorted[starts[b]] = it
		starts[b]++
	}
	w.items, w.spare = w.spare, w.items
	if busiest > crowded {
		for b, start := 0, int32(0); b < n; b++ { // starts[b] is now the end of bucket b
			if end := starts[b]; end-start > crowded {
				tidy(sorted[start:end])
			}
			start = starts[b]
		}
	}
	insert(sorted)
	return sorted
}

// spread returns the least finite key and the buckets per unit of it, or 0 where the keys cannot be bucketed.
func spread(items []item) (low, scale float64) {
	low, high := math.Inf(1), math.Inf(-1)
	for i := range items {
		x := items[i].key
		if x < low && x >= -math.MaxFloat64 {
			low = x
		}
		if x > high && x <= math.MaxFloat64 {
			high = x
		}
	}
	if !(low < high) {
		return 0, 0
	}
	return low, float64(len(items)) / (high - low) // 0 when high-low is more than a float64 holds
}

// bucket maps a key to its bucket; a greater key never to a lesser bucket, since subtraction and multiplication round
// monotonically. -Inf falls into the first bucket, +Inf into the last.
func bucket(key, low, scale, last float64) int32 {
	x := (key - low) * scale
	if !(x > 0) {
		return 0
	}
	if x >= last {
		return int32(last)
	}
	return int32(x)
}

// tidy sorts items by key and id by comparison.
func tidy(items []item) {
	if len(items) <= crowded {
		insert(items)
		return
	}
	slices.SortFunc(items, func(a, b item) int {
		switch {
		case a.key < b.key:
			return -1
		case a.key > b.key:
			return 1
		}
		return cmp.Compare(a.id, b.id)
	})
}

// insert sorts nearly sorted items by key, and keeps the order of equal ones.
func insert(items []item) {
	for i := 1; i < len(items); i++ {
		it := items[i]
		if !(items[i-1].key > it.key) {
			continue
		}
		k := i
		for k > 0 && items[k-1].key > it.key {
			items[k] = items[k-1]
			k--
		}
		items[k] = it
	}
}

// lexicographic puts the rows into ascending lexicographic order, gives equal rows one position, and returns the number of
// positions. A row can then only be dominated by rows of lesser position.
func (w *Workspace) lexicographic(f []float64, m int) int {
	items := w.order(w.load(f, m, 0))
	w.untie(items, f, m)
	w.at = grown(w.at, w.room)[:0]
	w.position = sized(w.position, w.room)[:len(items)]
	for k, it := range items {
		if k == 0 || it.key != items[k-1].key || compare(f, m, it.id, items[k-1].id) != 0 {
			w.at = append(w.at, it.id)
		}
		w.position[it.id] = int32(len(w.at) - 1)
	}
	return len(w.at)
}

// untie sorts runs of items with equal keys, the first objective, by the other objectives.
func (w *Workspace) untie(items []item, f []float64, m int) {
	for i := 1; i < len(items); i++ {
		if items[i].key != items[i-1].key {
			continue
		}
		start := i - 1
		for i < len(items) && items[i].key == items[start].key {
			i++
		}
		slices.SortFunc(items[start:i], func(a, b item) int {
			if c := compare(f, m, a.id, b.id); c != 0 {
				return c
			}
			return cmp.Compare(a.id, b.id)
		})
	}
}

// compare orders two rows lexicographically.
func compare(f []float64, m int, a, b int32) int {
	x, y := f[int(a)*m:int(a+1)*m], f[int(b)*m:int(b+1)*m]
	for j := range x {
		if p, q := worst(x[j]), worst(y[j]); p < q {
			return -1
		} else if p > q {
			return 1
		}
	}
	return 0
}
