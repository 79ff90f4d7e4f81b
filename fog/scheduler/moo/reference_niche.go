package moo

import (
	"math"
	"math/rand/v2"
	"slices"
)

// choose puts `keep` slots of tail at its beginning; taken are those that live on anyway.
func (w *reference) choose(c *cohort, r *rand.Rand, taken, tail []int32, keep int) {
	for _, part := range [2][]int32{taken, tail} {
		for _, slot := range part {
			c.crowd[slot] = 0 // mates are chosen at random
		}
	}
	if c.violation[tail[0]] > 0 {
		return // as bad as each other: the first ones stay
	}
	w.normalise(c, taken, tail)
	clear(w.members)
	clear(w.waiting)
	for _, slot := range taken {
		w.associate(c, slot)
		w.members[w.niche[slot]]++
	}
	for _, slot := range tail {
		w.associate(c, slot)
		w.waiting[w.niche[slot]]++
	}
	w.group(tail)
	w.chosen = w.chosen[:0]
	for level := int32(0); len(w.chosen) < keep; level++ {
		level = w.next(level)
		for len(w.open) > 0 && len(w.chosen) < keep {
			at := r.Uint32N(uint32(len(w.open)))
			d := w.open[at]
			w.open[at] = w.open[len(w.open)-1]
			w.open = w.open[:len(w.open)-1]
			w.chosen = append(w.chosen, w.take(r, d))
		}
	}
	copy(tail, w.chosen)
}

// group sorts the last front by direction.
func (w *reference) group(tail []int32) {
	sum := int32(0)
	for d, n := range w.waiting {
		w.start[d] = sum
		sum += n
	}
	w.grouped = slices.Grow(w.grouped[:0], len(tail))[:len(tail)]
	for _, slot := range tail {
		d := w.niche[slot]
		w.grouped[w.start[d]] = slot
		w.start[d]++
	}
	for d, n := range w.waiting {
		w.start[d] -= n
	}
}

// next opens the directions that have the fewest members, at least level, and somebody waiting; it returns how many
// members they have. Directions are served level by level, which is the order of Algorithm 4.
func (w *reference) next(level int32) int32 {
	least := int32(math.MaxInt32)
	w.open = w.open[:0]
	for d, members := range w.members {
		if w.waiting[d] == 0 || members < level || members > least {
			continue
		}
		if members < least {
			least, w.open = members, w.open[:0]
		}
		w.open = append(w.open, int32(d))
	}
	return least
}

// take removes one of those that wait for a direction: the nearest if it has no member yet, otherwise a random one.
func (w *reference) take(r *rand.Rand, d int32) int32 {
	group := w.grouped[w.start[d] : w.start[d]+w.waiting[d]]
	pick := 0
	if w.members[d] > 0 {
		pick = int(r.Uint32N(uint32(len(group))))
	} else {
		for i, slot := range group {
			if w.distance[slot] < w.distance[group[pick]] {
				pick = i
			}
		}
	}
	slot := group[pick]
	group[pick] = group[len(group)-1]
	w.waiting[d]--
	w.members[d]++
	return slot
}

// associate finds the direction that is nearest to a slot's normalised objectives (Algorithm 3): the one along which they
// reach farthest.
func (w *reference) associate(c *cohort, slot int32) {
	square := 0.0
	for k, v := range c.row(slot) {
		v = (v - w.ideal[k]) * w.scale[k]
		w.scaled[k] = v
		square += v * v
	}
	w.niche[slot], w.distance[slot] = 0, math.Inf(1)
	if !(square <= math.MaxFloat64) {
		return // worst in some objective: it has no direction
	}
	best := math.Inf(-1)
	if len(w.scaled) == 3 {
		x, y, z := w.scaled[0], w.scaled[1], w.scaled[2]
		for d := range w.count {
			u := w.directions[3*d : 3*d+3]
			if along := x*u[0] + y*u[1] + z*u[2]; along > best {
				best, w.niche[slot] = along, int32(d)
			}
		}
	} else {
		rest := w.directions
		for d := range w.count {
			along := 0.0
			for k, v := range w.scaled {
				along += v * rest[k]
			}
			if rest = rest[len(w.scaled):]; along > best {
				best, w.niche[slot] = along, int32(d)
			}
		}
	}
	w.distance[slot] = math.Sqrt(max(0, square-best*best))
}
