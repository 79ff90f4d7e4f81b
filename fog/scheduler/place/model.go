package place

import (
	"cmp"
	"math"
	"slices"
)

// model is a problem compiled for the search: forbidden pairs left out, costs over their scale with the migration charge in them, in
// single precision so that the combined matrix of 1,000 jobs and 200 nodes stays in a processor's second-level cache. Plans are
// always evaluated in double precision from the problem itself before they are compared for good. It is read only.
type model struct {
	p     *Problem
	scale []float64
	row   []int32     // Jobs+1 offsets of the allowed pairs of each job
	node  []int32     // of each allowed pair, ascending in a row
	cost  [][]float32 // [objective][allowed pair]
	fixed [][]float32 // [objective][node]
	dense bool        // every pair is allowed, so that pair j*Nodes+n is job j on node n
	table []int32     // [job][node] to allowed pair, -1 for none; nil when dense or too large
	first []int32     // Nodes+1 offsets of the pairs of each node in there; nil when dense
	there []int32     // allowed pairs, node by node
	owner []int32     // the job of each of those
	class []uint8     // [job] class by demand
	floor []int64     // [class][dimension] least demand of the class
}

const (
	// tableLimit is how many job-node entries the lookup table may have (16 MiB); beyond it, rows are searched by bisection.
	tableLimit = 1 << 22
	// dearest bounds a scaled cost, so that sums stay below full.
	dearest = 1e30
	// full is the charge of a node without room: more than any cost.
	full = math.MaxFloat32 / 4
	// classes of jobs by demand. A scan looks only at nodes with room for the least demand of the job's class, which spares nearly all
	// failing checks of room.
	classes = 4
)

// newModel compiles a valid problem.
func newModel(p *Problem, scale []float64) *model {
	m := &model{p: p, scale: scale}
	if m.dense = m.whole(); m.dense {
		m.copyAll()
	} else {
		m.copyAllowed()
		m.tabulate()
		m.transpose()
	}
	for o := range p.Objectives {
		fixed := make([]float32, p.Nodes)
		for n := range fixed {
			fixed[n] = narrow(p.fixed(o, n) / scale[o])
		}
		m.fixed = append(m.fixed, fixed)
	}
	m.classify()
	return m
}

// narrow turns a scaled cost into single precision.
func narrow(c float64) float32 { return float32(max(-dearest, min(c, dearest))) }

// whole reports that every job may go to every node as far as candidates, pins and costs are concerned.
func (m *model) whole() bool {
	p := m.p
	if p.Row != nil || p.Pinned != nil {
		return false
	}
	for _, c := range p.Pair {
		if c > math.MaxFloat64 {
			return false
		}
	}
	return true
}

// copyAll compiles a problem without forbidden pairs.
func (m *model) copyAll() {
	p, pairs := m.p, m.p.pairs()
	m.node = make([]int32, pairs)
	m.row = make([]int32, p.Jobs+1)
	for j := range p.Jobs {
		m.row[j+1] = int32((j + 1) * p.Nodes)
		row := m.node[j*p.Nodes : (j+1)*p.Nodes]
		for n := range row {
			row[n] = int32(n)
		}
	}
	for o := range p.Objectives {
		cost := make([]float32, pairs)
		per := 1 / m.scale[o]
		for k, c := range p.Pair[o*pairs : (o+1)*pairs] {
			cost[k] = narrow(c * per)
		}
		m.cost = append(m.cost, cost)
	}
	m.charge()
}

// copyAllowed compiles the pairs that are candidates, not forbidden, and of nodes that could hold the job.
func (m *model) copyAllowed() {
	p, pairs := m.p, m.p.pairs()
	m.row = make([]int32, 1, p.Jobs+1)
	m.cost = make([][]float32, p.Objectives)
	for j := range p.Jobs {
		lo, hi := p.row(j)
		for k := lo; k < hi; k++ {
			n := p.at(lo, k)
			if p.pinned(j) && n != p.start(j) || p.forbidden(k) || !fits(p.room(n), p.demand(j)) {
				continue
			}
			m.node = append(m.node, n)
			for o := range m.cost {
				m.cost[o] = append(m.cost[o], narrow(p.Pair[o*pairs+k]/m.scale[o]))
			}
		}
		m.row = append(m.row, int32(len(m.node)))
	}
	m.charge()
}

// charge adds the migration charges.
func (m *model) charge() {
	p := m.p
	if p.Migration == nil {
		return
	}
	for j := range p.Jobs {
		if p.start(j) < 0 {
			continue
		}
		for o := range p.Objectives {
			c := narrow(p.Migration[o*p.Jobs+j] / m.scale[o])
			for k := m.row[j]; k < m.row[j+1]; k++ {
				if m.node[k] != p.start(j) {
					m.cost[o][k] += c
				}
			}
		}
	}
}

// tabulate makes the lookup table if it is not too large.
func (m *model) tabulate() {
	p := m.p
	if p.Jobs > tableLimit/p.Nodes {
		return
	}
	m.table = make([]int32, p.Jobs*p.Nodes)
	for i := range m.table {
		m.table[i] = -1
	}
	for j := range p.Jobs {
		for k := m.row[j]; k < m.row[j+1]; k++ {
			m.table[j*p.Nodes+int(m.node[k])] = k
		}
	}
}

// transpose lists the pairs node by node.
func (m *model) transpose() {
	m.first = make([]int32, m.p.Nodes+1)
	for _, n := range m.node {
		m.first[n+1]++
	}
	for n := range m.p.Nodes {
		m.first[n+1] += m.first[n]
	}
	m.there, m.owner = make([]int32, len(m.node)), make([]int32, len(m.node))
	fill := slices.Clone(m.first)
	for j := range int32(m.p.Jobs) {
		for k := m.row[j]; k < m.row[j+1]; k++ {
			at := fill[m.node[k]]
			fill[m.node[k]]++
			m.there[at], m.owner[at] = k, j
		}
	}
}

// column is how many pairs a node has.
func (m *model) column(n int32) int32 {
	if m.dense {
		return int32(m.p.Jobs)
	}
	return m.first[n+1] - m.first[n]
}

// visitor is the i-th pair of a node, and its job.
func (m *model) visitor(n, i int32) (job, pair int32) {
	if m.dense {
		return i, i*int32(m.p.Nodes) + n
	}
	at := m.first[n] + i
	return m.owner[at], m.there[at]
}

// pair finds the allowed pair of a job and a node, -1 if there is none.
func (m *model) pair(j, n int32) int32 {
	if m.dense {
		return j*int32(m.p.Nodes) + n
	}
	if m.table != nil {
		return m.table[int(j)*m.p.Nodes+int(n)]
	}
	lo, hi := m.row[j], m.row[j+1]
	for lo < hi {
		mid := lo + (hi-lo)/2
		if m.node[mid] < n {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < m.row[j+1] && m.node[lo] == n {
		return lo
	}
	return -1
}

// classify splits the jobs into classes of about equal number by their demand in the first dimension.
func (m *model) classify() {
	p := m.p
	order := make([]int32, p.Jobs)
	for j := range order {
		order[j] = int32(j)
	}
	slices.SortFunc(order, func(a, b int32) int { return cmp.Compare(p.demand(int(a))[0], p.demand(int(b))[0]) })
	m.class = make([]uint8, p.Jobs)
	m.floor = make([]int64, classes*p.Dims)
	for i := range m.floor {
		m.floor[i] = math.MaxInt64
	}
	for i, j := range order {
		q := i * classes / len(order)
		m.class[j] = uint8(q)
		floor := m.floor[q*p.Dims : (q+1)*p.Dims]
		for d, x := range p.demand(int(j)) {
			floor[d] = min(floor[d], x)
		}
	}
}
