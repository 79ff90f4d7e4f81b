package hv

// box is a part of the area that one step of the staircase dominates alone: from left to right above base, up to the step's
// own height. It has been so since the sweep was at z. The boxes of a step are linked from left to right; their bases fall.
type box struct {
	left, right, base, z float64
	next, prev           int32
}

// span is the list of boxes of a step: indexes into boxes, none when first is negative.
type span struct{ first, last int32 }

// shares3 is shares2 in three dimensions: Emmerich and Fonseca 2011, section 4. A row's boxes are born when the sweep meets
// it; each later row cuts them on one side, and what is cut is paid out as volume.
func (w *Workspace) shares3(s []row) {
	w.clear(len(s))
	t := &w.stairs
	t.begin(w, s)
	w.boxes, w.spans = w.boxes[:0], grow(w.spans, len(s)+2)
	w.spans[0], w.spans[len(s)+1] = span{none, none}, span{none, none}
	for _, i := range t.order {
		r := int(t.rank[i])
		if right := t.ranks.after(r); t.y[right] >= t.y[r] {
			w.hidden = append(w.hidden, i)
		} else {
			w.front = append(w.front, i)
			w.step(r, right, s[i][2])
		}
	}
	for r := t.ranks.after(0); r <= len(s); r = t.ranks.after(r) {
		w.close(r, 0)
	}
	for _, h := range w.hidden {
		w.shade(s, h)
	}
}

// step inserts the row of rank r, met at z, before the step to its right: it pays out the steps that it hides, cuts its new
// neighbours, and gives the row its own boxes.
func (w *Workspace) step(r, right int, z float64) {
	t := &w.stairs
	x, y, base := t.x[r], t.y[r], t.y[right]
	w.cutLeft(right, x, z)
	w.spans[r] = span{none, none}
	left := t.ranks.before(r)
	for t.y[left] <= y {
		w.prepend(r, box{left: t.x[left], right: x, base: base, z: z})
		w.close(left, z)
		x, base = t.x[left], t.y[left]
		t.ranks.remove(left)
		left = t.ranks.before(left)
	}
	w.prepend(r, box{left: t.x[left], right: x, base: base, z: z})
	w.cutBelow(left, y, z)
	t.ranks.add(r)
}

// prepend puts a box at the left end of the boxes of rank r, unless it is empty.
func (w *Workspace) prepend(r int, b box) {
	if b.left >= b.right || b.base >= w.stairs.y[r] {
		return
	}
	at, s := int32(len(w.boxes)), &w.spans[r]
	b.next, b.prev = s.first, none
	if s.first == none {
		s.last = at
	} else {
		w.boxes[s.first].prev = at
	}
	s.first = at
	w.boxes = append(w.boxes, b)
}

// pay gives the row of rank r the volume that box b has dominated alone since b.z, down to z.
func (w *Workspace) pay(r int, b *box, z float64) {
	t := &w.stairs
	w.value[t.of[r]] += (b.right - b.left) * (t.y[r] - b.base) * (b.z - z)
	b.z = z
}

// close pays out all boxes of rank r at z.
func (w *Workspace) close(r int, z float64) {
	for b := w.spans[r].first; b != none; b = w.boxes[b].next {
		w.pay(r, &w.boxes[b], z)
	}
	w.spans[r] = span{none, none}
}

// cutLeft takes from rank r all that lies left of x.
func (w *Workspace) cutLeft(r int, x, z float64) {
	s := &w.spans[r]
	for s.first != none {
		b := &w.boxes[s.first]
		if b.left >= x {
			break
		}
		w.pay(r, b, z)
		if b.right > x {
			b.left = x
			break
		}
		s.first = b.next
	}
	if s.first == none {
		s.last = none
	} else {
		w.boxes[s.first].prev = none
	}
}

// cutBelow takes from rank r all that lies below y. The boxes that it touches are the last ones; what is left of them has one
// base and becomes one box.
func (w *Workspace) cutBelow(r int, y, z float64) {
	s := &w.spans[r]
	merged := int32(none)
	for s.last != none && w.boxes[s.last].base < y {
		b := &w.boxes[s.last]
		w.pay(r, b, z)
		b.base = y
		if merged != none {
			b.right = w.boxes[merged].right
		}
		b.next = none
		merged, s.last = s.last, b.prev
	}
	if merged != none {
		s.last = merged
	}
}

// shade marks the row that alone dominates row h among those of the front: a part of its own is covered by h.
func (w *Workspace) shade(s []row, h int32) {
	by := int32(none)
	q := &s[h]
	for _, i := range w.front {
		if p := &s[i]; p[0] >= q[0] && p[1] >= q[1] && p[2] >= q[2] {
			if by != none {
				return
			}
			by = i
		}
	}
	w.shaded[by] = true
}
