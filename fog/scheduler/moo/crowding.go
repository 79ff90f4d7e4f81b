package moo

import (
	"math"
	"slices"
)

// crowding measures how alone each individual of a front is: for each objective the gap between its two neighbours as a
// share of the front's range, summed up (Deb et al. 2002, section III-B). The ends of an objective are infinitely alone.
// An individual that is +Inf in an objective has no place on that axis and gets nothing for it.
//
// All arrays are indexed by the position in the front; those for each objective hold one block of positions after another.
type crowding struct {
	value      []float64 // scaled to the range of the objective
	prev, next []int32   // neighbours on the axis; -1 beyond an end; itself where it has no place
	gap        []float64 // crowding distance
	keys       []key
	heap       []int32 // positions, the least gap on top
	at         []int32 // place of a position in heap, -1 once removed
}

// key is a value on an axis and whose it is.
type key struct {
	value float64
	at    int32
}

// measure sets the crowding distance of a whole front.
func (w *crowding) measure(c *cohort, front []int32) {
	w.link(c, front)
	for i, slot := range front {
		c.crowd[slot] = w.gap[i]
	}
}

// prune moves the `keep` least crowded of a front to its beginning, in unchanged order, and sets their distances. It
// departs from the paper, which measures once and cuts: the most crowded one is taken out, its neighbours are measured
// anew, and so on (Kukkonen and Deb 2006, "Improved pruning of non-dominated solutions based on crowding distance").
// A cut at once takes whole clusters, where all but one should go. Ties go by position: the last is taken out first.
func (w *crowding) prune(c *cohort, front []int32, keep int) {
	w.link(c, front)
	n := len(front)
	if keep < n {
		w.heapify(n)
		for range n - keep {
			w.remove(n, c.objectives)
		}
	}
	kept := 0
	for i, slot := range front {
		if keep == n || w.at[i] >= 0 {
			c.crowd[slot] = w.gap[i]
			front[kept] = slot
			kept++
		}
	}
}

// link builds the axes of a front and measures every gap.
func (w *crowding) link(c *cohort, front []int32) {
	n, m := len(front), c.objectives
	w.reserve(len(c.crowd), m)
	w.value, w.prev, w.next, w.gap = w.value[:n*m], w.prev[:n*m], w.next[:n*m], w.gap[:n]
	clear(w.gap)
	for k := range m {
		mirrored := k == 1 && m == 2 && c.violation[front[0]] <= 0 // falls as the first objective rises
		if mirrored {
			slices.Reverse(w.keys)
			for i := range w.keys {
				w.keys[i].value = c.value[int(front[w.keys[i].at])*m+k]
			}
		} else {
			w.keys = w.keys[:0]
			for i, slot := range front {
				w.keys = append(w.keys, key{c.value[int(slot)*m+k], int32(i)})
			}
			sortKeys(w.keys)
		}
		w.axis(k*n, n)
	}
	for i := range n {
		w.gap[i] = w.measureOne(i, n, m)
	}
}

// reserve makes room for fronts of up to n individuals at once, so that a longer front in a later generation needs none.
func (w *crowding) reserve(n, m int) {
	if cap(w.gap) >= n && cap(w.value) >= n*m {
		return
	}
	w.value, w.prev, w.next = make([]float64, n*m), make([]int32, n*m), make([]int32, n*m)
	w.gap, w.keys = make([]float64, n), make([]key, 0, n)
	w.heap, w.at = make([]int32, n), make([]int32, n)
}

// axis links the sorted keys into the block that begins at base.
func (w *crowding) axis(base, n int) {
	value, prev, next := w.value[base:base+n], w.prev[base:base+n], w.next[base:base+n]
	finite := len(w.keys)
	for finite > 0 && math.IsInf(w.keys[finite-1].value, 1) {
		finite--
		at := w.keys[finite].at
		value[at], prev[at], next[at] = 0, at, at
	}
	if finite == 0 {
		return
	}
	low := w.keys[0].value
	scale := 1 / (w.keys[finite-1].value - low)
	if math.IsInf(scale, 1) { // all equal, or closer than a number can tell
		scale = 0
	}
	before := int32(-1)
	for _, k := range w.keys[:finite] {
		value[k.at], prev[k.at] = (k.value-low)*scale, before
		if before >= 0 {
			next[before] = k.at
		}
		before = k.at
	}
	next[before] = -1
}

// measureOne returns the crowding distance of one position by its neighbours of now.
func (w *crowding) measureOne(i, n, m int) float64 {
	sum := 0.0
	for at := i; at < n*m; at += n {
		prev, next := w.prev[at], w.next[at]
		if prev < 0 || next < 0 {
			return math.Inf(1)
		}
		base := at - i
		sum += w.value[base+int(next)] - w.value[base+int(prev)]
	}
	return sum
}

// remove takes the most crowded position out of the heap and off every axis.
func (w *crowding) remove(n, m int) {
	gone := w.heap[0]
	w.at[gone] = -1
	last := w.heap[len(w.heap)-1]
	w.heap = w.heap[:len(w.heap)-1]
	if last != gone {
		w.heap[0], w.at[last] = last, 0
		w.down(0)
	}
	for base := 0; base < n*m; base += n {
		prev, next := w.prev[base+int(gone)], w.next[base+int(gone)]
		if prev >= 0 {
			w.next[base+int(prev)] = next
		}
		if next >= 0 {
			w.prev[base+int(next)] = prev
		}
	}
	for base := 0; base < n*m; base += n {
		w.update(w.prev[base+int(gone)], n, m)
		w.update(w.next[base+int(gone)], n, m)
	}
}

// update measures a neighbour of a removed position again. Losing a neighbour never lessens a distance.
func (w *crowding) update(i int32, n, m int) {
	if i < 0 || w.at[i] < 0 {
		return
	}
	w.gap[i] = w.measureOne(int(i), n, m)
	w.down(w.at[i])
	w.up(w.at[i])
}

// before reports whether a is taken out before b.
func (w *crowding) before(a, b int32) bool {
	return w.gap[a] < w.gap[b] || w.gap[a] == w.gap[b] && a > b
}

func (w *crowding) heapify(n int) {
	w.heap, w.at = w.heap[:n], w.at[:n]
	for i := range int32(n) {
		w.heap[i], w.at[i] = i, i
	}
	for i := int32(n/2 - 1); i >= 0; i-- {
		w.down(i)
	}
}

func (w *crowding) down(i int32) {
	it := w.heap[i]
	for {
		child := 2*i + 1
		if int(child) >= len(w.heap) {
			break
		}
		if int(child+1) < len(w.heap) && w.before(w.heap[child+1], w.heap[child]) {
			child++
		}
		if !w.before(w.heap[child], it) {
			break
		}
		w.heap[i] = w.heap[child]
		w.at[w.heap[i]] = i
		i = child
	}
	w.heap[i], w.at[it] = it, i
}

func (w *crowding) up(i int32) {
	it := w.heap[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !w.before(it, w.heap[parent]) {
			break
		}
		w.heap[i] = w.heap[parent]
		w.at[w.heap[i]] = i
		i = parent
	}
	w.heap[i], w.at[it] = it, i
}

// sortKeys sorts by value, then by position. No value is NaN.
func sortKeys(keys []key) {
	slices.SortFunc(keys, func(a, b key) int {
		switch {
		case a.value < b.value:
			return -1
		case a.value > b.value:
			return 1
		}
		return int(a.at - b.at)
	})
}
