package nds_test

import (
	"math"
	"math/rand/v2"
)

// shells returns n rows of m objectives on five close layers, as a merge of parents and children near convergence is:
// row i lies on the positive part of the unit sphere of m dimensions, in a direction of its own (absolute values of normal
// deviates, normalised), stretched by 1 + 0.01*(i mod 5).
func shells(seed uint64, n, m int) []float64 {
	random := rand.New(rand.NewPCG(seed, 0))
	f := make([]float64, n*m)
	for i := range n {
		row, sum := f[i*m:(i+1)*m], 0.0
		for j := range row {
			row[j] = math.Abs(random.NormFloat64())
			sum += row[j] * row[j]
		}
		stretch := (1 + 0.01*float64(i%5)) / math.Sqrt(sum)
		for j := range row {
			row[j] *= stretch
		}
	}
	return f
}

// cloud returns n rows of m objectives, each uniform in [0, 1).
func cloud(seed uint64, n, m int) []float64 {
	random := rand.New(rand.NewPCG(seed, 0))
	f := make([]float64, n*m)
	for i := range f {
		f[i] = random.Float64()
	}
	return f
}

// kinds are rows of many kinds, each with n rows of m objectives.
var kinds = []struct {
	name string
	rows func(seed uint64, n, m int) []float64
}{
	{"cloud", cloud},
	{"shells", shells},
	{"grid", each(func(r *rand.Rand, _ []float64) float64 { return float64(r.IntN(4)) })},
	{"ties", each(func(r *rand.Rand, _ []float64) float64 { return float64(r.IntN(30)) })},
	{"odd values", each(func(r *rand.Rand, _ []float64) float64 { return value(byte(r.IntN(256))) })},
	{"magnitudes", each(func(r *rand.Rand, _ []float64) float64 { return math.Exp(600 * r.NormFloat64()) })},
	{"correlated", each(func(r *rand.Rand, row []float64) float64 {
		if len(row) == 0 {
			return r.Float64()
		}
		return row[0] + r.Float64()/20
	})},
	{"chain", func(_ uint64, n, m int) []float64 {
		f := make([]float64, n*m)
		for i := range f {
			f[i] = float64((i / m * 7919) % max(n, 1))
		}
		return f
	}},
	{"two matter", each(func(r *rand.Rand, row []float64) float64 {
		if len(row) < 2 {
			return r.Float64()
		}
		return 1
	})},
	{"two matter, coarse others", each(func(r *rand.Rand, row []float64) float64 {
		if len(row) < 2 {
			return r.Float64()
		}
		return float64(r.IntN(2))
	})},
	{"touching", each(func(r *rand.Rand, row []float64) float64 { // of two that differ in the fifth, the fourth touch at 1
		switch {
		case len(row) < 3:
			return r.Float64()
		case len(row) == 4 && row[3] != 1:
			return 2 - row[3]
		}
		return float64(r.IntN(3))
	})},
	{"subnormal", each(func(r *rand.Rand, _ []float64) float64 {
		return float64(r.IntN(40)) * math.SmallestNonzeroFloat64
	})},
	{"one point", func(_ uint64, n, m int) []float64 { return make([]float64, n*m) }},
	{"duplicates", func(seed uint64, n, m int) []float64 {
		f := cloud(seed, n, m)
		random := rand.New(rand.NewPCG(seed, 1))
		for i := range n {
			if k := random.IntN(n); i%3 > 0 {
				copy(f[i*m:(i+1)*m], f[k*m:(k+1)*m])
			}
		}
		return f
	}},
}

// each makes rows value by value, from a random source and the row so far.
func each(next func(r *rand.Rand, row []float64) float64) func(seed uint64, n, m int) []float64 {
	return func(seed uint64, n, m int) []float64 {
		random := rand.New(rand.NewPCG(seed, 0))
		f := make([]float64, 0, n*m)
		for i := range n {
			for range m {
				f = append(f, next(random, f[i*m:]))
			}
		}
		return f
	}
}

// classic is the fast non-dominated sort of Deb et al. 2002, section III.A, with its memory reused: each pair is compared
// once, each row keeps the list of those that it dominates and the number of those that dominate it.
type classic struct {
	dominated [][]int32
	above     []int32
	ranks     []int32
	front     []int32
	next      []int32
}

func (c *classic) sort(f []float64, m int) []int32 {
	n := len(f) / m
	if c.ranks == nil {
		c.ranks = []int32{}
	}
	for len(c.dominated) < n {
		c.dominated = append(c.dominated, nil)
		c.above, c.ranks = append(c.above, 0), append(c.ranks, 0)
	}
	for i := range n {
		c.dominated[i], c.above[i] = c.dominated[i][:0], 0
	}
	for i := range n {
		a := f[i*m : (i+1)*m]
		for k := i + 1; k < n; k++ {
			b := f[k*m : (k+1)*m]
			better, worse := false, false
			for j, x := range a {
				y := b[j]
				if x < y || y != y && x <= math.MaxFloat64 {
					better = true
				} else if x > y || x != x && y <= math.MaxFloat64 {
					worse = true
				}
			}
			if better && !worse {
				c.dominated[i] = append(c.dominated[i], int32(k))
				c.above[k]++
			} else if worse && !better {
				c.dominated[k] = append(c.dominated[k], int32(i))
				c.above[i]++
			}
		}
	}
	c.front = c.front[:0]
	for i := range n {
		if c.above[i] == 0 {
			c.front = append(c.front, int32(i))
		}
	}
	for rank := int32(0); len(c.front) > 0; rank++ {
		c.next = c.next[:0]
		for _, i := range c.front {
			c.ranks[i] = rank
			for _, k := range c.dominated[i] {
				if c.above[k]--; c.above[k] == 0 {
					c.next = append(c.next, k)
				}
			}
		}
		c.front, c.next = c.next, c.front
	}
	return c.ranks[:n]
}

// worst is NaN as +Inf.
func worst(x float64) float64 {
	if math.IsNaN(x) {
		return math.Inf(1)
	}
	return x
}
