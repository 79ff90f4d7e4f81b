package moo

import (
	"math"
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// polynomial is the operator of Polynomial.
type polynomial struct {
	axes
	chance
	power power
}

func newPolynomial(m Polynomial, a axes) (*polynomial, error) {
	if m.Eta == 0 {
		m.Eta = 20
	}
	if !(m.Eta > 0) || math.IsInf(m.Eta, 1) {
		return nil, fault.Field("moo.new", "Polynomial.Eta", "is %v, must be positive", m.Eta)
	}
	p, err := probability("Polynomial.Probability", m.Probability, 1/float64(len(a.low)))
	return &polynomial{axes: a, chance: newChance(p), power: newPower(m.Eta + 1)}, err
}

func (o *polynomial) mutate(r *rand.Rand, g []float64) {
	if o.p == 0 {
		return
	}
	for i := o.skip(r, len(g)); i < len(g); i += 1 + o.skip(r, len(g)) {
		g[i] = o.shift(i, g[i], r.Float64())
	}
}

// shift returns variable i moved by a draw whose density falls with the distance and reaches both bounds.
func (o *polynomial) shift(i int, v, u float64) float64 {
	span := o.high[i] - o.low[i]
	if span == 0 {
		return v
	}
	if u < 0.5 {
		room := 1 - (v-o.low[i])/span
		return o.clamp(i, v+span*(o.power.root(2*u+(1-2*u)*o.power.raise(room))-1))
	}
	room := 1 - (o.high[i]-v)/span
	return o.clamp(i, v+span*(1-o.power.root(2*(1-u)+(2*u-1)*o.power.raise(room))))
}
