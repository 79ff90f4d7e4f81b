package place

// improve moves a job to the node where it costs least or, when better nodes are full, pushes one of their jobs out or swaps with it.
// An unplaced job goes wherever it fits. It reports a gain.
func (s *search) improve(j int32) bool {
	if s.at[j] < 0 {
		k, _ := s.scan(j, -1, full)
		if k >= 0 {
			s.insert(j, k)
		}
		return k >= 0
	}
	old := s.remove(j)
	here := s.m.node[old]
	own := s.price(j, old)
	k, c := s.scan(j, here, full)
	if k >= 0 && c < own-s.eps {
		s.insert(j, k)
		s.forget(j)
		return true
	}
	s.insert(j, old)
	s.alt[j], s.loss[j] = k, c-own
	s.least[here] = min(s.least[here], s.loss[j])
	s.wish(j, here, own-s.eps)
	return len(s.wishes) > 0 && (s.push(j, own) || s.swap(j))
}

// push looks for a full node where job j is better off and a job i there whose other node, found by its own last scan, costs less than j
// saves; and makes the best such move.
func (s *search) push(j int32, own float32) bool {
	m := s.m
	gain, out, to := s.eps, int32(-1), int32(-1)
	demand := s.demand(j)
	for _, k := range s.wishes {
		n := m.node[k]
		save := own - s.cost[k]
		if save <= s.least[n] {
			continue
		}
		room, least := s.room(n), float32(full)
		for i := s.head[n]; i >= 0; i = s.next[i] {
			least = min(least, s.loss[i])
			if save-s.loss[i] > gain && frees(room, s.demand(i), demand) {
				gain, out, to = save-s.loss[i], i, k
			}
		}
		s.moves += int64(s.count[n])
		s.least[n] = least
	}
	return out >= 0 && s.shift(j, to, out)
}

// frees reports that a demand fits once another has left.
func frees(room, leaves, comes []int64) bool {
	for d, x := range comes {
		if room[d]+leaves[d] < x {
			return false
		}
	}
	return true
}

// shift moves job j to pair k and job i, which is in its way, to its other node, if that still gains: what i knew may be out of date.
func (s *search) shift(j, k, i int32) bool {
	a, b := s.remove(j), s.remove(i)
	before := s.price(j, a)
	s.insert(j, a)
	before += s.price(i, b)
	s.remove(j)
	after := s.price(j, k)
	s.insert(j, k)
	other := s.alt[i]
	s.forget(i)
	if fits(s.room(s.m.node[other]), s.demand(i)) && after+s.price(i, other) < before-s.eps {
		s.insert(i, other)
		s.forget(j)
		return true
	}
	s.remove(j)
	s.insert(j, a)
	s.insert(i, b)
	return false
}

// swap tries job j against the jobs of the full nodes where it is better off and makes the best swap that gains.
func (s *search) swap(j int32) bool {
	m := s.m
	from := s.at[j]
	x, demand := m.node[from], s.demand(j)
	here := s.room(x)
	gain, with, to, back := s.eps, int32(-1), int32(-1), int32(-1)
	for _, k := range s.wishes {
		n := m.node[k]
		save, there := s.cost[from]-s.cost[k], s.room(n)
		s.moves += int64(s.count[n])
		for i := s.head[n]; i >= 0; i = s.next[i] {
			b := m.pair(i, x)
			if b < 0 {
				continue
			}
			g := save + s.cost[s.at[i]] - s.cost[b]
			if s.load != nil {
				g -= float32(s.load.exchange(n, demand, s.demand(i)) + s.load.exchange(x, s.demand(i), demand))
			}
			if g > gain && frees(there, s.demand(i), demand) && frees(here, demand, s.demand(i)) {
				gain, with, to, back = g, i, k, b
			}
		}
	}
	if with < 0 {
		return false
	}
	s.remove(j)
	s.remove(with)
	s.insert(j, to)
	s.insert(with, back)
	s.forget(j)
	s.forget(with)
	return true
}

// closing empties nodes whose jobs cost less elsewhere than their own cost and the node's charge, and returns the number emptied.
func (s *search) closing() int {
	gains := 0
	for n := range int32(len(s.count)) {
		if n%patience == 0 && s.late() {
			break
		}
		if s.count[n] > 0 && s.fix[n] > s.eps && s.vacate(n) {
			gains++
		}
	}
	return gains
}

// vacate moves all jobs of a node to their best other nodes if that gains.
func (s *search) vacate(n int32) bool {
	before, gain := s.value, s.fix[n]-s.eps
	s.journal, s.logging = s.journal[:0], true
	for j := s.head[n]; j >= 0; j = s.head[n] {
		old := s.remove(j)
		own := s.price(j, old) - s.unlock(n)
		k, c := s.scan(j, n, own+gain)
		if k < 0 {
			s.logging = false
			s.rewind()
			s.value = before
			return false
		}
		s.insert(j, k)
		s.forget(j)
		gain -= c - own
	}
	s.logging = false
	return true
}

// opening opens empty nodes that draw enough jobs to pay their charge, and returns the number opened. No move of a single job gets
// there: the first one would pay the whole charge.
func (s *search) opening() int {
	gains := 0
	for n := range int32(len(s.count)) {
		if n%patience == 0 && s.late() {
			break
		}
		if s.count[n] == 0 && s.attract(n) {
			gains++
		}
	}
	return gains
}

// attract moves to an empty node the jobs that gain by it more than their share of its charge by room in the first dimension, as far as
// they fit, if together they gain more than the charge.
func (s *search) attract(n int32) bool {
	m := s.m
	s.spare = append(s.spare[:0], s.room(n)...)
	if s.spare[0] <= 0 {
		return false
	}
	per, gain := s.fix[n]/float32(s.spare[0]), -s.fix[n]
	s.undo = s.undo[:0]
	s.moves += int64(m.column(n))
	for i := range m.column(n) {
		j, k := m.visitor(n, i)
		from := s.at[j]
		if from < 0 {
			continue
		}
		demand := s.demand(j)
		g := s.cost[from] - s.cost[k]
		if g <= per*float32(demand[0]) || !fits(s.spare, demand) {
			continue
		}
		take(s.spare, demand)
		gain += g
		s.undo = append(s.undo, j, k)
	}
	if gain <= s.eps {
		return false
	}
	return s.draw()
}

// draw makes the moves that attract found, and takes them back if the balance term makes them a loss after all.
func (s *search) draw() bool {
	before := s.value
	s.journal, s.logging = s.journal[:0], true
	for i := 0; i < len(s.undo); i += 2 {
		j := s.undo[i]
		s.remove(j)
		s.insert(j, s.undo[i+1])
		s.forget(j)
	}
	s.logging = false
	if s.value < before-float64(s.eps) {
		return true
	}
	s.rewind()
	s.value = before
	return false
}
