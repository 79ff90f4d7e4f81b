package moo

import "math/rand/v2"

// mate fills parents for `children` children by binary tournaments (Deb et al. 2002, section III-C): the better rank
// wins, then the larger crowding distance. As in the authors' program the living are shuffled and meet in that order, so
// that each takes part equally often.
func (c *cohort) mate(r *rand.Rand, children int) []int32 {
	pairs := (children + 1) / 2
	c.parents = c.parents[:2*pairs]
	at := len(c.alive)
	for i := range c.parents {
		if at+1 >= len(c.alive) {
			shuffle(r, c.shuffled, c.alive)
			at = 0
		}
		c.parents[i] = c.better(c.shuffled[at], c.shuffled[at+1])
		at += 2
	}
	return c.parents
}

// better returns the winner of a tournament; a draw goes to a, which is as random as b.
func (c *cohort) better(a, b int32) int32 {
	if c.rank[a] != c.rank[b] {
		if c.rank[a] < c.rank[b] {
			return a
		}
		return b
	}
	if c.crowd[b] > c.crowd[a] {
		return b
	}
	return a
}

// shuffle fills dst with src in random order (Fisher and Yates, inside out).
func shuffle(r *rand.Rand, dst, src []int32) {
	for i, v := range src {
		j := r.Uint32N(uint32(i) + 1)
		dst[i] = dst[j]
		dst[j] = v
	}
}
