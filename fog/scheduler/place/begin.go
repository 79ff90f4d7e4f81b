package place

import (
	"cmp"
	"slices"
)

// begin offers the plans that need no search: a Greedy for each profile, the plan in which nobody moves, which it returns, and the
// warm starts. Then, if jobs are left without a node, it makes room.
func (s *chain) begin() Plan {
	p := s.m.p
	g := newGreedy(p)
	for _, w := range s.c.Profiles {
		s.archive.offer(g.run(w, s.c.Scale))
	}
	stay := stay(p, s.c)
	if stay.Assign != nil {
		s.archive.offer(stay.Assign)
	}
	if len(s.c.Warm) == 0 && !s.archive.incomplete() {
		return stay
	}
	w := s.worker(0)
	w.weigh(s.c.Profiles[0], nil)
	for _, assign := range s.c.Warm {
		w.set(p.legal(assign))
		w.house()
		s.archive.offer(w.assignment())
	}
	if s.archive.incomplete() {
		w.set(s.archive.start(s.c.Profiles[0]))
		w.house()
		s.archive.offer(w.assignment())
	}
	return stay
}

// stay places the jobs that do not run yet as Greedy does, and leaves the others where they are as far as they may stay there.
func stay(whole *Problem, c Config) Plan {
	p := *whole
	if p.Start == nil {
		return Plan{}
	}
	p.Pinned = make([]bool, p.Jobs)
	running := false
	for j, n := range p.Start {
		if n >= 0 {
			running = true
			p.Pinned[j] = whole.pinned(j) || p.allows(j, n)
		}
	}
	if !running {
		return Plan{}
	}
	return Greedy(&p, c.Profiles[0], c.Scale)
}

// legal copies an assignment without the places that its jobs may not have; where a node is too full, the better tiers stay, and of a
// tier the larger jobs.
func (p *Problem) legal(assign []int32) []int32 {
	out := make([]int32, p.Jobs)
	free := slices.Clone(p.Free)
	for _, j := range p.ranked() {
		out[j] = -1
		n := assign[j]
		if p.pinned(int(j)) {
			n = p.start(int(j))
		}
		if n < 0 || int(n) >= p.Nodes || !p.allows(int(j), n) {
			continue
		}
		if room := free[int(n)*p.Dims : (int(n)+1)*p.Dims]; fits(room, p.demand(int(j))) {
			take(room, p.demand(int(j)))
			out[j] = n
		}
	}
	return out
}

// house finds nodes for the unplaced jobs, tier after tier: where there is room; where one job can move on to make room; or, for a job of
// a better tier, in the place of jobs of lower tiers, which are then unplaced themselves and wait for their turn.
func (s *search) house() {
	for _, j := range s.m.p.ranked() {
		if s.at[j] >= 0 {
			continue
		}
		if k, _ := s.scan(j, -1, full); k >= 0 {
			s.insert(j, k)
			continue
		}
		if !s.squeeze(j) {
			s.evict(j)
		}
	}
}

// squeeze makes room for a job on one of its nodes by moving one job from there to a node that has room, at the least total cost.
func (s *search) squeeze(j int32) bool {
	m, demand := s.m, s.demand(j)
	least, to, out, other := float32(full), int32(-1), int32(-1), int32(-1)
	for k := m.row[j]; k < m.row[j+1]; k++ {
		n := m.node[k]
		for i := s.head[n]; i >= 0; i = s.next[i] {
			if !frees(s.room(n), s.demand(i), demand) {
				continue
			}
			if b, c := s.scan(i, n, least); b >= 0 && c+s.cost[k]-s.cost[s.at[i]] < least {
				least, to, out, other = c+s.cost[k]-s.cost[s.at[i]], k, i, b
			}
		}
	}
	if to < 0 {
		return false
	}
	s.remove(out)
	s.insert(out, other)
	s.insert(j, to)
	s.forget(out)
	return true
}

// evict puts a job in the place of jobs of lower tiers: where the best of those that must go is of the lowest tier, and where they are
// fewest.
func (s *search) evict(j int32) {
	m, p := s.m, s.m.p
	best, victims := int32(-1), []int32(nil)
	for k := m.row[j]; k < m.row[j+1]; k++ {
		out := s.victims(j, m.node[k])
		if out == nil {
			continue
		}
		if best < 0 || cmp.Or(-cmp.Compare(p.tier(int(out[len(out)-1])), p.tier(int(victims[len(victims)-1]))),
			cmp.Compare(len(out), len(victims))) < 0 {
			best, victims = k, out
		}
	}
	if best < 0 {
		return
	}
	for _, i := range victims {
		s.remove(i)
		s.forget(i)
	}
	s.insert(j, best)
}

// victims lists jobs of lower tiers that must leave a node to make room for a job, the lowest tier first and the largest of a tier; nil
// if all of them are not enough.
func (s *search) victims(j, n int32) []int32 {
	p := s.m.p
	var out []int32
	for i := s.head[n]; i >= 0; i = s.next[i] {
		if p.tier(int(i)) > p.tier(int(j)) && !p.pinned(int(i)) {
			out = append(out, i)
		}
	}
	slices.SortFunc(out, func(a, b int32) int {
		return cmp.Or(cmp.Compare(p.tier(int(b)), p.tier(int(a))), cmp.Compare(s.demand(b)[0], s.demand(a)[0]), cmp.Compare(a, b))
	})
	room := slices.Clone(s.room(n))
	for i, victim := range out {
		put(room, s.demand(victim))
		if fits(room, s.demand(j)) {
			return out[:i+1]
		}
	}
	return nil
}

// assignment returns the search's assignment in a slice of its own.
func (s *search) assignment() []int32 {
	assign := make([]int32, len(s.at))
	s.read(assign)
	return assign
}
