package scheduler

import "math"

// classic is the non-dominated sort of Deb, Pratap, Agarwal and Meyarivan (2002), section III.A, in O(M N^2): the peer of
// nds. Its buffers are reused, so that it allocates no more than ours.
type classic struct {
	rank, dominators []int32
	dominated        [][]int32
	front            []int32
}

// sort returns the rank of each row, 0 for the first front.
func (c *classic) sort(f []float64, m int) []int32 {
	n := len(f) / m
	c.prepare(n)
	for i := range n {
		for j := i + 1; j < n; j++ {
			switch compare(f[i*m:(i+1)*m], f[j*m:(j+1)*m]) {
			case -1:
				c.dominated[i] = append(c.dominated[i], int32(j))
				c.dominators[j]++
			case 1:
				c.dominated[j] = append(c.dominated[j], int32(i))
				c.dominators[i]++
			}
		}
	}
	for i := range n {
		if c.dominators[i] == 0 {
			c.front = append(c.front, int32(i))
		}
	}
	for rank, from := int32(0), 0; from < len(c.front); rank++ {
		to := len(c.front)
		for _, i := range c.front[from:to] {
			c.rank[i] = rank
			for _, j := range c.dominated[i] {
				if c.dominators[j]--; c.dominators[j] == 0 {
					c.front = append(c.front, j)
				}
			}
		}
		from = to
	}
	return c.rank
}

// prepare empties the buffers.
func (c *classic) prepare(n int) {
	if len(c.rank) != n {
		*c = classic{rank: make([]int32, n), dominators: make([]int32, n), dominated: make([][]int32, n), front: make([]int32, 0, n)}
	}
	clear(c.dominators)
	for i := range c.dominated {
		c.dominated[i] = c.dominated[i][:0]
	}
	c.front = c.front[:0]
}

// compare is -1 if a dominates b, 1 if b dominates a, else 0.
func compare(a, b []float64) int {
	better, worse := false, false
	for i, v := range a {
		if v < b[i] {
			better = true
		} else if v > b[i] {
			worse = true
		}
		if better && worse {
			return 0
		}
	}
	switch {
	case better:
		return -1
	case worse:
		return 1
	}
	return 0
}

// shells are n points of five close layers, which is what a converged population and its children look like.
func shells(random func() float64, n, m int) []float64 {
	f := make([]float64, 0, n*m)
	for i := range n {
		length := 0.0
		for range m {
			v := random()
			f = append(f, v)
			length += v * v
		}
		scale := (1 + 0.01*float64(i%5)) / math.Sqrt(length)
		for k := len(f) - m; k < len(f); k++ {
			f[k] *= scale
		}
	}
	return f
}

// cloud is n points drawn uniformly from the unit cube.
func cloud(random func() float64, n, m int) []float64 {
	f := make([]float64, n*m)
	for i := range f {
		f[i] = random()
	}
	return f
}
