package moo

import (
	"math"
	"math/bits"
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// sbx is the operator of SBX.
type sbx struct {
	axes
	probability float64
	power       power
}

func newSBX(s SBX, a axes) (*sbx, error) {
	if s.Eta == 0 {
		s.Eta = 15
	}
	if !(s.Eta > 0) || math.IsInf(s.Eta, 1) {
		return nil, fault.Field("moo.new", "SBX.Eta", "is %v, must be positive", s.Eta)
	}
	p, err := probability("SBX.Probability", s.Probability, 0.9)
	return &sbx{axes: a, probability: p, power: newPower(s.Eta + 1)}, err
}

// cross draws two bits a variable: whether to cross it, and which child gets which value.
func (o *sbx) cross(r *rand.Rand, a, b, c, d []float64) {
	copy(c, a)
	copy(d, b)
	if r.Float64() >= o.probability {
		return
	}
	const lot = 32
	for base := 0; base < len(c); base += lot {
		coins := r.Uint64()
		chosen, swapped := coins&math.MaxUint32, coins>>lot
		if left := len(c) - base; left < lot {
			chosen &= 1<<left - 1
		}
		for ; chosen != 0; chosen &= chosen - 1 {
			bit := bits.TrailingZeros64(chosen)
			i := base + bit
			if a[i] == b[i] {
				continue
			}
			v, w := o.spread(i, a[i], b[i], r.Float64())
			if swapped>>bit&1 != 0 {
				v, w = w, v
			}
			c[i], d[i] = v, w
		}
	}
}

// spread returns the children of two values of variable i for a uniform u; the first child is on the lower side.
func (o *sbx) spread(i int, v, w, u float64) (one, two float64) {
	if v > w {
		v, w = w, v
	}
	span, middle := w-v, 0.5*(v+w)
	below := o.factor(span/(span+2*(v-o.low[i])), u)
	above := o.factor(span/(span+2*(o.high[i]-w)), u)
	return o.clamp(i, middle-0.5*below*span), o.clamp(i, middle+0.5*above*span)
}

// factor draws the spread factor whose distribution is cut where a child would leave the bound: inverse is the inverse
// of the greatest spread that stays inside.
func (o *sbx) factor(inverse, u float64) float64 {
	x := u * (2 - o.power.raise(inverse))
	if x > 1 {
		x = 1 / (2 - x)
	}
	return o.power.root(x)
}

// power is an exponent, with repeated squares and square roots where it is a power of two.
type power struct {
	exponent, inverse float64
	squares           int // log2 of the exponent; -1 if that is no whole number up to 6
}

func newPower(exponent float64) power {
	p := power{exponent: exponent, inverse: 1 / exponent, squares: -1}
	for k := range 7 {
		if exponent == float64(int(1)<<k) {
			p.squares = k
		}
	}
	return p
}

// raise returns x to the exponent, x in [0, 1].
func (p power) raise(x float64) float64 {
	if p.squares < 0 {
		return math.Pow(x, p.exponent)
	}
	for range p.squares {
		x *= x
	}
	return x
}

// root returns x to the inverse of the exponent, x in [0, 1].
func (p power) root(x float64) float64 {
	if p.squares < 0 {
		return math.Pow(x, p.inverse)
	}
	for range p.squares {
		x = math.Sqrt(x)
	}
	return x
}
