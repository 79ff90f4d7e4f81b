package hv

import "math/bits"

// levels is enough 64-ary levels for every int32.
const levels = 6

// ranks is an ordered set of small integers: a tree of 64-bit words in which a bit says that the word below it is not empty.
// Adding, removing and finding a neighbour cost one word for each level, so a hundred thousand members need three.
type ranks struct {
	words [levels][]uint64
	depth int
}

// reset empties the set and makes room for 0 to n-1.
func (r *ranks) reset(n int) {
	for r.depth = 0; ; r.depth++ {
		n = (n + 63) / 64
		r.words[r.depth] = grow(r.words[r.depth], n)
		clear(r.words[r.depth])
		if n <= 1 {
			r.depth++
			return
		}
	}
}

func (r *ranks) add(i int) {
	for d := range r.depth {
		r.words[d][i>>6] |= 1 << (i & 63)
		i >>= 6
	}
}

func (r *ranks) remove(i int) {
	for d := range r.depth {
		w := &r.words[d][i>>6]
		if *w &^= 1 << (i & 63); *w != 0 {
			return
		}
		i >>= 6
	}
}

// after returns the least member greater than i. There must be one.
func (r *ranks) after(i int) int {
	for d := range r.depth {
		if w := r.words[d][i>>6] & (^uint64(1) << (i & 63)); w != 0 {
			i = i&^63 | bits.TrailingZeros64(w)
			for ; d > 0; d-- {
				i = i<<6 | bits.TrailingZeros64(r.words[d-1][i])
			}
			return i
		}
		i >>= 6
	}
	panic("hv: no member after the last")
}

// before returns the greatest member less than i. There must be one.
func (r *ranks) before(i int) int {
	for d := range r.depth {
		if w := r.words[d][i>>6] & (1<<(i&63) - 1); w != 0 {
			i = i&^63 | (63 - bits.LeadingZeros64(w))
			for ; d > 0; d-- {
				i = i<<6 | (63 - bits.LeadingZeros64(r.words[d-1][i]))
			}
			return i
		}
		i >>= 6
	}
	panic("hv: no member before the first")
}
