package gap

import "math"

// model is a problem made ready for the search: pairs that can never hold are told apart once, and costs are counted from
// the cheapest node of each job, so that they are never negative.
type model struct {
	*Problem
	cost []float64 // Jobs*Nodes: cost above base of the job; +Inf where the pair is forbidden
	base []float64 // of each job: its least cost; 0 for a job without a node
	able []int32   // jobs that fit on at least one node
	span float64   // sum over able jobs of their largest finite cost above base
	grid bool      // all finite costs are whole numbers
}

// newModel reads the whole problem once. The problem is valid.
func newModel(p *Problem) *model {
	m := &model{Problem: p, cost: make([]float64, len(p.Cost)), base: make([]float64, p.Jobs), grid: true}
	for job := range p.Jobs {
		if m.row(job) {
			m.able = append(m.able, int32(job))
		}
	}
	return m
}

// row fills one job's row of costs and reports whether a node can take the job.
func (m *model) row(job int) bool {
	at := job * m.Nodes
	row := m.cost[at : at+m.Nodes]
	base, most := math.Inf(1), math.Inf(-1)
	for node, cost := range m.Cost[at : at+m.Nodes] {
		if math.IsInf(cost, 1) || !m.fits(job, node) {
			row[node] = math.Inf(1)
			continue
		}
		row[node] = cost
		base, most = min(base, cost), max(most, cost)
		m.grid = m.grid && cost == math.Trunc(cost)
	}
	if math.IsInf(base, 1) {
		return false
	}
	for node := range row {
		row[node] -= base
	}
	m.base[job] = base
	m.span += most - base
	return true
}
