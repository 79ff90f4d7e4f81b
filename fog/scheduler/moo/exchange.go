package moo

import (
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Exchange is uniform crossover (Syswerda 1989): gene by gene the children get the values of both parents, exchanged or not.
type Exchange struct {
	// Probability that a pair of parents is crossed at all; 0 means 0.9, a negative number never.
	Probability float64

	// Share of the genes that are exchanged; 0 means one half, which is also the quickest.
	Share float64
}

// exchange is the operator of Exchange.
type exchange[E comparable] struct {
	probability float64
	share       chance
}

func newExchange[E comparable](x Exchange) (*exchange[E], error) {
	if !(x.Share >= 0 && x.Share <= 1) {
		return nil, fault.Field("moo.new", "Exchange.Share", "is %v, must lie between 0 and 1", x.Share)
	}
	if x.Share == 0 {
		x.Share = 0.5
	}
	p, err := probability("Exchange.Probability", x.Probability, 0.9)
	return &exchange[E]{probability: p, share: newChance(x.Share)}, err
}

func (o *exchange[E]) cross(r *rand.Rand, a, b, c, d []E) {
	copy(c, a)
	copy(d, b)
	if r.Float64() >= o.probability {
		return
	}
	if o.share.p != 0.5 {
		for i := o.share.skip(r, len(c)); i < len(c); i += 1 + o.share.skip(r, len(c)) {
			c[i], d[i] = d[i], c[i]
		}
		return
	}
	for base := 0; base < len(c); base += 64 {
		for coins := r.Uint64() & low(len(c)-base); coins != 0; coins &= coins - 1 {
			i := base + bits.TrailingZeros64(coins)
			c[i], d[i] = d[i], c[i]
		}
	}
}

// low returns a word whose n lowest bits are set.
func low(n int) uint64 {
	if n >= 64 {
		return math.MaxUint64
	}
	return 1<<n - 1
}
