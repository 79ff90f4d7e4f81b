package nds

// line ranks rows of one objective: each distinct value is a front.
func (w *Workspace) line(ranks []int32, f []float64) int {
	items := w.order(w.load(f, 1, 0))
	front := int32(0)
	for k, it := range items {
		if k > 0 && it.key != items[k-1].key {
			front++
		}
		ranks[it.id] = front
	}
	return int(front) + 1
}

// sweep ranks rows of two objectives as Jensen 2003 does: in ascending order of the first objective, a front
// dominates a row exactly when the least second objective that it has so far is not above the row's, and these least values
// ascend from front to front, so the row's front is found by binary search.
func (w *Workspace) sweep(ranks []int32, f []float64) int {
	items := w.order(w.load(f, 2, 0))
	w.untie(items, f, 2)
	w.tails = grown(w.tails, w.room)[:0]
	tails := w.tails
	var x, y float64
	front := -1
	for _, it := range items {
		second := worst(f[2*int(it.id)+1])
		if front >= 0 && it.key == x && second == y {
			ranks[it.id] = int32(front) // an equal row
			continue
		}
		x, y = it.key, second
		front = firstAbove(tails, y)
		if front == len(tails) {
			tails = append(tails, y)
		} else {
			tails[front] = y
		}
		ranks[it.id] = int32(front)
	}
	return len(tails)
}

// firstAbove returns the number of leading values of ascending tails that are not above y.
func firstAbove(tails []float64, y float64) int {
	base, n := 0, len(tails)
	for n > 0 {
		half := (n + 1) / 2
		base += half & -one(tails[base+half-1] <= y) // without a jump: the outcome is a coin's
		n -= half
	}
	return base
}

// one returns 1 for true and 0 for false; the compiler makes no jump of it.
func one(yes bool) int {
	n := 0
	if yes {
		n = 1
	}
	return n
}
