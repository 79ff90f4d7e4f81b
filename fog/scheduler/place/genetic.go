package place

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

const (
	population  = 40 // plans in the population at most
	generations = 8  // after which it is drawn from the archive anew
	seasoned    = 16 // tasks before the first generation: the archive is worth crossing then
	inherited   = 40 // jobs that a child takes from its other parent at most
)

// breeder runs NSGA-II (package moo) on plans of the archive. Textbook crossover of two good plans loses more by the repair of
// capacity than it gains, so a child here is one parent with some nodes' loads of the other, where jobs that do not fit go to the best
// other node under a weight vector of the child's own, and every job that has moved is improved; all by deltas.
type breeder struct {
	s      *search
	eval   *evaluator
	scale  []float64
	engine *moo.Engine[[]int32]
	left   int // generations before the population is drawn anew
	late   func() bool
	steps  []step
	order  []int32
	miss   []float64 // violation that an unplaced job of each tier counts for
}

func newBreeder(s *search, late func() bool) *breeder {
	p := s.m.p
	b := &breeder{s: s, eval: newEvaluator(p), scale: s.m.scale, late: late, miss: make([]float64, p.tiers())}
	weight := 1.0
	for t := range slices.Backward(b.miss) {
		b.miss[t] = weight
		weight *= float64(p.Jobs + 1)
	}
	return b
}

// generation makes one generation and returns the plans that it evaluated; none when the archive is too small or the context has ended.
func (b *breeder) generation(ctx context.Context, a *archive, seed uint64) []step {
	b.steps, b.s.moves = nil, outset
	if b.left == 0 {
		if !b.draw(a, seed) {
			return nil
		}
	}
	b.left--
	if _, err := b.engine.Step(ctx); err != nil {
		b.left = 0
	}
	return b.steps
}

// draw makes a population of plans of the archive.
func (b *breeder) draw(a *archive, seed uint64) bool {
	n := min(population, len(a.plans))
	if n < 4 {
		return false
	}
	r := rand.New(rand.NewPCG(seed, 2))
	var warm [][]int32
	for _, i := range r.Perm(len(a.plans))[:n] {
		warm = append(warm, a.plans[i].Assign)
	}
	engine, err := moo.New(b.problem(), moo.Config{Population: n, Seed: seed}, warm...)
	if err != nil {
		return false
	}
	b.engine, b.left = engine, generations
	return true
}

// problem describes plans to the engine.
func (b *breeder) problem() moo.Problem[[]int32] {
	p := b.s.m.p
	return moo.Problem[[]int32]{
		Objectives: p.Objectives,
		Make: func(n int) [][]int32 {
			out := make([][]int32, n)
			for i := range out {
				out[i] = make([]int32, p.Jobs)
			}
			return out
		},
		Copy: func(dst, src []int32) { copy(dst, src) },
		Cross: func(r *rand.Rand, x, y, c, d []int32) {
			b.cross(r, x, y, c)
			b.cross(r, y, x, d)
		},
		Evaluate: b.evaluate,
	}
}

// evaluate computes the objectives of a plan over their scale, and what it leaves unplaced.
func (b *breeder) evaluate(assign []int32, out []float64) float64 {
	b.eval.objectives(assign, out)
	missing := 0.0
	for o := range out {
		out[o] /= b.scale[o]
	}
	for j, n := range assign {
		if n < 0 {
			missing += b.miss[b.s.m.p.tier(j)]
		}
	}
	b.steps = append(b.steps, step{assign: slices.Clone(assign), moves: b.s.moves})
	return missing
}

// cross makes a child of x that takes after y on some nodes.
func (b *breeder) cross(r *rand.Rand, x, y, child []int32) {
	s := b.s
	if b.late() {
		copy(child, x)
		return
	}
	s.r, s.late, s.reach = r, b.late, reachQuick
	s.moves += outset + int64(len(s.cost))/4
	s.weigh(simplex(r, s.m.p.Objectives), nil)
	s.set(x)
	b.inherit(r, x, y)
	for _, j := range b.order {
		if s.at[j] >= 0 {
			s.remove(j)
		}
	}
	for _, j := range b.order {
		k := int32(-1)
		if y[j] >= 0 {
			k = s.m.pair(j, y[j])
		}
		if k < 0 || !fits(s.room(y[j]), s.demand(j)) {
			k, _ = s.scan(j, -1, full)
		}
		if k >= 0 {
			s.insert(j, k)
		}
	}
	for _, j := range b.order {
		s.improve(j)
	}
	s.read(child)
}

// inherit picks the jobs of a few random nodes of y that are elsewhere in x.
func (b *breeder) inherit(r *rand.Rand, x, y []int32) {
	b.order = b.order[:0]
	for {
		n := y[r.IntN(len(y))]
		for j, at := range y {
			if at == n && x[j] != n && len(b.order) < inherited && !slices.Contains(b.order, int32(j)) {
				b.order = append(b.order, int32(j))
			}
		}
		if len(b.order) == inherited || r.IntN(4) == 0 {
			return
		}
	}
}
