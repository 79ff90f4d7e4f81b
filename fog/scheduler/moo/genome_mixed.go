package moo

import (
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/internal/fault"
)

// Mix is a genome of several kinds; a kind that its space leaves out is empty.
type Mix struct {
	Real    []float64
	Integer []int
	Bits    Bits
	Order   []int
}

// Mixed is the space of genomes with variables of several kinds. Each kind is varied by its own operators and with its own
// probabilities; a kind of length 0 is left out.
type Mixed struct {
	Real    Real
	Integer Integer
	Binary  Binary
	Order   Permutation
}

// Problem returns a problem on this space. New reports what is wrong with a kind; at least one is needed.
func (s Mixed) Problem(objectives int, evaluate func(g Mix, out []float64) (violation float64)) Problem[Mix] {
	return s.space().evaluated(objectives, evaluate)
}

func (s Mixed) space() Problem[Mix] {
	var m mixed
	if len(s.Real.Lower)+len(s.Real.Upper) > 0 {
		add(&m, s.Real.space(), func(g Mix) []float64 { return g.Real }, func(g *Mix, part []float64) { g.Real = part })
	}
	if len(s.Integer.Lower)+len(s.Integer.Upper) > 0 {
		add(&m, s.Integer.space(), func(g Mix) []int { return g.Integer }, func(g *Mix, part []int) { g.Integer = part })
	}
	if s.Binary.Length != 0 {
		add(&m, s.Binary.space(), func(g Mix) Bits { return g.Bits }, func(g *Mix, part Bits) { g.Bits = part })
	}
	if s.Order.Length != 0 {
		add(&m, s.Order.space(), func(g Mix) []int { return g.Order }, func(g *Mix, part []int) { g.Order = part })
	}
	if len(m.kinds) == 0 {
		return Problem[Mix]{flaw: fault.Field("moo.new", "Mixed", "has no kind of variable")}
	}
	for _, kind := range m.kinds {
		if kind.flaw != nil {
			return Problem[Mix]{flaw: kind.flaw}
		}
	}
	return Problem[Mix]{
		Make: m.make, Copy: m.copy, Equal: m.equal, Sample: m.sample, Cross: m.cross, Mutate: m.mutate, Check: m.check,
	}
}

// mixed are the operators of Mixed: those of its kinds, one after another.
type mixed struct {
	kinds []Problem[Mix]           // functions on one kind; nil Make
	fill  []func(n int, out []Mix) // makes one kind of n genomes
}

// add lifts the functions of a kind to whole genomes, in which of finds it and set puts it.
func add[G any](m *mixed, p Problem[G], of func(g Mix) G, set func(g *Mix, part G)) {
	if p.flaw != nil {
		m.kinds = append(m.kinds, Problem[Mix]{flaw: p.flaw})
		return
	}
	m.fill = append(m.fill, func(n int, out []Mix) {
		for i, g := range p.Make(n) {
			set(&out[i], g)
		}
	})
	m.kinds = append(m.kinds, Problem[Mix]{
		Copy:   func(dst, src Mix) { p.Copy(of(dst), of(src)) },
		Equal:  func(a, b Mix) bool { return p.Equal(of(a), of(b)) },
		Sample: func(r *rand.Rand, g Mix) { p.Sample(r, of(g)) },
		Cross:  func(r *rand.Rand, a, b, c, d Mix) { p.Cross(r, of(a), of(b), of(c), of(d)) },
		Mutate: func(r *rand.Rand, g Mix) { p.Mutate(r, of(g)) },
		Check:  func(g Mix) error { return p.Check(of(g)) },
	})
}

func (m *mixed) make(n int) []Mix {
	out := make([]Mix, n)
	for _, fill := range m.fill {
		fill(n, out)
	}
	return out
}

func (m *mixed) copy(dst, src Mix) {
	for i := range m.kinds {
		m.kinds[i].Copy(dst, src)
	}
}

func (m *mixed) equal(a, b Mix) bool {
	for i := range m.kinds {
		if !m.kinds[i].Equal(a, b) {
			return false
		}
	}
	return true
}

func (m *mixed) sample(r *rand.Rand, g Mix) {
	for i := range m.kinds {
		m.kinds[i].Sample(r, g)
	}
}

func (m *mixed) cross(r *rand.Rand, a, b, c, d Mix) {
	for i := range m.kinds {
		m.kinds[i].Cross(r, a, b, c, d)
	}
}

func (m *mixed) mutate(r *rand.Rand, g Mix) {
	for i := range m.kinds {
		m.kinds[i].Mutate(r, g)
	}
}

func (m *mixed) check(g Mix) error {
	for i := range m.kinds {
		if err := m.kinds[i].Check(g); err != nil {
			return err
		}
	}
	return nil
}
