package moo

import "math/rand/v2"

// Survival is the rule by which N of the 2N individuals of a merged population live on. Whole fronts survive while they
// fit; the rule chooses from the front that does not. The zero value is NSGA-II.
type Survival struct {
	// References are the directions along which NSGA-III (Deb and Jain 2014) spreads the front, one coordinate each
	// objective, not negative and not all zero; DasDennis makes them. Use it from four objectives up, where crowding
	// distance stops telling neighbours apart. Nil means NSGA-II.
	References [][]float64
}

// survive ranks the living and the first `children` of the free slots and lets the best live on.
func (c *cohort) survive(r *rand.Rand, children int) {
	c.sort(children)
	k := &c.ranking
	last, taken := 0, 0 // front `last` is the first that does not fit wholly
	for int(k.starts[last+1]) < c.size {
		last++
	}
	taken = int(k.starts[last])
	tail := k.order[taken:k.starts[last+1]]
	if c.reference != nil {
		c.reference.choose(c, r, k.order[:taken], tail, c.size-taken)
		c.settle(k.order[:c.size])
		return
	}
	for f := range last {
		if front := k.order[k.starts[f]:k.starts[f+1]]; len(front) > 0 { // ranks of copies may be left out
			c.crowding.measure(c, front)
		}
	}
	c.crowding.prune(c, tail, c.size-taken)
	c.settle(k.order[:c.size])
}
