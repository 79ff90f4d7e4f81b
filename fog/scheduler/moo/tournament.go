package moo

import (
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo/nds"
)

// Tournament is how two individuals compete for being a parent.
type Tournament uint8

const (
	// RankTournament goes to the better rank, then to the less crowded: the rule of the paper. It converges faster.
	RankTournament Tournament = iota
	// DominanceTournament goes to the one that dominates the other, else to the less crowded in whatever fronts they are: the
	// rule of the authors' program. It leaves more to crowding, which widens the fronts of combinatorial problems (on the
	// assignment instance of the tests by 1.5 % of the hypervolume) and slows convergence on rugged ones.
	DominanceTournament
)

// mate fills parents for `children` children by binary tournaments (Deb et al. 2002, section III-C). As in the authors'
// program the living are shuffled and meet in that order, so that each takes part equally often.
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
	if c.rank[b] < c.rank[a] {
		a, b = b, a
	}
	switch {
	case c.rank[a] < c.rank[b] && (c.tournament == RankTournament || c.beats(a, b)):
		return a
	case c.crowd[b] > c.crowd[a]:
		return b
	}
	return a
}

// beats reports whether a, of the better rank, dominates b.
func (c *cohort) beats(a, b int32) bool {
	return c.violation[a] > 0 || c.violation[b] > 0 || nds.Dominates(c.row(a), c.row(b))
}

// shuffle fills dst with src in random order (Fisher and Yates, inside out).
func shuffle(r *rand.Rand, dst, src []int32) {
	for i, v := range src {
		j := r.Uint32N(uint32(i) + 1)
		dst[i] = dst[j]
		dst[j] = v
	}
}
