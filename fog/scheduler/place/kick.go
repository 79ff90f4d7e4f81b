package place

const (
	kickNodes = 3  // nodes that a kick takes jobs from
	kickJobs  = 30 // jobs that it takes at most
)

// kick takes the jobs off a few related nodes, puts them back one by one in a random order, improves each, and undoes all of it unless
// the weighted sum fell: the large neighbourhood search of Shaw, "Using constraint programming and local search methods to solve
// vehicle routing problems" (CP 1998), with nodes related by a job that would rather be there. It reports a gain.
func (s *search) kick() bool {
	s.ruin()
	if len(s.out) == 0 {
		return false
	}
	before := s.value
	s.journal, s.logging = s.journal[:0], true
	for _, j := range s.out {
		s.remove(j)
		s.forget(j)
	}
	whole := s.recreate()
	s.logging = false
	if whole && s.value < before-float64(s.eps) {
		return true
	}
	s.rewind()
	s.value = before
	return false
}

// ruin picks the jobs: those of a random job's node and of nodes where that job would be better off, if only there were room.
func (s *search) ruin() {
	s.out = s.out[:0]
	j := int32(s.r.IntN(len(s.at)))
	if s.at[j] < 0 {
		return
	}
	n := s.m.node[s.at[j]]
	s.wish(j, n, s.cost[s.at[j]])
	s.gather(n)
	for range kickNodes - 1 {
		if len(s.wishes) == 0 {
			s.gather(int32(s.r.IntN(len(s.count))))
			continue
		}
		w, last := s.r.IntN(len(s.wishes)), len(s.wishes)-1
		s.gather(s.m.node[s.wishes[w]])
		s.wishes[w] = s.wishes[last]
		s.wishes = s.wishes[:last]
	}
}

// gather adds the jobs of a node unless they are there already.
func (s *search) gather(n int32) {
	for _, j := range s.out {
		if s.m.node[s.at[j]] == n {
			return
		}
	}
	for j := s.head[n]; j >= 0 && len(s.out) < kickJobs; j = s.next[j] {
		s.out = append(s.out, j)
	}
}

// recreate places the jobs again and improves each; it reports false when one of them found no room.
func (s *search) recreate() bool {
	for i := range s.out {
		k := i + s.r.IntN(len(s.out)-i)
		s.out[i], s.out[k] = s.out[k], s.out[i]
		pair, _ := s.scan(s.out[i], -1, full)
		if pair < 0 {
			return false
		}
		s.insert(s.out[i], pair)
	}
	for _, j := range s.out {
		s.improve(j)
	}
	return true
}

// rewind undoes all removals and insertions since the journal began, the last first.
func (s *search) rewind() {
	for i := len(s.journal) - 2; i >= 0; i -= 2 {
		j, old := s.journal[i], s.journal[i+1]
		if s.at[j] >= 0 {
			s.remove(j)
		}
		s.insert(j, old)
		s.forget(j)
	}
}
