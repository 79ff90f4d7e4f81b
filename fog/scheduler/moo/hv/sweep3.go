package hv

import (
	"cmp"
	"math"
	"slices"
)

// stairs is the front in the first two objectives of the rows that a sweep over the third has met: ordered by rank, the first
// extent rises and the second falls. Rank 0 and the last are guards without area.
type stairs struct {
	ranks ranks
	x, y  []float64 // extents by rank
	of    []int32   // row by rank
	rank  []int32   // rank by row
	order []int32   // rows in the order of the sweep
	place []int32   // place of each row in order
	keys  []key
}

// begin empties the staircase and ranks the rows of s.
func (t *stairs) begin(w *Workspace, s []row) {
	n := len(s)
	t.order, t.place = grow(t.order, n), grow(t.place, n)
	for i, k := range w.byExtent(s, 2) {
		t.order[i] = k.row
		t.place[k.row] = int32(i)
	}
	t.rankRows(s)
	t.ranks.reset(n + 2)
	t.ranks.add(0)
	t.ranks.add(n + 1)
}

// rankRows numbers the rows from 1 in ascending order of the first extent, then of the second, then against the sweep: of two
// rows that are equal in both, the one that came first stands to the right, where it is found to dominate the other.
func (t *stairs) rankRows(s []row) {
	n := len(s)
	t.keys = t.keys[:0]
	for i := range s {
		t.keys = append(t.keys, key{extent: s[i][0], row: int32(i)})
	}
	slices.SortFunc(t.keys, func(a, b key) int {
		switch {
		case a.extent < b.extent:
			return -1
		case a.extent > b.extent:
			return 1
		case s[a.row][1] != s[b.row][1]:
			return cmp.Compare(s[a.row][1], s[b.row][1])
		}
		return cmp.Compare(t.place[b.row], t.place[a.row])
	})
	t.x, t.y = grow(t.x, n+2), grow(t.y, n+2)
	t.of, t.rank = grow(t.of, n+2), grow(t.rank, n)
	t.x[0], t.y[0], t.x[n+1], t.y[n+1] = 0, math.Inf(1), math.Inf(1), 0
	for i, k := range t.keys {
		t.x[i+1], t.y[i+1] = k.extent, s[k.row][1]
		t.of[i+1], t.rank[k.row] = k.row, int32(i+1)
	}
}

// insert adds the row of rank r and returns the area by which the staircase grows.
func (t *stairs) insert(r int) float64 {
	x, y := t.x[r], t.y[r]
	base := t.y[t.ranks.after(r)]
	if base >= y {
		return 0
	}
	area := 0.0
	left := t.ranks.before(r)
	for t.y[left] <= y {
		area += (x - t.x[left]) * (y - base)
		x, base = t.x[left], t.y[left]
		t.ranks.remove(left)
		left = t.ranks.before(left)
	}
	t.ranks.add(r)
	return area + (x-t.x[left])*(y-base)
}

// volume3 sweeps the third extent from the best down to the reference; each slab's base is the area under the staircase.
func (w *Workspace) volume3(s []row) float64 {
	t := &w.stairs
	t.begin(w, s)
	var area, total, z float64
	for _, i := range t.order {
		total += area * (z - s[i][2])
		z = s[i][2]
		area += t.insert(int(t.rank[i]))
	}
	return total + area*z
}
