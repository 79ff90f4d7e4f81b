package place

// load follows the use of each node for the balance term under one weight vector.
type load struct {
	dims   int
	factor float64   // weight of the term in the weighted sum
	used   []float64 // [node][dimension]
	start  []float64 // used before any of these jobs
	per    []float64 // 1/size^2, 0 where the size is 0
}

// newLoad returns nil when the problem has no balance term.
func newLoad(p *Problem) *load {
	if p.Balance.Weight == 0 {
		return nil
	}
	l := &load{dims: p.Dims, used: make([]float64, len(p.Free)), start: make([]float64, len(p.Free)), per: make([]float64, len(p.Free))}
	for n := range p.Nodes {
		for d := range p.Dims {
			size, used := p.size(n, d)
			i := n*p.Dims + d
			l.start[i] = used
			if size > 0 {
				l.per[i] = p.Balance.Weight / (size * size)
			}
		}
	}
	return l
}

// reset empties the nodes and sets the weight of the objective that bears the term.
func (l *load) reset(factor float64) {
	l.factor = factor
	copy(l.used, l.start)
}

// add puts a demand on a node, or with sign -1 takes it away.
func (l *load) add(n int32, demand []int64, sign float64) {
	used := l.used[int(n)*l.dims:]
	for d, q := range demand {
		used[d] += sign * float64(q)
	}
}

// delta is what the weighted term rises by when the demand is added: the difference of two squares, exact for whole numbers.
func (l *load) delta(n int32, demand []int64) float64 {
	i := int(n) * l.dims
	sum := 0.0
	for d, q := range demand {
		x := float64(q)
		sum += x * (2*l.used[i+d] + x) * l.per[i+d]
	}
	return l.factor * sum
}

// exchange is what the weighted term rises by when one demand takes the place of another.
func (l *load) exchange(n int32, in, out []int64) float64 {
	i := int(n) * l.dims
	sum := 0.0
	for d, q := range in {
		x := float64(q - out[d])
		sum += x * (2*l.used[i+d] + x) * l.per[i+d]
	}
	return l.factor * sum
}
