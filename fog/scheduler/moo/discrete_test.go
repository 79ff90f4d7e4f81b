package moo_test

import (
	"math"
	"math/rand/v2"

	"github.com/fogcompute/fogcompute/fog/scheduler/moo"
)

// sack is the knapsack problem with two profits and one weight.
type sack struct {
	profit   [2][]float64
	weight   []float64
	capacity float64
}

func knapsack(seed uint64) *sack {
	r := rand.New(rand.NewPCG(seed, 1))
	s := &sack{}
	for range 100 {
		s.profit[0] = append(s.profit[0], float64(10+r.IntN(91)))
		s.profit[1] = append(s.profit[1], float64(10+r.IntN(91)))
		w := float64(10 + r.IntN(91))
		s.weight = append(s.weight, w)
		s.capacity += w / 2
	}
	return s
}

func (s *sack) evaluate(b moo.Bits, out []float64) float64 {
	weight := 0.0
	out[0], out[1] = 0, 0
	for i := range b.All {
		weight += s.weight[i]
		out[0] -= s.profit[0][i]
		out[1] -= s.profit[1][i]
	}
	return weight - s.capacity
}

func (s *sack) problem() moo.Problem[moo.Bits] {
	return moo.Binary{Length: len(s.weight)}.Problem(2, s.evaluate)
}

// tour is the round trip with two lengths of each road.
type tour struct{ x, y [2][]float64 }

func drawnTour(seed uint64) *tour {
	r := rand.New(rand.NewPCG(seed, 2))
	t := &tour{}
	for range 25 {
		for k := range 2 {
			t.x[k], t.y[k] = append(t.x[k], r.Float64()), append(t.y[k], r.Float64())
		}
	}
	return t
}

func (t *tour) evaluate(order []int, out []float64) float64 {
	for k := range out {
		out[k] = 0
		from := order[len(order)-1]
		for _, to := range order {
			out[k] += math.Hypot(t.x[k][from]-t.x[k][to], t.y[k][from]-t.y[k][to])
			from = to
		}
	}
	return 0
}

func (t *tour) problem() moo.Problem[[]int] {
	return moo.Permutation{Length: len(t.x[0])}.Problem(2, t.evaluate)
}

// shop is a job shop with one machine as a mixed problem: in which order the orders are done, at which speed the machine
// runs, how many tools it has and which orders are left out. It minimises weighted lateness and expense.
type shop struct{ length, due, fee []float64 }

func machine() *shop {
	r := rand.New(rand.NewPCG(3, 3))
	s := &shop{}
	for range 12 {
		s.length = append(s.length, 1+9*r.Float64())
		s.due = append(s.due, 10+40*r.Float64())
		s.fee = append(s.fee, 1+19*r.Float64())
	}
	return s
}

func (s *shop) evaluate(g moo.Mix, out []float64) float64 {
	now, late, expense := 0.0, 0.0, 0.0
	speed, tools := g.Real[0], float64(g.Integer[0])
	for _, i := range g.Order {
		if g.Bits.Has(i) {
			expense += s.fee[i]
			continue
		}
		now += s.length[i] / (speed * math.Sqrt(tools))
		late += max(0, now-s.due[i])
	}
	out[0], out[1] = late, expense+now*speed*speed+2*tools
	return 0
}

func (s *shop) problem() moo.Problem[moo.Mix] {
	return moo.Mixed{
		Real:    moo.Real{Lower: []float64{0.5}, Upper: []float64{3}},
		Integer: moo.Integer{Lower: []int{1}, Upper: []int{9}, Mutation: moo.Reset{Probability: 0.3, Creep: 0.5}},
		Binary:  moo.Binary{Length: len(s.length)},
		Order:   moo.Permutation{Length: len(s.length)},
	}.Problem(2, s.evaluate)
}
