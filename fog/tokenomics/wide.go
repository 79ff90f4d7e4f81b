package tokenomics

import (
	"math"
	"math/bits"
)

// wide is an unsigned integer of 256 bits, the lowest word first. What does not fit is the greatest number.
type wide [4]uint64

func wideOf(n uint64) wide { return wide{n} }

func widest() wide {
	return wide{math.MaxUint64, math.MaxUint64, math.MaxUint64, math.MaxUint64}
}

// plus is w + o.
func (w wide) plus(o wide) wide {
	var carry uint64
	for i := range w {
		w[i], carry = bits.Add64(w[i], o[i], carry)
	}
	if carry > 0 {
		return widest()
	}
	return w
}

// times is w * n.
func (w wide) times(n uint64) wide {
	var above uint64
	for i := range w {
		hi, lo := bits.Mul64(w[i], n)
		lo, carry := bits.Add64(lo, above, 0)
		w[i], above = lo, hi+carry
	}
	if above > 0 {
		return widest()
	}
	return w
}

// over is w / n, rounded up; n is not zero. To divide by a product, divide by its factors one after the other: the result is
// the same.
func (w wide) over(n uint64) wide {
	var rest uint64
	for i := len(w) - 1; i >= 0; i-- {
		w[i], rest = bits.Div64(rest, w[i], n)
	}
	if rest > 0 {
		return w.plus(wideOf(1))
	}
	return w
}

// saturated is w, or the greatest number of 64 bits where it is greater.
func (w wide) saturated() uint64 {
	if w[1]|w[2]|w[3] > 0 {
		return math.MaxUint64
	}
	return w[0]
}

// fraction is a/b for a < b in units of 2^-64, rounded down.
func fraction(a, b uint64) uint64 {
	q, _ := bits.Div64(a, 0, b)
	return q
}

// share is the part of n that a fraction in units of 2^-64 stands for, rounded down.
func share(n, fraction uint64) uint64 {
	hi, _ := bits.Mul64(n, fraction)
	return hi
}

// power is a fraction in units of 2^-64 to the nth power, n at least 1, by squaring; each product is rounded down.
func power(fraction, n uint64) uint64 {
	for ; n&1 == 0; n >>= 1 {
		fraction = share(fraction, fraction)
	}
	out := fraction
	for n >>= 1; n > 0; n >>= 1 {
		fraction = share(fraction, fraction)
		if n&1 == 1 {
			out = share(out, fraction)
		}
	}
	return out
}
