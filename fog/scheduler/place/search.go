package place

import "math/rand/v2"

// search is one worker's local search: an assignment, what follows from it, and the costs under one weight vector. Every change of
// the assignment goes through remove and insert, which keep room, open nodes and lists in step in O(dimensions).
type search struct {
	m      *model
	r      *rand.Rand
	late   func() bool // the time or the context has ended
	factor []float32
	cost   []float32 // [allowed pair] combined under the weights
	fix    []float32 // [node] combined charge of a node in use
	eps    float32   // gains below it are rounding

	at    []int32            // [job] allowed pair in use, -1 for unplaced
	free  []int64            // [node][dimension]
	count []int32            // [node] jobs
	head  []int32            // [node] first of its jobs, -1
	next  []int32            // [job] next on the same node, -1
	prev  []int32            // [job] the one before, -1
	pen   [classes][]float32 // [class of job][node] full where not even the least of the class fits, else fix of an empty node or 0
	load  *load              // nil without a balance term

	alt    []int32   // [job] the best other pair with room when last looked for, -1 for unknown
	loss   []float32 // [job] what that would cost more, full for unknown
	least  []float32 // [node] no job there has a smaller loss
	wishes []int32   // pairs that would be better if only there were room, the cheapest first
	reach  int       // how many wishes are kept
	undo   []int32   // jobs and pairs of a trial

	value   float64 // weighted sum of the assignment, but for the part that does not change
	spare   []int64 // room left on a node that draws jobs
	out     []int32 // jobs of a kick
	journal []int32 // jobs and pairs removed while logging
	logging bool

	moves int64 // looked at so far
}

func newSearch(m *model) *search {
	p := m.p
	s := &search{
		m: m, factor: make([]float32, p.Objectives), cost: make([]float32, len(m.node)), fix: make([]float32, p.Nodes),
		at: make([]int32, p.Jobs), free: make([]int64, len(p.Free)), count: make([]int32, p.Nodes), head: make([]int32, p.Nodes),
		next: make([]int32, p.Jobs), prev: make([]int32, p.Jobs), load: newLoad(p),
		alt: make([]int32, p.Jobs), loss: make([]float32, p.Jobs), least: make([]float32, p.Nodes),
	}
	for q := range s.pen {
		s.pen[q] = make([]float32, p.Nodes)
	}
	return s
}

// weigh combines the costs under a weight vector over the scaled objectives. With boost, the costs of each tier's own jobs are
// multiplied by its boost, and what jobs share by the last one.
func (s *search) weigh(weights []float64, boost []float32) {
	m := s.m
	for o, w := range weights {
		s.factor[o] = float32(w)
	}
	combine(s.cost, m.cost, s.factor)
	combine(s.fix, m.fixed, s.factor)
	shared := 1.0
	if boost != nil {
		last := boost[len(boost)-1]
		shared = float64(last)
		for n := range s.fix {
			s.fix[n] *= last
		}
		for j := range s.at {
			b := boost[m.p.tier(j)]
			for k := m.row[j]; k < m.row[j+1]; k++ {
				s.cost[k] *= b
			}
		}
	}
	if s.load != nil {
		o := m.p.Balance.Objective
		s.load.factor = shared * weights[o] / m.scale[o]
	}
}

// combine writes the weighted sum of columns. Four columns, the study's number, take one round through memory, others one each.
func combine(dst []float32, columns [][]float32, factor []float32) {
	if len(columns) == 4 {
		a, b, c, d := columns[0][:len(dst)], columns[1][:len(dst)], columns[2][:len(dst)], columns[3][:len(dst)]
		w, x, y, z := factor[0], factor[1], factor[2], factor[3]
		for i := range dst {
			dst[i] = w*a[i] + x*b[i] + y*c[i] + z*d[i]
		}
		return
	}
	clear(dst)
	for o, column := range columns {
		f := factor[o]
		for i, c := range column[:len(dst)] {
			dst[i] += f * c
		}
	}
}

// set puts the search on a feasible assignment.
func (s *search) set(assign []int32) {
	copy(s.free, s.m.p.Free)
	clear(s.count)
	if s.load != nil {
		s.load.reset(s.load.factor)
	}
	for n := range s.head {
		s.head[n], s.least[n] = -1, full
		s.refresh(int32(n))
	}
	for j := range s.at {
		s.at[j] = -1
		s.forget(int32(j))
	}
	total := float32(0)
	s.value = 0
	for j, n := range assign {
		if n >= 0 {
			k := s.m.pair(int32(j), n)
			s.insert(int32(j), k)
			total += max(s.cost[k], -s.cost[k])
		}
	}
	s.eps = 1e-6 * total / float32(max(1, len(assign)))
}

// read writes the assignment.
func (s *search) read(assign []int32) {
	for j, k := range s.at {
		assign[j] = -1
		if k >= 0 {
			assign[j] = s.m.node[k]
		}
	}
}

// insert puts an unplaced job on the node of a pair.
func (s *search) insert(j, k int32) {
	n := s.m.node[k]
	s.value += float64(s.price(j, k))
	s.at[j] = k
	s.next[j], s.prev[j] = s.head[n], -1
	if s.head[n] >= 0 {
		s.prev[s.head[n]] = j
	}
	s.head[n] = j
	s.count[n]++
	room, demand := s.room(n), s.demand(j)
	for d, q := range demand {
		room[d] -= q
	}
	if s.load != nil {
		s.load.add(n, demand, 1)
	}
	s.refresh(n)
}

// remove takes a job off its node and returns the pair.
func (s *search) remove(j int32) int32 {
	k := s.at[j]
	n := s.m.node[k]
	s.at[j] = -1
	if s.prev[j] >= 0 {
		s.next[s.prev[j]] = s.next[j]
	} else {
		s.head[n] = s.next[j]
	}
	if s.next[j] >= 0 {
		s.prev[s.next[j]] = s.prev[j]
	}
	s.count[n]--
	room, demand := s.room(n), s.demand(j)
	for d, q := range demand {
		room[d] += q
	}
	if s.load != nil {
		s.load.add(n, demand, -1)
	}
	s.refresh(n)
	s.value -= float64(s.price(j, k))
	if s.logging {
		s.journal = append(s.journal, j, k)
	}
	return k
}

// refresh sets the charges of a node after its jobs have changed.
func (s *search) refresh(n int32) {
	charge := s.unlock(n)
	room := s.room(n)
	dims := len(room)
	for q := range s.pen {
		c := charge
		for d, x := range s.m.floor[q*dims : q*dims+dims] {
			if x > room[d] && x > 0 {
				c = full
			}
		}
		s.pen[q][n] = c
	}
}

// forget drops what was known of a job's other node.
func (s *search) forget(j int32) { s.alt[j], s.loss[j] = -1, full }

// room is what a node has free now.
func (s *search) room(n int32) []int64 {
	d := s.m.p.Dims
	return s.free[int(n)*d : int(n)*d+d]
}

// demand of a job.
func (s *search) demand(j int32) []int64 {
	d := s.m.p.Dims
	return s.m.p.Demand[int(j)*d : int(j)*d+d]
}

// unlock is the charge for the first job of a node.
func (s *search) unlock(n int32) float32 {
	if s.count[n] == 0 {
		return s.fix[n]
	}
	return 0
}

// price is what the weighted sum rises by when an unplaced job is put on a pair.
func (s *search) price(j, k int32) float32 {
	n := s.m.node[k]
	c := s.cost[k] + s.unlock(n)
	if s.load != nil {
		c += float32(s.load.delta(n, s.demand(j)))
	}
	return c
}

// scan finds the cheapest pair with room for an unplaced job, but for one node; -1 if none costs less than limit.
func (s *search) scan(j, ban int32, limit float32) (int32, float32) {
	m := s.m
	lo, hi := m.row[j], m.row[j+1]
	s.moves += int64(hi - lo)
	cost, pen, demand := s.cost[lo:hi], s.pen[m.class[j]], s.demand(j)
	node := m.node[lo:hi][:len(cost)]
	best := int32(-1)
	for i, c := range cost {
		n := node[i]
		if c += pen[n]; c >= limit || n == ban {
			continue
		}
		if s.load != nil {
			if c += float32(s.load.delta(n, demand)); c >= limit {
				continue
			}
		}
		if fits(s.room(n), demand) {
			best, limit = lo+int32(i), c
		}
	}
	return best, limit
}

// wish gathers the pairs that would cost an unplaced job less than limit if only there were room, but for one node: the cheapest few.
func (s *search) wish(j, ban int32, limit float32) {
	m := s.m
	lo, hi := m.row[j], m.row[j+1]
	s.moves += int64(hi - lo)
	s.wishes = s.wishes[:0]
	demand := s.demand(j)
	for k := lo; k < hi; k++ {
		c, n := s.cost[k], m.node[k]
		if c >= limit || n == ban || s.count[n] == 0 || fits(s.room(n), demand) {
			continue
		}
		if len(s.wishes) < s.reach {
			s.wishes = append(s.wishes, k)
		}
		at := len(s.wishes) - 1
		for ; at > 0 && s.cost[s.wishes[at-1]] > c; at-- {
			s.wishes[at] = s.wishes[at-1]
		}
		s.wishes[at] = k
		if len(s.wishes) == s.reach {
			limit = s.cost[s.wishes[s.reach-1]]
		}
	}
}
