package gap

import "math"

// state is a plan under change, in the terms of the Lagrangian relaxation. With the prices u of capacity, the cost of a
// complete plan above the bound is a sum of parts that are never negative: for each job the reduced cost of its node, and for
// each node the price of what it leaves empty. A node that holds more than its capacity pays a penalty instead, per unit, which
// adapts as the search goes on. So every change is judged by the few parts that it touches.
type state struct {
	*model
	absence float64   // what leaving a job of weight 1 out counts in the search
	least   []float64 // of each job: its cost at the node of reduced cost 0, with the price of its demand there
	reduced []float64 // Jobs*Nodes: cost + price of the demand - the job's least such sum; +Inf where the pair is forbidden
	slack   []float64 // Nodes*Dims: price of a unit left empty
	excess  []float64 // Nodes*Dims: penalty of a unit beyond capacity, at least the price

	node   []int32   // of each job; Nodes: left out
	slot   []int32   // of each job: its place in jobs[node]
	jobs   [][]int32 // of each node and, last, of those left out
	load   []int64   // Nodes*Dims
	toll   []float64 // of each node: what it pays for slack or excess; 0 for those left out
	over   []bool    // of each node: holds more than its capacity
	overs  int       // nodes that hold more than their capacity
	outs   int64     // sum of the weights of able jobs that are left out
	sum    float64   // parts of all able jobs and tolls of all nodes: cost above a constant where no node is overfull
	unable int64     // sum of the weights of jobs that no node can take
}

// newState returns a state in which every job is left out.
func newState(m *model) *state {
	s := &state{
		model: m, least: make([]float64, m.Jobs), reduced: make([]float64, len(m.cost)),
		slack: make([]float64, len(m.Capacity)), excess: make([]float64, len(m.Capacity)),
		node: make([]int32, m.Jobs), slot: make([]int32, m.Jobs), jobs: make([][]int32, m.Nodes+1),
		load: make([]int64, len(m.Capacity)), toll: make([]float64, m.Nodes+1), over: make([]bool, m.Nodes),
	}
	room := 4*m.Jobs/(m.Nodes+1) + 16
	for node := range m.Nodes {
		s.jobs[node] = make([]int32, 0, min(m.Jobs, room))
	}
	s.jobs[m.Nodes] = make([]int32, 0, m.Jobs)
	for job := range s.node {
		s.node[job] = int32(m.Nodes)
		s.unable += m.weight(job)
	}
	for at, job := range m.able {
		s.slot[job] = int32(at)
		s.jobs[m.Nodes] = append(s.jobs[m.Nodes], job)
		s.outs += m.weight(int(job))
	}
	s.unable -= s.outs
	return s
}

// reprice takes over new prices. Penalties that are below twice a price are raised to it.
func (s *state) reprice(x *relaxation) {
	x.prices(s.slack)
	for at, price := range s.slack {
		s.excess[at] = max(s.excess[at], 2*price)
	}
	for _, job := range s.able {
		row := s.reduced[int(job)*s.Nodes : (int(job)+1)*s.Nodes]
		least := math.Inf(1)
		for node := range row {
			row[node] = s.cost[int(job)*s.Nodes+node]
			if !math.IsInf(row[node], 1) {
				row[node] = s.priced(row[node], s.slack, int(job), node)
				least = min(least, row[node])
			}
		}
		for node := range row {
			row[node] -= least
		}
		s.least[job] = s.base[job] + least
	}
	s.recount()
}

// recount computes the tolls and the sum afresh.
func (s *state) recount() {
	s.sum, s.overs = 0, 0
	for node := range s.Nodes {
		s.toll[node] = s.current(node)
		s.sum += s.toll[node]
		s.over[node] = s.overfull(node)
		if s.over[node] {
			s.overs++
		}
	}
	for _, job := range s.able {
		s.sum += s.part(job, int(s.node[job]))
	}
}

// overfull reports whether a node holds more than its capacity.
func (s *state) overfull(node int) bool {
	for at := node * s.Dims; at < (node+1)*s.Dims; at++ {
		if s.load[at] > s.Capacity[at] {
			return true
		}
	}
	return false
}

// due returns what a node pays in one place of load for what is left of its capacity there.
func (s *state) due(at int, left int64) float64 {
	if left < 0 {
		return -s.excess[at] * float64(left)
	}
	return s.slack[at] * float64(left)
}

// current returns what a node pays as it is.
func (s *state) current(node int) float64 {
	toll := 0.0
	for at := node * s.Dims; at < (node+1)*s.Dims; at++ {
		toll += s.due(at, s.Capacity[at]-s.load[at])
	}
	return toll
}

// entered returns what a node would pay with one job more.
func (s *state) entered(node, job int32) float64 {
	if int(node) == s.Nodes {
		return 0
	}
	need, toll := s.demand(int(job), int(node)), 0.0
	for at := int(node) * s.Dims; at < (int(node)+1)*s.Dims; at++ {
		toll += s.due(at, s.Capacity[at]-s.load[at]-s.Demand[need])
		need++
	}
	return toll
}

// left returns what a node would pay with one of its jobs less.
func (s *state) left(node, job int32) float64 {
	if int(node) == s.Nodes {
		return 0
	}
	need, toll := s.demand(int(job), int(node)), 0.0
	for at := int(node) * s.Dims; at < (int(node)+1)*s.Dims; at++ {
		toll += s.due(at, s.Capacity[at]-s.load[at]+s.Demand[need])
		need++
	}
	return toll
}

// traded returns what a node would pay with one job more and one of its jobs less.
func (s *state) traded(node, in, out int32) float64 {
	if int(node) == s.Nodes {
		return 0
	}
	enter, leave, toll := s.demand(int(in), int(node)), s.demand(int(out), int(node)), 0.0
	for at := int(node) * s.Dims; at < (int(node)+1)*s.Dims; at++ {
		toll += s.due(at, s.Capacity[at]-s.load[at]-s.Demand[enter]+s.Demand[leave])
		enter++
		leave++
	}
	return toll
}

// pay returns the reduced cost of a job on a node, or of leaving it out.
func (s *state) pay(job, node int32) float64 {
	if int(node) == s.Nodes {
		return s.absence*float64(s.weight(int(job))) - s.least[job]
	}
	return s.reduced[int(job)*s.Nodes+int(node)]
}

// part returns what a job adds to the sum: its reduced cost, less its least cost if it is left out.
func (s *state) part(job int32, node int) float64 {
	if node == s.Nodes {
		return -s.least[job]
	}
	return s.reduced[int(job)*s.Nodes+node]
}

// room reports whether a node has room for a job once another, or none (-1), has left it.
func (s *state) room(node, in, out int32) bool {
	if math.IsInf(s.reduced[int(in)*s.Nodes+int(node)], 1) {
		return false
	}
	enter := s.demand(int(in), int(node))
	for d := range s.Dims {
		at := int(node)*s.Dims + d
		left := s.Capacity[at] - s.load[at] - s.Demand[enter+d]
		if out >= 0 {
			left += s.Demand[s.demand(int(out), int(node))+d]
		}
		if left < 0 {
			return false
		}
	}
	return true
}

// move puts a job on a node, or leaves it out, and keeps all sums. It allocates only if a node holds more jobs than ever.
func (s *state) move(job int32, to int32) {
	from := s.node[job]
	list := s.jobs[from]
	last := list[len(list)-1]
	list[s.slot[job]] = last
	s.slot[last] = s.slot[job]
	s.jobs[from] = list[:len(list)-1]
	s.node[job] = to
	s.slot[job] = int32(len(s.jobs[to]))
	s.jobs[to] = append(s.jobs[to], job)
	s.shift(int(from), job, -1)
	s.shift(int(to), job, 1)
}

// shift adds (sign 1) or takes (sign -1) a job's demand and cost.
func (s *state) shift(node int, job int32, sign int64) {
	s.sum += float64(sign) * s.part(job, node)
	if node == s.Nodes {
		s.outs += sign * s.weight(int(job))
		return
	}
	need := s.demand(int(job), node)
	for d := range s.Dims {
		s.load[node*s.Dims+d] += sign * s.Demand[need+d]
	}
	toll := s.current(node)
	s.sum += toll - s.toll[node]
	s.toll[node] = toll
	if full := s.overfull(node); full != s.over[node] {
		s.over[node] = full
		if full {
			s.overs++
		} else {
			s.overs--
		}
	}
}

// adopt sets the state to a plan: the node of each job, Nodes where it is left out.
func (s *state) adopt(plan []int32) {
	for _, job := range s.able {
		if s.node[job] != plan[job] {
			s.move(job, plan[job])
		}
	}
}

// actual returns the true cost of the placed jobs, added up in the order of the jobs.
func (s *state) actual() float64 {
	cost := 0.0
	for job, node := range s.node {
		if int(node) < s.Nodes {
			cost += s.Cost[job*s.Nodes+int(node)]
		}
	}
	return cost
}
