package moo

import (
	"math"
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Permutation is the space of orders of the numbers 0 to Length-1, varied by order crossover and by swapping, moving and
// reversing.
type Permutation struct {
	// Length is how many numbers there are, at least 1.
	Length int

	Crossover Order
	Mutation  Rearrange
}

// Order is order crossover (Davis 1985): a child keeps a random stretch of one parent in place and takes the other numbers
// in the order in which they follow that stretch in the other parent.
type Order struct {
	// Probability that a pair of parents is crossed at all; 0 means 0.9, a negative number never.
	Probability float64
}

// Rearrange is mutation of permutations: one of three changes, each as likely as its weight says. All weights 0 means
// equal ones.
type Rearrange struct {
	// Probability that a permutation is changed; 0 means 0.5, a negative number never.
	Probability float64

	Swap   float64 // weight of exchanging two numbers
	Insert float64 // weight of moving one number elsewhere
	Invert float64 // weight of reversing a stretch; what routes like best
}

// Problem returns a problem on this space. New reports numbers that are wrong.
func (s Permutation) Problem(objectives int, evaluate func(order []int, out []float64) (violation float64)) Problem[[]int] {
	return s.space().evaluated(objectives, evaluate)
}

func (s Permutation) space() Problem[[]int] {
	o, err := newPermutation(s)
	if err != nil {
		return Problem[[]int]{flaw: err}
	}
	p := sliceProblem[int](s.Length)
	p.Make, p.Sample, p.Cross, p.Mutate, p.Check = o.make, o.sample, o.cross, o.mutate, o.check
	return p
}

// permutation are the operators of Permutation.
type permutation struct {
	length  int
	crossed float64
	mutated float64
	swap    float64 // probabilities of a change, summed up
	insert  float64
}

func newPermutation(s Permutation) (*permutation, error) {
	if s.Length < 1 {
		return nil, fault.Field("moo.new", "Permutation.Length", "is %d, must be at least 1", s.Length)
	}
	crossed, err := probability("Order.Probability", s.Crossover.Probability, 0.9)
	if err != nil {
		return nil, err
	}
	m := s.Mutation
	mutated, err := probability("Rearrange.Probability", m.Probability, 0.5)
	if err != nil {
		return nil, err
	}
	if m.Swap == 0 && m.Insert == 0 && m.Invert == 0 {
		m.Swap, m.Insert, m.Invert = 1, 1, 1
	}
	sum := m.Swap + m.Insert + m.Invert
	if !(m.Swap >= 0 && m.Insert >= 0 && m.Invert >= 0) || math.IsInf(sum, 1) {
		return nil, fault.Field("moo.new", "Rearrange", "has the weights %v, %v and %v", m.Swap, m.Insert, m.Invert)
	}
	return &permutation{
		length: s.Length, crossed: crossed, mutated: mutated, swap: m.Swap / sum, insert: (m.Swap + m.Insert) / sum,
	}, nil
}

// make gives every genome a second half beyond its length: room for the marks of order crossover.
func (o *permutation) make(n int) [][]int {
	out := makeSlices[int](n, 2*o.length)
	for i := range out {
		out[i] = out[i][:o.length]
		for k := range out[i] {
			out[i][k] = k
		}
	}
	return out
}

func (o *permutation) sample(r *rand.Rand, g []int) {
	for i := range g {
		j := r.IntN(i + 1)
		g[i] = g[j]
		g[j] = i
	}
}

func (o *permutation) cross(r *rand.Rand, a, b, c, d []int) {
	if o.length < 3 || r.Float64() >= o.crossed {
		copy(c, a)
		copy(d, b)
		return
	}
	from, to := o.stretch(r)
	keepOrder(c, a, b, from, to)
	keepOrder(d, b, a, from, to)
}

// stretch returns the bounds of a random stretch of at least one number, the second one excluded.
func (o *permutation) stretch(r *rand.Rand) (from, to int) {
	from, to = r.IntN(o.length), r.IntN(o.length)
	if from > to {
		from, to = to, from
	}
	return from, to + 1
}

// keepOrder makes child from the stretch of keep and the order of fill.
func keepOrder(child, keep, fill []int, from, to int) {
	n := len(child)
	marks := child[n:cap(child)]
	if len(marks) < n {
		marks = make([]int, n) // not one of ours
	}
	marks = marks[:n]
	clear(marks)
	for i := from; i < to; i++ {
		child[i] = keep[i]
		marks[keep[i]] = 1
	}
	at := to
	place := func(part []int) {
		for _, v := range part {
			if marks[v] != 0 {
				continue
			}
			if at == n {
				at = 0
			}
			child[at] = v
			at++
		}
	}
	place(fill[to:])
	place(fill[:to])
}

func (o *permutation) mutate(r *rand.Rand, g []int) {
	if o.length < 2 || r.Float64() >= o.mutated {
		return
	}
	i, j := r.IntN(o.length), r.IntN(o.length-1)
	if j >= i {
		j++
	}
	switch kind := r.Float64(); {
	case kind < o.swap:
		g[i], g[j] = g[j], g[i]
	case kind < o.insert:
		insert(g, i, j)
	default:
		for i, j = min(i, j), max(i, j); i < j; i, j = i+1, j-1 {
			g[i], g[j] = g[j], g[i]
		}
	}
}

// insert moves the number at from to the place to.
func insert(g []int, from, to int) {
	v := g[from]
	if from < to {
		copy(g[from:to], g[from+1:to+1])
	} else {
		copy(g[to+1:from+1], g[to:from])
	}
	g[to] = v
}

func (o *permutation) check(g []int) error {
	if len(g) != o.length {
		return fault.Field("moo.permutation", "genome", "has %d of %d numbers", len(g), o.length)
	}
	seen := make([]bool, o.length)
	for i, v := range g {
		if v < 0 || v >= o.length || seen[v] {
			return fault.Field("moo.permutation", "genome", "place %d holds %d, which is out of range or there twice", i, v)
		}
		seen[v] = true
	}
	return nil
}
