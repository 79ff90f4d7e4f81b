package moo

import (
	"math/bits"
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Bits is a string of bits, 64 to a word, the first one lowest. Bits beyond its space's length are 0.
type Bits []uint64

// Has reports whether bit i is set.
func (b Bits) Has(i int) bool { return b[i>>6]>>(i&63)&1 != 0 }

// Set makes bit i what on says.
func (b Bits) Set(i int, on bool) {
	b[i>>6] &^= 1 << (i & 63)
	if on {
		b[i>>6] |= 1 << (i & 63)
	}
}

// Count returns how many bits are set.
func (b Bits) Count() int {
	n := 0
	for _, word := range b {
		n += bits.OnesCount64(word)
	}
	return n
}

// All calls yield with each bit that is set, in ascending order, until it returns false.
func (b Bits) All(yield func(i int) bool) {
	for at, word := range b {
		for ; word != 0; word &= word - 1 {
			if !yield(at<<6 + bits.TrailingZeros64(word)) {
				return
			}
		}
	}
}

// Binary is the space of bit strings, varied by exchange and by flips, a word of bits at a time.
type Binary struct {
	// Length is the number of bits, at least 1.
	Length int

	Crossover Exchange

	// Flip is the probability that a bit is flipped; 0 means one bit of a genome on average, a negative number never.
	Flip float64
}

// Problem returns a problem on this space. New reports numbers that are wrong.
func (s Binary) Problem(objectives int, evaluate func(b Bits, out []float64) (violation float64)) Problem[Bits] {
	return s.space().evaluated(objectives, evaluate)
}

func (s Binary) space() Problem[Bits] {
	if s.Length < 1 {
		return Problem[Bits]{flaw: fault.Field("moo.new", "Binary.Length", "is %d, must be at least 1", s.Length)}
	}
	cross, err := newExchange[uint64](s.Crossover)
	if err != nil {
		return Problem[Bits]{flaw: err}
	}
	flip, err := probability("Binary.Flip", s.Flip, 1/float64(s.Length))
	if err != nil {
		return Problem[Bits]{flaw: err}
	}
	o := &binary{length: s.Length, flip: newChance(flip), crossed: cross.probability, share: cross.share}
	words := sliceProblem[uint64]((s.Length + 63) / 64)
	return Problem[Bits]{
		Make:   o.make,
		Copy:   func(dst, src Bits) { words.Copy(dst, src) },
		Equal:  func(a, b Bits) bool { return words.Equal(a, b) },
		Sample: o.sample, Cross: o.cross, Mutate: o.mutate, Check: o.check,
	}
}

// binary are the operators of Binary.
type binary struct {
	length  int
	crossed float64
	share   chance
	flip    chance
}

func (o *binary) make(n int) []Bits {
	out := make([]Bits, n)
	for i, words := range makeSlices[uint64](n, (o.length+63)/64) {
		out[i] = words
	}
	return out
}

func (o *binary) sample(r *rand.Rand, g Bits) {
	for at := range g {
		g[at] = r.Uint64() & low(o.length-at<<6)
	}
}

func (o *binary) cross(r *rand.Rand, a, b, c, d Bits) {
	copy(c, a)
	copy(d, b)
	if r.Float64() >= o.crossed {
		return
	}
	if o.share.p == 0.5 {
		for at := range c {
			swap := (c[at] ^ d[at]) & r.Uint64()
			c[at], d[at] = c[at]^swap, d[at]^swap
		}
		return
	}
	for i := o.share.skip(r, o.length); i < o.length; i += 1 + o.share.skip(r, o.length) {
		swap := (c[i>>6] ^ d[i>>6]) & (1 << (i & 63))
		c[i>>6], d[i>>6] = c[i>>6]^swap, d[i>>6]^swap
	}
}

func (o *binary) mutate(r *rand.Rand, g Bits) {
	if o.flip.p == 0 {
		return
	}
	for i := o.flip.skip(r, o.length); i < o.length; i += 1 + o.flip.skip(r, o.length) {
		g[i>>6] ^= 1 << (i & 63)
	}
}

func (o *binary) check(g Bits) error {
	if want := (o.length + 63) / 64; len(g) != want {
		return fault.Field("moo.binary", "genome", "has %d of %d words", len(g), want)
	}
	if last := len(g) - 1; g[last]&^low(o.length-last<<6) != 0 {
		return fault.Field("moo.binary", "genome", "has bits beyond %d", o.length)
	}
	return nil
}
